//! Applies records to the groups, in the order of the stream. Recovery feeds it what it reads.
//!
//! Always holds: what is here after the last frame is what a process that had written it would hold.

use std::collections::BTreeMap;

use crate::disk_log::DiskLog;
use crate::frame::Fault;
use crate::group_log::GroupLog;
use crate::record::{Checkpoint, Record};
use crate::segments::{Frame, corrupt};
use crate::{GroupId, Lsn, WalError};

/// A group as its callers see it, and as the stream has it.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) log: GroupLog,
    pub(crate) disk: DiskLog,
}

/// All groups.
pub(crate) type Groups = BTreeMap<GroupId, Group>;

/// A replay under way.
pub(crate) struct Replay {
    pub(crate) groups: Groups,
    tail_bytes_max: usize,
    is_first_frame: bool,
}

impl Replay {
    pub(crate) fn new(tail_bytes_max: usize) -> Self {
        Replay {
            groups: Groups::new(),
            tail_bytes_max,
            is_first_frame: true,
        }
    }

    /// Applies a frame that follows the last.
    pub(crate) fn apply(&mut self, frame: &Frame) -> Result<(), WalError> {
        let lsn = frame.header().lsn;
        for item in frame.records() {
            let (group, record) = item?;
            self.apply_record(group, record, lsn).map_err(|fault| {
                let (file, offset) = frame.place();
                corrupt(file.to_string(), offset, fault)
            })?;
        }
        self.is_first_frame = false;
        evict(&mut self.groups, self.tail_bytes_max, 0);
        Ok(())
    }

    fn apply_record(&mut self, id: GroupId, record: Record, lsn: Lsn) -> Result<(), Fault> {
        let Group { log, disk } = self.groups.entry(id).or_default();
        match record {
            Record::Entry(entry) => {
                if let Some(expected) = disk.next_index().filter(|next| *next != entry.index) {
                    let (expected, found) = (expected.to_string(), entry.index.to_string());
                    return Err(Fault::broken("index of an entry", expected, found));
                }
                disk.entry(entry.index, lsn);
                log.append(&[entry], 0);
            }
            Record::State(state) => {
                disk.state(state.clone());
                log.set_state(state);
            }
            Record::TruncateAfter(index) => {
                disk.truncate_after(index);
                log.truncate_after(index);
            }
            Record::Purge(upto) => {
                disk.purge(upto);
                log.purge(upto);
            }
            Record::CommittedHint(hint) => {
                disk.hint(hint.clone());
                log.set_hint(hint);
            }
            Record::Checkpoint(checkpoint) => self.checkpoint(id, checkpoint)?,
        }
        Ok(())
    }

    /// The first segment's checkpoints stand for all that came before it. A later one must agree with
    /// what was replayed: the writer knew the same then.
    fn checkpoint(&mut self, id: GroupId, checkpoint: Checkpoint) -> Result<(), Fault> {
        let Group { log, disk } = self.groups.entry(id).or_default();
        if !self.is_first_frame {
            if *disk.checkpoint() != checkpoint {
                let (expected, found) = (
                    format!("{:?}", disk.checkpoint()),
                    format!("{checkpoint:?}"),
                );
                return Err(Fault::broken("checkpoint of a group", expected, found));
            }
            return Ok(());
        }
        let last = checkpoint.last_index.map(|index| {
            let known = checkpoint.purged.filter(|purged| purged.index == index);
            known.unwrap_or(crate::LogPosition { index, term: 0 })
        });
        log.start_at(checkpoint.purged, last);
        if let Some(state) = checkpoint.state.clone() {
            log.set_state(state);
        }
        if let Some(hint) = checkpoint.committed_hint.clone() {
            log.set_hint(hint);
        }
        disk.start_from(checkpoint);
        Ok(())
    }

    /// The groups, once the last frame was applied.
    ///
    /// # Errors
    /// `Corrupt` if entries that were not purged lie before the first segment.
    pub(crate) fn finish(self, first_file: &str) -> Result<Groups, WalError> {
        for group in self.groups.values() {
            if let Some(until) = group.disk.missing_until() {
                let fault = Fault::broken(
                    "entries before the first segment",
                    "a purge that covers them".to_string(),
                    format!("entries up to {until} that were not purged"),
                );
                return Err(corrupt(first_file.to_string(), 0, fault));
            }
        }
        Ok(self.groups)
    }
}

/// Lets go of the oldest durable entries in memory until all groups together hold at most `bytes_max`.
/// Returns what they hold then.
pub(crate) fn evict(groups: &mut Groups, bytes_max: usize, durable_ticket: u64) -> usize {
    let mut held: usize = groups.values().map(|group| group.log.tail_bytes()).sum();
    for group in groups.values_mut() {
        if held <= bytes_max {
            break;
        }
        let before = group.log.tail_bytes();
        group.log.evict(held - bytes_max, durable_ticket);
        held -= before - group.log.tail_bytes();
    }
    held
}
