//! Keeps spare segments ready, on a thread of its own: makes them by writing zeros, and takes back those
//! that the log does not need any more. The writer takes from it.
//!
//! Why zeros: a file that was only allocated commits file-system metadata with each sync, which doubles
//! its time. Always holds: spares carry consecutive numbers right behind the log's last segment, whole
//! and under durable names, so that taking one is free of system calls. Disk full shows here, as a lack
//! of spares, and never in the writer.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use crate::fields::{in_memory, on_disk};
use crate::frame::AlignedBuffer;
use crate::recovery::Spare;
use crate::segment::{file_name, unfinished_name};
use crate::segments::LiveSegment;
use crate::storage::Storage;
use crate::{Space, WalError, WalOptions};

/// How long after a failed attempt the next one comes.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Zeros are written in pieces of this size, so that the writer's own syncs are not stuck behind a
/// whole segment.
const PIECE_BYTES: usize = 1 << 20;

type Listener = Arc<dyn Fn(Space) + Send + Sync>;

struct Stock {
    spares: VecDeque<Spare>,
    retired: VecDeque<Arc<LiveSegment>>,
    next_sequence: u64,
    /// The last attempt to make one failed.
    is_blocked: bool,
    /// The writer should not wait for a spare that cannot be made.
    is_draining: bool,
    is_closing: bool,
    listener: Option<Listener>,
    announced: Space,
}

/// The stock of spare segments.
pub(crate) struct Keeper {
    storage: Arc<dyn Storage>,
    segment_bytes: u64,
    spares_count: usize,
    reserve_count: usize,
    stock: Mutex<Stock>,
    changed: Condvar,
}

