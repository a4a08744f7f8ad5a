//! Reading one value, by its type code, as a row of parts.
//!
//! Called by `reader` for keys of a file and by `dump` for payloads. Always holds: a value of no
//! elements is reported as empty and no part of it is handed over (streams excepted: they may be
//! empty); see `part` for what is checked.

use std::io::Read;

use super::codes::{NODE_PACKED, NODE_PLAIN, type_code as code};
use super::input::Input;
use super::module;
use super::packed::{self, ZsetOrder};
use super::part::{Part, ValueSink};
use super::stream::{self, StreamLayout};
use super::ziplist;
use crate::error::FormatError;
use crate::integer::DecimalBuffer;
use crate::intset::Intset;
use crate::listpack::{Element, Listpack};

/// Whether a value has anything in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its parts were handed over.
    Some,
    /// A collection without elements, which no key can hold: nothing was handed over.
    Empty,
}

/// Whose numbering of type codes and opcodes a file follows; they part at 22 and 243.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Redis of any version, and Valkey before 9.
    Redis,
    /// Valkey 9 and later.
    Valkey,
}

/// The builder of the value, and the place where its refusals become errors.
pub(super) struct Receiver<'a>(pub(super) &'a mut dyn ValueSink);

impl Receiver<'_> {
    #[inline]
    pub(super) fn part(&mut self, at: u64, part: Part<'_>) -> Result<(), FormatError> {
        self.0.part(part).map_err(|refused| FormatError::Refused {
            at,
            reason: refused.0,
        })
    }
}

/// Reads the value of type `code` and hands its parts to `sink`.
pub(super) fn read<R: Read>(
    input: &mut Input<R>,
    dialect: Dialect,
    code: u8,
    sink: &mut dyn ValueSink,
) -> Result<Content, FormatError> {
    let receiver = &mut Receiver(sink);
    match code {
        code::STRING => read_string(input, receiver),
        code::LIST => read_list(input, receiver),
        code::LIST_ZIPLIST => {
            let list = read_ziplist(input)?;
            give_packed(input, receiver, list, Part::ListPacked)
        }
        code::QUICKLIST_ZIPLIST | code::QUICKLIST => read_quicklist(input, code, receiver),
        code::SET => read_set(input, receiver),
        code::SET_INTSET => read_intset(input, receiver),
        code::SET_LISTPACK => {
            let list = read_listpack(input)?;
            if !packed::is_set(&list) {
                return Err(input.corrupt("a packed set with a member twice"));
            }
            give_packed(input, receiver, list, Part::SetPacked)
        }
        code::ZSET | code::ZSET_TEXT => read_zset(input, code, receiver),
        code::ZSET_ZIPLIST => {
            let list = read_ziplist(input)?;
            give_zset(input, receiver, list)
        }
        code::ZSET_LISTPACK => {
            let list = read_listpack(input)?;
            give_zset(input, receiver, list)
        }
        code::HASH => read_hash(input, receiver),
        code::HASH_ZIPMAP | code::HASH_ZIPLIST | code::HASH_LISTPACK => {
            let list = match code {
                code::HASH_ZIPMAP => read_zipmap(input)?,
                code::HASH_ZIPLIST => read_ziplist(input)?,
                _ => read_listpack(input)?,
            };
            if !packed::is_map(&list) {
                return Err(input.corrupt("a packed hash with half a pair or a field twice"));
            }
            give_packed(input, receiver, list, Part::HashPacked)
        }
        code::HASH_EXPIRING_22 if dialect == Dialect::Valkey => {
            read_expiring_hash(input, Deadline::AfterValue, receiver)
        }
        code::HASH_EXPIRING_22 => read_expiring_hash(input, Deadline::Absolute, receiver),
        code::HASH_EXPIRING => {
            let minimum = input.u64_le()?;
            read_expiring_hash(input, Deadline::Above(minimum), receiver)
        }
        code::HASH_LISTPACK_EXPIRING_RC => read_packed_expiring_hash(input, receiver),
        code::HASH_LISTPACK_EXPIRING => {
            let _minimum = input.u64_le()?;
            read_packed_expiring_hash(input, receiver)
        }
        code::STREAM => read_stream(input, StreamLayout::One, receiver),
        code::STREAM_2 => read_stream(input, StreamLayout::Two, receiver),
        code::STREAM_3 => read_stream(input, StreamLayout::Three, receiver),
        code::STREAM_4 => read_stream(input, StreamLayout::Four, receiver),
        code::MODULE => read_module(input, receiver),
        _ => Err(FormatError::Unsupported {
            at: input.position(),
            what: "type",
            code,
        }),
    }
}

fn read_string<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let text = input.owned_string()?;
    receiver.part(input.position(), Part::String(&text))?;
    Ok(Content::Some)
}

