//! How far a group has come: how many entries it has read, and how many are left.
//!
//! Called by the commands that deliver, and by XINFO. Nothing counts the entries before an id; the
//! number follows from the stream's counters as long as no deletion stands in the way. What cannot
//! be known is said to be unknown, never guessed.

use holdfast_formats::rdb::StreamId;

use super::StreamValue;
use super::group::Group;

impl StreamValue {
    /// How many entries had ever been added when the one with this id was, where that can be told.
    #[must_use]
    pub fn entries_read_at(&self, id: StreamId) -> Option<u64> {
        let added = self.entries_added();
        if added == 0 {
            return Some(0);
        }
        if self.is_empty() && id <= self.last_id() {
            return Some(added);
        }
        if id >= self.last_id() {
            return (id == self.last_id()).then_some(added);
        }
        let first = self.first_id();
        let nothing_is_missing =
            self.max_deleted_id() == StreamId::MIN || self.max_deleted_id() < first;
        let before_first = added.saturating_sub(self.len());
        match id.cmp(&first) {
            std::cmp::Ordering::Less if nothing_is_missing => Some(before_first),
            std::cmp::Ordering::Equal if nothing_is_missing => Some(before_first + 1),
            _ => None,
        }
    }

    /// How many entries a group has not read yet, where that can be told. Less than none if the
    /// group was told of more reads than there are entries.
    #[must_use]
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let added = self.entries_added().cast_signed();
        if added == 0 {
            return Some(0);
        }
        let counted = group.entries_read;
        let read = counted
            .filter(|_| !self.has_deleted_from(group.last_id))
            .or_else(|| self.entries_read_at(group.last_id))?;
        Some(added.wrapping_sub(read.cast_signed()))
    }

    /// The number of read entries once a group has read the one with this id, its next one.
    pub(super) fn entries_read_after(&self, group: &Group, id: StreamId) -> Option<u64> {
        let counted = group.entries_read.filter(|_| !self.has_deleted_from(id));
        match counted {
            Some(read) => Some(read.saturating_add(1)),
            None if self.entries_added() > 0 => self.entries_read_at(id),
            None => group.entries_read,
        }
    }

    /// Whether the last entry to be deleted, by id, stood at this id or behind it, and behind the
    /// first one.
    fn has_deleted_from(&self, from: StreamId) -> bool {
        let deleted = self.max_deleted_id();
        !self.is_empty()
            && deleted != StreamId::MIN
            && self.first_id() <= deleted
            && from <= deleted
    }
}
