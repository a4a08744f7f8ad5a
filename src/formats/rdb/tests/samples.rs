//! Files of real servers, of every version, against what those servers answered.
//!
//! The samples lie beside the repository, not in it: without them these tests say so and pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value as Json, json};

use super::model::{Entry, Keyspace, Packing, Stream, Value, read_file, write_file};
use crate::rdb::{Compression, StreamId};
use crate::samples::{files, samples_folder};
use crate::{DecimalBuffer, Element};

/// Files that no released server reads either, and why.
const UNREADABLE: &[(&str, &str)] = &[
    (
        "fixtures/librdb/redis_ent_opcode_ram_lru.rdb",
        "private opcodes of Redis Enterprise",
    ),
    (
        "fixtures/valkey/corrupt_ziplist.rdb",
        "a ziplist damaged on purpose",
    ),
    (
        "fixtures/replicator/module.rdb",
        "a module value of a release candidate",
    ),
    ("fixtures/shake/dump.rdb", "not an RDB file"),
];

fn truth_of(file: &Path) -> Option<Json> {
    let name = file.to_str().expect("sample names are text");
    let stem = name.strip_suffix(".rdb").unwrap_or(name);
    for start in [name, stem] {
        // Where there are both, the packed one is whole.
        let packed = format!("{start}.truth.json.gz");
        if Path::new(&packed).exists() {
            let output = Command::new("gzip").arg("-dc").arg(&packed).output();
            let text = output.expect("gzip is installed").stdout;
            return Some(serde_json::from_slice(&text).expect("a truth file"));
        }
        if let Ok(text) = std::fs::read(format!("{start}.truth.json")) {
            return Some(serde_json::from_slice(&text).expect("a truth file"));
        }
    }
    None
}

/// Bytes as truth files hold them: one character each.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn id_text(id: StreamId) -> String {
    format!("{}-{}", id.ms, id.sequence)
}

fn entry_json(entry: &Entry) -> Json {
    let mut json = match &entry.value {
        Value::String(text) => json!({"type": "string", "value": latin1(text)}),
        Value::List(list) => {
            let list: Vec<_> = list.iter().map(|element| latin1(element)).collect();
            json!({"type": "list", "value": list})
        }
        Value::Set(set) => {
            let mut set: Vec<_> = set.keys().map(|member| latin1(member)).collect();
            set.sort();
            json!({"type": "set", "value": set})
        }
        Value::Hash(hash) => {
            let fields: Map<String, Json> = hash
                .iter()
                .map(|(field, (value, _))| (latin1(field), json!(latin1(value))))
                .collect();
            let deadlines: Map<String, Json> = hash
                .iter()
                .filter_map(|(field, (_, at))| Some((latin1(field), json!((*at)?))))
                .collect();
            let mut json = json!({"type": "hash", "value": fields});
            if !deadlines.is_empty() {
                json["field_expire_at_ms"] = deadlines.into();
            }
            json
        }
        Value::Zset(zset) => {
            let scores: Map<String, Json> = zset
                .iter()
                .map(|(member, score)| (latin1(member), score_json(*score)))
                .collect();
            json!({"type": "zset", "value": scores})
        }
        Value::Stream(stream) => stream_json(stream),
        Value::Module(..) => json!({"type": "module"}),
    };
    let attributes = entry.attributes;
    if let Some(at) = attributes.expires_at_ms {
        json["expire_at_ms"] = json!(at);
    }
    if let Some(seconds) = attributes.idle_seconds {
        json["lru_idle_s"] = json!(seconds);
    }
    if let Some(frequency) = attributes.frequency {
        json["lfu_freq"] = json!(frequency);
    }
    json
}

/// Zero has two signs in binary files and one in the answers of servers.
fn score_json(score: f64) -> Json {
    json!((score + 0.0).to_string())
}

