//! The configuration in force: typed values that the rest of the server reads, and beside them the
//! text of every option. Only [`Config::set`] changes either, so that both always agree.
//!
//! - `options` the table of all options · `kind`, `words` how their values are read
//! - `file` the syntax of redis.conf · `start` the command line · `help` what `--help` prints
//! - `running` effects on a running node · `rewrite` `CONFIG REWRITE` · `descriptors` `maxclients`

pub mod descriptors;
pub mod file;
mod help;
pub mod kind;
pub mod options;
pub mod rewrite;
mod running;
pub mod start;
mod words;

use std::path::PathBuf;

use holdfast_engine::keyspace::EvictionPolicy;
use holdfast_engine::notify::NotifyClasses;
use holdfast_engine::values::encodings::Encodings;
use holdfast_wal::Method;
use thiserror::Error;

use kind::{Origin, Value};
use options::{Changes, Definition, Meaning, Settings};

use crate::connection::OutputLimits;
use crate::dispatch::Refusal;
use crate::logging::LevelControl;
use crate::net::Stream;
use crate::replication::Limits;

/// Who may use commands that look into the process or stop it: `enable-debug-command`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permission {
    /// Nobody.
    #[default]
    No,
    /// Clients on this machine.
    Local,
    /// Everybody.
    Yes,
}

/// How much the process logs: `loglevel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the configuration")]
pub enum LogLevel {
    Debug,
    Verbose,
    #[default]
    Notice,
    Warning,
}

/// The form of the process's log: `log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// A JSON object a line.
    Json,
}

/// Why an option was not set. `Display` is the reason in Redis's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SetError {
    /// No option has this name.
    #[error("unknown option")]
    Unknown,
    /// It is read at start only.
    #[error("can't set immutable config")]
    Immutable,
    /// It names a file, and `enable-protected-configs` does not allow this client to set it.
    #[error("can't set protected config")]
    Protected,
    /// The value is refused.
    #[error("{0}")]
    Refused(String),
}

/// A snapshot is due after more than so many seconds, if so much has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last one.
    pub seconds: i64,
    /// Changes since the last one.
    pub changes: u64,
}

