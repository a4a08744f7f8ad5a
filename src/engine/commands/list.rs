//! Lists: LPUSH, LRANGE and their kin, and those that wait for elements.

mod edit;
mod moving;
mod pop;
mod push;
mod read;

use crate::args::Args;
use crate::command::{Argument, Command};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::list::End;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    push::LPUSH,
    push::RPUSH,
    push::LPUSHX,
    push::RPUSHX,
    pop::LPOP,
    pop::RPOP,
    pop::LMPOP,
    pop::BLPOP,
    pop::BRPOP,
    pop::BLMPOP,
    read::LLEN,
    read::LINDEX,
    read::LRANGE,
    read::LPOS,
    edit::LSET,
    edit::LINSERT,
    edit::LREM,
    edit::LTRIM,
    moving::RPOPLPUSH,
    moving::LMOVE,
    moving::BRPOPLPUSH,
    moving::BLMOVE,
];

/// The words for the ends of a list.
const ENDS: &[Argument] = &[
    Argument::word("left", "LEFT"),
    Argument::word("right", "RIGHT"),
];

/// Reads LEFT or RIGHT.
fn read_end(args: &mut Args<'_>) -> Result<End, CommandError> {
    if args.accept("LEFT") {
        Ok(End::Front)
    } else if args.accept("RIGHT") {
        Ok(End::Back)
    } else {
        Err(CommandError::Syntax)
    }
}

/// The event of adding at this end.
const fn push_event(end: End) -> &'static str {
    match end {
        End::Front => "lpush",
        End::Back => "rpush",
    }
}

/// The event of taking from this end.
const fn pop_event(end: End) -> &'static str {
    match end {
        End::Front => "lpop",
        End::Back => "rpop",
    }
}

#[cfg(test)]
mod tests;
