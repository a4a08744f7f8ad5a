//! The command families, and the table that finds a command by its name.
//!
//! One file a family; each ends in its list of constants. A subcommand is found by its container's
//! name and its own.

pub mod bitmap;
mod choose;
mod element;
pub mod expiry;
pub mod generic;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
mod index_range;
pub mod keyspace_commands;
pub mod list;
mod numbered_keys;
#[cfg(test)]
mod random_tests;
mod scan_options;
pub mod scripts;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
#[cfg(test)]
pub(crate) mod testing;
mod waiting;

use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

use crate::command::Command;
use crate::execute::Handler;

/// Every command of the engine, by family.
pub const FAMILIES: &[&[Command<Handler>]] = &[
    string::COMMANDS,
    generic::COMMANDS,
    expiry::COMMANDS,
    keyspace_commands::COMMANDS,
    hash::COMMANDS,
    list::COMMANDS,
    set::COMMANDS,
    sorted_set::COMMANDS,
    bitmap::COMMANDS,
    hyperloglog::COMMANDS,
    geo::COMMANDS,
    stream::COMMANDS,
];

/// Longest name that is looked up, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Finds commands by name, in any case.
#[derive(Debug)]
pub struct CommandTable {
    by_name: HashMap<
        &'static [u8],
        &'static Command<Handler>,
        std::hash::BuildHasherDefault<SipHasher13>,
    >,
}

impl Default for CommandTable {
    fn default() -> Self {
        let all = FAMILIES.iter().flat_map(|family| family.iter());
        let all = all.chain(scripts::EFFECTS);
        Self {
            by_name: all
                .map(|command| (command.spec.name.as_bytes(), command))
                .collect(),
        }
    }
}

impl CommandTable {
    /// The handler of a command line, and how many of its words are names.
    pub fn find(&self, arguments: &[&[u8]]) -> Option<(Handler, usize)> {
        let command = self.command(arguments.first()?)?;
        if command.subcommands.is_empty() {
            return Some((command.run, 1));
        }
        let wanted = arguments.get(1)?;
        let subcommand = command
            .subcommands
            .iter()
            .find(|subcommand| wanted.eq_ignore_ascii_case(subcommand.spec.name.as_bytes()))?;
        Some((subcommand.run, 2))
    }

    /// The command with this name.
    pub fn command(&self, name: &[u8]) -> Option<&'static Command<Handler>> {
        let mut lower = [0; NAME_BYTES_MAX];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.by_name.get(&*lower).copied()
    }
}
