//! How much memory there is, on the host and on the device, and what it looks like when there is not enough.
use super::cuda;
use super::recycling::kept_bytes;
use candle_core::{Device, Error};

/// Bytes of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Free for us now.
    pub free: u64,
    pub total: u64,
}

/// The memory that tensors on `device` take: the host's, or the graphics card's; `None` where nobody says.
///
/// Both are read in well under a millisecond.
#[must_use]
pub fn memory_of(device: &Device) -> Option<Memory> {
    if device.is_cpu() { host_memory() } else { cuda::memory(device) }
}

/// Bytes of host memory free for us now (`MemAvailable` on Linux); `None` where the system does not say.
#[must_use]
pub fn available_memory() -> Option<u64> {
    Some(host_memory()?.free)
}

/// What is kept for the next tensor is free for us too.
fn host_memory() -> Option<Memory> {
    let Memory { free, total } = meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    Some(Memory { free: (free + kept_bytes()).min(total), total })
}

/// `MemAvailable` and `MemTotal` of `/proc/meminfo` (`proc_meminfo(5)`).
fn meminfo(text: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    Some(Memory { free: bytes("MemAvailable:")?, total: bytes("MemTotal:")? })
}

/// Whether the device had no memory left for what was asked. Names of the driver's, cuBLAS's and cuDNN's error, which
/// Candle wraps in several ways.
#[must_use]
pub fn is_out_of_memory(error: &Error) -> bool {
    let text = error.to_string();
    ["CUDA_ERROR_OUT_OF_MEMORY", "_STATUS_ALLOC_FAILED", "CURAND_STATUS_ALLOCATION_FAILED"]
        .iter()
        .any(|name| text.contains(name))
}

/// Waits until all that `device` was told to do is done, so that what it let go of is free.
pub fn settle(device: &Device) {
    // An error here is that of an operation before, which has said so itself.
    let _ = device.synchronize();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_meminfo() {
        let text = "MemTotal:       24690312 kB\nMemFree:         100 kB\nMemAvailable:   20 kB\n";
        assert_eq!(meminfo(text), Some(Memory { free: 20 * 1024, total: 24_690_312 * 1024 }));
        assert_eq!(meminfo("MemTotal: 1 kB"), None);
    }

    #[test]
    fn on_the_cpu_it_is_the_host_s() {
        if let Some(memory) = memory_of(&Device::Cpu) {
            assert!(memory.free <= memory.total);
        }
    }

    #[test]
    fn an_error_for_want_of_memory_is_known_however_it_is_wrapped() {
        let error = Error::Cuda("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")".into());
        assert!(is_out_of_memory(&error.context("conv2d")));
        assert!(is_out_of_memory(&Error::Msg("CublasError(CUBLAS_STATUS_ALLOC_FAILED)".into()).bt()));
        assert!(!is_out_of_memory(&Error::Msg("shape mismatch".into())));
    }
}
