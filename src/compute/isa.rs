//! Which vector instructions the loops run with: the best of the processor, unless a person forbids them.
use std::sync::OnceLock;

/// The variable that forbids wider instructions than it names, to compare them or to rule one out: `portable`, `avx2` or
/// `avx512`, which forbids the matrix unit alone. Other values forbid nothing.
const VARIABLE: &str = "POLEPIECE_SIMD";

/// Instructions that the loops are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Isa {
    /// What the compiler makes of plain arrays.
    Portable,
    /// With fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// F and DQ, and all of AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The best one that this processor has and nobody forbids.
    pub(super) fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let most = most();
            Self::available().find(|isa| most.is_none_or(|most| *isa <= most)).unwrap_or(Self::Portable)
        })
    }

    /// Those that this processor has, best first.
    pub(super) fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            use std::arch::is_x86_feature_detected;
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
            [(avx2 && avx512).then_some(Self::Avx512), avx2.then_some(Self::Avx2)]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let wide = [None];
        wide.into_iter().flatten().chain([Self::Portable])
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "portable" => Some(Self::Portable),
            #[cfg(target_arch = "x86_64")]
            "avx2" => Some(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            "avx512" => Some(Self::Avx512),
            _ => None,
        }
    }
}

/// The widest instructions that a person allows; `None`: all, the matrix unit too.
pub(super) fn most() -> Option<Isa> {
    Isa::named(&std::env::var(VARIABLE).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_instructions_are_some_that_the_processor_has() {
        assert!(Isa::available().is_sorted_by(|a, b| a > b));
        assert!(Isa::available().any(|isa| isa == Isa::best()));
        assert_eq!(Isa::available().last(), Some(Isa::Portable));
        assert_eq!(Isa::named("portable"), Some(Isa::Portable));
        assert_eq!(Isa::named("sse9"), None);
    }
}
