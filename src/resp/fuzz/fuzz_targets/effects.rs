//! Any bytes from a log: see `properties::what_is_read_is_what_would_be_written`.

#![no_main]

#[path = "../properties.rs"]
#[expect(dead_code, reason = "each target uses one property")]
mod properties;

libfuzzer_sys::fuzz_target!(
    |input: &[u8]| properties::what_is_read_is_what_would_be_written(input)
);
