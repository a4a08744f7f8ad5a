//! The sorted set against a plain sorted `Vec`, in both encodings and across the change from one
//! to the other.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::hashing::HashSeed;

/// The same set, done the slow way.
#[derive(Clone, Default, Debug)]
struct Model(Vec<(Vec<u8>, f64)>);

impl Model {
    fn insert(&mut self, member: &[u8], score: f64) -> Inserted {
        let old = self.remove(member);
        self.0.push((member.to_vec(), score + 0.0));
        self.0.sort_by(|one, two| {
            let by_score = one.1.partial_cmp(&two.1).expect("no NaN");
            by_score.then_with(|| one.0.cmp(&two.0))
        });
        match old {
            None => Inserted::Added,
            Some(old) if old == score => Inserted::Same,
            Some(_) => Inserted::Updated,
        }
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let at = self.rank(member)?;
        Some(self.0.remove(at).1)
    }

    fn rank(&self, member: &[u8]) -> Option<usize> {
        self.0.iter().position(|(other, _)| other == member)
    }

    fn ranks(&self, inside: impl Fn(&(Vec<u8>, f64)) -> bool) -> Vec<usize> {
        (0..self.0.len())
            .filter(|&rank| inside(&self.0[rank]))
            .collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, f64),
    InsertMany(u16, i16),
    Remove(Vec<u8>),
    RemoveRanks(u16, u16),
    Pop(u8, bool),
    ByScore(ScoreBound, ScoreBound),
    ByLex(Vec<u8>, Vec<u8>, u8),
    Walk(u16, u16),
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0u16..400).prop_map(|number| number.to_string().into_bytes()),
        2 => (0u16..200).prop_map(|number| format!("member:{number}").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-5i32..20).prop_map(f64::from),
        2 => (-50i32..200).prop_map(|tenths| f64::from(tenths) / 10.0),
        1 => any::<f64>().prop_filter("NaN is never stored", |score| !score.is_nan()),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(1e17)],
    ]
}

fn bound() -> impl Strategy<Value = ScoreBound> {
    prop_oneof![
        score().prop_map(ScoreBound::Inclusive),
        score().prop_map(ScoreBound::Exclusive)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (member(), score()).prop_map(|(member, score)| Step::Insert(member, score)),
        1 => (any::<u16>(), any::<i16>()).prop_map(|(from, by)| Step::InsertMany(from, by)),
        4 => member().prop_map(Step::Remove),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Step::RemoveRanks(from, to)),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(count, back)| Step::Pop(count, back)),
        2 => (bound(), bound()).prop_map(|(min, max)| Step::ByScore(min, max)),
        2 => (member(), member(), any::<u8>())
            .prop_map(|(min, max, kinds)| Step::ByLex(min, max, kinds)),
        2 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Step::Walk(from, to)),
    ]
}

fn encodings(entries: usize, value: usize) -> Encodings {
    Encodings {
        zset_max_listpack_entries: entries,
        zset_max_listpack_value: value,
        seed: HashSeed(7),
        ..Encodings::default()
    }
}

fn owned<'a>(pairs: impl Iterator<Item = (Element<'a>, f64)>) -> Vec<(Vec<u8>, f64)> {
    pairs
        .map(|(member, score)| (member.to_vec(), score))
        .collect()
}

/// Panics unless the set holds exactly what the model does, and its parts agree.
fn check(set: &SortedSet, model: &Model) {
    assert_eq!(owned(set.iter()), model.0);
    assert_eq!(set.len(), model.0.len());
    match &set.form {
        Form::Indexed(indexed) => indexed.check(),
        Form::Pairs(pairs) => {
            assert!(Pairs::from_block(pairs.block().clone()).is_some());
        }
    }
}

fn within(score: f64, min: ScoreBound, max: ScoreBound) -> bool {
    let above = match min {
        ScoreBound::Inclusive(min) => score >= min,
        ScoreBound::Exclusive(min) => score > min,
    };
    let below = match max {
        ScoreBound::Inclusive(max) => score <= max,
        ScoreBound::Exclusive(max) => score < max,
    };
    above && below
}

