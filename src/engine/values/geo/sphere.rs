//! Distances on a ball the size of Earth.

use super::Place;

/// The radius of the ball, in metres.
const EARTH_RADIUS_M: f64 = 6_372_797.560_856;
const RADIANS_PER_DEGREE: f64 = std::f64::consts::PI / 180.0;

pub(super) fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_PER_DEGREE
}

/// The angle in degrees that a way of so many metres covers at the centre of Earth.
pub(super) fn degrees_of(metres: f64) -> f64 {
    metres / EARTH_RADIUS_M / RADIANS_PER_DEGREE
}

/// The same at a latitude, along its circle.
pub(super) fn degrees_along(metres: f64, latitude: f64) -> f64 {
    metres / EARTH_RADIUS_M / radians(latitude).cos() / RADIANS_PER_DEGREE
}

/// The distance between two places by the haversine formula, in metres.
pub fn distance_m(one: Place, two: Place) -> f64 {
    let (one_latitude, two_latitude) = (radians(one.latitude), radians(two.latitude));
    let across = ((radians(two.longitude) - radians(one.longitude)) / 2.0).sin();
    if across == 0.0 {
        return EARTH_RADIUS_M * (two_latitude - one_latitude).abs();
    }
    let along = ((two_latitude - one_latitude) / 2.0).sin();
    let half_chord_squared =
        along * along + one_latitude.cos() * two_latitude.cos() * across * across;
    2.0 * EARTH_RADIUS_M * half_chord_squared.sqrt().asin()
}
