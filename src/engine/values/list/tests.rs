//! The list against a plain `Vec`, with limits that change on the way.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Push(End, Vec<u8>),
    PushMany(End, u8),
    Pop(End),
    Set(u16, Vec<u8>),
    Insert(u16, Vec<u8>),
    InsertBeside(Vec<u8>, Side, Vec<u8>),
    RemoveEqual(Vec<u8>, u8, Direction),
    RemoveRange(u16, u16),
    Trim(u16, u16),
    Walk(u16, u16, Direction),
    Positions(Vec<u8>, Direction, u8, u8, u16),
    Limits(i64, usize),
    Reload,
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0u8..12).prop_map(|number| number.to_string().into_bytes()),
        4 => (0u8..8).prop_map(|number| format!("element {number}").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (0usize..3_000).prop_map(|length| vec![b'x'; length]),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Front), Just(End::Back)]
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Forward), Just(Direction::Backward)]
}

fn limits() -> impl Strategy<Value = (i64, usize)> {
    let size = prop_oneof![(-6i64..0), Just(0), (1i64..6), Just(128)];
    (size, prop_oneof![Just(1usize << 30), Just(12), Just(1_000)])
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Before), Just(Side::After)];
    prop_oneof![
        6 => (end(), text()).prop_map(|(end, text)| Step::Push(end, text)),
        1 => (end(), any::<u8>()).prop_map(|(end, count)| Step::PushMany(end, count)),
        4 => end().prop_map(Step::Pop),
        3 => (any::<u16>(), text()).prop_map(|(at, text)| Step::Set(at, text)),
        3 => (any::<u16>(), text()).prop_map(|(at, text)| Step::Insert(at, text)),
        2 => (text(), side, text())
            .prop_map(|(pivot, side, text)| Step::InsertBeside(pivot, side, text)),
        2 => (text(), any::<u8>(), direction())
            .prop_map(|(text, max, direction)| Step::RemoveEqual(text, max, direction)),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Step::RemoveRange(from, to)),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Step::Trim(from, to)),
        2 => (any::<u16>(), any::<u16>(), direction())
            .prop_map(|(from, to, direction)| Step::Walk(from, to, direction)),
        2 => (text(), direction(), any::<u8>(), any::<u8>(), any::<u16>())
            .prop_map(|(text, way, skip, max, most)| Step::Positions(text, way, skip, max, most)),
        1 => limits().prop_map(|(size, plain)| Step::Limits(size, plain)),
        1 => Just(Step::Reload),
    ]
}

fn encodings((size, plain): (i64, usize)) -> Encodings {
    Encodings {
        list_max_listpack_size: size,
        list_packed_threshold: plain,
        ..Encodings::default()
    }
}

fn owned<'a>(elements: impl Iterator<Item = Element<'a>>) -> Vec<Vec<u8>> {
    elements.map(Element::to_vec).collect()
}

fn check(list: &ListValue, model: &[Vec<u8>]) {
    assert_eq!(list.len(), model.len());
    assert_eq!(owned(list.iter()), model);
    if let Form::Spine(spine) = &list.form {
        spine.check();
        assert!(spine.len() > 0, "an empty list is a block");
    }
}

/// A range from two numbers that reaches past the end now and then.
fn between(len: usize, one: u16, two: u16) -> Range<usize> {
    let (one, two) = (usize::from(one) % (len + 3), usize::from(two) % (len + 3));
    one.min(two)..one.max(two)
}

fn matching(model: &[Vec<u8>], text: &[u8], direction: Direction) -> Vec<usize> {
    let mut at: Vec<usize> = (0..model.len()).filter(|&at| model[at] == text).collect();
    if direction == Direction::Backward {
        at.reverse();
    }
    at
}

/// What files do: the nodes' bytes out, and in again.
fn reload(list: &ListValue, encodings: &Encodings) -> ListValue {
    let mut loaded = ListValue::new();
    for node in list.nodes() {
        match node {
            NodeBytes::Packed(block) => {
                let block = Listpack::from_bytes_checked(block.bytes()).expect("written here");
                loaded.push_listpack(block, encodings);
            }
            NodeBytes::Plain(text) => loaded.push(End::Back, text, encodings),
        }
    }
    loaded
}

