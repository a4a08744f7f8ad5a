//! The script, the model, and how a log is compared with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;

use crate::storage::SimulatedDisk;
use crate::{Entry, EntryKind, Failure, GroupId, LogPosition, Synced, Wal, WalError, WalOptions};

pub(super) const GROUPS: [GroupId; 2] = [GroupId(0), GroupId(7)];

/// One step of a script; each changes one group.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// One entry with a payload of this size.
    Append(usize),
    State(u64),
    /// Drops this many entries at the end.
    Truncate(u64),
    /// Drops this many entries at the front.
    Purge(u64),
    /// Jumps past the end, as after an installed snapshot.
    PurgePast(u64),
    Hint(u64),
}

/// What a group must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) purged: Option<LogPosition>,
    pub(super) entries: Vec<Entry>,
    pub(super) state: Option<Bytes>,
}

/// Both groups after each number of steps.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) after: Vec<[Expected; 2]>,
    term: u64,
}

pub(super) fn options() -> WalOptions {
    let mut options = WalOptions::new("simulated", *b"simulated log id");
    options.segment_bytes = 16 << 10;
    options.spares_count = 1;
    options.reserve_count = 1;
    options.tail_bytes_max = 3000;
    options.frame_bytes_max = 3000;
    options.seal_after = Duration::from_secs(3600);
    options.failure = Failure::Call(Arc::new(|_| {}));
    options
}

/// A log under a script.
pub(super) struct Run {
    pub(super) wal: Wal,
    pub(super) model: Model,
    /// Steps that were reported durable.
    pub(super) reported: Arc<AtomicUsize>,
    done: Arc<(Mutex<usize>, Condvar)>,
}

impl Run {
    /// Goes on with a log that holds what `model` holds at its end.
    pub(super) fn new(wal: Wal, model: Model, reported: Arc<AtomicUsize>) -> Run {
        reported.store(model.after.len() - 1, Ordering::SeqCst);
        let done = Arc::new((Mutex::new(model.after.len() - 1), Condvar::new()));
        Run {
            wal,
            model,
            reported,
            done,
        }
    }

    /// Reports the first `steps` steps.
    fn on_synced(&self, steps: usize) -> Synced {
        let (reported, done) = (Arc::clone(&self.reported), Arc::clone(&self.done));
        Box::new(move || {
            reported.fetch_max(steps, Ordering::SeqCst);
            let mut most = done.0.lock().expect("no test panics in it");
            *most = steps.max(*most);
            done.1.notify_all();
        })
    }

    /// Does one step on the log and on the model.
    pub(super) fn step(&mut self, which: usize, step: &Step) -> Result<(), WalError> {
        let group = GROUPS[which];
        let mut next = self.model.after.last().expect("starts with one").clone();
        let steps = self.model.after.len();
        let expected = &mut next[which];
        let last = expected.last();
        match step {
            Step::Append(bytes) => {
                let index = last.map_or(1, |last| last.index + 1);
                let fill = u8::try_from(self.model.after.len() % 256).expect("below 256");
                let payload = Bytes::from(vec![fill; *bytes]);
                let entry = Entry {
                    index,
                    term: self.model.term,
                    kind: EntryKind(fill),
                    payload,
                };
                self.wal
                    .append(group, vec![entry.clone()], self.on_synced(steps))?;
                expected.entries.push(entry);
            }
            Step::State(number) => {
                let state = Bytes::copy_from_slice(&number.to_le_bytes());
                self.wal
                    .save_state(group, state.clone(), self.on_synced(steps))?;
                expected.state = Some(state);
            }
            Step::Truncate(count) => {
                let index = last.and_then(|last| last.index.checked_sub(*count));
                self.wal.truncate_after(group, index)?;
                expected.entries.retain(|entry| Some(entry.index) <= index);
                self.model.term += 1;
            }
            Step::Purge(count) => {
                let count = usize::try_from(*count).expect("small");
                if let Some(upto) = expected
                    .entries
                    .iter()
                    .take(count)
                    .next_back()
                    .map(position)
                {
                    self.wal.purge(group, upto)?;
                    expected.purge(upto);
                }
            }
            Step::PurgePast(count) => {
                let index = last.map_or(0, |last| last.index) + count;
                let upto = LogPosition {
                    index,
                    term: self.model.term,
                };
                self.wal.purge(group, upto)?;
                expected.purge(upto);
            }
            Step::Hint(number) => {
                self.wal
                    .hint_committed(group, Bytes::copy_from_slice(&number.to_le_bytes()));
            }
        }
        self.model.after.push(next);
        Ok(())
    }

