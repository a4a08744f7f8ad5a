//! The leader's lease: until when no other node can lead.
//!
//! The core checks it for each reply that rests on no batch of its own (RULES.md 3), so the check is one atomic load for a
//! sole voter. The raft thread is the only writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The value while no lease is held.
const NONE: u64 = 0;
/// The value of a sole voter that leads: nobody else can.
const UNLIMITED: u64 = u64::MAX;

/// A cheap, lock-free view of this node's lease. Clones see the same lease.
#[derive(Clone, Debug)]
pub struct Lease {
    origin: Instant,
    valid_until_ns: Arc<AtomicU64>,
}

impl Lease {
    pub(crate) fn new() -> Self {
        Self {
            origin: Instant::now(),
            valid_until_ns: Arc::new(AtomicU64::new(NONE)),
        }
    }

    /// True if at the moment of the call no other node can have committed anything that this one has not proposed.
    #[must_use]
    pub fn is_valid_now(&self) -> bool {
        match self.valid_until_ns.load(Ordering::Acquire) {
            NONE => false,
            UNLIMITED => true,
            until => self.origin.elapsed() < Duration::from_nanos(until),
        }
    }

    /// A sole voter leads: the lease holds until [`Lease::end`].
    pub(crate) fn hold_unlimited(&self) {
        self.valid_until_ns.store(UNLIMITED, Ordering::Release);
    }

    /// The lease holds until `until`.
    pub(crate) fn hold_until(&self, until: Instant) {
        let nanoseconds = until.saturating_duration_since(self.origin).as_nanos();
        let until = u64::try_from(nanoseconds)
            .unwrap_or(UNLIMITED - 1)
            .min(UNLIMITED - 1);
        self.valid_until_ns.store(until, Ordering::Release);
    }

    /// This node does not lead.
    pub(crate) fn end(&self) {
        self.valid_until_ns.store(NONE, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_until_its_end_and_no_longer() {
        let lease = Lease::new();
        let view = lease.clone();
        assert!(!view.is_valid_now(), "a new lease is not held");
        lease.hold_until(Instant::now() + Duration::from_secs(60));
        assert!(view.is_valid_now());
        lease.hold_until(lease.origin);
        assert!(!view.is_valid_now(), "a lease in the past is not held");
        lease.hold_unlimited();
        assert!(view.is_valid_now());
        lease.end();
        assert!(!view.is_valid_now());
    }
}
