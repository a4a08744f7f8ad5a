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

#[cfg(test)]
mod tests {
    use holdfast_resp::{Protocol, Reply};

    use crate::commands::CommandTable;
    use crate::effects::Effects;
    use crate::keyspace::DatabaseIndex;
    use crate::replay::replay;
    use crate::values::encodings::Encodings;
    use crate::{Caller, Engine, Keyspace};

    fn keyspace() -> Keyspace {
        Keyspace::new(1, Encodings::default(), 1)
    }

    #[test]
    fn what_was_loaded_is_the_same_after_a_replay() {
        let (table, mut effects) = (CommandTable::default(), Effects::default());
        let (mut leader, mut replica) = (keyspace(), keyspace());
        let lines: &[(&[&[u8]], bool)] = &[
            (&[b"SCRIPT", b"FLUSH"], false),
            (&[b"SCRIPT", b"LOAD", b"return 1"], true),
            (&[b"SCRIPT", b"LOAD", b"return 1"], false),
            (
                &[b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua name=a\nx"],
                true,
            ),
            (
                &[b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua name=A\ny"],
                true,
            ),
            (
                &[b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua name=b\nz"],
                true,
            ),
            (&[b"FUNCTION", b"DELETE", b"B"], true),
            (&[b"FUNCTION", b"DELETE", b"B"], false),
            (&[b"SCRIPT", b"LOAD", b"return 2"], true),
            (&[b"FUNCTION", b"FLUSH"], true),
            (&[b"SCRIPT", b"FLUSH"], true),
            (&[b"FUNCTION", b"FLUSH"], false),
        ];
        for (words, changes) in lines {
            let (handler, skip) = table.find(words).expect("an effect");
            let mut engine = Engine {
                keyspace: &mut leader,
                effects: &mut effects,
            };
            let mut reply = Reply::new(Protocol::Resp2);
            let database = DatabaseIndex(0);
            let outcome = engine.execute(
                handler,
                words,
                skip,
                database,
                Caller::default(),
                &mut reply,
            );
            assert_eq!(outcome.error, None, "{words:?}");
            assert_eq!(outcome.changed, *changes, "{words:?}");
            replay(&mut replica, &table, &effects.take(), 1).expect("its own effects");
            assert!(leader.scripts.holds_the_same(&replica.scripts), "{words:?}");
        }
        assert!(leader.dirty.need_of_scripts() > 0 && leader.dirty.need_of_libraries() > 0);
        assert_eq!(leader.scripts.scripts().len(), 0);
    }
}