fn stream_json(stream: &Stream) -> Json {
    let meta = stream.meta.expect("every stream has it");
    let groups: Vec<_> = stream
        .groups
        .iter()
        .map(|group| {
            let mut consumers: Vec<_> = group.consumers.iter().map(|c| latin1(&c.0)).collect();
            consumers.sort();
            let pending: Vec<_> = group
                .pending
                .iter()
                .map(|(id, delivered_ms, deliveries, consumer)| {
                    let name = latin1(&group.consumers[*consumer].0);
                    json!([id_text(*id), name, delivered_ms, deliveries])
                })
                .collect();
            json!({
                "name": latin1(&group.name),
                "last_delivered_id": id_text(group.last_id),
                "entries_read": group.entries_read,
                "consumers": consumers,
                "pending": pending,
            })
        })
        .collect();
    let mut json = json!({
        "type": "stream",
        "value": stream_entries(stream),
        "length": meta.length,
        "last_id": id_text(meta.last_id),
        "groups": groups,
    });
    if let Some(counters) = meta.counters {
        json["first_id"] = json!(id_text(counters.first_id));
        json["max_deleted_id"] = json!(id_text(counters.max_deleted_id));
        json["entries_added"] = json!(counters.entries_added);
    }
    json
}

/// The entries that are not deleted, as `[id, [field, value, …]]`.
fn stream_entries(stream: &Stream) -> Vec<Json> {
    let mut entries = Vec::new();
    for (master, node) in &stream.nodes {
        let mut elements = node.iter();
        let number = |elements: &mut dyn Iterator<Item = Element<'_>>| {
            elements
                .next()
                .and_then(Element::as_integer)
                .expect("checked")
        };
        let (_, _) = (number(&mut elements), number(&mut elements));
        let fields: Vec<_> = (0..number(&mut elements))
            .map(|_| elements.next().expect("checked").to_vec())
            .collect();
        elements.next();
        while let Some(flags) = elements.next().and_then(Element::as_integer) {
            let ms = master.ms.wrapping_add_signed(number(&mut elements));
            let sequence = master.sequence.wrapping_add_signed(number(&mut elements));
            let mut body = Vec::new();
            let mut text = |element: Option<Element<'_>>| {
                let mut buffer = DecimalBuffer::new();
                body.push(latin1(element.expect("checked").to_bytes(&mut buffer)));
            };
            if flags & 2 != 0 {
                for field in &fields {
                    text(Some(Element::Text(field)));
                    text(elements.next());
                }
            } else {
                for _ in 0..number(&mut elements) {
                    text(elements.next());
                    text(elements.next());
                }
            }
            elements.next();
            if flags & 1 == 0 {
                entries.push(json!([id_text(StreamId { ms, sequence }), body]));
            }
        }
    }
    entries
}

/// Differences that are none: the form of scores, the order of names, what an old file lacks.
fn normalise(truth: &Json, ours: &Json) -> Json {
    let mut truth = truth.clone();
    let Some(object) = truth.as_object_mut() else {
        return truth;
    };
    object.retain(|name, _| ours.get(name).is_some());
    match ours["type"].as_str() {
        Some("zset") => {
            for score in object["value"]
                .as_object_mut()
                .expect("scores")
                .values_mut()
            {
                let number: f64 = score.as_str().expect("text").parse().expect("a score");
                *score = score_json(number);
            }
        }
        Some("module") => {
            object.remove("value");
        }
        Some("stream") => {
            // A few old files state another length than they have entries.
            object["length"] = json!(object["value"].as_array().map(Vec::len));
            for group in object["groups"].as_array_mut().expect("groups") {
                let group = group.as_object_mut().expect("a group");
                group.entry("entries_read").or_insert(Json::Null);
                let consumers = group["consumers"].as_array_mut().expect("consumers");
                for consumer in consumers.iter_mut() {
                    if let Some(name) = consumer.get("name").cloned() {
                        *consumer = name;
                    }
                }
                consumers.sort_by_key(|name| name.as_str().map(str::to_owned));
                group.retain(|name, _| {
                    [
                        "name",
                        "last_delivered_id",
                        "entries_read",
                        "consumers",
                        "pending",
                    ]
                    .contains(&name.as_str())
                });
            }
        }
        _ => {}
    }
    truth
}

