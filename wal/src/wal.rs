//! The handle of an open log: what the Raft thread calls.
//!
//! Every call changes the shared state under its lock and queues what the writer thread then makes
//! durable. Always holds: what a call changed is seen by every later call, durable or not.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;

use crate::keeper::Keeper;
use crate::record::PAYLOAD_BYTES_MAX;
use crate::recovery;
use crate::replay::Group;
use crate::state::{Op, Phase, Shared};
use crate::storage::{FileStorage, Storage};
use crate::writer::Writer;
use crate::{
    Bounds, Entry, GroupId, LogPosition, Recovery, Space, Synced, WalError, WalOptions, WalStats,
    reader, writer,
};

/// Largest state and hint: each segment repeats them.
const STATE_BYTES_MAX: usize = 64 << 10;

/// An open log. Cloning shares it; all methods may be called from any thread. When the last clone is
/// dropped, what is queued is still written; `close` also says whether that worked.
#[derive(Clone)]
pub struct Wal {
    inner: Arc<Inner>,
}

struct Inner {
    log_id: [u8; 16],
    shared: Arc<Shared>,
    keeper: Arc<Keeper>,
    storage: Arc<dyn Storage>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Wal {
    /// Opens or creates the log, runs recovery and starts the log's threads.
    ///
    /// # Errors
    /// `Locked`, `Missing`, `WrongLog`, `Corrupt`, `BadOption` or `Io`. Nothing that was ever reported
    /// durable was changed on disk then.
    pub fn open(options: WalOptions) -> Result<(Wal, Recovery), WalError> {
        let storage = FileStorage::open(&options.directory, options.method).map_err(|source| {
            WalError::io("open", options.directory.display().to_string(), source)
        })?;
        Self::open_on(options, storage)
    }

    /// The same on a storage of the caller's, for tests; `options.method` is not looked at.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_on(
        options: WalOptions,
        storage: impl Storage,
    ) -> Result<(Wal, Recovery), WalError> {
        let failure = options.failure.clone();
        let (wal, writer, recovery) = Self::recover(options, storage)?;
        let inner = &wal.inner;
        inner.start("wal-writer", move || writer.run())?;
        let (keeper, shared) = (Arc::clone(&inner.keeper), Arc::clone(&inner.shared));
        inner.start("wal-keeper", move || {
            if let Err(error) = keeper.run() {
                // The writer may be waiting for a segment that never comes.
                keeper.close();
                writer::fail(&failure, &shared, error);
            }
        })?;
        Ok((wal, recovery))
    }

    /// Recovers a log that can be read and does not write yet, and its writer.
    fn recover(
        options: WalOptions,
        storage: impl Storage,
    ) -> Result<(Wal, Writer, Recovery), WalError> {
        let started = Instant::now();
        options.check()?;
        let storage: Arc<dyn Storage> = Arc::new(storage);
        let directory = options.directory.display().to_string();
        match storage.try_lock() {
            Ok(true) => {}
            Ok(false) => return Err(WalError::Locked { directory }),
            Err(source) => return Err(WalError::io("lock", directory, source)),
        }
        let recovered = recovery::recover(&options, &*storage)?;
        let groups = recovered
            .groups
            .iter()
            .map(|(id, group)| (*id, group.log.bounds()))
            .collect();
        let recovery = Recovery {
            groups,
            frames_count: recovered.frames_count,
            records_count: recovered.records_count,
            segments_count: recovered.segments.list.len(),
            cut: recovered.cut,
            took: started.elapsed(),
        };
        let last_sequence = recovered
            .segments
            .list
            .last()
            .map_or(0, |segment| segment.header.sequence);
        let keeper = Arc::new(Keeper::new(
            &options,
            Arc::clone(&storage),
            recovered.spares,
            last_sequence,
        ));
        let shared = Arc::new(Shared::new(recovered.groups, recovered.segments.clone()));
        shared.lock().counters.durable_through = recovered.chain.lsn;
        let log_id = options.log_id;
        let writer = Writer::new(
            options,
            Arc::clone(&shared),
            Arc::clone(&keeper),
            recovered.segments,
            recovered.chain,
        );
        let inner = Inner {
            log_id,
            shared,
            keeper,
            storage,
            threads: Mutex::new(Vec::new()),
        };
        Ok((
            Wal {
                inner: Arc::new(inner),
            },
            writer,
            recovery,
        ))
    }

    /// A log that can only be read, for tests that look at thousands of disks: it starts no thread.
    #[cfg(test)]
    pub(crate) fn open_to_read(
        options: WalOptions,
        storage: impl Storage,
    ) -> Result<(Wal, Recovery), WalError> {
        let (wal, _, recovery) = Self::recover(options, storage)?;
        Ok((wal, recovery))
    }

    /// Appends entries to a group. They can be read by everyone on return; `on_synced` is called from
    /// the writer thread once they are durable. Of the appends of one group commit only the newest
    /// callback of each group is called, it speaks for all before it; the others are dropped.
    ///
    /// # Errors
    /// `OutOfOrder` or `TooLarge`, and nothing was appended; `Failed` or `Closed`.
    pub fn append(
        &self,
        group: GroupId,
        entries: Vec<Entry>,
        on_synced: Synced,
    ) -> Result<(), WalError> {
        for entry in &entries {
            check_size(&entry.payload, PAYLOAD_BYTES_MAX)?;
        }
        let mut state = self.inner.shared.lock();
        state.check_open()?;
        let ticket = state.next_ticket;
        let log = &mut state.groups.entry(group).or_default().log;
        log.check_append(group, &entries)?;
        log.append(&entries, ticket);
        self.inner.shared.push(
            state,
            Op::Append {
                group,
                entries,
                on_synced,
            },
        );
        Ok(())
    }

