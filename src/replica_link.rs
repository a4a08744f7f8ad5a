//! Redis replicas: servers that follow this node by Redis's own replication protocol (SYNC, PSYNC).
//! They are a way out and a feed for tools, not voters: no acknowledgement waits for them.
//!
//! A replica gets the next snapshot, and after it every effect that is executed from the snapshot's
//! batch boundary on, in its own queue of output with the same holds as a reply: so nothing reaches
//! it that is not committed. What one command, EXEC or script changed is one unit, in MULTI and EXEC
//! if it is more than one command, as Redis's replication stream has it.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use holdfast_engine::effects::{Piece, next_piece};
use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_resp::encode_command;
use tracing::{info, warn};

use crate::core::{Core, Shared};
use crate::session::{Closing, Session, SessionId};

/// A snapshot is read and sent in pieces of this size.
const PIECE_BYTES: usize = 256 * 1024;
/// How long the sender of a snapshot pauses when the replica is slower than the disk.
const PAUSE: Duration = Duration::from_millis(2);

/// All replicas, and where the stream stands.
#[derive(Debug, Default)]
pub struct ReplicaLinks {
    sessions: Vec<SessionId>,
    /// The database that the last effect of the stream was for.
    selected: Option<DatabaseIndex>,
    /// Bytes of the stream so far: the replication offset.
    offset: u64,
    /// Messages that were published by the unit that runs.
    published: Vec<Bytes>,
    /// What the unit that runs does are removals that it came across: each is a unit of its own.
    pub(crate) unit_only_reads: bool,
    pinged: Option<Instant>,
}

/// One replica.
#[derive(Debug)]
pub struct Replica {
    stage: Stage,
    /// It asked by PSYNC, and is told the stream's name and offset.
    wants_header: bool,
    /// The stream since its snapshot began, until the snapshot has been sent: the batch that each
    /// piece depends on, and its bytes.
    backlog: Vec<(u64, Bytes)>,
    backlog_bytes: usize,
    /// The offset that it has acknowledged.
    pub acknowledged: u64,
}

/// How far a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits for a snapshot to begin.
    Asked,
    /// Its snapshot is being made.
    Begun,
    /// Its snapshot is being sent.
    Receiving,
    /// It is fed.
    Following,
}

impl Replica {
    /// The word that INFO has for its stage.
    pub const fn state(&self) -> &'static str {
        match self.stage {
            Stage::Asked | Stage::Begun => "wait_bgsave",
            Stage::Receiving => "send_bulk",
            Stage::Following => "online",
        }
    }
}

impl ReplicaLinks {
    /// The replication offset.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The sessions of all replicas, oldest first.
    pub fn sessions(&self) -> &[SessionId] {
        &self.sessions
    }

    /// Forgets a session that is gone.
    pub(crate) fn forget(&mut self, id: SessionId) {
        self.sessions.retain(|&known| known != id);
    }
}

impl Core {
    /// Makes a session a replica, which gets the next snapshot and then the stream.
    pub(crate) fn attach_replica(&mut self, session: &mut Session, wants_header: bool) {
        info!(address = %session.address(), "a replica asks for a full synchronisation");
        session.replica = Some(Box::new(Replica {
            stage: Stage::Asked,
            wants_header,
            backlog: Vec::new(),
            backlog_bytes: 0,
            acknowledged: 0,
        }));
        self.replicas.forget(session.id);
        self.replicas.sessions.push(session.id);
        self.request_save();
    }

    /// A snapshot begins at this batch boundary: whoever asked for one is fed from here on.
    pub(crate) fn begin_replicas(&mut self) {
        let committed = self.replication.committed();
        for &id in &self.replicas.sessions {
            let Some(session) = self.sessions.get_mut(id) else {
                continue;
            };
            let Some(replica) = &mut session.replica else {
                continue;
            };
            if replica.stage != Stage::Asked {
                continue;
            }
            replica.stage = Stage::Begun;
            if replica.wants_header {
                let (name, offset) = (&self.run_id, self.replicas.offset);
                session
                    .out
                    .reply
                    .simple(format!("FULLRESYNC {name} {offset}"));
                session.out.finish(0, committed);
                session.wake();
            }
            // The stream names its database anew, since this replica has not heard of it.
            self.replicas.selected = None;
        }
    }

    /// The snapshot of all that wait for one has been made (or not): who is to be sent it.
    pub(crate) fn replicas_to_send(&mut self, is_saved: bool) -> Vec<SessionId> {
        let mut ready = Vec::new();
        for &id in &self.replicas.sessions {
            let Some(session) = self.sessions.get_mut(id) else {
                continue;
            };
            let Some(replica) = &mut session.replica else {
                continue;
            };
            if replica.stage != Stage::Begun {
                continue;
            }
            if is_saved {
                replica.stage = Stage::Receiving;
                ready.push(id);
            } else {
                session.closing = Closing::Now;
                session.wake();
            }
        }
        ready
    }

