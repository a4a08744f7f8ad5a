//! The `cmsgpack` library: MessagePack, nested at most so deep in writing and in reading.

use mlua::{Lua, MultiValue, String as LuaString, Table, Value};

use super::native::{self, Problem, Shape, text};

/// What is nested deeper is written as nil.
const WRITTEN_DEPTH_MAX: usize = 16;
const READ_DEPTH_MAX: usize = 128;

/// Makes the library's table.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    library.raw_set("_NAME", "cmsgpack")?;
    library.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    library.raw_set("_DESCRIPTION", "MessagePack for Lua scripts")?;
    library.raw_set("_COPYRIGHT", "")?;
    library.raw_set("pack", native::function(lua, pack)?)?;
    library.raw_set("unpack", native::function(lua, unpack)?)?;
    library.raw_set("unpack_one", native::function(lua, unpack_one)?)?;
    library.raw_set("unpack_limit", native::function(lua, unpack_limit)?)?;
    Ok(library)
}

// ---- writing -----------------------------------------------------------------------------------

fn pack(lua: &Lua, values: MultiValue) -> Result<LuaString, Problem> {
    if values.is_empty() {
        return text("MessagePack pack needs input.");
    }
    let mut packed = Vec::new();
    for value in &values {
        write(value, &mut packed, 0)?;
    }
    Ok(lua.create_string(&packed)?)
}

fn write(value: &Value, into: &mut Vec<u8>, depth: usize) -> Result<(), Problem> {
    match value {
        Value::Boolean(false) => into.push(0xc2),
        Value::Boolean(true) => into.push(0xc3),
        Value::Integer(number) => write_integer(*number, into),
        Value::Number(number) => write_number(*number, into),
        Value::String(string) => write_string(&string.as_bytes(), into),
        Value::Table(table) if depth < WRITTEN_DEPTH_MAX => write_table(table, into, depth)?,
        _ => into.push(0xc0),
    }
    Ok(())
}

/// A marker and a number, big-endian, in so many bytes.
fn marked(marker: u8, number: u64, bytes: usize, into: &mut Vec<u8>) {
    into.push(marker);
    into.extend_from_slice(number.to_be_bytes().get(8 - bytes..).unwrap_or_default());
}

fn write_integer(number: i64, into: &mut Vec<u8>) {
    let bits = number.cast_unsigned();
    match number {
        -32..=0x7f => into.push(bits as u8),
        0x80..=0xff => marked(0xcc, bits, 1, into),
        0x100..=0xffff => marked(0xcd, bits, 2, into),
        0x1_0000..=0xffff_ffff => marked(0xce, bits, 4, into),
        0x1_0000_0000.. => marked(0xcf, bits, 8, into),
        -0x80..=-33 => marked(0xd0, bits, 1, into),
        -0x8000..=-0x81 => marked(0xd1, bits, 2, into),
        -0x8000_0000..=-0x8001 => marked(0xd2, bits, 4, into),
        _ => marked(0xd3, bits, 8, into),
    }
}

fn write_number(number: f64, into: &mut Vec<u8>) {
    const EXACT_MAX: f64 = 9.2e18;
    if number.trunc() == number && number.abs() < EXACT_MAX {
        return write_integer(number as i64, into);
    }
    let short = number as f32;
    if f64::from(short) == number {
        marked(0xca, short.to_bits().into(), 4, into);
    } else {
        marked(0xcb, number.to_bits(), 8, into);
    }
}

fn write_string(string: &[u8], into: &mut Vec<u8>) {
    let len = string.len() as u64;
    match len {
        0..=31 => into.push(0xa0 | len as u8),
        32..=0xff => marked(0xd9, len, 1, into),
        0x100..=0xffff => marked(0xda, len, 2, into),
        _ => marked(0xdb, len, 4, into),
    }
    into.extend_from_slice(string);
}

fn write_table(table: &Table, into: &mut Vec<u8>, depth: usize) -> Result<(), Problem> {
    let shape = Shape::of(table)?;
    let count = shape.count as u64;
    if shape.is_array && shape.largest.unsigned_abs() == count {
        match count {
            0..=15 => into.push(0x90 | count as u8),
            16..=0xffff => marked(0xdc, count, 2, into),
            _ => marked(0xdd, count, 4, into),
        }
        for index in 1..=shape.largest {
            write(&table.raw_get::<Value>(index)?, into, depth + 1)?;
        }
        return Ok(());
    }
    match count {
        0..=15 => into.push(0x80 | count as u8),
        16..=0xffff => marked(0xde, count, 2, into),
        _ => marked(0xdf, count, 4, into),
    }
    native::each_pair(table, |key, value| {
        write(key, into, depth + 1)?;
        write(value, into, depth + 1)
    })
}

// ---- reading -----------------------------------------------------------------------------------

fn unpack(lua: &Lua, data: LuaString) -> Result<MultiValue, Problem> {
    let data = data.as_bytes();
    read_several(lua, &data, 0, usize::MAX).map(|(values, _)| values)
}

