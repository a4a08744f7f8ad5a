//! Any bytes as an RDB file: read to the end or refused, without a panic.
//! The corpus may start from real files.
#![no_main]

use holdfast_formats::rdb::{Part, RdbReader, Refused};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let size = u64::try_from(bytes.len()).ok();
    let Ok(mut reader) = RdbReader::new(bytes, size) else {
        return;
    };
    let mut announced = 0usize;
    let mut sink = |part: Part<'_>| {
        if let Part::SetStart { count_hint }
        | Part::HashStart { count_hint }
        | Part::ZsetStart { count_hint } = part
        {
            announced = announced.max(count_hint);
        }
        Ok::<(), Refused>(())
    };
    while let Ok(Some(record)) = reader.next_record() {
        if matches!(record, holdfast_formats::rdb::Record::Key(_))
            && reader.read_value(&mut sink).is_err()
        {
            break;
        }
    }
    assert!(announced <= bytes.len());
});
