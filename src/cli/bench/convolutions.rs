//! Timing one convolution: forward, and its gradients by x and by its weights.

use candle_core::{Device, Tensor, Var};
use serde::Serialize;

use crate::compute::{Algorithm, ConvKind, PreparedConv, conv_algorithm, conv_gradients};

use super::cases::Case;
use super::timing::{Times, noise};

/// A convolution's sizes, and what was measured.
#[derive(Debug, Serialize)]
pub(super) struct ConvolutionRow {
    pub(super) name: String,
    #[serde(flatten)]
    sizes: Sizes,
    #[serde(flatten)]
    pub(super) speeds: Option<Speeds>,
}

/// As PyTorch names them.
#[derive(Debug, Serialize)]
struct Sizes {
    transposed: bool,
    x: [usize; 4],
    weight: [usize; 4],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Speeds {
    pub(super) forward: Speed,
    /// The gradient by x.
    pub(super) dx: Speed,
    /// The gradient by the weights.
    pub(super) dw: Speed,
}

#[derive(Debug, Serialize)]
pub(super) struct Speed {
    pub(super) median_ms: f64,
    pub(super) min_ms: f64,
    /// 10^9 operations a second by the median, of the sums as they are written; a multiply-add is two.
    pub(super) gflops: f64,
    /// `None` for gradients by the weights.
    pub(super) algorithm: Option<Algorithm>,
}

impl Speed {
    fn new(times: &Times, multiply_adds: u64, algorithm: Option<Algorithm>) -> Self {
        let gflops = 2.0 * multiply_adds as f64 / (times.median_ms() * 1e6);
        Self { median_ms: times.median_ms(), min_ms: times.min_ms(), gflops, algorithm }
    }
}

impl ConvolutionRow {
    /// A row of sizes without times.
    pub(super) fn sizes(case: &Case) -> Self {
        let sizes = Sizes {
            transposed: case.kind != ConvKind::Plain,
            x: case.x,
            weight: case.weight,
            stride: case.spec.stride,
            padding: case.spec.padding,
            dilation: case.spec.dilation,
            groups: case.spec.groups,
        };
        Self { name: case.name(), sizes, speeds: None }
    }

    pub(super) fn timed(case: &Case, runs: usize) -> anyhow::Result<Self> {
        Ok(Self { speeds: Some(speeds(case, runs)?), ..Self::sizes(case) })
    }
}

/// Forward with weights prepared and a bias, as networks are run; gradients alone, as training asks for them.
fn speeds(case: &Case, runs: usize) -> anyhow::Result<Speeds> {
    let device = Device::Cpu;
    let (x, weight) = (noise(&case.x, &device)?, noise(&case.weight, &device)?);
    let channels = if case.kind == ConvKind::Plain { case.weight[0] } else { case.weight[1] };
    let prepared = PreparedConv::new(&weight, Some(&noise(&[channels], &device)?), case.kind, case.spec)?;
    let result: [usize; 4] = prepared.run(&[&x])?.dims4()?.into();
    let grad = noise(&result, &device)?;
    let multiply_adds = case.multiply_adds(result);
    let gradient = |x: &Tensor, weight: &Tensor| {
        Times::of(runs, &device, |_| {
            drop(conv_gradients(case.kind, case.spec, [x, weight, &grad])?);
            Ok(())
        })
    };
    let by_x = gradient(Var::from_tensor(&x)?.as_tensor(), &weight)?;
    let by_weight = gradient(&x, Var::from_tensor(&weight)?.as_tensor())?;
    let forward = Times::of(runs, &device, |_| {
        drop(prepared.run(&[&x])?);
        Ok(())
    })?;
    let back = case.gradient_by_x(result);
    let algorithm = |case: &Case| conv_algorithm(case.kind, case.spec, case.x, case.weight).map(Some);
    Ok(Speeds {
        forward: Speed::new(&forward, multiply_adds, algorithm(case)?),
        dx: Speed::new(&by_x, multiply_adds, algorithm(&back)?),
        dw: Speed::new(&by_weight, multiply_adds, None),
    })
}
