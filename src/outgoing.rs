//! What a session has to send: one buffer of replies and pushed messages in order, of which only
//! the part whose batches are committed may leave (invariant I1).

use std::collections::VecDeque;

use holdfast_resp::{Protocol, Reply};

/// Buffers larger than this are given back once they are empty.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// The replies of one session.
#[derive(Debug)]
pub struct Outgoing {
    /// Where replies are written, in the session's protocol.
    pub reply: Reply,
    /// Bytes that were sent before the buffer's first byte.
    sent: u64,
    /// Up to here everything may leave.
    released: u64,
    held: VecDeque<Held>,
}

/// The bytes up to `end` wait for the commit of batch `need`.
#[derive(Clone, Copy, Debug)]
struct Held {
    need: u64,
    end: u64,
}

impl Outgoing {
    /// Nothing to send.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            reply: Reply::new(protocol),
            sent: 0,
            released: 0,
            held: VecDeque::new(),
        }
    }

    fn end(&self) -> u64 {
        self.sent + self.reply.len() as u64
    }

    /// Ends a reply: it may leave once batch `need` is committed, and all before it has left.
    /// Returns whether it is held for a batch for which nothing of this session was held before.
    pub fn finish(&mut self, need: u64, committed: u64) -> bool {
        let end = self.end();
        if let Some(last) = self.held.back_mut() {
            if need <= last.need {
                last.end = end;
                return false;
            }
            self.held.push_back(Held { need, end });
            return true;
        }
        if need <= committed {
            self.released = end;
            return false;
        }
        self.held.push_back(Held { need, end });
        true
    }

    /// Lets go of what waited for batches up to `committed`.
    pub fn release(&mut self, committed: u64) {
        while let Some(first) = self.held.front()
            && first.need <= committed
        {
            self.released = first.end;
            self.held.pop_front();
        }
    }

    /// The bytes that may be sent now.
    pub fn sendable(&self) -> &[u8] {
        let count = usize::try_from(self.released - self.sent).unwrap_or(0);
        self.reply.as_slice().get(..count).unwrap_or_default()
    }

    /// Notes that so many of the sendable bytes were sent.
    pub fn advance(&mut self, count: usize) {
        assert!(
            self.sent + count as u64 <= self.released,
            "sent {count} bytes past {}, but only {} may leave",
            self.sent,
            self.released
        );
        self.sent += count as u64;
        self.reply.advance(count);
        if self.reply.is_empty() && self.reply.capacity() > KEPT_BYTES_MAX {
            drop(self.reply.take());
        }
    }

    /// Whether replies wait for a commit.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.reply.is_empty()
    }

    /// How many bytes wait, sendable or held.
    pub fn len(&self) -> usize {
        self.reply.len()
    }

    /// Drops all that is held, because its outcome is not known and never will be here.
    pub fn drop_held(&mut self) {
        let keep = usize::try_from(self.released - self.sent).unwrap_or(0);
        self.reply.truncate(keep);
        self.held.clear();
    }

    /// Lets everything go: for a last message to a session that holds nothing.
    pub fn release_all(&mut self) {
        assert!(
            self.held.is_empty(),
            "held replies are released by commits only"
        );
        self.released = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(out: &mut Outgoing, text: &str, need: u64, committed: u64) -> bool {
        out.reply.simple(text);
        out.finish(need, committed)
    }

    #[test]
    fn replies_leave_in_order_and_only_when_committed() {
        let mut out = Outgoing::new(Protocol::Resp2);
        assert!(!reply(&mut out, "a", 0, 4));
        assert!(reply(&mut out, "b", 5, 4));
        assert!(
            !reply(&mut out, "c", 0, 4),
            "waits behind b without asking for another wake-up"
        );
        assert!(reply(&mut out, "d", 6, 4));
        assert_eq!(out.sendable(), b"+a\r\n");
        out.advance(4);
        out.release(5);
        assert_eq!(out.sendable(), b"+b\r\n+c\r\n");
        out.advance(3);
        assert_eq!(out.sendable(), b"\n+c\r\n");
        out.release(6);
        assert_eq!(out.len(), 1 + 4 + 4);
        out.advance(9);
        assert!(out.is_empty() && !out.is_holding());
    }

    #[test]
    fn what_is_held_can_be_dropped_without_touching_what_was_released() {
        let mut out = Outgoing::new(Protocol::Resp2);
        reply(&mut out, "a", 0, 0);
        reply(&mut out, "b", 1, 0);
        out.drop_held();
        assert_eq!(out.sendable(), b"+a\r\n");
        out.reply.error("UNKNOWN x");
        out.release_all();
        assert_eq!(out.sendable(), b"+a\r\n-UNKNOWN x\r\n");
    }

    #[test]
    #[should_panic(expected = "may leave")]
    fn sending_what_is_held_is_a_bug() {
        let mut out = Outgoing::new(Protocol::Resp2);
        reply(&mut out, "a", 1, 0);
        out.advance(1);
    }
}
