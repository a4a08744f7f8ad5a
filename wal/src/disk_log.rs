//! What the stream of records says about one group, up to some frame, and where its entries are.
//!
//! Recovery and the writer thread apply the same records to it in the same order. Always holds: the
//! entries between one mark's index and the next mark's are found, each at its first occurrence, by
//! reading frames onward from the mark.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::record::Checkpoint;
use crate::{LogPosition, Lsn};

/// A frame in which an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    first_index: u64,
    frame: Lsn,
}

/// Where to read entries from, and the index at which that answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) frame: Lsn,
    pub(crate) until: u64,
}

/// Frames that begin closer together than this share a mark, so that marks stay few.
const MARK_DISTANCE_BYTES: u64 = 64 << 10;

/// One group in the stream.
#[derive(Debug, Default)]
pub(crate) struct DiskLog {
    checkpoint: Checkpoint,
    marks: VecDeque<Mark>,
    /// A truncation came: the next entry replaces an older one, which its mark must hide.
    needs_mark: bool,
    /// Entries up to this index lie before the first segment; a purge must cover them.
    missing_until: Option<u64>,
}

impl DiskLog {
    /// What a segment that begins now must say about the group.
    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Starts from what the first segment says about all before it.
    pub(crate) fn start_from(&mut self, checkpoint: Checkpoint) {
        self.missing_until = checkpoint.first_index.and(checkpoint.last_index);
        self.checkpoint = checkpoint;
    }

    /// The index that the next entry must have; `None` if any will do.
    pub(crate) fn next_index(&self) -> Option<u64> {
        self.checkpoint
            .last_index
            .map(|last| last.saturating_add(1))
    }

    pub(crate) fn entry(&mut self, index: u64, frame: Lsn) {
        let close = self
            .marks
            .back()
            .is_some_and(|mark| frame.0.saturating_sub(mark.frame.0) < MARK_DISTANCE_BYTES);
        if !close || self.needs_mark {
            self.marks.push_back(Mark {
                first_index: index,
                frame,
            });
            self.needs_mark = false;
        }
        self.checkpoint.first_index.get_or_insert(index);
        self.checkpoint.last_index = Some(index);
    }

    pub(crate) fn state(&mut self, state: Bytes) {
        self.checkpoint.state = Some(state);
    }

    pub(crate) fn hint(&mut self, hint: Bytes) {
        self.checkpoint.committed_hint = Some(hint);
    }

    pub(crate) fn truncate_after(&mut self, index: Option<u64>) {
        if self.checkpoint.last_index <= index || self.checkpoint.first_index.is_none() {
            return;
        }
        self.needs_mark = true;
        if index < self.checkpoint.first_index {
            self.empty();
            return;
        }
        self.checkpoint.last_index = index;
        while self
            .marks
            .back()
            .is_some_and(|mark| Some(mark.first_index) > index)
        {
            self.marks.pop_back();
        }
        self.missing_until = self.missing_until.min(index);
    }

    pub(crate) fn purge(&mut self, upto: LogPosition) {
        if self
            .checkpoint
            .purged
            .is_some_and(|purged| purged.index >= upto.index)
        {
            return;
        }
        self.checkpoint.purged = Some(upto);
        if self
            .checkpoint
            .last_index
            .is_none_or(|last| last <= upto.index)
        {
            self.empty();
            return;
        }
        let next = upto.index.saturating_add(1);
        self.checkpoint.first_index = self.checkpoint.first_index.max(Some(next));
        self.missing_until = self.missing_until.filter(|until| *until > upto.index);
        while self
            .marks
            .get(1)
            .is_some_and(|second| second.first_index <= next)
        {
            self.marks.pop_front();
        }
    }

    /// Nothing is left but what was purged.
    fn empty(&mut self) {
        self.checkpoint.first_index = None;
        self.checkpoint.last_index = self.checkpoint.purged.map(|purged| purged.index);
        self.missing_until = None;
        self.marks.clear();
    }

    /// Entries that should be there and are not: the first segment says that there were some before it,
    /// and no purge came.
    pub(crate) fn missing_until(&self) -> Option<u64> {
        self.missing_until
    }

    /// Everything before this frame is of no use to the group any more.
    pub(crate) fn first_needed(&self) -> Option<Lsn> {
        self.marks.front().map(|mark| mark.frame)
    }

    /// Where the entry with this index is found.
    pub(crate) fn place_of(&self, index: u64) -> Option<Place> {
        let after = self.marks.partition_point(|mark| mark.first_index <= index);
        let mark = self.marks.get(after.checked_sub(1)?)?;
        let until = self
            .marks
            .get(after)
            .map_or(u64::MAX, |next| next.first_index);
        Some(Place {
            frame: mark.frame,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: u64 = MARK_DISTANCE_BYTES;

    #[test]
    fn an_entry_that_replaces_a_truncated_one_is_found_in_its_own_frame() {
        let mut log = DiskLog::default();
        for (index, frame) in [(1, 0), (2, 0), (3, 4096), (4, FAR), (5, FAR)] {
            log.entry(index, Lsn(frame));
        }
        log.truncate_after(Some(2));
        log.entry(3, Lsn(FAR + 4096));
        assert_eq!(
            log.place_of(2),
            Some(Place {
                frame: Lsn(0),
                until: 3
            })
        );
        assert_eq!(
            log.place_of(3),
            Some(Place {
                frame: Lsn(FAR + 4096),
                until: u64::MAX
            })
        );
        assert_eq!(log.next_index(), Some(4));
    }

    #[test]
    fn a_purge_lets_go_of_frames_before_the_next_entry() {
        let mut log = DiskLog::default();
        for index in 1..=4 {
            log.entry(index, Lsn(index * FAR));
        }
        log.purge(LogPosition { index: 2, term: 1 });
        assert_eq!(log.first_needed(), Some(Lsn(3 * FAR)));
        log.purge(LogPosition { index: 9, term: 1 });
        assert_eq!(log.first_needed(), None);
        assert_eq!(log.next_index(), Some(10));
    }

    #[test]
    fn entries_before_the_first_segment_are_missed_until_a_purge_covers_them() {
        let mut log = DiskLog::default();
        let purged = Some(LogPosition { index: 3, term: 1 });
        let (first_index, last_index) = (Some(4), Some(9));
        let checkpoint = Checkpoint {
            purged,
            first_index,
            last_index,
            ..Checkpoint::default()
        };
        log.start_from(checkpoint.clone());
        assert_eq!(log.missing_until(), Some(9));
        log.truncate_after(Some(6));
        assert_eq!(log.missing_until(), Some(6));
        log.purge(LogPosition { index: 6, term: 1 });
        assert_eq!(log.missing_until(), None);
        log.start_from(checkpoint);
        log.truncate_after(Some(3));
        assert_eq!((log.missing_until(), log.next_index()), (None, Some(4)));
    }

    #[test]
    fn a_truncation_before_the_first_entry_leaves_a_log_that_may_start_anywhere() {
        let mut log = DiskLog::default();
        log.entry(5, Lsn(0));
        log.truncate_after(Some(4));
        assert_eq!((log.next_index(), log.first_needed()), (None, None));
    }
}
