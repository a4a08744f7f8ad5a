//! Which way a walk through an ordered value goes.

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first element, or the lowest score, up.
    Forward,
    /// From the last element, or the highest score, down.
    Backward,
}
