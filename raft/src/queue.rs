//! The one queue from the raft thread to the core, bounded in bytes for committed payloads.
//!
//! A lock around a vector, because the core takes all that is queued in one swap: one lock and one wake-up per batch of
//! events, however many there are. Only the state-machine worker waits for room ([`EventQueue::room`]); everything else that
//! is queued is small and bounded by the number of proposals.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{EntryKind, Event};

/// What an event costs beside its payload.
const EVENT_BYTES: usize = size_of::<Event>();

#[derive(Debug)]
struct Shared {
    queued: Mutex<Vec<Event>>,
    /// True while `queued` holds something; lets the core look without the lock.
    filled: AtomicBool,
    queued_bytes: AtomicUsize,
    bytes_max: usize,
    /// Wakes the core.
    ready: Notify,
    /// Wakes the state-machine worker.
    room: Notify,
    /// The core has gone: nothing is queued any more, and nobody waits for room.
    closed: AtomicBool,
}

/// The raft thread's end of the queue.
#[derive(Clone, Debug)]
pub(crate) struct EventQueue {
    shared: Arc<Shared>,
}

/// The core's end of the queue. Dropping it lets the raft thread run on without delivering.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
}

/// Makes a queue that takes committed payloads up to `bytes_max`.
pub(crate) fn events(bytes_max: usize) -> (EventQueue, Events) {
    let shared = Arc::new(Shared {
        queued: Mutex::new(Vec::new()),
        filled: AtomicBool::new(false),
        queued_bytes: AtomicUsize::new(0),
        bytes_max,
        ready: Notify::new(),
        room: Notify::new(),
        closed: AtomicBool::new(false),
    });
    (
        EventQueue {
            shared: Arc::clone(&shared),
        },
        Events { shared },
    )
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        // A poisoned lock holds a whole vector: pushing cannot leave it half done.
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventQueue {
    /// Queues one event and wakes the core if it may be asleep. Never waits.
    pub(crate) fn push(&self, event: Event) {
        self.push_all(std::iter::once(event));
    }

    /// Queues several events with one wake-up. Never waits.
    pub(crate) fn push_all(&self, events: impl IntoIterator<Item = Event>) {
        if self.shared.closed.load(Ordering::Acquire) {
            return;
        }
        let mut bytes = 0_usize;
        let wake = {
            let mut queued = self.shared.lock();
            let was_empty = queued.is_empty();
            queued.extend(
                events
                    .into_iter()
                    .inspect(|event| bytes = bytes.saturating_add(bytes_of(event))),
            );
            self.shared.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
            self.shared
                .filled
                .store(!queued.is_empty(), Ordering::Release);
            was_empty && !queued.is_empty()
        };
        if wake {
            self.shared.ready.notify_one();
        }
    }

    /// Returns when less than the bound is queued, so that the next chunk of committed entries may be pushed.
    pub(crate) async fn room(&self) {
        loop {
            if self.has_room() {
                return;
            }
            // `drain` stores a permit if it comes between the check and the wait.
            self.shared.room.notified().await;
        }
    }

    fn has_room(&self) -> bool {
        self.shared.queued_bytes.load(Ordering::Acquire) < self.shared.bytes_max
            || self.shared.closed.load(Ordering::Acquire)
    }
}

impl Events {
    /// Resolves when something is queued. Cancel-safe and cheap: an atomic load, then a wait that one wake-up ends.
    pub async fn ready(&self) {
        while !self.shared.filled.load(Ordering::Acquire) {
            self.shared.ready.notified().await;
        }
    }

    /// Whether something is queued.
    pub fn is_ready(&self) -> bool {
        self.shared.filled.load(Ordering::Acquire)
    }

    /// Moves all that is queued to the end of `into`, in order.
    pub fn drain(&mut self, into: &mut Vec<Event>) {
        {
            let mut queued = self.shared.lock();
            if into.is_empty() {
                std::mem::swap(into, &mut queued);
            } else {
                into.append(&mut queued);
            }
            self.shared.filled.store(false, Ordering::Release);
            self.shared.queued_bytes.store(0, Ordering::Release);
        }
        self.shared.room.notify_one();
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.room.notify_one();
    }
}

fn bytes_of(event: &Event) -> usize {
    match event {
        Event::Committed(entry) => match &entry.kind {
            EntryKind::Normal(payload) => EVENT_BYTES.saturating_add(payload.len()),
            EntryKind::Blank { .. } | EntryKind::Membership(_) => EVENT_BYTES,
        },
        _ => EVENT_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_ready(future: impl Future<Output = ()>) -> bool {
        matches!(
            pin!(future).poll(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(())
        )
    }

    fn tokens(events: &[Event]) -> Vec<u64> {
        let token = |event: &Event| match event {
            Event::Unknown { token } => Some(*token),
            _ => None,
        };
        events.iter().filter_map(token).collect()
    }

    #[test]
    fn events_come_out_in_order_and_behind_what_is_there() {
        let (queue, mut events) = events(1 << 20);
        assert!(!is_ready(events.ready()));
        queue.push_all((0..3).map(|token| Event::Unknown { token }));
        queue.push(Event::Unknown { token: 3 });
        assert!(is_ready(events.ready()));
        let mut drained = vec![Event::Unknown { token: 99 }];
        events.drain(&mut drained);
        assert_eq!(tokens(&drained), [99, 0, 1, 2, 3]);
        assert!(
            !is_ready(events.ready()),
            "nothing is left, whatever wake-ups are"
        );
    }

    #[test]
    fn there_is_room_until_the_bound_and_again_after_a_drain() {
        let (queue, mut events) = events(EVENT_BYTES * 2);
        queue.push(Event::Unknown { token: 0 });
        assert!(is_ready(queue.room()));
        queue.push(Event::Unknown { token: 1 });
        assert!(!is_ready(queue.room()), "the bound is met");
        events.drain(&mut Vec::new());
        assert!(is_ready(queue.room()));
        queue.push_all((0..9).map(|token| Event::Unknown { token }));
        drop(events);
        assert!(
            is_ready(queue.room()),
            "nobody waits for a core that has gone"
        );
    }
}
