//! A plain model of a keyspace, built from parts and written back, as the engine would.

use std::collections::BTreeMap;
use std::io::Write;

use crate::rdb::{
    Compression, DumpWriter, KeyAttributes, Part, RdbReader, RdbWriter, Record, Refused,
    StreamCounters, StreamId, StreamMeta, ValueSink, ValueWriter,
};
use crate::{Element, FormatError, Intset, Listpack};

pub(crate) type Bytes = Vec<u8>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stream {
    pub(crate) nodes: Vec<(StreamId, Listpack)>,
    pub(crate) meta: Option<StreamMeta>,
    pub(crate) groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: Bytes,
    pub(crate) last_id: StreamId,
    pub(crate) entries_read: Option<u64>,
    pub(crate) consumers: Vec<(Bytes, i64)>,
    /// Id, delivery time, deliveries, consumer.
    pub(crate) pending: Vec<(StreamId, i64, u64, usize)>,
}

/// One value, without its encoding. Sorted by bytes where Redis has no order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    String(Bytes),
    List(Vec<Bytes>),
    Set(BTreeMap<Bytes, ()>),
    Hash(BTreeMap<Bytes, (Bytes, Option<u64>)>),
    Zset(BTreeMap<Bytes, f64>),
    Stream(Stream),
    Module(u64, Bytes),
}

/// Builds a value from parts, refusing what the engine would refuse.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) value: Option<Value>,
    pub(crate) not_kept: Vec<&'static str>,
}

const TWICE: Refused = Refused("a member comes twice");

impl Builder {
    fn list(&mut self) -> &mut Vec<Bytes> {
        match self.value.get_or_insert(Value::List(Vec::new())) {
            Value::List(list) => list,
            other => panic!("a list's part within {other:?}"),
        }
    }

    fn set(&mut self) -> &mut BTreeMap<Bytes, ()> {
        match self.value.as_mut() {
            Some(Value::Set(set)) => set,
            other => panic!("a set's part within {other:?}"),
        }
    }

    fn hash(&mut self) -> &mut BTreeMap<Bytes, (Bytes, Option<u64>)> {
        match self.value.as_mut() {
            Some(Value::Hash(hash)) => hash,
            other => panic!("a hash's part within {other:?}"),
        }
    }

    fn zset(&mut self) -> &mut BTreeMap<Bytes, f64> {
        match self.value.as_mut() {
            Some(Value::Zset(zset)) => zset,
            other => panic!("a sorted set's part within {other:?}"),
        }
    }

    fn stream(&mut self) -> &mut Stream {
        match self.value.get_or_insert(Value::Stream(Stream::default())) {
            Value::Stream(stream) => stream,
            other => panic!("a stream's part within {other:?}"),
        }
    }

    fn begin(&mut self, value: Value) {
        assert!(self.value.is_none(), "a second value");
        self.value = Some(value);
    }

    fn scalar_part(&mut self, part: Part<'_>) -> Result<(), Refused> {
        match part {
            Part::String(text) => self.begin(Value::String(text.to_vec())),
            Part::Module { id, payload } => self.begin(Value::Module(id, payload.to_vec())),
            Part::NotKept(what) => self.not_kept.push(what),
            Part::ListElement(text) => self.list().push(text.to_vec()),
            Part::ListPacked(list) => {
                assert!(!list.is_empty());
                self.list().extend(list.iter().map(Element::to_vec));
            }
            other => return self.collection_part(other),
        }
        Ok(())
    }

    fn collection_part(&mut self, part: Part<'_>) -> Result<(), Refused> {
        match part {
            Part::SetStart { .. } => self.begin(Value::Set(BTreeMap::new())),
            Part::SetMember(member) => {
                if self.set().insert(member.to_vec(), ()).is_some() {
                    return Err(TWICE);
                }
            }
            Part::SetIntset(set) => {
                let members = set.iter().map(|value| (value.to_string().into_bytes(), ()));
                self.begin(Value::Set(members.collect()));
            }
            Part::SetPacked(list) => {
                let members = list.iter().map(|member| (member.to_vec(), ()));
                self.begin(Value::Set(members.collect()));
                assert_eq!(self.set().len(), list.len());
            }
            Part::HashStart { .. } => self.begin(Value::Hash(BTreeMap::new())),
            Part::HashField {
                field,
                value,
                expires_at_ms,
            } => {
                let value = (value.to_vec(), expires_at_ms);
                if self.hash().insert(field.to_vec(), value).is_some() {
                    return Err(TWICE);
                }
            }
            Part::HashPacked(list) => {
                let pairs = pairs(&list).map(|(field, value)| (field, (value, None)));
                self.begin(Value::Hash(pairs.collect()));
                assert_eq!(self.hash().len() * 2, list.len());
            }
            Part::ZsetStart { .. } => self.begin(Value::Zset(BTreeMap::new())),
            Part::ZsetMember { member, score } => {
                assert!(!score.is_nan());
                if self.zset().insert(member.to_vec(), score).is_some() {
                    return Err(TWICE);
                }
            }
            Part::ZsetPacked(list) => {
                let scored = pairs(&list).map(|(member, score)| {
                    let score = String::from_utf8(score).expect("checked").parse();
                    (member, score.expect("checked"))
                });
                self.begin(Value::Zset(scored.collect()));
                assert_eq!(self.zset().len() * 2, list.len());
            }
            other => self.stream_part(other),
        }
        Ok(())
    }

