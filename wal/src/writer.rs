//! The writer thread: takes what is queued, makes frames of it, writes and syncs them, and calls back.
//!
//! Always holds: a callback is called only when its frame and all frames before it are durable; a frame
//! says only of such bytes that they are durable; after a failed write or sync nothing is written any more.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::fields::{in_memory, on_disk};
use crate::frame::{AlignedBuffer, Chain, FRAME_HEADER_BYTES, FrameHeader, GIANT_BYTES};
use crate::keeper::Keeper;
use crate::record::{Compression, RecordWriter, record_bytes};
use crate::replay::evict;
use crate::segment::{HEADER_BYTES, SegmentHeader};
use crate::segments::{LiveSegment, Segments};
use crate::state::{Op, Phase, Queued, Shared, State};
use crate::{Entry, Failure, GroupId, Lsn, Synced, WalError, WalOptions};

/// An encode buffer that grew beyond this for a giant is not kept.
const BUFFER_KEPT_BYTES: usize = 8 << 20;

/// What the writer thread owns.
pub(crate) struct Writer {
    options: WalOptions,
    shared: Arc<Shared>,
    keeper: Arc<Keeper>,
    segments: Segments,
    chain: Chain,
    durable_through: Lsn,
    durable_ticket: u64,
    /// The last frame announced that a giant follows.
    has_announced: bool,
    /// Frames that carry records were written since the last seal.
    needs_seal: bool,
    /// How much the last frame had.
    last_bytes: u64,
    buffer: AlignedBuffer,
    compression: Compression,
    nonces: Nonces,
    pending: VecDeque<Queued>,
    spent: Vec<Queued>,
}

/// What a frame owes to its callers once it is durable.
#[derive(Default)]
struct Debt {
    /// The newest append of each group in the frame.
    appends: BTreeMap<GroupId, Synced>,
    states: Vec<Synced>,
    durable_ticket: u64,
    records_count: u32,
    purges: bool,
}

/// Why the loop stops.
enum Stop {
    Closed,
    OutOfSpace,
    Failed(WalError),
}

/// How long the writer looks for more before it sleeps.
const LOOK_TIME: Duration = Duration::from_micros(100);
/// It does so only after frames of at most this size: after larger ones there is work for all.
const LITTLE_BYTES: u64 = 4096;

impl Writer {
    pub(crate) fn new(
        options: WalOptions,
        shared: Arc<Shared>,
        keeper: Arc<Keeper>,
        segments: Segments,
        chain: Chain,
    ) -> Self {
        let compression = Compression::new(options.compress_from_bytes);
        Writer {
            options,
            shared,
            keeper,
            segments,
            chain,
            durable_through: chain.lsn,
            durable_ticket: 0,
            has_announced: false,
            // What recovery kept has no seal behind it for certain.
            needs_seal: chain.sequence > 0,
            last_bytes: 0,
            buffer: AlignedBuffer::with_capacity(256 << 10),
            compression,
            nonces: Nonces::default(),
            pending: VecDeque::new(),
            spent: Vec::new(),
        }
    }

    /// The thread's whole life.
    pub(crate) fn run(mut self) {
        loop {
            match self.turn() {
                Ok(()) => {}
                Err(Stop::Closed) => return,
                Err(Stop::OutOfSpace) => {
                    // The end of an orderly shutdown on a full disk: nothing is damaged, and whoever
                    // waits for a callback was promised nothing.
                    let full = std::io::ErrorKind::StorageFull.into();
                    let error = WalError::io("extend", "the log", full);
                    self.shared.fail(error);
                    return;
                }
                Err(Stop::Failed(error)) => {
                    return fail(&self.options.failure, &self.shared, error);
                }
            }
        }
    }

    fn turn(&mut self) -> Result<(), Stop> {
        if self.pending.is_empty() {
            self.fetch()?;
        }
        let started = Instant::now();
        let debt = self.encode();
        let written = self.write().map_err(Stop::Failed)?;
        let Some(written_bytes) = written else {
            return Err(Stop::OutOfSpace);
        };
        self.settle(debt, written_bytes, started.elapsed());
        Ok(())
    }

