//! BITFIELD and BITFIELD_RO: a string as a row of numbers of any width.

use holdfast_resp::Reply;

use super::field_options::{Action, Step};
use super::offset;
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::values::string::{IntegerText, StringRef};

const COST: &str = "O(1) for each field";
const ENCODING: Argument = Argument::string("encoding");
const OFFSET: Argument = Argument::integer("offset");

pub(super) const BITFIELD: Command<Handler> = Command::write("bitfield", Group::Bitmap, bitfield)
    .arity(AtLeast(2))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE.variable_flags()])
    .doc(
        "3.2.0",
        COST,
        "Reads, sets and increments numbers of any width inside a string.",
        &[
            Argument::key("key"),
            Argument::one_of(
                "operation",
                &[
                    Argument::block("encoding_offset", &[ENCODING, OFFSET]).token("GET"),
                    Argument::block("write", &[WHEN_TOO_LARGE, WRITE]),
                ],
            )
            .optional()
            .multiple(),
        ],
    );

const WHEN_TOO_LARGE: Argument = Argument::one_of(
    "wrap_sat_fail",
    &[
        Argument::word("wrap", "WRAP"),
        Argument::word("sat", "SAT"),
        Argument::word("fail", "FAIL"),
    ],
)
.token("OVERFLOW")
.optional();
const WRITE: Argument = Argument::one_of(
    "write_operation",
    &[
        Argument::block(
            "encoding_offset_value",
            &[ENCODING, OFFSET, Argument::integer("value")],
        )
        .token("SET"),
        Argument::block(
            "encoding_offset_increment",
            &[ENCODING, OFFSET, Argument::integer("increment")],
        )
        .token("INCRBY"),
    ],
);

pub(super) const BITFIELD_RO: Command<Handler> =
    Command::read("bitfield_ro", Group::Bitmap, bitfield_ro)
        .arity(AtLeast(2))
        .keys(&[KeySpec::READ])
        .fast()
        .doc(
            "6.0.0",
            COST,
            "Reads numbers of any width inside a string.",
            &[
                Argument::key("key"),
                Argument {
                    multiple: true,
                    multiple_token: true,
                    ..Argument::block("encoding_offset", &[ENCODING, OFFSET])
                        .token("GET")
                        .optional()
                },
            ],
        );

fn bitfield(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let steps = Step::read_all(context.keyspace, args)?;
    let writes = steps.iter().filter(|step| !step.is_get());
    let Some(last_bit) = writes.map(Step::last_bit).max() else {
        look(context.string(key)?, &steps, reply);
        return Ok(());
    };
    reply.array(steps.len());
    let (grows, done) = offset::edit_with_room(context, key, last_bit, |bytes, grows| {
        let each = steps.iter().map(|step| run(*step, bytes, reply));
        (grows, each.fold(Done::default(), Done::and))
    })?;
    // A string that only became longer, because all that was to be written failed, is no event.
    if done.changes || (grows && done.writes) {
        context.changed(key, NotifyClasses::STRING, "setbit");
    } else if grows {
        context.changed_quietly(key);
    }
    if done.changes || grows {
        context.log_as_given();
    }
    Ok(())
}

/// What was done to a string.
#[derive(Clone, Copy, Default)]
struct Done {
    /// A number was written, be it the one that was there.
    writes: bool,
    /// A number is another one now.
    changes: bool,
}

impl Done {
    const fn and(self, other: Self) -> Self {
        Self {
            writes: self.writes || other.writes,
            changes: self.changes || other.changes,
        }
    }
}

/// Does one thing and answers it.
fn run(step: Step, bytes: &mut [u8], reply: &mut Reply) -> Done {
    let old = step.field.get(bytes, step.position);
    let (new, answer) = match step.action {
        Action::Get => (None, Some(old)),
        Action::Set(value, overflow) => {
            let new = step.field.assigned(value, overflow);
            (new, new.map(|_| old))
        }
        Action::Increase(increment, overflow) => {
            let new = step.field.increased(old, increment, overflow);
            (new, new)
        }
    };
    match answer {
        Some(number) => reply.integer(number),
        None => reply.null(),
    }
    if let Some(new) = new {
        step.field.set(bytes, step.position, new);
    }
    Done {
        writes: new.is_some(),
        changes: new.is_some_and(|new| new != old),
    }
}

fn bitfield_ro(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let steps = Step::read_all(context.keyspace, args)?;
    if !steps.iter().all(Step::is_get) {
        return Err(CommandError::BitfieldReadOnly);
    }
    look(context.string(key)?, &steps, reply);
    Ok(())
}

/// Answers fields that are only read.
fn look(string: Option<StringRef<'_>>, steps: &[Step], reply: &mut Reply) {
    let mut text = IntegerText::default();
    let bytes = string.map_or(&[][..], |string| string.bytes(&mut text));
    reply.array(steps.len());
    for step in steps {
        reply.integer(step.field.get(bytes, step.position));
    }
}
