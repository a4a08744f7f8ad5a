//! The `bit` library: operations on 32-bit integers, as BitOp defines them.

use mlua::{Lua, MultiValue, Table, Value};

use super::native::{self, Problem, text};

type Operation = fn(u32, u32) -> u32;
type Single = fn(u32) -> u32;

/// Makes the library's table.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let folding: [(&str, Operation); 3] = [
        ("band", |one, other| one & other),
        ("bor", |one, other| one | other),
        ("bxor", |one, other| one ^ other),
    ];
    for (name, operation) in folding {
        library.raw_set(
            name,
            native::function(lua, move |_, all| fold(&all, operation))?,
        )?;
    }
    let shifting: [(&str, Operation); 5] = [
        ("lshift", |bits, count| bits << (count & 31)),
        ("rshift", |bits, count| bits >> (count & 31)),
        ("arshift", |bits, count| {
            (bits.cast_signed() >> (count & 31)).cast_unsigned()
        }),
        ("rol", |bits, count| bits.rotate_left(count & 31)),
        ("ror", |bits, count| bits.rotate_right(count & 31)),
    ];
    for (name, operation) in shifting {
        let run = move |_: &Lua, (bits, count): (Value, Value)| {
            Ok(signed(operation(number(&bits)?, number(&count)?)))
        };
        library.raw_set(name, native::function(lua, run)?)?;
    }
    let single: [(&str, Single); 3] = [
        ("tobit", |bits| bits),
        ("bnot", |bits| !bits),
        ("bswap", u32::swap_bytes),
    ];
    for (name, operation) in single {
        let run = move |_: &Lua, bits: Value| Ok(signed(operation(number(&bits)?)));
        library.raw_set(name, native::function(lua, run)?)?;
    }
    library.raw_set("tohex", native::function(lua, hexadecimal)?)?;
    Ok(library)
}

fn number(value: &Value) -> Result<u32, Problem> {
    let number = match value {
        Value::Integer(number) => *number as f64,
        Value::Number(number) => *number,
        Value::String(digits) => {
            let parsed = digits
                .to_str()
                .ok()
                .and_then(|digits| digits.trim().parse().ok());
            parsed.map_or_else(|| text("bad argument (number expected, got string)"), Ok)?
        }
        other => {
            return text(format!(
                "bad argument (number expected, got {})",
                other.type_name()
            ));
        }
    };
    // Rounded to even and taken modulo 2^32; what is no number is 0.
    let rounded = number.round_ties_even().rem_euclid(4_294_967_296.0);
    Ok(rounded as u32)
}

fn signed(bits: u32) -> f64 {
    f64::from(bits.cast_signed())
}

fn fold(all: &MultiValue, operation: Operation) -> Result<f64, Problem> {
    let mut numbers = all.iter().map(number);
    let first = numbers
        .next()
        .unwrap_or_else(|| text("bad argument #1 (number expected, got no value)"))?;
    let folded = numbers.try_fold(first, |bits, next| next.map(|next| operation(bits, next)))?;
    Ok(signed(folded))
}

fn hexadecimal(_: &Lua, (bits, digits): (Value, Option<Value>)) -> Result<String, Problem> {
    let bits = number(&bits)?;
    let digits = digits.as_ref().map_or(Ok(8), number)?.cast_signed();
    let count = digits.unsigned_abs().min(8) as usize;
    let all = if digits < 0 {
        format!("{bits:08X}")
    } else {
        format!("{bits:08x}")
    };
    Ok(all.get(8 - count..).unwrap_or_default().to_owned())
}
