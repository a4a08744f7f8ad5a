//! Where a command's keys stand among its arguments: Redis 7's key specifications.
//! `COMMAND INFO` prints them, `COMMAND GETKEYS`, ACL and routing follow them.

/// What a command does to the keys of one specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAccess {
    /// `RO`, `RW`, `OW` or `RM`.
    pub mode: &'static str,
    /// Whether it reads the value, or facts of it, into its reply.
    pub access: bool,
    /// `update`, `insert` or `delete`, where it changes the key.
    pub change: Option<&'static str>,
}

/// Where the search for keys begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this argument (0 is the command's name).
    Index(u8),
    /// After this word, searched from an argument on; negative: backwards from the end.
    Keyword(&'static str, i8),
    /// Only the command itself can tell.
    Unknown,
}

/// How keys follow from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` (relative to the first; negative: from the end), every `step`; `limit` as in
    /// Redis: with `last` -1, only the first 1/limit of the arguments.
    Range {
        /// Last key, relative to the first; -1 is the last argument.
        last: i8,
        /// Distance between keys.
        step: u8,
        /// 0 for no limit, 2 for the first half of what is left.
        limit: u8,
    },
    /// An argument says how many keys follow.
    Count {
        /// Where the number is, relative to the beginning.
        at: u8,
        /// Where the first key is, relative to the beginning.
        first: u8,
        /// Distance between keys.
        step: u8,
    },
    /// Only the command itself can tell.
    Unknown,
}

/// One key specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// What is done to the keys.
    pub access: KeyAccess,
    /// Where to begin.
    pub begin: Begin,
    /// How to go on.
    pub find: Find,
    /// The specification may miss keys (`SORT … BY`).
    pub incomplete: bool,
    /// The arguments are not keys of the keyspace, but route like keys (`SPUBLISH`).
    pub not_key: bool,
    /// Whether it only reads or writes depending on the arguments.
    pub variable_flags: bool,
}

const fn access(mode: &'static str, access: bool, change: Option<&'static str>) -> KeyAccess {
    KeyAccess {
        mode,
        access,
        change,
    }
}

impl KeySpec {
    /// One key at argument 1, read (`RO`, access).
    pub const READ: Self = Self::at(1, access("RO", true, None));
    /// One key at argument 1, looked at without its contents (`RO`).
    pub const PEEK: Self = Self::at(1, access("RO", false, None));
    /// One key at argument 1, read and changed (`RW`, access, update).
    pub const UPDATE: Self = Self::at(1, access("RW", true, Some("update")));
    /// One key at argument 1, changed blindly (`RW`, update).
    pub const CHANGE: Self = Self::at(1, access("RW", false, Some("update")));
    /// One key at argument 1, elements added (`RW`, insert).
    pub const INSERT: Self = Self::at(1, access("RW", false, Some("insert")));
    /// One key at argument 1, elements removed (`RW`, delete).
    pub const DELETE: Self = Self::at(1, access("RW", false, Some("delete")));
    /// One key at argument 1, elements taken out and returned (`RW`, access, delete).
    pub const TAKE: Self = Self::at(1, access("RW", true, Some("delete")));
    /// One key at argument 1, overwritten (`OW`, update).
    pub const OVERWRITE: Self = Self::at(1, access("OW", false, Some("update")));
    /// One key at argument 1, removed (`RM`, delete).
    pub const REMOVE: Self = Self::at(1, access("RM", false, Some("delete")));

    const fn at(index: u8, access: KeyAccess) -> Self {
        Self {
            access,
            begin: Begin::Index(index),
            find: Find::Range {
                last: 0,
                step: 1,
                limit: 0,
            },
            incomplete: false,
            not_key: false,
            variable_flags: false,
        }
    }

    /// The same at another argument.
    pub const fn index(mut self, index: u8) -> Self {
        self.begin = Begin::Index(index);
        self
    }

