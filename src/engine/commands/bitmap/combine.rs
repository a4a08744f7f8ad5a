//! BITOP: strings combined bit by bit. Shorter ones count as if zeros followed.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::value::Value;
use crate::values::string::{IntegerText, StringValue};

pub(super) const BITOP: Command<Handler> = Command::write("bitop", Group::Bitmap, bitop)
    .arity(AtLeast(4))
    .flags(Flags::DENY_OOM)
    .keys(&[
        KeySpec::OVERWRITE.index(2),
        KeySpec::READ.index(3).range(-1, 1),
    ])
    .doc(
        "2.6.0",
        "O(N) where N is the number of bytes of all strings",
        "Combines strings bit by bit and stores the outcome; returns its length in bytes.",
        &[
            Argument::string("operation"),
            Argument::key("destkey"),
            Argument::new("key", ArgumentKind::Key(1)).multiple(),
        ],
    );

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
}

impl Operation {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        if args.accept("AND") {
            Ok(Self::And)
        } else if args.accept("OR") {
            Ok(Self::Or)
        } else if args.accept("XOR") {
            Ok(Self::Xor)
        } else if args.accept("NOT") {
            Ok(Self::Not)
        } else {
            Err(CommandError::Syntax)
        }
    }

    /// Combines what there is so far with one more string.
    fn apply(self, combined: &mut Vec<u8>, bytes: &[u8]) {
        if combined.len() < bytes.len() {
            combined.resize(bytes.len(), 0);
        }
        let (shared, alone) = combined.split_at_mut(bytes.len());
        let pairs = shared.iter_mut().zip(bytes);
        match self {
            Self::And => {
                pairs.for_each(|(one, two)| *one &= two);
                alone.fill(0);
            }
            Self::Or => pairs.for_each(|(one, two)| *one |= two),
            Self::Xor => pairs.for_each(|(one, two)| *one ^= two),
            Self::Not => pairs.for_each(|(one, two)| *one = !two),
        }
    }
}

fn bitop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let operation = Operation::read(args)?;
    let target = context.key(args.next()?);
    let sources: Vec<_> = args
        .take_rest()
        .iter()
        .map(|key| context.key(key))
        .collect();
    if operation == Operation::Not && sources.len() != 1 {
        return Err(CommandError::NotOfSeveral);
    }
    let combined = combine(&context.reading(&sources), &sources, operation)?;
    reply.integer(i64::try_from(combined.len()).unwrap_or(i64::MAX));
    if !combined.is_empty() {
        let value = Value::String(StringValue::Edited(combined));
        context.put(target, value, Expiry::Never);
        context.changed(target, NotifyClasses::STRING, "set");
        context.log_as_given();
    } else if context.remove(target) {
        context.changed(target, NotifyClasses::GENERIC, "del");
        context.log_as_given();
    }
    Ok(())
}

fn combine(
    context: &ReadContext<'_>,
    sources: &[Key<'_>],
    operation: Operation,
) -> Result<Vec<u8>, CommandError> {
    let mut combined: Option<Vec<u8>> = None;
    for &source in sources {
        let string = context.string(source)?;
        let mut text = IntegerText::default();
        let bytes = string.map_or(&[][..], |string| string.bytes(&mut text));
        match &mut combined {
            None if operation != Operation::Not => combined = Some(bytes.to_vec()),
            combined => operation.apply(combined.get_or_insert_default(), bytes),
        }
    }
    Ok(combined.unwrap_or_default())
}
