//! Puts the first few of many in order. It could be any sort, were it not for members at the same
//! distance: which of them come first, and which are left out, is to be the same as in Redis.
//!
//! The method is the quicksort of Bentley and `McIlroy` ("Engineering a Sort Function", 1993), cut
//! short behind the elements that are wanted.

use std::cmp::Ordering;

/// Fewer elements than this are sorted by insertion, which keeps the order of equal ones.
const SMALL: usize = 7;
/// More elements than this have their pivot chosen among nine.
const LARGE: usize = 40;

/// Sorts, at least as far as the first `wanted` elements.
pub(super) fn sort_first<T>(items: &mut [T], wanted: usize, compare: &impl Fn(&T, &T) -> Ordering) {
    if wanted >= items.len() {
        items.sort_by(compare);
    } else {
        quicksort(items, wanted, compare);
    }
}

fn quicksort<T>(mut items: &mut [T], mut wanted: usize, compare: &impl Fn(&T, &T) -> Ordering) {
    while items.len() >= SMALL {
        let (less_count, greater_count) = partition(items, compare);
        if less_count > 1 {
            quicksort(&mut items[..less_count], wanted, compare);
        }
        let start = items.len() - greater_count;
        if greater_count <= 1 || start >= wanted {
            return;
        }
        items = &mut items[start..];
        wanted -= start;
    }
    items.sort_by(compare);
}

/// Brings what is less than some element to the front and what is greater to the back; returns how
/// many there are of each.
fn partition<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    let len = items.len();
    items.swap(0, pivot(items, compare));
    // Equal elements gather at both ends first: before `equal_end`, and behind `equal_start`.
    let (mut equal_end, mut low) = (1, 1);
    let (mut high, mut equal_start) = (len - 1, len - 1);
    loop {
        while low <= high {
            match compare(&items[low], &items[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    items.swap(equal_end, low);
                    equal_end += 1;
                }
                Ordering::Less => {}
            }
            low += 1;
        }
        while low <= high {
            match compare(&items[high], &items[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    items.swap(high, equal_start);
                    equal_start -= 1;
                }
                Ordering::Greater => {}
            }
            high -= 1;
        }
        if low > high {
            break;
        }
        items.swap(low, high);
        low += 1;
        high -= 1;
    }
    let (less_count, greater_count) = (low - equal_end, equal_start - high);
    swap_blocks(items, 0, low, equal_end.min(less_count));
    swap_blocks(items, low, len, greater_count.min(len - 1 - equal_start));
    (less_count, greater_count)
}

/// Exchanges `count` elements from `start` on with those before `end`.
fn swap_blocks<T>(items: &mut [T], start: usize, end: usize, count: usize) {
    for offset in 0..count {
        items.swap(start + offset, end - count + offset);
    }
}

/// Where the element to compare with is: in the middle or, of more elements, at the median of three
/// or of three medians.
fn pivot<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let (len, middle) = (items.len(), items.len() / 2);
    if len == SMALL {
        return middle;
    }
    let median = |one, two, three| median(items, compare, [one, two, three]);
    let (first, last) = (0, len - 1);
    if len <= LARGE {
        return median(first, middle, last);
    }
    let step = len / 8;
    median(
        median(first, first + step, first + 2 * step),
        median(middle - step, middle, middle + step),
        median(last - 2 * step, last - step, last),
    )
}

fn median<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering, at: [usize; 3]) -> usize {
    let [one, two, three] = at;
    let is_less = |a: usize, b: usize| compare(&items[a], &items[b]).is_lt();
    let is_greater = |a: usize, b: usize| compare(&items[a], &items[b]).is_gt();
    // Which one is taken of equal elements is a part of the outcome.
    if is_less(one, two) {
        if is_less(two, three) {
            two
        } else if is_less(one, three) {
            three
        } else {
            one
        }
    } else if is_greater(two, three) {
        two
    } else if is_less(one, three) {
        one
    } else {
        three
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers with names; only the numbers are compared.
    fn items(len: usize, bound: usize) -> Vec<(usize, usize)> {
        (0..len).map(|name| (name * 7919 % bound, name)).collect()
    }

    #[test]
    fn the_first_elements_are_in_order() {
        for len in [1_usize, 5, 6, 7, 8, 39, 40, 41, 100, 1000] {
            for bound in [1, 2, 10, 10_000] {
                for wanted in [1, 2, len / 2, len.saturating_sub(1), len, len + 1] {
                    let mut sorted = items(len, bound);
                    sort_first(&mut sorted, wanted, &|one, two| one.0.cmp(&two.0));
                    let numbers = |items: &[(usize, usize)]| -> Vec<usize> {
                        items.iter().take(wanted).map(|item| item.0).collect()
                    };
                    let mut want = items(len, bound);
                    want.sort_unstable();
                    assert_eq!(numbers(&sorted), numbers(&want), "{wanted} of {len}");
                    sorted.sort_unstable();
                    assert_eq!(sorted, want, "nothing is lost");
                }
            }
        }
    }

    #[test]
    fn equal_elements_come_as_in_redis() {
        // The last of a hundred members at one place is the pivot, so it comes first.
        let mut sorted = items(100, 1);
        sort_first(&mut sorted, 5, &|one, two| one.0.cmp(&two.0));
        let names: Vec<usize> = sorted.iter().take(5).map(|item| item.1).collect();
        assert_eq!(names, [99, 1, 2, 3, 4]);
    }
}
