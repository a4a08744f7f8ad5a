//! `Limits`: how much one node of a list may hold.
//!
//! Made from the encodings' thresholds at each change, because CONFIG SET may move them; nodes that
//! are there already keep what they hold. Always holds: nothing that `accepts` lets in passes a
//! listpack's own limit.

use holdfast_formats::LISTPACK_BYTES_MAX;

use crate::values::encodings::Encodings;

/// What `list-max-listpack-size` -1 to -5 mean.
const NODE_BYTES_MAX: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];
/// A limit by count still keeps nodes below this, or large elements would make large nodes.
const COUNTED_NODE_BYTES_MAX: usize = 8 << 10;
/// Redis caps the limit by count here.
const NODE_COUNT_MAX: usize = 1 << 15;
/// Room that one element's own lengths may need. Redis estimates the same, so nodes break at the
/// same elements.
const ENTRY_OVERHEAD_BYTES: usize = 8;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    bytes_max: usize,
    count_max: usize,
    plain_from_bytes: usize,
}

impl Limits {
    pub(super) fn new(encodings: &Encodings) -> Self {
        // Whatever the threshold: an element that no listpack can hold needs a node of its own.
        let plain_from_bytes = encodings.list_packed_threshold.min(LISTPACK_BYTES_MAX / 2);
        let (bytes_max, count_max) = match usize::try_from(encodings.list_max_listpack_size) {
            Ok(count) => (COUNTED_NODE_BYTES_MAX, count.min(NODE_COUNT_MAX)),
            Err(_) => {
                let level = encodings.list_max_listpack_size.unsigned_abs().clamp(1, 5);
                (NODE_BYTES_MAX[level as usize - 1], usize::MAX)
            }
        };
        Self {
            bytes_max,
            count_max,
            plain_from_bytes,
        }
    }

    /// Whether an element of this length gets a plain node of its own.
    pub(super) fn is_plain(&self, text_bytes: usize) -> bool {
        text_bytes >= self.plain_from_bytes
    }

    /// Whether a packed node of this count and size takes in one more element. An empty one takes
    /// in whatever is not plain.
    #[inline]
    pub(super) fn accepts(&self, count: usize, bytes: usize, text_bytes: usize) -> bool {
        !self.is_plain(text_bytes)
            && (count == 0
                || (count < self.count_max
                    && bytes + text_bytes + ENTRY_OVERHEAD_BYTES <= self.bytes_max))
    }

    /// Whether two packed nodes of this joint count and size should become one. Well below the
    /// limits, so that the next insertion does not split them again.
    pub(super) fn should_join(&self, count: usize, bytes: usize) -> bool {
        count <= self.count_max / 4 * 3 && bytes <= self.bytes_max / 4 * 3
    }
}
