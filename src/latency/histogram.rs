//! The distribution of durations of one command: counts in cells whose width is a sixteenth of
//! their place, so that a percentile is right to about 6 %. Noting one is a shift and an increment;
//! the cells are allocated when a command runs for the first time.

use std::cell::{Cell, OnceCell};

/// Cells for each power of two.
const CELLS_PER_POWER: usize = 16;
const CELL_BITS: u32 = CELLS_PER_POWER.ilog2();
/// Longer durations count as this long: a bit over a second.
const NANOS_MAX: u64 = (1 << 30) - 1;
const CELLS: usize = (30 - CELL_BITS as usize + 1) * CELLS_PER_POWER;
/// The first boundary of LATENCY HISTOGRAM, as a power of two of nanoseconds: about a microsecond.
const FIRST_BOUNDARY_POWER: u32 = 10;
/// The widths by which Redis's histograms round boundaries up: a power of two over 128.
const BOUNDARY_WIDTH_BITS: u32 = 7;

/// Durations of one command.
#[derive(Debug, Default)]
pub struct Histogram {
    cells: OnceCell<Box<[Cell<u32>]>>,
    count: Cell<u64>,
}

impl Histogram {
    /// Notes one duration.
    #[inline]
    pub fn note(&self, nanos: u64) {
        let cells = self
            .cells
            .get_or_init(|| vec![Cell::new(0); CELLS].into_boxed_slice());
        if let Some(cell) = cells.get(cell_of(nanos)) {
            cell.set(cell.get().saturating_add(1));
        }
        self.count.set(self.count.get() + 1);
    }

    /// How many durations were noted.
    pub fn count(&self) -> u64 {
        self.count.get()
    }

    /// Forgets all.
    pub fn reset(&self) {
        if let Some(cells) = self.cells.get() {
            cells.iter().for_each(|cell| cell.set(0));
        }
        self.count.set(0);
    }

    /// How many durations were shorter than or equal to so many microseconds, at boundaries that
    /// double: those pairs only where the count grows, as LATENCY HISTOGRAM shows them.
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut pairs = Vec::new();
        let (mut seen, mut shown) = (0, 0);
        let mut power = FIRST_BOUNDARY_POWER;
        let cells = self.cells.get().map(AsRef::as_ref).unwrap_or_default();
        for (at, cell) in cells.iter().enumerate() {
            while first_of(at) >= 1 << power {
                if seen > shown {
                    pairs.push((boundary_micros(power), seen));
                    shown = seen;
                }
                power += 1;
            }
            seen += u64::from(cell.get());
        }
        if seen > shown {
            pairs.push((boundary_micros(power), seen));
        }
        pairs
    }

    /// The duration in microseconds under which so many percent of all lie.
    pub fn percentile_micros(&self, percent: f64) -> f64 {
        let wanted = (self.count() as f64 * percent / 100.0).ceil().max(1.0);
        let mut seen = 0.0;
        let cells = self.cells.get().map(AsRef::as_ref).unwrap_or_default();
        for (at, cell) in cells.iter().enumerate() {
            seen += f64::from(cell.get());
            if seen >= wanted {
                return (first_of(at + 1) - 1) as f64 / 1000.0;
            }
        }
        0.0
    }
}

/// The cell of a duration. Below 16 nanoseconds each has its own.
const fn cell_of(nanos: u64) -> usize {
    let nanos = if nanos > NANOS_MAX { NANOS_MAX } else { nanos };
    if nanos < CELLS_PER_POWER as u64 {
        return nanos as usize;
    }
    let power = nanos.ilog2() - CELL_BITS;
    let within = (nanos >> power) as usize - CELLS_PER_POWER;
    (power as usize + 1) * CELLS_PER_POWER + within
}

/// The shortest duration of a cell.
const fn first_of(cell: usize) -> u64 {
    let (row, within) = (cell / CELLS_PER_POWER, (cell % CELLS_PER_POWER) as u64);
    if row == 0 {
        return within;
    }
    (CELLS_PER_POWER as u64 + within) << (row - 1)
}

/// The name that Redis gives to the boundary at this power of two.
const fn boundary_micros(power: u32) -> u64 {
    ((1 << power) + (1 << (power - BOUNDARY_WIDTH_BITS)) - 1) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_cell() {
        for nanos in (0..5000).chain([NANOS_MAX - 1, NANOS_MAX]) {
            let cell = cell_of(nanos);
            assert!(first_of(cell) <= nanos, "{nanos} in {cell}");
            assert!(nanos < first_of(cell + 1), "{nanos} in {cell}");
        }
        assert_eq!(cell_of(u64::MAX), CELLS - 1);
    }

    #[test]
    fn boundaries_are_named_as_in_redis() {
        let names: Vec<_> = (10..22).map(boundary_micros).collect();
        assert_eq!(names, [1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113]);
    }

    #[test]
    fn counts_are_cumulative_and_shown_where_they_grow() {
        let histogram = Histogram::default();
        for micros in [3, 3, 20, 500_000] {
            histogram.note(micros * 1000);
        }
        assert_eq!(histogram.cumulative(), [(4, 2), (33, 3), (541_065, 4)]);
        assert_eq!(histogram.count(), 4);
        histogram.reset();
        assert_eq!(histogram.cumulative(), []);
    }

    #[test]
    fn percentiles_are_right_to_a_sixteenth() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|micros| histogram.note(micros * 1000));
        for (percent, micros) in [(50.0, 500.0), (99.0, 990.0), (100.0, 1000.0)] {
            let found = histogram.percentile_micros(percent);
            assert!(
                found >= micros && found <= micros * 1.07,
                "{percent}: {found}"
            );
        }
    }
}
