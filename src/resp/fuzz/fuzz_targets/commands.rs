//! Any bytes from a client: see `properties::commands_do_not_depend_on_how_bytes_arrive`.

#![no_main]

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(
    |input: &[u8]| properties::commands_do_not_depend_on_how_bytes_arrive(input)
);
