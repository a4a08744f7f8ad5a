//! What SET and GETEX take after the key: conditions and times to live.

use crate::args::Args;
use crate::error::CommandError;
use crate::number;

/// Whether a time counts from now on or from 1970, and in what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeUnit {
    /// `EX`.
    Seconds,
    /// `PX`.
    Milliseconds,
    /// `EXAT`.
    SecondsSinceEpoch,
    /// `PXAT`.
    MillisecondsSinceEpoch,
}

impl TimeUnit {
    const WORDS: [(&'static str, Self); 4] = [
        ("EX", Self::Seconds),
        ("PX", Self::Milliseconds),
        ("EXAT", Self::SecondsSinceEpoch),
        ("PXAT", Self::MillisecondsSinceEpoch),
    ];

    /// Whether the time counts from 1970.
    pub(super) const fn is_absolute(self) -> bool {
        matches!(self, Self::SecondsSinceEpoch | Self::MillisecondsSinceEpoch)
    }

    const fn is_in_seconds(self) -> bool {
        matches!(self, Self::Seconds | Self::SecondsSinceEpoch)
    }

    /// The deadline, in milliseconds since 1970, that `text` means in this unit to `command`.
    pub(super) fn deadline(
        self,
        text: &[u8],
        now_ms: i64,
        command: &'static str,
    ) -> Result<i64, CommandError> {
        let time = number::parse_i64(text).ok_or(CommandError::NotAnInteger)?;
        let invalid = CommandError::InvalidExpireTime(command);
        if time <= 0 {
            return Err(invalid);
        }
        let scale = if self.is_in_seconds() { 1000 } else { 1 };
        let base = if self.is_absolute() { 0 } else { now_ms };
        time.checked_mul(scale)
            .and_then(|ms| ms.checked_add(base))
            .ok_or(invalid)
    }
}

/// A time to live as it was given, not looked at yet.
pub(super) type GivenTime<'a> = (TimeUnit, &'a [u8]);

/// What becomes of the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime<'a> {
    /// Nothing was said.
    Unsaid,
    /// `KEEPTTL`.
    Keep,
    /// `PERSIST`.
    Persist,
    /// `EX` and its kin.
    Given(GivenTime<'a>),
}

/// When SET sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// In any case.
    Always,
    /// `NX`: the key must not be there.
    IfAbsent,
    /// `XX`: the key must be there.
    IfPresent,
}

/// The options of SET.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetOptions<'a> {
    pub(super) condition: Condition,
    pub(super) lifetime: Lifetime<'a>,
    pub(super) returns_old: bool,
}

impl<'a> SetOptions<'a> {
    pub(super) fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let mut options = Self {
            condition: Condition::Always,
            lifetime: Lifetime::Unsaid,
            returns_old: false,
        };
        while !args.is_done() {
            if options.condition != Condition::IfPresent && args.accept("NX") {
                options.condition = Condition::IfAbsent;
            } else if options.condition != Condition::IfAbsent && args.accept("XX") {
                options.condition = Condition::IfPresent;
            } else if args.accept("GET") {
                options.returns_old = true;
            } else if matches!(options.lifetime, Lifetime::Unsaid | Lifetime::Keep)
                && args.accept("KEEPTTL")
            {
                options.lifetime = Lifetime::Keep;
            } else {
                options.lifetime = read_time(args, options.lifetime)?;
            }
        }
        Ok(options)
    }
}

/// Reads the options of GETEX.
pub(super) fn read_getex<'a>(args: &mut Args<'a>) -> Result<Lifetime<'a>, CommandError> {
    let mut lifetime = Lifetime::Unsaid;
    while !args.is_done() {
        if matches!(lifetime, Lifetime::Unsaid | Lifetime::Persist) && args.accept("PERSIST") {
            lifetime = Lifetime::Persist;
        } else {
            lifetime = read_time(args, lifetime)?;
        }
    }
    Ok(lifetime)
}

/// Reads a word of time and its number. Only one such word may stand in a command, except that it
/// may be repeated, and then the last counts.
fn read_time<'a>(args: &mut Args<'a>, before: Lifetime<'a>) -> Result<Lifetime<'a>, CommandError> {
    let found = TimeUnit::WORDS.iter().find(|(word, _)| args.accept(word));
    let &(_, unit) = found.ok_or(CommandError::Syntax)?;
    match before {
        Lifetime::Unsaid => {}
        Lifetime::Given((same, _)) if same == unit => {}
        _ => return Err(CommandError::Syntax),
    }
    Ok(Lifetime::Given((unit, args.next()?)))
}
