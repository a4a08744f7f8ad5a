//! When a collection leaves its compact encoding: the thresholds of the configuration, and the
//! seed of the tables that large collections become. Contents and effects never depend
//! on any of these, nor do replies, but for those to approximate trims of streams.

use crate::hashing::HashSeed;

/// Thresholds of the compact encodings, named as in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encodings {
    /// The seed of all tables: replicated, so that SCAN positions mean the same on every node.
    pub seed: HashSeed,
    /// `hash-max-listpack-entries`: fields.
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`: bytes of a field or value.
    pub hash_max_listpack_value: usize,
    /// `set-max-intset-entries`: members.
    pub set_max_intset_entries: usize,
    /// `zset-max-listpack-entries`: members.
    pub zset_max_listpack_entries: usize,
    /// `zset-max-listpack-value`: bytes of a member.
    pub zset_max_listpack_value: usize,
    /// `hll-sparse-max-bytes`: bytes of a sparse HyperLogLog, its header included.
    pub hll_sparse_max_bytes: usize,
    /// `list-max-listpack-size`: elements of a node, or -1 to -5 for 4 to 64 KiB.
    pub list_max_listpack_size: i64,
    /// Elements longer than this stand alone (`DEBUG QUICKLIST-PACKED-THRESHOLD`), in bytes.
    pub list_packed_threshold: usize,
    /// `stream-node-max-bytes`: bytes of a node; 0 for no limit.
    pub stream_node_max_bytes: usize,
    /// `stream-node-max-entries`: entries of a node; 0 for no limit.
    pub stream_node_max_entries: usize,
}

impl Default for Encodings {
    fn default() -> Self {
        Self {
            seed: HashSeed::default(),
            hash_max_listpack_entries: 128,
            hash_max_listpack_value: 64,
            set_max_intset_entries: 512,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            hll_sparse_max_bytes: 3000,
            list_max_listpack_size: -2,
            list_packed_threshold: 1 << 30,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
        }
    }
}
