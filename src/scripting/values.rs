//! Values between Lua and Redis: replies of commands to Lua values, a script's result to a reply.

use holdfast_resp::{DoubleText, Protocol, Reply};
use mlua::{Lua, Table, Value};

/// How deep a result may be nested: one that is deeper, or contains itself, would be more than most
/// clients can read.
const DEPTH_MAX: usize = 256;

/// Reads one reply that is no error.
pub(super) fn read(lua: &Lua, reply: &[u8]) -> mlua::Result<Value> {
    Reader { lua, rest: reply }.value(0)
}

struct Reader<'a> {
    lua: &'a Lua,
    rest: &'a [u8],
}

fn broken() -> mlua::Error {
    mlua::Error::runtime("a command's reply cannot be read")
}

impl<'a> Reader<'a> {
    fn line(&mut self) -> mlua::Result<&'a [u8]> {
        let end = self.rest.windows(2).position(|pair| pair == b"\r\n");
        let end = end.ok_or_else(broken)?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(2..).unwrap_or_default();
        Ok(line)
    }

    fn bytes(&mut self, count: i64) -> mlua::Result<&'a [u8]> {
        let count = usize::try_from(count).map_err(|_| broken())?;
        let bytes = self.rest.get(..count).ok_or_else(broken)?;
        self.rest = self.rest.get(count + 2..).unwrap_or_default();
        Ok(bytes)
    }

    fn number(line: &[u8]) -> mlua::Result<i64> {
        holdfast_resp::parse_i64(line).ok_or_else(broken)
    }

    fn value(&mut self, depth: usize) -> mlua::Result<Value> {
        if depth > DEPTH_MAX {
            return Err(broken());
        }
        let line = self.line()?;
        let (&marker, text) = line.split_first().ok_or_else(broken)?;
        Ok(match marker {
            b'$' => match Self::number(text)? {
                -1 => Value::Boolean(false),
                count => self.string(count)?,
            },
            b':' => Value::Number(Self::number(text)? as f64),
            b'+' => self.field("ok", text)?,
            b'-' => self.field("err", text)?,
            b'*' | b'>' => match Self::number(text)? {
                -1 => Value::Boolean(false),
                count => self.array(count, depth)?,
            },
            b'_' => Value::Nil,
            b'#' => Value::Boolean(text == b"t"),
            b',' => {
                let number = std::str::from_utf8(text)
                    .ok()
                    .and_then(|text| text.parse().ok());
                self.table("double", Value::Number(number.unwrap_or(f64::NAN)))?
            }
            b'(' => self.field("big_number", text)?,
            b'=' => self.verbatim(Self::number(text)?)?,
            b'%' => self.pairs("map", Self::number(text)?, depth)?,
            b'~' => self.set(Self::number(text)?, depth)?,
            b'|' => {
                // Scripts are not shown attributes: they are read, and what they belong to is.
                for _ in 0..Self::number(text)?.saturating_mul(2) {
                    self.value(depth + 1)?;
                }
                self.value(depth)?
            }
            _ => return Err(broken()),
        })
    }

    fn string(&mut self, count: i64) -> mlua::Result<Value> {
        let bytes = self.bytes(count)?;
        self.lua.create_string(bytes).map(Value::String)
    }

    fn table(&self, name: &str, value: Value) -> mlua::Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(name, value)?;
        Ok(Value::Table(table))
    }

    fn field(&self, name: &str, text: &[u8]) -> mlua::Result<Value> {
        let text = self.lua.create_string(text)?;
        self.table(name, Value::String(text))
    }

    fn array(&mut self, count: i64, depth: usize) -> mlua::Result<Value> {
        let room = usize::try_from(count).unwrap_or(0).min(self.rest.len());
        let table = self.lua.create_table_with_capacity(room, 0)?;
        for index in 1..=count {
            let value = self.value(depth + 1)?;
            table.raw_set(index, value)?;
        }
        Ok(Value::Table(table))
    }

    fn pairs(&mut self, name: &str, count: i64, depth: usize) -> mlua::Result<Value> {
        let table = self.lua.create_table()?;
        for _ in 0..count {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            if !key.is_nil() {
                table.raw_set(key, value)?;
            }
        }
        self.table(name, Value::Table(table))
    }

    fn set(&mut self, count: i64, depth: usize) -> mlua::Result<Value> {
        let table = self.lua.create_table()?;
        for _ in 0..count {
            let key = self.value(depth + 1)?;
            if !key.is_nil() {
                table.raw_set(key, true)?;
            }
        }
        self.table("set", Value::Table(table))
    }

    fn verbatim(&mut self, count: i64) -> mlua::Result<Value> {
        let bytes = self.bytes(count)?;
        let (format, text) = bytes.split_at_checked(4).ok_or_else(broken)?;
        let table = self.lua.create_table()?;
        table.raw_set("string", self.lua.create_string(text)?)?;
        let format = format.get(..3).unwrap_or_default();
        table.raw_set("format", self.lua.create_string(format)?)?;
        self.table("verbatim_string", Value::Table(table))
    }
}

