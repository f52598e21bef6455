//! See [`targets::jepsen`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::jepsen(bytes));
