//! Which algorithm computes a convolution, and the one call that runs it.
use super::direct;
use super::output::Finish;
use super::pass::Pass;
use super::planes::Planes;

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Shifted products: the sums as they are written.
    Direct,
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
        })
    }
}

impl Algorithm {
    pub(super) const ALL: [Self; 1] = [Self::Direct];

    /// The fastest one for a pass on this processor.
    pub(super) fn choose(_pass: &Pass) -> Self {
        Self::Direct
    }
}

/// The weights of a pass as an algorithm reads them. They fit every pass that differs in batch and sizes only.
#[derive(Debug)]
pub(super) enum Packed {
    Direct(direct::Packed),
}

impl Packed {
    pub(super) fn new(algorithm: Algorithm, pass: &Pass, weights: &[f32]) -> Self {
        match algorithm {
            Algorithm::Direct => Self::Direct(direct::Packed::new(pass, weights)),
        }
    }
}

/// Carries out a pass; the result is `[batch, channel, y, x]`.
pub(super) fn run(pass: &Pass, source: &Planes, weights: &Packed, finish: Finish) -> Vec<f32> {
    match weights {
        Packed::Direct(weights) => direct::run(pass, source, weights, finish),
    }
}

/// The pass with weights used once.
pub(super) fn run_once(pass: &Pass, source: &[f32], weights: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let planes = Planes::one(source, pass.groups * pass.source_channels, pass.source[0] * pass.source[1]);
    let packed = Packed::new(Algorithm::choose(pass), pass, weights);
    run(pass, &planes, &packed, Finish { bias, ..Finish::default() })
}