    /// Looks for more for a moment, where little was written last: whoever waited for that may be
    /// about to write again, and waking a sleeping thread costs about as much as the whole look.
    /// Other threads that want the processor get it.
    fn look_for_more(&self) {
        if self.last_bytes == 0 || self.last_bytes > LITTLE_BYTES {
            return;
        }
        let began = Instant::now();
        while self.shared.lock().queue.is_empty() && began.elapsed() < LOOK_TIME {
            std::thread::yield_now();
        }
    }

    /// Takes what is queued. Returns with nothing pending when a seal is due.
    fn fetch(&mut self) -> Result<(), Stop> {
        self.look_for_more();
        let mut state = self.shared.lock();
        let mut deadline = None;
        loop {
            if matches!(state.phase, Phase::Failed(_)) {
                return Err(Stop::Closed);
            }
            if !state.queue.is_empty() {
                std::mem::swap(&mut state.queue, &mut self.spent);
                drop(state);
                self.pending.extend(self.spent.drain(..));
                return Ok(());
            }
            if !matches!(state.phase, Phase::Open) {
                return if self.needs_seal {
                    Ok(())
                } else {
                    Err(Stop::Closed)
                };
            }
            let limit = self.needs_seal.then(|| {
                let now = Instant::now();
                let due = *deadline.get_or_insert(now + self.options.seal_after);
                due.saturating_duration_since(now)
            });
            if limit == Some(Duration::ZERO) {
                return Ok(());
            }
            state = self.shared.wait(state, limit);
        }
    }

