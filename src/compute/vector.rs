//! Loops over numbers, compiled for each instruction set and chosen when the program runs.
// What is compiled for each instruction set must be inlined.
#![allow(unsafe_code, clippy::inline_always)]

use super::isa::Isa;

/// A loop that is worth having in the widest registers there are.
///
/// `run`, and every function of ours that it calls, is `#[inline(always)]`: what is inlined is compiled with the
/// instructions of the caller.
pub(super) trait Work {
    type Output;
    fn run<A: Arithmetic>(self) -> Self::Output;
}

/// How this processor best computes a product and a sum.
pub(super) trait Arithmetic {
    /// `a · b + c`
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// In one instruction, rounded once.
pub(super) struct Fused;

/// In two: where there is no such instruction, [`f32::mul_add`] would be a call of the library.
pub(super) struct Plain;

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Plain {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// Runs `work` with the best instructions of this processor.
pub(super) fn run<W: Work>(work: W) -> W::Output {
    run_on(Isa::best(), work)
}

/// `isa` must be one of [`Isa::available`].
fn run_on<W: Work>(isa: Isa, work: W) -> W::Output {
    match isa {
        // SAFETY: the processor has these instructions.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { x86::avx512(work) },
        // SAFETY: the processor has these instructions.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { x86::avx2(work) },
        Isa::Portable => portable(work),
    }
}

fn portable<W: Work>(work: W) -> W::Output {
    if cfg!(target_arch = "aarch64") { work.run::<Fused>() } else { work.run::<Plain>() }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Fused, Work};

    #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
    pub(super) fn avx512<W: Work>(work: W) -> W::Output {
        work.run::<Fused>()
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2<W: Work>(work: W) -> W::Output {
        work.run::<Fused>()
    }
}

/// The results of `work` with each set of instructions that this processor has.
#[cfg(test)]
pub(super) fn everywhere<W: Work>(work: impl Fn() -> W) -> Vec<W::Output> {
    let with_plain = std::iter::once(work().run::<Plain>());
    with_plain.chain(Isa::available().map(|isa| run_on(isa, work()))).collect()
}