fn unpack_one(lua: &Lua, (data, offset): (LuaString, Option<i64>)) -> Result<MultiValue, Problem> {
    unpack_limit(lua, (data, 1, offset))
}

fn unpack_limit(
    lua: &Lua,
    (data, limit, offset): (LuaString, i64, Option<i64>),
) -> Result<MultiValue, Problem> {
    let data = data.as_bytes();
    let (limit, offset) = (usize::try_from(limit), usize::try_from(offset.unwrap_or(0)));
    let (Ok(limit), Ok(offset)) = (limit, offset) else {
        return text("Invalid request to unpack with offset or limit below 0");
    };
    if offset > data.len() {
        return text(format!(
            "Start offset {offset} greater than input length {}.",
            data.len()
        ));
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    let (mut values, at) = read_several(lua, &data, offset, limit)?;
    let next = if at == data.len() { -1.0 } else { at as f64 };
    values.push_front(Value::Number(next));
    Ok(values)
}

fn read_several(
    lua: &Lua,
    data: &[u8],
    offset: usize,
    limit: usize,
) -> Result<(MultiValue, usize), Problem> {
    const VALUES_MAX: usize = 7000;
    let mut reader = Reader {
        lua,
        rest: data.get(offset..).unwrap_or_default(),
    };
    let mut values = MultiValue::new();
    while !reader.rest.is_empty() && values.len() < limit {
        if values.len() >= VALUES_MAX {
            return text("too many results to unpack");
        }
        values.push_back(reader.value(0)?);
    }
    Ok((values, data.len() - reader.rest.len()))
}

struct Reader<'a> {
    lua: &'a Lua,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Problem> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => text("Missing bytes in input."),
        }
    }

    fn unsigned(&mut self, bytes: usize) -> Result<u64, Problem> {
        let taken = self.take(bytes)?;
        Ok(taken
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn signed(&mut self, bytes: usize) -> Result<Value, Problem> {
        let unused = 64 - 8 * bytes as u32;
        let bits = self.unsigned(bytes)?;
        Ok(Value::Number(
            ((bits << unused).cast_signed() >> unused) as f64,
        ))
    }

    fn len(&mut self, bytes: usize) -> Result<usize, Problem> {
        let len = self.unsigned(bytes)?;
        usize::try_from(len).or_else(|_| text("Missing bytes in input."))
    }

    fn value(&mut self, depth: usize) -> Result<Value, Problem> {
        if depth > READ_DEPTH_MAX {
            return text("Too many nested data structures.");
        }
        let marker = self.unsigned(1)? as u8;
        Ok(match marker {
            0x00..=0x7f => Value::Number(f64::from(marker)),
            0xe0..=0xff => Value::Number(f64::from(marker.cast_signed())),
            0x80..=0x8f => self.map(usize::from(marker & 15), depth)?,
            0x90..=0x9f => self.array(usize::from(marker & 15), depth)?,
            0xa0..=0xbf => self.string(usize::from(marker & 31))?,
            0xc0 => Value::Nil,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0xc4 | 0xd9 => self.string_with_len(1)?,
            0xc5 | 0xda => self.string_with_len(2)?,
            0xc6 | 0xdb => self.string_with_len(4)?,
            0xca => Value::Number(f32::from_bits(self.unsigned(4)? as u32).into()),
            0xcb => Value::Number(f64::from_bits(self.unsigned(8)?)),
            0xcc..=0xcf => Value::Number(self.unsigned(1 << (marker - 0xcc))? as f64),
            0xd0..=0xd3 => self.signed(1 << (marker - 0xd0))?,
            0xdc | 0xdd => {
                let count = self.len(if marker == 0xdc { 2 } else { 4 })?;
                self.array(count, depth)?
            }
            0xde | 0xdf => {
                let count = self.len(if marker == 0xde { 2 } else { 4 })?;
                self.map(count, depth)?
            }
            _ => return text("Bad data format in input."),
        })
    }

    fn string(&mut self, len: usize) -> Result<Value, Problem> {
        let lua = self.lua;
        let bytes = self.take(len)?;
        Ok(Value::String(lua.create_string(bytes)?))
    }

    fn string_with_len(&mut self, bytes: usize) -> Result<Value, Problem> {
        let len = self.len(bytes)?;
        self.string(len)
    }

    fn array(&mut self, count: usize, depth: usize) -> Result<Value, Problem> {
        // Each element has a byte at least: room is made for what can be there.
        let table = self
            .lua
            .create_table_with_capacity(count.min(self.rest.len()), 0)?;
        for index in 1..=count {
            table.raw_set(index, self.value(depth + 1)?)?;
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self, count: usize, depth: usize) -> Result<Value, Problem> {
        let table = self.lua.create_table()?;
        for _ in 0..count {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            match &key {
                Value::Nil => return text("Bad data format in input."),
                Value::Number(number) if number.is_nan() => {
                    return text("Bad data format in input.");
                }
                _ => table.raw_set(key, value)?,
            }
        }
        Ok(Value::Table(table))
    }
}
