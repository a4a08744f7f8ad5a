//! Values as RDB files and DUMP payloads hold them, both ways. DUMP, RESTORE and the server's
//! snapshots call it.
//!
//! Always holds: small values go out and come in as the packed blocks that they are in memory, and a
//! value that was read is one that commands could have made (what is not is refused).

use std::io::{self, Write};

use holdfast_formats::rdb::{Part, Refused, StreamCounters, StreamId, ValueSink, ValueWriter};
use holdfast_formats::{DecimalBuffer, Element, Listpack};

use crate::value::{Collection, Value, ValueRef};
use crate::values::direction::Direction;
use crate::values::encodings::Encodings;
use crate::values::hash::{HashValue, SetField};
use crate::values::list::{End, ListValue, NodeBytes};
use crate::values::set::SetValue;
use crate::values::sorted_set::SortedSet;
use crate::values::stream::{StreamBuilder, StreamValue};
use crate::values::string::{IntegerText, StringValue};

/// Writes a value.
///
/// # Errors
/// What the stream under the writer says.
pub fn write_value<W: Write>(
    value: ValueRef<'_>,
    mut writer: ValueWriter<'_, W>,
) -> io::Result<()> {
    match value {
        ValueRef::String(string) => writer.string(string.bytes(&mut IntegerText::default()))?,
        ValueRef::List(list) => write_list(list, &mut writer)?,
        ValueRef::Set(set) => write_set(set, &mut writer)?,
        ValueRef::Hash(hash) => write_hash(hash, &mut writer)?,
        ValueRef::SortedSet(set) => write_sorted_set(set, &mut writer)?,
        ValueRef::Stream(stream) => return write_stream(stream, writer),
    }
    writer.finish();
    Ok(())
}

fn write_list<W: Write>(list: &ListValue, writer: &mut ValueWriter<'_, W>) -> io::Result<()> {
    writer.list_nodes(list.nodes().count())?;
    for node in list.nodes() {
        match node {
            NodeBytes::Packed(block) => writer.packed_node(block)?,
            NodeBytes::Plain(element) => writer.plain_node(element)?,
        }
    }
    Ok(())
}

fn write_set<W: Write>(set: &SetValue, writer: &mut ValueWriter<'_, W>) -> io::Result<()> {
    if let Some(integers) = set.as_intset() {
        return writer.intset(integers);
    }
    writer.set_members(set.len())?;
    let mut text = DecimalBuffer::new();
    set.iter()
        .try_for_each(|member| writer.member(member.to_bytes(&mut text)))
}

fn write_hash<W: Write>(hash: &HashValue, writer: &mut ValueWriter<'_, W>) -> io::Result<()> {
    if let Some(block) = hash.as_listpack() {
        return writer.hash_packed(block);
    }
    writer.hash_pairs(hash.len())?;
    let (mut field_text, mut value_text) = (DecimalBuffer::new(), DecimalBuffer::new());
    hash.iter().try_for_each(|(field, value)| {
        writer.pair(
            field.to_bytes(&mut field_text),
            value.to_bytes(&mut value_text),
        )
    })
}

fn write_sorted_set<W: Write>(set: &SortedSet, writer: &mut ValueWriter<'_, W>) -> io::Result<()> {
    if let Some(block) = set.as_listpack() {
        return writer.zset_packed(block);
    }
    writer.zset_pairs(set.len())?;
    let mut text = DecimalBuffer::new();
    set.range(0..set.len(), Direction::Backward)
        .try_for_each(|(member, score)| writer.scored(member.to_bytes(&mut text), score))
}

fn write_stream<W: Write>(stream: &StreamValue, writer: ValueWriter<'_, W>) -> io::Result<()> {
    let mut writer = writer.stream(stream.nodes_count())?;
    for (id, block) in stream.nodes() {
        writer.node(id, block)?;
    }
    let counters = StreamCounters {
        first_id: stream.first_id(),
        max_deleted_id: stream.max_deleted_id(),
        entries_added: stream.entries_added(),
    };
    let groups = stream.groups();
    writer.meta(stream.len(), stream.last_id(), counters, groups.len())?;
    for (name, group) in groups {
        writer.group(
            name,
            group.last_id,
            group.entries_read,
            group.pending_count(),
        )?;
        for (id, pending) in group.pending_from(StreamId::MIN) {
            writer.pending(id, pending.delivered_ms, pending.deliveries)?;
        }
        writer.consumers(group.consumers_count())?;
        for consumer in group.consumers() {
            writer.consumer(&consumer.name, consumer.seen_ms, consumer.pending_count())?;
            consumer
                .pending_from(StreamId::MIN)
                .try_for_each(|id| writer.owned(id))?;
        }
    }
    writer.finish();
    Ok(())
}

/// Builds one value from the parts that a reader hands over.
#[derive(Debug)]
pub struct ValueBuilder<'e> {
    encodings: &'e Encodings,
    state: State,
}

#[derive(Debug)]
enum State {
    Nothing,
    Value(Value),
    /// Members in the order of the file, which is the fastest way to a sorted set.
    Scored(Vec<(Vec<u8>, f64)>),
    Stream(StreamBuilder),
}

const MIXED: Refused = Refused("parts of different types in one value");
const TWICE: Refused = Refused("an element twice");

impl<'e> ValueBuilder<'e> {
    /// A builder without a part; `encodings` decide what small collections become.
    pub const fn new(encodings: &'e Encodings) -> Self {
        Self {
            encodings,
            state: State::Nothing,
        }
    }

    /// The value, or `None` if no part came or what came is not a value.
    pub fn finish(self) -> Option<Value> {
        match self.state {
            State::Nothing => None,
            State::Value(value) => Some(value),
            State::Scored(elements) => {
                SortedSet::from_elements(elements, self.encodings).map(Value::SortedSet)
            }
            State::Stream(builder) => builder.finish().map(Value::Stream),
        }
    }