fn lex_bound(member: &[u8], kind: u8) -> LexBound<'_> {
    match kind % 4 {
        0 => LexBound::Inclusive(member),
        1 => LexBound::Exclusive(member),
        2 => LexBound::Smallest,
        _ => LexBound::Greatest,
    }
}

/// Whether an element lies at or above the lower bound, at the set's lowest score.
fn lex_above(element: &(Vec<u8>, f64), lowest: f64, bound: LexBound<'_>, upper: bool) -> bool {
    let order = |member: &[u8]| {
        let by_score = element.1.partial_cmp(&lowest).expect("no NaN");
        by_score.then_with(|| element.0.as_slice().cmp(member))
    };
    match bound {
        LexBound::Smallest => true,
        LexBound::Greatest => false,
        LexBound::Inclusive(member) if upper => order(member) == Ordering::Greater,
        LexBound::Inclusive(member) => order(member) != Ordering::Less,
        LexBound::Exclusive(member) if upper => order(member) != Ordering::Less,
        LexBound::Exclusive(member) => order(member) == Ordering::Greater,
    }
}

fn between(len: usize, one: u16, two: u16) -> Range<usize> {
    let (one, two) = (usize::from(one) % (len + 2), usize::from(two) % (len + 2));
    one.min(two)..one.max(two)
}

fn run(step: Step, set: &mut SortedSet, model: &mut Model, encodings: &Encodings) {
    let len = model.0.len();
    match step {
        Step::Insert(member, score) => {
            let want = model.insert(&member, score);
            assert_eq!(
                set.insert(&member, score, encodings),
                want,
                "{member:?} {score}"
            );
            assert_eq!(set.score(&member), Some(score));
            for direction in [Direction::Forward, Direction::Backward] {
                let rank = model.rank(&member).map(|rank| match direction {
                    Direction::Forward => rank,
                    Direction::Backward => model.0.len() - 1 - rank,
                });
                assert_eq!(set.rank(&member, direction), rank);
            }
        }
        Step::InsertMany(from, by) => {
            for number in 0..u16::from(from.to_le_bytes()[0]) {
                let member = format!("many:{}", u32::from(from) + u32::from(number));
                let score = f64::from(i32::from(by) * i32::from(number));
                let want = model.insert(member.as_bytes(), score);
                assert_eq!(set.insert(member.as_bytes(), score, encodings), want);
            }
        }
        Step::Remove(member) => {
            assert_eq!(set.remove(&member), model.remove(&member));
            assert_eq!(set.score(&member), None);
            assert_eq!(set.rank(&member, Direction::Forward), None);
        }
        Step::RemoveRanks(from, to) => {
            let ranks = between(len, from, to);
            let want: Vec<_> = model
                .0
                .drain(ranks.start.min(len)..ranks.end.min(len))
                .collect();
            let mut seen = Vec::new();
            let removed =
                set.remove_ranks(ranks, |member, score| seen.push((member.to_vec(), score)));
            assert_eq!((removed, seen), (want.len(), want));
        }
        Step::Pop(count, back) => {
            let count = usize::from(count % 70);
            let at = count.min(len);
            let (want, direction): (Vec<_>, _) = if back {
                (
                    model.0.drain(len - at..).rev().collect(),
                    Direction::Backward,
                )
            } else {
                (model.0.drain(..at).collect(), Direction::Forward)
            };
            assert_eq!(set.pop(count, direction), want);
        }
        Step::ByScore(..) | Step::ByLex(..) | Step::Walk(..) => look(step, set, model),
    }
}

