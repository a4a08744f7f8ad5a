//! Any bytes as a listpack, an intset and a compressed string; what is taken is then changed.
#![no_main]

use holdfast_formats::{Intset, Listpack, lzf_decompress};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lzf_decompress(bytes, bytes.len().saturating_mul(7));
    if let Ok(mut set) = Intset::from_bytes_checked(bytes) {
        let last = set.last();
        set.add(i64::MAX);
        assert!(set.contains(i64::MAX));
        assert!(last.is_none_or(|last| set.contains(last)));
    }
    let Ok(mut list) = Listpack::from_bytes_checked(bytes) else {
        return;
    };
    assert_eq!(list.bytes(), bytes);
    let count = list.len();
    assert_eq!(list.iter().rev().count(), count);
    if let Some(first) = list.first() {
        let text = list.element(first).expect("it is there").to_vec();
        assert_eq!(list.find(&text, 0), Some(first));
        list.replace(first, b"something else");
    }
    list.push_front(b"-17");
    list.push_back(&[b'x'; 5000]);
    assert_eq!(list.remove_range(1, 1), 1);
    assert_eq!(Listpack::check(list.bytes()), Ok(list.len()));
});
