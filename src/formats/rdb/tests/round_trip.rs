//! Whatever is written is read again as the same value, in files and in payloads.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::model::{Builder, Bytes, Entry, Keyspace, Packing, Value, dump, read_file, write_file};
use crate::rdb::{Compression, KeyAttributes, RestoreError, restore};

fn text() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        any::<i16>().prop_map(|value| value.to_string().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..30),
        (any::<u8>(), 20usize..3000).prop_map(|(byte, count)| vec![byte; count]),
        proptest::collection::vec(any::<u8>(), 60..80).prop_map(|part| part.repeat(300)),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<i32>().prop_map(f64::from),
        any::<f64>().prop_filter("a score is a number", |score| !score.is_nan()),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::String),
        proptest::collection::vec(text(), 1..20).prop_map(Value::List),
        proptest::collection::btree_map(text(), Just(()), 1..20).prop_map(Value::Set),
        proptest::collection::btree_map(text(), (text(), Just(None)), 1..20).prop_map(Value::Hash),
        proptest::collection::btree_map(text(), score(), 1..20).prop_map(Value::Zset),
        proptest::collection::btree_set(any::<i32>(), 1..20).prop_map(|set| {
            let members = set.iter().map(|value| (value.to_string().into_bytes(), ()));
            Value::Set(members.collect())
        }),
    ]
}

fn attributes() -> impl Strategy<Value = KeyAttributes> {
    (
        any::<Option<i64>>(),
        any::<Option<u32>>(),
        any::<Option<u8>>(),
    )
        .prop_map(|(expires_at_ms, idle, frequency)| KeyAttributes {
            expires_at_ms,
            idle_seconds: idle.map(u64::from),
            frequency,
        })
}

fn keyspace() -> impl Strategy<Value = Keyspace> {
    let entry = (attributes(), value()).prop_map(|(attributes, value)| Entry { attributes, value });
    let keys = proptest::collection::btree_map(text(), entry, 1..8);
    let databases = proptest::collection::btree_map(0u64..20, keys, 0..3);
    let aux = proptest::collection::vec((text(), text()), 0..3);
    let functions = proptest::collection::vec(text(), 0..3);
    (databases, aux, functions).prop_map(|(databases, aux, functions)| Keyspace {
        databases,
        aux,
        functions,
        ..Keyspace::default()
    })
}

fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![Just(Packing::Packed), Just(Packing::Plain)]
}

fn compression() -> impl Strategy<Value = Compression> {
    prop_oneof![Just(Compression::Lzf), Just(Compression::None)]
}

fn restored(payload: &[u8]) -> Result<Option<Value>, RestoreError> {
    let mut builder = Builder::default();
    restore(payload, &mut builder).map(|()| builder.value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_come_back(keyspace in keyspace(), packing in packing(), how in compression()) {
        let bytes = write_file(&keyspace, packing, how);
        let again = read_file(&bytes, how == Compression::None).expect("our own file");
        prop_assert_eq!(again, keyspace);
    }

    #[test]
    fn payloads_come_back(value in value(), packing in packing()) {
        let payload = dump(&value, packing);
        prop_assert_eq!(restored(&payload).expect("our own payload"), Some(value));
    }

    #[test]
    fn a_changed_payload_fails_its_checksum(value in value(), at: usize, bit in 0u8..8) {
        let mut payload = dump(&value, Packing::Packed);
        let at = at % payload.len();
        payload[at] ^= 1 << bit;
        prop_assert!(matches!(restored(&payload), Err(RestoreError::VersionOrChecksum)));
    }
}

#[test]
fn payloads_are_those_of_redis() {
    // What redis-server 7.0.15 answers to DUMP.
    let ten = dump(&Value::String(b"10".to_vec()), Packing::Packed);
    assert_eq!(ten, b"\x00\xc0\x0a\x0a\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb");
}

#[test]
fn strings_of_many_megabytes_stream_through() {
    let long: Bytes = (0u32..3_000_000).flat_map(u32::to_le_bytes).collect();
    let entry = Entry {
        attributes: KeyAttributes::default(),
        value: Value::String(long),
    };
    let keyspace = Keyspace {
        databases: BTreeMap::from([(0, BTreeMap::from([(b"long".to_vec(), entry)]))]),
        ..Keyspace::default()
    };
    for how in [Compression::Lzf, Compression::None] {
        let bytes = write_file(&keyspace, Packing::Plain, how);
        assert_eq!(read_file(&bytes, false).expect("our own file"), keyspace);
    }
}
