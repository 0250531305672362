//! Model files.
#![no_main]

libfuzzer_sys::fuzz_target!(init: polepiece_fuzz::prepare(), |data: &[u8]| polepiece_fuzz::model(data));
