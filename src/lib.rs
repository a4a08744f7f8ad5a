//! The Holdfast server. `src/ARCHITECTURE.md` shows the path of a write and of a read through it.
//!
//! - `server` puts a node together · `config` · `logging` · `identity` · `net`, `connection` sockets and tasks
//! - `core` what the one thread of commands works on · `session`, `sessions`, `outgoing`
//! - `registry`, `dispatch`, `commands/` from a command line to its reply
//! - `replication/` batches, epochs, held replies · `clock` the leader's time
//! - `scripting/` Lua: scripts and functions
//! - `snapshot/` RDB files · `reaper` frees large values · `latency/` events that took long, and distributions
//! - `blocked`, `watch`, `pubsub`, `monitor` what waits for changes · `stats`, `sensitive`, `memory`, `allocator`
//! - `blocked`, `watch`, `pubsub`, `monitor` what waits for changes · `info`, `stats`, `memory`, `allocator`

mod ahead;
pub mod allocator;
pub mod blocked;
pub mod clock;
pub mod commands;
pub mod config;
pub mod connection;
pub mod core;
pub mod dispatch;
pub mod identity;
pub mod import;
pub mod info;
pub mod latency;
pub mod loading;
pub mod logging;
pub mod memory;
pub mod monitor;
pub mod net;
pub mod outgoing;
pub mod pubsub;
pub mod reaper;
pub mod registry;
mod replica_link;
pub mod replication;
pub mod scripting;
pub mod sensitive;
pub mod server;
pub mod session;
pub mod sessions;
pub mod snapshot;
pub mod stats;
pub mod watch;

/// The Redis version whose behaviour clients find here.
pub const REDIS_VERSION: &str = "7.0.15";
