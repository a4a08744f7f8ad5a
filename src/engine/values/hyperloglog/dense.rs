//! Registers of six bits each, back to back, lowest bit first.

use super::{HEADER_BYTES, REGISTERS_COUNT, Registers};

const REGISTER_BITS: usize = 6;
const REGISTER_MAX: u16 = (1 << REGISTER_BITS) - 1;
const BYTES: usize = REGISTERS_COUNT * REGISTER_BITS / 8;

/// Length of the whole string, its header included.
pub(super) const STRING_BYTES: usize = HEADER_BYTES + BYTES;

/// A register; `dense` is the string without its header.
fn get(dense: &[u8], index: usize) -> u8 {
    let (at, shift) = place(index);
    let value = pair(dense, at) >> shift & REGISTER_MAX;
    u8::try_from(value).expect("six bits")
}

/// Raises a register; says whether it was lower.
pub(super) fn raise(dense: &mut [u8], index: usize, rank: u8) -> bool {
    let is_higher = rank > get(dense, index);
    if is_higher {
        set(dense, index, rank);
    }
    is_higher
}

fn set(dense: &mut [u8], index: usize, value: u8) {
    let (at, shift) = place(index);
    let cleared = pair(dense, at) & !(REGISTER_MAX << shift);
    let [low, high] = (cleared | u16::from(value) << shift).to_le_bytes();
    dense[at] = low;
    // The last register ends with the last byte.
    if let Some(byte) = dense.get_mut(at + 1) {
        *byte = high;
    }
}

/// The byte in which a register begins, and how many bits of it come before.
const fn place(index: usize) -> (usize, usize) {
    (index * REGISTER_BITS / 8, index * REGISTER_BITS % 8)
}

fn pair(dense: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([dense[at], dense.get(at + 1).copied().unwrap_or(0)])
}

/// Every register, in order: four of them are three bytes.
pub(super) fn groups(dense: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    dense.chunks_exact(3).map(|bytes| {
        let [one, two, three] = <[u8; 3]>::try_from(bytes).expect("a chunk has three bytes");
        [
            one & 0x3f,
            one >> 6 | two << 2 & 0x3f,
            two >> 4 | three << 4 & 0x3f,
            three >> 2,
        ]
    })
}

/// Appends all registers to a header.
pub(super) fn push_all(bytes: &mut Vec<u8>, registers: &Registers) {
    bytes.reserve_exact(BYTES);
    for group in registers.all().chunks_exact(4) {
        let [a, b, c, d] = <[u8; 4]>::try_from(group).expect("a chunk has four registers");
        bytes.extend_from_slice(&[a | b << 6, b >> 2 | c << 4, c >> 4 | d << 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_the_same_one_by_one_and_in_groups() {
        let mut bytes = vec![0; BYTES];
        for index in 0..REGISTERS_COUNT {
            let rank = u8::try_from(index * 7 % 64).expect("six bits");
            assert_eq!(raise(&mut bytes, index, rank), rank > 0);
        }
        let singles: Vec<u8> = (0..REGISTERS_COUNT).map(|at| get(&bytes, at)).collect();
        let grouped: Vec<u8> = groups(&bytes).flatten().collect();
        assert_eq!(singles, grouped);
        assert!(
            singles
                .iter()
                .enumerate()
                .all(|(at, &rank)| usize::from(rank) == at * 7 % 64)
        );
    }
}
