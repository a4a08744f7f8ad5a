//! Damaged and forged input: it is refused, never a panic, never more memory than it deserves.

use proptest::prelude::*;

use super::model::{Builder, read_file};
use crate::crc64;
use crate::rdb::{Part, RdbReader, Refused, RestoreError, restore};
use crate::samples::{files, samples_folder};
use crate::{FormatError, Listpack};

/// A payload with a right trailer around any body.
fn payload(body: &[u8], version: u16) -> Vec<u8> {
    let mut payload = body.to_vec();
    payload.extend(version.to_le_bytes());
    payload.extend(crc64(0, &payload).to_le_bytes());
    payload
}

fn refused_as_bad_data(body: &[u8]) -> bool {
    let result = restore(&payload(body, 10), &mut Builder::default());
    matches!(result, Err(RestoreError::BadData(_)))
}

/// A string of fewer than 64 bytes as it stands in a file.
fn string(text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 64);
    [&[length], text].concat()
}

fn packed(code: u8, elements: &[&str]) -> Vec<u8> {
    let mut list = Listpack::new();
    for element in elements {
        list.push_back(element.as_bytes());
    }
    [vec![code], string(list.bytes())].concat()
}

#[test]
fn values_that_break_their_types_rules_are_bad_data() {
    for (what, body) in [
        ("nothing", vec![]),
        ("type 6", vec![6, 1, 1, b'a']),
        ("type 8", vec![8, 1, b'a']),
        ("a string that ends early", vec![0, 5, b'a']),
        ("bytes after the value", vec![0, 1, b'a', 0]),
        ("an empty list", vec![1, 0]),
        ("an empty set", vec![2, 0]),
        ("an empty quicklist", vec![18, 0]),
        ("an empty hash in a listpack", packed(16, &[])),
        (
            "a quicklist of empty nodes",
            [vec![18, 1, 2], packed(0, &[])[1..].to_vec()].concat(),
        ),
        ("a node of kind 3", vec![18, 1, 3, 1, b'a']),
        ("a member twice", vec![2, 2, 1, b'a', 1, b'a']),
        ("a packed member twice", packed(20, &["a", "b", "a"])),
        (
            "a field twice",
            vec![4, 2, 1, b'a', 1, b'x', 1, b'a', 1, b'x'],
        ),
        ("a packed field twice", packed(16, &["a", "x", "a", "y"])),
        ("half a pair", packed(16, &["a", "x", "b"])),
        ("a packed score that is no number", packed(17, &["a", "x"])),
        ("a packed score that is NaN", packed(17, &["a", "nan"])),
        ("half a scored member", packed(17, &["a", "1", "b"])),
        ("a scored member twice", packed(17, &["a", "1", "a", "2"])),
        ("a text score NaN", vec![3, 1, 1, b'a', 253]),
        (
            "a text score that is no number",
            vec![3, 1, 1, b'a', 1, b'x'],
        ),
        (
            "a binary score NaN",
            [&[5, 1, 1, b'a'][..], &f64::NAN.to_le_bytes()].concat(),
        ),
        (
            "an intset out of order",
            [&[11][..], &string(&[2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0])].concat(),
        ),
        ("half a triple", packed(23, &["a", "x"])),
        ("a deadline that is no number", packed(23, &["a", "x", "y"])),
        (
            "a length of 2^63",
            vec![0, 0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ),
        (
            "2^64-1 members",
            vec![
                2, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, b'a',
            ],
        ),
        ("an invalid length", vec![0, 0x82]),
        ("an unknown string encoding", vec![0, 0xc4]),
        (
            "a compressed string of 4 GiB",
            vec![0, 0xc3, 1, 0x80, 0xff, 0xff, 0xff, 0xff, 0],
        ),
        ("an unknown opcode of a module", vec![7, 1, 6]),
    ] {
        assert!(refused_as_bad_data(&body), "{what} was taken");
    }
}

#[test]
fn trailers_are_looked_at_first() {
    let body = [0, 1, b'a'];
    assert!(restore(&payload(&body, 10), &mut Builder::default()).is_ok());
    for version in [0, 1, 9, 10, 11, 12, 13, 80] {
        assert!(
            restore(&payload(&body, version), &mut Builder::default()).is_ok(),
            "{version}"
        );
    }
    for version in [14, 79, 81, u16::MAX] {
        let result = restore(&payload(&body, version), &mut Builder::default());
        assert!(
            matches!(result, Err(RestoreError::VersionOrChecksum)),
            "{version}"
        );
    }
    for cut in 0..10 {
        let payload = &payload(&body, 10)[..cut];
        let result = restore(payload, &mut Builder::default());
        assert!(
            matches!(result, Err(RestoreError::VersionOrChecksum)),
            "{cut} bytes"
        );
    }
}

#[test]
fn an_unsorted_packed_zset_comes_member_by_member() {
    let mut builder = Builder::default();
    let mut starts = 0;
    let mut sink = |part: Part<'_>| {
        starts += usize::from(matches!(part, Part::ZsetStart { .. }));
        crate::rdb::ValueSink::part(&mut builder, part)
    };
    let body = packed(17, &["b", "2", "a", "1"]);
    assert!(restore(&payload(&body, 10), &mut sink).is_ok());
    assert_eq!(starts, 1);
}

