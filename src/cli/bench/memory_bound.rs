//! Timing the operations that do little with each number, against a copy of as many bytes.
//!
//! An operation's bytes are what it must read and write: each input once (training batch-norm's twice, whose statistics
//! must be known before they are applied) and the result once. The copy reads half of them and writes the other half, on
//! the same threads, to memory allocated anew each time, as the operation's result is. Both are timed in turns.

use candle_core::{Device, Tensor};
use serde::Serialize;

use crate::compute::{self, Activation, Interpolation, PoolSpec};

use super::timing::{Times, noise};

/// An operation, and what was measured.
#[derive(Debug, Serialize)]
pub(super) struct MemoryRow {
    pub(super) name: &'static str,
    x: [usize; 4],
    #[serde(flatten)]
    pub(super) against_copy: Option<AgainstCopy>,
}

#[derive(Debug, Serialize)]
pub(super) struct AgainstCopy {
    pub(super) median_ms: f64,
    /// Of a copy of as many bytes.
    pub(super) copy_ms: f64,
    /// The median of the operation's time over its copy's, taken in turns.
    pub(super) ratio: f64,
    pub(super) bytes: usize,
}

type Run = fn(&Inputs) -> candle_core::Result<Tensor>;

/// An operation, how often it reads x, and how it is called.
pub(super) struct Operation {
    pub(super) name: &'static str,
    reads: usize,
    run: Run,
}

/// `x` and vectors of as many channels; `other` is as large as x.
pub(super) struct Inputs {
    x: Tensor,
    other: Tensor,
    ones: Tensor,
}

const X: [usize; 4] = [1, 32, 512, 512];
const HALVING: PoolSpec = PoolSpec { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };

const fn op(name: &'static str, reads: usize, run: Run) -> Operation {
    Operation { name, reads, run }
}

pub(super) const ALL: [Operation; 17] = [
    op("max-pool 2×2", 1, |i| compute::max_pool2d(&i.x, HALVING)),
    op("max-pool 3×3 stride 2", 1, |i| {
        compute::max_pool2d(&i.x, PoolSpec { kernel: [3; 2], stride: [2; 2], padding: [1; 2] })
    }),
    op("average pool 2×2", 1, |i| compute::avg_pool2d(&i.x, HALVING)),
    op("global average pool", 1, |i| compute::global_avg_pool(&i.x)),
    op("upsample nearest ×2", 1, |i| compute::upsample(&i.x, 2, Interpolation::Nearest)),
    op("upsample bilinear ×2", 1, |i| compute::upsample(&i.x, 2, Interpolation::Bilinear)),
    op("batch-norm", 1, |i| compute::batch_norm_eval(&i.x, [&i.ones, &i.ones], [&i.ones, &i.ones], 1e-5)),
    op("batch-norm, training", 2, |i| Ok(compute::batch_norm_train(&i.x, &i.ones, &i.ones, 1e-5)?.y)),
    op("ReLU", 1, |i| compute::activate(&i.x, Activation::Relu)),
    op("leaky ReLU", 1, |i| compute::activate(&i.x, Activation::LeakyRelu { slope: 0.1 })),
    op("GELU", 1, |i| compute::activate(&i.x, Activation::Gelu)),
    op("SiLU", 1, |i| compute::activate(&i.x, Activation::Silu)),
    op("sigmoid", 1, |i| compute::activate(&i.x, Activation::Sigmoid)),
    op("tanh", 1, |i| compute::activate(&i.x, Activation::Tanh)),
    op("concatenation", 2, |i| compute::concat(&[&i.x, &i.other])),
    op("softmax", 1, |i| compute::softmax(&i.x)),
    op("log-softmax", 1, |i| compute::log_softmax(&i.x)),
];

impl Operation {
    /// A row without times.
    pub(super) fn sizes(&self) -> MemoryRow {
        MemoryRow { name: self.name, x: X, against_copy: None }
    }

    pub(super) fn timed(&self, runs: usize) -> anyhow::Result<MemoryRow> {
        let device = Device::Cpu;
        let ones = Tensor::ones(X[1], candle_core::DType::F32, &device)?;
        let inputs = Inputs { x: noise(&X, &device)?, other: noise(&X, &device)?, ones };
        let values = self.reads * inputs.x.elem_count() + (self.run)(&inputs)?.elem_count();
        let like = Tensor::zeros(values / 2, candle_core::DType::F32, &device)?.affine(1.0, 1.0)?;
        let (mut op_ms, mut copy_ms, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let op = median_ms(&|| (self.run)(&inputs))?;
            let copy = median_ms(&|| compute::copy(&like))?;
            op_ms.push(op);
            copy_ms.push(copy);
            ratios.push(op / copy);
        }
        let [median_ms, copy_ms, ratio] = [op_ms, copy_ms, ratios].map(|all| Times::new(all).median_ms());
        Ok(MemoryRow {
            against_copy: Some(AgainstCopy { median_ms, copy_ms, ratio, bytes: 4 * values }),
            ..self.sizes()
        })
    }
}

fn median_ms(work: &dyn Fn() -> candle_core::Result<Tensor>) -> anyhow::Result<f64> {
    let times = Times::of(3, &Device::Cpu, |_| {
        drop(work()?);
        Ok(())
    });
    Ok(times?.median_ms())
}
