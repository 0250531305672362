//! Of the room compute only how much memory there is: here the fuzzer's own limit is held instead.

use candle_core::Device;

/// Bytes of memory.
pub struct Memory {
    pub free: u64,
}

/// Nobody says.
pub fn memory_of(_: &Device) -> Option<Memory> {
    None
}