    /// The collection that is being built, begun if nothing is.
    fn collection<C: Collection>(&mut self) -> Result<&mut C, Refused> {
        if matches!(self.state, State::Nothing) {
            self.state = State::Value(C::empty().into_value());
        }
        match &mut self.state {
            State::Value(value) => C::of_mut(value).ok_or(MIXED),
            _ => Err(MIXED),
        }
    }

    /// Takes a whole value.
    fn whole(&mut self, value: Value) -> Result<(), Refused> {
        if !matches!(self.state, State::Nothing) {
            return Err(MIXED);
        }
        self.state = State::Value(value);
        Ok(())
    }

    fn add_member(&mut self, member: &[u8]) -> Result<(), Refused> {
        let encodings = self.encodings;
        let is_new = self.collection::<SetValue>()?.add(member, encodings);
        is_new.then_some(()).ok_or(TWICE)
    }

    fn add_field(&mut self, field: &[u8], value: &[u8]) -> Result<(), Refused> {
        let encodings = self.encodings;
        match self.collection::<HashValue>()?.set(field, value, encodings) {
            SetField::Added => Ok(()),
            SetField::Replaced => Err(TWICE),
        }
    }

    fn add_scored(&mut self, member: &[u8], score: f64) -> Result<(), Refused> {
        match &mut self.state {
            State::Scored(elements) => {
                elements.push((member.to_vec(), score));
                Ok(())
            }
            _ => Err(MIXED),
        }
    }

    /// The stream that is being built, begun if nothing is.
    fn stream(&mut self) -> Result<&mut StreamBuilder, Refused> {
        if matches!(self.state, State::Nothing) {
            self.state = State::Stream(StreamBuilder::default());
        }
        match &mut self.state {
            State::Stream(builder) => Ok(builder),
            _ => Err(MIXED),
        }
    }

    fn stream_part(&mut self, part: Part<'_>) -> Result<(), Refused> {
        let stream = self.stream()?;
        match part {
            Part::StreamNode { master_id, entries } => {
                let is_node = stream.add_node(master_id, entries);
                is_node.then_some(()).ok_or(Refused("a stream's node"))
            }
            Part::StreamMeta(meta) => {
                let agrees = stream.set_facts(&meta);
                agrees
                    .then_some(())
                    .ok_or(Refused("a stream's last id below an entry's"))
            }
            Part::StreamGroup {
                name,
                last_id,
                entries_read,
            } => {
                let is_new = stream.begin_group(name, last_id, entries_read);
                is_new.then_some(()).ok_or(TWICE)
            }
            Part::StreamConsumer { name, seen_ms, .. } => {
                let is_new = stream.add_consumer(name, seen_ms);
                is_new.then_some(()).ok_or(TWICE)
            }
            Part::StreamPending {
                id,
                delivered_ms,
                deliveries,
                consumer,
            } => {
                let is_known = stream.add_pending(id, delivered_ms, deliveries, consumer);
                is_known
                    .then_some(())
                    .ok_or(Refused("a pending entry without a consumer"))
            }
            _ => Err(MIXED),
        }
    }

    fn add_members(&mut self, block: &Listpack) -> Result<(), Refused> {
        let mut text = DecimalBuffer::new();
        block
            .iter()
            .try_for_each(|member: Element<'_>| self.add_member(member.to_bytes(&mut text)))
    }
}

impl ValueSink for ValueBuilder<'_> {
    fn part(&mut self, part: Part<'_>) -> Result<(), Refused> {
        let encodings = self.encodings;
        match part {
            Part::String(bytes) => self.whole(Value::String(StringValue::from_bytes(bytes))),
            Part::ListElement(element) => {
                self.collection::<ListValue>()?
                    .push(End::Back, element, encodings);
                Ok(())
            }
            Part::ListPacked(block) => {
                self.collection::<ListValue>()?
                    .push_listpack(block, encodings);
                Ok(())
            }
            Part::SetStart { .. } => self.collection::<SetValue>().map(|_| ()),
            Part::SetMember(member) => self.add_member(member),
            Part::SetIntset(integers) => {
                self.whole(Value::Set(SetValue::from_intset(integers, encodings)))
            }
            Part::SetPacked(block) => self.add_members(&block),
            Part::HashStart { .. } => self.collection::<HashValue>().map(|_| ()),
            Part::HashField {
                expires_at_ms: Some(_),
                ..
            } => Err(Refused(
                "a field with a deadline, which this version does not keep",
            )),
            Part::HashField { field, value, .. } => self.add_field(field, value),
            Part::HashPacked(block) => {
                self.whole(Value::Hash(HashValue::from_listpack(block, encodings)))
            }
            Part::ZsetStart { count_hint } => {
                if !matches!(self.state, State::Nothing) {
                    return Err(MIXED);
                }
                self.state = State::Scored(Vec::with_capacity(count_hint));
                Ok(())
            }
            Part::ZsetMember { member, score } => self.add_scored(member, score),
            Part::ZsetPacked(block) => {
                let set = SortedSet::from_listpack(block, encodings).ok_or(TWICE)?;
                self.whole(Value::SortedSet(set))
            }
            Part::StreamNode { .. }
            | Part::StreamMeta(_)
            | Part::StreamGroup { .. }
            | Part::StreamConsumer { .. }
            | Part::StreamPending { .. } => self.stream_part(part),
            Part::Module { .. } => Err(Refused("a value of a module")),
            // Nothing of the value itself is lost.
            Part::NotKept(_) => Ok(()),
        }
    }
}