    /// Makes the next frame of what is pending, in `buffer`; a seal if there is nothing.
    fn encode(&mut self) -> Debt {
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = AlignedBuffer::with_capacity(256 << 10);
        }
        self.buffer.clear();
        self.buffer.resize(FRAME_HEADER_BYTES);
        let lsn = self.chain.lsn;
        let giant_bytes = self
            .pending
            .front()
            .map_or(0, |queued| first_bytes(&queued.op));
        // Recovery looks only so far behind a damaged frame for proof that it was durable. Before a
        // giant it must know to look farther, even when the giant's own header is what was damaged.
        let announces = giant_bytes > in_memory(GIANT_BYTES) && !self.has_announced;
        self.has_announced = announces;
        let begins_segment = lsn >= self.segments.end()
            || self
                .segments
                .list
                .last()
                .is_some_and(|last| last.header.first_frame == Some(lsn));
        let mut records = RecordWriter {
            buffer: &mut self.buffer,
            compression: &mut self.compression,
            checksums: crc32fast::Hasher::new(),
            count: 0,
        };
        begin_frame(&mut self.shared.lock(), &mut records, begins_segment);
        let mut debt = Debt::default();
        let mut applied = Vec::new();
        self.needs_seal = !self.pending.is_empty();
        if !announces {
            let frame_bytes_max = self.options.frame_bytes_max;
            encode_ops(
                &mut self.pending,
                frame_bytes_max,
                &mut records,
                &mut debt,
                &mut applied,
            );
        }
        debt.records_count = records.count;
        let records_checksum = records.checksums.finalize();
        let announced_blocks = if announces { blocks_of(giant_bytes) } else { 0 };
        self.finish_frame(debt.records_count, records_checksum, announced_blocks);
        apply_to_disk_logs(&mut self.shared.lock(), &applied, lsn);
        debt
    }

    /// Puts the header before the records in `buffer`, and chains the next frame to it.
    fn finish_frame(&mut self, records_count: u32, records_checksum: u32, announced_blocks: u32) {
        let lsn = self.chain.lsn;
        let body_bytes = self.buffer.len() - FRAME_HEADER_BYTES;
        let header = FrameHeader {
            lsn,
            sequence: self.chain.sequence,
            body_bytes: u32::try_from(body_bytes)
                .expect("a frame holds at most its limit and one payload of 1 GiB"),
            records_count,
            records_checksum,
            previous_checksum: self.chain.checksum,
            durable_through: self.durable_through,
            nonce: self.nonce_at(lsn),
            announced_blocks,
        };
        let (bytes, checksum) = header.encode(&self.options.log_id);
        if let Some(place) = self.buffer.as_mut_slice().get_mut(..FRAME_HEADER_BYTES) {
            place.copy_from_slice(&bytes);
        }
        self.buffer.pad_to(in_memory(HEADER_BYTES));
        // The next frame is written where this one's padding ends: what is written must be what the
        // header says, or the chain breaks.
        assert_eq!(
            on_disk(self.buffer.len()),
            header.extent(),
            "extent of the frame at {lsn}"
        );
        assert!(
            self.durable_through <= lsn,
            "{} durable at {lsn}",
            self.durable_through
        );
        let sequence = header.sequence + 1;
        self.chain = Chain {
            lsn: Lsn(lsn.0 + header.extent()),
            sequence,
            checksum,
        };
    }

    /// The nonce of the segment in which a frame at `lsn` begins: the one in use, or the next to be.
    fn nonce_at(&mut self, lsn: Lsn) -> u64 {
        match self.segments.find(lsn) {
            Some(segment) => segment.header.nonce,
            None => self.nonces.draw_next(),
        }
    }

    /// Writes and syncs the frame in `buffer`, taking new segments where it goes past the last. `None` if
    /// the log closed while it waited for one.
    fn write(&mut self) -> Result<Option<u64>, WalError> {
        let bytes = self.buffer.as_slice();
        let mut written = on_disk(bytes.len());
        let mut lsn = Lsn(self.chain.lsn.0 - written);
        let mut rest = bytes;
        let mut touched: Vec<Arc<LiveSegment>> = Vec::with_capacity(1);
        while !rest.is_empty() {
            if lsn >= self.segments.end() {
                let Some(spare) = self.keeper.take() else {
                    return Ok(None);
                };
                let is_frame_start = rest.len() == bytes.len();
                let header = SegmentHeader {
                    sequence: spare.sequence,
                    segment_bytes: spare.size_bytes,
                    nonce: self.nonces.take(),
                    log_id: self.options.log_id,
                    base: lsn,
                    first_frame: first_frame(lsn, is_frame_start, self.chain.lsn, spare.size_bytes),
                    first_frame_sequence: self.chain.sequence - u64::from(is_frame_start),
                    previous_checksum: if is_frame_start {
                        previous_checksum(bytes)
                    } else {
                        self.chain.checksum
                    },
                    durable_through: self.durable_through,
                };
                let segment = Arc::new(LiveSegment {
                    header,
                    file: spare.file,
                });
                write(&segment, &segment.header.encode(), 0)?;
                written += HEADER_BYTES;
                self.segments.list.push(segment);
            }
            let Some(segment) = self.segments.find(lsn) else {
                return Err(WalError::OutsideLog(lsn));
            };
            let room = in_memory(segment.end().0 - lsn.0).min(rest.len());
            let (piece, behind) = rest.split_at(room);
            write(segment, piece, segment.offset_of(lsn))?;
            touched.push(Arc::clone(segment));
            rest = behind;
            lsn = Lsn(lsn.0 + on_disk(room));
        }
        for segment in &touched {
            segment
                .file
                .sync()
                .map_err(|e| WalError::io("sync", segment.name(), e))?;
        }
        Ok(Some(written))
    }

    /// The frame is durable: says so to everyone who waits, and lets go of what is not needed any more.
    fn settle(&mut self, debt: Debt, written_bytes: u64, took: Duration) {
        self.durable_through = self.chain.lsn;
        self.last_bytes = written_bytes;
        // A seal, or a part of an append that spans frames, carries no whole operation.
        self.durable_ticket = self.durable_ticket.max(debt.durable_ticket);
        let retired = {
            let mut state = self.shared.lock();
            let state = &mut *state;
            let counters = &mut state.counters;
            counters.written_bytes += written_bytes;
            counters.syncs_count += 1;
            counters.records_count += u64::from(debt.records_count);
            counters.sync_last = took;
            counters.sync_max = counters.sync_max.max(took);
            counters.sync_average = (counters.sync_average * 7 + took) / 8;
            counters.durable_through = self.durable_through;
            counters.tail_bytes = evict(
                &mut state.groups,
                self.options.tail_bytes_max,
                debt.durable_ticket,
            );
            let retired = if debt.purges {
                retire(&mut self.segments, self.durable_through, state)
            } else {
                Vec::new()
            };
            if !retired.is_empty() || state.segments.list.len() != self.segments.list.len() {
                state.segments = Arc::new(self.segments.clone());
            }
            retired
        };
        for callback in debt.states.into_iter().chain(debt.appends.into_values()) {
            callback();
        }
        if !retired.is_empty() {
            self.keeper.retire(retired);
        }
    }
}

