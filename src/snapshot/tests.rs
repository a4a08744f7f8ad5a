//! Snapshots cut or changed at every byte, and the way there and back.

use holdfast_engine::commands::CommandTable;
use holdfast_engine::effects::Effects;
use holdfast_engine::keyspace::EvictionPolicy;
use holdfast_engine::{Caller, Engine, digest};
use holdfast_resp::{Protocol, Reply};

use super::*;

fn run(keyspace: &mut Keyspace, database: u32, line: &str) {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let (handler, name_words) = CommandTable::default()
        .find(&words)
        .expect("a command of the engine");
    let mut engine = Engine {
        keyspace,
        effects: &mut Effects::default(),
    };
    let outcome = engine.execute(
        handler,
        &words,
        name_words,
        DatabaseIndex(database),
        Caller::default(),
        &mut Reply::new(Protocol::Resp2),
    );
    assert_eq!(outcome.error, None, "{line}");
}

fn keyspace() -> Keyspace {
    let encodings = Encodings {
        hash_max_listpack_entries: 3,
        set_max_intset_entries: 3,
        list_max_listpack_size: 2,
        ..Encodings::default()
    };
    let mut keyspace = Keyspace::new(3, encodings, 1);
    keyspace.set_now_ms(1_000_000);
    for line in [
        "SET text some-text",
        "SET integer 12345",
        "SET volatile x PXAT 5000000",
        "APPEND edited abc",
        "HSET small-hash a 1 b 2",
        "HSET large-hash a 1 b 2 c 3 d 4",
        "SADD integers 1 2 3",
        "SADD words a b c d e",
        "RPUSH list a b c d e f",
        "XADD stream 1-1 f 1",
        "XADD stream 2-1 f 2 g 3",
        "XADD stream 3-1 f 4",
        "XDEL stream 2-1",
        "XGROUP CREATE stream group 0",
        "XGROUP CREATECONSUMER stream group idle",
        "XREADGROUP GROUP group consumer COUNT 1 STREAMS stream >",
    ] {
        run(&mut keyspace, 0, line);
    }
    run(&mut keyspace, 2, "SET elsewhere 1");
    keyspace
}

fn image(keyspace: &Keyspace) -> Vec<u8> {
    write(keyspace, Vec::new(), Compression::Lzf).expect("memory takes every write")
}

fn read_back(keyspace: &Keyspace, bytes: &[u8]) -> Result<Replacement, InstallError> {
    let mut replacement = keyspace.replacement();
    let size = Some(bytes.len() as u64);
    read(bytes, size, &keyspace.encodings, &mut replacement)?;
    Ok(replacement)
}

#[test]
fn what_is_read_back_is_equal_encodings_and_deadlines_included() {
    let keyspace = keyspace();
    let copy = read_back(&keyspace, &image(&keyspace)).expect("own bytes");
    assert_eq!(copy.digest(), digest::of_keyspace(&keyspace));
    for number in 0..keyspace.databases_count() {
        let database = DatabaseIndex(number);
        assert_eq!(copy.keyspace().len(database), keyspace.len(database));
        for entry in keyspace.iter(database) {
            let key = copy.keyspace().key(entry.key());
            let found = copy.keyspace().stored(database, key).expect("same digest");
            // How a string came to be what it is does not outlive it, in Redis neither.
            if entry.key() != b"edited" {
                let encodings = (found.value(), entry.value());
                assert_eq!(
                    encodings.0.encoding_name(),
                    encodings.1.encoding_name(),
                    "{}",
                    String::from_utf8_lossy(entry.key())
                );
            }
        }
    }
}

#[test]
fn a_round_trip_changes_nothing_and_keeps_what_is_dirty() {
    let mut keyspace = keyspace();
    let before = (
        digest::of_keyspace(&keyspace),
        keyspace.dirty.need_of_all(),
        keyspace.changes_count,
    );
    reload::round_trip(&mut keyspace, Compression::None).expect("own bytes");
    let after = (
        digest::of_keyspace(&keyspace),
        keyspace.dirty.need_of_all(),
        keyspace.changes_count,
    );
    assert_eq!(after, before);
    run(&mut keyspace, 0, "RPUSH list g");
}

#[test]
fn a_snapshot_that_was_cut_or_changed_is_refused_wherever_that_is() {
    let keyspace = keyspace();
    let bytes = image(&keyspace);
    for end in 0..bytes.len() {
        assert!(
            read_back(&keyspace, &bytes[..end]).is_err(),
            "cut at byte {end}"
        );
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        // In the version a change may give another one that is known, which the checksum covers.
        assert!(
            read_back(&keyspace, &changed).is_err(),
            "changed at byte {at}"
        );
    }
}

#[test]
fn keys_of_a_database_that_does_not_exist_are_refused() {
    let bytes = image(&keyspace());
    let fewer = Keyspace::new(2, Encodings::default(), 1);
    let refused = read_back(&fewer, &bytes).map(drop);
    assert!(
        matches!(refused, Err(InstallError::Database(2))),
        "{refused:?}"
    );
}

#[test]
fn ages_are_written_under_the_policies_that_look_at_them() {
    let mut keyspace = keyspace();
    keyspace.access.policy = EvictionPolicy::AllKeysLru;
    keyspace.set_now_ms(1_100_000);
    let copy = read_back(&keyspace, &image(&keyspace)).expect("own bytes");
    let key = copy.keyspace().key(b"text");
    let found = copy.keyspace().stored(DatabaseIndex(0), key);
    let idle = found.map(|entry| copy.keyspace().access.idle_seconds(entry));
    assert_eq!(idle, Some(100));
}

#[test]
fn an_expired_key_that_nobody_has_removed_is_kept() {
    let mut keyspace = keyspace();
    keyspace.set_now_ms(6_000_000);
    let copy = read_back(&keyspace, &image(&keyspace)).expect("own bytes");
    assert_eq!(copy.digest(), digest::of_keyspace(&keyspace));
    assert_eq!(copy.keyspace().volatile_len(DatabaseIndex(0)), 1);
}
