//! The sections about what happens: persistence, stats, replication, cpu.

use std::time::Duration;

use super::{Text, process};
use crate::core::Core;
use crate::pubsub::ChannelKind;
use crate::replication::Phase;
use crate::session::Session;

/// `# Persistence`. Every write is in the log and synced: of Redis's AOF, only what tools wait for.
pub(super) fn persistence(core: &Core, _: &Session, text: &mut Text) {
    let is_loading = core.replication.phase() == Phase::Loading || core.importing;
    let aof_enabled = core.config.settings.text("appendonly") == Some(b"yes");
    text.line("loading", u8::from(is_loading));
    text.line("async_loading", 0);
    text.line("current_cow_peak", 0);
    text.line("current_cow_size", 0);
    text.line("current_cow_size_age", 0);
    text.line("current_fork_perc", "0.00");
    let (processed, total) = core.snapshots.progress();
    text.line("current_save_keys_processed", processed);
    text.line("current_save_keys_total", total);
    let saves = &core.snapshots.facts;
    let changes = core
        .keyspace
        .changes_count
        .saturating_sub(saves.changes_saved);
    let status = if saves.last_succeeded { "ok" } else { "err" };
    let seconds = |took: Option<Duration>| took.map_or(-1, |took| i128::from(took.as_secs()));
    text.line("rdb_changes_since_last_save", changes);
    text.line("rdb_bgsave_in_progress", u8::from(saves.since.is_some()));
    text.line("rdb_last_save_time", saves.last_save_seconds);
    text.line("rdb_last_bgsave_status", status);
    text.line("rdb_last_bgsave_time_sec", seconds(saves.last_duration));
    let current = saves.since.map(|since| since.elapsed());
    text.line("rdb_current_bgsave_time_sec", seconds(current));
    text.line("rdb_saves", saves.saves_count);
    text.line("rdb_last_cow_size", 0);
    text.line("rdb_last_load_keys_expired", 0);
    let loaded = &core.loading.progress.keys_count;
    text.line(
        "rdb_last_load_keys_loaded",
        loaded.load(std::sync::atomic::Ordering::Relaxed),
    );
    text.line("aof_enabled", u8::from(aof_enabled));
    text.line("aof_rewrite_in_progress", 0);
    text.line("aof_rewrite_scheduled", u8::from(saves.is_scheduled));
    text.line("aof_last_rewrite_time_sec", -1);
    text.line("aof_current_rewrite_time_sec", -1);
    text.line("aof_last_bgrewrite_status", "ok");
    text.line("aof_rewrites", 0);
    text.line("aof_rewrites_consecutive_failures", 0);
    text.line("aof_last_write_status", "ok");
    text.line("aof_last_cow_size", 0);
    text.line("module_fork_in_progress", 0);
    text.line("module_fork_last_cow_size", 0);
    snapshots(core, text);
    if is_loading {
        loading(core, text);
    }
}

/// What Redis has no words for: the snapshots, and the log that they let go.
fn snapshots(core: &Core, text: &mut Text) {
    let saves = &core.snapshots.facts;
    let log = core.replication.raft().status();
    let index = |index: Option<u64>| index.map_or(-1, i128::from);
    let error = saves.last_error.as_deref().unwrap_or_default();
    text.line("snapshot_last_index", index(log.snapshot_index));
    let published = saves.last_published.as_ref();
    text.line(
        "snapshot_last_bytes",
        published.map_or(0, |published| published.bytes),
    );
    let micros = |took: Option<Duration>| took.map_or(0, |took| took.as_micros());
    text.line(
        "snapshot_last_write_usec",
        micros(published.map(|published| published.wrote_in)),
    );
    text.line(
        "snapshot_last_verify_usec",
        micros(published.map(|published| published.verified_in)),
    );
    text.line("snapshot_last_error", error.replace(['\r', '\n'], " "));
    text.line(
        "snapshot_longest_step_cpu_usec",
        saves.longest_step.as_micros(),
    );
    text.line("log_purged_index", index(log.purged_index));
    text.line("log_last_index", index(log.last_log_index));
    text.line("log_disk_bytes", log.wal.disk_bytes);
    let since = core
        .log_written_bytes()
        .saturating_sub(saves.log_bytes_saved);
    text.line("log_bytes_since_snapshot", since);
}

fn loading(core: &Core, text: &mut Text) {
    let (snapshot, replay) = (core.snapshot_share(), core.replay_share());
    text.line("loading_start_time", core.loading.start_seconds);
    text.line("loading_total_bytes", snapshot.total);
    text.line("loading_rdb_used_mem", 0);
    text.line("loading_loaded_bytes", snapshot.done);
    text.line(
        "loading_loaded_perc",
        format_args!("{:.2}", snapshot.percent()),
    );
    text.line("loading_eta_seconds", core.loading_eta_seconds());
    text.line("loading_log_entries", replay.done);
    text.line("loading_log_entries_total", replay.total);
}