    /// Feeds what has been executed since the last unit. To be called where a unit ends, and before
    /// a batch is closed.
    pub(crate) fn feed_replicas(&mut self) {
        if self.replicas.sessions.is_empty() {
            self.replication.effects.skip_unit();
            return;
        }
        let (database, unit) = self.replication.effects.take_unit();
        let is_transaction = !self.replicas.unit_only_reads;
        // Effects that mark no key (FLUSHALL of nothing) must be committed before they leave, too.
        let need = if unit.is_empty() {
            self.keyspace.dirty.need_of_all()
        } else {
            self.keyspace.dirty.filling()
        };
        let mut stream = encode_unit(database, unit, is_transaction, &mut self.replicas.selected);
        for message in self.replicas.published.drain(..) {
            if self.replicas.selected.is_none() {
                select(
                    DatabaseIndex::default(),
                    &mut self.replicas.selected,
                    &mut stream,
                );
            }
            stream.extend_from_slice(&message);
        }
        if !stream.is_empty() {
            self.replicas.offset += stream.len() as u64;
            self.give_replicas(&stream.freeze(), need);
        }
    }

    /// Notes a published message for the end of the unit.
    pub(crate) fn publish_to_replicas(&mut self, command: &[&[u8]]) {
        if !self.replicas.sessions.is_empty() {
            let mut bytes = BytesMut::new();
            encode_command(command, &mut bytes);
            self.replicas.published.push(bytes.freeze());
        }
    }

    /// Gives a piece of the stream to all replicas whose snapshot does not contain it. It leaves once
    /// batch `need` is committed.
    fn give_replicas(&mut self, stream: &Bytes, need: u64) {
        let committed = self.replication.committed();
        let limit = self.config.output_limits.replica.hard_bytes;
        for at in 0..self.replicas.sessions.len() {
            let id = self.replicas.sessions[at];
            let Some(session) = self.sessions.get_mut(id) else {
                // It is running a command itself, and what replicas may run changes nothing.
                continue;
            };
            let Some(replica) = &mut session.replica else {
                continue;
            };
            match replica.stage {
                Stage::Asked => {}
                Stage::Begun | Stage::Receiving => {
                    replica.backlog_bytes += stream.len();
                    if limit > 0 && replica.backlog_bytes > limit {
                        warn!(
                            address = %session.address(),
                            "a replica is closed: more was written during its snapshot than client-output-buffer-limit allows"
                        );
                        session.closing = Closing::Now;
                        session.wake();
                    } else {
                        replica.backlog.push((need, stream.clone()));
                    }
                }
                Stage::Following => {
                    session.out.reply.raw(stream);
                    if session.out.finish(need, committed) {
                        self.wait_for(need, id);
                    } else {
                        self.flush_later(id);
                    }
                }
            }
        }
    }

    /// Ends all links: what other leaders do is not fed, so who followed must begin anew.
    pub(crate) fn close_replicas(&mut self) {
        for &id in &self.replicas.sessions {
            if let Some(session) = self.sessions.get_mut(id) {
                session.closing = Closing::Now;
                session.wake();
            }
        }
    }

    /// Shows replicas from time to time that the link is alive. To be called a few times a second.
    pub(crate) fn look_after_replicas(&mut self) {
        if self.replicas.sessions.is_empty() {
            return;
        }
        let period = Duration::from_secs(self.config.replica_ping_seconds);
        if self
            .replicas
            .pinged
            .get_or_insert_with(Instant::now)
            .elapsed()
            < period
        {
            return;
        }
        self.replicas.pinged = Some(Instant::now());
        let mut ping = BytesMut::new();
        encode_command(&[b"PING"], &mut ping);
        self.replicas.offset += ping.len() as u64;
        let need = self.keyspace.dirty.need_of_all();
        self.give_replicas(&ping.freeze(), need);
        self.flush_others();
    }

    /// Appends a piece of a snapshot. Returns whether the replica takes more now; `None` if it is gone.
    fn give_piece(&mut self, id: SessionId, piece: &[u8]) -> Option<bool> {
        let committed = self.replication.committed();
        let session = self.sessions.get_mut(id)?;
        if session.closing != Closing::No {
            return None;
        }
        if !piece.is_empty() {
            session.out.reply.raw(piece);
            session.out.finish(0, committed);
            session.wake();
        }
        Some(session.out.len() < PIECE_BYTES)
    }

