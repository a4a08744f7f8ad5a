//! Options of the data: databases, memory, encodings, notifications, expiry.

use holdfast_engine::keyspace::EvictionPolicy;
use holdfast_engine::notify::NotifyClasses;

use super::super::words as readers;
use super::{Definition, INT_MAX, LONG_MAX, choice, integer, memory, words, yes_no};

const LAZY: &str = "large values are always freed in the background";
const NO_DEFRAGMENTATION: &str = "values are never moved in memory";

/// The lines.
pub(super) const OPTIONS: &[Definition] = &[
    integer("databases", 1, INT_MAX, "16").at_start().sets(
        "number of databases",
        |config, value| {
            config.databases_count = value.unsigned(u32::MAX);
            Ok(())
        },
    ),
    memory("maxmemory", 0, LONG_MAX, "0").sets(
        "bytes beyond which keys are evicted or writes refused; 0 for no limit",
        |config, value| {
            config.maxmemory = value.size();
            Ok(())
        },
    ),
    choice("maxmemory-policy", POLICIES, "noeviction").sets(
        "which keys are evicted",
        |config, value| {
            config.maxmemory_policy = policy(value.number);
            Ok(())
        },
    ),
    integer("maxmemory-samples", 1, INT_MAX, "5").sets(
        "keys looked at for each one evicted",
        |config, value| {
            config.maxmemory_samples = value.size();
            Ok(())
        },
    ),
    integer("maxmemory-eviction-tenacity", 0, 100, "10")
        .kept("evictions are bounded by their number in one turn"),
    integer("lfu-log-factor", 0, INT_MAX, "10").sets(
        "how slowly the counter of a key's uses grows",
        |config, value| {
            config.lfu_log_factor = value.unsigned(u32::MAX);
            Ok(())
        },
    ),
    integer("lfu-decay-time", 0, INT_MAX, "1").sets(
        "minutes after which that counter loses one; 0 for never",
        |config, value| {
            config.lfu_decay_minutes = value.unsigned(u32::MAX);
            Ok(())
        },
    ),
    integer("hash-max-listpack-entries", 0, LONG_MAX, "512")
        .alias("hash-max-ziplist-entries")
        .sets("fields of a compact hash", |config, value| {
            config.encodings.hash_max_listpack_entries = value.size();
            Ok(())
        }),
    memory("hash-max-listpack-value", 0, LONG_MAX, "64")
        .alias("hash-max-ziplist-value")
        .sets(
            "bytes of a field or value in a compact hash",
            |config, value| {
                config.encodings.hash_max_listpack_value = value.size();
                Ok(())
            },
        ),
    integer("list-max-listpack-size", -(1 << 31), INT_MAX, "-2")
        .alias("list-max-ziplist-size")
        .sets(
            "elements of a list's node, or -1 to -5 for 4 to 64 KiB",
            |config, value| {
                config.encodings.list_max_listpack_size = value.number;
                Ok(())
            },
        ),
    integer("list-compress-depth", 0, INT_MAX, "0").kept("nodes of lists are not compressed"),
    integer("set-max-intset-entries", 0, LONG_MAX, "512").sets(
        "members of a compact set of integers",
        |config, value| {
            config.encodings.set_max_intset_entries = value.size();
            Ok(())
        },
    ),
    integer("set-max-listpack-entries", 0, LONG_MAX, "128")
        .kept("of a later Redis: sets of 7.0 have no compact encoding but that of integers")
        .hidden(),
    memory("set-max-listpack-value", 0, LONG_MAX, "64")
        .kept("of a later Redis: sets of 7.0 have no compact encoding but that of integers")
        .hidden(),
    integer("zset-max-listpack-entries", 0, LONG_MAX, "128")
        .alias("zset-max-ziplist-entries")
        .sets("members of a compact sorted set", |config, value| {
            config.encodings.zset_max_listpack_entries = value.size();
            Ok(())
        }),
    memory("zset-max-listpack-value", 0, LONG_MAX, "64")
        .alias("zset-max-ziplist-value")
        .sets(
            "bytes of a member of a compact sorted set",
            |config, value| {
                config.encodings.zset_max_listpack_value = value.size();
                Ok(())
            },
        ),
    memory("hll-sparse-max-bytes", 0, LONG_MAX, "3000").sets(
        "bytes of a HyperLogLog that is kept as runs",
        |config, value| {
            config.encodings.hll_sparse_max_bytes = value.size();
            Ok(())
        },
    ),
    memory("stream-node-max-bytes", 0, LONG_MAX, "4096").sets(
        "bytes of a stream's node; 0 for no limit",
        |config, value| {
            config.encodings.stream_node_max_bytes = value.size();
            Ok(())
        },
    ),
    integer("stream-node-max-entries", 0, LONG_MAX, "100").sets(
        "entries of a stream's node; 0 for no limit",
        |config, value| {
            config.encodings.stream_node_max_entries = value.size();
            Ok(())
        },
    ),
    words("notify-keyspace-events", readers::notify, "").sets(
        "classes of events that are published, as letters",
        |config, value| {
            config.notify = NotifyClasses::parse(&value.string())
                .ok_or_else(|| "Invalid event class character.".to_owned())?;
            Ok(())
        },
    ),
    integer("active-expire-effort", 1, 10, "1")
        .kept("keys are found by their deadlines, not by sampling"),
    yes_no("activerehashing", "yes").kept("tables never rehash as a whole"),
    yes_no("lazyfree-lazy-eviction", "no").kept(LAZY),
    yes_no("lazyfree-lazy-expire", "no").kept(LAZY),
    yes_no("lazyfree-lazy-server-del", "no").kept(LAZY),
    yes_no("lazyfree-lazy-user-del", "no").kept(LAZY),
    yes_no("lazyfree-lazy-user-flush", "no").kept(LAZY),
    yes_no("replica-lazy-flush", "no")
        .alias("slave-lazy-flush")
        .kept(LAZY),
    yes_no("activedefrag", "no").warned(NO_DEFRAGMENTATION),
    integer("active-defrag-cycle-min", 1, 99, "1").kept(NO_DEFRAGMENTATION),
    integer("active-defrag-cycle-max", 1, 99, "25").kept(NO_DEFRAGMENTATION),
    integer("active-defrag-threshold-lower", 0, 1000, "10").kept(NO_DEFRAGMENTATION),
    integer("active-defrag-threshold-upper", 0, 1000, "100").kept(NO_DEFRAGMENTATION),
    integer("active-defrag-max-scan-fields", 1, LONG_MAX, "1000").kept(NO_DEFRAGMENTATION),
    memory("active-defrag-ignore-bytes", 1, LONG_MAX, "100mb").kept(NO_DEFRAGMENTATION),
];

const POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];

const fn policy(place: i64) -> EvictionPolicy {
    match place {
        0 => EvictionPolicy::VolatileLru,
        1 => EvictionPolicy::VolatileLfu,
        2 => EvictionPolicy::VolatileRandom,
        3 => EvictionPolicy::VolatileTtl,
        4 => EvictionPolicy::AllKeysLru,
        5 => EvictionPolicy::AllKeysLfu,
        6 => EvictionPolicy::AllKeysRandom,
        _ => EvictionPolicy::NoEviction,
    }
}
