//! Streams against a plain `Vec` of entries, with nodes so small that there are many; groups
//! against plain maps.

use std::collections::BTreeMap;

use holdfast_formats::rdb::{Compression, DumpWriter, restore};
use proptest::prelude::*;

use super::*;
use crate::digest;
use crate::saved::{self, ValueBuilder};
use crate::value::{Value, ValueRef};

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The same entries, kept the slow way.
#[derive(Clone, Default, Debug)]
struct Model(Vec<(StreamId, Fields)>);

impl Model {
    fn range(&self, from: StreamId, to: StreamId, direction: Direction) -> Vec<(StreamId, Fields)> {
        let within = self.0.iter().filter(|(id, _)| from <= *id && *id <= to);
        let mut found: Vec<_> = within.cloned().collect();
        if direction == Direction::Backward {
            found.reverse();
        }
        found
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So far after the last id, with these fields.
    Append(u64, u64, Fields),
    Remove(StreamId),
    TrimTo(u64, bool),
    TrimBelow(StreamId, bool),
    Range(StreamId, StreamId),
}

fn id() -> impl Strategy<Value = StreamId> {
    prop_oneof![
        8 => (0u64..60, 0u64..4).prop_map(|(ms, sequence)| StreamId { ms, sequence }),
        1 => Just(StreamId::MIN),
        1 => Just(StreamId::MAX),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    let text = || {
        prop_oneof![
            (0i64..200).prop_map(|number| number.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..20),
        ]
    };
    let same = (text(), text())
        .prop_map(|(one, two)| vec![(b"name".to_vec(), one), (b"age".to_vec(), two)]);
    prop_oneof![2 => same, 1 => prop::collection::vec((text(), text()), 1..5)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0u64..3, 0u64..3, fields()).prop_map(|(ms, number, fields)| Step::Append(ms, number, fields)),
        4 => id().prop_map(Step::Remove),
        1 => (0u64..30, any::<bool>()).prop_map(|(length, whole)| Step::TrimTo(length, whole)),
        1 => (id(), any::<bool>()).prop_map(|(id, whole)| Step::TrimBelow(id, whole)),
        2 => (id(), id()).prop_map(|(from, to)| Step::Range(from, to)),
    ]
}

fn small() -> Encodings {
    Encodings {
        stream_node_max_entries: 4,
        stream_node_max_bytes: 150,
        ..Encodings::default()
    }
}

fn contents<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<(StreamId, Fields)> {
    let pairs = |entry: &Entry<'_>| -> Fields {
        let pairs = entry.pairs();
        pairs
            .map(|(field, value)| (field.to_vec(), value.to_vec()))
            .collect()
    };
    entries.map(|entry| (entry.id, pairs(&entry))).collect()
}

fn append(stream: &mut StreamValue, id: StreamId, fields: &Fields) {
    let flat: Vec<&[u8]> = fields
        .iter()
        .flat_map(|(field, value)| [field.as_slice(), value.as_slice()])
        .collect();
    stream.append(id, &flat, &small());
}

fn step_both(stream: &mut StreamValue, model: &mut Model, step: Step) {
    match step {
        Step::Append(ms, sequence, fields) => {
            let last = stream.last_id();
            let id = StreamId {
                ms: last.ms + ms,
                sequence: if ms > 0 {
                    sequence
                } else {
                    last.sequence + 1 + sequence
                },
            };
            append(stream, id, &fields);
            model.0.push((id, fields));
        }
        Step::Remove(id) => {
            let before = model.0.len();
            model.0.retain(|(other, _)| *other != id);
            assert_eq!(stream.remove(id), model.0.len() < before);
        }
        Step::TrimTo(length, whole) => trim_both(stream, model, Bound::Length(length), whole),
        Step::TrimBelow(id, whole) => trim_both(stream, model, Bound::Id(id), whole),
        Step::Range(from, to) => {
            for direction in [Direction::Forward, Direction::Backward] {
                let found = contents(stream.range(from, to, direction));
                assert_eq!(found, model.range(from, to, direction));
            }
        }
    }
}

