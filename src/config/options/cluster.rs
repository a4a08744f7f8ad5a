//! Options of Redis's replication, cluster and TLS: what each means for a server that replicates
//! through Raft.

use super::super::words as readers;
use super::{Definition, INT_MAX, LONG_MAX, choice, integer, memory, text, words, yes_no};

const NO_REPLICAS: &str =
    "nodes replicate through Raft; a Redis replica always gets a snapshot file and the stream";
const QUORUM: &str = "every write already waits for a majority of the nodes";
const NO_SLOTS: &str = "Redis Cluster is not offered yet";
const NO_TLS: &str = "TLS is not offered yet";

/// The lines.
pub(super) const OPTIONS: &[Definition] = &[
    words("replicaof", readers::replica_of, "")
        .alias("slaveof")
        .at_start()
        .refused("this node would be writable, while it was meant to follow another server"),
    text("masteruser", "").kept(NO_REPLICAS),
    text("masterauth", "").kept(NO_REPLICAS),
    integer("min-replicas-to-write", 0, INT_MAX, "0")
        .alias("min-slaves-to-write")
        .warned(QUORUM),
    integer("min-replicas-max-lag", 0, INT_MAX, "10")
        .alias("min-slaves-max-lag")
        .kept(QUORUM),
    yes_no("replica-serve-stale-data", "yes")
        .alias("slave-serve-stale-data")
        .kept(NO_REPLICAS),
    yes_no("replica-read-only", "yes")
        .alias("slave-read-only")
        .kept(NO_REPLICAS),
    yes_no("replica-ignore-disk-write-errors", "no")
        .warned("a disk that fails a write stops the node: its log cannot be trusted any more"),
    yes_no("replica-ignore-maxmemory", "yes")
        .alias("slave-ignore-maxmemory")
        .kept(NO_REPLICAS),
    integer("replica-priority", 0, INT_MAX, "100")
        .alias("slave-priority")
        .kept(NO_REPLICAS),
    yes_no("replica-announced", "yes").kept(NO_REPLICAS),
    text("replica-announce-ip", "")
        .alias("slave-announce-ip")
        .kept(NO_REPLICAS),
    integer("replica-announce-port", 0, 65_535, "0")
        .alias("slave-announce-port")
        .kept(NO_REPLICAS),
    yes_no("repl-diskless-sync", "yes").kept(NO_REPLICAS),
    integer("repl-diskless-sync-delay", 0, INT_MAX, "5").kept(NO_REPLICAS),
    integer("repl-diskless-sync-max-replicas", 0, INT_MAX, "0").kept(NO_REPLICAS),
    choice(
        "repl-diskless-load",
        &["disabled", "on-empty-db", "swapdb"],
        "disabled",
    )
    .kept(NO_REPLICAS),
    yes_no("repl-disable-tcp-nodelay", "no").kept(NO_REPLICAS),
    integer("repl-ping-replica-period", 1, INT_MAX, "10")
        .alias("repl-ping-slave-period")
        .sets(
            "seconds between two signs of life to a Redis replica",
            |config, value| {
                config.replica_ping_seconds = value.unsigned(u64::MAX);
                Ok(())
            },
        ),
    integer("repl-timeout", 1, INT_MAX, "60").kept(NO_REPLICAS),
    memory("repl-backlog-size", 1, LONG_MAX, "1mb").kept(NO_REPLICAS),
    integer("repl-backlog-ttl", 0, LONG_MAX, "3600").kept(NO_REPLICAS),
    choice(
        "propagation-error-behavior",
        &["ignore", "panic", "panic-on-replicas"],
        "ignore",
    )
    .kept("an effect that does not apply always stops the node"),
    yes_no("cluster-enabled", "no")
        .at_start()
        .refused("clients would expect slots; Redis Cluster is not offered yet"),
    text("cluster-config-file", "nodes.conf")
        .at_start()
        .kept(NO_SLOTS),
    integer("cluster-port", 0, 65_535, "0")
        .at_start()
        .kept(NO_SLOTS),
    integer("cluster-node-timeout", 0, LONG_MAX, "15000").kept(NO_SLOTS),
    integer("cluster-replica-validity-factor", 0, INT_MAX, "10")
        .alias("cluster-slave-validity-factor")
        .kept(NO_SLOTS),
    integer("cluster-migration-barrier", 0, INT_MAX, "1").kept(NO_SLOTS),
    yes_no("cluster-allow-replica-migration", "yes").kept(NO_SLOTS),
    yes_no("cluster-require-full-coverage", "yes").kept(NO_SLOTS),
    yes_no("cluster-replica-no-failover", "no")
        .alias("cluster-slave-no-failover")
        .kept(NO_SLOTS),
    yes_no("cluster-allow-reads-when-down", "no").kept(NO_SLOTS),
    yes_no("cluster-allow-pubsubshard-when-down", "yes").kept(NO_SLOTS),
    memory("cluster-link-sendbuf-limit", 0, LONG_MAX, "0").kept(NO_SLOTS),
    text("cluster-announce-ip", "").kept(NO_SLOTS),
    text("cluster-announce-hostname", "").kept(NO_SLOTS),
    integer("cluster-announce-port", 0, 65_535, "0").kept(NO_SLOTS),
    integer("cluster-announce-tls-port", 0, 65_535, "0").kept(NO_SLOTS),
    integer("cluster-announce-bus-port", 0, 65_535, "0").kept(NO_SLOTS),
    choice(
        "cluster-preferred-endpoint-type",
        &["ip", "hostname", "unknown-endpoint"],
        "ip",
    )
    .kept(NO_SLOTS),
    integer("tls-port", 0, 65_535, "0")
        .at_start_unlike_redis()
        .warned(NO_TLS),
    yes_no("tls-replication", "no").kept(NO_TLS),
    yes_no("tls-cluster", "no").kept(NO_TLS),
    choice("tls-auth-clients", &["no", "yes", "optional"], "yes").kept(NO_TLS),
    text("tls-cert-file", "").kept(NO_TLS),
    text("tls-key-file", "").kept(NO_TLS),
    text("tls-key-file-pass", "").kept(NO_TLS),
    text("tls-client-cert-file", "").kept(NO_TLS),
    text("tls-client-key-file", "").kept(NO_TLS),
    text("tls-client-key-file-pass", "").kept(NO_TLS),
    text("tls-dh-params-file", "").kept(NO_TLS),
    text("tls-ca-cert-file", "").kept(NO_TLS),
    text("tls-ca-cert-dir", "").kept(NO_TLS),
    text("tls-protocols", "").kept(NO_TLS),
    text("tls-ciphers", "").kept(NO_TLS),
    text("tls-ciphersuites", "").kept(NO_TLS),
    yes_no("tls-prefer-server-ciphers", "no").kept(NO_TLS),
    yes_no("tls-session-caching", "yes").kept(NO_TLS),
    integer("tls-session-cache-size", 0, INT_MAX, "20480").kept(NO_TLS),
    integer("tls-session-cache-timeout", 0, INT_MAX, "300").kept(NO_TLS),
];
