//! Enlarging by a whole factor, nearest or bilinear, with gradients.
use super::cpu::{floats, tensor, with_floats};
use super::is_ours;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// How the pixels between are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    Nearest,
    /// Pixel centres keep their place (PyTorch's `align_corners = false`).
    Bilinear,
}

/// `x` [batch, channel, y, x] enlarged `scale` times along y and x. Differentiable.
pub fn upsample(x: &Tensor, scale: usize, interpolation: Interpolation) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if scale == 0 || x.elem_count() == 0 {
        bail!("Upsampling {:?} by {scale}", x.dims())
    }
    let op =
        Upsample { y: Axis::new(height, scale, interpolation), x: Axis::new(width, scale, interpolation) };
    if is_ours(x) {
        return x.contiguous()?.apply_op1(op);
    }
    elsewhere(x, &op, scale, interpolation)
}

/// On other devices, by Candle's operations: neighbours repeated, or two of them mixed along one axis after the other.
fn elsewhere(x: &Tensor, op: &Upsample, scale: usize, interpolation: Interpolation) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if interpolation == Interpolation::Nearest {
        return x
            .reshape(&[batch, channels, height, 1, width, 1][..])?
            .broadcast_as(&[batch, channels, height, scale, width, scale][..])?
            .contiguous()?
            .reshape((batch, channels, height * scale, width * scale));
    }
    op.x.mixed(&op.y.mixed(x, 2)?, 3)
}

/// One output position: it mixes two inputs, the second with weight `part`.
#[derive(Debug, Clone, Copy)]
struct Mix {
    low: usize,
    high: usize,
    part: f32,
}

#[derive(Debug, Clone)]
struct Axis {
    len: usize,
    mixes: Vec<Mix>,
}

impl Axis {
    fn new(len: usize, scale: usize, interpolation: Interpolation) -> Self {
        let mix = |i: usize| {
            if interpolation == Interpolation::Nearest {
                return Mix { low: i / scale, high: i / scale, part: 0.0 };
            }
            let at = ((i as f64 + 0.5) / scale as f64 - 0.5).max(0.0);
            let low = (at as usize).min(len - 1);
            Mix { low, high: (low + 1).min(len - 1), part: (at - low as f64) as f32 }
        };
        Self { len, mixes: (0..len * scale).map(mix).collect() }
    }

    /// `x` enlarged along `axis`, on any device.
    fn mixed(&self, x: &Tensor, axis: usize) -> Result<Tensor> {
        let (x, mut shape) = (x.contiguous()?, [1; 4]);
        shape[axis] = self.mixes.len();
        let picked = |which: fn(&Mix) -> usize, part: fn(&Mix) -> f32| {
            let indices = Tensor::from_iter(self.mixes.iter().map(|mix| which(mix) as u32), x.device())?;
            let parts = Tensor::from_iter(self.mixes.iter().map(part), x.device())?.reshape(&shape[..])?;
            x.index_select(&indices, axis)?.broadcast_mul(&parts)
        };
        picked(|mix| mix.low, |mix| 1.0 - mix.part)? + picked(|mix| mix.high, |mix| mix.part)?
    }
}

#[derive(Debug, Clone)]
struct Upsample {
    y: Axis,
    x: Axis,
}

impl Upsample {
    fn plane(&self, x: &[f32], out: &mut [f32]) {
        let width = self.x.len;
        let mut mixed = vec![0.0; width];
        for (row, mix) in out.chunks_mut(self.x.mixes.len()).zip(&self.y.mixes) {
            let (low, high) = (&x[mix.low * width..][..width], &x[mix.high * width..][..width]);
            for (mixed, (low, high)) in mixed.iter_mut().zip(low.iter().zip(high)) {
                *mixed = blend(*low, *high, mix.part);
            }
            for (out, mix) in row.iter_mut().zip(&self.x.mixes) {
                *out = blend(mixed[mix.low], mixed[mix.high], mix.part);
            }
        }
    }

    fn plane_gradient(&self, grad: &[f32], out: &mut [f32]) {
        let width = self.x.len;
        let mut mixed = vec![0.0; width];
        for (row, mix) in grad.chunks(self.x.mixes.len()).zip(&self.y.mixes) {
            mixed.fill(0.0);
            for (grad, mix) in row.iter().zip(&self.x.mixes) {
                mixed[mix.low] += grad * (1.0 - mix.part);
                mixed[mix.high] += grad * mix.part;
            }
            for (i, &grad) in mixed.iter().enumerate() {
                out[mix.low * width + i] += grad * (1.0 - mix.part);
                out[mix.high * width + i] += grad * mix.part;
            }
        }
    }
}

/// Exact where `part` is 0, so that nearest neighbours and infinities pass unchanged.
fn blend(low: f32, high: f32, part: f32) -> f32 {
    if part == 0.0 { low } else { low * (1.0 - part) + high * part }
}

impl CustomOp1 for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let x = floats(x, layout)?;
        let (rows, cols) = (self.y.mixes.len(), self.x.mixes.len());
        let mut out = vec![0.0; batch * channels * rows * cols];
        let planes = out.par_chunks_mut(rows * cols).zip(x.par_chunks(height * width));
        planes.for_each(|(out, x)| self.plane(x, out));
        Ok((CpuStorage::F32(out), (batch, channels, rows, cols).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (rows, cols) = (self.y.mixes.len(), self.x.mixes.len());
        let values = with_floats(grad, |grad| {
            let mut out = vec![0.0; x.elem_count()];
            let planes = out.par_chunks_mut(self.y.len * self.x.len).zip(grad.par_chunks(rows * cols));
            planes.for_each(|(out, grad)| self.plane_gradient(grad, out));
            out
        })?;
        tensor(values, x).map(Some)
    }
}