fn trim_both(stream: &mut StreamValue, model: &mut Model, bound: Bound, only_whole_nodes: bool) {
    let trim = Trim {
        bound,
        only_whole_nodes,
        removed_max: None,
    };
    let removed = usize::try_from(stream.trim(&trim)).expect("small");
    let wanted = match bound {
        Bound::Length(length) => {
            let length = usize::try_from(length).expect("small");
            model.0.len().saturating_sub(length)
        }
        Bound::Id(min) => model.0.iter().filter(|(id, _)| *id < min).count(),
    };
    if only_whole_nodes {
        assert!(removed <= wanted, "{removed} of {wanted}");
    } else {
        assert_eq!(removed, wanted);
    }
    model.0.drain(..removed);
}

fn check(stream: &StreamValue, model: &Model) {
    assert_eq!(stream.len(), model.0.len() as u64);
    let all = stream.range(StreamId::MIN, StreamId::MAX, Direction::Forward);
    assert_eq!(contents(all), model.0);
    let first = model.0.first().map_or(StreamId::MIN, |(id, _)| *id);
    assert_eq!(stream.first_id(), first);
    assert_eq!(
        stream.last().map(|entry| entry.id),
        model.0.last().map(|(id, _)| *id)
    );
    let nodes = stream.nodes();
    let blocks: usize = nodes.map(|(_, block)| block.allocated_bytes()).sum();
    assert!(stream.allocated_bytes() >= blocks + size_of::<Stream>());
    assert_eq!(stream.0.entries.blocks_bytes(), blocks);
}

/// The stream, written and read back: the reader checks each node on the way.
fn written_and_read(stream: &StreamValue) -> Value {
    let mut writer = DumpWriter::new(Compression::None);
    saved::write_value(ValueRef::Stream(stream), writer.value()).expect("memory takes every write");
    let encodings = small();
    let mut builder = ValueBuilder::new(&encodings);
    restore(&writer.finish(), &mut builder).expect("own bytes");
    builder.finish().expect("a whole value")
}

proptest! {
    #[test]
    fn a_stream_does_what_the_model_does(steps in prop::collection::vec(step(), 1..120)) {
        let (mut stream, mut model) = (StreamValue::new(), Model::default());
        for step in steps {
            step_both(&mut stream, &mut model, step);
            check(&stream, &model);
        }
        for (id, _) in &model.0 {
            prop_assert!(stream.get(*id).is_some());
        }
        let copy = written_and_read(&stream);
        prop_assert_eq!(
            digest::of_value(copy.as_ref()),
            digest::of_value(ValueRef::Stream(&stream))
        );
        let Value::Stream(copy) = copy else {
            panic!("a stream came back as another type");
        };
        check(&copy, &model);
    }

    #[test]
    fn a_group_does_what_the_model_does(
        steps in prop::collection::vec((0u8..5, 0u64..12, 0usize..4), 1..150),
    ) {
        const NAMES: [&[u8]; 4] = [b"b", b"a", b"", b"ab"];
        let mut group = Group::new(StreamId::MIN, None);
        let mut model: BTreeMap<&[u8], Vec<StreamId>> = BTreeMap::new();
        for (what, ms, name) in steps {
            let (id, name) = (StreamId { ms, sequence: 0 }, NAMES[name]);
            match what {
                0 => {
                    let removed = group.remove_consumer(name);
                    prop_assert_eq!(removed, model.remove(name).map(|ids| ids.len()));
                }
                1 => {
                    let had = model.values().any(|ids| ids.contains(&id));
                    model.values_mut().for_each(|ids| ids.retain(|other| *other != id));
                    prop_assert_eq!(group.acknowledge(id), had);
                }
                _ => {
                    let found = group.find_consumer(name);
                    prop_assert_eq!(found.is_some(), model.contains_key(name));
                    let consumer = found.unwrap_or_else(|| group.add_consumer(name, 1));
                    group.assign(id, Pending { delivered_ms: 5, deliveries: ms, consumer });
                    model.values_mut().for_each(|ids| ids.retain(|other| *other != id));
                    model.entry(name).or_default().push(id);
                }
            }
            let owned: BTreeMap<&[u8], Vec<StreamId>> = group
                .consumers()
                .map(|consumer| (consumer.name.as_ref(), consumer.pending_from(StreamId::MIN).collect()))
                .collect();
            model.values_mut().for_each(|ids| ids.sort());
            prop_assert_eq!(&owned, &model);
            let count: usize = model.values().map(Vec::len).sum();
            prop_assert_eq!(group.pending_count(), count);
        }
    }
}

