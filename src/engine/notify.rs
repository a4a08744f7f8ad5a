//! Keyspace notifications: what happened to which key, noted by handlers as they change things.
//! Classes and letters are those of Redis's `notify-keyspace-events`.

use crate::keyspace::DatabaseIndex;

/// A set of notification classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifyClasses(u16);

impl NotifyClasses {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `K`: published to `__keyspace@<db>__:<key>`.
    pub const KEYSPACE: Self = Self(1);
    /// `E`: published to `__keyevent@<db>__:<event>`.
    pub const KEYEVENT: Self = Self(1 << 1);
    /// `g`: commands of no particular type.
    pub const GENERIC: Self = Self(1 << 2);
    /// `$`: strings.
    pub const STRING: Self = Self(1 << 3);
    /// `l`: lists.
    pub const LIST: Self = Self(1 << 4);
    /// `s`: sets.
    pub const SET: Self = Self(1 << 5);
    /// `h`: hashes.
    pub const HASH: Self = Self(1 << 6);
    /// `z`: sorted sets.
    pub const SORTED_SET: Self = Self(1 << 7);
    /// `x`: expirations.
    pub const EXPIRED: Self = Self(1 << 8);
    /// `e`: evictions.
    pub const EVICTED: Self = Self(1 << 9);
    /// `t`: streams.
    pub const STREAM: Self = Self(1 << 10);
    /// `m`: lookups that found nothing. Not part of `A`.
    pub const KEY_MISS: Self = Self(1 << 11);
    /// `d`: module types.
    pub const MODULE: Self = Self(1 << 12);
    /// `n`: new keys. Not part of `A`.
    pub const NEW: Self = Self(1 << 13);
    /// `A`: every class but `m` and `n`.
    pub const ALL: Self = Self(0b1_0111_1111_1100);

    const LETTERS: &[(char, Self)] = &[
        ('g', Self::GENERIC),
        ('$', Self::STRING),
        ('l', Self::LIST),
        ('s', Self::SET),
        ('h', Self::HASH),
        ('z', Self::SORTED_SET),
        ('x', Self::EXPIRED),
        ('e', Self::EVICTED),
        ('t', Self::STREAM),
        ('d', Self::MODULE),
    ];
    const LETTERS_BESIDE_ALL: &[(char, Self)] = &[
        ('K', Self::KEYSPACE),
        ('E', Self::KEYEVENT),
        ('m', Self::KEY_MISS),
        ('n', Self::NEW),
    ];

    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every class of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads the letters of `notify-keyspace-events`; `None` for an unknown letter.
    pub fn parse(letters: &str) -> Option<Self> {
        letters.chars().try_fold(Self::NONE, |classes, letter| {
            if letter == 'A' {
                return Some(classes.with(Self::ALL));
            }
            Self::LETTERS
                .iter()
                .chain(Self::LETTERS_BESIDE_ALL)
                .find(|(known, _)| *known == letter)
                .map(|&(_, class)| classes.with(class))
        })
    }

    /// The letters, in the order in which Redis prints them.
    pub fn letters(self) -> String {
        let mut letters = String::new();
        if self.has(Self::ALL) {
            letters.push('A');
        } else {
            letters.extend(
                Self::LETTERS
                    .iter()
                    .filter(|(_, c)| self.has(*c))
                    .map(|(l, _)| l),
            );
        }
        let beside = Self::LETTERS_BESIDE_ALL.iter();
        letters.extend(beside.filter(|(_, c)| self.has(*c)).map(|(l, _)| l));
        letters
    }
}

/// One thing that happened to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The database of the key.
    pub database: DatabaseIndex,
    /// The event's name, such as `set` or `expired`.
    pub event: &'static str,
    /// The key.
    pub key: Box<[u8]>,
}
