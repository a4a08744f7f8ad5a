//! Every command that clients can send: the engine's families and the server's own, found by name.
//! `COMMAND`, ACL and statistics read the same entries.

use std::cell::Cell;

use holdfast_engine::Handler;
use holdfast_engine::command::{Command, Flags, Spec};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::commands::{self, ServerHandler};
use crate::latency::histogram::Histogram;

/// Longest command name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// What runs a command.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// The engine, on the keyspace.
    Engine(Handler),
    /// The server.
    Server(ServerHandler),
}

/// One command, or one subcommand.
#[derive(Debug)]
pub struct Registered {
    /// Its facts.
    pub spec: &'static Spec,
    /// `get`, or `config|get` for a subcommand.
    pub full_name: &'static str,
    /// How many of its words are names.
    pub name_words: usize,
    /// What runs it.
    pub run: Run,
    /// Its subcommands, in the order of their definition.
    pub subcommands: Vec<Registered>,
    /// How often it ran, for `INFO commandstats`.
    pub calls: Calls,
}

/// Counters of one command.
#[derive(Debug, Default)]
pub struct Calls {
    /// How often it ran.
    pub count: Cell<u64>,
    /// Microseconds that it took in all.
    pub micros: Cell<u64>,
    /// How often it was refused before it ran.
    pub rejected: Cell<u64>,
    /// How often it answered an error.
    pub failed: Cell<u64>,
    /// How long it took.
    pub durations: Histogram,
}

impl Calls {
    /// Starts counting anew (`CONFIG RESETSTAT`).
    pub fn reset(&self) {
        for counter in [&self.count, &self.micros, &self.rejected, &self.failed] {
            counter.set(0);
        }
        self.durations.reset();
    }
}

impl Registered {
    /// Whether the command has all of these flags.
    pub const fn has(&self, flags: Flags) -> bool {
        self.spec.flags.has(flags)
    }

    /// Whether it is only a name for its subcommands.
    pub fn is_container(&self) -> bool {
        !self.subcommands.is_empty()
    }

    fn of<R: Copy>(
        command: &'static Command<R>,
        container: Option<&'static str>,
        run: &impl Fn(R) -> Run,
    ) -> Self {
        let name = command.spec.name;
        // Made once for each subcommand when the process starts, and kept for its life.
        let full_name = container.map_or(name, |container| {
            Box::leak(format!("{container}|{name}").into_boxed_str())
        });
        Self {
            spec: &command.spec,
            full_name,
            name_words: if container.is_some() { 2 } else { 1 },
            run: run(command.run),
            subcommands: command
                .subcommands
                .iter()
                .map(|subcommand| Self::of(subcommand, Some(name), run))
                .collect(),
            calls: Calls::default(),
        }
    }
}

/// The result of looking a command line up.
#[derive(Clone, Copy, Debug)]
pub enum Found<'r> {
    /// This runs it.
    Command(&'r Registered),
    /// No command has this name.
    UnknownCommand,
    /// The container is known, its subcommand is not.
    UnknownSubcommand(&'r Registered),
}

/// All commands by name.
#[derive(Debug)]
pub struct Registry {
    all: Vec<Registered>,
    by_name: HashMap<&'static [u8], usize, BuildHasherDefault<NameHasher>>,
}

/// Hashes the names of commands. They are ours, so nobody can choose some that collide.
#[derive(Clone, Copy, Debug, Default)]
pub struct NameHasher(u64);

impl NameHasher {
    fn add(&mut self, word: u64) {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(29) ^ word).wrapping_mul(SPREAD);
    }
}

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let last = rest
            .iter()
            .fold(0, |last, &byte| last << 8 | u64::from(byte));
        self.add(last);
    }

    fn write_usize(&mut self, len: usize) {
        self.add(len as u64);
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// Every family of the engine and of the server.
    pub fn new() -> Self {
        let engine = holdfast_engine::commands::FAMILIES
            .iter()
            .flat_map(|family| family.iter());
        let server = commands::FAMILIES.iter().flat_map(|family| family.iter());
        let all: Vec<_> = engine
            .map(|command| Registered::of(command, None, &Run::Engine))
            .chain(server.map(|command| Registered::of(command, None, &Run::Server)))
            .collect();
        let by_name = all
            .iter()
            .enumerate()
            .map(|(at, command)| (command.spec.name.as_bytes(), at))
            .collect();
        Self { all, by_name }
    }

    /// Every command, in the order of the families.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.all.iter()
    }

    /// The command with this name, in any case.
    pub fn command(&self, name: &[u8]) -> Option<&Registered> {
        let mut lower = [0; NAME_BYTES_MAX];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.all.get(*self.by_name.get(&*lower)?)
    }

    /// What runs a command line.
    pub fn find(&self, arguments: &[&[u8]]) -> Found<'_> {
        let Some(command) = arguments.first().and_then(|name| self.command(name)) else {
            return Found::UnknownCommand;
        };
        if !command.is_container() {
            return Found::Command(command);
        }
        // Without a subcommand the container's own arity answers.
        let Some(wanted) = arguments.get(1) else {
            return Found::Command(command);
        };
        command
            .subcommands
            .iter()
            .find(|subcommand| wanted.eq_ignore_ascii_case(subcommand.spec.name.as_bytes()))
            .map_or(Found::UnknownSubcommand(command), Found::Command)
    }
}