    /// The same after a word among the arguments.
    pub const fn after(mut self, word: &'static str, from: i8) -> Self {
        self.begin = Begin::Keyword(word, from);
        self
    }

    /// The same for every `step`th argument up to `last` (-1: the last argument).
    pub const fn range(mut self, last: i8, step: u8) -> Self {
        self.find = Find::Range {
            last,
            step,
            limit: 0,
        };
        self
    }

    /// The same for the first `1/limit` of the arguments that are left.
    pub const fn share(mut self, limit: u8) -> Self {
        self.find = Find::Range {
            last: -1,
            step: 1,
            limit,
        };
        self
    }

    /// The same for as many keys as the argument at the beginning says.
    pub const fn counted(mut self) -> Self {
        self.find = Find::Count {
            at: 0,
            first: 1,
            step: 1,
        };
        self
    }

    /// Marks it as not telling the whole truth.
    pub const fn incomplete(mut self) -> Self {
        self.incomplete = true;
        self
    }

    /// Marks it as depending on the arguments for whether it writes.
    pub const fn variable_flags(mut self) -> Self {
        self.variable_flags = true;
        self
    }

    /// Only the command itself knows where its keys are.
    pub const fn unknown(mut self) -> Self {
        self.begin = Begin::Unknown;
        self.find = Find::Unknown;
        self
    }

    /// Marks its arguments as routing like keys without being keys.
    pub const fn not_key(mut self) -> Self {
        self.not_key = true;
        self
    }

    /// Whether the positions depend on the arguments.
    pub fn is_movable(&self) -> bool {
        !matches!(self.begin, Begin::Index(_)) || !matches!(self.find, Find::Range { .. })
    }

    /// The positions of the keys among `arguments` (0 is the command's name). Nothing is said of
    /// whether they are well-formed: a position never lies outside.
    pub fn positions(&self, arguments: &[&[u8]]) -> Vec<usize> {
        let Some(first) = self.first(arguments) else {
            return Vec::new();
        };
        match self.find {
            Find::Range { last, step, limit } => range(arguments.len(), first, last, step, limit),
            Find::Count {
                at,
                first: key,
                step,
            } => counted(arguments, first, at, key, step),
            Find::Unknown => Vec::new(),
        }
    }

    fn first(&self, arguments: &[&[u8]]) -> Option<usize> {
        match self.begin {
            Begin::Index(index) => Some(usize::from(index)),
            Begin::Keyword(word, from) if from >= 0 => arguments
                .iter()
                .enumerate()
                .skip(from.unsigned_abs().into())
                .find(|(_, argument)| argument.eq_ignore_ascii_case(word.as_bytes()))
                .map(|(at, _)| at + 1),
            Begin::Keyword(word, from) => arguments
                .iter()
                .enumerate()
                .rev()
                .skip(usize::from(from.unsigned_abs()) - 1)
                .find(|(_, argument)| argument.eq_ignore_ascii_case(word.as_bytes()))
                .map(|(at, _)| at + 1),
            Begin::Unknown => None,
        }
    }
}

fn range(count: usize, first: usize, last: i8, step: u8, limit: u8) -> Vec<usize> {
    let end = if last >= 0 {
        first + usize::from(last.unsigned_abs())
    } else if limit > 1 {
        first + (count.saturating_sub(first)) / usize::from(limit) - 1
    } else {
        count.saturating_sub(usize::from(last.unsigned_abs()))
    };
    (first..=end.min(count.saturating_sub(1)))
        .step_by(usize::from(step.max(1)))
        .collect()
}

fn counted(arguments: &[&[u8]], begin: usize, at: u8, first: u8, step: u8) -> Vec<usize> {
    let count = arguments
        .get(begin + usize::from(at))
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(0);
    (begin + usize::from(first)..arguments.len())
        .step_by(usize::from(step.max(1)))
        .take(count)
        .collect()
}
