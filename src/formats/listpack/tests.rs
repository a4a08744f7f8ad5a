//! The listpack against a plain `Vec<Vec<u8>>`, against golden bytes, and against hostile bytes.

use super::*;
use proptest::prelude::*;

fn pack(elements: &[&[u8]]) -> Listpack {
    let mut list = Listpack::new();
    for element in elements {
        list.push_back(element);
    }
    list
}

fn contents(list: &Listpack) -> Vec<Vec<u8>> {
    list.iter().map(Element::to_vec).collect()
}

#[test]
fn it_is_two_words_wide() {
    assert_eq!(size_of::<Listpack>(), 16);
    assert_eq!(size_of::<Option<Listpack>>(), 16);
}

#[test]
fn entries_have_redis_bytes() {
    for (text, entry) in [
        (&b"0"[..], &[0x00, 1][..]),
        (b"127", &[0x7f, 1]),
        (b"128", &[0xc0, 0x80, 2]),
        (b"4095", &[0xcf, 0xff, 2]),
        (b"-1", &[0xdf, 0xff, 2]),
        (b"-4096", &[0xd0, 0x00, 2]),
        (b"4096", &[0xf1, 0x00, 0x10, 3]),
        (b"-32768", &[0xf1, 0x00, 0x80, 3]),
        (b"32768", &[0xf2, 0x00, 0x80, 0x00, 4]),
        (b"-8388608", &[0xf2, 0x00, 0x00, 0x80, 4]),
        (b"8388608", &[0xf3, 0x00, 0x00, 0x80, 0x00, 5]),
        (
            b"2147483648",
            &[0xf4, 0x00, 0x00, 0x00, 0x80, 0, 0, 0, 0, 9],
        ),
        (b"", &[0x80, 1]),
        (b"01", &[0x82, b'0', b'1', 3]),
        (b"-0", &[0x82, b'-', b'0', 3]),
        (b"abc", &[0x83, b'a', b'b', b'c', 4]),
    ] {
        let list = pack(&[text]);
        let bytes = list.bytes();
        assert_eq!(&bytes[6..bytes.len() - 1], entry, "{text:?}");
        assert_eq!(contents(&list), [text.to_vec()]);
    }
}

#[test]
fn long_texts_have_wide_lengths_and_back_lengths() {
    for length in [
        63usize, 64, 125, 126, 127, 4095, 4096, 16_377, 16_378, 16_384, 2_097_145, 2_097_146,
    ] {
        let text = vec![b'x'; length];
        let list = pack(&[b"before", &text, b"after"]);
        assert_eq!(Listpack::check(list.bytes()), Ok(3), "{length}");
        assert_eq!(list.get(-2), Some(Element::Text(&text)), "{length}");
    }
}

#[test]
fn the_count_is_walked_above_its_field() {
    let mut list = Listpack::new();
    for value in 0..70_000 {
        list.push_back_integer(value);
    }
    assert_eq!(list.len(), 70_000);
    assert_eq!(list.get(69_999), Some(Element::Integer(69_999)));
    assert_eq!(list.get(-70_000), Some(Element::Integer(0)));
    assert_eq!(list.get(-70_001), None);
    assert_eq!(list.remove_range(10, 69_980), 69_980);
    assert_eq!(list.len(), 20);
    assert_eq!(Listpack::check(list.bytes()), Ok(20));
}

#[test]
fn find_skips_what_it_is_told_to() {
    let list = pack(&[b"a", b"b", b"b", b"1", b"1", b"c", b"c", b"a"]);
    let found = |needle: &[u8], skip| {
        let position = list.find(needle, skip)?;
        list.positions().position(|other| other == position)
    };
    assert_eq!(found(b"b", 0), Some(1));
    assert_eq!(found(b"b", 1), Some(2));
    assert_eq!(found(b"1", 1), Some(4));
    assert_eq!(found(b"a", 1), Some(0));
    assert_eq!(found(b"01", 0), None);
    assert_eq!(found(b"d", 0), None);
    assert_eq!(Listpack::new().find(b"", 0), None);
}

