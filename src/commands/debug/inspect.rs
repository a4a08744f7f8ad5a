//! DEBUG on single values: how they are stored. Looking does not count as a use of a key.

use std::fmt::Write as _;

use holdfast_engine::digest::{self, Digest};
use holdfast_engine::keyspace::{DatabaseIndex, Entry};
use holdfast_engine::value::ValueRef;
use holdfast_engine::values::list::{ListValue, NodeBytes};
use holdfast_engine::{CommandError, number, saved};
use holdfast_formats::rdb::{Compression, DumpWriter};

use crate::core::Core;
use crate::session::Session;

/// Bytes of a DUMP payload that are not the value: its type before, version and checksum after.
const PAYLOAD_FRAME_BYTES: usize = 11;

fn find<'c>(core: &'c Core, session: &Session, key: &[u8]) -> Result<&'c Entry, CommandError> {
    let key = core.keyspace.key(key);
    core.keyspace
        .peek(session.database, key)
        .ok_or(CommandError::NoSuchKey)
}

/// DEBUG DIGEST-VALUE.
pub(super) fn digest_values(core: &Core, session: &mut Session, keys: &[&[u8]]) {
    session.out.reply.array(keys.len());
    for key in keys {
        let found = find(core, session, key);
        let digest = found.map_or(Digest::default(), |entry| digest::of_value(entry.value()));
        session.out.reply.simple(digest.to_string());
    }
}

/// DEBUG OBJECT.
pub(super) fn object(core: &Core, session: &mut Session, key: &[u8]) -> Result<(), CommandError> {
    // As it is stored: one that has expired, and that nobody has met yet, is shown.
    let hashed = core.keyspace.key(key);
    let stored = core.keyspace.stored(session.database, hashed);
    if stored.is_none() {
        find(core, session, key)?;
    }
    let entry = stored.ok_or(CommandError::NoSuchKey)?;
    core.keyspace.observe_all();
    let value = entry.value();
    let mut payload = DumpWriter::new(Compression::Lzf);
    saved::write_value(value, payload.value()).expect("memory takes every write");
    let serialized = payload.finish().len().saturating_sub(PAYLOAD_FRAME_BYTES);
    let clock = &core.keyspace.access;
    // Instead of an address, which clients must not learn, where the key belongs: as constant.
    let place = core.keyspace.key(key).place;
    let mut text = format!(
        "Value at:0x{:012x} refcount:1 encoding:{} serializedlength:{serialized} lru:{} lru_seconds_idle:{}",
        place.hash & 0xffff_ffff_ffff,
        value.encoding_name(),
        entry.access(),
        if clock.policy.counts_uses() {
            0
        } else {
            clock.idle_seconds(entry)
        },
    );
    if let ValueRef::List(list) = value {
        describe_list(core, list, &mut text);
    }
    session.out.reply.simple(text);
    Ok(())
}

fn describe_list(core: &Core, list: &ListValue, text: &mut String) {
    let (mut nodes, mut bytes) = (0_usize, 0);
    for node in list.nodes() {
        nodes += 1;
        bytes += match node {
            NodeBytes::Packed(block) => block.bytes().len(),
            NodeBytes::Plain(element) => element.len(),
        };
    }
    let mean = list.len() as f64 / nodes.max(1) as f64;
    let size_max = core.keyspace.encodings.list_max_listpack_size;
    write!(
        text,
        " ql_nodes:{nodes} ql_avg_node:{mean:.2} ql_listpack_max:{size_max} ql_compressed:0 ql_uncompressed_size:{bytes}"
    )
    .expect("a string takes every write");
}

/// DEBUG LISTPACK. Redis prints the listpack where nobody looks; here nothing is printed.
pub(super) fn listpack(core: &Core, session: &mut Session, key: &[u8]) -> Result<(), CommandError> {
    if find(core, session, key)?.value().encoding_name() != "listpack" {
        return Err(CommandError::NotAListpack);
    }
    session
        .out
        .reply
        .simple("Listpack structure printed on stdout");
    Ok(())
}

/// DEBUG HTSTATS.
pub(super) fn database_stats(
    core: &Core,
    session: &mut Session,
    number: &[u8],
) -> Result<(), CommandError> {
    let number = number::parse_i64(number).ok_or(CommandError::NotAnInteger)?;
    let database = u32::try_from(number)
        .ok()
        .filter(|&number| number < core.keyspace.databases_count())
        .map(DatabaseIndex)
        .ok_or(CommandError::DebugDatabase)?;
    core.keyspace.observe_all();
    let text = format!(
        "[Dictionary HT]\n{}[Expires HT]\n{}",
        table_text(core.keyspace.len(database)),
        table_text(core.keyspace.volatile_len(database))
    );
    session.out.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// DEBUG HTSTATS-KEY.
pub(super) fn value_stats(
    core: &Core,
    session: &mut Session,
    key: &[u8],
) -> Result<(), CommandError> {
    let value = find(core, session, key)?.value();
    let elements = match (value.encoding_name(), value) {
        ("hashtable", ValueRef::Hash(hash)) => hash.len(),
        ("hashtable", ValueRef::Set(set)) => set.len(),
        ("skiplist", ValueRef::SortedSet(set)) => set.len(),
        _ => return Err(CommandError::NotAHashTable),
    };
    session
        .out
        .reply
        .verbatim(*b"txt", table_text(elements).as_bytes());
    Ok(())
}

/// What Redis says of a hash table, as far as it is true of a table without chains.
fn table_text(elements: usize) -> String {
    let head = "Hash table 0 stats (main hash table):\n";
    if elements == 0 {
        return format!("{head}No stats available for empty dictionaries\n");
    }
    format!("{head} number of elements: {elements}\n")
}
