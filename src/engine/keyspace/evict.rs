//! The removal of keys because memory is short: always a logged DEL. The server calls
//! [`Keyspace::evict_one`] until enough is free, before a command that may need memory.
//!
//! LRU and LFU draw a few keys at random each time and keep the best candidates of all draws in a
//! small pool, as Redis documents it: that comes close to the true order for the cost of a few
//! look-ups. `volatile-ttl` needs no draws, because deadlines are in order anyway.

use super::{DatabaseIndex, Entry, EvictionPolicy, Keyspace};
use crate::effects::Effects;
use crate::notify::NotifyClasses;

/// How many candidates are remembered.
const POOL_MAX: usize = 16;
/// Rounds of draws that may find no candidate before any key is taken.
const ROUNDS_MAX: usize = 16;

/// A key that may be evicted; the higher `rank`, the better.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    rank: u64,
    database: DatabaseIndex,
    key: Box<[u8]>,
}

/// The best candidates that were drawn so far, worst first.
#[derive(Debug, Default)]
pub(super) struct EvictionPool {
    candidates: Vec<Candidate>,
    /// The policy that the ranks were made for.
    policy: EvictionPolicy,
    /// Whose turn it is to lose a random key.
    next_database: u32,
}

impl EvictionPool {
    /// Keeps a candidate if it is better than the worst, or if there is room.
    fn offer(&mut self, rank: u64, database: DatabaseIndex, key: &[u8]) {
        let is_full = self.candidates.len() == POOL_MAX;
        let at = self.candidates.partition_point(|known| known.rank < rank);
        let is_known = |known: &Candidate| known.database == database && *known.key == *key;
        if (is_full && at == 0) || self.candidates.iter().any(is_known) {
            return;
        }
        let candidate = Candidate {
            rank,
            database,
            key: key.into(),
        };
        self.candidates.insert(at, candidate);
        if is_full {
            self.candidates.remove(0);
        }
    }
}

impl Keyspace {
    /// Removes one key under `policy`, as an effect; returns where it was and its name. `None` means
    /// that the policy finds nothing to remove. `samples` is `maxmemory-samples`.
    pub fn evict_one(
        &mut self,
        effects: &mut Effects,
        policy: EvictionPolicy,
        samples: usize,
    ) -> Option<(DatabaseIndex, Box<[u8]>)> {
        let (database, name) = match policy {
            EvictionPolicy::NoEviction => None,
            EvictionPolicy::VolatileTtl => self.choose_first_to_expire(),
            EvictionPolicy::AllKeysRandom | EvictionPolicy::VolatileRandom => {
                self.choose_random(policy)
            }
            EvictionPolicy::AllKeysLru
            | EvictionPolicy::AllKeysLfu
            | EvictionPolicy::VolatileLru
            | EvictionPolicy::VolatileLfu => self.choose_from_pool(policy, samples),
        }?;
        let key = self.key(&name);
        self.remove(database, key);
        effects.push(database, &[b"DEL", &name]);
        self.mark_changed(database, key);
        self.notice(database, NotifyClasses::EVICTED, "evicted", &name);
        self.stats.evicted += 1;
        Some((database, name))
    }

    fn databases(&self) -> impl Iterator<Item = DatabaseIndex> + use<> {
        (0..self.databases_count()).map(DatabaseIndex)
    }

    fn candidates_count(&self, database: DatabaseIndex, policy: EvictionPolicy) -> usize {
        if policy.is_volatile() {
            self.volatile_len(database)
        } else {
            self.len(database)
        }
    }

    fn draw(&self, database: DatabaseIndex, policy: EvictionPolicy) -> Option<&Entry> {
        if policy.is_volatile() {
            self.random_volatile_entry(database)
        } else {
            self.random_entry(database)
        }
    }

    fn choose_first_to_expire(&self) -> Option<(DatabaseIndex, Box<[u8]>)> {
        let first = |database| {
            self.first_to_expire(database)
                .map(|entry| (database, entry))
        };
        self.databases()
            .filter_map(first)
            .min_by_key(|(_, entry)| entry.expires_at_ms())
            .map(|(database, entry)| (database, entry.key().into()))
    }

    /// Any key, from one database after the other.
    fn choose_random(&mut self, policy: EvictionPolicy) -> Option<(DatabaseIndex, Box<[u8]>)> {
        let count = self.databases_count();
        let start = self.eviction_pool.next_database;
        let mut databases = (0..count).map(|offset| DatabaseIndex((start + offset) % count));
        let chosen = databases.find_map(|database| {
            let entry = self.draw(database, policy)?;
            Some((database, Box::from(entry.key())))
        });
        if let Some((database, _)) = &chosen {
            self.eviction_pool.next_database = (database.0 + 1) % count;
        }
        chosen
    }

    /// The best of what was drawn now and before.
    fn choose_from_pool(
        &mut self,
        policy: EvictionPolicy,
        samples: usize,
    ) -> Option<(DatabaseIndex, Box<[u8]>)> {
        let mut pool = std::mem::take(&mut self.eviction_pool);
        if pool.policy != policy {
            pool.candidates.clear();
            pool.policy = policy;
        }
        let mut chosen = None;
        for _ in 0..ROUNDS_MAX {
            if !self.fill(&mut pool, policy, samples) {
                break;
            }
            chosen = self.take_best(&mut pool, policy);
            if chosen.is_some() {
                break;
            }
        }
        self.eviction_pool = pool;
        chosen
    }

