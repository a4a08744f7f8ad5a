//! Circles and boxes around a place, and the cells that cover them.

use super::cell::{Cell, STEPS_MAX};
use super::sphere::{degrees_along, degrees_of, distance_m};
use super::{LATITUDE_MAX, Place};

/// Half of the map's width at the equator, in metres, as a square map has it.
const MAP_M: f64 = 20_037_726.37;

/// What is searched around a place; metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A circle.
    Circle {
        /// From the place to its edge.
        radius_m: f64,
    },
    /// A box whose sides run north and east.
    Box {
        /// From west to east.
        width_m: f64,
        /// From south to north.
        height_m: f64,
        /// From the place to a corner.
        corner_m: f64,
    },
}

/// A shape on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Its middle.
    pub centre: Place,
    /// What it is.
    pub shape: Shape,
}

/// Edges in degrees.
#[derive(Clone, Copy)]
struct Bounds {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Area {
    /// How far from its middle a place is, in metres, if it lies within.
    pub fn distance_within(&self, place: Place) -> Option<f64> {
        match self.shape {
            Shape::Circle { radius_m } => {
                let distance = distance_m(self.centre, place);
                (distance <= radius_m).then_some(distance)
            }
            Shape::Box {
                width_m, height_m, ..
            } => {
                let south_or_north = Place {
                    longitude: place.longitude,
                    ..self.centre
                };
                let west_or_east = Place {
                    latitude: place.latitude,
                    ..self.centre
                };
                let is_within = distance_m(place, south_or_north) <= height_m / 2.0
                    && distance_m(place, west_or_east) <= width_m / 2.0;
                is_within.then(|| distance_m(self.centre, place))
            }
        }
    }

    /// The cells that cover it, in the order in which they are searched: the one in the middle and
    /// those around it that are needed.
    pub fn cells(&self) -> Vec<Cell> {
        let bounds = self.bounds();
        let mut steps = self.steps();
        let mut middle = Cell::of(self.centre, steps, LATITUDE_MAX);
        if steps > 1 && !reaches(middle, bounds) {
            steps -= 1;
            middle = Cell::of(self.centre, steps, LATITUDE_MAX);
        }
        let mut cells = vec![middle];
        for (east, north) in [
            (0, 1),
            (0, -1),
            (1, 0),
            (-1, 0),
            (1, 1),
            (-1, 1),
            (1, -1),
            (-1, -1),
        ] {
            // On the coarsest grid all cells are neighbours in more than one direction.
            if steps >= 2 && is_needless(middle, bounds, east, north) {
                continue;
            }
            let cell = middle.beside(east, north);
            // Two directions may lead to the same cell around the edge of the map. Redis passes over
            // it only directly after the other one, which is where it always comes, and counts the
            // middle as no cell before.
            if cells.len() == 1 || cells.last() != Some(&cell) {
                cells.push(cell);
            }
        }
        cells
    }

    fn bounds(&self) -> Bounds {
        let (half_width_m, half_height_m) = match self.shape {
            Shape::Circle { radius_m } => (radius_m, radius_m),
            Shape::Box {
                width_m, height_m, ..
            } => (width_m / 2.0, height_m / 2.0),
        };
        let Place {
            longitude,
            latitude,
        } = self.centre;
        let rows = degrees_of(half_height_m);
        // A degree of longitude is shortest on the side of the pole.
        let columns = if latitude < 0.0 {
            degrees_along(half_width_m, latitude - rows)
        } else {
            degrees_along(half_width_m, latitude + rows)
        };
        Bounds {
            west: longitude - columns,
            east: longitude + columns,
            south: latitude - rows,
            north: latitude + rows,
        }
    }

    /// How fine the grid may be for nine cells to cover the shape.
    fn steps(&self) -> u32 {
        let mut reach_m = match self.shape {
            Shape::Circle { radius_m } => radius_m,
            Shape::Box { corner_m, .. } => corner_m,
        };
        if reach_m == 0.0 {
            return STEPS_MAX;
        }
        let mut steps = 1_i32;
        while reach_m < MAP_M {
            reach_m *= 2.0;
            steps += 1;
        }
        // Two less, so that the shape is covered mostly; less again where meridians are close.
        steps -= 2;
        let latitude = self.centre.latitude.abs();
        steps -= i32::from(latitude > 66.0) + i32::from(latitude > 80.0);
        u32::try_from(steps.max(1)).map_or(STEPS_MAX, |steps| steps.min(STEPS_MAX))
    }
}

/// Whether the cells around one reach the edges in all four directions.
fn reaches(middle: Cell, bounds: Bounds) -> bool {
    let north = middle.beside(0, 1).latitudes().1;
    let south = middle.beside(0, -1).latitudes().0;
    let east = middle.beside(1, 0).longitudes().1;
    let west = middle.beside(-1, 0).longitudes().0;
    let falls_short =
        north < bounds.north || south > bounds.south || east < bounds.east || west > bounds.west;
    !falls_short
}

/// Whether the cell in the middle reaches farther than the shape on this side.
fn is_needless(middle: Cell, bounds: Bounds, east: i8, north: i8) -> bool {
    let (west_edge, east_edge) = middle.longitudes();
    let (south_edge, north_edge) = middle.latitudes();
    (north < 0 && south_edge < bounds.south)
        || (north > 0 && north_edge > bounds.north)
        || (east < 0 && west_edge < bounds.west)
        || (east > 0 && east_edge > bounds.east)
}
