//! Registers as runs of one or two bytes. How runs are split and joined is part of the format: the
//! same elements in the same order give the same bytes as in Redis.
//!
//! `00zzzzzz` is up to 64 zeros, `01zzzzzz zzzzzzzz` up to 16,384, `1vvvvvll` up to four times a
//! value up to 32; all numbers are kept less one.

use super::{Corrupt, HEADER_BYTES, REGISTERS_COUNT};

const SHORT_ZEROS_MAX: usize = 64;
const VALUE_MAX: u8 = 32;
const VALUES_MAX: usize = 4;
/// After a change, this many runs from the one before it on are looked at, and joined.
const JOIN_RUNS_MAX: usize = 5;

/// Registers that follow each other and are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Zeros.
    Zeros {
        /// How many.
        len: usize,
        /// How many bytes the run takes.
        bytes_len: usize,
    },
    /// A value; the run takes one byte.
    Value {
        /// The value.
        value: u8,
        /// How many times.
        len: usize,
    },
}

impl Run {
    fn read(body: &[u8], at: usize) -> Option<Self> {
        let first = *body.get(at)?;
        let low = usize::from(first & 0x3f);
        Some(match first >> 6 {
            0 => Self::Zeros {
                len: low + 1,
                bytes_len: 1,
            },
            1 => {
                // A run that is cut off reads as if a zero followed.
                let second = body.get(at + 1).copied().unwrap_or(0);
                Self::Zeros {
                    len: (low << 8 | usize::from(second)) + 1,
                    bytes_len: 2,
                }
            }
            _ => Self::Value {
                value: (first >> 2 & 0x1f) + 1,
                len: usize::from(first & 0x03) + 1,
            },
        })
    }

    /// How many registers it covers.
    pub const fn len(self) -> usize {
        match self {
            Self::Zeros { len, .. } | Self::Value { len, .. } => len,
        }
    }

    /// Never: a run covers at least one register.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    const fn bytes_len(self) -> usize {
        match self {
            Self::Zeros { bytes_len, .. } => bytes_len,
            Self::Value { .. } => 1,
        }
    }
}

/// The runs of a string without its header.
pub fn runs(body: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let run = Run::read(body, at)?;
        at += run.bytes_len();
        Some(run)
    })
}

/// Appends zeros.
pub(super) fn push_zeros(bytes: &mut Vec<u8>, len: usize) {
    let coded = u16::try_from(len - 1).expect("a run is no longer than all registers");
    let [high, low] = coded.to_be_bytes();
    if len > SHORT_ZEROS_MAX {
        bytes.extend_from_slice(&[0x40 | high, low]);
    } else {
        bytes.push(low);
    }
}

fn value_run(value: u8, len: usize) -> u8 {
    let len = u8::try_from(len - 1).expect("at most four values are in a run");
    0x80 | (value - 1) << 2 | len
}

/// What became of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was as high already.
    No,
    /// It is higher now.
    Yes,
    /// Nothing was done: the value, or the bytes, would be too many for runs.
    TooLong,
}

/// Where a run is: its first byte in the string and the first register that it covers.
#[derive(Clone, Copy)]
struct Found {
    run: Run,
    at: usize,
    first: usize,
    /// The first byte of the run before it, or of the run itself if it is the first.
    join_from: usize,
}

/// Raises a register; `bytes` is the string with its header.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    rank: u8,
    bytes_max: usize,
) -> Result<Raised, Corrupt> {
    if rank > VALUE_MAX {
        return Ok(Raised::TooLong);
    }
    let found = find(bytes, index).ok_or(Corrupt)?;
    match found.run {
        Run::Value { value, .. } if value >= rank => return Ok(Raised::No),
        Run::Value { len: 1, .. }
        | Run::Zeros {
            len: 1,
            bytes_len: 1,
        } => {
            bytes[found.at] = value_run(rank, 1);
        }
        run => {
            let parts = split(run, index - found.first, rank);
            let grown_len = bytes.len() + parts.len() - run.bytes_len();
            if parts.len() > run.bytes_len() && grown_len > bytes_max {
                return Ok(Raised::TooLong);
            }
            let end = (found.at + run.bytes_len()).min(bytes.len());
            bytes.splice(found.at..end, parts);
        }
    }
    join(bytes, found.join_from);
    Ok(Raised::Yes)
}

/// The run that covers a register.
fn find(bytes: &[u8], index: usize) -> Option<Found> {
    let (mut at, mut first, mut join_from) = (HEADER_BYTES, 0, HEADER_BYTES);
    debug_assert!(index < REGISTERS_COUNT, "there is no register {index}");
    loop {
        let run = Run::read(bytes, at)?;
        if index < first + run.len() {
            return Some(Found {
                run,
                at,
                first,
                join_from,
            });
        }
        join_from = at;
        at += run.bytes_len();
        first += run.len();
    }
}

/// The bytes that take the place of a run in which the register at `offset` is raised.
fn split(run: Run, offset: usize, rank: u8) -> Vec<u8> {
    let behind = run.len() - offset - 1;
    let mut parts = Vec::with_capacity(5);
    let push = |parts: &mut Vec<u8>, len: usize| {
        if len == 0 {
            return;
        }
        match run {
            Run::Zeros { .. } => push_zeros(parts, len),
            Run::Value { value, .. } => parts.push(value_run(value, len)),
        }
    };
    push(&mut parts, offset);
    parts.push(value_run(rank, 1));
    push(&mut parts, behind);
    parts
}

/// Joins neighbours of equal value, for a few runs from a place on.
fn join(bytes: &mut Vec<u8>, from: usize) {
    let mut at = from;
    for _ in 0..JOIN_RUNS_MAX {
        let Some(run) = Run::read(bytes, at) else {
            return;
        };
        let next = Run::read(bytes, at + run.bytes_len());
        let (
            Run::Value { value, len },
            Some(Run::Value {
                value: other,
                len: more,
            }),
        ) = (run, next)
        else {
            at += run.bytes_len();
            continue;
        };
        if value == other && len + more <= VALUES_MAX {
            bytes[at] = value_run(value, len + more);
            bytes.remove(at + 1);
        } else {
            at += 1;
        }
    }
}