    /// The snapshot was sent: the stream follows.
    fn follow(&mut self, id: SessionId) {
        let committed = self.replication.committed();
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(replica) = &mut session.replica else {
            return;
        };
        replica.stage = Stage::Following;
        replica.backlog_bytes = 0;
        let mut needs = Vec::new();
        for (need, stream) in std::mem::take(&mut replica.backlog) {
            session.out.reply.raw(&stream);
            if session.out.finish(need, committed) {
                needs.push(need);
            }
        }
        session.wake();
        info!(address = %session.address(), "a replica follows");
        for need in needs {
            self.wait_for(need, id);
        }
    }
}

/// Sends a snapshot to a replica, and lets it follow.
pub(crate) async fn send_snapshot(shared: Shared, id: SessionId, path: PathBuf) {
    if let Err(error) = send(&shared, id, path.clone()).await {
        warn!(path = %path.display(), %error, "a snapshot could not be sent to a replica");
        if let Some(session) = shared.borrow_mut().sessions.get_mut(id) {
            session.closing = Closing::Now;
            session.wake();
        }
    }
}

async fn send(shared: &Shared, id: SessionId, path: PathBuf) -> std::io::Result<()> {
    let (mut file, size) = blocking(move || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    })
    .await?;
    let mut left = size;
    let mut piece = format!("${size}\r\n").into_bytes();
    loop {
        let Some(mut takes_more) = shared.borrow_mut().give_piece(id, &piece) else {
            return Ok(());
        };
        while !takes_more {
            tokio::time::sleep(PAUSE).await;
            match shared.borrow_mut().give_piece(id, &[]) {
                Some(takes) => takes_more = takes,
                None => return Ok(()),
            }
        }
        if left == 0 {
            break;
        }
        let count = left.min(PIECE_BYTES as u64);
        (file, piece) = blocking(move || {
            let mut piece = vec![0; usize::try_from(count).unwrap_or(PIECE_BYTES)];
            file.read_exact(&mut piece)?;
            Ok((file, piece))
        })
        .await?;
        left -= count;
    }
    shared.borrow_mut().follow(id);
    Ok(())
}

/// Runs what may wait for the disk on another thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// A unit of effects as Redis's replication stream has it. `database` holds up to its first section.
fn encode_unit(
    database: Option<DatabaseIndex>,
    unit: &[u8],
    may_be_transaction: bool,
    selected: &mut Option<DatabaseIndex>,
) -> BytesMut {
    let mut commands: Vec<(DatabaseIndex, &[u8])> = Vec::new();
    let mut database = database.unwrap_or_default();
    let mut rest = unit;
    while !rest.is_empty() {
        let (piece, len) = next_piece(rest, &mut Vec::new())
            .expect("effects that were recorded here are well-formed");
        let (bytes, after) = rest.split_at(len);
        match piece {
            Piece::Database(index) => database = index,
            Piece::Command => commands.push((database, bytes)),
        }
        rest = after;
    }
    let mut stream = BytesMut::new();
    let is_transaction = may_be_transaction && commands.len() > 1;
    for (at, &(database, command)) in commands.iter().enumerate() {
        if *selected != Some(database) {
            select(database, selected, &mut stream);
        }
        if at == 0 && is_transaction {
            encode_command(&[b"MULTI"], &mut stream);
        }
        stream.extend_from_slice(command);
    }
    if is_transaction {
        encode_command(&[b"EXEC"], &mut stream);
    }
    stream
}

fn select(database: DatabaseIndex, selected: &mut Option<DatabaseIndex>, stream: &mut BytesMut) {
    *selected = Some(database);
    let number = database.0.to_string();
    encode_command(&[b"SELECT", number.as_bytes()], stream);
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_engine::effects::Effects;

    #[test]
    fn a_unit_of_several_effects_is_a_transaction_and_names_its_databases() {
        let mut effects = Effects::default();
        let mut selected = None;
        let mut feed = |effects: &mut Effects| {
            let (database, unit) = effects.take_unit();
            let stream = encode_unit(database, unit, true, &mut selected);
            String::from_utf8_lossy(&stream).replace("\r\n", " ")
        };
        effects.push(DatabaseIndex(9), &[b"SET", b"a", b"1"]);
        assert_eq!(feed(&mut effects), "*2 $6 SELECT $1 9 *3 $3 SET $1 a $1 1 ");
        effects.push(DatabaseIndex(9), &[b"SET", b"a", b"2"]);
        assert_eq!(feed(&mut effects), "*3 $3 SET $1 a $1 2 ");
        effects.push(DatabaseIndex(9), &[b"DEL", b"a"]);
        effects.push(DatabaseIndex(0), &[b"DEL", b"b"]);
        assert_eq!(
            feed(&mut effects),
            "*1 $5 MULTI *2 $3 DEL $1 a *2 $6 SELECT $1 0 *2 $3 DEL $1 b *1 $4 EXEC "
        );
        assert_eq!(feed(&mut effects), "");
    }
}
