//! What took long: events by kind (LATENCY LATEST, HISTORY, DOCTOR …) above
//! `latency-monitor-threshold`, and the distribution of each command's durations (`histogram`).
//!
//! The dispatcher notes commands, the core's periodic work notes expiry, eviction and the log's
//! slowest sync. Nothing is kept while the threshold is 0.

pub mod histogram;

use std::collections::{BTreeMap, VecDeque};

/// Samples that are kept of each event.
const SAMPLES_MAX: usize = 160;

/// The events that are looked at, in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A command.
    Command,
    /// A command of constant or logarithmic time.
    FastCommand,
    /// One round of removing expired keys.
    ExpireCycle,
    /// One round of evicting keys.
    EvictionCycle,
    /// The log was made durable.
    Fsync,
}

impl Event {
    const ALL: [Self; 5] = [
        Self::Command,
        Self::FastCommand,
        Self::ExpireCycle,
        Self::EvictionCycle,
        Self::Fsync,
    ];

    /// Its name on the wire: Redis's for the nearest that it has.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::FastCommand => "fast-command",
            Self::ExpireCycle => "expire-cycle",
            Self::EvictionCycle => "eviction-cycle",
            Self::Fsync => "aof-fsync-always",
        }
    }

    /// The event with this name, in any case.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|event| name.eq_ignore_ascii_case(event.name().as_bytes()))
    }
}

/// The worst duration of an event in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in seconds since 1970.
    pub at_seconds: i64,
    /// How long.
    pub ms: u64,
}

/// What is known of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first.
    pub samples: VecDeque<Sample>,
    /// The longest ever seen.
    pub max_ms: u64,
}

/// What a report says of one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many samples there are.
    pub count: u64,
    /// The shortest.
    pub min_ms: u64,
    /// The longest.
    pub max_ms: u64,
    /// Their mean.
    pub mean_ms: u64,
    /// Their mean distance from the mean.
    pub deviation_ms: u64,
    /// Seconds between the first and the last of them.
    pub period_seconds: u64,
}

/// Events by name.
#[derive(Debug, Default)]
pub struct LatencyMonitor {
    events: BTreeMap<Event, History>,
    /// The log's longest sync as it was at the last look, in microseconds.
    fsync_max_micros: Option<u64>,
}

impl LatencyMonitor {
    /// Notes an event, if it took as long as the threshold says. 0 turns the monitor off.
    #[inline]
    pub fn note(&mut self, event: Event, micros: u64, threshold_ms: u64) {
        if threshold_ms > 0 && micros >= threshold_ms.saturating_mul(1000) {
            self.add(event, micros / 1000, crate::clock::wall_ms() / 1000);
        }
    }

    /// Notes the log's longest sync so far, where it has grown since the last look.
    pub fn note_longest_fsync(&mut self, micros: u64, threshold_ms: u64) {
        let before = self.fsync_max_micros.replace(micros);
        if before.is_some_and(|before| micros > before) {
            self.note(Event::Fsync, micros, threshold_ms);
        }
    }

    fn add(&mut self, event: Event, ms: u64, at_seconds: i64) {
        let history = self.events.entry(event).or_default();
        history.max_ms = history.max_ms.max(ms);
        // Of one second only the worst is kept.
        if let Some(last) = history.samples.back_mut()
            && last.at_seconds == at_seconds
        {
            last.ms = last.ms.max(ms);
            return;
        }
        if history.samples.len() == SAMPLES_MAX {
            history.samples.pop_front();
        }
        history.samples.push_back(Sample { at_seconds, ms });
    }

    /// Every event that happened.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Event, &History)> {
        self.events.iter().map(|(event, history)| (*event, history))
    }

    /// What is known of an event.
    pub fn history(&self, event: Event) -> Option<&History> {
        self.events.get(&event)
    }

    /// Forgets an event; says whether it had happened.
    pub fn reset(&mut self, event: Event) -> bool {
        self.events.remove(&event).is_some()
    }

    /// Forgets all events; returns how many there were.
    pub fn reset_all(&mut self) -> usize {
        let count = self.events.len();
        self.events.clear();
        count
    }
}

impl History {
    /// What a report says.
    pub fn summary(&self) -> Summary {
        let count = self.samples.len() as u64;
        let all = || self.samples.iter().map(|sample| sample.ms);
        let mean_ms = all().sum::<u64>().checked_div(count).unwrap_or(0);
        let away = all().map(|ms| ms.abs_diff(mean_ms)).sum::<u64>();
        let (first, last) = (self.samples.front(), self.samples.back());
        let period = first.zip(last);
        Summary {
            count,
            min_ms: all().min().unwrap_or(0),
            max_ms: self.max_ms,
            mean_ms,
            deviation_ms: away.checked_div(count).unwrap_or(0),
            period_seconds: period.map_or(0, |(first, last)| {
                last.at_seconds.abs_diff(first.at_seconds)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_worst_of_a_second_is_kept() {
        let mut monitor = LatencyMonitor::default();
        for (ms, at_seconds) in [(5, 1), (9, 1), (7, 1), (3, 2)] {
            monitor.add(Event::Command, ms, at_seconds);
        }
        let history = monitor.history(Event::Command).expect("was noted");
        let kept: Vec<_> = history
            .samples
            .iter()
            .map(|sample| (sample.at_seconds, sample.ms))
            .collect();
        assert_eq!(kept, [(1, 9), (2, 3)]);
        assert_eq!(history.max_ms, 9);
        let summary = history.summary();
        assert_eq!((summary.mean_ms, summary.deviation_ms), (6, 3));
        assert!(monitor.reset(Event::Command));
        assert!(!monitor.reset(Event::Command));
    }

    #[test]
    fn without_a_threshold_nothing_is_noted() {
        let mut monitor = LatencyMonitor::default();
        monitor.note(Event::Command, 5_000_000, 0);
        monitor.note(Event::Command, 4_999, 5);
        assert_eq!(monitor.iter().len(), 0);
        monitor.note(Event::Command, 5_000, 5);
        assert_eq!(monitor.iter().len(), 1);
    }

    #[test]
    fn a_sync_from_before_the_first_look_is_not_news() {
        let mut monitor = LatencyMonitor::default();
        monitor.note_longest_fsync(90_000, 5);
        monitor.note_longest_fsync(90_000, 5);
        assert_eq!(monitor.iter().len(), 0);
        monitor.note_longest_fsync(91_000, 5);
        let history = monitor.history(Event::Fsync).expect("was noted");
        assert_eq!(history.max_ms, 91);
    }

    #[test]
    fn every_name_is_found_again() {
        for event in Event::ALL {
            let name = event.name().to_ascii_uppercase();
            assert_eq!(Event::from_name(name.as_bytes()), Some(event));
        }
    }
}
