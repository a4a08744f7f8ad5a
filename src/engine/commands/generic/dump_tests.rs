//! DUMP and RESTORE. The payloads are what Redis 7.0.15 answers for the same values.

use crate::commands::testing::Harness;
use crate::digest;
use crate::keyspace::EvictionPolicy;

const HELLO: &[u8] = b"\x00\x05hello\x0a\x00\x63\x72\xdf\x76\x65\x34\x20\x0a";
const PAYLOADS: &[&[u8]] = &[
    HELLO,
    b"\x00\xc1\x39\x30\x0a\x00\x9d\x94\xea\x27\x93\xfc\x08\xb9",
    b"\x12\x01\x02\x0f\x0f\x00\x00\x00\x03\x00\x81\x61\x02\x81\x62\x02\x03\x01\xff\x0a\x00\xdc\xa1\xe6\x7d\x50\x05\x50\x48",
    b"\x0b\x0e\x02\x00\x00\x00\x03\x00\x00\x00\x01\x00\x02\x00\x03\x00\x0a\x00\xa5\x02\x5c\xe2\x6d\x6e\x4d\x1b",
    b"\x10\x12\x12\x00\x00\x00\x04\x00\x81\x66\x02\x81\x76\x02\x81\x67\x02\x01\x01\xff\x0a\x00\x23\xc1\xa5\xe3\x5d\xfa\xe8\x1c",
    b"\x11\x14\x14\x00\x00\x00\x04\x00\x81\x61\x02\x01\x01\x81\x62\x02\x83\x32\x2e\x35\x04\xff\x0a\x00\xd4\x4c\x6e\xa4\xf6\x44\xd9\xd7",
    b"\x00\x00\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda",
];

fn restore(harness: &mut Harness, payload: &[u8], before: &str, after: &str) -> String {
    let mut words: Vec<&[u8]> = vec![b"RESTORE"];
    words.extend(before.split_whitespace().map(str::as_bytes));
    words.push(payload);
    words.extend(after.split_whitespace().map(str::as_bytes));
    harness.run_words(&words)
}

#[test]
fn what_is_restored_is_dumped_the_same() {
    let mut harness = Harness::new();
    for payload in PAYLOADS {
        assert_eq!(restore(&mut harness, payload, "a 0", "REPLACE"), "+OK");
        let reply = harness.run("DUMP a");
        let want = format!("${}|{}", payload.len(), String::from_utf8_lossy(payload));
        assert_eq!(reply, want.replace("\r\n", "|"), "{payload:x?}");
    }
    assert_eq!(harness.run("DUMP none"), "$-1");
}

#[test]
fn large_collections_come_back_as_they_were() {
    let mut harness = Harness::new();
    for number in 0..600 {
        harness.run(&format!("SADD set member:{number}"));
        harness.run(&format!("HSET hash field:{number} value:{number}"));
    }
    for name in ["set", "hash"] {
        let key = harness.keyspace.key(name.as_bytes());
        let entry = harness
            .keyspace
            .stored(harness.database, key)
            .expect("it was just made");
        let before = digest::of_value(entry.value());
        let mut writer = holdfast_formats::rdb::DumpWriter::new(Default::default());
        crate::saved::write_value(entry.value(), writer.value()).expect("memory does not fail");
        assert_eq!(
            restore(&mut harness, &writer.finish(), "copy 0", "REPLACE"),
            "+OK"
        );
        let key = harness.keyspace.key(b"copy");
        let entry = harness
            .keyspace
            .stored(harness.database, key)
            .expect("it was just restored");
        assert_eq!(digest::of_value(entry.value()), before, "{name}");
        assert_eq!(entry.value().encoding_name(), "hashtable");
    }
}

#[test]
fn restore_takes_a_time_to_live() {
    let mut harness = Harness::new();
    harness.listen();
    assert_eq!(restore(&mut harness, HELLO, "a 1500", ""), "+OK");
    assert!(
        harness.logged.starts_with("RESTORE a 1700000001500 "),
        "{}",
        harness.logged
    );
    assert!(
        harness.logged.ends_with(" ABSTTL") && !harness.logged.contains("REPLACE"),
        "{}",
        harness.logged
    );
    assert_eq!(harness.heard(), "restore a");
    assert_eq!(harness.run("PTTL a"), ":1500");
    assert_eq!(
        restore(&mut harness, HELLO, "a 1700000000001", "ABSTTL REPLACE"),
        "+OK"
    );
    assert_eq!(harness.run("PTTL a"), ":1");
    assert_eq!(restore(&mut harness, HELLO, "a 1", "REPLACE ABSTTL"), "+OK");
    assert_eq!(harness.logged, "DEL a");
    assert_eq!(restore(&mut harness, HELLO, "a 1", "ABSTTL"), "+OK");
    assert_eq!(harness.logged, "");
    assert_eq!(harness.run("EXISTS a"), ":0");
}

#[test]
fn restore_takes_the_use_of_a_key() {
    let mut harness = Harness::new();
    restore(&mut harness, HELLO, "a 0", "IDLETIME 1000");
    assert_eq!(harness.run("OBJECT IDLETIME a"), ":1000");
    restore(&mut harness, HELLO, "a 0", "REPLACE FREQ 100");
    assert_eq!(harness.run("OBJECT IDLETIME a"), ":0");
    harness.keyspace.access.policy = EvictionPolicy::AllKeysLfu;
    restore(&mut harness, HELLO, "a 0", "REPLACE FREQ 100");
    assert_eq!(harness.run("OBJECT FREQ a"), ":100");
}

#[test]
fn what_cannot_be_restored_changes_nothing() {
    let mut harness = Harness::new();
    harness.run("SET a 1");
    let bad = b"\x12\x00\x0a\x00".as_slice();
    let empty_list = [bad, &holdfast_formats::crc64(0, bad).to_le_bytes()].concat();
    for (payload, before, after, want) in [
        (HELLO, "a 0", "", "-BUSYKEY Target key name already exists."),
        (HELLO, "a x", "", "-BUSYKEY Target key name already exists."),
        (HELLO, "b -1", "", "-ERR Invalid TTL value, must be >= 0"),
        (
            HELLO,
            "b x",
            "",
            "-ERR value is not an integer or out of range",
        ),
        (HELLO, "b 0", "foo", "-ERR syntax error"),
        (HELLO, "b 0", "FREQ 5 IDLETIME 5", "-ERR syntax error"),
        (HELLO, "b 0", "IDLETIME 5 FREQ 5", "-ERR syntax error"),
        (
            HELLO,
            "b 0",
            "IDLETIME -1",
            "-ERR Invalid IDLETIME value, must be >= 0",
        ),
        (
            HELLO,
            "b 0",
            "FREQ 256",
            "-ERR Invalid FREQ value, must be >= 0 and <= 255",
        ),
        (
            HELLO,
            "b 0",
            "FREQ x",
            "-ERR value is not an integer or out of range",
        ),
        (
            b"foo",
            "b 0",
            "",
            "-ERR DUMP payload version or checksum are wrong",
        ),
        (&empty_list, "b 0", "", "-ERR Bad data format"),
    ] {
        assert_eq!(
            restore(&mut harness, payload, before, after),
            want,
            "{before} {after}"
        );
        assert_eq!(harness.logged, "");
    }
}