#[test]
fn hints_never_pass_what_the_file_can_hold() {
    let body = [2, 0x80, 0xff, 0xff, 0xff, 0xff, 1, b'a'];
    let mut hint = None;
    let mut sink = |part: Part<'_>| {
        if let Part::SetStart { count_hint } = part {
            hint = Some(count_hint);
        }
        Ok::<(), Refused>(())
    };
    assert!(restore(&payload(&body, 10), &mut sink).is_err());
    assert_eq!(hint, Some(2));
}

#[test]
fn a_refusal_names_its_reason() {
    let mut sink = |_: Part<'_>| Err(Refused("no room"));
    let result = restore(&payload(&[0, 1, b'a'], 10), &mut sink);
    assert!(matches!(
        result,
        Err(RestoreError::BadData(Some(FormatError::Refused {
            reason: "no room",
            ..
        })))
    ));
}

#[test]
fn headers_are_told_apart() {
    let error = |bytes: &[u8]| {
        RdbReader::new(bytes, None)
            .map(drop)
            .expect_err("no header")
    };
    assert!(matches!(
        error(b"REDIS000"),
        FormatError::Truncated { at: 8 }
    ));
    assert!(matches!(
        error(b"*1\r\n$4\r\nPING"),
        FormatError::Magic { .. }
    ));
    assert!(matches!(error(b"REDIS00x1"), FormatError::Magic { .. }));
    assert!(matches!(
        error(b"REDIS0000"),
        FormatError::Version { version: 0 }
    ));
    assert!(matches!(
        error(b"REDIS0014"),
        FormatError::Version { version: 14 }
    ));
    assert!(matches!(
        error(b"VALKEY081"),
        FormatError::Version { version: 81 }
    ));
}

#[test]
fn every_cut_of_a_file_is_noticed() {
    let Some(folder) = samples_folder() else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    let small = |bytes: &Vec<u8>| bytes.len() < 1500;
    for file in files(&folder.join("fixtures"), ".rdb") {
        let bytes = std::fs::read(&file).expect("a sample");
        if !small(&bytes) || read_file(&bytes, true).is_err() {
            continue;
        }
        for cut in 0..bytes.len() {
            assert!(
                read_file(&bytes[..cut], cut % 2 == 0).is_err(),
                "{} cut at {cut}",
                file.display()
            );
        }
    }
}

#[test]
fn damage_in_samples_never_panics() {
    let Some(folder) = samples_folder() else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    // A generator of our own keeps the run the same every time.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below.max(1)
    };
    for part in ["fixtures", "gen", "corrupt"] {
        for file in files(&folder.join(part), ".rdb") {
            let bytes = std::fs::read(&file).expect("a sample");
            let _ = read_file_leniently(&bytes);
            if bytes.len() > 120_000 || bytes.is_empty() {
                continue;
            }
            for _ in 0..(200_000 / bytes.len()).clamp(4, 100) {
                let mut bad = bytes.clone();
                for _ in 0..=random(3) {
                    let at = random(bad.len());
                    bad[at] ^= 1 << random(8);
                }
                let _ = read_file_leniently(&bad);
            }
        }
    }
}

/// Reads with a sink that takes everything: damage may make keys or members come twice.
fn read_file_leniently(bytes: &[u8]) -> Result<(), FormatError> {
    let mut reader = RdbReader::new(bytes, None)?;
    while reader.next_record()?.is_some() {}
    Ok(())
}

proptest! {
    #[test]
    fn any_payload_is_taken_or_refused(code in 0u8..30, body in proptest::collection::vec(any::<u8>(), 0..80)) {
        let body = [&[code][..], &body].concat();
        for version in [10, 80] {
            let mut bytes = 0usize;
            let mut sink = |part: Part<'_>| {
                if let Part::SetStart { count_hint } | Part::HashStart { count_hint } = part {
                    bytes += count_hint;
                }
                Ok::<(), Refused>(())
            };
            let _ = restore(&payload(&body, version), &mut sink);
            prop_assert!(bytes <= body.len());
        }
    }
}
