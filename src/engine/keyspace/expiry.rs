//! The removal of keys whose time has come: always a logged DEL, whoever found them (RULES.md 15).

use super::{DatabaseIndex, Key, Keyspace};
use crate::effects::Effects;
use crate::notify::NotifyClasses;

impl Keyspace {
    /// Removes one expired key, as an effect.
    pub(crate) fn expire(&mut self, effects: &mut Effects, index: DatabaseIndex, key: Key<'_>) {
        if self.remove(index, key) {
            effects.push(index, &[b"DEL", key.bytes]);
            self.mark_changed(index, key);
            self.notice(index, NotifyClasses::EXPIRED, "expired", key.bytes);
            self.stats.expired += 1;
        }
    }

    /// Removes up to `count_max` keys whose time has come, the longest overdue first. Returns how
    /// many; fewer than `count_max` means that no expired key is left.
    pub fn expire_due(&mut self, effects: &mut Effects, count_max: usize) -> usize {
        let mut removed = 0;
        for number in 0..self.databases_count() {
            let index = DatabaseIndex(number);
            while removed < count_max {
                let due = self
                    .first_to_expire(index)
                    .filter(|entry| entry.is_expired(self.now_ms()));
                let Some(name) = due.map(|entry| Box::<[u8]>::from(entry.key())) else {
                    break;
                };
                let key = self.key(&name);
                self.expire(effects, index, key);
                removed += 1;
            }
        }
        removed
    }
}