fn look(step: Step, set: &SortedSet, model: &Model) {
    let len = model.0.len();
    match step {
        Step::ByScore(min, max) => {
            let range = ScoreRange { min, max };
            let got = set.ranks_by_score(&range);
            let want = model.ranks(|element| within(element.1, min, max));
            assert_eq!(got.clone().collect::<Vec<_>>(), want, "{range:?}");
            assert!(!range.is_empty() || got.is_empty());
        }
        Step::ByLex(one, two, kinds) => {
            let range = LexRange {
                min: lex_bound(&one, kinds),
                max: lex_bound(&two, kinds >> 2),
            };
            // Where the members are in no order, the answer is left open.
            if !model.0.is_sorted_by(|one, other| one.0 <= other.0) {
                assert!(set.ranks_by_lex(&range).end <= len, "{range:?}");
                return;
            }
            let lowest = model.0.first().map_or(0.0, |element| element.1);
            let want = model.ranks(|element| {
                let element = (element.0.clone(), lowest);
                lex_above(&element, lowest, range.min, false)
                    && !lex_above(&element, lowest, range.max, true)
                    && range.max != LexBound::Smallest
            });
            assert_eq!(
                set.ranks_by_lex(&range).collect::<Vec<_>>(),
                want,
                "{range:?}"
            );
        }
        Step::Walk(from, to) => {
            let ranks = between(len, from, to);
            let mut want = model.0[ranks.start.min(len)..ranks.end.min(len)].to_vec();
            assert_eq!(owned(set.range(ranks.clone(), Direction::Forward)), want);
            want.reverse();
            assert_eq!(owned(set.range(ranks, Direction::Backward)), want);
        }
        _ => unreachable!("only steps that change nothing come here"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_the_model_does(
        steps in prop::collection::vec(step(), 1..120),
        entries in prop_oneof![Just(0usize), Just(4), Just(128), Just(100_000)],
        value in prop_oneof![Just(3usize), Just(64)],
    ) {
        let encodings = encodings(entries, value);
        let (mut set, mut model) = (SortedSet::new(), Model::default());
        for step in steps {
            run(step, &mut set, &mut model, &encodings);
            check(&set, &model);
        }
        check(&set.clone(), &model);
    }

    #[test]
    fn every_score_survives_the_small_encoding(score in score()) {
        let encodings = encodings(128, 64);
        let mut set = SortedSet::new();
        set.insert(b"m", score, &encodings);
        prop_assert_eq!(set.score(b"m").map(f64::to_bits), Some((score + 0.0).to_bits()));
        let block = set.as_listpack().expect("one element is small").clone();
        let read = SortedSet::from_listpack(block, &encodings).expect("it was written here");
        prop_assert_eq!(owned(read.iter()), owned(set.iter()));
    }

    #[test]
    fn elements_in_any_order_make_the_same_set(
        elements in prop::collection::vec((member(), score()), 0..60),
        entries in prop_oneof![Just(0usize), Just(128)],
    ) {
        let encodings = encodings(entries, 64);
        let mut model = Model::default();
        let unique = elements
            .iter()
            .all(|(member, score)| model.insert(member, *score) == Inserted::Added);
        match SortedSet::from_elements(elements, &encodings) {
            Some(set) => {
                prop_assert!(unique);
                check(&set, &model);
                let small = set.as_listpack().is_some();
                prop_assert_eq!(small, set.is_empty() || entries > 0);
            }
            None => prop_assert!(!unique),
        }
    }

    #[test]
    fn foreign_blocks_are_refused_or_whole(
        texts in prop::collection::vec(prop_oneof![member(), Just(b"1.5".to_vec())], 0..12),
    ) {
        let mut block = Listpack::new();
        for text in &texts {
            block.push_back(text);
        }
        if let Some(set) = SortedSet::from_listpack(block, &encodings(3, 64)) {
            let mut model = Model::default();
            for (member, score) in owned(set.iter()) {
                prop_assert_eq!(model.insert(&member, score), Inserted::Added);
            }
            check(&set, &model);
            prop_assert_eq!(set.len() * 2, texts.len());
        }
    }
}

/// A cheap sequence of numbers that repeats from its seed.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

#[test]
fn a_big_set_grows_and_shrinks_through_several_levels() {
    const COUNT: u64 = 20_000;
    println!("seed 42");
    let mut next = numbers(42);
    let encodings = encodings(128, 64);
    let (mut set, mut model) = (SortedSet::new(), std::collections::BTreeMap::new());
    for round in 0..3 * COUNT {
        let member = format!("{}", next() % COUNT);
        if round < COUNT || next().is_multiple_of(3) {
            let score = next() % 1_000;
            set.insert(member.as_bytes(), score as f64, &encodings);
            model.insert(member, score);
        } else {
            let old = model.remove(&member).map(|score| score as f64);
            assert_eq!(set.remove(member.as_bytes()), old);
        }
    }
    let mut sorted: Vec<_> = model
        .into_iter()
        .map(|(member, score)| (score, member))
        .collect();
    sorted.sort();
    let want: Vec<_> = sorted
        .iter()
        .map(|(score, member)| (member.clone().into_bytes(), *score as f64))
        .collect();
    check(&set, &Model(want.clone()));
    let full = set.allocated_bytes();
    let taken = set.pop(want.len() - 10, Direction::Backward);
    assert_eq!(
        taken,
        want.iter().skip(10).rev().cloned().collect::<Vec<_>>()
    );
    check(&set, &Model(want[..10].to_vec()));
    assert!(
        set.allocated_bytes() * 4 < full,
        "{} of {full}",
        set.allocated_bytes()
    );
    assert_eq!(set.encoding_name(), "skiplist");
}

#[test]
fn filling_in_order_leaves_full_nodes() {
    for sign in [1.0, -1.0] {
        let encodings = encodings(0, 64);
        let mut set = SortedSet::new();
        for number in 0..30_000 {
            set.insert(
                format!("{number}").as_bytes(),
                f64::from(number) * sign,
                &encodings,
            );
        }
        match &set.form {
            Form::Indexed(indexed) => indexed.check(),
            Form::Pairs(_) => panic!("no element may be in a listpack"),
        }
        let per_element = set.allocated_bytes() as f64 / 30_000.0;
        assert!(per_element < 52.0, "{per_element} bytes an element");
    }
}

#[test]
fn a_scan_meets_every_element() {
    let encodings = encodings(16, 64);
    let mut set = SortedSet::new();
    for count in [0, 10, 1_000] {
        for number in 0..count {
            set.insert(
                format!("{number}").as_bytes(),
                f64::from(number),
                &encodings,
            );
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut from = Some(0);
        while let Some(position) = from {
            from = set.scan(position, 10, &mut |member, _| {
                seen.insert(member.to_vec());
            });
        }
        assert_eq!(seen.len(), set.len());
    }
}

#[test]
fn it_is_two_words_wide_and_can_be_freed_elsewhere() {
    fn can_be_sent<T: Send>(_: &T) {}
    can_be_sent(&SortedSet::new());
    assert_eq!(size_of::<SortedSet>(), 16);
    assert_eq!(
        SortedSet::from_elements(vec![(b"a", f64::NAN)], &encodings(9, 9)).map(|_| ()),
        None
    );
}

#[test]
fn encodings_change_at_redis_thresholds() {
    let encodings = encodings(128, 64);
    let mut set = SortedSet::new();
    for number in 0..128 {
        set.insert(format!("{number}").as_bytes(), 1.0, &encodings);
    }
    assert_eq!(set.encoding_name(), "listpack");
    set.insert(b"one more", 1.0, &encodings);
    assert_eq!(set.encoding_name(), "skiplist");

    let mut set = SortedSet::new();
    set.insert(&[b'x'; 64], 1.0, &encodings);
    assert_eq!(set.encoding_name(), "listpack");
    set.insert(&[b'x'; 65], 1.0, &encodings);
    assert_eq!(set.encoding_name(), "skiplist");
}