    fn stream_part(&mut self, part: Part<'_>) {
        match part {
            Part::StreamNode { master_id, entries } => {
                self.stream().nodes.push((master_id, entries));
            }
            Part::StreamMeta(meta) => self.stream().meta = Some(meta),
            Part::StreamGroup {
                name,
                last_id,
                entries_read,
            } => self.stream().groups.push(Group {
                name: name.to_vec(),
                last_id,
                entries_read,
                consumers: Vec::new(),
                pending: Vec::new(),
            }),
            Part::StreamConsumer { name, seen_ms, .. } => {
                let group = self.stream().groups.last_mut().expect("after a group");
                group.consumers.push((name.to_vec(), seen_ms));
            }
            Part::StreamPending {
                id,
                delivered_ms,
                deliveries,
                consumer,
            } => {
                let group = self.stream().groups.last_mut().expect("after a group");
                assert!(consumer < group.consumers.len());
                group.pending.push((id, delivered_ms, deliveries, consumer));
            }
            other => panic!("{other:?} is no stream's part"),
        }
    }
}

fn pairs(list: &Listpack) -> impl Iterator<Item = (Bytes, Bytes)> {
    let mut elements = list.iter().map(Element::to_vec);
    std::iter::from_fn(move || Some((elements.next()?, elements.next()?)))
}

impl ValueSink for Builder {
    fn part(&mut self, part: Part<'_>) -> Result<(), Refused> {
        self.scalar_part(part)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) attributes: KeyAttributes,
    pub(crate) value: Value,
}

/// All that a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Keyspace {
    pub(crate) databases: BTreeMap<u64, BTreeMap<Bytes, Entry>>,
    pub(crate) aux: Vec<(Bytes, Bytes)>,
    pub(crate) functions: Vec<Bytes>,
    pub(crate) empty: Vec<Bytes>,
    pub(crate) not_kept: Vec<&'static str>,
    pub(crate) modules: usize,
}

/// Reads a whole file.
pub(crate) fn read_file(bytes: &[u8], size_known: bool) -> Result<Keyspace, FormatError> {
    let size = size_known.then(|| u64::try_from(bytes.len()).expect("fits"));
    let mut reader = RdbReader::new(bytes, size)?;
    let mut keyspace = Keyspace::default();
    let mut database = 0;
    while let Some(record) = reader.next_record()? {
        match record {
            Record::SelectDb(number) => database = number,
            Record::Aux { name, value } => keyspace.aux.push((name, value)),
            Record::Function(source) => keyspace.functions.push(source),
            Record::ModuleAux { .. } => keyspace.modules += 1,
            Record::NotKept(what) => keyspace.not_kept.push(what),
            Record::ResizeDb { .. } | Record::SlotInfo { .. } => {}
            Record::Key(key) => {
                let mut builder = Builder::default();
                reader.read_value(&mut builder)?;
                keyspace.not_kept.extend(builder.not_kept);
                let Some(value) = builder.value else {
                    keyspace.empty.push(key.key);
                    continue;
                };
                let attributes = KeyAttributes {
                    expires_at_ms: key.expires_at_ms,
                    idle_seconds: key.idle_seconds,
                    frequency: key.frequency,
                };
                let keys = keyspace.databases.entry(database).or_default();
                // Some samples were put together by hand and name a key twice: the last one counts.
                keys.insert(key.key, Entry { attributes, value });
            }
        }
    }
    assert!(reader.checksum().is_some());
    Ok(keyspace)
}

/// How collections are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    Packed,
    Plain,
}

/// Writes a whole file.
pub(crate) fn write_file(keyspace: &Keyspace, packing: Packing, how: Compression) -> Vec<u8> {
    let mut writer = RdbWriter::new(Vec::new(), how).expect("memory");
    for (name, value) in &keyspace.aux {
        writer.aux(name, value).expect("memory");
    }
    for source in &keyspace.functions {
        writer.function(source).expect("memory");
    }
    for (number, keys) in &keyspace.databases {
        let count = u64::try_from(keys.len()).expect("fits");
        writer.select_db(*number).expect("memory");
        writer.resize_db(count, 0).expect("memory");
        for (key, entry) in keys {
            let value = writer.key(key, entry.attributes).expect("memory");
            write_value(value, &entry.value, packing);
        }
    }
    let position = writer.position();
    let bytes = writer.finish().expect("memory");
    assert_eq!(u64::try_from(bytes.len()).ok(), Some(position + 9));
    bytes
}