#[test]
fn slack_stays_within_a_quarter() {
    let mut list = Listpack::new();
    for index in 0..3000u32 {
        list.push_back(format!("element {index}").as_bytes());
        let (used, allocated) = (list.bytes_len(), list.allocated_bytes());
        assert!(
            allocated - used < 16.max(used / 4),
            "{used} of {allocated} bytes"
        );
    }
    while list.remove_range(0, 7) > 0 {
        let (used, allocated) = (list.bytes_len(), list.allocated_bytes());
        assert!(allocated <= 16.max(used * 2), "{used} of {allocated} bytes");
    }
    assert_eq!(list, Listpack::new());
}

#[test]
fn hostile_blocks_are_refused() {
    let good = pack(&[b"abc", b"5", b"def"]).bytes().to_vec();
    assert_eq!(Listpack::check(&good), Ok(3));
    for cut in 0..good.len() {
        assert!(Listpack::check(&good[..cut]).is_err(), "cut at {cut}");
    }
    // A change of text or of a number's bits gives another good list; all else must be noticed.
    let free = [7, 8, 9, 13, 16, 17, 11];
    for at in (0..good.len()).filter(|at| !free.contains(at)) {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            if let Ok(list) = Listpack::from_bytes_checked(&bad) {
                assert_eq!(list.len(), 3, "bit {bit} of byte {at}");
            }
        }
    }
    // Count 65,535 is allowed for any number of elements.
    let mut unknown = good.clone();
    unknown[4] = 0xff;
    unknown[5] = 0xff;
    assert_eq!(Listpack::check(&unknown), Ok(3));
    // A back length of more bytes than its size needs is not what a writer makes.
    let long_back = [10, 0, 0, 0, 1, 0, 5, 0x00, 0x81, 0xff];
    assert!(Listpack::check(&long_back).is_err());
    // A text that claims four gigabytes.
    let huge = [14, 0, 0, 0, 1, 0, 0xf0, 0xff, 0xff, 0xff, 0xff, 1, 1, 0xff];
    assert_eq!(Listpack::check(&huge), Err(ListpackError::Entry { at: 6 }));
}

#[derive(Clone, Debug)]
enum Change {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize),
    RemoveRange(i64, usize),
    Pair(Vec<u8>, Vec<u8>),
    Merge(Vec<Vec<u8>>),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        4 => (-200i64..200).prop_map(|value| value.to_string().into_bytes()),
        2 => any::<i32>().prop_map(|value| value.to_string().into_bytes()),
        8 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => proptest::collection::vec(any::<u8>(), 60..140),
        1 => (4000usize..4200).prop_map(|length| vec![b'z'; length]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => text().prop_map(Change::PushBack),
        2 => text().prop_map(Change::PushFront),
        2 => (0usize..40, text()).prop_map(|(at, text)| Change::InsertBefore(at, text)),
        2 => (0usize..40, text()).prop_map(|(at, text)| Change::InsertAfter(at, text)),
        3 => (0usize..40, text()).prop_map(|(at, text)| Change::Replace(at, text)),
        2 => (0usize..40).prop_map(Change::Remove),
        1 => (-40i64..40, 0usize..10).prop_map(|(at, count)| Change::RemoveRange(at, count)),
        1 => (text(), text()).prop_map(|(one, two)| Change::Pair(one, two)),
        1 => proptest::collection::vec(text(), 0..5).prop_map(Change::Merge),
    ]
}