impl SavePoint {
    /// Reads pairs of seconds and changes.
    fn read(text: &[u8]) -> Vec<Self> {
        let text = String::from_utf8_lossy(text);
        let words: Vec<&str> = text.split_whitespace().collect();
        let (pairs, _) = words.as_chunks::<2>();
        let point = |[seconds, changes]: &[&str; 2]| {
            Some(Self {
                seconds: seconds.parse().ok()?,
                changes: changes.parse().ok()?,
            })
        };
        pairs.iter().filter_map(point).collect()
    }
}

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Every option as text.
    pub settings: Settings,
    /// The file that it was read from, which `CONFIG REWRITE` writes.
    pub file: Option<PathBuf>,
    /// The node serves: what can only be chosen at start is refused.
    pub is_running: bool,
    /// Serve although data may be lost: only ever given on the command line, for one start.
    pub accept_data_loss: bool,
    /// What to import at start: only ever given on the command line, for one start.
    pub import: Option<PathBuf>,
    /// Changes how much is logged.
    pub level_control: LevelControl,
    /// `bind`: addresses to listen on; a leading `-` lets one be missing.
    pub bind: Vec<String>,
    /// `port`; 0 for none.
    pub port: u16,
    /// `unixsocket`.
    pub unix_socket: Option<PathBuf>,
    /// `unixsocketperm`, in octal.
    pub unix_socket_mode: Option<u32>,
    /// `tcp-backlog`.
    pub tcp_backlog: u32,
    /// `tcp-keepalive`, in seconds; 0 for none.
    pub tcp_keepalive_seconds: u32,
    /// `timeout`: idle clients are closed after so many seconds; 0 for never.
    pub timeout_seconds: u64,
    /// `busy-reply-threshold`: a script that runs for so long makes the node answer BUSY; 0 for never.
    pub busy_reply_threshold_ms: u64,
    /// `holdfast-script-memory-max`: bytes that each of the two Lua states may use.
    pub script_memory_bytes_max: usize,
    /// `holdfast-script-steps-max`: steps of the interpreter that a script may take; 0 for any number.
    pub script_steps_max: u64,
    /// `maxclients`.
    pub clients_max: usize,
    /// `protected-mode`.
    pub protected_mode: bool,
    /// `requirepass`: passwords of the default user; none for no authentication.
    pub passwords: Vec<Box<[u8]>>,
    /// `dir`: the data directory.
    pub dir: PathBuf,
    /// `rdbcompression`.
    pub rdb_compression: bool,
    /// `databases`.
    pub databases_count: u32,
    /// `proto-max-bulk-len`, in bytes.
    pub bulk_bytes_max: usize,
    /// `client-query-buffer-limit`, in bytes.
    pub query_buffer_bytes_max: usize,
    /// `client-output-buffer-limit`.
    pub output_limits: OutputLimits,
    /// Replies held for one client before it is not read any more, in bytes.
    pub held_bytes_max: usize,
    /// Commands queued in one transaction, in bytes.
    pub transaction_bytes_max: usize,
    /// `wal-method`: how the log reaches the disk.
    pub wal_method: Method,
    /// Bounds of uncommitted work.
    pub replication: Limits,
    /// `save`.
    pub save_points: Vec<SavePoint>,
    /// `holdfast-snapshot-log-bytes`; 0 for never.
    pub snapshot_log_bytes: u64,
    /// `holdfast-snapshot-log-seconds`; 0 for never.
    pub snapshot_log_seconds: i64,
    /// `holdfast-snapshot-rate-limit`, in bytes a second; 0 for none.
    pub snapshot_rate_bytes_max: u64,
    /// `holdfast-snapshot-generations`.
    pub snapshot_generations: usize,
    /// `dbfilename`: a second name of the newest snapshot, in `dir`.
    pub dump_file: String,
    /// Thresholds of the compact encodings; the seed is not the configuration's.
    pub encodings: Encodings,
    /// `notify-keyspace-events`.
    pub notify: NotifyClasses,
    /// `lfu-log-factor`.
    pub lfu_log_factor: u32,
    /// `lfu-decay-time`.
    pub lfu_decay_minutes: u32,
    /// `maxmemory`, in bytes; 0 for no limit.
    pub maxmemory: usize,
    /// `maxmemory-samples`.
    pub maxmemory_samples: usize,
    /// `maxmemory-policy`.
    pub maxmemory_policy: EvictionPolicy,
    /// `slowlog-log-slower-than`, in microseconds; negative: never.
    pub slowlog_slower_than_micros: i64,
    /// `slowlog-max-len`.
    pub slowlog_length_max: usize,
    /// `latency-monitor-threshold`, in milliseconds; 0: never.
    pub latency_threshold_ms: u64,
    /// `latency-tracking`.
    pub latency_tracking: bool,
    /// `latency-tracking-info-percentiles`.
    pub latency_percentiles: Vec<f64>,
    /// `loglevel`.
    pub log_level: LogLevel,
    /// `log-format`.
    pub log_format: LogFormat,
    /// `logfile`; none for standard error.
    pub log_file: Option<PathBuf>,
    /// `pidfile`.
    pub pid_file: Option<PathBuf>,
    /// `enable-debug-command`.
    pub debug_command: Permission,
    /// `enable-protected-configs`.
    pub protected_configs: Permission,
    /// `hz`: how often a second the core looks after time-outs and expiry.
    pub hz: u32,
    /// `repl-ping-replica-period`: seconds between two signs of life to a Redis replica.
    pub replica_ping_seconds: u64,
}

impl Default for Config {
    /// Every option at its default.
    fn default() -> Self {
        let mut config = Self::unset();
        for definition in options::all() {
            config
                .apply(definition, &definition.default_value())
                .expect("defaults are valid, as a test shows");
        }
        config
    }
}

