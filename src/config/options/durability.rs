//! Options of the log, of snapshots, and those of Redis's RDB and AOF files.
//!
//! None of Redis's can weaken the promise: whatever they say, a write is in the log and synced
//! before its reply leaves.

use holdfast_wal::Method;

use super::super::words as readers;
use super::super::{LogFormat, SavePoint};
use super::{Definition, INT_MAX, LONG_MAX, choice, integer, memory, text, words, yes_no};

const LOG: &str = "there is no AOF: the log is always on, and synced before each reply";
const SLOWNESS: &str = "saving and loading are never slowed down";
const SNAPSHOT: &str = "snapshots of Holdfast are always checksummed and synced";

/// The lines.
pub(super) const OPTIONS: &[Definition] = &[
    text("dir", "data").protected().sets(
        "data directory: log, snapshots and the node's identity",
        |config, value| {
            let dir = std::path::PathBuf::from(value.string());
            if config.is_running && dir != config.dir {
                return Err("the data directory of a running node does not change".to_owned());
            }
            config.dir = dir;
            Ok(())
        },
    ),
    text("dbfilename", "dump.rdb").protected().sets(
        "second name of the newest snapshot in the data directory; empty for none",
        |config, value| {
            if value.text.contains(&b'/') {
                return Err("dbfilename can't be a path, just a filename".to_owned());
            }
            config.dump_file = value.string();
            Ok(())
        },
    ),
    words("save", readers::save, "3600 1 300 100 60 10000").sets(
        "a snapshot is taken after so many seconds with so many changes; none is needed for durability",
        |config, value| {
            config.save_points = SavePoint::read(&value.text);
            Ok(())
        },
    ),
    memory("holdfast-snapshot-log-bytes", 0, LONG_MAX, "1gb").sets(
        "a snapshot is taken once so much was written to the log since the last one; 0 for never",
        |config, value| {
            config.snapshot_log_bytes = value.unsigned(u64::MAX);
            Ok(())
        },
    ),
    integer("holdfast-snapshot-log-seconds", 0, INT_MAX, "0").sets(
        "a snapshot is taken so many seconds after the last one, if anything changed; 0 for never",
        |config, value| {
            config.snapshot_log_seconds = value.number;
            Ok(())
        },
    ),
    memory("holdfast-snapshot-rate-limit", 0, LONG_MAX, "0").sets(
        "bytes a second that a snapshot is written with at most; 0 for no limit",
        |config, value| {
            config.snapshot_rate_bytes_max = value.unsigned(u64::MAX);
            Ok(())
        },
    ),
    integer("holdfast-snapshot-generations", 1, 16, "2").sets(
        "snapshots that are kept, with the log from the oldest on: so damage to the newest costs nothing",
        |config, value| {
            config.snapshot_generations = value.size();
            Ok(())
        },
    ),
    yes_no("stop-writes-on-bgsave-error", "yes").kept(SNAPSHOT),
    yes_no("rdbcompression", "yes").sets(
        "whether SAVE and BGSAVE compress strings",
        |config, value| {
            config.rdb_compression = value.is_yes();
            Ok(())
        },
    ),
    yes_no("rdbchecksum", "yes").at_start().kept(SNAPSHOT),
    yes_no("rdb-del-sync-files", "no").kept(SNAPSHOT),
    yes_no("rdb-save-incremental-fsync", "yes").kept(SNAPSHOT),
    integer("rdb-key-save-delay", i32::MIN as i64, INT_MAX, "0")
        .kept(SLOWNESS)
        .hidden(),
    integer("key-load-delay", i32::MIN as i64, INT_MAX, "0")
        .kept(SLOWNESS)
        .hidden(),
    memory(
        "loading-process-events-interval-bytes",
        1024,
        INT_MAX,
        "2mb",
    )
    .kept("clients are served while a file is read")
    .hidden(),
    choice("sanitize-dump-payload", &["no", "yes", "clients"], "no")
        .kept("what RESTORE is given is always checked"),
    yes_no("appendonly", "no").kept(LOG),
    choice("appendfsync", &["everysec", "always", "no"], "everysec").warned(LOG),
    yes_no("no-appendfsync-on-rewrite", "no").warned(LOG),
    text("appendfilename", "appendonly.aof")
        .at_start()
        .kept(LOG),
    text("appenddirname", "appendonlydir").at_start().kept(LOG),
    integer("auto-aof-rewrite-percentage", 0, INT_MAX, "100").kept(LOG),
    memory("auto-aof-rewrite-min-size", 0, LONG_MAX, "64mb").kept(LOG),
    yes_no("aof-load-truncated", "yes")
        .warned("a torn tail that was never acknowledged is cut; other damage is always refused"),
    yes_no("aof-use-rdb-preamble", "yes").kept(LOG),
    yes_no("aof-timestamp-enabled", "no").kept(LOG),
    yes_no("aof-rewrite-incremental-fsync", "yes").kept(LOG),
    yes_no("aof-disable-auto-gc", "no").kept(LOG),
    choice("wal-method", &["auto", "fdatasync", "direct"], "auto")
        .at_start_unlike_redis()
        .sets(
            "how the log reaches the disk: auto, fdatasync or direct",
            |config, value| {
                config.wal_method = match value.number {
                    1 => Method::Fdatasync,
                    2 => Method::Direct,
                    _ => Method::Auto,
                };
                Ok(())
            },
        ),
    memory("holdfast-batch-bytes-target", 1 << 10, 1 << 30, "256kb")
        .at_start_unlike_redis()
        .sets(
            "size at which a batch of effects is closed before its turn ends",
            |config, value| {
                config.replication.batch_bytes_target = value.size();
                Ok(())
            },
        ),
    integer("holdfast-batches-in-flight-max", 1, 1024, "2")
        .at_start_unlike_redis()
        .sets(
            "batches that may be proposed and not committed",
            |config, value| {
                config.replication.batches_in_flight_max = value.size();
                Ok(())
            },
        ),
    memory("holdfast-uncommitted-bytes-max", 1 << 20, LONG_MAX, "64mb")
        .at_start_unlike_redis()
        .sets(
            "effects that may be uncommitted before writes wait",
            |config, value| {
                config.replication.uncommitted_bytes_max = value.size();
                Ok(())
            },
        ),
    choice("log-format", &["human", "json"], "human")
        .at_start_unlike_redis()
        .sets("form of the lines of the process's log", |config, value| {
            config.log_format = if value.number == 1 {
                LogFormat::Json
            } else {
                LogFormat::Human
            };
            Ok(())
        }),
];
