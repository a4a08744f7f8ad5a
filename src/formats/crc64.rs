//! CRC-64 "Jones", the checksum of RDB files and DUMP payloads.
//!
//! Called by the RDB reader and writer over everything they see. Polynomial 0xad93d23594c935a9,
//! reflected both ways, start 0, no final exclusive-or: so the checksum of two parts can be
//! continued from the first part's value.

/// The polynomial with its bits reversed, as the byte-wise step needs it.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// How many bytes one step takes. Eight tables are 16 KiB and leave room in the first-level cache
/// for the data.
const STRIDE: usize = 8;

/// Long input is summed in three lanes of this size at once: each step of one sum waits for the step
/// before, and three sums that wait side by side take little longer than one.
const LANE_BYTES: usize = 2048;
const LANES_BYTES: usize = 3 * LANE_BYTES;

/// `TABLES[k][b]`: the checksum of byte `b` followed by `k` zero bytes.
static TABLES: [[u64; 256]; STRIDE] = tables();

/// `LANE_SHIFT[k][b]`: what a checksum whose byte `k` is `b` and all others zero becomes over one
/// lane of zero bytes. Checksums are linear, so this joins those of neighbouring lanes.
static LANE_SHIFT: [[u64; 256]; 8] = lane_shift();

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "evaluated at compile time, where a panic is a build error and iterators are not const"
)]
const fn tables() -> [[u64; 256]; STRIDE] {
    let mut tables = [[0u64; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        tables[0][byte] = over_zero_byte(byte as u64);
        byte += 1;
    }
    let mut table = 1;
    while table < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            tables[table][byte] = over_zero_byte(tables[table - 1][byte]);
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// What the checksum `crc` becomes over one zero byte.
#[expect(clippy::arithmetic_side_effects, reason = "evaluated at compile time")]
const fn over_zero_byte(mut crc: u64) -> u64 {
    let mut bit = 0;
    while bit < 8 {
        crc = if crc & 1 == 1 {
            (crc >> 1) ^ POLYNOMIAL
        } else {
            crc >> 1
        };
        bit += 1;
    }
    crc
}

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "evaluated at compile time, where a panic is a build error and iterators are not const"
)]
const fn lane_shift() -> [[u64; 256]; 8] {
    // What each bit of a checksum becomes over one zero byte, doubled up to the size of a lane.
    let mut columns = [0u64; 64];
    let mut bit = 0;
    while bit < 64 {
        columns[bit] = over_zero_byte(1 << bit);
        bit += 1;
    }
    let mut bytes = 1;
    while bytes < LANE_BYTES {
        let mut doubled = [0u64; 64];
        let mut bit = 0;
        while bit < 64 {
            doubled[bit] = sum_of_columns(&columns, columns[bit]);
            bit += 1;
        }
        columns = doubled;
        bytes *= 2;
    }
    assert!(bytes == LANE_BYTES);
    let mut shift = [[0u64; 256]; 8];
    let mut place = 0;
    while place < 8 {
        let mut byte = 0;
        while byte < 256 {
            shift[place][byte] = sum_of_columns(&columns, (byte as u64) << (8 * place));
            byte += 1;
        }
        place += 1;
    }
    shift
}

/// The columns that the bits of `vector` choose, added.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated at compile time, where a panic is a build error and iterators are not const"
)]
const fn sum_of_columns(columns: &[u64; 64], vector: u64) -> u64 {
    let mut sum = 0;
    let mut bit = 0;
    while bit < 64 {
        if vector >> bit & 1 == 1 {
            sum ^= columns[bit];
        }
        bit += 1;
    }
    sum
}

/// Continues the checksum `crc` (0 at the start) over `bytes`.
#[must_use]
pub fn crc64(crc: u64, bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<LANES_BYTES>();
    let mut crc = crc;
    for block in blocks {
        crc = step_lanes(crc, block);
    }
    let (strides, rest) = rest.as_chunks::<STRIDE>();
    for stride in strides {
        crc = step_stride(crc, stride);
    }
    for &byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = entry(&TABLES, 0, low ^ byte) ^ (crc >> 8);
    }
    crc
}

/// Sums three lanes side by side and joins them.
fn step_lanes(crc: u64, block: &[u8; LANES_BYTES]) -> u64 {
    let (lanes, _) = block.as_chunks::<LANE_BYTES>();
    let [one, two, three] = lanes else {
        return crc;
    };
    let (mut one_crc, mut two_crc, mut three_crc) = (crc, 0, 0);
    let strides = one.as_chunks().0.iter();
    let strides = strides.zip(two.as_chunks().0).zip(three.as_chunks().0);
    for ((one, two), three) in strides {
        one_crc = step_stride(one_crc, one);
        two_crc = step_stride(two_crc, two);
        three_crc = step_stride(three_crc, three);
    }
    let two_crc = shift_by_lane(one_crc) ^ two_crc;
    shift_by_lane(two_crc) ^ three_crc
}

/// What the checksum `crc` becomes over a lane of zero bytes.
fn shift_by_lane(crc: u64) -> u64 {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = crc.to_le_bytes();
    entry(&LANE_SHIFT, 0, c0)
        ^ entry(&LANE_SHIFT, 1, c1)
        ^ entry(&LANE_SHIFT, 2, c2)
        ^ entry(&LANE_SHIFT, 3, c3)
        ^ entry(&LANE_SHIFT, 4, c4)
        ^ entry(&LANE_SHIFT, 5, c5)
        ^ entry(&LANE_SHIFT, 6, c6)
        ^ entry(&LANE_SHIFT, 7, c7)
}

#[inline(always)]
fn step_stride(crc: u64, stride: &[u8; STRIDE]) -> u64 {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = (crc ^ u64::from_le_bytes(*stride)).to_le_bytes();
    entry(&TABLES, 7, b0)
        ^ entry(&TABLES, 6, b1)
        ^ entry(&TABLES, 5, b2)
        ^ entry(&TABLES, 4, b3)
        ^ entry(&TABLES, 3, b4)
        ^ entry(&TABLES, 2, b5)
        ^ entry(&TABLES, 1, b6)
        ^ entry(&TABLES, 0, b7)
}

/// One table entry; both indices are in range by their types and constants.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "the table's number is a constant below 8 and a u8 is below 256: no check remains"
)]
fn entry(tables: &[[u64; 256]; 8], table: usize, byte: u8) -> u64 {
    tables[table][usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, bit by bit.
    fn slow(mut crc: u64, bytes: &[u8]) -> u64 {
        for &byte in bytes {
            crc ^= u64::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ POLYNOMIAL
                } else {
                    crc >> 1
                };
            }
        }
        crc
    }

    #[test]
    fn the_check_value_is_the_published_one() {
        assert_eq!(crc64(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(0, b""), 0);
    }

    #[test]
    fn lanes_equal_the_definition() {
        let bytes: Vec<u8> = (0u32..20_000)
            .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
            .collect();
        for size in [6143, 6144, 6145, 12_288, 12_300, 65_536, bytes.len()] {
            assert_eq!(crc64(7, &bytes[..size]), slow(7, &bytes[..size]), "{size}");
        }
    }

    proptest! {
        #[test]
        fn strides_equal_the_definition(
            start: u64,
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            cut in 0usize..200,
        ) {
            prop_assert_eq!(crc64(start, &bytes), slow(start, &bytes));
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(crc64(crc64(start, first), second), slow(start, &bytes));
        }
    }
}
