//! See [`targets::any`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::any(bytes));
