//! INFO. Its sections are in `info`.

use holdfast_engine::command::Arity::AtLeast;
use holdfast_engine::command::{Argument, Categories, Command, Flags, Group};
use holdfast_engine::{Args, CommandError};

use super::ServerHandler;
use crate::core::Core;
use crate::info;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[INFO];

const INFO: Command<ServerHandler> = Command::<ServerHandler>::new("info", Group::Server, info)
    .arity(AtLeast(1))
    .flags(Flags::LOADING.with(Flags::STALE).with(Flags::LOCAL))
    .categories(Categories::DANGEROUS)
    .doc(
        "1.0.0",
        "O(1)",
        "Answers facts and counters of the server, by section.",
        &[Argument::string("section").optional().multiple()],
    );

fn info(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let names = args.take_rest();
    if info::shows_keyspace(names) {
        core.keyspace.observe_all();
    }
    let text = info::text(core, session, names);
    session.out.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
