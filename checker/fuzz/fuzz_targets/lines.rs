//! See [`targets::lines`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::lines(bytes));
