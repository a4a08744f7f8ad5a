//! Runs one command: finds out what its reply depends on, removes what its reads found expired,
//! writes the error reply. The server's dispatcher, EXEC and scripts call it.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Command;
use crate::context::{Block, Caller, ReadContext, WriteContext};
use crate::effects::Effects;
use crate::error::CommandError;
use crate::keyspace::{DatabaseIndex, Keyspace};

/// What a command of the engine runs.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// Looks only.
    Read(fn(&ReadContext<'_>, &mut Args<'_>, &mut Reply) -> Result<(), CommandError>),
    /// May change the keyspace.
    Write(fn(&mut WriteContext<'_>, &mut Args<'_>, &mut Reply) -> Result<(), CommandError>),
    /// Nothing: its subcommands do.
    Container,
}

impl Command<Handler> {
    /// A command that looks only.
    pub const fn read(
        name: &'static str,
        group: crate::command::Group,
        run: fn(&ReadContext<'_>, &mut Args<'_>, &mut Reply) -> Result<(), CommandError>,
    ) -> Self {
        Self::new(name, group, Handler::Read(run)).flags(crate::command::Flags::READONLY)
    }

    /// A command that may change the keyspace.
    pub const fn write(
        name: &'static str,
        group: crate::command::Group,
        run: fn(&mut WriteContext<'_>, &mut Args<'_>, &mut Reply) -> Result<(), CommandError>,
    ) -> Self {
        Self::new(name, group, Handler::Write(run)).flags(crate::command::Flags::WRITE)
    }

    /// A command that only holds subcommands.
    pub const fn container(name: &'static str, group: crate::command::Group) -> Self {
        Self::new(name, group, Handler::Container).arity(crate::command::Arity::AtLeast(2))
    }
}

/// How a command ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The batch that the reply depends on; 0 for none.
    pub need: u64,
    /// The command waits: there is no reply yet.
    pub block: Option<Block>,
    /// The reply is this error (it has been written).
    pub error: Option<CommandError>,
    /// Whether it recorded effects.
    pub changed: bool,
}

/// What commands run on.
#[derive(Debug)]
pub struct Engine<'a> {
    /// All data.
    pub keyspace: &'a mut Keyspace,
    /// The effects of the batch that is being filled.
    pub effects: &'a mut Effects,
}

impl Engine<'_> {
    /// Runs one handler on its arguments (`skip` of them are names) and writes its reply.
    pub fn execute(
        &mut self,
        handler: Handler,
        arguments: &[&[u8]],
        skip: usize,
        database: DatabaseIndex,
        caller: Caller,
        reply: &mut Reply,
    ) -> Outcome {
        let effects_before = self.effects.count();
        let reply_before = reply.len();
        let mut args = Args::new(arguments, skip);
        let mut block = None;
        let result = match handler {
            Handler::Read(run) => {
                let context = ReadContext {
                    keyspace: self.keyspace,
                    database,
                    caller,
                };
                run(&context, &mut args, reply)
            }
            Handler::Write(run) => {
                let mut context =
                    WriteContext::new(self.keyspace, self.effects, database, caller, arguments);
                let result = run(&mut context, &mut args, reply);
                block = context.into_block();
                result
            }
            Handler::Container => Err(CommandError::Syntax),
        };
        self.remove_hidden();
        if let Err(error) = &result {
            reply.truncate(reply_before);
            reply.error(error.to_string());
        }
        let changed = self.effects.count() > effects_before;
        let observed = self.keyspace.observed.take_need();
        Outcome {
            need: if changed {
                self.keyspace.dirty.filling()
            } else {
                observed
            },
            block,
            error: result.err(),
            changed,
        }
    }

    /// Removes the expired keys that reads came across.
    fn remove_hidden(&mut self) {
        for hidden in self.keyspace.observed.take_hidden() {
            let key = self.keyspace.key(&hidden.key);
            self.keyspace.expire(self.effects, hidden.database, key);
        }
    }
}
