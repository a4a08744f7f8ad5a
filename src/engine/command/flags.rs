//! Command flags and ACL categories: sets of bits with the names that Redis gives them.
//! Source: the reply of `COMMAND INFO` and the ACL documentation of Redis 7.0.

use super::Group;

/// A set of command flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flags(u32);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// May change the keyspace.
    pub const WRITE: Self = Self(1);
    /// Reads the keyspace only.
    pub const READONLY: Self = Self(1 << 1);
    /// Refused when memory is over `maxmemory`.
    pub const DENY_OOM: Self = Self(1 << 2);
    /// An administrator's command.
    pub const ADMIN: Self = Self(1 << 3);
    /// Publish or subscribe.
    pub const PUBSUB: Self = Self(1 << 4);
    /// Not from scripts.
    pub const NO_SCRIPT: Self = Self(1 << 5);
    /// May block the session.
    pub const BLOCKING: Self = Self(1 << 6);
    /// Allowed while the data is loading.
    pub const LOADING: Self = Self(1 << 7);
    /// Allowed on a replica with stale data.
    pub const STALE: Self = Self(1 << 8);
    /// Not shown by MONITOR.
    pub const SKIP_MONITOR: Self = Self(1 << 9);
    /// Not in the slow log.
    pub const SKIP_SLOWLOG: Self = Self(1 << 10);
    /// Allowed while a slot is imported.
    pub const ASKING: Self = Self(1 << 11);
    /// Constant or logarithmic time.
    pub const FAST: Self = Self(1 << 12);
    /// Allowed before authentication.
    pub const NO_AUTH: Self = Self(1 << 13);
    /// Reaches replicas though it changes no key.
    pub const MAY_REPLICATE: Self = Self(1 << 14);
    /// Its key specifications may find no key.
    pub const NO_MANDATORY_KEYS: Self = Self(1 << 15);
    /// Refused unless enabled by the configuration.
    pub const PROTECTED: Self = Self(1 << 16);
    /// May touch keys that are not in its arguments.
    pub const TOUCHES_ARBITRARY_KEYS: Self = Self(1 << 17);
    /// Allowed while a long script runs.
    pub const ALLOW_BUSY: Self = Self(1 << 18);
    /// Not inside MULTI.
    pub const NO_MULTI: Self = Self(1 << 19);
    /// About this node only: a follower never passes it on to the leader.
    pub const LOCAL: Self = Self(1 << 20);
    /// Not while data are loaded beside those that are served.
    pub const NO_ASYNC_LOADING: Self = Self(1 << 21);

    const NAMES: &[(Self, &'static str)] = &[
        (Self::WRITE, "write"),
        (Self::READONLY, "readonly"),
        (Self::DENY_OOM, "denyoom"),
        (Self::ADMIN, "admin"),
        (Self::PUBSUB, "pubsub"),
        (Self::NO_SCRIPT, "noscript"),
        (Self::BLOCKING, "blocking"),
        (Self::LOADING, "loading"),
        (Self::STALE, "stale"),
        (Self::SKIP_MONITOR, "skip_monitor"),
        (Self::SKIP_SLOWLOG, "skip_slowlog"),
        (Self::ASKING, "asking"),
        (Self::FAST, "fast"),
        (Self::NO_AUTH, "no_auth"),
        (Self::MAY_REPLICATE, "may_replicate"),
        (Self::NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (Self::PROTECTED, "protected"),
        (Self::TOUCHES_ARBITRARY_KEYS, "touches_arbitrary_keys"),
        (Self::ALLOW_BUSY, "allow_busy"),
        (Self::NO_ASYNC_LOADING, "no_async_loading"),
        (Self::NO_MULTI, "no_multi"),
    ];

    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every flag of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names that `COMMAND INFO` prints.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .iter()
            .filter(move |(flag, _)| self.has(*flag))
            .map(|&(_, name)| name)
    }
}

/// A set of ACL categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Categories(u32);

