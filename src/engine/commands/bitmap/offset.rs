//! Positions of bits as clients write them, and the room that writing there takes.

use crate::context::WriteContext;
use crate::error::CommandError;
use crate::keyspace::{Key, Keyspace, Mode};
use crate::number::parse_i64;

/// Reads a position. The longest string that commands may build bounds it, for reading too; that
/// limit is this node's own, so the log overrules it.
pub(super) fn read(keyspace: &Keyspace, text: &[u8]) -> Result<u64, CommandError> {
    checked(keyspace, parse_i64(text))
}

/// Reads a position that may count fields of `bits` bits instead, after a `#`.
pub(super) fn read_counted(
    keyspace: &Keyspace,
    text: &[u8],
    bits: u32,
) -> Result<u64, CommandError> {
    match text.strip_prefix(b"#") {
        // As in Redis, a product that is too large wraps, and is then looked at like any other.
        Some(text) => checked(
            keyspace,
            parse_i64(text).map(|index| index.wrapping_mul(bits.into())),
        ),
        None => read(keyspace, text),
    }
}

fn checked(keyspace: &Keyspace, position: Option<i64>) -> Result<u64, CommandError> {
    let position = position.and_then(|position| u64::try_from(position).ok());
    let is_allowed = |position: &u64| {
        keyspace.mode() == Mode::Replay || position >> 3 < keyspace.string_bytes_max
    };
    position.filter(is_allowed).ok_or(CommandError::BitOffset)
}

/// Changes the bytes of a string that is made long enough for a bit. What `edit` gets as well is
/// whether the string is new or was too short.
pub(super) fn edit_with_room<R>(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    position: u64,
    edit: impl FnOnce(&mut [u8], bool) -> R,
) -> Result<R, CommandError> {
    let bytes_min = usize::try_from(position >> 3).map_err(|_| CommandError::BitOffset)? + 1;
    context.edit_string(key, |bytes| {
        let grows = bytes.len() < bytes_min;
        if grows {
            bytes.resize(bytes_min, 0);
        }
        edit(bytes, grows)
    })
}