/// Every difference between a file and its truth, as text.
fn differences(keyspace: &Keyspace, truth: &Json) -> Vec<String> {
    let mut differences = Vec::new();
    let mut expected: BTreeMap<(u64, String), &Json> = BTreeMap::new();
    for (number, keys) in truth["dbs"].as_object().expect("databases") {
        for (key, entry) in keys.as_object().expect("keys") {
            expected.insert((number.parse().expect("a number"), key.clone()), entry);
        }
    }
    for (number, keys) in &keyspace.databases {
        for (key, entry) in keys {
            let key = latin1(key);
            let ours = entry_json(entry);
            match expected.remove(&(*number, key.clone())) {
                None => differences.push(format!("{number}/{key} is not in the truth")),
                Some(truth) => {
                    let want = normalise(truth, &ours);
                    if want != ours {
                        let ours: String = ours.to_string().chars().take(300).collect();
                        let want: String = want.to_string().chars().take(300).collect();
                        differences.push(format!("{number}/{key}: {ours} is to be {want}"));
                    }
                }
            }
        }
    }
    for empty in &keyspace.empty {
        expected.retain(|(_, key), _| *key != latin1(empty));
    }
    differences.extend(expected.keys().map(|key| format!("{key:?} is missing")));
    // Functions of release candidates are passed over.
    if let Some(functions) = truth["functions"].as_array()
        && keyspace.not_kept.is_empty()
    {
        let mut want: Vec<_> = functions.iter().filter_map(Json::as_str).collect();
        let mut ours: Vec<_> = keyspace.functions.iter().map(|f| latin1(f)).collect();
        want.sort_unstable();
        ours.sort_unstable();
        if want != ours {
            differences.push(format!("functions {ours:?} are to be {want:?}"));
        }
    }
    differences
}

#[test]
fn files_of_every_version_hold_what_their_servers_said() {
    let Some(folder) = samples_folder() else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    let mut problems = Vec::new();
    let mut checked = 0;
    for part in ["fixtures", "gen", "corrupt"] {
        for file in files(&folder.join(part), ".rdb") {
            let name = file
                .strip_prefix(&folder)
                .expect("below")
                .display()
                .to_string();
            if part == "corrupt" && !name.ends_with("/base.rdb") {
                continue;
            }
            let bytes = std::fs::read(&file).expect("a sample");
            let result = read_file(&bytes, true);
            if let Some((_, why)) = UNREADABLE.iter().find(|(other, _)| *other == name) {
                assert!(result.is_err(), "{name} was read: {why}");
                continue;
            }
            let Some(truth) = truth_of(&file) else {
                problems.push(format!("{name}: no truth"));
                continue;
            };
            match result {
                Err(error) => problems.push(format!("{name}: {error}")),
                Ok(keyspace) => {
                    let found = differences(&keyspace, &truth);
                    problems.extend(found.iter().take(3).map(|text| format!("{name}: {text}")));
                    checked += 1;
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(checked > 100, "only {checked} files");
}

#[test]
fn what_was_read_is_written_and_read_again() {
    let Some(folder) = samples_folder() else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    for file in files(&folder.join("gen"), ".rdb") {
        let bytes = std::fs::read(&file).expect("a sample");
        let mut keyspace = read_file(&bytes, false).expect("a good sample");
        drop_what_version_10_lacks(&mut keyspace);
        for packing in [Packing::Packed, Packing::Plain] {
            let written = write_file(&keyspace, packing, Compression::Lzf);
            let mut again = read_file(&written, true).expect("our own file");
            drop_what_version_10_lacks(&mut again);
            assert_eq!(again, keyspace, "{} {packing:?}", file.display());
        }
    }
}

/// Deadlines of hash fields, and counters that old files do not have.
pub(super) fn drop_what_version_10_lacks(keyspace: &mut Keyspace) {
    keyspace.not_kept.clear();
    keyspace.modules = 0;
    for entry in keyspace
        .databases
        .values_mut()
        .flat_map(|keys| keys.values_mut())
    {
        match &mut entry.value {
            Value::Hash(hash) => hash.values_mut().for_each(|value| value.1 = None),
            Value::Stream(stream) => {
                if let Some(meta) = &mut stream.meta {
                    meta.counters = None;
                }
            }
            _ => {}
        }
    }
}