#[test]
fn an_approximate_trim_stops_at_its_limit() {
    let mut stream = StreamValue::new();
    let fields = vec![(b"f".to_vec(), b"v".to_vec())];
    for ms in 1..=40 {
        append(&mut stream, StreamId { ms, sequence: 0 }, &fields);
    }
    let mut trim = Trim {
        bound: Bound::Length(10),
        only_whole_nodes: true,
        removed_max: Some(11),
    };
    // Nodes hold four entries: a third one would pass eleven.
    assert_eq!(stream.trim(&trim), 8);
    trim.removed_max = None;
    assert_eq!(stream.trim(&trim), 20);
    assert_eq!(stream.len(), 12);
}

#[test]
fn a_stream_without_entries_keeps_what_it_remembers() {
    let mut stream = StreamValue::new();
    let id = StreamId { ms: 7, sequence: 1 };
    append(&mut stream, id, &vec![(b"f".to_vec(), b"v".to_vec())]);
    stream.remove(id);
    let mut group = Group::new(id, Some(1));
    let consumer = group.add_consumer(b"idle", 12);
    let pending = Pending {
        delivered_ms: 3,
        deliveries: 2,
        consumer,
    };
    group.assign(id, pending);
    stream.put_group(b"g", group);
    let Value::Stream(copy) = written_and_read(&stream) else {
        panic!("a stream came back as another type");
    };
    assert!(copy.is_empty());
    assert_eq!(
        (copy.last_id(), copy.max_deleted_id(), copy.entries_added()),
        (id, id, 1)
    );
    let group = copy.group(b"g").expect("the group came back");
    assert_eq!((group.last_id, group.entries_read), (id, Some(1)));
    let consumer = group.consumers().next().expect("and its consumer");
    assert_eq!((consumer.seen_ms, consumer.pending_count()), (12, 1));
    assert_eq!(group.pending(id), Some(pending));
}

#[test]
fn what_cannot_be_known_of_a_groups_progress_is_not_guessed() {
    let id = |ms| StreamId { ms, sequence: 0 };
    let mut stream = StreamValue::new();
    assert_eq!(stream.entries_read_at(id(1)), Some(0));
    for ms in 1..=5 {
        append(&mut stream, id(ms), &vec![(b"f".to_vec(), b"v".to_vec())]);
    }
    let known = |stream: &StreamValue| {
        (0..=6)
            .map(|ms| stream.entries_read_at(id(ms)))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        known(&stream),
        [Some(0), Some(1), None, None, None, Some(5), None]
    );
    stream.remove(id(1));
    assert_eq!(
        known(&stream),
        [Some(1), Some(1), Some(2), None, None, Some(5), None]
    );
    stream.remove(id(3));
    assert_eq!(
        known(&stream),
        [None, None, None, None, None, Some(5), None]
    );
    let mut group = Group::new(id(2), Some(2));
    assert_eq!(stream.lag(&group), None);
    group.last_id = id(4);
    assert_eq!(stream.lag(&group), Some(3));
}

#[test]
fn a_file_without_counters_gets_what_can_be_told_from_its_entries() {
    use holdfast_formats::rdb::StreamMeta;

    let id = |ms| StreamId { ms, sequence: 0 };
    let mut written = StreamValue::new();
    for ms in 1..=3 {
        append(&mut written, id(ms), &vec![(b"f".to_vec(), b"v".to_vec())]);
    }
    let read = |last_id| {
        let mut builder = StreamBuilder::default();
        for (master, block) in written.nodes() {
            assert!(builder.add_node(master, block.clone()));
        }
        let meta = StreamMeta {
            length: 3,
            last_id,
            counters: None,
        };
        builder.set_facts(&meta).then_some(builder)
    };
    assert!(read(id(2)).is_none(), "the last id is below an entry's");
    let mut builder = read(id(9)).expect("the last id is above all entries");
    assert!(builder.begin_group(b"g", id(1), None));
    assert!(builder.begin_group(b"h", id(2), None));
    let stream = builder.finish().expect("a whole stream");
    assert_eq!((stream.entries_added(), stream.last_id()), (3, id(9)));
    let read_by = |name: &[u8]| stream.group(name).map(|group| group.entries_read);
    assert_eq!(read_by(b"g"), Some(Some(1)));
    assert_eq!(read_by(b"h"), Some(None));
}
