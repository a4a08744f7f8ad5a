//! What one group's log holds, as its callers see it: bounds, terms, and the entries kept in memory.
//!
//! `Wal` changes it under the log's lock the moment something is appended; durability follows. Always
//! holds: entries are contiguous; an entry that is not durable is in the tail; the tail ends at `last`.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use crate::{Bounds, Entry, GroupId, LogPosition, WalError};

/// An entry in memory, and the ticket of the append that brought it. Tickets grow with every append
/// of the whole log, so one durable ticket says which entries may leave memory.
struct TailEntry {
    ticket: u64,
    entry: Entry,
}

/// Bytes that an entry is counted with beside its payload.
const ENTRY_OVERHEAD_BYTES: usize = 64;

/// Where the entries of a range are found.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// All asked for, or a prefix of it within the byte limit.
    Memory(Vec<Entry>),
    /// The first of the range is only on disk; ask for no more than up to this index.
    Disk { until: u64 },
}

/// One group's log.
#[derive(Default)]
pub(crate) struct GroupLog {
    purged: Option<LogPosition>,
    last: Option<LogPosition>,
    state: Option<Bytes>,
    hint: Option<Bytes>,
    tail: VecDeque<TailEntry>,
    tail_bytes: usize,
    /// Where each term begins, so that a truncation knows the term of the entry that becomes the last.
    terms: VecDeque<LogPosition>,
}

