//! Lua values to JSON text.

use mlua::{Lua, Table, Value};

use super::{Invalid, Switches};
use crate::scripting::native::{self, Problem, Shape, Steps, text};

/// The longest text.
const JSON_BYTES_MAX: usize = 512 << 20;

pub(super) fn write(lua: &Lua, value: &Value, switches: &Switches) -> Result<Vec<u8>, Problem> {
    let mut writer = Writer {
        out: Vec::new(),
        switches,
        steps: Steps::new(lua),
    };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer<'l, 's> {
    out: Vec<u8>,
    switches: &'s Switches,
    steps: Steps<'l>,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Problem> {
        self.steps.take()?;
        if self.out.len() > JSON_BYTES_MAX {
            return text("resulting string too large");
        }
        match value {
            Value::String(string) => self.string(&string.as_bytes()),
            Value::Integer(number) => self.number(*number as f64)?,
            Value::Number(number) => self.number(*number)?,
            Value::Boolean(true) => self.out.extend_from_slice(b"true"),
            Value::Boolean(false) => self.out.extend_from_slice(b"false"),
            Value::Table(table) => self.table(table, depth + 1)?,
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => {
                self.out.extend_from_slice(b"null");
            }
            other => {
                return text(format!(
                    "Cannot serialise {}: type not supported",
                    other.type_name()
                ));
            }
        }
        Ok(())
    }

    fn number(&mut self, number: f64) -> Result<(), Problem> {
        if !number.is_finite() {
            match self.switches.encode_invalid {
                Invalid::Refused => {
                    return text("Cannot serialise number: must not be NaN or Inf");
                }
                Invalid::Null => self.out.extend_from_slice(b"null"),
                Invalid::Written => self.out.extend_from_slice(if number.is_nan() {
                    b"nan"
                } else if number > 0.0 {
                    b"inf"
                } else {
                    b"-inf"
                }),
            }
            return Ok(());
        }
        let written = general(number, self.switches.precision);
        self.out.extend_from_slice(written.as_bytes());
        Ok(())
    }

    fn string(&mut self, string: &[u8]) {
        self.out.push(b'"');
        for &byte in string {
            let escaped: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'/' => b"\\/",
                0x08 => b"\\b",
                b'\t' => b"\\t",
                b'\n' => b"\\n",
                0x0c => b"\\f",
                b'\r' => b"\\r",
                0..0x20 | 0x7f => {
                    self.out
                        .extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                    continue;
                }
                other => {
                    self.out.push(other);
                    continue;
                }
            };
            self.out.extend_from_slice(escaped);
        }
        self.out.push(b'"');
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<(), Problem> {
        if depth > self.switches.encode_depth_max {
            return text(format!("Cannot serialise, excessive depth ({depth})"));
        }
        let shape = Shape::of(table)?;
        let len = usize::try_from(shape.largest).unwrap_or(usize::MAX);
        if shape.is_array && shape.count > 0 && !self.is_too_sparse(len, shape.count)? {
            return self.array(table, shape.largest, depth);
        }
        self.object(table, depth)
    }

    /// Whether an array has so many holes that it is written as an object.
    fn is_too_sparse(&self, len: usize, count: usize) -> Result<bool, Problem> {
        let (converts, ratio, safe) = self.switches.sparse;
        if ratio > 0 && len > count.saturating_mul(ratio) && len > safe {
            if !converts {
                return text("Cannot serialise table: excessively sparse array");
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn array(&mut self, table: &Table, len: i64, depth: usize) -> Result<(), Problem> {
        self.out.push(b'[');
        for index in 1..=len {
            if index > 1 {
                self.out.push(b',');
            }
            let element: Value = table.raw_get(index)?;
            self.value(&element, depth)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, table: &Table, depth: usize) -> Result<(), Problem> {
        self.out.push(b'{');
        let mut is_first = true;
        native::each_pair(table, |key, value| {
            if !std::mem::replace(&mut is_first, false) {
                self.out.push(b',');
            }
            match key {
                Value::String(name) => self.string(&name.as_bytes()),
                Value::Integer(_) | Value::Number(_) => {
                    self.out.push(b'"');
                    self.value(key, depth)?;
                    self.out.push(b'"');
                }
                _ => return text("Cannot serialise table: table key must be a number or string"),
            }
            self.out.push(b':');
            self.value(value, depth)
        })?;
        self.out.push(b'}');
        Ok(())
    }
}

/// A number with so many significant digits, as C's `%.*g` writes it.
fn general(number: f64, precision: usize) -> String {
    let scientific = format!("{number:.*e}", precision.saturating_sub(1));
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let precision_i32 = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= precision_i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(digits), exponent.unsigned_abs());
    }
    let decimals = usize::try_from(precision_i32 - 1 - exponent).unwrap_or(0);
    trimmed(&format!("{number:.decimals$}")).to_owned()
}

/// Without zeros at the end of a fraction.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn numbers_are_written_as_c_writes_them() {
        for (number, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "100"),
            (0.1, "0.1"),
            (1e14, "1e+14"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-1.5e300, "-1.5e+300"),
        ] {
            assert_eq!(general(number, 14), want, "{number:e}");
        }
    }
}
