//! Places on Earth as scores of a sorted set, and what lies within a shape.
//!
//! Called by the geo commands. A score is a cell of a grid of 2^26 by 2^26, its number made of the
//! bits of its latitude and longitude in turns: what is close has close scores nearly always. All
//! formulas and the order of their operations are those of Redis, so that distances, and which
//! members lie on the edge of a shape, come out the same to the last bit.
//!
//! Files: `cell` the grid, and cells beside each other · `sphere` distances · `shape` circles and
//! boxes, and the cells that cover them.

mod cell;
mod shape;
mod sphere;

pub use cell::{Cell, STEPS_MAX};
pub use shape::{Area, Shape};
pub use sphere::distance_m;

/// The largest latitude, and with a minus the smallest: that of a square map.
pub const LATITUDE_MAX: f64 = 85.051_128_78;
/// The largest longitude, and with a minus the smallest.
pub const LONGITUDE_MAX: f64 = 180.0;

/// A place, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// East of Greenwich.
    pub longitude: f64,
    /// North of the equator.
    pub latitude: f64,
}

impl Place {
    /// The place, if it is on the map.
    pub fn new(longitude: f64, latitude: f64) -> Option<Self> {
        let is_on_map = longitude.abs() <= LONGITUDE_MAX && latitude.abs() <= LATITUDE_MAX;
        is_on_map.then_some(Self {
            longitude,
            latitude,
        })
    }

    /// The score of the cell that it is in.
    pub fn score(self) -> f64 {
        Cell::of(self, STEPS_MAX, LATITUDE_MAX).first_score()
    }

    /// The middle of the cell that a score stands for. Any score stands for some cell.
    pub fn of_score(score: f64) -> Self {
        let cell = Cell {
            bits: bits_of(score),
            steps: STEPS_MAX,
        };
        let (west, east) = cell.longitudes();
        let (south, north) = cell.latitudes();
        let middle = |one: f64, two: f64, max: f64| ((one + two) / 2.0).clamp(-max, max);
        Self {
            longitude: middle(west, east, LONGITUDE_MAX),
            latitude: middle(south, north, LATITUDE_MAX),
        }
    }

    /// The place in the usual geohash alphabet and grid, whose latitudes reach the poles: eleven
    /// letters, the last of which is always 0 as there are bits for ten.
    pub fn geohash(self) -> [u8; 11] {
        const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = Cell::of(self, STEPS_MAX, 90.0).bits;
        std::array::from_fn(|at| {
            let index = 47_usize
                .checked_sub(5 * at)
                .map_or(0, |shift| bits >> shift & 0x1f);
            ALPHABET[usize::try_from(index).expect("five bits")]
        })
    }
}

/// A score as a whole number of 64 bits. What a sorted set holds beside places need not make sense,
/// but the same as in Redis: this is what the conversion does on the machines that it runs on.
fn bits_of(score: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    let truncated = |number: f64| {
        if (-HALF..HALF).contains(&number) {
            number as i64
        } else {
            i64::MIN
        }
    };
    if score < HALF {
        truncated(score).cast_unsigned()
    } else {
        truncated(score - HALF).cast_unsigned() ^ (1 << 63)
    }
}

#[cfg(test)]
mod tests;
