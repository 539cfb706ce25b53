#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gsm_server::fuzzing::token(bytes));
