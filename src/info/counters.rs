//! The sections of counters by name: commandstats, errorstats, latencystats, keyspace, raft.

use holdfast_engine::keyspace::DatabaseIndex;

use super::Text;
use crate::core::Core;
use crate::registry::Registered;
use crate::replication::Phase;
use crate::session::Session;

/// `# Commandstats`: commands that were ever called.
pub(super) fn commands(core: &Core, _: &Session, text: &mut Text) {
    for command in core.registry.iter() {
        write_calls(command, text);
        for subcommand in &command.subcommands {
            write_calls(subcommand, text);
        }
    }
}

fn write_calls(command: &Registered, text: &mut Text) {
    let calls = &command.calls;
    let (count, micros) = (calls.count.get(), calls.micros.get());
    let (rejected, failed) = (calls.rejected.get(), calls.failed.get());
    if count + rejected + failed == 0 {
        return;
    }
    let mean = micros as f64 / count.max(1) as f64;
    text.line(
        &format!("cmdstat_{}", command.full_name),
        format_args!(
            "calls={count},usec={micros},usec_per_call={mean:.2},rejected_calls={rejected},failed_calls={failed}"
        ),
    );
}

/// `# Latencystats`: percentiles of the durations of commands that were ever called.
pub(super) fn latencies(core: &Core, _: &Session, text: &mut Text) {
    for command in core.registry.iter() {
        write_percentiles(core, command, text);
        for subcommand in &command.subcommands {
            write_percentiles(core, subcommand, text);
        }
    }
}

fn write_percentiles(core: &Core, command: &Registered, text: &mut Text) {
    let durations = &command.calls.durations;
    let percentiles = &core.config.latency_percentiles;
    if durations.count() == 0 || percentiles.is_empty() {
        return;
    }
    let shown: Vec<_> = percentiles
        .iter()
        .map(|&percent| format!("p{percent}={:.3}", durations.percentile_micros(percent)))
        .collect();
    let name = format!("latency_percentiles_usec_{}", command.full_name);
    text.line(&name, shown.join(","));
}

/// `# Errorstats`: error replies by their code word.
pub(super) fn errors(core: &Core, _: &Session, text: &mut Text) {
    let mut errors: Vec<_> = core.stats.errors.iter().collect();
    errors.sort_unstable();
    for (code, count) in errors {
        text.line(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

/// `# Keyspace`: databases that hold keys. Nothing is said while it is open whether what was
/// executed is committed.
pub(super) fn keyspace(core: &Core, _: &Session, text: &mut Text) {
    if core.replication.phase() == Phase::Frozen {
        return;
    }
    for number in 0..core.keyspace.databases_count() {
        let index = DatabaseIndex(number);
        let keys = core.keyspace.len(index);
        if keys > 0 {
            let expires = core.keyspace.volatile_len(index);
            let mean_ms = core.keyspace.mean_ttl_ms(index);
            text.line(
                &format!("db{number}"),
                format_args!("keys={keys},expires={expires},avg_ttl={mean_ms}"),
            );
        }
    }
}

/// `# Raft`: this node in its cluster, and its log.
pub(super) fn raft(core: &Core, _: &Session, text: &mut Text) {
    let status = core.replication.raft().status();
    let index = |index: Option<u64>| index.map_or(-1, i128::from);
    let ids = |ids: &[u64]| {
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        ids.join(",")
    };
    let phase = match core.replication.phase() {
        Phase::Loading => "loading",
        Phase::Leading => "leading",
        Phase::Frozen => "frozen",
        Phase::Following => "following",
    };
    text.line("raft_node_id", status.id);
    text.line("raft_state", format!("{:?}", status.state).to_lowercase());
    text.line("raft_phase", phase);
    text.line("raft_term", status.term);
    text.line("raft_leader", index(status.leader));
    text.line("raft_last_log_index", index(status.last_log_index));
    text.line("raft_committed_index", index(status.committed_index));
    text.line("raft_applied_index", index(status.applied_index));
    text.line("raft_snapshot_index", index(status.snapshot_index));
    text.line("raft_purged_index", index(status.purged_index));
    text.line("raft_voters", ids(&status.voters));
    text.line("raft_learners", ids(&status.learners));
    text.line("raft_batches_committed", core.replication.committed());
    text.line(
        "raft_uncommitted_bytes",
        core.replication.uncommitted_bytes(),
    );
    for peer in &status.peers {
        text.line(
            &format!("raft_peer{}", peer.id),
            format_args!(
                "matched={},lag_entries={}",
                index(peer.matched_index),
                peer.lag_entries
            ),
        );
    }
    let wal = &status.wal;
    text.line("wal_method", wal.method);
    text.line("wal_written_bytes", wal.written_bytes);
    text.line("wal_syncs", wal.syncs_count);
    text.line("wal_records", wal.records_count);
    text.line("wal_sync_last_usec", wal.sync_last.as_micros());
    text.line("wal_sync_average_usec", wal.sync_average.as_micros());
    text.line("wal_sync_max_usec", wal.sync_max.as_micros());
    text.line("wal_segments", wal.segments_count);
    text.line("wal_spares", wal.spares_count);
    text.line("wal_disk_bytes", wal.disk_bytes);
}
