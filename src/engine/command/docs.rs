//! What `COMMAND DOCS` says of a command and its arguments, in our own words.

/// The documentation of one command.
#[derive(Clone, Copy, Debug)]
pub struct Docs {
    /// One line on what it does.
    pub summary: &'static str,
    /// The Redis version that had it first.
    pub since: &'static str,
    /// Its cost.
    pub complexity: &'static str,
    /// Its arguments, in order.
    pub arguments: &'static [Argument],
    /// The version since which something else replaces it, and what.
    pub deprecated: Option<(&'static str, &'static str)>,
}

impl Docs {
    /// Nothing said.
    pub const NONE: Self = Self {
        summary: "",
        since: "",
        complexity: "",
        arguments: &[],
        deprecated: None,
    };
}

/// What an argument is.
#[derive(Clone, Copy, Debug)]
pub enum ArgumentKind {
    /// Any bytes.
    String,
    /// A whole number.
    Integer,
    /// A floating point number.
    Double,
    /// A key, found by the specification with this index.
    Key(u8),
    /// A glob pattern.
    Pattern,
    /// A time in seconds or milliseconds since 1970.
    UnixTime,
    /// The word itself, without a value.
    Token,
    /// One of these.
    OneOf(&'static [Argument]),
    /// All of these, together.
    Block(&'static [Argument]),
}

/// One argument of a command.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: ArgumentKind,
    /// The word that stands in front of it.
    pub token: Option<&'static str>,
    /// It may be left out.
    pub optional: bool,
    /// It may be repeated.
    pub multiple: bool,
    /// Its word is repeated with it.
    pub multiple_token: bool,
}

impl Argument {
    /// An argument of some kind.
    pub const fn new(name: &'static str, kind: ArgumentKind) -> Self {
        Self {
            name,
            kind,
            token: None,
            optional: false,
            multiple: false,
            multiple_token: false,
        }
    }

    /// A key found by the first key specification.
    pub const fn key(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::Key(0))
    }

    /// Any bytes.
    pub const fn string(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::String)
    }

    /// A whole number.
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::Integer)
    }

    /// A floating point number.
    pub const fn double(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::Double)
    }

    /// A word that stands for itself: `name` is its lower-case form.
    pub const fn word(name: &'static str, token: &'static str) -> Self {
        Self::new(name, ArgumentKind::Token).token(token)
    }

    /// One of several.
    pub const fn one_of(name: &'static str, choices: &'static [Argument]) -> Self {
        Self::new(name, ArgumentKind::OneOf(choices))
    }

    /// Several that belong together.
    pub const fn block(name: &'static str, parts: &'static [Argument]) -> Self {
        Self::new(name, ArgumentKind::Block(parts))
    }

    /// Puts a word in front.
    pub const fn token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }

    /// Lets it be left out.
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Lets it be repeated.
    pub const fn multiple(mut self) -> Self {
        self.multiple = true;
        self
    }
}
