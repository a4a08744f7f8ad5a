//! The `struct` library: numbers and strings in binary layouts.

use mlua::{Lua, MultiValue, String as LuaString, Table, Value};

use super::native::{self, Problem, text};

const ALIGNMENT_MAX: usize = 16;
const INTEGER_BYTES_MAX: usize = 8;
const PACKED_BYTES_MAX: usize = 512 << 20;

/// Makes the library's table.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    library.raw_set("pack", native::function(lua, pack)?)?;
    library.raw_set("unpack", native::function(lua, unpack)?)?;
    library.raw_set("size", native::function(lua, size)?)?;
    Ok(library)
}

/// One item of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Padding,
    Signed(usize),
    Unsigned(usize),
    Float,
    Double,
    /// A string that ends in a zero byte.
    Terminated,
    /// So many bytes; 0 for as many as there are.
    Bytes(usize),
}

impl Item {
    const fn bytes(self) -> usize {
        match self {
            Self::Padding => 1,
            Self::Signed(bytes) | Self::Unsigned(bytes) | Self::Bytes(bytes) => bytes,
            Self::Float => 4,
            Self::Double => 8,
            Self::Terminated => 0,
        }
    }

    /// Strings and padding stand anywhere.
    const fn is_aligned(self) -> bool {
        matches!(
            self,
            Self::Signed(_) | Self::Unsigned(_) | Self::Float | Self::Double
        )
    }
}

/// Reads a layout item by item.
struct Layout<'f> {
    rest: &'f [u8],
    is_little: bool,
    alignment: usize,
}

impl<'f> Layout<'f> {
    const fn new(format: &'f [u8]) -> Self {
        Self {
            rest: format,
            is_little: true,
            alignment: 1,
        }
    }

    fn number(&mut self, otherwise: usize) -> Result<usize, Problem> {
        let digits = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        if digits == 0 {
            return Ok(otherwise);
        }
        let number = std::str::from_utf8(number)
            .ok()
            .and_then(|number| number.parse().ok());
        let number: Option<i32> = number;
        number
            .and_then(|number| usize::try_from(number).ok())
            .map_or_else(|| text("integral size overflow"), Ok)
    }

    fn integer_bytes(&mut self, otherwise: usize) -> Result<usize, Problem> {
        match self.number(otherwise)? {
            bytes @ 1..=INTEGER_BYTES_MAX => Ok(bytes),
            bytes => text(format!(
                "integral size {bytes} is larger than limit of {INTEGER_BYTES_MAX}"
            )),
        }
    }

    /// The next item, and how much padding stands before it at this position.
    fn next(&mut self, at: usize) -> Result<Option<(Item, usize)>, Problem> {
        while let Some((&code, rest)) = self.rest.split_first() {
            self.rest = rest;
            let item = match code {
                b'<' | b'>' | b'=' => {
                    self.is_little = code != b'>';
                    continue;
                }
                b' ' => continue,
                b'!' => {
                    let alignment = self.number(8)?;
                    if !(1..=ALIGNMENT_MAX).contains(&alignment) || !alignment.is_power_of_two() {
                        return text("alignment is not a power of 2");
                    }
                    self.alignment = alignment;
                    continue;
                }
                b'x' => Item::Padding,
                b'b' => Item::Signed(1),
                b'B' => Item::Unsigned(1),
                b'h' => Item::Signed(2),
                b'H' => Item::Unsigned(2),
                b'l' => Item::Signed(8),
                b'L' | b'T' => Item::Unsigned(8),
                b'i' => Item::Signed(self.integer_bytes(4)?),
                b'I' => Item::Unsigned(self.integer_bytes(4)?),
                b'f' => Item::Float,
                b'd' => Item::Double,
                b's' => Item::Terminated,
                b'c' => Item::Bytes(self.number(1)?),
                other => {
                    return text(format!("invalid format option '{}'", char::from(other)));
                }
            };
            let align = item.bytes().min(self.alignment);
            let padding = if item.is_aligned() && align > 1 {
                at.next_multiple_of(align) - at
            } else {
                0
            };
            return Ok(Some((item, padding)));
        }
        Ok(None)
    }

    fn ordered(&self, little: &[u8]) -> Vec<u8> {
        let mut bytes = little.to_vec();
        if !self.is_little {
            bytes.reverse();
        }
        bytes
    }
}

fn float(value: Option<Value>) -> Result<f64, Problem> {
    match value {
        Some(Value::Integer(number)) => Ok(number as f64),
        Some(Value::Number(number)) => Ok(number),
        Some(Value::String(digits)) => {
            let parsed = digits
                .to_str()
                .ok()
                .and_then(|digits| digits.trim().parse().ok());
            parsed.map_or_else(|| text("bad argument (number expected, got string)"), Ok)
        }
        Some(other) => text(format!(
            "bad argument (number expected, got {})",
            other.type_name()
        )),
        None => text("bad argument (number expected, got no value)"),
    }
}

