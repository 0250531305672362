//! Softmax over the class axis, and its logarithm.
use super::cpu::{floats, tensor, with_floats};
use super::is_ours;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Softmax over axis 1 of `x` [batch, class, …]. Differentiable.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    Softmax { log: false }.apply(x)
}

/// The logarithm of [`softmax`], also where that is nearly 0. Differentiable.
pub fn log_softmax(x: &Tensor) -> Result<Tensor> {
    Softmax { log: true }.apply(x)
}

#[derive(Debug, Clone, Copy)]
struct Softmax {
    log: bool,
}

/// Batch items, classes, and values a class.
fn sizes(shape: &Shape) -> Result<(usize, usize, usize)> {
    match shape.dims() {
        [batch, classes, rest @ ..] if shape.elem_count() > 0 => {
            Ok((*batch, *classes, rest.iter().product()))
        }
        dims => bail!("Softmax: expected [batch, class, …], found {dims:?}"),
    }
}

/// Pixels a thread takes at once; their classes stay in its cache.
const CHUNK: usize = 4096;

impl Softmax {
    fn apply(self, x: &Tensor) -> Result<Tensor> {
        sizes(x.shape())?;
        if is_ours(x) {
            return x.contiguous()?.apply_op1(self);
        }
        self.elsewhere(x)
    }

    /// On other devices, by Candle's operations. The peak keeps the exponentials small and has no gradient.
    fn elsewhere(self, x: &Tensor) -> Result<Tensor> {
        let lowered = x.broadcast_sub(&x.detach().max_keepdim(1)?)?;
        let values = lowered.exp()?;
        let total = values.sum_keepdim(1)?;
        if self.log { lowered.broadcast_sub(&total.log()?) } else { values.broadcast_div(&total) }
    }

    /// One image's `[class, pixel]`, written chunk by chunk.
    fn image(self, x: &[f32], out: &mut [f32], pixels: usize) {
        let mut peak = vec![0.0f32; pixels.min(CHUNK)];
        let mut total = peak.clone();
        for first in (0..pixels).step_by(CHUNK) {
            let len = CHUNK.min(pixels - first);
            let (peak, total) = (&mut peak[..len], &mut total[..len]);
            peak.fill(f32::NEG_INFINITY);
            total.fill(0.0);
            for x in x.chunks(pixels) {
                peak.iter_mut().zip(&x[first..]).for_each(|(peak, x)| *peak = peak.max(*x));
            }
            for (x, out) in x.chunks(pixels).zip(out.chunks_mut(pixels)) {
                let values = out[first..].iter_mut().zip(&x[first..]);
                for ((out, x), (peak, total)) in values.zip(peak.iter().zip(total.iter_mut())) {
                    let e = (x - peak).exp();
                    *total += e;
                    *out = if self.log { x - peak } else { e };
                }
            }
            for t in total.iter_mut() {
                *t = if self.log { t.ln() } else { 1.0 / *t };
            }
            for out in out.chunks_mut(pixels) {
                let values = out[first..].iter_mut().zip(total.iter());
                values.for_each(|(out, t)| *out = if self.log { *out - t } else { *out * t });
            }
        }
    }

    /// One image's gradient, from the result y and its gradient g: of softmax y·(g − Σ g·y), of its logarithm
    /// g − exp(y)·Σ g.
    fn image_gradient(self, y: &[f32], grad: &[f32], out: &mut [f32], pixels: usize) {
        let mut total = vec![0.0f32; pixels];
        for (y, grad) in y.chunks(pixels).zip(grad.chunks(pixels)) {
            for (total, (y, g)) in total.iter_mut().zip(y.iter().zip(grad)) {
                *total += if self.log { *g } else { g * y };
            }
        }
        for (out, (y, grad)) in out.chunks_mut(pixels).zip(y.chunks(pixels).zip(grad.chunks(pixels))) {
            for ((out, total), (y, g)) in out.iter_mut().zip(&total).zip(y.iter().zip(grad)) {
                *out = if self.log { g - y.exp() * total } else { y * (g - total) };
            }
        }
    }
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, classes, pixels) = sizes(layout.shape())?;
        let x = floats(x, layout)?;
        let mut out = vec![0.0; x.len()];
        let images = out.par_chunks_mut(classes * pixels).zip(x.par_chunks(classes * pixels));
        images.for_each(|(out, x)| self.image(x, out, pixels));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, classes, pixels) = sizes(x.shape())?;
        let image = classes * pixels;
        let values = with_floats(y, |y| {
            with_floats(grad, |grad| {
                let mut out = vec![0.0; y.len()];
                let images = out.par_chunks_mut(image).zip(y.par_chunks(image).zip(grad.par_chunks(image)));
                images.for_each(|(out, (y, grad))| self.image_gradient(y, grad, out, pixels));
                out
            })
        })??;
        tensor(values, x).map(Some)
    }
}