/// `# Stats`.
pub(super) fn stats(core: &Core, session: &Session, text: &mut Text) {
    let stats = &core.stats;
    let sent: u64 = core.sessions.iter().map(|one| one.traffic.sent).sum();
    let (hits, misses) = core.keyspace.observed.lookups();
    let keyspace = core.keyspace.stats;
    text.line("total_connections_received", stats.connections);
    text.line("total_commands_processed", stats.commands);
    text.line("instantaneous_ops_per_sec", stats.rate.per_second);
    text.line("total_net_input_bytes", stats.received_bytes);
    text.line(
        "total_net_output_bytes",
        stats.sent_bytes + sent + session.traffic.sent,
    );
    text.line("total_net_repl_input_bytes", 0);
    text.line("total_net_repl_output_bytes", 0);
    text.line("rejected_connections", stats.connections_rejected);
    for name in ["sync_full", "sync_partial_ok", "sync_partial_err"] {
        text.line(name, 0);
    }
    text.line("expired_keys", keyspace.expired);
    text.line("expired_stale_perc", "0.00");
    text.line("expired_time_cap_reached_count", 0);
    text.line("evicted_keys", keyspace.evicted);
    text.line("evicted_clients", 0);
    text.line("total_eviction_exceeded_time", 0);
    text.line("current_eviction_exceeded_time", 0);
    text.line("keyspace_hits", hits);
    text.line("keyspace_misses", misses);
    let channels = core.pubsub.channels(ChannelKind::Plain).count();
    text.line("pubsub_channels", channels);
    text.line("pubsub_patterns", core.pubsub.patterns_count());
    let shard_channels = core.pubsub.channels(ChannelKind::Shard).count();
    text.line("pubsubshard_channels", shard_channels);
    text.line("latest_fork_usec", 0);
    text.line("total_forks", 0);
    text.line("migrate_cached_sockets", 0);
    text.line("slave_expires_tracked_keys", 0);
    for name in [
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "tracking_total_keys",
        "tracking_total_items",
        "tracking_total_prefixes",
        "unexpected_error_replies",
    ] {
        text.line(name, 0);
    }
    text.line("total_error_replies", stats.errors_count);
    text.line("dump_payload_sanitizations", 0);
    text.line("longest_turn_usec", stats.longest_turn_micros);
}

/// `# Replication`, in Redis's terms: a leader is a master without replicas of Redis's kind.
pub(super) fn replication(core: &Core, _: &Session, text: &mut Text) {
    let follows = core.replication.phase() == Phase::Following;
    text.line("role", if follows { "slave" } else { "master" });
    replicas(core, text);
    text.line("master_failover_state", "no-failover");
    text.line("master_replid", &core.run_id);
    text.line("master_replid2", "0".repeat(40));
    text.line("master_repl_offset", core.replicas.offset());
    text.line("second_repl_offset", -1);
    text.line("repl_backlog_active", 0);
    let backlog = core.config.settings.text("repl-backlog-size");
    let backlog = String::from_utf8_lossy(backlog.unwrap_or_default());
    text.line("repl_backlog_size", backlog);
    text.line("repl_backlog_first_byte_offset", 0);
    text.line("repl_backlog_histlen", 0);
}

fn replicas(core: &Core, text: &mut Text) {
    let links = core.replicas.sessions();
    text.line("connected_slaves", links.len());
    for (number, &id) in links.iter().enumerate() {
        let session = core.sessions.get(id);
        let peer = session.and_then(|session| session.stream.peer());
        let replica = session.and_then(|session| session.replica.as_deref());
        let (Some(peer), Some(replica)) = (peer, replica) else {
            continue;
        };
        let (state, offset) = (replica.state(), replica.acknowledged);
        let (ip, port) = (peer.ip(), peer.port());
        text.line(
            &format!("slave{number}"),
            format!("ip={ip},port={port},state={state},offset={offset},lag=0"),
        );
    }
}

/// `# CPU`.
pub(super) fn cpu(_: &Core, _: &Session, text: &mut Text) {
    let [process, children, thread] = process::cpu_times();
    for (name, seconds) in [
        ("used_cpu_sys", process.system),
        ("used_cpu_user", process.user),
        ("used_cpu_sys_children", children.system),
        ("used_cpu_user_children", children.user),
        ("used_cpu_sys_main_thread", thread.system),
        ("used_cpu_user_main_thread", thread.user),
    ] {
        text.line(name, format_args!("{seconds:.6}"));
    }
}
