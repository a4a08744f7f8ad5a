//! Numbers as Redis reads and prints them in commands.
//!
//! - `long_double` the 80-bit arithmetic of INCRBYFLOAT and HINCRBYFLOAT

mod decimal;
mod long_double;

pub use holdfast_formats::{DecimalBuffer, parse_i64};
pub use long_double::LongDouble;

/// Reads a floating point number as C's `strtod` would, with nothing before or after it.
/// Infinity is a number here; NaN is not, nor is what only rounds to infinity or to zero.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(digits) = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X")) {
        let magnitude = hexadecimal(digits)?;
        return Some(if text.starts_with('-') {
            -magnitude
        } else {
            magnitude
        });
    }
    // Rust reads the same decimal forms as C, and the same words for infinity.
    let number: f64 = text.parse().ok()?;
    let is_word = unsigned.starts_with(['i', 'I']);
    let is_lost = number == 0.0 && has_value(unsigned);
    (!number.is_nan() && (number.is_finite() || is_word) && !is_lost).then_some(number)
}

/// Whether a decimal text has a digit other than zero before its exponent.
fn has_value(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    mantissa
        .bytes()
        .any(|byte| byte.is_ascii_digit() && byte != b'0')
}

/// C's hexadecimal form without its prefix: `1.8p3` is 12. Sixteen digits are exact enough for a
/// form that hardly anybody writes; what comes after them is cut.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once(['p', 'P']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for (digit, weight) in whole.chars().map(|digit| (digit, None)).chain(
        fraction
            .chars()
            .zip(1..)
            .map(|(digit, place)| (digit, Some(place))),
    ) {
        let digit = f64::from(digit.to_digit(16)?);
        value = match weight {
            None => value * 16.0 + digit,
            Some(place) => value + digit * 16f64.powi(-place),
        };
    }
    let value: f64 = value * 2f64.powi(exponent);
    (value.is_finite()
        && (value != 0.0 || !mantissa.contains(|digit: char| !matches!(digit, '0' | '.'))))
    .then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_read_as_strtod_reads_them() {
        for (text, want) in [
            ("0", Some(0.0)),
            ("-0", Some(-0.0)),
            ("3.5", Some(3.5)),
            ("+3.5", Some(3.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e3", Some(1000.0)),
            ("1E-3", Some(0.001)),
            ("0e999", Some(0.0)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0x10", Some(16.0)),
            ("-0x1.8p3", Some(-12.0)),
            ("0x.8", Some(0.5)),
            ("", None),
            (" 1", None),
            ("1 ", None),
            ("nan", None),
            ("+-1", None),
            ("1e400", None),
            ("-1e400", None),
            ("1e-400", None),
            ("0x", None),
            ("0xg", None),
            ("1e", None),
            ("e5", None),
            (".", None),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), want, "{text:?}");
        }
    }
}