fn change(step: Step, list: &mut ListValue, model: &mut Vec<Vec<u8>>, encodings: &mut Encodings) {
    let len = model.len();
    match step {
        Step::Push(end, text) => {
            list.push(end, &text, encodings);
            model.insert(if end == End::Front { 0 } else { len }, text);
        }
        Step::PushMany(end, count) => {
            for number in 0..count {
                let text = format!("many {}", number % 7).into_bytes();
                list.push(end, &text, encodings);
                model.insert(if end == End::Front { 0 } else { model.len() }, text);
            }
        }
        Step::Pop(end) => {
            let at = if end == End::Front {
                0
            } else {
                len.saturating_sub(1)
            };
            let want = (len > 0).then(|| model.remove(at));
            assert_eq!(list.pop(end, encodings), want);
        }
        Step::Set(at, text) => {
            let at = usize::from(at) % (len + 2);
            assert_eq!(list.set(at, &text, encodings), at < len);
            if let Some(slot) = model.get_mut(at) {
                *slot = text;
            }
        }
        Step::Insert(at, text) => {
            let at = usize::from(at) % (len + 1);
            list.insert(at, &text, encodings);
            model.insert(at, text);
        }
        Step::InsertBeside(pivot, side, text) => {
            let at = model.iter().position(|element| *element == pivot);
            assert_eq!(
                list.insert_beside(&pivot, side, &text, encodings),
                at.is_some()
            );
            if let Some(at) = at {
                model.insert(if side == Side::Before { at } else { at + 1 }, text);
            }
        }
        Step::RemoveEqual(..) | Step::RemoveRange(..) | Step::Trim(..) => {
            remove(step, list, model, encodings);
        }
        Step::Limits(size, plain) => *encodings = self::encodings((size, plain)),
        Step::Reload => *list = reload(list, encodings),
        Step::Walk(..) | Step::Positions(..) => look(step, list, model),
    }
}

fn remove(step: Step, list: &mut ListValue, model: &mut Vec<Vec<u8>>, encodings: &Encodings) {
    let len = model.len();
    match step {
        Step::RemoveEqual(text, max, direction) => {
            let max = if max > 200 {
                usize::MAX
            } else {
                usize::from(max % 8)
            };
            let mut at = matching(model, &text, direction);
            at.truncate(max);
            assert_eq!(
                list.remove_equal(&text, max, direction, encodings),
                at.len()
            );
            at.sort_unstable();
            at.into_iter().rev().for_each(|at| drop(model.remove(at)));
        }
        Step::RemoveRange(from, to) => {
            let range = between(len, from, to);
            list.remove_range(range.clone(), encodings);
            model.drain(range.start.min(len)..range.end.min(len));
        }
        Step::Trim(from, to) => {
            // Mostly keep much, so that lists stay long enough to be of interest.
            let range = usize::from(from) % 10..len.saturating_sub(usize::from(to) % 10);
            let range = range.start.min(range.end)..range.end;
            list.trim(range.clone(), encodings);
            model.truncate(range.end);
            model.drain(..range.start.min(model.len()));
        }
        _ => unreachable!("only steps that take elements out come here"),
    }
}