/// Takes the segments that no group needs from the front. The new first one must begin with a frame
/// that is durable, for that holds the checkpoints that stand for all before.
fn retire(segments: &mut Segments, durable: Lsn, state: &State) -> Vec<Arc<LiveSegment>> {
    let needed = state
        .groups
        .values()
        .filter_map(|group| group.disk.first_needed())
        .min();
    let needed = needed.unwrap_or(durable);
    let may_be_first = |segment: &Arc<LiveSegment>| {
        segment
            .header
            .first_frame
            .is_some_and(|first| first <= needed && first < durable)
    };
    let first = segments.list.iter().rposition(may_be_first).unwrap_or(0);
    segments.list.drain(..first).collect()
}

/// Where the first frame begins in a segment that begins at `base`, while a frame up to `frame_end` is
/// being written: there itself, or behind that frame, or nowhere.
fn first_frame(base: Lsn, is_frame_start: bool, frame_end: Lsn, segment_bytes: u64) -> Option<Lsn> {
    let end = base.0 + segment_bytes - HEADER_BYTES;
    let first = if is_frame_start { base } else { frame_end };
    (first.0 < end).then_some(first)
}

/// The checksum of the frame before the one in these bytes.
fn previous_checksum(frame: &[u8]) -> u32 {
    const AT: usize = 16;
    frame
        .get(AT..AT + 4)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn write(segment: &LiveSegment, bytes: &[u8], offset: u64) -> Result<(), WalError> {
    segment
        .file
        .write_at(bytes, offset)
        .map_err(|e| WalError::io("write", segment.name(), e))
}

/// Puts in front of a frame what rides along: checkpoints where a segment begins, and hints.
fn begin_frame(state: &mut State, records: &mut RecordWriter<'_>, begins_segment: bool) {
    if begins_segment {
        for (id, group) in &state.groups {
            records.checkpoint(*id, group.disk.checkpoint());
        }
    }
    for id in std::mem::take(&mut state.hints) {
        let Some(group) = state.groups.get_mut(&id) else {
            continue;
        };
        if let Some(hint) = group.log.bounds().committed_hint {
            records.committed_hint(id, &hint);
            group.disk.hint(hint);
        }
    }
}

/// What an encoded operation changes in the disk logs.
enum Applied {
    Entries {
        group: GroupId,
        first: u64,
        last: u64,
    },
    State {
        group: GroupId,
        state: bytes::Bytes,
    },
    Truncate {
        group: GroupId,
        index: Option<u64>,
    },
    Purge {
        group: GroupId,
        upto: crate::LogPosition,
    },
}

/// Encodes operations until the frame is full.
fn encode_ops(
    pending: &mut VecDeque<Queued>,
    frame_bytes_max: usize,
    records: &mut RecordWriter<'_>,
    debt: &mut Debt,
    applied: &mut Vec<Applied>,
) {
    while let Some(Queued { ticket, op }) = pending.pop_front() {
        if let Some(rest) = encode_op(op, frame_bytes_max, records, debt, applied) {
            pending.push_front(Queued { ticket, op: rest });
            return;
        }
        debt.durable_ticket = ticket;
        if records.buffer.len() >= frame_bytes_max {
            return;
        }
    }
}

/// Encodes one operation; returns what of it did not fit.
fn encode_op(
    op: Op,
    frame_bytes_max: usize,
    records: &mut RecordWriter<'_>,
    debt: &mut Debt,
    applied: &mut Vec<Applied>,
) -> Option<Op> {
    match op {
        Op::Append {
            group,
            mut entries,
            on_synced,
        } => {
            let fitting = count_fitting(
                &entries,
                records.buffer.len(),
                frame_bytes_max,
                applied.is_empty(),
            );
            let rest = entries.split_off(fitting);
            for entry in &entries {
                records.entry(group, entry);
            }
            if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
                applied.push(Applied::Entries {
                    group,
                    first: first.index,
                    last: last.index,
                });
            }
            if !rest.is_empty() {
                return Some(Op::Append {
                    group,
                    entries: rest,
                    on_synced,
                });
            }
            debt.appends.insert(group, on_synced);
        }
        Op::State {
            group,
            state,
            on_synced,
        } => {
            records.state(group, &state);
            applied.push(Applied::State { group, state });
            debt.states.push(on_synced);
        }
        Op::Truncate { group, index } => {
            records.truncate_after(group, index);
            applied.push(Applied::Truncate { group, index });
        }
        Op::Purge { group, upto } => {
            records.purge(group, upto);
            applied.push(Applied::Purge { group, upto });
            debt.purges = true;
        }
    }
    None
}

