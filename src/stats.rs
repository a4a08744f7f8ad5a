//! Counters for INFO, and the slow log.

use std::collections::VecDeque;
use std::time::Instant;

use holdfast_engine::CommandError;
use holdfast_engine::command::Flags;
use std::collections::HashMap;

use crate::config::Config;
use crate::registry::Registered;
use crate::sensitive;
use crate::session::{OwnedCommand, Session};

/// Kinds of error that are counted one by one; more are counted together, so that scripts or
/// clients cannot make the list grow.
const ERROR_KINDS_MAX: usize = 128;
const SLOWLOG_ARGUMENTS_MAX: usize = 32;
const SLOWLOG_ARGUMENT_BYTES_MAX: usize = 128;

/// What has happened since the process started.
#[derive(Debug)]
pub struct Stats {
    /// When the process started.
    pub since: Instant,
    /// Connections accepted.
    pub connections: u64,
    /// Connections refused because there were too many.
    pub connections_rejected: u64,
    /// Commands that ran.
    pub commands: u64,
    /// Commands at the last sample, for the rate.
    pub rate: CommandRate,
    /// Replies that were errors, by code word.
    pub errors: HashMap<Box<str>, u64>,
    /// All replies that were errors.
    pub errors_count: u64,
    /// Bytes from clients.
    pub received_bytes: u64,
    /// Bytes to clients.
    pub sent_bytes: u64,
    /// The longest time for which one task kept the core, in microseconds.
    pub longest_turn_micros: u64,
    /// Memory in use before the first command, in bytes.
    pub used_at_start_bytes: usize,
    /// Commands that took long.
    pub slowlog: Slowlog,
}

/// Commands per second over the last samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandRate {
    last_count: u64,
    last_at: Option<Instant>,
    /// The rate.
    pub per_second: u64,
}

/// The commands that took longer than `slowlog-log-slower-than`.
#[derive(Debug, Default)]
pub struct Slowlog {
    /// Newest first.
    pub entries: VecDeque<SlowlogEntry>,
    next_id: u64,
    /// From how many microseconds on; negative: never.
    pub slower_than_micros: i64,
    /// How many are kept.
    pub length_max: usize,
}

/// One slow command.
#[derive(Clone, Debug)]
pub struct SlowlogEntry {
    /// Counts up.
    pub id: u64,
    /// When it ran, in seconds since 1970.
    pub at_seconds: i64,
    /// How long it took.
    pub micros: u64,
    /// Its words, shortened.
    pub command: OwnedCommand,
    /// The client's address.
    pub address: String,
    /// The client's name.
    pub name: Box<[u8]>,
}

impl Stats {
    /// Nothing has happened.
    pub fn new(config: &Config) -> Self {
        Self {
            since: Instant::now(),
            connections: 0,
            connections_rejected: 0,
            commands: 0,
            rate: CommandRate::default(),
            errors: HashMap::new(),
            errors_count: 0,
            received_bytes: 0,
            sent_bytes: 0,
            longest_turn_micros: 0,
            used_at_start_bytes: crate::allocator::used_bytes(),
            slowlog: Slowlog {
                slower_than_micros: config.slowlog_slower_than_micros,
                length_max: config.slowlog_length_max,
                ..Slowlog::default()
            },
        }
    }

    /// Counts an error reply by its code word.
    pub fn count_error(&mut self, text: &str) {
        self.errors_count += 1;
        let code = text.split(' ').next().unwrap_or("ERR");
        if let Some(count) = self.errors.get_mut(code) {
            *count += 1;
        } else if self.errors.len() < ERROR_KINDS_MAX {
            self.errors.insert(code.into(), 1);
        }
    }

    /// Counts a command's error, unless it was counted before.
    pub fn count_error_of(&mut self, error: &CommandError) {
        if !matches!(error, CommandError::Script { counted: true, .. }) {
            self.count_error(&error.to_string());
        }
    }

    /// Notes a command that ran.
    pub(crate) fn note_command(
        &mut self,
        command: &Registered,
        micros: u64,
        arguments: &[&[u8]],
        session: &Session,
    ) {
        self.commands += 1;
        let threshold = self.slowlog.slower_than_micros;
        let is_slow = u64::try_from(threshold).is_ok_and(|threshold| micros >= threshold);
        if is_slow && !command.has(Flags::SKIP_SLOWLOG) {
            self.slowlog.add(micros, arguments, session);
        }
    }

    /// Samples the rate of commands; called a few times a second.
    pub fn sample_rate(&mut self) {
        let now = Instant::now();
        if let Some(last_at) = self.rate.last_at {
            let micros = u64::try_from(now.duration_since(last_at).as_micros())
                .unwrap_or(u64::MAX)
                .max(1);
            self.rate.per_second = (self.commands - self.rate.last_count) * 1_000_000 / micros;
        }
        self.rate.last_at = Some(now);
        self.rate.last_count = self.commands;
    }

    /// `CONFIG RESETSTAT`.
    pub fn reset(&mut self) {
        self.connections = 0;
        self.connections_rejected = 0;
        self.commands = 0;
        self.rate = CommandRate::default();
        self.errors.clear();
        self.errors_count = 0;
        self.received_bytes = 0;
        self.sent_bytes = 0;
        self.longest_turn_micros = 0;
    }
}

impl Slowlog {
    fn add(&mut self, micros: u64, arguments: &[&[u8]], session: &Session) {
        let entry = SlowlogEntry {
            id: self.next_id,
            at_seconds: crate::clock::wall_ms() / 1000,
            micros,
            command: shortened(arguments),
            address: session.address(),
            name: session.name.clone(),
        };
        self.next_id += 1;
        self.entries.push_front(entry);
        self.entries.truncate(self.length_max);
    }
}

fn shortened(arguments: &[&[u8]]) -> OwnedCommand {
    let count = arguments.len();
    let kept = if count > SLOWLOG_ARGUMENTS_MAX {
        SLOWLOG_ARGUMENTS_MAX - 1
    } else {
        count
    };
    let mut command: OwnedCommand = arguments
        .iter()
        .take(kept)
        .enumerate()
        .map(|(at, argument)| {
            if sensitive::is_secret(arguments, at) {
                sensitive::REDACTED.into()
            } else {
                shortened_argument(argument)
            }
        })
        .collect();
    if kept < count {
        command.push(
            format!("... ({} more arguments)", count - kept)
                .into_bytes()
                .into(),
        );
    }
    command
}

fn shortened_argument(argument: &[u8]) -> Box<[u8]> {
    match argument.get(..SLOWLOG_ARGUMENT_BYTES_MAX) {
        Some(start) if argument.len() > SLOWLOG_ARGUMENT_BYTES_MAX => {
            let more = argument.len() - SLOWLOG_ARGUMENT_BYTES_MAX;
            [start, format!("... ({more} more bytes)").as_bytes()]
                .concat()
                .into()
        }
        _ => argument.into(),
    }
}
