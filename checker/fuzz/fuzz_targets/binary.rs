//! See [`targets::binary`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::binary(bytes));
