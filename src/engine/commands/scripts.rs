//! The effects of loading scripts and functions: what the log holds of SCRIPT and FUNCTION. Clients
//! reach the server's commands of the same names, which compile first and then execute these.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::{Command, Group};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;

/// What replay knows beside the commands of clients.
pub const EFFECTS: &[Command<Handler>] = &[SCRIPT, FUNCTION];

type Effect = fn(&mut WriteContext<'_>, &mut Args<'_>, &mut Reply) -> Result<(), CommandError>;

const fn effect(name: &'static str, run: Effect) -> Command<Handler> {
    Command::write(name, Group::Scripting, run)
}

const SCRIPT: Command<Handler> = Command::<Handler>::container("script", Group::Scripting)
    .subcommands(&[effect("load", load_script), effect("flush", flush_scripts)]);

const FUNCTION: Command<Handler> = Command::<Handler>::container("function", Group::Scripting)
    .subcommands(&[
        effect("load", load_library),
        effect("delete", delete_library),
        effect("flush", flush_libraries),
    ]);

fn load_script(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    _reply: &mut Reply,
) -> Result<(), CommandError> {
    let body = args.next()?;
    if context.keyspace.scripts.put_script(body) {
        context.keyspace.dirty.mark_scripts();
        context.log_as_given();
    }
    Ok(())
}

fn flush_scripts(
    context: &mut WriteContext<'_>,
    _args: &mut Args<'_>,
    _reply: &mut Reply,
) -> Result<(), CommandError> {
    if context.keyspace.scripts.clear_scripts() {
        context.keyspace.dirty.mark_scripts();
        context.log_as_given();
    }
    Ok(())
}

/// FUNCTION LOAD REPLACE: whether it may take another's place was decided before.
fn load_library(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    _reply: &mut Reply,
) -> Result<(), CommandError> {
    args.accept("REPLACE");
    let code = args.next()?;
    context
        .keyspace
        .scripts
        .put_library(code)
        .ok_or(CommandError::Syntax)?;
    context.keyspace.dirty.mark_libraries();
    context.log_as_given();
    Ok(())
}

fn delete_library(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    _reply: &mut Reply,
) -> Result<(), CommandError> {
    if context.keyspace.scripts.remove_library(args.next()?) {
        context.keyspace.dirty.mark_libraries();
        context.log_as_given();
    }
    Ok(())
}

fn flush_libraries(
    context: &mut WriteContext<'_>,
    _args: &mut Args<'_>,
    _reply: &mut Reply,
) -> Result<(), CommandError> {
    if context.keyspace.scripts.clear_libraries() {
        context.keyspace.dirty.mark_libraries();
        context.log_as_given();
    }
    Ok(())
}
