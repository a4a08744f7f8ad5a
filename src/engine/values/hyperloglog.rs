//! HyperLogLog: about how many different elements were added, kept in a string whose bytes are
//! those of Redis, so that clients may read it with GET and put it back with SET.
//!
//! Called by the HyperLogLog commands. The string is a header of [`HEADER_BYTES`] (`HYLL`, the
//! encoding, three bytes of nothing, the count that was estimated last) and 16,384 registers, as
//! runs while that is short, then with six bits each. Always holds: what comes from a string is
//! hostile; a string that is not what it says is reported, never believed.
//!
//! Files: `registers` all registers as numbers, and the estimate · `sparse` the runs ·
//! `dense` six bits each · `murmur` the hash.
//!
//! Source: the specification of the format and Ertl's estimator, as Redis 7.0 documents them.

mod dense;
mod murmur;
mod registers;
mod sparse;

pub use registers::{Registers, estimate_of};
pub use sparse::{Run, runs};

/// Bytes in front of the registers.
pub const HEADER_BYTES: usize = 16;

/// How many registers there are.
pub const REGISTERS_COUNT: usize = 1 << INDEX_BITS;

/// Bits of a hash that choose the register; the others make its rank.
const INDEX_BITS: u32 = 14;
/// The largest rank: that of a hash whose other bits are all zero.
const RANK_MAX: usize = 64 - INDEX_BITS as usize + 1;
const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
/// Where the last count stands, little endian.
const COUNT: std::ops::Range<usize> = 8..16;
/// The bit of the count's last byte that says that registers have changed since.
const STALE: u8 = 0x80;

/// How the registers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Six bits each.
    Dense,
    /// As runs.
    Sparse,
}

/// The runs of a string do not make 16,384 registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// The bytes of one to which nothing was added.
pub fn empty() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[ENCODING_AT] = 1;
    sparse::push_zeros(&mut bytes, REGISTERS_COUNT);
    bytes
}

/// The encoding, if the bytes look like a HyperLogLog.
pub fn encoding(bytes: &[u8]) -> Option<Encoding> {
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
        return None;
    }
    match bytes.get(ENCODING_AT)? {
        0 if bytes.len() == dense::STRING_BYTES => Some(Encoding::Dense),
        1 => Some(Encoding::Sparse),
        _ => None,
    }
}

/// Adds an element; says whether a register changed. Runs that would take more than
/// `sparse_bytes_max` bytes with the header become dense.
///
/// # Errors
/// The runs are corrupt; nothing was changed.
///
/// # Panics
/// If [`encoding`] knows none.
pub fn add(bytes: &mut Vec<u8>, element: &[u8], sparse_bytes_max: usize) -> Result<bool, Corrupt> {
    let hash = murmur::hash(element);
    let index = hash & (REGISTERS_COUNT as u64 - 1);
    // The bit behind the last ends the count of zeros.
    let rank = (hash >> INDEX_BITS | 1 << (64 - INDEX_BITS)).trailing_zeros() + 1;
    let index = usize::try_from(index).expect("an index has 14 bits");
    let rank = u8::try_from(rank).expect("a rank is at most 51");
    raise(bytes, index, rank, sparse_bytes_max)
}

/// Raises a register to a rank; says whether it was lower.
///
/// # Errors
/// The runs are corrupt; nothing was changed.
///
/// # Panics
/// If [`encoding`] knows none.
pub fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    rank: u8,
    sparse_bytes_max: usize,
) -> Result<bool, Corrupt> {
    if known_encoding(bytes) == Encoding::Dense {
        return Ok(dense::raise(&mut bytes[HEADER_BYTES..], index, rank));
    }
    match sparse::raise(bytes, index, rank, sparse_bytes_max)? {
        sparse::Raised::No => Ok(false),
        sparse::Raised::Yes => {
            mark_stale(bytes);
            Ok(true)
        }
        sparse::Raised::TooLong => {
            make_dense(bytes)?;
            Ok(dense::raise(&mut bytes[HEADER_BYTES..], index, rank))
        }
    }
}

/// Gives a string all registers, each of which is at least as high as its own.
///
/// # Errors
/// The runs are corrupt; some registers may have been raised.
///
/// # Panics
/// If [`encoding`] knows none.
pub fn raise_all(
    bytes: &mut Vec<u8>,
    registers: &Registers,
    sparse_bytes_max: usize,
) -> Result<(), Corrupt> {
    for (index, &rank) in registers.all().iter().enumerate() {
        if known_encoding(bytes) == Encoding::Dense {
            bytes.truncate(HEADER_BYTES);
            dense::push_all(bytes, registers);
            return Ok(());
        }
        if rank > 0 {
            raise(bytes, index, rank, sparse_bytes_max)?;
        }
    }
    Ok(())
}

/// Makes runs dense; says whether they were runs.
///
/// # Errors
/// The runs are corrupt; nothing was changed.
///
/// # Panics
/// If [`encoding`] knows none.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<bool, Corrupt> {
    if known_encoding(bytes) == Encoding::Dense {
        return Ok(false);
    }
    let mut registers = Registers::default();
    registers.merge(bytes)?;
    bytes.truncate(HEADER_BYTES);
    bytes[ENCODING_AT] = 0;
    dense::push_all(bytes, &registers);
    Ok(true)
}

fn known_encoding(bytes: &[u8]) -> Encoding {
    encoding(bytes).expect("the caller has asked for the encoding")
}

/// The count of the last estimate, unless registers have changed since.
pub fn last_count(bytes: &[u8]) -> Option<u64> {
    let count = bytes.get(COUNT)?;
    let is_stale = count.last()? & STALE != 0;
    (!is_stale).then(|| u64::from_le_bytes(count.try_into().expect("the range has eight bytes")))
}

/// Where the last count stands in the string, and its bytes there.
pub fn count_bytes(count: u64) -> (usize, [u8; 8]) {
    (COUNT.start, count.to_le_bytes())
}

/// Marks the count of the last estimate as no longer true.
///
/// # Panics
/// If there is no header.
pub fn mark_stale(bytes: &mut [u8]) {
    bytes[COUNT.end - 1] |= STALE;
}

#[cfg(test)]
mod tests;