impl Categories {
    /// No category.
    pub const NONE: Self = Self(0);
    /// Changes or lists the keyspace as such.
    pub const KEYSPACE: Self = Self(1);
    /// Reads keys.
    pub const READ: Self = Self(1 << 1);
    /// Writes keys.
    pub const WRITE: Self = Self(1 << 2);
    /// Sets.
    pub const SET: Self = Self(1 << 3);
    /// Sorted sets.
    pub const SORTED_SET: Self = Self(1 << 4);
    /// Lists.
    pub const LIST: Self = Self(1 << 5);
    /// Hashes.
    pub const HASH: Self = Self(1 << 6);
    /// Strings.
    pub const STRING: Self = Self(1 << 7);
    /// Bitmaps.
    pub const BITMAP: Self = Self(1 << 8);
    /// HyperLogLog.
    pub const HYPERLOGLOG: Self = Self(1 << 9);
    /// Geographic sets.
    pub const GEO: Self = Self(1 << 10);
    /// Streams.
    pub const STREAM: Self = Self(1 << 11);
    /// Publish and subscribe.
    pub const PUBSUB: Self = Self(1 << 12);
    /// Administration.
    pub const ADMIN: Self = Self(1 << 13);
    /// Fast commands.
    pub const FAST: Self = Self(1 << 14);
    /// All others.
    pub const SLOW: Self = Self(1 << 15);
    /// May block.
    pub const BLOCKING: Self = Self(1 << 16);
    /// Dangerous in careless hands.
    pub const DANGEROUS: Self = Self(1 << 17);
    /// The connection.
    pub const CONNECTION: Self = Self(1 << 18);
    /// Transactions.
    pub const TRANSACTION: Self = Self(1 << 19);
    /// Scripts and functions.
    pub const SCRIPTING: Self = Self(1 << 20);

    /// Every category with its name, in the order of `ACL CAT`.
    pub const NAMES: &[(Self, &'static str)] = &[
        (Self::KEYSPACE, "keyspace"),
        (Self::READ, "read"),
        (Self::WRITE, "write"),
        (Self::SET, "set"),
        (Self::SORTED_SET, "sortedset"),
        (Self::LIST, "list"),
        (Self::HASH, "hash"),
        (Self::STRING, "string"),
        (Self::BITMAP, "bitmap"),
        (Self::HYPERLOGLOG, "hyperloglog"),
        (Self::GEO, "geo"),
        (Self::STREAM, "stream"),
        (Self::PUBSUB, "pubsub"),
        (Self::ADMIN, "admin"),
        (Self::FAST, "fast"),
        (Self::SLOW, "slow"),
        (Self::BLOCKING, "blocking"),
        (Self::DANGEROUS, "dangerous"),
        (Self::CONNECTION, "connection"),
        (Self::TRANSACTION, "transaction"),
        (Self::SCRIPTING, "scripting"),
    ];

    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every category of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What follows from a command's flags and group, as Redis derives it.
    pub const fn derived(flags: Flags, group: Group) -> Self {
        let mut all = Self::of_group(group);
        if flags.has(Flags::WRITE) {
            all = all.with(Self::WRITE);
        }
        if flags.has(Flags::READONLY) && !matches!(group, Group::Scripting) {
            all = all.with(Self::READ);
        }
        if flags.has(Flags::ADMIN) {
            all = all.with(Self::ADMIN).with(Self::DANGEROUS);
        }
        if flags.has(Flags::PUBSUB) {
            all = all.with(Self::PUBSUB);
        }
        if flags.has(Flags::BLOCKING) {
            all = all.with(Self::BLOCKING);
        }
        if flags.has(Flags::FAST) {
            all.with(Self::FAST)
        } else {
            all.with(Self::SLOW)
        }
    }

    const fn of_group(group: Group) -> Self {
        match group {
            Group::Generic => Self::KEYSPACE,
            Group::String => Self::STRING,
            Group::List => Self::LIST,
            Group::Set => Self::SET,
            Group::SortedSet => Self::SORTED_SET,
            Group::Hash => Self::HASH,
            Group::PubSub => Self::PUBSUB,
            Group::Transactions => Self::TRANSACTION,
            Group::Connection => Self::CONNECTION,
            Group::Scripting => Self::SCRIPTING,
            Group::HyperLogLog => Self::HYPERLOGLOG,
            Group::Geo => Self::GEO,
            Group::Stream => Self::STREAM,
            Group::Bitmap => Self::BITMAP,
            Group::Server | Group::Cluster | Group::Sentinel => Self::NONE,
        }
    }
}
