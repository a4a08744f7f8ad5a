//! SETBIT and GETBIT.

use holdfast_resp::Reply;

use super::offset;
use crate::args::Args;
use crate::command::Arity::Exactly;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::number::parse_i64;
use crate::values::bits;
use crate::values::string::IntegerText;

pub(super) const SETBIT: Command<Handler> = Command::write("setbit", Group::Bitmap, setbit)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .doc(
        "2.2.0",
        "O(1)",
        "Sets or clears a bit of a string, which grows as needed; returns what the bit was.",
        &[
            Argument::key("key"),
            Argument::integer("offset"),
            Argument::integer("value"),
        ],
    );

pub(super) const GETBIT: Command<Handler> = Command::read("getbit", Group::Bitmap, getbit)
    .arity(Exactly(3))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "2.2.0",
        "O(1)",
        "Returns a bit of a string.",
        &[Argument::key("key"), Argument::integer("offset")],
    );

fn setbit(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let position = offset::read(context.keyspace, args.next()?)?;
    let bit = match parse_i64(args.next()?) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(CommandError::BitValue),
    };
    let (was, changes) = offset::edit_with_room(context, key, position, |bytes, grows| {
        let was = bits::set(bytes, position, bit);
        (was, grows || was != bit)
    })?;
    if changes {
        context.changed(key, NotifyClasses::STRING, "setbit");
        context.log_as_given();
    }
    reply.integer(was.into());
    Ok(())
}

fn getbit(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let position = offset::read(context.keyspace, args.next()?)?;
    let found = context.string(key)?;
    let mut text = IntegerText::default();
    let bit = found.is_some_and(|string| bits::get(string.bytes(&mut text), position));
    reply.integer(bit.into());
    Ok(())
}
