//! Commands on keys of any type.
//!
//! - `keys` being there, removing, touching · `moving` RENAME, COPY, MOVE
//! - `listing` KEYS, SCAN, RANDOMKEY · `object` OBJECT · `dump` DUMP, RESTORE
//! - `sort`, `sort_options`, `sort_patterns` SORT

mod dump;
mod keys;
mod listing;
mod moving;
mod object;
mod sort;
mod sort_options;
mod sort_patterns;

use crate::command::Command;
use crate::execute::Handler;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    keys::DEL,
    keys::UNLINK,
    keys::EXISTS,
    keys::TOUCH,
    keys::TYPE,
    moving::RENAME,
    moving::RENAMENX,
    moving::COPY,
    moving::MOVE,
    listing::RANDOMKEY,
    listing::KEYS,
    listing::SCAN,
    object::OBJECT,
    dump::DUMP,
    dump::RESTORE,
    sort::SORT,
    sort::SORT_RO,
];

#[cfg(test)]
mod dump_tests;
#[cfg(test)]
mod sort_tests;
#[cfg(test)]
mod tests;