impl Config {
    /// What no option has been applied to yet.
    fn unset() -> Self {
        Self {
            settings: Settings::default(),
            file: None,
            is_running: false,
            accept_data_loss: false,
            import: None,
            level_control: LevelControl::default(),
            bind: Vec::new(),
            port: 0,
            unix_socket: None,
            unix_socket_mode: None,
            tcp_backlog: 0,
            tcp_keepalive_seconds: 0,
            timeout_seconds: 0,
            busy_reply_threshold_ms: 5000,
            script_memory_bytes_max: 256 << 20,
            script_steps_max: 0,
            clients_max: 0,
            protected_mode: true,
            passwords: Vec::new(),
            dir: PathBuf::new(),
            databases_count: 0,
            bulk_bytes_max: 0,
            query_buffer_bytes_max: 0,
            output_limits: OutputLimits::default(),
            held_bytes_max: 0,
            transaction_bytes_max: 0,
            wal_method: Method::default(),
            replication: Limits::default(),
            save_points: Vec::new(),
            snapshot_log_bytes: 0,
            snapshot_log_seconds: 0,
            snapshot_rate_bytes_max: 0,
            snapshot_generations: 1,
            dump_file: String::new(),
            rdb_compression: false,
            encodings: Encodings::default(),
            notify: NotifyClasses::NONE,
            lfu_log_factor: 0,
            lfu_decay_minutes: 0,
            maxmemory: 0,
            maxmemory_samples: 0,
            maxmemory_policy: EvictionPolicy::NoEviction,
            slowlog_slower_than_micros: 0,
            slowlog_length_max: 0,
            latency_threshold_ms: 0,
            latency_tracking: false,
            latency_percentiles: Vec::new(),
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
            log_file: None,
            pid_file: None,
            debug_command: Permission::No,
            protected_configs: Permission::No,
            hz: 0,
            replica_ping_seconds: 0,
        }
    }

    /// Sets one option.
    ///
    /// # Errors
    /// The option is unknown or its value refused; nothing was changed.
    pub fn set(&mut self, name: &[u8], words: &[&[u8]], origin: Origin) -> Result<(), SetError> {
        let (place, definition) = options::find(name).ok_or(SetError::Unknown)?;
        if self.is_running && definition.changes == Changes::AtStart {
            return Err(SetError::Immutable);
        }
        let before = self.settings.at(place);
        let value = definition
            .kind
            .read(&before.text, words, origin)
            .map_err(SetError::Refused)?;
        let is_fixed = self.is_running && definition.changes == Changes::AtStartUnlikeRedis;
        if is_fixed && value != *before {
            return Err(SetError::Refused(fixed(definition)));
        }
        self.apply(definition, &value).map_err(SetError::Refused)?;
        self.settings.set(place, value);
        Ok(())
    }

    fn apply(&mut self, definition: &Definition, value: &Value) -> Result<(), String> {
        match definition.meaning {
            Meaning::Applied(apply) => apply(self, value),
            Meaning::Refused(why) if *value != definition.default_value() => Err(format!(
                "{} cannot be {}: {why}",
                definition.name,
                value.string()
            )),
            Meaning::Refused(_) | Meaning::Kept(_) | Meaning::Warned(_) => Ok(()),
        }
    }

    /// What those should know who set options that do something else here than in Redis.
    pub fn warnings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.settings
            .iter()
            .filter_map(|(definition, value)| match definition.meaning {
                Meaning::Warned(why) if *value != definition.default_value() => {
                    Some((definition.name, why))
                }
                _ => None,
            })
    }

    /// Whether the client at the other end of `stream` has a permission.
    pub(crate) fn allows(permission: Permission, stream: &Stream) -> bool {
        let is_local = stream.peer().is_none_or(|peer| peer.ip().is_loopback());
        match permission {
            Permission::Yes => true,
            Permission::Local => is_local,
            Permission::No => false,
        }
    }

    /// Whether a protected command may be used by the client at the other end of `stream`.
    pub(crate) fn check_protected(
        &self,
        name: &'static str,
        stream: &Stream,
    ) -> Result<(), Refusal> {
        if Self::allows(self.debug_command, stream) {
            return Ok(());
        }
        Err(Refusal::Protected(
            if name == "debug" { "DEBUG" } else { "MODULE" },
            "enable-debug-command",
        ))
    }
}

/// Why an option that Redis changes at run time does not change here.
fn fixed(definition: &Definition) -> String {
    match definition.name {
        "tls-port" => "TLS is not offered yet".to_owned(),
        "bind" => "Failed to bind to specified addresses.".to_owned(),
        name => format!("{name} is read at start only"),
    }
}