/// The error that a result is, and whether a command answered it before.
pub(super) fn error_of(value: &Value) -> Option<(String, bool)> {
    let table = value.as_table()?;
    let text: mlua::String = match table.raw_get("err") {
        Ok(Value::String(text)) => text,
        _ => return None,
    };
    let counted = table.raw_get::<bool>("ignore_error_stats_update");
    Some((text.to_string_lossy(), counted.unwrap_or(false)))
}

/// Writes a script's result. `script` is the protocol that the script asked for.
pub(super) fn write(value: &Value, reply: &mut Reply, script: Protocol) -> mlua::Result<()> {
    Writer { script }.value(value, reply, 0)
}

struct Writer {
    script: Protocol,
}

impl Writer {
    fn value(&self, value: &Value, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        match value {
            Value::String(text) => reply.bulk(&text.as_bytes()),
            Value::Boolean(value) if self.script == Protocol::Resp3 => reply.boolean(*value),
            Value::Boolean(true) => reply.integer(1),
            Value::Integer(number) => reply.integer(*number),
            // Towards zero, and to the nearest that there is: as a cast in C does where it may.
            Value::Number(number) => reply.integer(*number as i64),
            Value::Table(table) if depth < DEPTH_MAX => self.table(table, reply, depth)?,
            Value::Table(_) => return Err(mlua::Error::runtime("reached lua stack limit")),
            _ => reply.null(),
        }
        Ok(())
    }

    fn table(&self, table: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        if let Value::String(text) = table.raw_get("err")? {
            reply.error(&*text.as_bytes());
        } else if let Value::String(text) = table.raw_get("ok")? {
            reply.simple(&*text.as_bytes());
        } else if let Some(number) = number(&table.raw_get("double")?) {
            reply.double(number);
        } else if let Value::Table(map) = table.raw_get("map")? {
            self.map(&map, reply, depth)?;
        } else if let Value::Table(set) = table.raw_get("set")? {
            self.set(&set, reply, depth)?;
        } else if let Value::String(digits) = table.raw_get("big_number")? {
            let digits = digits.to_string_lossy().replace(['\r', '\n'], " ");
            reply.big_number(&digits);
        } else if let Value::Table(verbatim) = table.raw_get("verbatim_string")? {
            Self::verbatim(&verbatim, reply)?;
        } else {
            self.array(table, reply, depth)?;
        }
        Ok(())
    }

    fn map(&self, map: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        // Counted first: Lua has room for some thousand values in our hands at once.
        reply.map(count(map)?);
        map.for_each(|key: Value, value: Value| {
            self.value(&key, reply, depth + 1)?;
            self.value(&value, reply, depth + 1)
        })
    }

    fn set(&self, set: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        reply.set(count(set)?);
        set.for_each(|key: Value, _: Value| self.value(&key, reply, depth + 1))
    }

    fn verbatim(table: &Table, reply: &mut Reply) -> mlua::Result<()> {
        let (Value::String(text), Value::String(format)) =
            (table.raw_get("string")?, table.raw_get("format")?)
        else {
            reply.null();
            return Ok(());
        };
        let mut three = *b"txt";
        for (to, from) in three.iter_mut().zip(format.as_bytes().iter()) {
            *to = *from;
        }
        reply.verbatim(three, &text.as_bytes());
        Ok(())
    }

    fn array(&self, table: &Table, reply: &mut Reply, depth: usize) -> mlua::Result<()> {
        let mut count = 0;
        while !table.raw_get::<Value>(count + 1)?.is_nil() {
            count += 1;
        }
        reply.array(usize::try_from(count).unwrap_or(0));
        for index in 1..=count {
            let element: Value = table.raw_get(index)?;
            self.value(&element, reply, depth + 1)?;
        }
        Ok(())
    }
}

fn count(table: &Table) -> mlua::Result<usize> {
    let mut count = 0;
    table.for_each(|_: Value, _: Value| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// Calls `push` with the text of an argument of a command; false for what is no text.
pub(super) fn argument(value: &Value, push: impl FnOnce(&[u8])) -> bool {
    const EXACT_MAX: u64 = 1 << 53;
    match value {
        Value::String(text) => push(&text.as_bytes()),
        Value::Integer(number) if number.unsigned_abs() <= EXACT_MAX => {
            push(holdfast_resp::DecimalText::new().format(*number));
        }
        _ => match number(value) {
            Some(number) => push(DoubleText::new().format(number)),
            None => return false,
        },
    }
    true
}
