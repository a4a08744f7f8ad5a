//! The two hashes of the keyspace: a seeded one that places items in tables, and the cluster's hash
//! slot of a key.
//!
//! The seed is replicated state: all nodes of a cluster hold the same, so that a SCAN position means
//! the same on each of them. It is secret from clients, who could otherwise choose keys that
//! collide.

use siphasher::sip::SipHasher13;

/// The secret that makes table positions unpredictable to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashSeed(pub u64);

impl HashSeed {
    /// The SipHash-1-3 of `bytes` under this seed. Every bit of it is as good as any other.
    #[inline]
    pub fn hash(self, bytes: &[u8]) -> u64 {
        // SipHash wants 128 bits of key; the second half adds no secrecy, only a different word.
        let second = self.0.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
        SipHasher13::new_with_keys(self.0, second).hash(bytes)
    }
}

/// How many hash slots there are.
const SLOTS: u16 = 16_384;

/// The hash slot of a key: CRC-16/XMODEM modulo 16,384 of the key, or of its hash tag. The tag is
/// what stands between the first `{` and the first `}` after it, if that is not empty
/// (Redis cluster specification, "Hash tags").
#[inline]
pub fn hash_slot(key: &[u8]) -> u16 {
    crc16(hash_tag(key).unwrap_or(key)) % SLOTS
}

fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let opening = key.iter().position(|&byte| byte == b'{')?;
    let after = key.get(opening + 1..)?;
    let closing = after.iter().position(|&byte| byte == b'}')?;
    after.get(..closing).filter(|tag| !tag.is_empty())
}

/// Bytes that one step of the checksum takes at once: their table look-ups do not wait for each
/// other, which a byte at a time would.
const STRIDE: usize = 8;

/// `TABLES[n][byte]` is the checksum of `byte` followed by `n` zero bytes.
static TABLES: [[u16; 256]; STRIDE] = tables();

const fn tables() -> [[u16; 256]; STRIDE] {
    const POLYNOMIAL: u16 = 0x1021;
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut zeros = 0;
        while zeros < STRIDE {
            let mut bit = 0;
            while bit < 8 {
                let carry = crc >> 15;
                crc = (crc << 1) ^ (carry * POLYNOMIAL);
                bit += 1;
            }
            tables[zeros][byte] = crc;
            zeros += 1;
        }
        byte += 1;
    }
    tables
}

fn crc16(bytes: &[u8]) -> u16 {
    let (eights, rest) = bytes.as_chunks::<STRIDE>();
    let (fours, rest) = rest.as_chunks::<4>();
    let crc = eights.iter().fold(0, step);
    let crc = fours.iter().fold(crc, step);
    rest.iter().fold(crc, |crc: u16, &byte| {
        let [high, low] = crc.to_be_bytes();
        u16::from_be_bytes([low, 0]) ^ TABLES[0][usize::from(high ^ byte)]
    })
}

/// Adds a chunk of at least two and at most [`STRIDE`] bytes.
#[inline]
fn step<const N: usize>(crc: u16, chunk: &[u8; N]) -> u16 {
    let [high, low] = crc.to_be_bytes();
    let mut chunk = *chunk;
    chunk[0] ^= high;
    chunk[1] ^= low;
    let mut sum = 0;
    for (at, &byte) in chunk.iter().enumerate() {
        sum ^= TABLES[N - 1 - at][usize::from(byte)];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        // From CLUSTER KEYSLOT of redis-server 7.0.15.
        for (key, slot) in [("foo", 12_182), ("bar", 5_061), ("hello", 866), ("", 0)] {
            assert_eq!(hash_slot(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn a_hash_tag_stands_for_the_key() {
        for (key, same_as) in [
            ("{user1000}.following", "user1000"),
            ("a{b}c{d}", "b"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
        ] {
            assert_eq!(
                hash_slot(key.as_bytes()),
                hash_slot(same_as.as_bytes()),
                "{key}"
            );
        }
        for whole in ["foo{}{bar}", "{", "}", "a}b{c", "{}"] {
            assert_eq!(
                hash_slot(whole.as_bytes()),
                crc16(whole.as_bytes()) % SLOTS,
                "{whole}"
            );
        }
    }

    #[test]
    fn strides_agree_with_one_bit_at_a_time() {
        fn slow(bytes: &[u8]) -> u16 {
            bytes.iter().fold(0, |crc: u16, &byte| {
                (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
                    (crc << 1) ^ ((crc >> 15) * 0x1021)
                })
            })
        }
        let bytes: Vec<u8> = (0..200_u32).map(|n| (n * n + 7 * n) as u8).collect();
        for end in 0..bytes.len() {
            assert_eq!(crc16(&bytes[..end]), slow(&bytes[..end]), "{end} bytes");
        }
    }

    #[test]
    fn seeds_give_different_hashes() {
        assert_eq!(HashSeed(1).hash(b"a"), HashSeed(1).hash(b"a"));
        assert_ne!(HashSeed(1).hash(b"a"), HashSeed(2).hash(b"a"));
        assert_ne!(HashSeed(1).hash(b"a"), HashSeed(1).hash(b"b"));
    }
}
