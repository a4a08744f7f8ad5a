//! The bytes of HyperLogLogs, which are Redis's, and what becomes of bytes that are not.

use super::*;

/// Elements `first`, `first + 1`, … as texts.
fn numbers(first: u32, count: u32) -> impl Iterator<Item = String> {
    (first..first + count).map(|number| number.to_string())
}

fn with<'a>(elements: impl IntoIterator<Item = &'a str>, sparse_bytes_max: usize) -> Vec<u8> {
    let mut bytes = empty();
    for element in elements {
        add(&mut bytes, element.as_bytes(), sparse_bytes_max).expect("it is sound");
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn registers(bytes: &[u8]) -> Registers {
    let mut registers = Registers::default();
    registers.merge(bytes).expect("it is sound");
    registers
}

#[test]
fn bytes_are_those_of_redis() {
    assert_eq!(hex(&empty()), "48594c4c0100000000000000000000007fff");
    // From redis-server 7.0.15: PFADD h a b c d e f g, then GET h.
    assert_eq!(
        hex(&with(["a", "b", "c", "d", "e", "f", "g"], 3000)),
        "48594c4c010000000000000000000080466d80560c80443c84388050b184498c80426d80425a"
    );
}

#[test]
fn both_encodings_have_the_same_registers_and_the_same_estimate() {
    let mut sparse = empty();
    let mut dense = empty();
    assert_eq!(make_dense(&mut dense), Ok(true));
    assert_eq!(make_dense(&mut dense), Ok(false));
    assert_eq!(dense.len(), 12_304);
    for element in numbers(0, 3_000) {
        let one = add(&mut sparse, element.as_bytes(), usize::MAX);
        let other = add(&mut dense, element.as_bytes(), usize::MAX);
        assert_eq!(one, other, "{element}");
    }
    assert_eq!(encoding(&sparse), Some(Encoding::Sparse));
    assert_eq!(encoding(&dense), Some(Encoding::Dense));
    assert_eq!(registers(&sparse).all(), registers(&dense).all());
    assert_eq!(estimate_of(&sparse), estimate_of(&dense));
    assert_eq!(estimate_of(&dense), Ok(registers(&dense).estimate()));
    assert_eq!(make_dense(&mut sparse), Ok(true));
    assert_eq!(sparse[HEADER_BYTES..], dense[HEADER_BYTES..]);
}

#[test]
fn runs_become_dense_when_they_are_too_long() {
    let elements: Vec<String> = numbers(0, 100).collect();
    let long = with(elements.iter().map(String::as_str), 3000);
    let short = with(elements.iter().map(String::as_str), 100);
    assert_eq!(encoding(&long), Some(Encoding::Sparse));
    assert_eq!(encoding(&short), Some(Encoding::Dense));
    assert_eq!(registers(&long).all(), registers(&short).all());
}

#[test]
fn ranks_above_the_largest_value_of_a_run_make_it_dense() {
    let mut bytes = empty();
    assert_eq!(raise(&mut bytes, 5, 32, 3000), Ok(true));
    assert_eq!(encoding(&bytes), Some(Encoding::Sparse));
    assert_eq!(raise(&mut bytes, REGISTERS_COUNT - 1, 33, 3000), Ok(true));
    assert_eq!(encoding(&bytes), Some(Encoding::Dense));
    let registers = registers(&bytes);
    assert_eq!((registers.all()[5], registers.all()[16_383]), (32, 33));
}

#[test]
fn neighbours_of_equal_value_share_a_run() {
    let mut bytes = empty();
    for index in [10, 12, 11, 13, 14] {
        raise(&mut bytes, index, 3, 3000).expect("it is sound");
    }
    let found: Vec<Run> = runs(&bytes[HEADER_BYTES..]).collect();
    let zeros = |len, bytes_len| Run::Zeros { len, bytes_len };
    let value = |value, len| Run::Value { value, len };
    assert_eq!(
        found,
        [zeros(10, 1), value(3, 4), value(3, 1), zeros(16_369, 2)]
    );
    raise(&mut bytes, 11, 9, 3000).expect("it is sound");
    let found: Vec<Run> = runs(&bytes[HEADER_BYTES..]).collect();
    assert_eq!(found[1..4], [value(3, 1), value(9, 1), value(3, 3)]);
}

#[test]
fn the_last_count_is_kept_until_a_register_changes() {
    let mut bytes = empty();
    assert_eq!(last_count(&bytes), Some(0));
    assert_eq!(add(&mut bytes, b"a", 3000), Ok(true));
    assert_eq!(last_count(&bytes), None);
    let (at, coded) = count_bytes(1);
    bytes[at..at + 8].copy_from_slice(&coded);
    assert_eq!(add(&mut bytes, b"a", 3000), Ok(false));
    assert_eq!(last_count(&bytes), Some(1));
}

#[test]
fn estimates_are_within_the_margin_of_error() {
    for count in [1, 10, 100, 1_000, 10_000, 100_000] {
        let elements: Vec<String> = numbers(7, count).collect();
        let bytes = with(elements.iter().map(String::as_str), 3000);
        let estimate = estimate_of(&bytes).expect("it is sound");
        let error = estimate.abs_diff(count.into()) as f64 / f64::from(count);
        assert!(error < 0.03, "{estimate} of {count}");
    }
}

#[test]
fn what_is_none_is_not_taken_for_one() {
    let dense = {
        let mut bytes = empty();
        make_dense(&mut bytes).expect("it is sound");
        bytes
    };
    assert_eq!(encoding(&dense), Some(Encoding::Dense));
    assert_eq!(encoding(&dense[..dense.len() - 1]), None);
    assert_eq!(encoding(&empty()[..HEADER_BYTES - 1]), None);
    assert_eq!(encoding(b"HYLX\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"), None);
    assert_eq!(encoding(b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"), None);
}

#[test]
fn runs_that_do_not_cover_all_registers_are_corrupt() {
    for runs in [
        &b""[..],
        b"\x7f\xfe",
        b"\x7f\xff\x00",
        b"\x7f",
        b"\x3f\xff",
        b"\x7f\xfe\x83",
    ] {
        let mut bytes = empty();
        bytes.splice(HEADER_BYTES.., runs.iter().copied());
        let before = bytes.clone();
        assert_eq!(estimate_of(&bytes), Err(Corrupt), "{runs:?}");
        assert_eq!(Registers::default().merge(&bytes), Err(Corrupt), "{runs:?}");
        assert_eq!(make_dense(&mut bytes), Err(Corrupt), "{runs:?}");
        assert_eq!(bytes, before, "{runs:?}");
    }
    let mut bytes = empty();
    bytes.truncate(HEADER_BYTES);
    assert_eq!(raise(&mut bytes, 0, 1, 3000), Err(Corrupt));
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005) + 1;
        state >> 33
    };
    for _ in 0..3_000 {
        let mut bytes = empty();
        let len = random() % 30;
        bytes.truncate(HEADER_BYTES);
        bytes.extend((0..len).map(|_| random().to_le_bytes()[0]));
        let element = random().to_le_bytes();
        // What the outcome is depends on the bytes; it is one of the two.
        let added = add(&mut bytes, &element, 3000);
        assert!(matches!(added, Ok(_) | Err(Corrupt)));
        let estimate = estimate_of(&bytes);
        let merged = Registers::default().merge(&bytes);
        assert_eq!(estimate.is_ok(), merged.is_ok());
    }
}
