//! Walking a table in the order of its items' hashes, in steps that survive whatever happens to the
//! table in between: growth, shrinking, a reload, or going on at another node with the same seed.

use hashbrown::HashTable;

use super::{Hold, Shape, Table};

/// Bits of a scan position. A SCAN cursor is a hash slot and a position, and clients that keep
/// cursors in floating point numbers must not lose a bit: 14 + 39 = 53.
pub const POSITION_BITS: u32 = 39;

/// The position of an item in a scan: the first bits of its hash.
#[inline]
pub const fn position_of(hash: u64) -> u64 {
    hash >> (u64::BITS - POSITION_BITS)
}

impl<T, H: Hold<Item = T>> Table<T, H> {
    /// Visits about `count` items whose position is `from` or later, in the order of their
    /// positions, and returns where to go on, or `None` at the end. From 0 to the end, every item
    /// that was there throughout is visited at least once. Items with the same position are
    /// visited together, even beyond `count`.
    pub fn scan(
        &self,
        from: u64,
        count: usize,
        rehash: impl Fn(&T) -> u64,
        visit: &mut dyn FnMut(&T),
    ) -> Option<u64> {
        if from >> POSITION_BITS != 0 {
            return None;
        }
        let segments = match &self.shape {
            Shape::One(items) => {
                return scan_segment(items, from, count.max(1), &rehash, visit).err();
            }
            Shape::Many(segments) => segments,
        };
        let mut left = count.max(1);
        let mut resume = None;
        for (items, next) in segments.in_order(from << (u64::BITS - POSITION_BITS)) {
            if left == 0 && !items.is_empty() {
                return resume;
            }
            match scan_segment(items, from, left, &rehash, visit) {
                Ok(visited) => left = left.saturating_sub(visited),
                Err(position) => return Some(position),
            }
            resume = next.map(position_of);
        }
        None
    }
}

/// Visits up to `count` items of one segment. `Ok` is how many there were, `Err` the position from
/// which on some are left.
fn scan_segment<T>(
    items: &HashTable<T>,
    from: u64,
    count: usize,
    rehash: &impl Fn(&T) -> u64,
    visit: &mut dyn FnMut(&T),
) -> Result<usize, u64> {
    let placed = items.iter().map(|item| (position_of(rehash(item)), item));
    let mut found: Vec<(u64, &T)> = placed.filter(|&(position, _)| position >= from).collect();
    let last = count
        .checked_sub(1)
        .filter(|&last| last < found.len())
        .map(|last| {
            found
                .select_nth_unstable_by_key(last, |&(position, _)| position)
                .1
                .0
        });
    if let Some(last) = last {
        // What stands behind the chosen place may still share its position.
        let after = found
            .iter()
            .map(|&(position, _)| position)
            .filter(|&at| at > last)
            .min();
        found.retain(|&(position, _)| position <= last);
        found.sort_unstable_by_key(|&(position, _)| position);
        found.iter().for_each(|(_, item)| visit(item));
        return after.map_or(Ok(found.len()), Err);
    }
    found.sort_unstable_by_key(|&(position, _)| position);
    found.iter().for_each(|(_, item)| visit(item));
    Ok(found.len())
}
