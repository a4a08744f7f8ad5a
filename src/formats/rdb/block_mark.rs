//! Block marks: fields of Holdfast's own in an RDB file, one after each 64 KiB, so that damage costs
//! one block and not the rest of the file (RULES.md 23).
//!
//! `RdbWriter` writes them, whoever verifies or salvages a file reads them; all others pass over an
//! unknown field. A mark says where its block begins and ends, what its checksum is, how many keys
//! it holds and in which database it begins. Always holds: a mark stands between two keys, its
//! bytes are never compressed, and blocks and marks together are the file without its end mark.

/// A block is ended by the first key that begins behind this many bytes.
pub(super) const BLOCK_BYTES: u64 = 64 * 1024;

const FIELDS: usize = 5;
const DIGITS: usize = 16;

/// What a mark says of the block before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockMark {
    /// Where the block begins in the file.
    pub start: u64,
    /// How many bytes it has; the mark's field begins behind them.
    pub length: u64,
    /// How many keys begin in it.
    pub keys: u64,
    /// The database that was selected where it begins.
    pub database: u64,
    /// The CRC-64 of its bytes.
    pub checksum: u64,
}

impl BlockMark {
    /// The name of the field.
    pub const NAME: &'static [u8] = b"hf-block";
    /// Size of the field's value: five numbers of sixteen hexadecimal digits, with a space between.
    pub const BYTES: usize = FIELDS * (DIGITS + 1) - 1;

    /// The field's value: text, as tools print the fields that they do not know.
    #[must_use]
    pub fn encode(&self) -> String {
        let Self {
            start,
            length,
            keys,
            database,
            checksum,
        } = self;
        format!("{start:016x} {length:016x} {keys:016x} {database:016x} {checksum:016x}")
    }

    /// Reads a field's value; `None` if it is none of a mark.
    #[must_use]
    pub fn decode(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        if text.len() != Self::BYTES {
            return None;
        }
        let mut numbers = text.split(' ').map(|digits| {
            let is_whole = digits.len() == DIGITS && !digits.starts_with('+');
            is_whole.then(|| u64::from_str_radix(digits, 16).ok())?
        });
        let mut next = || numbers.next()?;
        Some(Self {
            start: next()?,
            length: next()?,
            keys: next()?,
            database: next()?,
            checksum: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, KeyAttributes, RdbReader, RdbWriter, Record};
    use super::*;
    use crate::crc64;

    #[test]
    fn marks_and_blocks_cover_the_file_and_their_checksums_are_right() {
        let mut writer = RdbWriter::with_block_marks(Vec::new(), Compression::Lzf).expect("memory");
        let keys = 3000_u64;
        for number in 0..keys {
            let value = vec![u8::try_from(number % 251).expect("small"); 97];
            // Every hundredth value is a block of its own.
            let value = if number % 100 == 0 {
                (0..80_000_u32).flat_map(u32::to_le_bytes).collect()
            } else {
                value
            };
            writer.mark_block_if_due(number % 3).expect("memory");
            writer.select_db(number % 3).expect("memory");
            let name = format!("key {number}");
            let mut value_writer = writer
                .key(name.as_bytes(), KeyAttributes::default())
                .expect("memory");
            value_writer.string(&value).expect("memory");
            value_writer.finish();
        }
        writer.mark_block(0).expect("memory");
        let file = writer.finish().expect("memory");

        let mut reader = RdbReader::new(file.as_slice(), None).expect("own bytes");
        let (mut at, mut counted, mut marks) = (0, 0, 0);
        loop {
            let before = reader.position();
            match reader.next_record().expect("own bytes") {
                None => break,
                Some(Record::Aux { name, value }) if name == BlockMark::NAME => {
                    let mark = BlockMark::decode(&value).expect("own bytes");
                    assert_eq!((mark.start, mark.start + mark.length), (at, before));
                    let block = usize::try_from(mark.start).expect("small")
                        ..usize::try_from(before).expect("small");
                    assert_eq!(mark.checksum, crc64(0, &file[block]));
                    counted += mark.keys;
                    marks += 1;
                    at = reader.position();
                }
                Some(Record::Key(_)) => {
                    let mut pass_over = |_: crate::rdb::Part<'_>| Ok::<(), crate::rdb::Refused>(());
                    reader.read_value(&mut pass_over).expect("own bytes");
                }
                Some(_) => {}
            }
        }
        assert_eq!(counted, keys);
        assert!(marks > 30, "{marks} marks");
        assert_eq!(BlockMark::decode(&[b'0'; BlockMark::BYTES]), None);
        assert_eq!(BlockMark::decode(b"0 0 0 0 0"), None);
    }
}
