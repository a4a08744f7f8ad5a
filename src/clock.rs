//! The leader's time: monotone, anchored to the wall clock, and never stepped (RULES.md 14).
//!
//! Commands see this time only. It follows the wall clock by running at most 5 % faster or slower,
//! so a step of the wall clock expires nothing at once.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tracing::warn;

/// A difference from the wall clock that is worth an alarm.
const STEP_ALARM_MS: i64 = 1_000;
/// The clock runs at most this much faster or slower than the monotonic one.
const SLEW_PERCENT: i64 = 5;
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The clock of a leader.
#[derive(Debug)]
pub struct LeaderClock {
    anchor: Instant,
    anchor_ms: i64,
    alarmed: bool,
}

impl LeaderClock {
    /// Starts at the wall clock, but not before `floor_ms`, the newest time in the log.
    pub fn start(floor_ms: i64) -> Self {
        Self {
            anchor: Instant::now(),
            anchor_ms: wall_ms().max(floor_ms),
            alarmed: false,
        }
    }

    /// The time in milliseconds since 1970.
    pub fn now_ms(&mut self) -> i64 {
        let elapsed = self.anchor.elapsed();
        let now_ms = self.anchor_ms + i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX / 2);
        if elapsed < CHECK_INTERVAL {
            return now_ms;
        }
        let slewed = self.slew(now_ms, wall_ms());
        self.anchor = Instant::now();
        self.anchor_ms = slewed;
        slewed
    }

    /// Moves `now_ms` towards the wall clock by as much as the time since the anchor allows.
    fn slew(&mut self, now_ms: i64, wall_ms: i64) -> i64 {
        let away = wall_ms - now_ms;
        if away.abs() > STEP_ALARM_MS && !self.alarmed {
            warn!(
                away_ms = away,
                "the wall clock stepped; the leader's time follows it slowly"
            );
        }
        self.alarmed = away.abs() > STEP_ALARM_MS;
        let allowed = (now_ms - self.anchor_ms) * SLEW_PERCENT / 100;
        now_ms + away.clamp(-allowed, allowed)
    }
}

/// The wall clock, in milliseconds since 1970.
pub fn wall_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_wall_clock_is_followed_slowly_and_never_backwards() {
        let mut clock = LeaderClock::start(0);
        clock.anchor_ms = 1_000_000;
        assert_eq!(clock.slew(1_001_000, 9_999_999), 1_001_050);
        assert_eq!(clock.slew(1_001_000, 0), 1_000_950);
        assert_eq!(clock.slew(1_001_000, 1_001_010), 1_001_010);
    }

    #[test]
    fn the_log_is_never_behind() {
        let far = wall_ms() + 1_000_000;
        assert!(LeaderClock::start(far).now_ms() >= far);
    }
}