/// Bytes of the first record of an operation.
fn first_bytes(op: &Op) -> usize {
    match op {
        Op::Append { entries, .. } => entries.first().map_or(0, |entry| entry.payload.len()),
        Op::State { .. } | Op::Truncate { .. } | Op::Purge { .. } => 0,
    }
}

/// Blocks that a frame with a giant of this size takes, rounded up.
fn blocks_of(giant_bytes: usize) -> u32 {
    u32::try_from(on_disk(giant_bytes).div_ceil(HEADER_BYTES) + 1).unwrap_or(u32::MAX)
}

/// How many entries still fit into a frame of `used` bytes. One without operations takes one of any size.
fn count_fitting(
    entries: &[Entry],
    used: usize,
    frame_bytes_max: usize,
    is_empty_frame: bool,
) -> usize {
    let mut total = used;
    for (count, entry) in entries.iter().enumerate() {
        total = total.saturating_add(record_bytes(entry.payload.len()));
        if total > frame_bytes_max && (count > 0 || !is_empty_frame) {
            return count;
        }
    }
    entries.len()
}

fn apply_to_disk_logs(state: &mut State, applied: &[Applied], frame: Lsn) {
    for change in applied {
        match change {
            Applied::Entries { group, first, last } => {
                let disk = &mut state.groups.entry(*group).or_default().disk;
                // One mark serves all entries of a frame.
                disk.entry(*first, frame);
                disk.entry(*last, frame);
            }
            Applied::State {
                group,
                state: bytes,
            } => {
                state
                    .groups
                    .entry(*group)
                    .or_default()
                    .disk
                    .state(bytes.clone());
            }
            Applied::Truncate { group, index } => {
                state
                    .groups
                    .entry(*group)
                    .or_default()
                    .disk
                    .truncate_after(*index);
            }
            Applied::Purge { group, upto } => {
                state.groups.entry(*group).or_default().disk.purge(*upto);
            }
        }
    }
}

/// A write or sync failed. Nothing after it may be promised: says so last, and ends.
pub(crate) fn fail(policy: &Failure, shared: &Shared, error: WalError) {
    shared.fail(error.clone());
    tracing::error!(%error, "the log has failed; nothing more can be promised");
    match policy {
        Failure::Abort => {
            // In one piece: another thread that fails over this may be writing its own last words.
            let last_words = format!(
                "holdfast: the write-ahead log has failed: {error}. What the disk holds is unknown \
                 from here on, so the process ends; a restart recovers everything acknowledged.\n"
            );
            drop(std::io::stderr().write_all(last_words.as_bytes()));
            std::process::abort();
        }
        Failure::Call(observer) => observer(&error),
    }
}

/// Draws nonces from the randomness that seeds the standard library's hash maps.
#[derive(Default)]
struct Nonces {
    next: Option<u64>,
}

impl Nonces {
    /// The nonce of the next segment, before the segment is taken.
    fn draw_next(&mut self) -> u64 {
        *self.next.get_or_insert_with(|| {
            use std::hash::{BuildHasher, Hasher};
            std::hash::RandomState::new().build_hasher().finish()
        })
    }

    fn take(&mut self) -> u64 {
        let nonce = self.draw_next();
        self.next = None;
        nonce
    }
}
