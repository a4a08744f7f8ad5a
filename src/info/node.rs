//! The sections about the node itself: server, clients, memory.

use super::{Text, human, process};
use crate::core::Core;
use crate::scripting::Kind;
use crate::session::{Closing, Session};
use crate::{REDIS_VERSION, allocator};

/// `# Server`.
pub(super) fn server(core: &Core, _: &Session, text: &mut Text) {
    let system = rustix::system::uname();
    let words = [system.sysname(), system.release(), system.machine()];
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let uptime = core.uptime_seconds();
    let config = &core.config;
    text.line("redis_version", REDIS_VERSION);
    text.line("redis_git_sha1", "00000000");
    text.line("redis_git_dirty", 0);
    text.line("redis_build_id", format_args!("holdfast-{}", version()));
    text.line("holdfast_version", version());
    text.line("redis_mode", "standalone");
    text.line("os", words.join(" "));
    text.line("arch_bits", usize::BITS);
    text.line("monotonic_clock", "POSIX clock_gettime");
    text.line("multiplexing_api", "epoll");
    text.line("process_id", std::process::id());
    text.line("process_supervised", "no");
    text.line("run_id", &core.run_id);
    text.line("tcp_port", config.port);
    text.line(
        "server_time_usec",
        crate::clock::wall_ms().saturating_mul(1000),
    );
    text.line("uptime_in_seconds", uptime);
    text.line("uptime_in_days", uptime / 86_400);
    text.line("hz", config.hz);
    text.line("configured_hz", config.hz);
    text.line("lru_clock", (core.keyspace.now_ms() / 1000) & 0xff_ffff);
    let program = std::env::current_exe().unwrap_or_default();
    text.line("executable", program.display());
    let file = config.file.clone().unwrap_or_default();
    text.line("config_file", file.display());
    text.line("io_threads_active", 0);
}

/// The version of this program.
const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// `# Clients`.
pub(super) fn clients(core: &Core, session: &Session, text: &mut Text) {
    let others = core.sessions.iter();
    let all = || others_and(core, session);
    let deadlines = others
        .filter_map(|other| other.blocked.as_ref())
        .filter(|blocked| blocked.deadline.is_some())
        .count();
    let input = all().map(|one| one.input_bytes).max().unwrap_or(0);
    let output = all().map(|one| one.out.len()).max().unwrap_or(0);
    let connected = all().filter(|one| one.closing != Closing::Now).count();
    text.line("connected_clients", connected);
    text.line("cluster_connections", 0);
    text.line("maxclients", core.config.clients_max);
    text.line("client_recent_max_input_buffer", input);
    text.line("client_recent_max_output_buffer", output);
    let blocked = core.blocked.sessions_count() + core.paused_count();
    text.line("blocked_clients", blocked);
    text.line("tracking_clients", 0);
    text.line("clients_in_timeout_table", deadlines);
}

/// The session that asks is not among the others while its command runs.
fn others_and<'c>(core: &'c Core, session: &'c Session) -> impl Iterator<Item = &'c Session> {
    core.sessions.iter().chain(std::iter::once(session))
}

/// `# Memory`.
pub(super) fn memory(core: &Core, session: &Session, text: &mut Text) {
    let (used, peak) = (allocator::used_bytes(), allocator::peak_bytes());
    let resident = process::resident_bytes();
    let buffers: usize = others_and(core, session)
        .map(|one| one.out.len() + one.input_bytes)
        .sum();
    let overhead = buffers + core.startup_bytes;
    let dataset = used.saturating_sub(overhead);
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    text.bytes("used_memory", used);
    text.bytes("used_memory_rss", resident);
    text.bytes("used_memory_peak", peak);
    text.line(
        "used_memory_peak_perc",
        format_args!("{:.2}%", share(used, peak) * 100.0),
    );
    text.line("used_memory_overhead", overhead);
    text.line("used_memory_startup", core.startup_bytes);
    text.line("used_memory_dataset", dataset);
    let grown = used.saturating_sub(core.startup_bytes);
    text.line(
        "used_memory_dataset_perc",
        format_args!("{:.2}%", share(dataset, grown).min(1.0) * 100.0),
    );
    text.line("allocator_allocated", used);
    text.line("allocator_active", resident);
    text.line("allocator_resident", resident);
    text.bytes("total_system_memory", process::machine_bytes());
    scripts(core, text);
    text.line("maxmemory", core.config.maxmemory);
    text.line("maxmemory_human", human(core.config.maxmemory));
    let policy = core.config.settings.text("maxmemory-policy");
    let policy = String::from_utf8_lossy(policy.unwrap_or_default());
    text.line("maxmemory_policy", policy);
    let ratio = share(resident, used);
    let extra = resident as i128 - used as i128;
    text.line("allocator_frag_ratio", format_args!("{ratio:.2}"));
    text.line("allocator_frag_bytes", extra);
    text.line("allocator_rss_ratio", "1.00");
    text.line("allocator_rss_bytes", 0);
    text.line("rss_overhead_ratio", "1.00");
    text.line("rss_overhead_bytes", 0);
    text.line("mem_fragmentation_ratio", format_args!("{ratio:.2}"));
    text.line("mem_fragmentation_bytes", extra);
    text.line("mem_not_counted_for_evict", crate::memory::log_bytes(core));
    text.line("mem_replication_backlog", 0);
    text.line("mem_total_replication_buffers", 0);
    text.line("mem_clients_slaves", 0);
    text.line("mem_clients_normal", buffers);
    text.line("mem_cluster_links", 0);
    text.line("mem_aof_buffer", core.replication.uncommitted_bytes());
    text.line("mem_allocator", "mimalloc");
    text.line("active_defrag_running", 0);
    text.line("lazyfree_pending_objects", core.reaper.pending_count());
    text.line("lazyfreed_objects", core.reaper.freed_count());
}

/// What scripts and functions use.
fn scripts(core: &Core, text: &mut Text) {
    let store = &core.keyspace.scripts;
    let (eval, functions) = (
        core.scripts.used_bytes(Kind::Eval),
        core.scripts.used_bytes(Kind::Function),
    );
    let (evaluated, evaluated_bytes) = core.scripts.evaluated();
    let loaded_bytes: usize = store.scripts().map(|(_, body)| body.len()).sum();
    let libraries_bytes: usize = store.libraries().map(|library| library.code.len()).sum();
    let scripts_bytes = evaluated_bytes + loaded_bytes;
    text.bytes("used_memory_lua", eval);
    text.line("used_memory_vm_eval", eval);
    text.line("used_memory_scripts_eval", scripts_bytes);
    text.line(
        "number_of_cached_scripts",
        evaluated + store.scripts().len(),
    );
    text.line(
        "number_of_functions",
        core.scripts.libraries.functions_count(),
    );
    text.line("number_of_libraries", store.libraries().len());
    text.line("used_memory_vm_functions", functions);
    text.bytes("used_memory_vm_total", eval + functions);
    text.line("used_memory_functions", libraries_bytes);
    text.bytes("used_memory_scripts", scripts_bytes + libraries_bytes);
}
