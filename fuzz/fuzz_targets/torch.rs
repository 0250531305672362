//! PyTorch's files, archives and older ones.
#![no_main]

libfuzzer_sys::fuzz_target!(init: polepiece_fuzz::prepare(), |data: &[u8]| polepiece_fuzz::torch(data));
