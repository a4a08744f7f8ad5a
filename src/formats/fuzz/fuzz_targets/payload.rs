//! Any bytes as the value of a DUMP payload, with a right trailer: taken or refused, without a panic.
#![no_main]

use holdfast_formats::crc64;
use holdfast_formats::rdb::{Part, Refused, restore};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for version in [10u16, 13, 80] {
        let mut payload = body.to_vec();
        payload.extend(version.to_le_bytes());
        payload.extend(crc64(0, &payload).to_le_bytes());
        let mut sink = |part: Part<'_>| {
            if let Part::ListPacked(list) | Part::HashPacked(list) | Part::ZsetPacked(list) = &part
            {
                assert!(!list.is_empty());
                assert_eq!(list.iter().count(), list.iter().rev().count());
            }
            Ok::<(), Refused>(())
        };
        let _ = restore(&payload, &mut sink);
    }
});