fn look(step: Step, list: &ListValue, model: &[Vec<u8>]) {
    let len = model.len();
    match step {
        Step::Walk(from, to, direction) => {
            let range = between(len, from, to);
            let mut want = model[range.start.min(len)..range.end.min(len)].to_vec();
            if direction == Direction::Backward {
                want.reverse();
            }
            let walk = list.range(range.clone(), direction);
            assert_eq!(walk.len(), want.len());
            assert_eq!(owned(walk), want);
            let element = list.get(range.start).map(Element::to_vec);
            assert_eq!(element.as_ref(), model.get(range.start));
        }
        Step::Positions(text, direction, skip, max, most) => {
            let search = Search {
                direction,
                skipped_count: usize::from(skip % 4),
                found_max: usize::from(max % 5),
                compared_max: usize::from(most),
            };
            let near = |&at: &usize| match direction {
                Direction::Forward => at < search.compared_max,
                Direction::Backward => len - 1 - at < search.compared_max,
            };
            let want: Vec<usize> = matching(model, &text, direction)
                .into_iter()
                .filter(near)
                .skip(search.skipped_count)
                .take(search.found_max)
                .collect();
            assert_eq!(list.positions(&text, &search), want);
        }
        _ => unreachable!("only steps that change nothing come here"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_vec_does(
        steps in prop::collection::vec(step(), 1..150),
        limits in limits(),
    ) {
        let mut encodings = encodings(limits);
        let (mut list, mut model) = (ListValue::new(), Vec::new());
        for step in steps {
            change(step, &mut list, &mut model, &mut encodings);
            check(&list, &model);
        }
        check(&list.clone(), &model);
    }
}

/// A cheap sequence of numbers that repeats from its seed.
fn numbers(mut state: u64) -> impl FnMut() -> usize {
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    }
}

#[test]
fn a_long_list_of_many_groups_changes_in_its_middle() {
    println!("seed 7");
    let mut next = numbers(7);
    let encodings = encodings((3, 1 << 30));
    let (mut list, mut model) = (ListValue::new(), Vec::new());
    for round in 0..12_000 {
        let text = (next() % 100).to_string().into_bytes();
        let len = model.len();
        let growing = round < 6_000;
        if len == 0 || growing || next().is_multiple_of(4) {
            let at = next() % (len + 1);
            list.insert(at, &text, &encodings);
            model.insert(at, text);
        } else {
            let from = next() % len;
            let range = from..(from + next() % 4).min(len);
            list.remove_range(range.clone(), &encodings);
            model.drain(range);
        }
        if round % 500 == 0 {
            check(&list, &model);
        }
    }
    check(&list, &model);
    list.trim(10..model.len() - 10, &encodings);
    check(&list, &model[10..model.len() - 10]);
    let removed = list.remove_equal(b"7", usize::MAX, Direction::Forward, &encodings);
    let rest: Vec<_> = model[10..model.len() - 10]
        .iter()
        .filter(|text| **text != b"7")
        .cloned()
        .collect();
    assert_eq!(removed, model.len() - 20 - rest.len());
    check(&list, &rest);
    list.trim(0..0, &encodings);
    check(&list, &[]);
}

#[test]
fn nodes_break_where_the_limits_say() {
    // The counts are those of redis-server 7.0.15 (DEBUG OBJECT, ql_nodes).
    for (limits, element_bytes, count, nodes) in [
        ((-2, 1 << 30), 100, 1_000, 13),
        ((-1, 1 << 30), 100, 1_000, 26),
        ((4, 1 << 30), 3, 1_000, 250),
        ((0, 1 << 30), 3, 10, 10),
        ((-2, 50), 50, 10, 10),
        ((-2, 51), 50, 10, 1),
    ] {
        let encodings = encodings(limits);
        let mut list = ListValue::new();
        for _ in 0..count {
            list.push(End::Back, &vec![b'e'; element_bytes], &encodings);
        }
        assert_eq!(list.weight(), nodes, "{limits:?} {element_bytes}");
    }
}

#[test]
fn a_short_list_is_one_allocation() {
    fn can_be_sent<T: Send>(_: &T) {}
    can_be_sent(&ListValue::new());
    assert_eq!(size_of::<ListValue>(), 16);
    let encodings = encodings((-2, 1 << 30));
    let mut list = ListValue::new();
    for _ in 0..10 {
        list.push(End::Back, b"0123456789", &encodings);
    }
    assert!(
        list.allocated_bytes() <= 10 * 12 + 7 + 32,
        "{}",
        list.allocated_bytes()
    );
}
