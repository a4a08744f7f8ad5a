//! What BITFIELD takes after its key: types of fields, their positions, and what is done with them.

use super::offset;
use crate::args::Args;
use crate::error::CommandError;
use crate::keyspace::Keyspace;
use crate::number::parse_i64;
use crate::values::bits::{Field, Overflow};

/// One thing that is done with one field.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) field: Field,
    /// The position of its first bit.
    pub(super) position: u64,
    pub(super) action: Action,
}

#[derive(Clone, Copy)]
pub(super) enum Action {
    Get,
    Set(i64, Overflow),
    Increase(i64, Overflow),
}

impl Step {
    /// Reads all of them.
    pub(super) fn read_all(
        keyspace: &Keyspace,
        args: &mut Args<'_>,
    ) -> Result<Vec<Self>, CommandError> {
        let mut overflow = Overflow::Wrap;
        let mut steps = Vec::new();
        while !args.is_done() {
            if args.remaining() > 2 && args.accept("GET") {
                let (field, position) = read_place(keyspace, args)?;
                steps.push(Self {
                    field,
                    position,
                    action: Action::Get,
                });
            } else if args.remaining() > 3 && (args.next_is("SET") || args.next_is("INCRBY")) {
                let is_increase = args.next_is("INCRBY");
                args.next()?;
                let (field, position) = read_place(keyspace, args)?;
                let number = args.next_i64()?;
                steps.push(Self {
                    field,
                    position,
                    action: if is_increase {
                        Action::Increase(number, overflow)
                    } else {
                        Action::Set(number, overflow)
                    },
                });
            } else if args.remaining() > 1 && args.accept("OVERFLOW") {
                overflow = read_overflow(args)?;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(steps)
    }

    pub(super) const fn is_get(&self) -> bool {
        matches!(self.action, Action::Get)
    }

    /// The position of its last bit.
    pub(super) fn last_bit(&self) -> u64 {
        self.position + u64::from(self.field.bits) - 1
    }
}

fn read_place(keyspace: &Keyspace, args: &mut Args<'_>) -> Result<(Field, u64), CommandError> {
    let field = read_field(args.next()?)?;
    let position = offset::read_counted(keyspace, args.next()?, field.bits)?;
    Ok((field, position))
}

fn read_field(text: &[u8]) -> Result<Field, CommandError> {
    let (is_signed, width, bits_max) = match text {
        [b'i', width @ ..] => (true, width, 64),
        [b'u', width @ ..] => (false, width, 63),
        _ => return Err(CommandError::BitfieldType),
    };
    let bits = parse_i64(width)
        .and_then(|bits| u32::try_from(bits).ok())
        .filter(|bits| (1..=bits_max).contains(bits))
        .ok_or(CommandError::BitfieldType)?;
    Ok(Field { is_signed, bits })
}

fn read_overflow(args: &mut Args<'_>) -> Result<Overflow, CommandError> {
    if args.accept("WRAP") {
        Ok(Overflow::Wrap)
    } else if args.accept("SAT") {
        Ok(Overflow::Saturate)
    } else if args.accept("FAIL") {
        Ok(Overflow::Fail)
    } else {
        Err(CommandError::BitfieldOverflow)
    }
}