    /// Waits until all steps are durable, by saving a state that is there already.
    pub(super) fn wait(&mut self) {
        if self.wal.bounds(GROUPS[1]).state.is_none() {
            self.step(1, &Step::State(99)).expect("the log is open");
        }
        let state = self.wal.bounds(GROUPS[1]).state.expect("was just saved");
        let steps = self.model.after.len() - 1;
        let on_synced = self.on_synced(steps);
        self.wal
            .save_state(GROUPS[1], state, on_synced)
            .expect("the log is open");
        let most = self.done.0.lock().expect("no test panics in it");
        let late = |most: &mut usize| *most < steps;
        let waited = self
            .done
            .1
            .wait_timeout_while(most, Duration::from_secs(30), late);
        assert!(
            !waited.expect("no test panics in it").1.timed_out(),
            "not durable in 30 s"
        );
    }
}

fn position(entry: &Entry) -> LogPosition {
    LogPosition {
        index: entry.index,
        term: entry.term,
    }
}

impl Expected {
    fn last(&self) -> Option<LogPosition> {
        self.entries.last().map(position).or(self.purged)
    }

    fn purge(&mut self, upto: LogPosition) {
        self.purged = self.purged.max(Some(upto));
        self.entries.retain(|entry| entry.index > upto.index);
    }
}

impl Model {
    pub(super) fn new() -> Model {
        // The second group has a state from the start, so that `Run::wait` never changes it.
        let mut groups: [Expected; 2] = Default::default();
        groups[1].state = None;
        Model {
            after: vec![groups],
            term: 1,
        }
    }

    /// The model cut to what a log held after recovery.
    pub(super) fn cut_to(&self, steps: usize) -> Model {
        // A later generation writes other terms, so that nothing of the lost steps looks like its own.
        Model {
            after: self.after[..=steps].to_vec(),
            term: self.term + 1000,
        }
    }

    /// The number of steps after which the model equals what the log holds, at least `reported`.
    pub(super) fn matching(&self, wal: &Wal, reported: usize) -> Result<usize, String> {
        let found = [contents(wal, GROUPS[0])?, contents(wal, GROUPS[1])?];
        (reported..self.after.len())
            .find(|steps| self.after[*steps] == found)
            .ok_or_else(|| {
                let summary = |group: &Expected| {
                    let entries: Vec<_> = group
                        .entries
                        .iter()
                        .map(|e| (e.index, e.term, e.payload.len()))
                        .collect();
                    format!("{:?} {:?} {entries:?}", group.purged, group.state)
                };
                format!(
                    "found {:?}; reported {reported} of {} steps: {:?}",
                    found.each_ref().map(summary),
                    self.after.len() - 1,
                    self.after
                        .get(reported)
                        .map(|groups| groups.each_ref().map(summary)),
                )
            })
    }
}

/// Everything that a group holds, read through the log.
fn contents(wal: &Wal, group: GroupId) -> Result<Expected, String> {
    let bounds = wal.bounds(group);
    let mut entries = Vec::new();
    if let Some(last) = bounds.last
        && bounds.last != bounds.purged
    {
        let first = bounds.purged.map_or(1, |purged| purged.index + 1);
        entries = wal
            .read(group, first..last.index + 1, usize::MAX)
            .map_err(|e| e.to_string())?;
        let indexes: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
        if indexes != (first..=last.index).collect::<Vec<_>>() {
            return Err(format!("{group}: {bounds:?} but entries {indexes:?}"));
        }
        if entries.last().map(position) != bounds.last {
            return Err(format!("{group}: {bounds:?} but last {:?}", entries.last()));
        }
    }
    Ok(Expected {
        purged: bounds.purged,
        entries,
        state: bounds.state,
    })
}

/// Opens a log on a disk.
pub(super) fn open(disk: &SimulatedDisk) -> Result<(Wal, crate::Recovery), WalError> {
    Wal::open_on(options(), disk.clone())
}

/// Opens a log on a disk without starting it, which is all that most checks need.
pub(super) fn open_to_read(disk: &SimulatedDisk) -> Result<(Wal, crate::Recovery), WalError> {
    Wal::open_to_read(options(), disk.clone())
}

/// A script that passes through segments, truncates, purges, and jumps.
pub(super) fn script() -> Vec<(usize, Step)> {
    use Step::{Append, Hint, Purge, PurgePast, State, Truncate};
    let mut steps = vec![
        (1, State(1)),
        (0, State(1)),
        (0, Append(10)),
        (0, Append(100)),
    ];
    for round in 0..3 {
        steps.extend([
            (0, Append(900)),
            (1, Append(30)),
            (0, Hint(round)),
            (0, Append(5000)),
            (0, Append(20)),
            (1, Append(2000)),
            (0, Truncate(2)),
            (0, State(10 + round)),
            (0, Append(40)),
            (0, Append(30_000)),
            (1, Truncate(1)),
            (0, Append(1)),
            (0, Purge(3)),
            (1, Append(600)),
            (0, Append(3)),
            (1, Purge(1)),
            (0, Purge(2)),
        ]);
    }
    steps.extend([(1, PurgePast(5)), (1, Append(9)), (0, Append(7))]);
    steps
}