/// A number as 64 bits, negative ones as their complement.
fn integer(number: f64) -> u64 {
    if number < 0.0 {
        (number as i64).cast_unsigned()
    } else {
        number as u64
    }
}

fn pack(lua: &Lua, mut arguments: MultiValue) -> Result<LuaString, Problem> {
    let Some(Value::String(format)) = arguments.pop_front() else {
        return text("bad argument #1 (string expected)");
    };
    let format = format.as_bytes();
    let mut layout = Layout::new(&format);
    let mut packed: Vec<u8> = Vec::new();
    while let Some((item, padding)) = layout.next(packed.len())? {
        packed.resize(packed.len() + padding, 0);
        match item {
            Item::Padding => packed.push(0),
            Item::Signed(bytes) | Item::Unsigned(bytes) => {
                let number = integer(float(arguments.pop_front())?).to_le_bytes();
                packed.extend(layout.ordered(number.get(..bytes).unwrap_or_default()));
            }
            Item::Float => {
                let number = float(arguments.pop_front())? as f32;
                packed.extend(layout.ordered(&number.to_le_bytes()));
            }
            Item::Double => {
                let number = float(arguments.pop_front())?;
                packed.extend(layout.ordered(&number.to_le_bytes()));
            }
            Item::Terminated | Item::Bytes(_) => {
                let Some(Value::String(string)) = arguments.pop_front() else {
                    return text("bad argument (string expected)");
                };
                let string = string.as_bytes();
                let count = match item {
                    Item::Bytes(count) if count > 0 => count,
                    _ => string.len(),
                };
                let Some(part) = string.get(..count) else {
                    return text("string too short");
                };
                packed.extend_from_slice(part);
                if item == Item::Terminated {
                    packed.push(0);
                }
            }
        }
        if packed.len() > PACKED_BYTES_MAX {
            return text("resulting string too large");
        }
    }
    Ok(lua.create_string(&packed)?)
}

fn unpack(
    lua: &Lua,
    (format, data, from): (LuaString, LuaString, Option<f64>),
) -> Result<MultiValue, Problem> {
    let (format, data) = (format.as_bytes(), data.as_bytes());
    let from = from.unwrap_or(1.0);
    if from < 1.0 {
        return text("offset must be 1 or greater");
    }
    let mut at = from as usize - 1;
    let mut layout = Layout::new(&format);
    let mut found = MultiValue::new();
    while let Some((item, padding)) = layout.next(at)? {
        at = at.saturating_add(padding);
        let rest = data.get(at..).unwrap_or_default();
        let count = match item {
            Item::Bytes(0) => count_before(&mut found)?,
            Item::Terminated => match rest.iter().position(|&byte| byte == 0) {
                Some(end) => end,
                None => return text("unfinished string in data"),
            },
            other => other.bytes(),
        };
        let Some(part) = rest.get(..count) else {
            return text("data string too short");
        };
        at += count + usize::from(item == Item::Terminated);
        match item {
            Item::Padding => {}
            Item::Terminated | Item::Bytes(_) => {
                found.push_back(Value::String(lua.create_string(part)?));
            }
            _ => found.push_back(Value::Number(decoded(item, &layout.ordered(part)))),
        }
    }
    found.push_back(Value::Number((at + 1) as f64));
    Ok(found)
}

/// `c0` takes as many bytes as the number before it says.
fn count_before(found: &mut MultiValue) -> Result<usize, Problem> {
    match found.pop_back() {
        Some(Value::Number(count)) if count >= 0.0 => Ok(count as usize),
        _ => text("format 'c0' needs a previous size"),
    }
}

fn decoded(item: Item, little: &[u8]) -> f64 {
    let mut wide = [0; 8];
    for (to, from) in wide.iter_mut().zip(little) {
        *to = *from;
    }
    let bits = u64::from_le_bytes(wide);
    match item {
        Item::Float => f64::from(f32::from_bits(bits as u32)),
        Item::Double => f64::from_bits(bits),
        Item::Signed(bytes) => {
            let unused = 64 - 8 * bytes as u32;
            ((bits << unused).cast_signed() >> unused) as f64
        }
        _ => bits as f64,
    }
}

fn size(_: &Lua, format: LuaString) -> Result<f64, Problem> {
    let format = format.as_bytes();
    let mut layout = Layout::new(&format);
    let mut at = 0_usize;
    while let Some((item, padding)) = layout.next(at)? {
        match item {
            Item::Terminated => return text("variable-size format in 's'"),
            Item::Bytes(0) => return text("variable-size format in 'c0'"),
            _ => {}
        }
        at = at.saturating_add(padding).saturating_add(item.bytes());
        if at > i32::MAX as usize {
            return text("format result too large");
        }
    }
    Ok(at as f64)
}
