//! Options of the process: its log, its place in the system, slow commands, scripts, ACL files.

use super::super::LogLevel;
use super::super::words as readers;
use super::{Definition, INT_MAX, LONG_MAX, choice, integer, memory, text, words, yes_no};

const THREADS: &str = "threads are not bound to processors";
const CRASHES: &str = "the process never goes on after a failed assertion";

/// The lines.
pub(super) const OPTIONS: &[Definition] = &[
    choice(
        "loglevel",
        &["debug", "verbose", "notice", "warning"],
        "notice",
    )
    .sets("how much the process logs", |config, value| {
        config.log_level = match value.number {
            0 => LogLevel::Debug,
            1 => LogLevel::Verbose,
            2 => LogLevel::Notice,
            _ => LogLevel::Warning,
        };
        Ok(())
    }),
    text("logfile", "").at_start().sets(
        "file that the process logs to; empty for its standard error",
        |config, value| {
            config.log_file = (!value.text.is_empty()).then(|| value.string().into());
            Ok(())
        },
    ),
    text("pidfile", "").at_start().sets(
        "file that holds the process id while it runs; empty for none",
        |config, value| {
            config.pid_file = (!value.text.is_empty()).then(|| value.string().into());
            Ok(())
        },
    ),
    integer("hz", i32::MIN as i64, INT_MAX, "10").sets(
        "how often a second time-outs and expiry are looked after",
        |config, value| {
            config.hz = u32::try_from(value.number.clamp(1, 500)).unwrap_or(10);
            Ok(())
        },
    ),
    yes_no("dynamic-hz", "yes").kept("the core looks after what is due, however many clients"),
    integer("slowlog-log-slower-than", -1, LONG_MAX, "10000").sets(
        "microseconds from which on a command is in the slow log; negative for never",
        |config, value| {
            config.slowlog_slower_than_micros = value.number;
            Ok(())
        },
    ),
    integer("slowlog-max-len", 0, LONG_MAX, "128").sets(
        "commands that the slow log keeps",
        |config, value| {
            config.slowlog_length_max = value.size();
            Ok(())
        },
    ),
    integer("latency-monitor-threshold", 0, LONG_MAX, "0").sets(
        "milliseconds from which on LATENCY keeps an event; 0 for never",
        |config, value| {
            config.latency_threshold_ms = value.unsigned(u64::MAX);
            Ok(())
        },
    ),
    yes_no("latency-tracking", "yes").sets(
        "keep the distribution of each command's duration",
        |config, value| {
            config.latency_tracking = value.is_yes();
            Ok(())
        },
    ),
    words(
        "latency-tracking-info-percentiles",
        readers::percentiles,
        "50 99 99.9",
    )
    .sets(
        "percentiles that INFO latencystats shows",
        |config, value| {
            let text = value.string();
            let percentiles = text.split(' ').filter_map(|word| word.parse().ok());
            config.latency_percentiles = percentiles.collect();
            Ok(())
        },
    ),
    words("shutdown-on-sigterm", readers::shutdown_flags, "default")
        .kept("the last writes are always committed before the end"),
    words("shutdown-on-sigint", readers::shutdown_flags, "default")
        .kept("the last writes are always committed before the end"),
    integer("shutdown-timeout", 0, INT_MAX, "10")
        .kept("the end waits for the last writes, for ten seconds at most"),
    yes_no("daemonize", "no")
        .at_start()
        .warned("the process stays in the foreground; let the service manager start it"),
    choice("supervised", &["no", "auto", "systemd", "upstart"], "no")
        .at_start()
        .warned("no service manager is told when the node is ready"),
    yes_no("syslog-enabled", "no")
        .at_start()
        .warned("the log goes to standard error or to `logfile`"),
    text("syslog-ident", "redis")
        .at_start()
        .kept("see syslog-enabled"),
    choice(
        "syslog-facility",
        &[
            "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
        ],
        "local0",
    )
    .at_start()
    .kept("see syslog-enabled"),
    yes_no("crash-log-enabled", "yes").kept(CRASHES),
    yes_no("crash-memcheck-enabled", "yes").kept(CRASHES),
    yes_no("always-show-logo", "no")
        .at_start()
        .kept("there is none"),
    yes_no("set-proc-title", "yes")
        .at_start()
        .kept("the process keeps the title that it was started with"),
    words(
        "proc-title-template",
        readers::title,
        "{title} {listen-addr} {server-mode}",
    )
    .kept("the process keeps the title that it was started with"),
    yes_no("disable-thp", "yes")
        .at_start()
        .kept("there is no fork, which huge pages would slow down"),
    yes_no("jemalloc-bg-thread", "yes").kept("the allocator is mimalloc"),
    choice(
        "oom-score-adj",
        &["no", "yes", "relative", "absolute"],
        "no",
    )
    .warned("the score of the process is left as it is"),
    words("oom-score-adj-values", readers::oom_scores, "0 200 800").kept("see oom-score-adj"),
    text("server_cpulist", "").at_start().warned(THREADS),
    text("bio_cpulist", "").at_start().warned(THREADS),
    text("aof_rewrite_cpulist", "").at_start().warned(THREADS),
    text("bgsave_cpulist", "").at_start().warned(THREADS),
    text("ignore-warnings", "").kept("warnings are given once, at start"),
    integer("busy-reply-threshold", 0, LONG_MAX, "5000")
        .alias("lua-time-limit")
        .sets(
            "milliseconds after which clients are told BUSY; 0 for never",
            |config, value| {
                config.busy_reply_threshold_ms = value.number.unsigned_abs();
                Ok(())
            },
        ),
    memory("holdfast-script-memory-max", 1 << 20, LONG_MAX, "256mb").sets(
        "bytes that Lua may use, for scripts and for functions, from the next FLUSH on",
        |config, value| {
            config.script_memory_bytes_max = value.size();
            Ok(())
        },
    ),
    integer("holdfast-script-steps-max", 0, LONG_MAX, "0").sets(
        "steps of the interpreter that a script may take; 0 for any number",
        |config, value| {
            config.script_steps_max = value.number.unsigned_abs();
            Ok(())
        },
    ),
    text("aclfile", "")
        .at_start()
        .refused("its users would not exist, and the default user may do everything"),
    integer("acllog-max-len", 0, LONG_MAX, "128").kept("ACL is not offered yet"),
    choice(
        "acl-pubsub-default",
        &["allchannels", "resetchannels"],
        "resetchannels",
    )
    .kept("ACL is not offered yet"),
];
