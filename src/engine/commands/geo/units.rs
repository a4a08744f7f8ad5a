//! Units of distance.

use crate::args::Args;
use crate::command::Argument;
use crate::error::CommandError;

/// A unit, by its length in metres.
#[derive(Clone, Copy)]
pub(super) struct Unit(f64);

impl Unit {
    pub(super) const METRE: Self = Self(1.0);

    pub(super) const ARGUMENT: Argument = Argument::one_of(
        "unit",
        &[
            Argument::word("m", "M"),
            Argument::word("km", "KM"),
            Argument::word("ft", "FT"),
            Argument::word("mi", "MI"),
        ],
    );

    pub(super) fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        for (word, metres) in [("M", 1.0), ("KM", 1000.0), ("FT", 0.3048), ("MI", 1609.34)] {
            if args.accept(word) {
                return Ok(Self(metres));
            }
        }
        Err(CommandError::UnknownUnit)
    }

    pub(super) fn to_metres(self, distance: f64) -> f64 {
        distance * self.0
    }

    pub(super) fn of_metres(self, distance_m: f64) -> f64 {
        distance_m / self.0
    }
}
