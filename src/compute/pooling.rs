//! Maximum and mean over windows, with any stride and padding and their gradients.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

mod elsewhere;
mod windows;

use super::cpu::{Chunk, build, build_rows, floats, tensor, with_floats};
use super::is_ours;
use super::{tape, vector};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use windows::{Largest, Sum, Windows};

/// Windows of a pooling; `[y, x]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSpec {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// At most half the kernel, so that every window sees a pixel.
    pub padding: [usize; 2],
}

/// The largest value of each window of `x` [batch, channel, y, x]; NaN if the window has one. Differentiable: of equal
/// values the first in reading order has the gradient, as in PyTorch.
pub fn max_pool2d(x: &Tensor, spec: PoolSpec) -> Result<Tensor> {
    pool(x, spec, Kind::Max)
}

/// The mean of each window of `x` [batch, channel, y, x], padding counted as zeros. Differentiable.
pub fn avg_pool2d(x: &Tensor, spec: PoolSpec) -> Result<Tensor> {
    pool(x, spec, Kind::Mean)
}

/// The mean of each plane: `[batch, channel, y, x]` to `[batch, channel, 1, 1]`. Differentiable.
pub fn global_avg_pool(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let whole = [height, width];
    avg_pool2d(x, PoolSpec { kernel: whole, stride: whole, padding: [0, 0] })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Max,
    Mean,
}

fn pool(x: &Tensor, spec: PoolSpec, kind: Kind) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let bad = |i: usize| spec.kernel[i] == 0 || spec.stride[i] == 0 || spec.padding[i] > spec.kernel[i] / 2;
    if bad(0) || bad(1) {
        bail!(
            "Pooling: kernel and stride must be at least 1 and padding at most half the kernel, found {spec:?}"
        )
    }
    let Some(out) = spec.output([height, width]) else {
        bail!("Pooling: a window of {:?} does not fit a padded image of {height}×{width}", spec.kernel)
    };
    if is_ours(x) {
        return tape::apply1(&x.contiguous()?, Pool { spec, kind, input: [height, width], out });
    }
    elsewhere::pool(x, spec, kind, out)
}

impl PoolSpec {
    /// `[y, x]` of the result, rounded down; `None` where no window fits.
    fn output(&self, input: [usize; 2]) -> Option<[usize; 2]> {
        let along = |i: usize| {
            let room = (input[i] + 2 * self.padding[i]).checked_sub(self.kernel[i])?;
            Some(room / self.stride[i] + 1)
        };
        Some([along(0)?, along(1)?])
    }
}

/// Whether `value` takes the place of the maximum so far, as PyTorch decides it: NaN always does.
#[inline(always)]
pub(super) fn is_larger(so_far: f32, value: f32) -> bool {
    value > so_far || value.is_nan()
}

#[inline(always)]
pub(super) fn larger(so_far: f32, value: f32) -> f32 {
    if is_larger(so_far, value) { value } else { so_far }
}

#[derive(Debug, Clone, Copy)]
struct Pool {
    spec: PoolSpec,
    kind: Kind,
    input: [usize; 2],
    out: [usize; 2],
}

