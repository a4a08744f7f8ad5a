//! `maxmemory`: makes room before a command that would use more, by evicting keys as logged DELs.

use std::time::Instant;

use crate::core::Core;
use crate::latency::Event;

/// Evictions in one go, so that a much too full keyspace does not stop the others.
const EVICTIONS_PER_COMMAND_MAX: usize = 128;

/// What counts against `maxmemory`: all but the log's copies of recent entries, which have a bound
/// of their own. Evicting keys would not make them smaller, on the contrary: it is logged.
fn counted_bytes(core: &Core) -> usize {
    crate::allocator::used_bytes().saturating_sub(log_bytes(core))
}

/// Bytes of the log in memory.
pub(crate) fn log_bytes(core: &Core) -> usize {
    core.replication.raft().log_tail_bytes() + core.replication.uncommitted_bytes()
}

/// Evicts keys until memory is below the limit, or enough of them for one command. Returns whether
/// the command may run.
pub(crate) fn make_room(core: &mut Core) -> bool {
    let maxmemory = core.config.maxmemory;
    if crate::allocator::used_bytes() <= maxmemory || counted_bytes(core) <= maxmemory {
        return true;
    }
    let started = Instant::now();
    let has_room = evict(core);
    core.note_latency(Event::EvictionCycle, started.elapsed());
    has_room
}

fn evict(core: &mut Core) -> bool {
    let maxmemory = core.config.maxmemory;
    for _ in 0..EVICTIONS_PER_COMMAND_MAX {
        if counted_bytes(core) <= maxmemory {
            return true;
        }
        let (policy, samples) = (core.config.maxmemory_policy, core.config.maxmemory_samples);
        let evicted = core
            .keyspace
            .evict_one(&mut core.replication.effects, policy, samples)
            .is_some();
        core.settle_effects();
        if !evicted {
            return false;
        }
    }
    // Enough for one command: the next ones go on, so memory falls towards the limit. As in Redis a
    // command is refused only where nothing is left to evict.
    true
}
