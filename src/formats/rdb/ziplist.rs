//! Ziplists and zipmaps: the packed lists of Redis before 7.0, read only.
//!
//! Called for values of old files; both become listpacks. Always holds: every redundant field is
//! checked, because in a file without a checksum they are all that shows damage.

use crate::integer::size_from_u32;
use crate::listpack::{Element, LISTPACK_BYTES_MAX, Listpack};

const HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
/// First byte of a size that takes four more bytes.
const WIDE: u8 = 0xfe;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// The elements of a ziplist as a listpack; `None` if the bytes are not a ziplist.
pub(super) fn to_listpack(blob: &[u8]) -> Option<Listpack> {
    let &[s0, s1, s2, s3, t0, t1, t2, t3, c0, c1] = blob.first_chunk::<HEADER_BYTES>()?;
    if size_from_u32(u32::from_le_bytes([s0, s1, s2, s3])) != blob.len() {
        return None;
    }
    // A listpack entry is at most nine bytes longer than the text in it.
    if blob.len() > LISTPACK_BYTES_MAX / 8 {
        return None;
    }
    let stated_tail = size_from_u32(u32::from_le_bytes([t0, t1, t2, t3]));
    let stated_count = u16::from_le_bytes([c0, c1]);

    let mut list = Listpack::new();
    let mut rest = blob.get(HEADER_BYTES..)?;
    let mut previous_bytes = 0usize;
    while rest.first() != Some(&END) {
        let (stated, after) = previous_size(rest)?;
        if stated != previous_bytes {
            return None;
        }
        let (element, after) = decode(after)?;
        list.push_back_element(element);
        previous_bytes = rest.len().checked_sub(after.len())?;
        rest = after;
    }
    let end = blob.len().checked_sub(1)?;
    let tail = end.checked_sub(previous_bytes)?;
    let counted = stated_count == COUNT_UNKNOWN || usize::from(stated_count) == list.len();
    (rest.len() == 1 && stated_tail == tail && counted).then_some(list)
}

/// The size of the entry before, as an entry states it.
fn previous_size(rest: &[u8]) -> Option<(usize, &[u8])> {
    match rest.split_first()? {
        (&END, _) => None,
        (&WIDE, after) => {
            let (size, after) = after.split_first_chunk()?;
            Some((size_from_u32(u32::from_le_bytes(*size)), after))
        }
        (&size, after) => Some((usize::from(size), after)),
    }
}

/// The element at the start of `rest`, after its "previous size".
fn decode(rest: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&first, after) = rest.split_first()?;
    let integer = |value, after| Some((Element::Integer(value), after));
    match first {
        0x00..=0x3f => text(after, usize::from(first)),
        0x40..=0x7f => {
            let (&second, after) = after.split_first()?;
            let length = u16::from_be_bytes([first & 0x3f, second]);
            text(after, usize::from(length))
        }
        0x80..=0xbf => {
            let (length, after) = after.split_first_chunk()?;
            text(after, size_from_u32(u32::from_be_bytes(*length)))
        }
        0xc0 => {
            let (bytes, after) = after.split_first_chunk()?;
            integer(i64::from(i16::from_le_bytes(*bytes)), after)
        }
        0xd0 => {
            let (bytes, after) = after.split_first_chunk()?;
            integer(i64::from(i32::from_le_bytes(*bytes)), after)
        }
        0xe0 => {
            let (bytes, after) = after.split_first_chunk()?;
            integer(i64::from_le_bytes(*bytes), after)
        }
        0xf0 => {
            let (&[low, middle, high], after) = after.split_first_chunk()?;
            integer(
                i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8),
                after,
            )
        }
        0xfe => {
            let (bytes, after) = after.split_first_chunk()?;
            integer(i64::from(i8::from_le_bytes(*bytes)), after)
        }
        // The number itself, 0 to 12, stands in the low four bits, plus one.
        0xf1..=0xfd => integer(i64::from((first & 0x0f).saturating_sub(1)), after),
        _ => None,
    }
}

fn text(after: &[u8], length: usize) -> Option<(Element<'_>, &[u8])> {
    let (text, after) = after.split_at_checked(length)?;
    Some((Element::Text(text), after))
}

/// The fields and values of a zipmap as a listpack; `None` if the bytes are not a zipmap.
pub(super) fn zipmap_to_listpack(blob: &[u8]) -> Option<Listpack> {
    if blob.len() > LISTPACK_BYTES_MAX / 8 {
        return None;
    }
    let (&stated_count, mut rest) = blob.split_first()?;
    let mut list = Listpack::new();
    let mut count = 0usize;
    while rest.first() != Some(&END) {
        let (length, after) = zipmap_length(rest)?;
        let (field, after) = after.split_at_checked(length)?;
        let (length, after) = zipmap_length(after)?;
        let (&free, after) = after.split_first()?;
        let (value, after) = after.split_at_checked(length)?;
        let (_, after) = after.split_at_checked(usize::from(free))?;
        list.append_pair(field, value);
        count = count.saturating_add(1);
        rest = after;
    }
    let counted = stated_count >= WIDE || usize::from(stated_count) == count;
    (rest.len() == 1 && counted).then_some(list)
}

fn zipmap_length(rest: &[u8]) -> Option<(usize, &[u8])> {
    match rest.split_first()? {
        (&END, _) => None,
        (&WIDE, after) => {
            let (length, after) = after.split_first_chunk()?;
            let length = size_from_u32(u32::from_le_bytes(*length));
            // The wide form of a short length is not what any server writes.
            (length >= usize::from(WIDE)).then_some((length, after))
        }
        (&length, after) => Some((usize::from(length), after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ziplist_becomes_a_listpack() {
        let blob = [
            28, 0, 0, 0, 23, 0, 0, 0, 5, 0, // header
            0, 1, b'a', // "a"
            3, 0xf3, // 2
            2, 0xfe, 0x80, // -128
            3, 0xf0, 0, 0, 0x80, // -8388608
            5, 0xc0, 0x10, 0x27, // 10000
            0xff,
        ];
        let list = to_listpack(&blob).map(|list| list.iter().map(Element::to_vec).collect());
        let want: Vec<Vec<u8>> = [&b"a"[..], b"2", b"-128", b"-8388608", b"10000"]
            .map(<[u8]>::to_vec)
            .into();
        assert_eq!(list, Some(want));
    }

    #[test]
    fn every_byte_of_a_ziplist_that_is_redundant_is_checked() {
        let blob = [17, 0, 0, 0, 13, 0, 0, 0, 2, 0, 0, 1, b'a', 3, 1, b'b', 0xff];
        assert!(to_listpack(&blob).is_some());
        for at in (0..blob.len()).filter(|at| ![12, 15].contains(at)) {
            let mut bad = blob;
            bad[at] ^= 0x10;
            assert!(to_listpack(&bad).is_none(), "byte {at}");
        }
        for cut in 0..blob.len() {
            assert!(to_listpack(&blob[..cut]).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn a_zipmap_becomes_a_listpack() {
        let blob = b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world..\xff";
        let list = zipmap_to_listpack(blob).expect("well formed");
        let texts: Vec<_> = list.iter().map(Element::to_vec).collect();
        assert_eq!(texts.concat(), b"foobarhelloworld");
        for cut in 0..blob.len() {
            assert!(zipmap_to_listpack(&blob[..cut]).is_none(), "cut at {cut}");
        }
        let wide = b"\x01\xfe\x01\x00\x00\x00a\x01\x00b\xff";
        assert!(zipmap_to_listpack(wide).is_none());
    }
}