impl Pool {
    /// The pooling of almost every network.
    fn is_max_by_two(&self) -> bool {
        let halving = PoolSpec { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
        self.kind == Kind::Max && self.spec == halving
    }

    fn values(&self, x: &[f32]) -> Vec<f32> {
        let rows = x.len() / (self.input[0] * self.input[1]) * self.out[0];
        let work = self.spec.kernel[0] * self.input[1];
        build_rows([rows, self.out[1]], work, |rows, out| match self.kind {
            Kind::Max => vector::run(Windows { pool: self, reduce: Largest, x, rows, out }),
            Kind::Mean => vector::run(Windows { pool: self, reduce: Sum, x, rows, out }),
        })
    }

    /// Calls `f(output x, index of the input pixel)` for every tap of output row `oy` that lies in the image, in
    /// reading order for each output.
    fn taps(&self, oy: usize, mut f: impl FnMut(usize, usize)) {
        let PoolSpec { kernel, stride, padding } = self.spec;
        for ky in 0..kernel[0] {
            let Some(y) = (oy * stride[0] + ky).checked_sub(padding[0]).filter(|&y| y < self.input[0]) else {
                continue;
            };
            for kx in 0..kernel[1] {
                let first = padding[1].saturating_sub(kx).div_ceil(stride[1]);
                let last =
                    (self.input[1] + padding[1]).saturating_sub(kx).div_ceil(stride[1]).min(self.out[1]);
                let base = y * self.input[1] + kx;
                for ox in first..last {
                    f(ox, base + ox * stride[1] - padding[1]);
                }
            }
        }
    }

    /// One plane's gradient of the maxima of two by two: each goes to the first of the four that is the maximum.
    fn unhalve(&self, x: &[f32], grad: &[f32], row: &mut [f32], out: &mut Chunk) {
        let width = self.input[1];
        for (rows, grad) in x.chunks_exact(2 * width).zip(grad.chunks_exact(self.out[1])) {
            let (upper, lower) = rows.split_at(width);
            let fours = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            let (to_upper, to_lower) = row.split_at_mut(width);
            let to = to_upper.as_chunks_mut::<2>().0.iter_mut().zip(to_lower.as_chunks_mut::<2>().0);
            for (((&[a, b], &[c, d]), &g), (to_upper, to_lower)) in fours.zip(grad).zip(to) {
                let (ab, abc) = (larger(a, b), larger(larger(a, b), c));
                let at_d = is_larger(abc, d);
                let at_c = !at_d && is_larger(ab, c);
                let at_b = !at_d && !at_c && is_larger(a, b);
                let at_a = !at_d && !at_c && !at_b;
                *to_upper = [if at_a { g } else { 0.0 }, if at_b { g } else { 0.0 }];
                *to_lower = [if at_c { g } else { 0.0 }, if at_d { g } else { 0.0 }];
            }
            out.copy(row);
        }
    }

    fn gradient(&self, x: &[f32], grad: &[f32]) -> Vec<f32> {
        let [from, to] = [self.input, self.out].map(|[h, w]| h * w);
        if self.is_max_by_two() {
            return build(x.len(), from, |at, out| {
                // A last column without a partner keeps its zeros.
                let mut rows = vec![0.0; 2 * self.input[1]];
                self.unhalve(&x[at..at + from], &grad[at / from * to..][..to], &mut rows, out);
            });
        }
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(from).zip(x.par_chunks(from).zip(grad.par_chunks(to))).for_each(
            |(out, (x, grad))| {
                let mut best = vec![(f32::NEG_INFINITY, usize::MAX); self.out[1]];
                for (oy, grad) in grad.chunks(self.out[1]).enumerate() {
                    match self.kind {
                        Kind::Max => self.max_row_gradient(x, oy, grad, &mut best, out),
                        Kind::Mean => {
                            let scale = 1.0 / (self.spec.kernel[0] * self.spec.kernel[1]) as f32;
                            self.taps(oy, |ox, at| out[at] += grad[ox] * scale);
                        }
                    }
                }
            },
        );
        out
    }

    fn max_row_gradient(
        &self,
        x: &[f32],
        oy: usize,
        grad: &[f32],
        best: &mut [(f32, usize)],
        out: &mut [f32],
    ) {
        best.fill((f32::NEG_INFINITY, usize::MAX));
        self.taps(oy, |ox, at| {
            let value = x[at];
            if is_larger(best[ox].0, value) || best[ox].1 == usize::MAX {
                best[ox] = (value, at);
            }
        });
        for (&(_, at), grad) in best.iter().zip(grad) {
            out[at] += grad;
        }
    }
}

impl CustomOp1 for Pool {
    fn name(&self) -> &'static str {
        if self.kind == Kind::Max { "max_pool2d" } else { "avg_pool2d" }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, _, _) = layout.shape().dims4()?;
        let values = self.values(floats(x, layout)?);
        Ok((CpuStorage::F32(values), (batch, channels, self.out[0], self.out[1]).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let values = with_floats(x, |x| with_floats(grad, |grad| self.gradient(x, grad)))??;
        tensor(values, x).map(Some)
    }
}