    /// Saves the group's state (its vote), in order with its entries. Every `on_synced` of a state is
    /// called, once it is durable.
    ///
    /// # Errors
    /// `TooLarge`, `Failed` or `Closed`.
    pub fn save_state(
        &self,
        group: GroupId,
        state: Bytes,
        on_synced: Synced,
    ) -> Result<(), WalError> {
        check_size(&state, STATE_BYTES_MAX)?;
        self.change(group, |found| {
            found.log.set_state(state.clone());
            Op::State {
                group,
                state,
                on_synced,
            }
        })
    }

    /// Drops the entries after `index`, all of them if `None`. Durable with what is appended next: if a
    /// crash loses the truncation, it loses all later appends too.
    ///
    /// # Errors
    /// `Failed` or `Closed`.
    pub fn truncate_after(&self, group: GroupId, index: Option<u64>) -> Result<(), WalError> {
        self.change(group, |found| {
            found.log.truncate_after(index);
            Op::Truncate { group, index }
        })
    }

    /// Drops the entries up to and with `upto`, which may lie past the end; then the log goes on behind
    /// it. Segments that no group needs any more are reused once this is durable.
    ///
    /// # Errors
    /// `Failed` or `Closed`.
    pub fn purge(&self, group: GroupId, upto: LogPosition) -> Result<(), WalError> {
        self.change(group, |found| {
            found.log.purge(upto);
            Op::Purge { group, upto }
        })
    }

    fn change(
        &self,
        group: GroupId,
        change: impl FnOnce(&mut Group) -> Op,
    ) -> Result<(), WalError> {
        let mut state = self.inner.shared.lock();
        state.check_open()?;
        let op = change(state.groups.entry(group).or_default());
        self.inner.shared.push(state, op);
        Ok(())
    }

    /// Remembers the committed position; it rides in the next frame and causes none itself. A hint that
    /// is too large to be one is ignored.
    pub fn hint_committed(&self, group: GroupId, hint: Bytes) {
        if check_size(&hint, STATE_BYTES_MAX).is_err() {
            return;
        }
        let mut state = self.inner.shared.lock();
        state.groups.entry(group).or_default().log.set_hint(hint);
        state.hints.insert(group);
    }

    /// Reads a contiguous prefix of `range`: at least one entry if the first is there, further ones while
    /// their payloads fit in `max_bytes`. Empty if the range starts after the last entry.
    ///
    /// # Errors
    /// `Purged` if the range starts at a purged entry; `Corrupt` or `Io` when the disk fails.
    pub fn read(
        &self,
        group: GroupId,
        range: Range<u64>,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, WalError> {
        reader::read(
            &self.inner.shared,
            &self.inner.log_id,
            group,
            range,
            max_bytes,
        )
    }

    /// What the group's log holds now.
    pub fn bounds(&self, group: GroupId) -> Bounds {
        let state = self.inner.shared.lock();
        state
            .groups
            .get(&group)
            .map(|found| found.log.bounds())
            .unwrap_or_default()
    }

    /// How much room is prepared.
    pub fn space(&self) -> Space {
        self.inner.keeper.space()
    }

    /// Calls `listener` from a thread of the log whenever `space` changes; replaces an earlier listener.
    pub fn on_space_change(&self, listener: Box<dyn Fn(Space) + Send + Sync>) {
        self.inner.keeper.listen(listener);
    }

    /// Counters since the log was opened.
    pub fn stats(&self) -> WalStats {
        let (counters, segments) = {
            let state = self.inner.shared.lock();
            (state.counters.clone(), Arc::clone(&state.segments))
        };
        let (spares_count, spare_bytes) = self.inner.keeper.counts();
        let live_bytes: u64 = segments
            .list
            .iter()
            .map(|segment| segment.header.segment_bytes)
            .sum();
        WalStats {
            written_bytes: counters.written_bytes,
            syncs_count: counters.syncs_count,
            records_count: counters.records_count,
            sync_last: counters.sync_last,
            sync_max: counters.sync_max,
            sync_average: counters.sync_average,
            segments_count: segments.list.len(),
            spares_count,
            disk_bytes: live_bytes + spare_bytes,
            tail_bytes: counters.tail_bytes,
            durable_through: counters.durable_through,
            method: self.inner.storage.method(),
        }
    }

    /// Writes what is queued, seals the log and ends its threads. Other clones answer `Closed` after it.
    ///
    /// # Errors
    /// `Failed` if the log failed before or in this.
    pub fn close(self) -> Result<(), WalError> {
        self.inner.stop();
        match &self.inner.shared.lock().phase {
            Phase::Failed(error) => Err(WalError::Failed {
                reason: error.to_string(),
            }),
            Phase::Open | Phase::Closing => Ok(()),
        }
    }
}

impl Inner {
    fn start(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), WalError> {
        let started = std::thread::Builder::new()
            .name(name.to_string())
            .spawn(run);
        let handle = started.map_err(|source| WalError::io("start thread", name, source))?;
        self.threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(handle);
        Ok(())
    }

    /// Ends the threads, the writer first: it may still need a segment from the keeper.
    fn stop(&self) {
        self.shared.close();
        self.keeper.drain();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for (index, thread) in threads.into_iter().enumerate() {
            if index > 0 {
                self.keeper.close();
            }
            // A callback may hold the last clone: the writer cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                // A panic of the thread was already reported by the panic itself.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

fn check_size(bytes: &Bytes, limit: usize) -> Result<(), WalError> {
    if bytes.len() > limit {
        return Err(WalError::TooLarge {
            found: bytes.len(),
            limit,
        });
    }
    Ok(())
}