impl GroupLog {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            purged: self.purged,
            last: self.last,
            state: self.state.clone(),
            committed_hint: self.hint.clone(),
        }
    }

    pub(crate) fn set_state(&mut self, state: Bytes) {
        self.state = Some(state);
    }

    pub(crate) fn set_hint(&mut self, hint: Bytes) {
        self.hint = Some(hint);
    }

    pub(crate) fn tail_bytes(&self) -> usize {
        self.tail_bytes
    }

    /// Sets the end of a log whose earlier entries are not on disk any more (recovery only).
    pub(crate) fn start_at(&mut self, purged: Option<LogPosition>, last: Option<LogPosition>) {
        self.purged = purged;
        self.last = last;
        self.tail.clear();
        self.tail_bytes = 0;
        self.terms.clear();
        self.terms.extend(last);
    }

    /// Says whether `entries` follow the log, without changing it.
    pub(crate) fn check_append(&self, group: GroupId, entries: &[Entry]) -> Result<(), WalError> {
        let mut last = self.last;
        for entry in entries {
            if let Some(before) = last {
                let expected = before.index.saturating_add(1);
                if entry.index != expected || entry.term < before.term {
                    return Err(WalError::OutOfOrder {
                        group,
                        expected,
                        found: entry.index,
                    });
                }
            }
            last = Some(LogPosition {
                index: entry.index,
                term: entry.term,
            });
        }
        Ok(())
    }

    /// Adds entries that `check_append` accepted.
    pub(crate) fn append(&mut self, entries: &[Entry], ticket: u64) {
        for entry in entries {
            if self.last.is_none_or(|last| last.term != entry.term) || self.terms.is_empty() {
                self.terms.push_back(LogPosition {
                    index: entry.index,
                    term: entry.term,
                });
            }
            self.last = Some(LogPosition {
                index: entry.index,
                term: entry.term,
            });
            self.tail_bytes += entry.payload.len() + ENTRY_OVERHEAD_BYTES;
            self.tail.push_back(TailEntry {
                ticket,
                entry: entry.clone(),
            });
        }
    }

    /// Drops the entries after `index` (all, if `None`); purged ones cannot come back.
    pub(crate) fn truncate_after(&mut self, index: Option<u64>) {
        let keep_to = match (index, self.purged) {
            (Some(index), Some(purged)) if index <= purged.index => None,
            (index, _) => index,
        };
        let Some(keep_to) = keep_to else {
            self.start_at(self.purged, self.purged);
            return;
        };
        if self.last.is_none_or(|last| last.index <= keep_to) {
            return;
        }
        while self
            .tail
            .back()
            .is_some_and(|back| back.entry.index > keep_to)
        {
            self.pop_back();
        }
        while self.terms.back().is_some_and(|start| start.index > keep_to) {
            self.terms.pop_back();
        }
        // Without a term start at or before it, nothing of the log is left.
        self.last = match self.terms.back() {
            Some(start) => Some(LogPosition {
                index: keep_to,
                term: start.term,
            }),
            None => self.purged,
        };
    }

    /// Drops the entries up to and with `upto`, which may lie past the end (an installed snapshot).
    pub(crate) fn purge(&mut self, upto: LogPosition) {
        if self.purged.is_some_and(|purged| purged.index >= upto.index) {
            return;
        }
        if self.last.is_none_or(|last| last.index <= upto.index) {
            self.start_at(Some(upto), Some(upto));
            return;
        }
        self.purged = Some(upto);
        while self
            .tail
            .front()
            .is_some_and(|front| front.entry.index <= upto.index)
        {
            self.pop_front();
        }
        let next = upto.index.saturating_add(1);
        while self.terms.get(1).is_some_and(|second| second.index <= next) {
            self.terms.pop_front();
        }
    }

    /// Forgets durable entries at the front of the tail until `bytes` are freed or none is left.
    pub(crate) fn evict(&mut self, mut bytes: usize, durable_ticket: u64) {
        while bytes > 0
            && self
                .tail
                .front()
                .is_some_and(|front| front.ticket <= durable_ticket)
        {
            let before = self.tail_bytes;
            self.pop_front();
            bytes = bytes.saturating_sub(before - self.tail_bytes);
        }
    }

    /// Finds the entries of `range`: a prefix of it, at least one entry, `max_bytes` of payload beyond that.
    pub(crate) fn look_up(
        &self,
        group: GroupId,
        range: Range<u64>,
        max_bytes: usize,
    ) -> Result<Lookup, WalError> {
        if let Some(purged) = self.purged
            && range.start <= purged.index
            && !range.is_empty()
        {
            return Err(WalError::Purged {
                group,
                index: range.start,
                purged: purged.index,
            });
        }
        let Some(end) = self
            .last
            .map(|last| last.index.saturating_add(1).min(range.end))
        else {
            return Ok(Lookup::Memory(Vec::new()));
        };
        if range.start >= end {
            return Ok(Lookup::Memory(Vec::new()));
        }
        let tail_first = self.tail.front().map_or(end, |front| front.entry.index);
        let Some(skip) = range.start.checked_sub(tail_first) else {
            return Ok(Lookup::Disk {
                until: tail_first.min(end),
            });
        };
        if self.tail.is_empty() {
            return Ok(Lookup::Disk { until: end });
        }
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let count = usize::try_from(end - range.start).unwrap_or(usize::MAX);
        let mut budget = max_bytes;
        let mut found = Vec::with_capacity(count.min(self.tail.len()).min(1024));
        for TailEntry { entry, .. } in self.tail.iter().skip(skip).take(count) {
            if !found.is_empty() && entry.payload.len() > budget {
                break;
            }
            budget = budget.saturating_sub(entry.payload.len());
            found.push(entry.clone());
        }
        Ok(Lookup::Memory(found))
    }

    fn pop_front(&mut self) {
        if let Some(front) = self.tail.pop_front() {
            self.tail_bytes -= front.entry.payload.len() + ENTRY_OVERHEAD_BYTES;
        }
    }

    fn pop_back(&mut self) {
        if let Some(back) = self.tail.pop_back() {
            self.tail_bytes -= back.entry.payload.len() + ENTRY_OVERHEAD_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64, term: u64) -> Entry {
        Entry {
            index,
            term,
            kind: crate::EntryKind(1),
            payload: Bytes::from_static(b"0123456789"),
        }
    }

    fn log_of(entries: &[(u64, u64)]) -> GroupLog {
        let mut log = GroupLog::default();
        for (ticket, (index, term)) in (1..).zip(entries) {
            log.append(&[entry(*index, *term)], ticket);
        }
        log
    }

    fn indexes(log: &GroupLog, range: Range<u64>, max_bytes: usize) -> Vec<u64> {
        match log.look_up(GroupId(0), range, max_bytes) {
            Ok(Lookup::Memory(found)) => found.iter().map(|entry| entry.index).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn truncation_finds_the_term_of_the_entry_that_becomes_last() {
        let mut log = log_of(&[(1, 1), (2, 1), (3, 4), (4, 4), (5, 7)]);
        log.evict(usize::MAX, 5);
        log.truncate_after(Some(4));
        assert_eq!(log.bounds().last, Some(LogPosition { index: 4, term: 4 }));
        log.truncate_after(Some(2));
        assert_eq!(log.bounds().last, Some(LogPosition { index: 2, term: 1 }));
        log.truncate_after(None);
        assert_eq!(log.bounds().last, None);
    }

    #[test]
    fn a_purge_past_the_end_starts_the_log_anew_behind_it() {
        let mut log = log_of(&[(1, 1), (2, 1)]);
        log.purge(LogPosition { index: 9, term: 3 });
        let bounds = log.bounds();
        assert_eq!(bounds.last, bounds.purged);
        assert!(log.check_append(GroupId(0), &[entry(11, 3)]).is_err());
        assert!(log.check_append(GroupId(0), &[entry(10, 2)]).is_err());
        assert!(log.check_append(GroupId(0), &[entry(10, 3)]).is_ok());
    }

    #[test]
    fn truncation_never_brings_back_what_was_purged() {
        let mut log = log_of(&[(1, 1), (2, 1), (3, 1)]);
        log.purge(LogPosition { index: 2, term: 1 });
        log.truncate_after(Some(1));
        assert_eq!(log.bounds().last, Some(LogPosition { index: 2, term: 1 }));
    }

    #[test]
    fn look_up_gives_at_least_one_entry_and_stops_at_the_byte_limit() {
        let log = log_of(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
        assert_eq!(indexes(&log, 2..9, 0), vec![2]);
        assert_eq!(indexes(&log, 2..9, 20), vec![2, 3]);
        assert_eq!(indexes(&log, 2..4, 1000), vec![2, 3]);
        assert_eq!(indexes(&log, 5..9, 1000), Vec::<u64>::new());
    }

    #[test]
    fn only_durable_entries_leave_memory() {
        let mut log = log_of(&[(1, 1), (2, 1), (3, 1)]);
        log.evict(usize::MAX, 2);
        assert!(matches!(
            log.look_up(GroupId(0), 1..4, 99),
            Ok(Lookup::Disk { until: 3 })
        ));
        assert_eq!(indexes(&log, 3..4, 99), vec![3]);
    }
}