    /// Draws from every database; says whether there was anything to draw from.
    fn fill(&self, pool: &mut EvictionPool, policy: EvictionPolicy, samples: usize) -> bool {
        let mut found_any = false;
        for database in self.databases() {
            let draws = samples.min(self.candidates_count(database, policy));
            for _ in 0..draws {
                if let Some(entry) = self.draw(database, policy) {
                    pool.offer(self.rank(entry, policy), database, entry.key());
                    found_any = true;
                }
            }
        }
        found_any
    }

    /// How gladly a key is given up.
    fn rank(&self, entry: &Entry, policy: EvictionPolicy) -> u64 {
        if policy.counts_uses() {
            u64::from(255 - self.access.counter(entry))
        } else {
            self.access.idle_seconds(entry).into()
        }
    }

    /// Takes candidates out, best first, until one is still there and may still be evicted.
    fn take_best(
        &self,
        pool: &mut EvictionPool,
        policy: EvictionPolicy,
    ) -> Option<(DatabaseIndex, Box<[u8]>)> {
        while let Some(Candidate { database, key, .. }) = pool.candidates.pop() {
            let found = self.stored(database, self.key(&key));
            let may_go =
                found.is_some_and(|entry| !policy.is_volatile() || entry.expires_at_ms().is_some());
            if may_go {
                return Some((database, key));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Harness;
    use crate::effects::Effects;
    use crate::keyspace::{DatabaseIndex, EvictionPolicy};

    /// Fifty keys used a hundred seconds ago, fifty used now, a deadline on every other.
    fn filled() -> Harness {
        let mut harness = Harness::new();
        harness.listen();
        for number in 0..100 {
            if number == 50 {
                harness.wait_ms(100_000);
            }
            let lifetime = if number % 2 == 0 { "" } else { " EX 100000" };
            harness.run(&format!("SET key:{number} v{lifetime}"));
        }
        harness
    }

    fn evict(harness: &mut Harness, policy: EvictionPolicy, count: usize) -> Vec<usize> {
        let mut effects = Effects::default();
        let evicted = (0..count).map_while(|_| {
            let (database, key) = harness.keyspace.evict_one(&mut effects, policy, 5)?;
            assert_eq!(database, DatabaseIndex(0));
            let key = String::from_utf8(key.into()).expect("the keys are text");
            key.strip_prefix("key:")
                .expect("that is how they begin")
                .parse()
                .ok()
        });
        let evicted: Vec<usize> = evicted.collect();
        assert_eq!(
            effects.count(),
            evicted.len(),
            "every eviction is an effect"
        );
        assert_eq!(harness.keyspace.stats.evicted, evicted.len() as u64);
        evicted
    }

    #[test]
    fn the_least_recently_used_go_first() {
        for policy in [EvictionPolicy::AllKeysLru, EvictionPolicy::VolatileLru] {
            let mut harness = filled();
            let evicted = evict(&mut harness, policy, 15);
            let old = evicted.iter().filter(|&&number| number < 50).count();
            assert!(old >= 14, "{policy:?} evicted {evicted:?}");
            if policy.is_volatile() {
                assert!(evicted.iter().all(|number| number % 2 == 1), "{evicted:?}");
            }
        }
    }

    #[test]
    fn the_least_frequently_used_go_first() {
        let mut harness = Harness::new();
        harness.keyspace.access.policy = EvictionPolicy::AllKeysLfu;
        harness.keyspace.access.lfu_log_factor = 0;
        for number in 0..100 {
            harness.run(&format!("SET key:{number} v"));
        }
        for number in 50..100 {
            for _ in 0..5 {
                harness.run(&format!("GET key:{number}"));
            }
        }
        let evicted = evict(&mut harness, EvictionPolicy::AllKeysLfu, 30);
        let rare = evicted.iter().filter(|&&number| number < 50).count();
        assert!(rare >= 28, "evicted {evicted:?}");
    }

    #[test]
    fn volatile_ttl_takes_the_earliest_deadline() {
        let mut harness = Harness::new();
        for number in [3, 1, 2] {
            harness.run(&format!("SET key:{number} v EX {number}"));
        }
        harness.run("SET key:9 v");
        assert_eq!(
            evict(&mut harness, EvictionPolicy::VolatileTtl, 9),
            [1, 2, 3]
        );
    }

    #[test]
    fn random_policies_take_any_key_they_may() {
        let mut evicted = evict(&mut filled(), EvictionPolicy::AllKeysRandom, 200);
        evicted.sort_unstable();
        assert_eq!(evicted, (0..100).collect::<Vec<_>>());
        let mut evicted = evict(&mut filled(), EvictionPolicy::VolatileRandom, 200);
        evicted.sort_unstable();
        assert_eq!(evicted, (1..100).step_by(2).collect::<Vec<_>>());
        assert_eq!(evict(&mut filled(), EvictionPolicy::NoEviction, 1), []);
        assert_eq!(
            evict(&mut Harness::new(), EvictionPolicy::AllKeysLru, 1),
            []
        );
    }

    #[test]
    fn an_evicted_key_is_announced() {
        let mut harness = Harness::new();
        harness.run("SET key:1 v");
        harness.listen();
        evict(&mut harness, EvictionPolicy::AllKeysLru, 1);
        assert_eq!(harness.heard(), "evicted key:1");
    }
}