impl Keeper {
    pub(crate) fn new(
        options: &WalOptions,
        storage: Arc<dyn Storage>,
        spares: VecDeque<Spare>,
        last_sequence: u64,
    ) -> Self {
        let next_sequence = spares.back().map_or(last_sequence, |spare| spare.sequence) + 1;
        let stock = Stock {
            spares,
            retired: VecDeque::new(),
            next_sequence,
            is_blocked: false,
            is_draining: false,
            is_closing: false,
            listener: None,
            announced: Space::Plenty,
        };
        Keeper {
            storage,
            segment_bytes: options.segment_bytes,
            spares_count: options.spares_count,
            reserve_count: options.reserve_count,
            stock: Mutex::new(stock),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next segment file; waits if there is none. `None` if the log closes and none can be made.
    pub(crate) fn take(&self) -> Option<Spare> {
        let mut stock = self.lock();
        loop {
            if let Some(spare) = stock.spares.pop_front() {
                self.changed.notify_all();
                return Some(spare);
            }
            if stock.is_closing {
                return None;
            }
            stock = self
                .changed
                .wait(stock)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives back segments that the log does not need any more, oldest first.
    pub(crate) fn retire(&self, segments: impl IntoIterator<Item = Arc<LiveSegment>>) {
        self.lock().retired.extend(segments);
        self.changed.notify_all();
    }

    pub(crate) fn space(&self) -> Space {
        self.space_of(&self.lock())
    }

    pub(crate) fn counts(&self) -> (usize, u64) {
        let stock = self.lock();
        let retired = stock
            .retired
            .iter()
            .map(|segment| segment.header.segment_bytes);
        let bytes = stock
            .spares
            .iter()
            .map(|spare| spare.size_bytes)
            .chain(retired)
            .sum();
        (stock.spares.len(), bytes)
    }

    pub(crate) fn listen(&self, listener: Box<dyn Fn(Space) + Send + Sync>) {
        self.lock().listener = Some(Arc::from(listener));
    }

    /// The log closes: what can be written still is.
    pub(crate) fn drain(&self) {
        self.lock().is_draining = true;
        self.changed.notify_all();
    }

    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
        self.changed.notify_all();
    }

    fn space_of(&self, stock: &Stock) -> Space {
        match (stock.spares.len() > self.reserve_count, stock.is_blocked) {
            (true, _) => Space::Plenty,
            (false, false) => Space::Low,
            (false, true) => Space::ReserveOnly,
        }
    }

    /// The thread's whole life. An error ends the log: names that were not synced may hold segments
    /// that are reported durable later, and a second attempt to sync proves nothing.
    pub(crate) fn run(&self) -> Result<(), WalError> {
        let mut stock = self.lock();
        loop {
            stock = self.announce(stock);
            if stock.is_closing {
                return Ok(());
            }
            let is_wanted = stock.spares.len() < self.spares_count + self.reserve_count;
            let has_work = is_wanted || !stock.retired.is_empty();
            if has_work && !stock.is_blocked {
                stock = self.step(stock, is_wanted)?;
                continue;
            }
            if !has_work {
                stock = self
                    .changed
                    .wait(stock)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.changed.wait_timeout(stock, RETRY_AFTER);
            let (back, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            stock = if timeout.timed_out() {
                self.step(back, is_wanted)?
            } else {
                back
            };
        }
    }

    /// Takes back the oldest retired segment, or makes a new one. The lock is not held meanwhile.
    fn step<'a>(
        &'a self,
        stock: MutexGuard<'a, Stock>,
        is_wanted: bool,
    ) -> Result<MutexGuard<'a, Stock>, WalError> {
        let sequence = stock.next_sequence;
        let retired = stock.retired.front().cloned();
        drop(stock);
        let result = match &retired {
            Some(segment) if is_wanted => self.reuse(segment, sequence),
            Some(segment) => self.discard(segment),
            None => self.make(sequence).map(Some),
        };
        if result.is_ok() {
            // Before the names are durable nothing may be written under them.
            self.storage
                .sync_names()
                .map_err(|source| WalError::io("sync", "the log's directory", source))?;
        }
        let mut stock = self.lock();
        match result {
            Ok(spare) => {
                // Strictly oldest first: a hole among the numbers would look like a lost file.
                if retired.is_some() {
                    stock.retired.pop_front();
                }
                if stock.is_blocked {
                    info!("log segments can be prepared again");
                }
                stock.is_blocked = false;
                if let Some(spare) = spare {
                    stock.next_sequence = spare.sequence + 1;
                    stock.spares.push_back(spare);
                }
            }
            Err(error) => {
                if !stock.is_blocked {
                    warn!(%error, "no further log segment can be prepared");
                }
                stock.is_blocked = true;
            }
        }
        self.changed.notify_all();
        Ok(stock)
    }

    /// Calls the listener if the answer to `space` changed.
    fn announce<'a>(&'a self, mut stock: MutexGuard<'a, Stock>) -> MutexGuard<'a, Stock> {
        let space = self.space_of(&stock);
        if space == stock.announced {
            return stock;
        }
        stock.announced = space;
        let Some(listener) = stock.listener.clone() else {
            return stock;
        };
        drop(stock);
        listener(space);
        self.lock()
    }

    /// Makes a segment: write, sync the file, rename. The caller syncs the names.
    fn make(&self, sequence: u64) -> io::Result<Spare> {
        let unfinished = unfinished_name(sequence);
        let made = self.storage.create(&unfinished).and_then(|file| {
            let mut zeros = AlignedBuffer::with_capacity(PIECE_BYTES);
            let mut written = 0;
            while written < self.segment_bytes {
                zeros.clear();
                zeros.resize(in_memory(self.segment_bytes - written).min(PIECE_BYTES));
                file.write_at(zeros.as_slice(), written)?;
                file.sync()?;
                written += on_disk(zeros.len());
            }
            file.sync()?;
            Ok(file)
        });
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                // What was made of it takes the space that others need; a leftover is removed at start.
                let _ = self.storage.remove(&unfinished);
                return Err(error);
            }
        };
        self.storage.rename(&unfinished, &file_name(sequence))?;
        Ok(Spare {
            sequence,
            size_bytes: self.segment_bytes,
            file,
        })
    }

    /// Renames a segment to be a spare: its header then names another number than its file, which makes
    /// it void.
    fn reuse(&self, segment: &LiveSegment, sequence: u64) -> io::Result<Option<Spare>> {
        let size_bytes = segment.header.segment_bytes;
        if size_bytes != self.segment_bytes {
            return self.discard(segment);
        }
        self.storage.rename(&segment.name(), &file_name(sequence))?;
        let file = Arc::clone(&segment.file);
        Ok(Some(Spare {
            sequence,
            size_bytes,
            file,
        }))
    }

    /// Removes a segment: there are spares enough, or it has another size than they.
    fn discard(&self, segment: &LiveSegment) -> io::Result<Option<Spare>> {
        self.storage.remove(&segment.name())?;
        Ok(None)
    }
}