pub(crate) fn dump(value: &Value, packing: Packing) -> Vec<u8> {
    let mut writer = DumpWriter::new(Compression::Lzf);
    write_value(writer.value(), value, packing);
    writer.finish()
}

fn write_value<W: Write>(mut writer: ValueWriter<'_, W>, value: &Value, packing: Packing) {
    let packed = matches!(packing, Packing::Packed);
    match value {
        Value::String(text) => writer.string(text).expect("memory"),
        Value::List(list) => write_list(&mut writer, list, packed),
        Value::Set(set) => write_set(&mut writer, set, packed),
        Value::Hash(hash) if packed => {
            let mut list = Listpack::new();
            for (field, (value, _)) in hash {
                list.append_pair(field, value);
            }
            writer.hash_packed(&list).expect("memory");
        }
        Value::Hash(hash) => {
            writer.hash_pairs(hash.len()).expect("memory");
            for (field, (value, _)) in hash {
                writer.pair(field, value).expect("memory");
            }
        }
        Value::Zset(zset) => write_zset(&mut writer, zset, packed),
        Value::Stream(stream) => return write_stream(writer, stream),
        Value::Module(id, payload) => writer.module(*id, payload).expect("memory"),
    }
    writer.finish();
}

fn write_list<W: Write>(writer: &mut ValueWriter<'_, W>, list: &[Bytes], packed: bool) {
    if packed {
        let nodes = list.chunks(7);
        writer.list_nodes(nodes.len()).expect("memory");
        for node in nodes {
            let mut pack = Listpack::new();
            for element in node {
                pack.push_back(element);
            }
            writer.packed_node(&pack).expect("memory");
        }
    } else {
        writer.list_nodes(list.len()).expect("memory");
        for element in list {
            writer.plain_node(element).expect("memory");
        }
    }
}

fn write_set<W: Write>(writer: &mut ValueWriter<'_, W>, set: &BTreeMap<Bytes, ()>, packed: bool) {
    let integers: Option<Vec<i64>> = set.keys().map(|member| crate::parse_i64(member)).collect();
    match integers {
        Some(integers) if packed => {
            let mut intset = Intset::new();
            for value in integers {
                intset.add(value);
            }
            writer.intset(&intset).expect("memory");
        }
        None if packed => {
            let mut pack = Listpack::new();
            for member in set.keys() {
                pack.push_back(member);
            }
            writer.set_packed(&pack).expect("memory");
        }
        _ => {
            writer.set_members(set.len()).expect("memory");
            for member in set.keys() {
                writer.member(member).expect("memory");
            }
        }
    }
}

fn write_zset<W: Write>(
    writer: &mut ValueWriter<'_, W>,
    zset: &BTreeMap<Bytes, f64>,
    packed: bool,
) {
    let mut sorted: Vec<(&Bytes, f64)> = zset.iter().map(|(key, score)| (key, *score)).collect();
    sorted.sort_by(|one, two| {
        one.1
            .partial_cmp(&two.1)
            .expect("no NaN")
            .then(one.0.cmp(two.0))
    });
    if packed {
        let mut list = Listpack::new();
        for (member, score) in sorted {
            list.append_pair(member, score.to_string().as_bytes());
        }
        writer.zset_packed(&list).expect("memory");
    } else {
        writer.zset_pairs(sorted.len()).expect("memory");
        for (member, score) in sorted.into_iter().rev() {
            writer.scored(member, score).expect("memory");
        }
    }
}

fn write_stream<W: Write>(writer: ValueWriter<'_, W>, stream: &Stream) {
    let mut writer = writer.stream(stream.nodes.len()).expect("memory");
    for (master_id, entries) in &stream.nodes {
        writer.node(*master_id, entries).expect("memory");
    }
    let meta = stream.meta.expect("every stream has it");
    // What a file before version 10 does not say is recomputed; the model takes what is simplest.
    let counters = meta.counters.unwrap_or(StreamCounters {
        first_id: StreamId::default(),
        max_deleted_id: StreamId::default(),
        entries_added: meta.length,
    });
    writer
        .meta(meta.length, meta.last_id, counters, stream.groups.len())
        .expect("memory");
    for group in &stream.groups {
        writer
            .group(
                &group.name,
                group.last_id,
                group.entries_read,
                group.pending.len(),
            )
            .expect("memory");
        for (id, delivered_ms, deliveries, _) in &group.pending {
            writer
                .pending(*id, *delivered_ms, *deliveries)
                .expect("memory");
        }
        writer.consumers(group.consumers.len()).expect("memory");
        for (index, (name, seen_ms)) in group.consumers.iter().enumerate() {
            let owned: Vec<_> = group
                .pending
                .iter()
                .filter(|entry| entry.3 == index)
                .collect();
            writer
                .consumer(name, *seen_ms, owned.len())
                .expect("memory");
            for (id, ..) in owned {
                writer.owned(*id).expect("memory");
            }
        }
    }
    writer.finish();
}
