//! What a changed configuration does to a node that runs: the parts of the core that keep a copy of
//! an option are given the new one. Called at start and after each `CONFIG SET`.

use crate::core::Core;

impl Core {
    /// Gives all parts the configuration in force.
    pub(crate) fn take_effect(&mut self) {
        let config = &self.config;
        self.keyspace.encodings = holdfast_engine::values::encodings::Encodings {
            seed: self.keyspace.encodings.seed,
            list_packed_threshold: self.keyspace.encodings.list_packed_threshold,
            ..config.encodings
        };
        self.keyspace.string_bytes_max = config.bulk_bytes_max as u64;
        self.keyspace.notify = config.notify;
        self.keyspace.access.policy = config.maxmemory_policy;
        self.keyspace.access.lfu_log_factor = config.lfu_log_factor;
        self.keyspace.access.lfu_decay_minutes = config.lfu_decay_minutes;
        let slowlog = &mut self.stats.slowlog;
        slowlog.slower_than_micros = config.slowlog_slower_than_micros;
        slowlog.length_max = config.slowlog_length_max;
        slowlog.entries.truncate(config.slowlog_length_max);
        config.level_control.set(config.log_level);
    }
}
