//! The 80-bit floating point numbers (`long double` on x86) in which Redis executes INCRBYFLOAT and
//! HINCRBYFLOAT, so that 0.1 + 0.2 is 0.3 here as well. Replicas get results, never the sums.
//!
//! Always holds: the value is `mantissa * 2^exponent` with the sign, and the mantissa's top bit is
//! set unless the number is zero or smaller than any normal one.

use super::decimal::Natural;

/// Texts of this many bytes and more are not numbers to Redis.
const TEXT_BYTES_END: usize = 5 * 1024;
/// The exponent of the largest numbers, whose mantissa has 64 bits.
const EXPONENT_MAX: i64 = 16_383 - 63;
/// The exponent of the smallest numbers.
const EXPONENT_MIN: i64 = -16_382 - 63;
/// Decimal exponents beyond this overflow or vanish, however many digits come before them.
const DECIMAL_EXPONENT_MAX: i64 = 20_000;
/// How many digits Redis prints after the point.
const FRACTION_DIGITS: usize = 17;

/// A number with a mantissa of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDouble {
    is_negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magnitude {
    Finite { mantissa: u64, exponent: i64 },
    Infinite,
}

impl LongDouble {
    /// Zero.
    pub const ZERO: Self = Self {
        is_negative: false,
        magnitude: Magnitude::Finite {
            mantissa: 0,
            exponent: 0,
        },
    };

    /// Reads a number as C's `strtold` would, with nothing before or after it. Infinity is one; NaN
    /// is not, nor is what only rounds to infinity or to zero.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= TEXT_BYTES_END {
            return None;
        }
        let (is_negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let is_infinite = [&b"inf"[..], b"infinity"]
            .iter()
            .any(|word| unsigned.eq_ignore_ascii_case(word));
        let magnitude = if is_infinite {
            Some(Magnitude::Infinite)
        } else if let [b'0', b'x' | b'X', digits @ ..] = unsigned {
            parse_hexadecimal(digits)
        } else {
            parse_decimal(unsigned)
        };
        magnitude.map(|magnitude| Self {
            is_negative,
            magnitude,
        })
    }

    /// Whether it is a number that one can add to.
    pub fn is_finite(self) -> bool {
        self.magnitude != Magnitude::Infinite
    }

    /// The sum, or `None` where it is not a finite number.
    pub fn plus(self, other: Self) -> Option<Self> {
        let (Magnitude::Finite { .. }, Magnitude::Finite { .. }) =
            (self.magnitude, other.magnitude)
        else {
            return None;
        };
        let (large, small) = if self.exponent_and_mantissa() >= other.exponent_and_mantissa() {
            (self, other)
        } else {
            (other, self)
        };
        let (large_exponent, large_mantissa) = large.exponent_and_mantissa();
        let (small_exponent, small_mantissa) = small.exponent_and_mantissa();
        if small_mantissa == 0 {
            return Some(large.or_positive_zero());
        }
        // Room for every bit of the smaller number, or for more bits than rounding looks at.
        let room = (large_exponent - small_exponent).min(62);
        let exponent = large_exponent - room;
        let aligned_large = u128::from(large_mantissa) << room;
        let aligned_small =
            shifted_right_sticky(u128::from(small_mantissa), exponent - small_exponent);
        let (is_negative, sum) = if large.is_negative == small.is_negative {
            (large.is_negative, aligned_large + aligned_small)
        } else if aligned_large >= aligned_small {
            (large.is_negative, aligned_large - aligned_small)
        } else {
            (small.is_negative, aligned_small - aligned_large)
        };
        let sum = Self {
            is_negative,
            magnitude: rounded(sum, exponent)?,
        };
        Some(sum.or_positive_zero())
    }

    fn or_positive_zero(self) -> Self {
        match self.magnitude {
            Magnitude::Finite { mantissa: 0, .. } => Self::ZERO,
            _ => self,
        }
    }

    /// The order of finite numbers by what their top bit weighs.
    const fn exponent_and_mantissa(self) -> (i64, u64) {
        match self.magnitude {
            Magnitude::Finite { mantissa: 0, .. } => (EXPONENT_MIN, 0),
            Magnitude::Finite { mantissa, exponent } => (exponent, mantissa),
            Magnitude::Infinite => (i64::MAX, 0),
        }
    }

    /// The text that Redis stores: up to 17 digits after the point, no zeros at the end.
    pub fn to_text(self) -> Vec<u8> {
        let digits = match self.magnitude {
            Magnitude::Infinite => "inf".to_owned(),
            Magnitude::Finite { mantissa, exponent } if exponent >= 0 => {
                let shift = usize::try_from(exponent).unwrap_or(0);
                Natural::from_u64(mantissa).shifted_left(shift).to_text()
            }
            Magnitude::Finite { mantissa, exponent } => fixed(mantissa, exponent),
        };
        let sign = if self.is_negative && digits != "0" {
            "-"
        } else {
            ""
        };
        format!("{sign}{digits}").into_bytes()
    }
}