fn read_list<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let count = input.length()?;
    let mut text = Vec::new();
    for _ in 0..count {
        input.string(&mut text)?;
        receiver.part(input.position(), Part::ListElement(&text))?;
    }
    Ok(content(count))
}

/// Both forms of quicklist: nodes of ziplists, and nodes of listpacks or single elements.
fn read_quicklist<R: Read>(
    input: &mut Input<R>,
    code: u8,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let nodes = input.length()?;
    let mut result = Content::Empty;
    let mut text = Vec::new();
    for _ in 0..nodes {
        let list = if code == code::QUICKLIST_ZIPLIST {
            read_ziplist(input)?
        } else {
            match input.length()? {
                NODE_PACKED => read_listpack(input)?,
                NODE_PLAIN => {
                    input.string(&mut text)?;
                    receiver.part(input.position(), Part::ListElement(&text))?;
                    result = Content::Some;
                    continue;
                }
                _ => return Err(input.corrupt("an unknown kind of list node")),
            }
        };
        // Servers skip nodes without elements; a list of only such nodes is empty.
        if give_packed(input, receiver, list, Part::ListPacked)? == Content::Some {
            result = Content::Some;
        }
    }
    Ok(result)
}

fn read_set<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let count = input.length()?;
    if count > 0 {
        let count_hint = input.believable(count, 1);
        receiver.part(input.position(), Part::SetStart { count_hint })?;
    }
    let mut text = Vec::new();
    for _ in 0..count {
        input.string(&mut text)?;
        receiver.part(input.position(), Part::SetMember(&text))?;
    }
    Ok(content(count))
}

fn read_intset<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let blob = input.owned_string()?;
    let set = Intset::from_bytes_checked(&blob).map_err(|_| input.corrupt("a bad intset"))?;
    if set.is_empty() {
        return Ok(Content::Empty);
    }
    receiver.part(input.position(), Part::SetIntset(set))?;
    Ok(Content::Some)
}

fn read_zset<R: Read>(
    input: &mut Input<R>,
    code: u8,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let count = input.length()?;
    if count > 0 {
        let count_hint = input.believable(count, 2);
        receiver.part(input.position(), Part::ZsetStart { count_hint })?;
    }
    let mut member = Vec::new();
    for _ in 0..count {
        input.string(&mut member)?;
        let score = match code {
            code::ZSET => input.f64_le()?,
            _ => read_text_score(input)?,
        };
        if score.is_nan() {
            return Err(input.corrupt("a score that is not a number"));
        }
        let part = Part::ZsetMember {
            member: &member,
            score,
        };
        receiver.part(input.position(), part)?;
    }
    Ok(content(count))
}

/// A score as its length in one byte and text; three lengths are marks for special values.
fn read_text_score<R: Read>(input: &mut Input<R>) -> Result<f64, FormatError> {
    let length = input.byte()?;
    match length {
        253 => return Ok(f64::NAN),
        254 => return Ok(f64::INFINITY),
        255 => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let mut text = Vec::new();
    input.append(u64::from(length), &mut text)?;
    packed::parse_score(&text).ok_or_else(|| input.corrupt("a score that is not a number"))
}

fn read_hash<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let count = input.length()?;
    start_hash(input, receiver, count)?;
    let (mut field, mut value) = (Vec::new(), Vec::new());
    for _ in 0..count {
        input.string(&mut field)?;
        input.string(&mut value)?;
        let part = Part::HashField {
            field: &field,
            value: &value,
            expires_at_ms: None,
        };
        receiver.part(input.position(), part)?;
    }
    Ok(content(count))
}

/// Where a field's deadline stands, and what it counts from.
#[derive(Clone, Copy)]
enum Deadline {
    /// Before the field, in Unix milliseconds; 0 is none.
    Absolute,
    /// Before the field, counted from one before this minimum; 0 is none.
    Above(u64),
    /// After the value, in Unix milliseconds; -1 is none.
    AfterValue,
}

fn read_expiring_hash<R: Read>(
    input: &mut Input<R>,
    deadline: Deadline,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let count = input.length()?;
    start_hash(input, receiver, count)?;
    let (mut field, mut value) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let before = match deadline {
            Deadline::AfterValue => 0,
            Deadline::Absolute | Deadline::Above(_) => input.length()?,
        };
        input.string(&mut field)?;
        input.string(&mut value)?;
        let expires_at_ms = match (deadline, before) {
            (Deadline::AfterValue, _) => match input.i64_le()? {
                -1 => None,
                at => Some(
                    u64::try_from(at).map_err(|_| input.corrupt("a field's negative deadline"))?,
                ),
            },
            (_, 0) => None,
            (Deadline::Absolute, at) => Some(at),
            (Deadline::Above(minimum), above) => Some(
                minimum
                    .checked_add(above)
                    .and_then(|sum| sum.checked_sub(1))
                    .ok_or_else(|| input.corrupt("a field's deadline beyond all time"))?,
            ),
        };
        let part = Part::HashField {
            field: &field,
            value: &value,
            expires_at_ms,
        };
        receiver.part(input.position(), part)?;
    }
    Ok(content(count))
}

