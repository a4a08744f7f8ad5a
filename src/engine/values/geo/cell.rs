//! Cells of the grid: with each step, a cell is cut into four.

use super::{LATITUDE_MAX, LONGITUDE_MAX, Place};

/// Steps of the finest grid, which scores are of.
pub const STEPS_MAX: u32 = 26;

/// The bits of a cell's number that are its longitude's; the others are its latitude's.
const LONGITUDE_BITS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const LATITUDE_BITS: u64 = !LONGITUDE_BITS;

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its number: bits of latitude and longitude in turns, the lowest one of the latitude.
    pub bits: u64,
    /// How fine its grid is.
    pub steps: u32,
}

impl Cell {
    /// The cell of a place, in a grid whose latitudes end at `latitude_max`.
    pub fn of(place: Place, steps: u32, latitude_max: f64) -> Self {
        let cells = (1_u64 << steps) as f64;
        let column = (place.longitude + LONGITUDE_MAX) / (LONGITUDE_MAX + LONGITUDE_MAX);
        let row = (place.latitude + latitude_max) / (latitude_max + latitude_max);
        let whole = |share: f64| (share * cells) as u32;
        Self {
            bits: spread(whole(row)) | spread(whole(column)) << 1,
            steps,
        }
    }

    /// The longitudes of its edges, west and east.
    pub fn longitudes(self) -> (f64, f64) {
        self.edges(gather(self.bits >> 1), LONGITUDE_MAX)
    }

    /// The latitudes of its edges, south and north.
    pub fn latitudes(self) -> (f64, f64) {
        self.edges(gather(self.bits), LATITUDE_MAX)
    }

    fn edges(self, index: u32, max: f64) -> (f64, f64) {
        let (cells, scale) = ((1_u64 << self.steps) as f64, max + max);
        let edge = |index: u32| -max + f64::from(index) / cells * scale;
        (edge(index), edge(index.wrapping_add(1)))
    }

    /// The lowest score of the places in it.
    pub fn first_score(self) -> f64 {
        self.aligned() as f64
    }

    /// The lowest score behind those of the places in it.
    pub fn end_score(self) -> f64 {
        let next = Self {
            bits: self.bits + 1,
            ..self
        };
        next.aligned() as f64
    }

    fn aligned(self) -> u64 {
        self.bits << (2 * (STEPS_MAX - self.steps))
    }

    /// The cell so many columns to the east and rows to the north, one at most, around the edge of
    /// the map if need be.
    pub fn beside(self, east: i8, north: i8) -> Self {
        Self {
            bits: self.moved(LONGITUDE_BITS, east) | self.moved(LATITUDE_BITS, north),
            steps: self.steps,
        }
    }

    /// The bits of an axis as a number of their own, one more or less. Those between them are set
    /// or cleared so that a carry or a borrow runs through.
    fn moved(self, axis: u64, by: i8) -> u64 {
        let unused = 64 - 2 * self.steps;
        let (own, others) = (self.bits & axis, !axis >> unused);
        let moved = match by {
            // The easternmost longitude of all lies in a column behind the last one. It stays.
            0 => return own,
            1.. => own.wrapping_add(others + 1),
            _ => (own | others).wrapping_sub(others + 1),
        };
        moved & axis >> unused
    }
}

/// Puts a zero above each bit.
fn spread(number: u32) -> u64 {
    [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, LATITUDE_BITS),
    ]
    .into_iter()
    .fold(u64::from(number), |bits, (distance, mask)| {
        (bits | bits << distance) & mask
    })
}

/// Takes every other bit, the lowest one included.
fn gather(bits: u64) -> u32 {
    let gathered = [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ]
    .into_iter()
    .fold(bits & LATITUDE_BITS, |bits, (distance, mask)| {
        (bits | bits >> distance) & mask
    });
    u32::try_from(gathered).expect("the last mask leaves 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_spread_and_gathered() {
        assert_eq!(spread(0b1011), 0b100_0101);
        assert_eq!(spread(u32::MAX), LATITUDE_BITS);
        for number in [0, 1, 0x1234_5678, 0xdead_beef, u32::MAX] {
            assert_eq!(gather(spread(number)), number);
            assert_eq!(gather(spread(number) | LONGITUDE_BITS), number);
        }
    }

    #[test]
    fn neighbours_wrap_around_the_map() {
        let at = |column: u32, row: u32| Cell {
            bits: spread(row) | spread(column) << 1,
            steps: 3,
        };
        assert_eq!(at(3, 4).beside(1, 0), at(4, 4));
        assert_eq!(at(3, 4).beside(-1, 0), at(2, 4));
        assert_eq!(at(3, 4).beside(0, 1), at(3, 5));
        assert_eq!(at(3, 4).beside(0, -1), at(3, 3));
        assert_eq!(at(3, 4).beside(0, 0), at(3, 4));
        assert_eq!(at(4, 3).beside(-1, 1), at(3, 4));
        assert_eq!(at(7, 7).beside(1, 1), at(0, 0));
        assert_eq!(at(0, 0).beside(-1, -1), at(7, 7));
    }
}
