//! Which algorithm computes a convolution, and the one call that runs it.
#[cfg(target_arch = "x86_64")]
use super::amx;
use super::output::Finish;
use super::pass::{Geometry, Pass};
use super::planes::Planes;
use super::{direct, winograd};

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Shifted products: the sums as they are written.
    Direct,
    /// Three bf16 products on the processor's matrix unit.
    Amx,
    /// 3×3 kernels by a quarter of the products, on transformed patches.
    Winograd,
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Amx => "matrix tiles",
            Self::Winograd => "Winograd",
        })
    }
}

impl Algorithm {
    pub(super) const ALL: [Self; 3] = [Self::Direct, Self::Amx, Self::Winograd];

    /// The fastest one for a pass on this processor.
    pub(super) fn choose(pass: &Pass) -> Self {
        // Measured: with few channels the matrix unit waits for memory, and on small images it beats the rest by far.
        let few = pass.source_channels.min(pass.target_channels) <= 64 && winograd::patches(pass) >= 256;
        let fast = if few { [Self::Winograd, Self::Amx] } else { [Self::Amx, Self::Winograd] };
        fast.into_iter().find(|fast| fast.can(pass) && fast.is_worth(pass)).unwrap_or(Self::Direct)
    }

    /// The fastest one for the gradient by the weights.
    pub(super) fn for_gradient(geometry: &Geometry) -> Self {
        if has_amx() && fills_tiles(geometry.image_channels, geometry.map_channels) {
            return Self::Amx;
        }
        // Unlike a pass it transforms no weights, so that few patches are enough.
        let (from, to) = (geometry.image_channels, geometry.map_channels);
        let fills = from >= 8 && to >= 8;
        if fills && Self::Winograd.can(&geometry.forward()) { Self::Winograd } else { Self::Direct }
    }

    /// Whether it can carry out a pass here.
    pub(super) fn can(self, pass: &Pass) -> bool {
        match self {
            Self::Direct => true,
            Self::Amx => has_amx(),
            Self::Winograd => winograd::can(pass),
        }
    }

    /// Whether it is faster than [`Algorithm::Direct`], by measurement.
    fn is_worth(self, pass: &Pass) -> bool {
        let (from, to) = (pass.source_channels, pass.target_channels);
        match self {
            Self::Direct => true,
            Self::Amx => fills_tiles(from, to),
            // What is saved grows with both numbers of channels, what is spent on transforms with either. With few
            // patches the transformed weights, four times as many, take longer to read than is saved.
            Self::Winograd => {
                let patches = winograd::patches(pass);
                from >= 8 && patches >= 32 && patches * from * to >= 8192
            }
        }
    }
}

/// Whether so many channels are worth the matrix unit's tiles of 16.
fn fills_tiles(from: usize, to: usize) -> bool {
    from >= 8 && to >= 8 && from * to >= 192
}

/// Whether there is a matrix unit.
fn has_amx() -> bool {
    #[cfg(target_arch = "x86_64")]
    return amx::available();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The weights of a pass as an algorithm reads them. They fit every pass that differs in batch and sizes only.
#[derive(Debug)]
pub(super) enum Packed {
    Direct(direct::Packed),
    Winograd(winograd::Packed),
    #[cfg(target_arch = "x86_64")]
    Amx(amx::Packed),
}

impl Packed {
    pub(super) fn new(algorithm: Algorithm, pass: &Pass, weights: &[f32]) -> Self {
        match algorithm {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            // SAFETY: chosen only where the matrix unit is available.
            Algorithm::Amx => Self::Amx(unsafe { amx::Packed::new(pass, weights) }),
            Algorithm::Winograd => Self::Winograd(winograd::Packed::new(pass, weights)),
            _ => Self::Direct(direct::Packed::new(pass, weights)),
        }
    }
}

/// Carries out a pass; the result is `[batch, channel, y, x]`.
pub(super) fn run(pass: &Pass, source: &Planes, weights: &Packed, finish: Finish) -> Vec<f32> {
    match weights {
        Packed::Direct(weights) => direct::run(pass, source, weights, finish),
        Packed::Winograd(weights) => winograd::run(pass, source, weights, finish),
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: chosen only where the matrix unit is available.
        Packed::Amx(weights) => unsafe { amx::run(pass, source, weights, finish) },
    }
}

/// The pass with weights used once.
pub(super) fn run_once(pass: &Pass, source: &[f32], weights: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    run_once_with(Algorithm::choose(pass), pass, source, weights, bias)
}

/// The same with an algorithm that [`can`](Algorithm::can) carry out the pass.
pub(super) fn run_once_with(
    algorithm: Algorithm,
    pass: &Pass,
    source: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let planes = Planes::one(source, pass.groups * pass.source_channels, pass.source[0] * pass.source[1]);
    let packed = Packed::new(algorithm, pass, weights);
    run(pass, &planes, &packed, Finish { bias, ..Finish::default() })
}

/// Bytes of a pass's weights as an algorithm keeps them.
pub(super) fn packed_bytes(algorithm: Algorithm, pass: &Pass) -> u64 {
    let pairs = (pass.groups * pass.target_channels * pass.source_channels) as u64;
    let taps = pass.residues.iter().map(|residue| residue.taps.len() as u64).sum::<u64>();
    match algorithm {
        Algorithm::Direct => 4 * pairs * taps,
        Algorithm::Winograd => 4 * pairs * winograd::PLACES as u64,
        #[cfg(target_arch = "x86_64")]
        Algorithm::Amx => amx::packed_bytes(pass),
        #[cfg(not(target_arch = "x86_64"))]
        Algorithm::Amx => 0,
    }
}
