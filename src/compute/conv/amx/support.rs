//! Whether the processor has the matrix unit, and whether the system lets us use it.
#![allow(unsafe_code)]

use crate::compute::isa::most;
use std::sync::OnceLock;

/// Whether tiles of bf16 can be multiplied here, and nobody forbids it. The first call asks the system for the permission, which it gives to
/// the whole process.
pub(in crate::compute::conv) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| most().is_none() && processor_has_it() && system_permits_it())
}

/// AMX-TILE and AMX-BF16 (leaf 7 of CPUID), and the vector instructions that split the numbers.
fn processor_has_it() -> bool {
    const TILE: u32 = 1 << 24;
    const BF16: u32 = 1 << 22;
    let vectors = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512bf16");
    if !vectors {
        return false;
    }
    let features = std::arch::x86_64::__cpuid_count(7, 0).edx;
    features & (TILE | BF16) == TILE | BF16
}

/// Tile registers are off until the kernel is asked for them (`arch_prctl(2)`, Linux 5.16).
#[cfg(target_os = "linux")]
fn system_permits_it() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: this call takes two numbers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn system_permits_it() -> bool {
    false
}
