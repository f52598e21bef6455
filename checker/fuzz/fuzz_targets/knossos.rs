//! See [`targets::knossos`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::knossos(bytes));
