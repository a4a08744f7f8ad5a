//! The 24-bit access clock of each key: seconds for LRU, a decaying logarithmic counter for LFU.
//! The scheme (16 bits of minutes, 8 bits of counter, probabilistic increments) is the one that
//! Redis documents for `maxmemory-policy`, so that OBJECT FREQ and IDLETIME mean the same.

use super::entry::Entry;

const CLOCK_MASK: u32 = (1 << 24) - 1;
const COUNTER_OF_NEW_KEYS: u32 = 5;

/// What is removed when memory is short: the values of `maxmemory-policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the configuration")]
pub enum EvictionPolicy {
    VolatileLru,
    AllKeysLru,
    VolatileLfu,
    AllKeysLfu,
    VolatileRandom,
    AllKeysRandom,
    VolatileTtl,
    #[default]
    NoEviction,
}

impl EvictionPolicy {
    /// Whether it counts how often keys are used rather than when.
    pub const fn counts_uses(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllKeysLfu)
    }

    /// Whether it takes only keys with a deadline.
    pub const fn is_volatile(self) -> bool {
        matches!(
            self,
            Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl
        )
    }
}

/// How a key was used, as RDB files say it: what the policy in force looks at, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// For how many seconds nobody has used it.
    pub idle_seconds: Option<u32>,
    /// How often it is used, on the logarithmic scale of LFU.
    pub frequency: Option<u8>,
}

/// The time by which keys are touched, and the policy that gives it a meaning.
#[derive(Clone, Debug)]
pub struct AccessClock {
    /// The eviction policy.
    pub policy: EvictionPolicy,
    /// `lfu-log-factor`: how slowly the counter grows.
    pub lfu_log_factor: u32,
    /// `lfu-decay-time`: minutes for the counter to lose one; 0 for never.
    pub lfu_decay_minutes: u32,
    seconds: u32,
    minutes: u32,
}

impl Default for AccessClock {
    fn default() -> Self {
        Self {
            policy: EvictionPolicy::default(),
            lfu_log_factor: 10,
            lfu_decay_minutes: 1,
            seconds: 0,
            minutes: 0,
        }
    }
}

impl AccessClock {
    pub(super) fn set_now_ms(&mut self, now_ms: i64) {
        let seconds = u64::try_from(now_ms).unwrap_or(0) / 1000;
        self.seconds = (seconds as u32) & CLOCK_MASK;
        self.minutes = ((seconds / 60) as u32) & 0xffff;
    }

    /// The clock of a key that is created now.
    pub const fn fresh(&self) -> u32 {
        if self.policy.counts_uses() {
            self.minutes << 8 | COUNTER_OF_NEW_KEYS
        } else {
            self.seconds
        }
    }

    /// Notes that a key is used now.
    pub(super) fn touch(&self, entry: &Entry, random: impl FnOnce() -> u64) {
        if self.policy.counts_uses() {
            let counter = self.grown(self.counter(entry), random);
            entry.set_access(self.minutes << 8 | counter);
        } else {
            entry.set_access(self.seconds);
        }
    }

    fn grown(&self, counter: u32, random: impl FnOnce() -> u64) -> u32 {
        if counter >= 255 {
            return 255;
        }
        let above = counter.saturating_sub(COUNTER_OF_NEW_KEYS);
        let odds = u64::from(above) * u64::from(self.lfu_log_factor) + 1;
        if random().is_multiple_of(odds) {
            counter + 1
        } else {
            counter
        }
    }

    /// The LFU counter of a key, decayed to now.
    pub fn counter(&self, entry: &Entry) -> u32 {
        let access = entry.access();
        let elapsed = self.minutes.wrapping_sub(access >> 8) & 0xffff;
        let lost = elapsed.checked_div(self.lfu_decay_minutes).unwrap_or(0);
        (access & 0xff).saturating_sub(lost)
    }

    /// How a key was used, where the policy looks at that.
    pub fn usage(&self, entry: &Entry) -> Usage {
        let is_lru = matches!(
            self.policy,
            EvictionPolicy::AllKeysLru | EvictionPolicy::VolatileLru
        );
        let counter = || u8::try_from(self.counter(entry)).unwrap_or(u8::MAX);
        Usage {
            idle_seconds: is_lru.then(|| self.idle_seconds(entry)),
            frequency: self.policy.counts_uses().then(counter),
        }
    }

    /// For how many seconds a key has not been used.
    pub fn idle_seconds(&self, entry: &Entry) -> u32 {
        self.seconds.wrapping_sub(entry.access()) & CLOCK_MASK
    }

    /// The clock of a key that was last used so many seconds ago (`RESTORE … IDLETIME`).
    pub const fn idle_since(&self, seconds: u32) -> u32 {
        self.seconds.wrapping_sub(seconds) & CLOCK_MASK
    }

    /// The clock of a key with this LFU counter (`RESTORE … FREQ`).
    pub const fn with_counter(&self, counter: u8) -> u32 {
        self.minutes << 8 | counter as u32
    }
}