/// Does `change` to both; an index past the end is taken modulo the length.
fn apply(list: &mut Listpack, model: &mut Vec<Vec<u8>>, change: Change) {
    let place = |list: &Listpack, at: usize| {
        let index = at.checked_rem(list.len())?;
        let position = list.seek(i64::try_from(index).ok()?)?;
        Some((index, position))
    };
    match change {
        Change::PushBack(text) => {
            list.push_back(&text);
            model.push(text);
        }
        Change::PushFront(text) => {
            list.push_front(&text);
            model.insert(0, text);
        }
        Change::InsertBefore(at, text) => {
            if let Some((index, position)) = place(list, at) {
                let new = list.insert_before(position, &text);
                assert_eq!(list.element(new), Some(Element::Text(&text)));
                model.insert(index, text);
            }
        }
        Change::InsertAfter(at, text) => {
            if let Some((index, position)) = place(list, at) {
                let new = list.insert_after(position, &text);
                assert_eq!(list.element(new), Some(Element::Text(&text)));
                model.insert(index + 1, text);
            }
        }
        Change::Replace(at, text) => {
            if let Some((index, position)) = place(list, at) {
                assert_eq!(list.replace(position, &text), position);
                model[index] = text;
            }
        }
        Change::Remove(at) => {
            if let Some((index, position)) = place(list, at) {
                let next = list.remove(position);
                model.remove(index);
                let next = next
                    .and_then(|next| list.element(next))
                    .map(Element::to_vec);
                assert_eq!(next.as_ref(), model.get(index));
            }
        }
        Change::RemoveRange(at, count) => {
            let length = i64::try_from(model.len()).expect("small");
            let start = if at < 0 { length + at } else { at };
            let removed = list.remove_range(at, count);
            if (0..length).contains(&start) {
                let start = usize::try_from(start).expect("not negative");
                let end = (start + count).min(model.len());
                assert_eq!(removed, end - start);
                model.drain(start..end);
            } else {
                assert_eq!(removed, 0);
            }
        }
        Change::Pair(one, two) => {
            list.append_pair(&one, &two);
            model.extend([one, two]);
        }
        Change::Merge(texts) => {
            let other = pack(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>());
            list.merge(&other);
            model.extend(texts);
        }
    }
}

proptest! {
    #[test]
    fn it_is_a_list(changes in proptest::collection::vec(change(), 1..60)) {
        let mut list = Listpack::new();
        let mut model: Vec<Vec<u8>> = Vec::new();
        for change in changes {
            apply(&mut list, &mut model, change);
            prop_assert_eq!(Listpack::check(list.bytes()), Ok(model.len()));
            prop_assert_eq!(list.len(), model.len());
            prop_assert_eq!(list.is_empty(), model.is_empty());
            prop_assert_eq!(&contents(&list), &model);
            let mut backwards: Vec<_> = list.iter().rev().map(Element::to_vec).collect();
            backwards.reverse();
            prop_assert_eq!(&backwards, &model);
        }
        for (index, want) in model.iter().enumerate() {
            let index = i64::try_from(index).expect("small");
            prop_assert_eq!(list.get(index), Some(Element::Text(want)));
            let from_end = index - i64::try_from(model.len()).expect("small");
            prop_assert_eq!(list.get(from_end), Some(Element::Text(want)));
            let found = list.find(want, 0).and_then(|position| list.element(position));
            prop_assert_eq!(found, Some(Element::Text(want)));
        }
        let mut walked = Vec::new();
        let mut position = list.first();
        while let Some(at) = position {
            walked.push(at);
            position = list.next(at);
        }
        prop_assert!(list.positions().eq(walked.iter().copied()));
        let mut position = list.last();
        for at in walked.iter().rev() {
            prop_assert_eq!(position, Some(*at));
            position = list.prev(*at);
        }
        prop_assert_eq!(position, None);
        prop_assert_eq!(Listpack::from_bytes_checked(list.bytes()), Ok(list));
    }

    #[test]
    fn any_bytes_are_taken_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        honest_size: bool,
    ) {
        let mut bytes = bytes;
        if honest_size && bytes.len() >= 7 {
            let size = u32::try_from(bytes.len()).expect("small");
            bytes[..4].copy_from_slice(&size.to_le_bytes());
            bytes[4..6].fill(0xff);
            *bytes.last_mut().expect("seven bytes at least") = 0xff;
        }
        if let Ok(list) = Listpack::from_bytes_checked(&bytes) {
            prop_assert_eq!(list.iter().count(), list.len());
            prop_assert_eq!(list.iter().rev().count(), list.len());
        }
    }
}
