//! How many keys each hash slot holds, summed so that the n-th key's slot is found in fourteen
//! steps: a Fenwick tree over the 16,384 slots. RANDOMKEY, eviction and SCAN walk by it.

/// Number of hash slots.
pub const SLOTS: usize = 16_384;

/// Counts by slot with fast prefix sums.
#[derive(Debug)]
pub(super) struct SlotCounts {
    /// `sums[i]` covers the counts of a power-of-two range that ends at slot `i - 1`.
    sums: Box<[u32]>,
    total: usize,
}

impl Default for SlotCounts {
    fn default() -> Self {
        Self {
            sums: vec![0; SLOTS + 1].into_boxed_slice(),
            total: 0,
        }
    }
}

impl SlotCounts {
    pub(super) const fn total(&self) -> usize {
        self.total
    }

    pub(super) fn increase(&mut self, slot: u16) {
        self.total += 1;
        self.change(slot, 1);
    }

    pub(super) fn decrease(&mut self, slot: u16) {
        assert!(
            self.total > 0,
            "slot {slot} lost a key that was not counted"
        );
        self.total -= 1;
        self.change(slot, u32::MAX); // wraps: minus one
    }

    fn change(&mut self, slot: u16, by: u32) {
        let mut at = usize::from(slot) + 1;
        while let Some(sum) = self.sums.get_mut(at) {
            *sum = sum.wrapping_add(by);
            at += at & at.wrapping_neg();
        }
    }

    /// The slot that holds the key number `nth`, counted through the slots from 0.
    pub(super) fn slot_of_nth(&self, nth: usize) -> Option<u16> {
        if nth >= self.total {
            return None;
        }
        let mut left = u32::try_from(nth).ok()?;
        let mut at = 0;
        let mut step = SLOTS;
        while step > 0 {
            if let Some(&sum) = self.sums.get(at + step)
                && sum <= left
            {
                left -= sum;
                at += step;
            }
            step /= 2;
        }
        u16::try_from(at).ok()
    }

    /// How many keys the slots before this one hold.
    pub(super) fn before(&self, slot: u16) -> usize {
        let mut at = usize::from(slot);
        let mut count = 0_usize;
        while at > 0 {
            count += self.sums.get(at).map_or(0, |&sum| sum as usize);
            at &= at - 1;
        }
        count
    }

    /// The first slot from `slot` on that holds a key.
    pub(super) fn next_occupied(&self, slot: u16) -> Option<u16> {
        self.slot_of_nth(self.before(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_key_is_found_in_its_slot() {
        let mut counts = SlotCounts::default();
        for slot in [0, 0, 5, 16_383, 5, 7] {
            counts.increase(slot);
        }
        let slots: Vec<_> = (0..7).map(|nth| counts.slot_of_nth(nth)).collect();
        let want = [0, 0, 5, 5, 7, 16_383].map(Some);
        assert_eq!(slots, [&want[..], &[None]].concat());
        assert_eq!(counts.next_occupied(6), Some(7));
        counts.decrease(7);
        assert_eq!(counts.next_occupied(6), Some(16_383));
        assert_eq!(counts.before(16_383), 4);
    }
}
