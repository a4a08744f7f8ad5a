//! Bitmaps: strings whose bits are set, counted, searched and combined, or read as numbers.
//!
//! - `bit` one bit · `search` counting and searching · `combine` BITOP
//! - `field` BITFIELD, which reads its arguments with `field_options` · `offset` positions of bits

mod bit;
mod combine;
mod field;
mod field_options;
mod offset;
mod search;

use crate::command::Command;
use crate::execute::Handler;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    bit::SETBIT,
    bit::GETBIT,
    search::BITCOUNT,
    search::BITPOS,
    combine::BITOP,
    field::BITFIELD,
    field::BITFIELD_RO,
];

#[cfg(test)]
mod tests;
