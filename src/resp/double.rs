//! Floating point numbers as Redis 7.0 puts them into replies: C's `%.17g`.
//!
//! `Reply::double` calls it, and the engine where a computed float becomes text. Always holds: the
//! text is what C's `printf` gives in the C locale, and reading it back gives the same number.

use std::fmt::{self, Write as _};

use crate::decimal::DecimalText;

/// How many significant digits `%.17g` keeps: enough for every double to come back.
const SIGNIFICANT_DIGITS: i32 = 17;

/// The longest text is a sign, `0.000`, and seventeen digits; `e` notation is shorter.
const DOUBLE_BYTES_MAX: usize = 32;

/// Room for the text of one floating point number, so that formatting needs no allocation.
#[derive(Clone, Debug, Default)]
pub struct DoubleText(Room);

impl DoubleText {
    /// Room without content.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value` and returns its text. Infinities are `inf` and `-inf`, no number is `nan`.
    pub fn format(&mut self, value: f64) -> &[u8] {
        self.0.len = 0;
        if value.is_nan() {
            self.0.push(b"nan");
        } else if value.is_infinite() {
            self.0.push(if value > 0.0 { b"inf" } else { b"-inf" });
        } else if let Some(integer) = small_integer(value) {
            // Scores and counters are mostly whole numbers, which need no decimal expansion.
            self.0.push(DecimalText::new().format(integer));
        } else {
            write_general(value, &mut self.0);
        }
        self.0.filled()
    }
}

/// `value` as an integer if its `%.17g` is simply its digits.
fn small_integer(value: f64) -> Option<i64> {
    // From 1e17 on `%.17g` changes to `e` notation, and minus zero keeps its sign.
    let fits = value.trunc() == value && value.abs() < 1e17;
    if !fits || (value == 0.0 && value.is_sign_negative()) {
        return None;
    }
    #[expect(
        clippy::as_conversions,
        reason = "whole and below 1e17, which an i64 holds exactly"
    )]
    let integer = value as i64;
    Some(integer)
}

/// `%.17g` of a finite number.
fn write_general(value: f64, out: &mut Room) {
    let mut scientific = Room::default();
    // The room is larger than any such text, and writing to it does nothing else that could fail.
    let _ = write!(scientific, "{:.16e}", value.abs());
    let Some((digits, exponent)) = split_scientific(scientific.filled()) else {
        return;
    };
    if value.is_sign_negative() {
        out.push(b"-");
    }
    if (-4..SIGNIFICANT_DIGITS).contains(&exponent) {
        write_fixed(digits, exponent, out);
    } else {
        write_scientific(digits, exponent, out);
    }
}

/// Takes `d.ddde-5` apart: its digits without trailing zeros, and its exponent.
fn split_scientific(text: &[u8]) -> Option<(Digits, i32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (mantissa, exponent) = text.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.')?;
    let fraction = fraction.trim_end_matches('0');
    let mut digits = Room::default();
    digits.push(whole.as_bytes());
    digits.push(fraction.as_bytes());
    Some((Digits(digits), exponent.parse().ok()?))
}

/// At least one significant digit, without trailing zeros (but for zero itself).
struct Digits(Room);

impl Digits {
    /// The first `count` digits and the others; zeros are added where `count` is more than all.
    fn split(&self, count: usize) -> (&[u8], usize, &[u8]) {
        match self.0.filled().split_at_checked(count) {
            Some((whole, fraction)) => (whole, 0, fraction),
            None => {
                let all = self.0.filled();
                (all, count.saturating_sub(all.len()), &[])
            }
        }
    }
}

fn write_fixed(digits: Digits, exponent: i32, out: &mut Room) {
    let Ok(exponent) = usize::try_from(exponent) else {
        out.push(b"0.");
        for _ in exponent..-1 {
            out.push(b"0");
        }
        out.push(digits.0.filled());
        return;
    };
    let (whole, zeros, fraction) = digits.split(exponent.saturating_add(1));
    out.push(whole);
    for _ in 0..zeros {
        out.push(b"0");
    }
    if !fraction.is_empty() {
        out.push(b".");
        out.push(fraction);
    }
}

fn write_scientific(digits: Digits, exponent: i32, out: &mut Room) {
    let (whole, _, fraction) = digits.split(1);
    out.push(whole);
    if !fraction.is_empty() {
        out.push(b".");
        out.push(fraction);
    }
    out.push(if exponent < 0 { b"e-" } else { b"e+" });
    let magnitude = i64::from(exponent).saturating_abs();
    if magnitude < 10 {
        out.push(b"0");
    }
    out.push(DecimalText::new().format(magnitude));
}

/// A short text on the stack. What does not fit is dropped, which no caller here can reach.
#[derive(Clone, Debug, Default)]
struct Room {
    bytes: [u8; DOUBLE_BYTES_MAX],
    len: usize,
}

impl Room {
    fn push(&mut self, text: &[u8]) {
        let end = self.len.saturating_add(text.len());
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(text);
            self.len = end;
        }
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

impl fmt::Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(value: f64) -> String {
        String::from_utf8(DoubleText::new().format(value).to_vec()).expect("the text is ASCII")
    }

    /// The right-hand sides are what `printf("%.17g")` of the GNU C library prints.
    #[test]
    fn texts_are_those_of_printf() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (0.1, "0.10000000000000001"),
            (0.5, "0.5"),
            (-2.25, "-2.25"),
            (2.1, "2.1000000000000001"),
            (100.5, "100.5"),
            (123_456_789.125, "123456789.125"),
            (0.0001, "0.0001"),
            (0.000_123_4, "0.00012339999999999999"),
            (0.000_01, "1.0000000000000001e-05"),
            (1.0 + 1.0 / 131_072.0, "1.0000076293945312"),
            (1e15, "1000000000000000"),
            (1e16, "10000000000000000"),
            (99_999_999_999_999_984.0, "99999999999999984"),
            (1e17, "1e+17"),
            (1.5e17, "1.5e+17"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (1e300, "1.0000000000000001e+300"),
            (5e-324, "4.9406564584124654e-324"),
            (2.225_073_858_507_201_4e-308, "2.2250738585072014e-308"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-f64::MAX, "-1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(text_of(value), want, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn every_double_comes_back(bits: u64) {
            let value = f64::from_bits(bits);
            let text = text_of(value);
            let read: f64 = text.parse().expect("it is a number");
            prop_assert!(read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan()), "{}", text);
        }

        #[test]
        fn a_whole_number_is_its_digits(value in -99_999_999_999_999_900i64..99_999_999_999_999_900) {
            let value = value as f64;
            prop_assert_eq!(text_of(value), format!("{value:.0}"));
        }
    }
}
