//! Any bytes as an append-only file and as a manifest: read to the end or refused, without a panic.
#![no_main]

use holdfast_formats::aof::{AofReader, AofStart, AofStep, Manifest, open};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::parse(bytes) {
        let text = manifest.to_bytes();
        assert!(text.is_empty() || Manifest::parse(&text) == Ok(manifest));
    }
    let mut reader = match open(bytes, None) {
        Ok(AofStart::Commands(reader)) => reader,
        Ok(AofStart::Preamble(mut preamble)) => {
            while let Ok(Some(_)) = preamble.next_record() {}
            if preamble.checksum().is_none() {
                return;
            }
            AofReader::after_preamble(preamble)
        }
        Err(_) => return,
    };
    let size = u64::try_from(bytes.len()).expect("fits");
    while let Ok(step) = reader.next_step() {
        assert!(reader.valid_through() <= size);
        match step {
            AofStep::Command => assert!(reader.arguments().count() > 0),
            AofStep::Timestamp(_) | AofStep::Annotation => {}
            AofStep::End(_) => break,
        }
    }
});