/// The text of a number with bits after the point.
fn fixed(mantissa: u64, exponent: i64) -> String {
    let scale = 10u128.pow(FRACTION_DIGITS as u32);
    // 64 bits times 57 bits: exact. The shift then rounds to the nearest, half to even.
    let scaled = u128::from(mantissa) * scale;
    let rounded = shifted_right_to_even(scaled, -exponent);
    let (whole, fraction) = (rounded / scale, rounded % scale);
    let fraction = format!("{fraction:0FRACTION_DIGITS$}");
    match fraction.trim_end_matches('0') {
        "" => whole.to_string(),
        fraction => format!("{whole}.{fraction}"),
    }
}

fn shifted_right_sticky(value: u128, bits: i64) -> u128 {
    match bits {
        ..=0 => value,
        1..=127 => value >> bits | u128::from(value & ((1 << bits) - 1) != 0),
        _ => u128::from(value != 0),
    }
}

fn shifted_right_to_even(value: u128, bits: i64) -> u128 {
    match bits {
        ..=0 => value,
        1..=127 => {
            let (kept, rest, half) = (value >> bits, value & ((1 << bits) - 1), 1 << (bits - 1));
            let goes_up = rest > half || (rest == half && kept & 1 == 1);
            kept + u128::from(goes_up)
        }
        _ => 0,
    }
}

/// Rounds to a mantissa of 64 bits; `None` beyond the largest number.
fn rounded(value: u128, exponent: i64) -> Option<Magnitude> {
    if value == 0 {
        return Some(LongDouble::ZERO.magnitude);
    }
    let width = i64::from(128 - value.leading_zeros());
    let surplus = (width - 64).max(EXPONENT_MIN - exponent);
    let (mut mantissa, mut exponent) = if surplus <= 0 {
        // Room below: move up as far as the smallest exponent allows.
        (value << -surplus, exponent + surplus)
    } else {
        (shifted_right_to_even(value, surplus), exponent + surplus)
    };
    if mantissa >> 64 != 0 {
        (mantissa, exponent) = (mantissa >> 1, exponent + 1);
    }
    let mantissa = u64::try_from(mantissa).ok()?;
    (exponent <= EXPONENT_MAX).then_some(Magnitude::Finite { mantissa, exponent })
}

/// Refuses what became zero without being it.
fn not_lost(magnitude: Magnitude) -> Option<Magnitude> {
    (!matches!(magnitude, Magnitude::Finite { mantissa: 0, .. })).then_some(magnitude)
}

/// The digits of a number, its point taken out, and how many of them stood behind the point.
fn split_digits(text: &[u8]) -> Option<(Vec<u8>, i64)> {
    let (whole, fraction) = match text.iter().position(|&byte| byte == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    let digits = [whole, fraction].concat();
    (!digits.is_empty()).then_some((digits, i64::try_from(fraction.len()).ok()?))
}

/// Splits at the letter of the exponent and reads that, within bounds that change nothing.
fn split_exponent(text: &[u8], letter: u8) -> Option<(&[u8], i64)> {
    let Some(at) = text
        .iter()
        .position(|byte| byte.eq_ignore_ascii_case(&letter))
    else {
        return Some((text, 0));
    };
    let exponent = std::str::from_utf8(&text[at + 1..]).ok()?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits
        .parse()
        .unwrap_or(i64::from(i32::MAX))
        .min(i64::from(i32::MAX));
    let exponent = if exponent.starts_with('-') {
        -magnitude
    } else {
        magnitude
    };
    Some((&text[..at], exponent))
}

fn parse_decimal(text: &[u8]) -> Option<Magnitude> {
    let (mantissa, exponent) = split_exponent(text, b'e')?;
    let (digits, fraction_count) = split_digits(mantissa)?;
    let mut value = Natural::from_u64(0);
    for &digit in &digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value.multiply_add(10, u32::from(digit - b'0'));
    }
    if value.is_zero() {
        return Some(LongDouble::ZERO.magnitude);
    }
    let exponent = exponent - fraction_count;
    if exponent.abs() > DECIMAL_EXPONENT_MAX {
        return None;
    }
    let power = usize::try_from(exponent.unsigned_abs()).ok()?;
    let mut divisor = Natural::from_u64(1);
    if exponent >= 0 {
        value.multiply_power_of_ten(power);
    } else {
        divisor.multiply_power_of_ten(power);
    }
    // Both sides are moved so that the quotient has a few bits more than the mantissa keeps.
    let shift = i64::try_from(divisor.bits()).ok()? + 80 - i64::try_from(value.bits()).ok()?;
    let distance = usize::try_from(shift.unsigned_abs()).ok()?;
    if shift >= 0 {
        value = value.shifted_left(distance);
    } else {
        divisor = divisor.shifted_left(distance);
    }
    rounded(value.quotient_and_sticky(&divisor), -shift - 1).and_then(not_lost)
}

