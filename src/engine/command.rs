//! What a command *is*: one constant beside its function, read by lookup, arity and ACL checks,
//! routing, `COMMAND INFO/DOCS/GETKEYS` and the tests.
//!
//! The engine's families and the server's own commands use the same [`Spec`]; they differ in what
//! they run, which is the type parameter of [`Command`]. Nothing else is edited to add a command.

mod docs;
mod flags;
mod keys;

pub use docs::{Argument, ArgumentKind, Docs};
pub use flags::{Categories, Flags};
pub use keys::{Begin, Find, KeyAccess, KeySpec};

/// How many arguments a command takes, its own name (and its container's) included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// This many, no more, no fewer.
    Exactly(u8),
    /// This many or more.
    AtLeast(u8),
}

impl Arity {
    /// Whether `count` arguments satisfy it.
    pub const fn accepts(self, count: usize) -> bool {
        match self {
            Self::Exactly(wanted) => count == wanted as usize,
            Self::AtLeast(wanted) => count >= wanted as usize,
        }
    }

    /// The number that `COMMAND INFO` prints: negative for a minimum.
    pub const fn wire(self) -> i64 {
        match self {
            Self::Exactly(wanted) => wanted as i64,
            Self::AtLeast(wanted) => -(wanted as i64),
        }
    }
}

/// The command groups of Redis's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Commands on keys of any type.
    Generic,
    /// Strings.
    String,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Hashes.
    Hash,
    /// Publish and subscribe.
    PubSub,
    /// MULTI, EXEC and their kin.
    Transactions,
    /// The connection itself.
    Connection,
    /// The server itself.
    Server,
    /// Lua scripts and functions.
    Scripting,
    /// HyperLogLog.
    HyperLogLog,
    /// Cluster management.
    Cluster,
    /// Geographic sets.
    Geo,
    /// Streams.
    Stream,
    /// Bitmaps and bit fields.
    Bitmap,
    /// What the server keeps for Sentinel-aware clients.
    Sentinel,
}

impl Group {
    /// The name in `COMMAND DOCS`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Hash => "hash",
            Self::PubSub => "pubsub",
            Self::Transactions => "transactions",
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Scripting => "scripting",
            Self::HyperLogLog => "hyperloglog",
            Self::Cluster => "cluster",
            Self::Geo => "geo",
            Self::Stream => "stream",
            Self::Bitmap => "bitmap",
            Self::Sentinel => "sentinel",
        }
    }
}

/// The facts of one command, whoever runs it.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The name in lower case; for a subcommand, its own word only.
    pub name: &'static str,
    /// Its documentation group.
    pub group: Group,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What it does and where it may run.
    pub flags: Flags,
    /// ACL categories beyond those that follow from flags and group.
    pub categories: Categories,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// What `COMMAND DOCS` says.
    pub docs: Docs,
}

/// A command and what runs it. `R` is [`crate::Handler`] here and the server's own type there.
#[derive(Clone, Copy, Debug)]
pub struct Command<R: 'static> {
    /// Its facts.
    pub spec: Spec,
    /// What runs it; a container's own entry runs when no subcommand matches.
    pub run: R,
    /// Its subcommands, when it is a container such as `OBJECT`.
    pub subcommands: &'static [Command<R>],
}

impl<R: Copy + 'static> Command<R> {
    /// A command with nothing said about it yet but its name, group and what runs it.
    pub const fn new(name: &'static str, group: Group, run: R) -> Self {
        let spec = Spec {
            name,
            group,
            arity: Arity::AtLeast(1),
            flags: Flags::NONE,
            categories: Categories::NONE,
            keys: &[],
            docs: Docs::NONE,
        };
        Self {
            spec,
            run,
            subcommands: &[],
        }
    }

    /// Sets the number of arguments.
    pub const fn arity(mut self, arity: Arity) -> Self {
        self.spec.arity = arity;
        self
    }

    /// Adds flags.
    pub const fn flags(mut self, flags: Flags) -> Self {
        self.spec.flags = self.spec.flags.with(flags);
        self
    }

    /// Marks it as taking constant or logarithmic time.
    pub const fn fast(self) -> Self {
        self.flags(Flags::FAST)
    }

    /// Adds ACL categories.
    pub const fn categories(mut self, categories: Categories) -> Self {
        self.spec.categories = self.spec.categories.with(categories);
        self
    }

    /// Says where its keys are.
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Self {
        self.spec.keys = keys;
        self
    }

    /// Gives it subcommands.
    pub const fn subcommands(mut self, subcommands: &'static [Command<R>]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// Documents it: first version, complexity, one line, arguments.
    pub const fn doc(
        mut self,
        since: &'static str,
        complexity: &'static str,
        summary: &'static str,
        arguments: &'static [Argument],
    ) -> Self {
        self.spec.docs = Docs {
            since,
            complexity,
            summary,
            arguments,
            deprecated: None,
        };
        self
    }

    /// Marks it as replaced since a version by something else.
    pub const fn deprecated(mut self, since: &'static str, replaced_by: &'static str) -> Self {
        self.spec.docs.deprecated = Some((since, replaced_by));
        self
    }
}

impl Spec {
    /// Whether the positions of its keys depend on the arguments (`movablekeys` in `COMMAND INFO`).
    pub fn keys_are_movable(&self) -> bool {
        self.keys.iter().any(KeySpec::is_movable)
    }

    /// All ACL categories: those that follow from its flags and group, and those said.
    pub fn all_categories(&self) -> Categories {
        Categories::derived(self.flags, self.group).with(self.categories)
    }
}
