//! Whole numbers of any size, as far as reading and printing long doubles needs them.
//!
//! Always holds: `words` has no zero at its end, so that equal numbers have equal words.

use std::cmp::Ordering;

/// A whole number, least significant word first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Natural {
    words: Vec<u32>,
}

impl Natural {
    pub(super) fn from_u64(value: u64) -> Self {
        let mut natural = Self {
            words: vec![value as u32, (value >> 32) as u32],
        };
        natural.trim();
        natural
    }

    fn trim(&mut self) {
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.words.is_empty()
    }

    /// How many bits it has up to its highest one.
    pub(super) fn bits(&self) -> usize {
        self.words.last().map_or(0, |&top| {
            self.words.len() * 32 - usize::try_from(top.leading_zeros()).unwrap_or(0)
        })
    }

    /// Multiplies by `factor` and adds `term`.
    pub(super) fn multiply_add(&mut self, factor: u32, term: u32) {
        let mut carry = u64::from(term);
        for word in &mut self.words {
            let value = u64::from(*word) * u64::from(factor) + carry;
            *word = value as u32;
            carry = value >> 32;
        }
        if carry > 0 {
            self.words.push(carry as u32);
        }
        self.trim();
    }

    /// Multiplies by a power of ten.
    pub(super) fn multiply_power_of_ten(&mut self, exponent: usize) {
        for _ in 0..exponent / 9 {
            self.multiply_add(1_000_000_000, 0);
        }
        for _ in 0..exponent % 9 {
            self.multiply_add(10, 0);
        }
    }

    /// Divides by `divisor`; returns the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut remainder = 0u64;
        for word in self.words.iter_mut().rev() {
            let value = remainder << 32 | u64::from(*word);
            *word = (value / u64::from(divisor)) as u32;
            remainder = value % u64::from(divisor);
        }
        self.trim();
        remainder as u32
    }

    pub(super) fn shifted_left(&self, bits: usize) -> Self {
        let mut words = vec![0; bits / 32];
        let (shift, mut carry) = (bits % 32, 0u64);
        for &word in &self.words {
            let value = u64::from(word) << shift | carry;
            words.push(value as u32);
            carry = value >> 32;
        }
        words.push(carry as u32);
        let mut shifted = Self { words };
        shifted.trim();
        shifted
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_len = self.words.len().cmp(&other.words.len());
        by_len.then_with(|| self.words.iter().rev().cmp(other.words.iter().rev()))
    }

    /// Subtracts a number that is not larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (at, word) in self.words.iter_mut().enumerate() {
            let (value, first) = word.overflowing_sub(other.words.get(at).copied().unwrap_or(0));
            let (value, second) = value.overflowing_sub(u32::from(borrow));
            *word = value;
            borrow = first || second;
        }
        debug_assert!(!borrow, "subtracted a larger number");
        self.trim();
    }

    /// `self / divisor` where that has up to 127 bits, with its lowest bit set if there is a rest.
    pub(super) fn quotient_and_sticky(mut self, divisor: &Self) -> u128 {
        let mut quotient = 0u128;
        let mut shift = self.bits().saturating_sub(divisor.bits());
        debug_assert!(shift < 127, "the quotient has {shift} bits");
        loop {
            let part = divisor.shifted_left(shift);
            quotient <<= 1;
            if self.compare(&part) != Ordering::Less {
                self.subtract(&part);
                quotient |= 1;
            }
            if shift == 0 {
                return quotient << 1 | u128::from(!self.is_zero());
            }
            shift -= 1;
        }
    }

    /// Its decimal text.
    pub(super) fn to_text(&self) -> String {
        let mut rest = self.clone();
        let mut groups = Vec::new();
        while !rest.is_zero() {
            groups.push(rest.divide(1_000_000_000));
        }
        let mut text = groups.pop().unwrap_or(0).to_string();
        for group in groups.iter().rev() {
            text.push_str(&format!("{group:09}"));
        }
        text
    }
}
