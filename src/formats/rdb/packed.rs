//! What must hold of a listpack beyond its own form, for each type that is kept in one.
//!
//! Called before a packed part is handed over, so that the engine can take it as it is.

use crate::integer::DecimalBuffer;
use crate::listpack::{Element, Listpack};

/// What a packed sorted set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZsetOrder {
    /// Ascending by score, then member: as servers keep it.
    Ascending,
    /// All pairs are good, but their order is not what servers keep.
    Other,
}

/// Up to so many elements a filter is tried before they are sorted.
const FILTERED_MAX: usize = 64;
/// Bits of the filter; a power of two.
const FILTER_BITS_LOG: u32 = 12;

/// Whether no two of `elements` are equal.
pub(super) fn all_differ<'a>(
    elements: impl Iterator<Item = Element<'a>> + Clone,
    count: usize,
) -> bool {
    if count <= FILTERED_MAX && all_hashes_differ(elements.clone()) {
        return true;
    }
    // Numbers and texts sort apart; a number that a foreign block holds as text counts as number.
    let mut keys: Vec<(Option<i64>, &[u8])> = Vec::with_capacity(count);
    for element in elements {
        keys.push(match (element, element.as_integer()) {
            (_, Some(value)) => (Some(value), &[]),
            (Element::Text(text), None) => (None, text),
            (Element::Integer(value), None) => (Some(value), &[]),
        });
    }
    keys.sort_unstable();
    keys.array_windows().all(|[one, two]| one != two)
}

/// Whether a quick look shows that all differ: each sets a bit of its own. Loading a file asks this
/// of every small hash, and sorting their fields took a third of the time.
fn all_hashes_differ<'a>(elements: impl Iterator<Item = Element<'a>>) -> bool {
    let mut filter = [0u64; 1 << (FILTER_BITS_LOG - 6)];
    for element in elements {
        let digest = match (element, element.as_integer()) {
            (_, Some(value)) | (Element::Integer(value), None) => {
                u64::from_le_bytes(value.to_le_bytes())
            }
            (Element::Text(text), None) => both_ends(text),
        };
        let hash = digest.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS_LOG);
        let word = usize::try_from(hash >> 6)
            .ok()
            .and_then(|at| filter.get_mut(at));
        let Some(word) = word else {
            return false;
        };
        let bit = 1u64.rotate_left(u32::try_from(hash & 63).unwrap_or(0));
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
    }
    true
}

/// A number made of the first and last eight bytes of a text: equal texts, equal numbers.
fn both_ends(text: &[u8]) -> u64 {
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first).rotate_left(29) ^ u64::from_le_bytes(*last)
        }
        _ => text
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    }
}

/// Whether `list` is whole pairs with no first half twice.
pub(super) fn is_map(list: &Listpack) -> bool {
    let count = list.len();
    count.is_multiple_of(2) && all_differ(list.iter().step_by(2), count / 2)
}

/// Whether `list` has no element twice.
pub(super) fn is_set(list: &Listpack) -> bool {
    all_differ(list.iter(), list.len())
}

/// Checks a packed sorted set; `None` if it is none: half a pair, a member twice, no score.
pub(super) fn zset_order(list: &Listpack) -> Option<ZsetOrder> {
    if !is_map(list) {
        return None;
    }
    let mut order = ZsetOrder::Ascending;
    let mut previous: Option<(f64, Element<'_>)> = None;
    for (member, score) in pairs(list) {
        let score = score_of(score)?;
        if let Some((previous_score, previous_member)) = previous
            && (previous_score > score
                || (previous_score == score && !is_below(previous_member, member)))
        {
            order = ZsetOrder::Other;
        }
        previous = Some((score, member));
    }
    Some(order)
}

/// Whether the bytes of `one` sort before those of `two`.
fn is_below(one: Element<'_>, two: Element<'_>) -> bool {
    let (mut one_buffer, mut two_buffer) = (DecimalBuffer::new(), DecimalBuffer::new());
    one.to_bytes(&mut one_buffer) < two.to_bytes(&mut two_buffer)
}

/// The elements of `list` two by two.
pub(super) fn pairs(list: &Listpack) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
    let mut elements = list.iter();
    std::iter::from_fn(move || Some((elements.next()?, elements.next()?)))
}

/// The score that an element states; `None` if it is no number.
pub(super) fn score_of(element: Element<'_>) -> Option<f64> {
    match element {
        Element::Integer(value) => match i32::try_from(value) {
            Ok(small) => Some(f64::from(small)),
            // The nearest double of a large integer is that of its text.
            Err(_) => parse_score(DecimalBuffer::new().format(value)),
        },
        Element::Text(text) => parse_score(text),
    }
}

/// A score written as text; `None` if it is no number.
pub(super) fn parse_score(text: &[u8]) -> Option<f64> {
    let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!score.is_nan()).then_some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(elements: &[&str]) -> Listpack {
        let mut list = Listpack::new();
        for element in elements {
            list.push_back(element.as_bytes());
        }
        list
    }

    #[test]
    fn maps_have_whole_pairs_and_no_key_twice() {
        assert!(is_map(&pack(&["a", "1", "b", "1"])));
        assert!(!is_map(&pack(&["a", "1", "a", "2"])));
        assert!(!is_map(&pack(&["1", "1", "1", "2"])));
        assert!(!is_map(&pack(&["a", "1", "b"])));
    }

    #[test]
    fn members_of_any_number_are_told_apart() {
        for count in [1usize, 2, 10, 60, 64, 65, 200] {
            let mut list = Listpack::new();
            for index in 0..count {
                list.push_back(format!("the same start {index} the same end").as_bytes());
                list.push_back_integer(i64::try_from(index).expect("small"));
            }
            assert!(is_set(&list), "{count}");
            for twice in [0, count - 1] {
                let mut list = list.clone();
                list.push_back(format!("the same start {twice} the same end").as_bytes());
                assert!(!is_set(&list), "{count}");
            }
            list.push_back(b"0");
            assert!(!is_set(&list), "{count}");
        }
    }

    #[test]
    fn a_number_kept_as_text_is_the_same_member() {
        // The second "5" is written as text, which no writer does but a forger can.
        let bytes = [12, 0, 0, 0, 2, 0, 0x05, 1, 0x81, b'5', 2, 0xff];
        let list = Listpack::from_bytes_checked(&bytes).expect("well formed");
        assert!(!is_set(&list));
    }

    #[test]
    fn sorted_sets_are_told_from_unsorted_and_from_none() {
        use ZsetOrder::{Ascending, Other};
        for (elements, want) in [
            (&["a", "1", "b", "1", "c", "1.5"][..], Some(Ascending)),
            (&["a", "-inf", "b", "inf"], Some(Ascending)),
            (&["b", "1", "a", "1"], Some(Other)),
            (&["a", "2", "b", "1"], Some(Other)),
            (&["a", "nan"], None),
            (&["a", "x"], None),
            (&["a", ""], None),
            (&["a", "1", "a", "2"], None),
            (&["a", "1", "b"], None),
        ] {
            assert_eq!(zset_order(&pack(elements)), want, "{elements:?}");
        }
    }
}