fn parse_hexadecimal(text: &[u8]) -> Option<Magnitude> {
    let (mantissa, exponent) = split_exponent(text, b'p')?;
    let (digits, fraction_count) = split_digits(mantissa)?;
    let (mut value, mut exponent) = (0u128, exponent - 4 * fraction_count);
    for &digit in &digits {
        let digit = char::from(digit).to_digit(16)?;
        if value >> 120 == 0 {
            value = value << 4 | u128::from(digit);
        } else {
            value |= u128::from(digit != 0);
            exponent += 4;
        }
    }
    let is_zero = value == 0;
    let magnitude = rounded(value, exponent)?;
    if is_zero {
        Some(magnitude)
    } else {
        not_lost(magnitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(one: &str, other: &str) -> Option<String> {
        let sum = LongDouble::parse(one.as_bytes())?.plus(LongDouble::parse(other.as_bytes())?)?;
        Some(String::from_utf8(sum.to_text()).expect("the text is ASCII"))
    }

    /// The results are what INCRBYFLOAT of Redis 7.0.15 answers on x86-64.
    #[test]
    fn sums_are_those_of_redis() {
        for (one, other, want) in CASES {
            assert_eq!(sum(one, other).as_deref(), Some(*want), "{one} + {other}");
        }
    }

    const CASES: &[(&str, &str, &str)] = &[
        ("0", "0", "0"),
        ("3", "1.1", "4.1"),
        ("0.1", "0.2", "0.3"),
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("1", "-1", "0"),
        ("-0", "-0", "0"),
        ("14", "-0x1.4341d6e6342d0p+3", "3.89821295774763144"),
        (
            "4710701591566218582209932736767690552458",
            "9.044889105823874",
            "4710701591566218582126799090054382747648",
        ),
        ("0.2415868", "0x1.4825e66b07d28p+6", "82.27859858775065727"),
        (
            "-4.3168126661",
            "2724298878734977962815708592729210512607",
            "2724298878734977962922431989977100320768",
        ),
        (
            "0.975975227763",
            "0.51781286570704999622830388368595748906828836075983",
            "1.49378809347005",
        ),
        ("6e17", "-0x1.ca45a93a3aee4p+4", "599999999999999971.375"),
        ("8e+08", "0x1.67d90f2474798p+4", "800000022.490492956538219"),
        (
            "3689425219741065771119690374151884774404",
            "1.689217415568826652",
            "3689425219741065771261701258314342465536",
        ),
        ("-0x1.82a5c24ab33b2p+6", "544", "447.33812602311192563"),
        (
            "-8.609692429e-20",
            "9.0391530347086406e+12",
            "9039153034708.64060020446777344",
        ),
        (
            "4.23179854370545893705e-01",
            "0.771046563414839603062",
            "1.1942264177853855",
        ),
        ("472", "4.092112557040050", "476.09211255704005"),
        (
            "0x1.26398fdefd17ap+6",
            "0x1.466fe10c97b20p+5",
            "114.36084135301294396",
        ),
        (
            "920",
            "0.4870596402359256341685878",
            "920.48705964023592563",
        ),
        ("8.219756", "5.182323654", "13.402079654"),
        ("-1.9e-06", "0x1.88fc987acfc7ep+6", "98.24667351402047277"),
        ("168", "-42e-18", "167.99999999999999996"),
        ("950", "7.81536255711e+06", "7816312.55711000000019339"),
        ("-70e17", "5.740e+22", "57393000000000000000000"),
        ("691", "-0x1.6ffb2dfd3531dp+6", "599.00470737803293275"),
        (
            "8004075541831192154220502908681181328570",
            "-4.93179727917746558e+00",
            "8004075541831192154068430466612759363584",
        ),
        (
            "611",
            "1.93141286376882700959179e-02",
            "611.01931412863768828",
        ),
        (
            "9758220679379003165888989397342496173240",
            "9.3959300899293964007e-23",
            "9758220679379003165895037075142073122816",
        ),
        ("5.702712e+19", "77e17", "64727120000000000000"),
    ];

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in [
            "", " 1", "1 ", "nan", "abc", "1e", "1e+", ".", "1e5000", "1e-5000", "0x", "--1",
            "1.2.3", "1\0",
        ] {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn sums_that_are_not_finite_are_refused() {
        assert_eq!(sum("inf", "1"), None);
        assert_eq!(sum("1e4932", "1e4932"), None);
        assert_eq!(sum("inf", "-inf"), None);
    }
}
