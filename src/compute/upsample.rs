//! Enlarging by a whole factor, nearest or bilinear, with gradients.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use super::cpu::{Chunk, build_rows, floats, tensor, with_floats};
use super::vector::{self, Arithmetic, Work};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::ops::Range;

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
        return tape::apply1(&x.contiguous()?, op);
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

    /// The results that lie on these inputs, one by one.
    #[inline(always)]
    fn mix(&self, from: &[f32], to: &mut [f32], inputs: Range<usize>) {
        let scale = self.mixes.len() / self.len;
        let outputs = inputs.start * scale..inputs.end * scale;
        for (to, mix) in to[outputs.clone()].iter_mut().zip(&self.mixes[outputs]) {
            *to = blend(from[mix.low], from[mix.high], mix.part);
        }
    }

    /// [`Axis::mix`] of all inputs: between the borders the results of each input are mixed alike.
    #[inline(always)]
    fn stretch<const SCALE: usize>(&self, from: &[f32], to: &mut [f32]) {
        let width = self.len;
        if width < 3 {
            return self.mix(from, to, 0..width);
        }
        self.mix(from, to, 0..1);
        self.mix(from, to, width - 1..width);
        let alike = &self.mixes[SCALE..];
        let parts: [f32; SCALE] = std::array::from_fn(|i| alike[i].part);
        let before: [bool; SCALE] = std::array::from_fn(|i| alike[i].low == 0);
        let three = from.iter().zip(&from[1..]).zip(&from[2..]);
        for (to, ((&left, &here), &right)) in to.as_chunks_mut::<SCALE>().0[1..].iter_mut().zip(three) {
            for i in 0..SCALE {
                let (low, high) = if before[i] { (left, here) } else { (here, right) };
                to[i] = blend(low, high, parts[i]);
            }
        }
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

/// Some rows of the result, counted over all planes.
struct Part<'a, 'b> {
    op: &'a Upsample,
    x: &'a [f32],
    plane: usize,
    rows: Range<usize>,
    out: &'a mut Chunk<'b>,
}

impl Work for Part<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { op: Upsample { y, x: across }, x, plane, rows, out } = self;
        let width = across.len;
        let (mut mixed, mut row) = (vec![0.0; width], vec![0.0; across.mixes.len()]);
        let mut made = None;
        for at in rows {
            let mix = y.mixes[at % y.mixes.len()];
            let from = at / y.mixes.len() * plane;
            let (low, high) = (from + mix.low * width, from + mix.high * width);
            // Nearest neighbours come in equal rows.
            if mix.part != 0.0 || made != Some(low) {
                for (mixed, (low, high)) in
                    mixed.iter_mut().zip(x[low..][..width].iter().zip(&x[high..][..width]))
                {
                    *mixed = blend(*low, *high, mix.part);
                }
                match row.len() / width {
                    2 => across.stretch::<2>(&mixed, &mut row),
                    3 => across.stretch::<3>(&mixed, &mut row),
                    4 => across.stretch::<4>(&mixed, &mut row),
                    _ => across.mix(&mixed, &mut row, 0..width),
                }
                made = (mix.part == 0.0).then_some(low);
            }
            out.copy(&row);
        }
    }
}

/// Exact where `part` is 0, so that nearest neighbours and infinities pass unchanged.
#[inline(always)]
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
        let out = build_rows([batch * channels * rows, cols], cols, |rows, out| {
            vector::run(Part { op: self, x, plane: height * width, rows, out });
        });
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
