//! Where in a snapshot the damage is: compares each block with its mark, so that a refusal names the
//! place rather than the checksum at the end of the file.
//!
//! What always holds: nothing is changed, and no more than a block and some is in memory.

use std::io::{self, Read};
use std::ops::Range;

use holdfast_formats::crc64;
use holdfast_formats::rdb::BlockMark;

/// What stands before a mark's value: the opcode of a field, its name, the value's size (84).
const HEAD: &[u8] = b"\xfa\x08hf-block\x40\x54";
const MARK_BYTES: usize = HEAD.len() + BlockMark::BYTES;
const READ_BYTES: usize = 256 * 1024;

/// The first block that is not what its mark says; up to the next mark that can be believed where it
/// is the mark that is damaged. What follows the last mark is the last block.
///
/// # Errors
/// What the stream says.
pub(super) fn first_damage<R: Read>(mut stream: R) -> io::Result<Range<u64>> {
    let mut bytes = Vec::new();
    // Where `bytes` begins in the file, where the block does, and the checksum of what lies between.
    let (mut base, mut start, mut checksum) = (0_u64, 0_u64, 0);
    loop {
        let before = bytes.len();
        let taken = stream.by_ref().take(READ_BYTES as u64);
        io::copy(&mut { taken }, &mut bytes)?;
        let is_end = bytes.len() == before;
        while let Some((at, mark)) = next_mark(&bytes, base) {
            let end = base + at as u64;
            if mark.start != start {
                return Ok(start..mark.start.clamp(start, end));
            }
            checksum = crc64(checksum, bytes.get(..at).unwrap_or_default());
            if checksum != mark.checksum {
                return Ok(start..end);
            }
            bytes.drain(..at + MARK_BYTES);
            base = end + MARK_BYTES as u64;
            (start, checksum) = (base, 0);
        }
        if is_end {
            return Ok(start..base + bytes.len() as u64);
        }
        // The end may be the beginning of a mark.
        let sure = bytes.len().saturating_sub(MARK_BYTES);
        checksum = crc64(checksum, bytes.get(..sure).unwrap_or_default());
        bytes.drain(..sure);
        base += sure as u64;
    }
}

/// The next mark that states its own place rightly, and where in `bytes` it is.
fn next_mark(bytes: &[u8], base: u64) -> Option<(usize, BlockMark)> {
    let windows = bytes.windows(MARK_BYTES).enumerate();
    let mut heads = windows.filter(|(_, window)| window.starts_with(HEAD));
    heads.find_map(|(at, window)| {
        let mark = BlockMark::decode(window.get(HEAD.len()..)?)?;
        (mark.start.checked_add(mark.length)? == base + at as u64).then_some((at, mark))
    })
}

#[cfg(test)]
mod tests {
    use holdfast_formats::rdb::{Compression, KeyAttributes, RdbWriter};

    use super::*;

    #[test]
    fn a_changed_byte_is_found_in_its_block() {
        let mut writer =
            RdbWriter::with_block_marks(Vec::new(), Compression::None).expect("memory");
        for number in 0..8_000_u32 {
            writer.mark_block_if_due(0).expect("memory");
            let key = format!("key {number}");
            let attributes = KeyAttributes::default();
            let mut value = writer.key(key.as_bytes(), attributes).expect("memory");
            value.string(b"some value of some length").expect("memory");
            value.finish();
        }
        writer.mark_block(0).expect("memory");
        let file = writer.finish().expect("memory");
        let whole = first_damage(file.as_slice()).expect("memory");
        assert_eq!(whole.end, file.len() as u64, "only the trailer has no mark");
        for at in (0..file.len() - 9).step_by(1999) {
            let mut changed = file.clone();
            changed[at] ^= 8;
            let found = first_damage(changed.as_slice()).expect("memory");
            // In a mark, the block before it is what cannot be compared any more.
            let near = found.start..found.end + MARK_BYTES as u64 + 1;
            assert!(near.contains(&(at as u64)), "{at} is not in {found:?}");
            assert!(found.end - found.start < 2 * 66_000, "{found:?} for {at}");
        }
    }
}