/// A listpack of field, value and deadline (0: none) over and over.
fn read_packed_expiring_hash<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let list = read_listpack(input)?;
    let count = list.len() / 3;
    let whole = list.len().is_multiple_of(3);
    if !whole || !packed::all_differ(list.iter().step_by(3), count) {
        return Err(input.corrupt("a packed hash with half a triple or a field twice"));
    }
    start_hash(input, receiver, u64::try_from(count).unwrap_or(u64::MAX))?;
    let (mut field_buffer, mut value_buffer) = (DecimalBuffer::new(), DecimalBuffer::new());
    let mut elements = list.iter();
    while let (Some(field), Some(value), Some(deadline)) =
        (elements.next(), elements.next(), elements.next())
    {
        let expires_at_ms = match deadline {
            Element::Integer(0) => None,
            Element::Integer(at) => {
                Some(u64::try_from(at).map_err(|_| input.corrupt("a field's negative deadline"))?)
            }
            Element::Text(_) => return Err(input.corrupt("a field's deadline is no number")),
        };
        let part = Part::HashField {
            field: field.to_bytes(&mut field_buffer),
            value: value.to_bytes(&mut value_buffer),
            expires_at_ms,
        };
        receiver.part(input.position(), part)?;
    }
    Ok(if count == 0 {
        Content::Empty
    } else {
        Content::Some
    })
}

fn start_hash<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
    count: u64,
) -> Result<(), FormatError> {
    if count == 0 {
        return Ok(());
    }
    let count_hint = input.believable(count, 2);
    receiver.part(input.position(), Part::HashStart { count_hint })
}

fn read_stream<R: Read>(
    input: &mut Input<R>,
    layout: StreamLayout,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    stream::read(input, layout, receiver)?;
    Ok(Content::Some)
}

fn read_module<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<Content, FormatError> {
    let id = input.length()?;
    let payload = module::read_values(input)?;
    let part = Part::Module {
        id,
        payload: &payload,
    };
    receiver.part(input.position(), part)?;
    Ok(Content::Some)
}

fn read_listpack<R: Read>(input: &mut Input<R>) -> Result<Listpack, FormatError> {
    let blob = input.blob()?;
    Listpack::from_vec_checked(blob).map_err(|_| input.corrupt("a bad listpack"))
}

fn read_ziplist<R: Read>(input: &mut Input<R>) -> Result<Listpack, FormatError> {
    let blob = input.owned_string()?;
    ziplist::to_listpack(&blob).ok_or_else(|| input.corrupt("a bad ziplist"))
}

fn read_zipmap<R: Read>(input: &mut Input<R>) -> Result<Listpack, FormatError> {
    let blob = input.owned_string()?;
    ziplist::zipmap_to_listpack(&blob).ok_or_else(|| input.corrupt("a bad zipmap"))
}

/// Hands `list` over unless it is empty.
fn give_packed<R: Read>(
    input: &Input<R>,
    receiver: &mut Receiver<'_>,
    list: Listpack,
    part: fn(Listpack) -> Part<'static>,
) -> Result<Content, FormatError> {
    if list.is_empty() {
        return Ok(Content::Empty);
    }
    receiver.part(input.position(), part(list))?;
    Ok(Content::Some)
}

/// Hands a packed sorted set over; member by member if its order is not the servers', so that the
/// receiver may rely on the order of packed ones.
fn give_zset<R: Read>(
    input: &Input<R>,
    receiver: &mut Receiver<'_>,
    list: Listpack,
) -> Result<Content, FormatError> {
    match packed::zset_order(&list) {
        None => Err(input.corrupt("a packed sorted set with a bad score or a member twice")),
        Some(ZsetOrder::Ascending) => give_packed(input, receiver, list, Part::ZsetPacked),
        Some(ZsetOrder::Other) => {
            let count_hint = list.len() / 2;
            receiver.part(input.position(), Part::ZsetStart { count_hint })?;
            let mut buffer = DecimalBuffer::new();
            for (member, score) in packed::pairs(&list) {
                let member = member.to_bytes(&mut buffer);
                let score = packed::score_of(score)
                    .ok_or_else(|| input.corrupt("a score that is not a number"))?;
                receiver.part(input.position(), Part::ZsetMember { member, score })?;
            }
            Ok(Content::Some)
        }
    }
}

fn content(count: u64) -> Content {
    if count == 0 {
        Content::Empty
    } else {
        Content::Some
    }
}
