//! See [`targets::etcd`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::etcd(bytes));
