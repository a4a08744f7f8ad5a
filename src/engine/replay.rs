//! Executes effects from the log: on followers, at start-up, after a roll-back.
//!
//! The handlers are those that clients use; ACL, memory limits, expiry and the recording of
//! effects are off. An effect that fails here means that this node has diverged: it must stop.

use holdfast_resp::{Protocol, Reply};
use thiserror::Error;

use crate::commands::CommandTable;
use crate::context::Caller;
use crate::effects::{Effects, Piece, next_piece};
use crate::error::CommandError;
use crate::execute::Engine;
use crate::keyspace::{DatabaseIndex, Keyspace, Mode};

/// Why effects could not be replayed. The keyspace must not be used any more.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The bytes are not effects.
    #[error("the effects are malformed at byte {at}")]
    Malformed {
        /// Position in the body of the batch.
        at: usize,
    },
    /// There is no such command here.
    #[error("the effect `{name}` is not known to this version")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// The database does not exist here.
    #[error("the effect is for database {0}, and this node has fewer")]
    Database(u32),
    /// The command failed, so the state is not the one that it was logged for.
    #[error("the effect `{name}` failed: {source}")]
    Failed {
        /// Its name.
        name: String,
        /// Its error.
        source: CommandError,
    },
}

/// Executes the effects in `body`, made at the leader's time `now_ms`. Returns how many there were.
///
/// # Errors
/// See [`ReplayError`]; some of the effects may have been executed by then.
pub fn replay(
    keyspace: &mut Keyspace,
    table: &CommandTable,
    body: &[u8],
    now_ms: i64,
) -> Result<usize, ReplayError> {
    keyspace.set_now_ms(now_ms);
    keyspace.set_mode(Mode::Replay);
    let result = replay_all(keyspace, table, body);
    keyspace.set_mode(Mode::Execute);
    keyspace.notices.clear();
    keyspace.observed.take_need();
    result
}

fn replay_all(
    keyspace: &mut Keyspace,
    table: &CommandTable,
    body: &[u8],
) -> Result<usize, ReplayError> {
    let mut effects = Effects::default();
    let mut reply = Reply::new(Protocol::Resp2);
    let mut database = DatabaseIndex::default();
    let mut arguments = Vec::new();
    let (mut at, mut count) = (0, 0);
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        arguments.clear();
        let (piece, consumed) =
            next_piece(rest, &mut arguments).map_err(|_| ReplayError::Malformed { at })?;
        at += consumed;
        if let Piece::Database(index) = piece {
            if index.0 >= keyspace.databases_count() {
                return Err(ReplayError::Database(index.0));
            }
            database = index;
            continue;
        }
        count += 1;
        reply.truncate(0);
        let (handler, skip) = table.find(&arguments).ok_or_else(|| unknown(&arguments))?;
        let mut engine = Engine {
            keyspace,
            effects: &mut effects,
        };
        let outcome = engine.execute(
            handler,
            &arguments,
            skip,
            database,
            Caller::default(),
            &mut reply,
        );
        if let Some(source) = outcome.error {
            return Err(ReplayError::Failed {
                name: name_of(&arguments),
                source,
            });
        }
    }
    Ok(count)
}

fn unknown(arguments: &[&[u8]]) -> ReplayError {
    ReplayError::Unknown {
        name: name_of(arguments),
    }
}

fn name_of(arguments: &[&[u8]]) -> String {
    String::from_utf8_lossy(arguments.first().copied().unwrap_or_default()).into_owned()
}
