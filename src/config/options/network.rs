//! Options of sockets and of the clients behind them.

use super::super::{Permission, words as readers};
use super::{
    Definition, INT_MAX, LONG_MAX, UINT_MAX, choice, integer, memory, text, words, yes_no,
};
use crate::config::kind::Kind;

/// The lines.
pub(super) const OPTIONS: &[Definition] = &[
    words("bind", readers::bind, "127.0.0.1 -::1")
        .at_start_unlike_redis()
        .sets(
            "addresses to listen on; one with a leading - may be missing",
            |config, value| {
                let text = value.string();
                let addresses = text.split(' ').filter(|address| !address.is_empty());
                config.bind = addresses.map(str::to_owned).collect();
                Ok(())
            },
        ),
    integer("port", 0, 65_535, "6379").sets("TCP port; 0 for none", |config, value| {
        config.port = value.unsigned(u16::MAX);
        Ok(())
    }),
    text("unixsocket", "").at_start().sets(
        "path of a Unix socket; empty for none",
        |config, value| {
            config.unix_socket = (!value.text.is_empty()).then(|| value.string().into());
            Ok(())
        },
    ),
    Definition::new("unixsocketperm", Kind::Octal, "0")
        .at_start()
        .sets(
            "mode of the Unix socket, in octal; 0 leaves it to the umask",
            |config, value| {
                config.unix_socket_mode = Some(value.unsigned(0o777)).filter(|mode| *mode != 0);
                Ok(())
            },
        ),
    integer("tcp-backlog", 0, INT_MAX, "511").at_start().sets(
        "connections that may wait to be accepted",
        |config, value| {
            config.tcp_backlog = value.unsigned(u32::MAX);
            Ok(())
        },
    ),
    integer("tcp-keepalive", 0, INT_MAX, "300").sets(
        "seconds between probes of silent clients; 0 for none",
        |config, value| {
            config.tcp_keepalive_seconds = value.unsigned(u32::MAX);
            Ok(())
        },
    ),
    integer("timeout", 0, INT_MAX, "0").sets(
        "seconds after which idle clients are closed; 0 for never",
        |config, value| {
            config.timeout_seconds = value.unsigned(u64::MAX);
            Ok(())
        },
    ),
    integer("maxclients", 1, UINT_MAX, "10000").sets(
        "clients that may be connected at once",
        |config, value| {
            config.clients_max = value.size();
            Ok(())
        },
    ),
    yes_no("protected-mode", "yes").sets(
        "without a password, serve clients of this host only",
        |config, value| {
            config.protected_mode = value.is_yes();
            Ok(())
        },
    ),
    text("requirepass", "").sets(
        "password of the default user; empty for none",
        |config, value| {
            config.passwords = match &*value.text {
                [] => Vec::new(),
                password => vec![password.into()],
            };
            Ok(())
        },
    ),
    memory("proto-max-bulk-len", 1 << 20, LONG_MAX, "512mb").sets(
        "longest argument and string value; more than 2 GiB counts as that",
        |config, value| {
            // Keys, fields and members with their values stand behind lengths of 32 bits.
            config.bulk_bytes_max = value.size().min(i32::MAX as usize);
            Ok(())
        },
    ),
    memory("client-query-buffer-limit", 1 << 20, LONG_MAX, "1gb").sets(
        "bytes that a client may send ahead of one complete command",
        |config, value| {
            config.query_buffer_bytes_max = value.size();
            Ok(())
        },
    ),
    words(
        "client-output-buffer-limit",
        readers::output_limits,
        "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60",
    )
    .sets(
        "class, hard bytes, soft bytes, soft seconds: unread replies beyond it close a client",
        |config, value| {
            config.output_limits = readers::parse_output_limits(&value.text);
            Ok(())
        },
    ),
    Definition::new("maxmemory-clients", Kind::MemoryOrPercent, "0")
        .warned("clients are bounded one by one, not together"),
    choice("enable-debug-command", PERMISSIONS, "no")
        .at_start()
        .sets("who may use DEBUG: no, local or yes", |config, value| {
            config.debug_command = permission(value.number);
            Ok(())
        }),
    choice("enable-protected-configs", PERMISSIONS, "no")
        .at_start()
        .sets(
            "who may CONFIG SET the options that name files: no, local or yes",
            |config, value| {
                config.protected_configs = permission(value.number);
                Ok(())
            },
        ),
    choice("enable-module-command", PERMISSIONS, "no")
        .at_start()
        .kept("there are no modules"),
    text("bind-source-addr", "").kept("there are no replicas of Redis's kind to connect to"),
    integer("io-threads", 1, 128, "1")
        .at_start()
        .warned("sockets are served by the thread of the commands"),
    yes_no("io-threads-do-reads", "no")
        .at_start()
        .kept("see io-threads"),
    integer("socket-mark-id", 0, UINT_MAX, "0")
        .at_start()
        .warned("sockets are not marked"),
    integer("tracking-table-max-keys", 0, LONG_MAX, "1000000")
        .kept("client-side caching is not offered yet"),
    memory("holdfast-held-bytes-max", 1 << 10, LONG_MAX, "1mb").sets(
        "replies held for one client before it is not read any more",
        |config, value| {
            config.held_bytes_max = value.size();
            Ok(())
        },
    ),
    memory("holdfast-transaction-bytes-max", 1 << 10, LONG_MAX, "256mb").sets(
        "commands queued in one transaction",
        |config, value| {
            config.transaction_bytes_max = value.size();
            Ok(())
        },
    ),
];

const PERMISSIONS: &[&str] = &["no", "yes", "local"];

const fn permission(place: i64) -> Permission {
    match place {
        1 => Permission::Yes,
        2 => Permission::Local,
        _ => Permission::No,
    }
}
