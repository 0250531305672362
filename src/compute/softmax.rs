//! Softmax over the class axis, and its logarithm.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(unsafe_code, clippy::inline_always)]

use super::cpu::{Chunk, SHARE, build_columns, floats, tensor, with_floats};
use super::functions::{exp, ln};
use super::vector::{self, Arithmetic, Work};
use super::{is_ours, tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

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
fn sizes(shape: &Shape) -> Result<[usize; 3]> {
    match shape.dims() {
        [batch, classes, rest @ ..] if shape.elem_count() > 0 => {
            Ok([*batch, *classes, rest.iter().product()])
        }
        dims => bail!("Softmax: expected [batch, class, …], found {dims:?}"),
    }
}

/// So many classes are read side by side, more one after the other, as memory is quickest.
const SIDE_BY_SIDE: usize = 8;

/// How many pixels a thread takes at once: all their classes stay in its second-level cache, and what is kept for each
/// pixel in the first.
fn pixels_at_once(classes: usize) -> usize {
    if classes <= SIDE_BY_SIDE { SHARE / classes } else { (8 * SHARE / classes).clamp(64, 2048) }
}

impl Softmax {
    fn apply(self, x: &Tensor) -> Result<Tensor> {
        sizes(x.shape())?;
        if is_ours(x) {
            return tape::apply1(&x.contiguous()?, self);
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

    fn values(self, x: &[f32], sizes: [usize; 3]) -> Vec<f32> {
        let [_, classes, pixels] = sizes;
        build_columns(sizes, pixels_at_once(classes), |item, columns, out| {
            let row = |class: usize| &x[(item * classes + class) * pixels..][columns.clone()];
            let rows: Vec<&[f32]> = (0..classes).map(row).collect();
            vector::run(Forward { log: self.log, x: &rows, out });
        })
    }

    /// From the result y and the gradient by it.
    fn gradient(self, [y, grad]: [&[f32]; 2], sizes: [usize; 3]) -> Vec<f32> {
        let [_, classes, pixels] = sizes;
        build_columns(sizes, pixels_at_once(classes), |item, columns, out| {
            let row = |class: usize| {
                [y, grad].map(|values| &values[(item * classes + class) * pixels..][columns.clone()])
            };
            let rows: Vec<[&[f32]; 2]> = (0..classes).map(row).collect();
            vector::run(Backward { log: self.log, rows: &rows, out });
        })
    }
}

/// Some pixels of every class.
struct Forward<'a, 'b> {
    log: bool,
    x: &'a [&'a [f32]],
    out: &'a mut [Chunk<'b>],
}

impl Work for Forward<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let pixels = self.x[0].len();
        let block = if self.x.len() <= SIDE_BY_SIDE { 256 } else { pixels };
        let (mut peak, mut total) = (vec![0.0; block], vec![0.0; block]);
        for first in (0..pixels).step_by(block) {
            let columns = first..pixels.min(first + block);
            peak.fill(f32::NEG_INFINITY);
            total.fill(0.0);
            for x in self.x {
                for (peak, &x) in peak.iter_mut().zip(&x[columns.clone()]) {
                    *peak = if x > *peak { x } else { *peak };
                }
            }
            for x in self.x {
                for ((total, &peak), &x) in total.iter_mut().zip(&peak).zip(&x[columns.clone()]) {
                    *total += exp::<A>(x - peak);
                }
            }
            for total in &mut total {
                *total = if self.log { ln::<A>(*total) } else { 1.0 / *total };
            }
            // Taking the exponentials again is quicker than keeping them.
            for (x, out) in self.x.iter().zip(&mut *self.out) {
                let room = &mut out.room()[..columns.len()];
                for (((room, &x), &peak), &total) in
                    room.iter_mut().zip(&x[columns.clone()]).zip(&peak).zip(&total)
                {
                    let less = x - peak;
                    room.write(if self.log { less - total } else { exp::<A>(less) * total });
                }
                // SAFETY: just now.
                unsafe { out.wrote(columns.len()) };
            }
        }
    }
}

/// Some pixels of every class, as [y, gradient by y]: of softmax y·(g − Σ g·y), of its logarithm g − exp(y)·Σ g.
struct Backward<'a, 'b> {
    log: bool,
    rows: &'a [[&'a [f32]; 2]],
    out: &'a mut [Chunk<'b>],
}

impl Work for Backward<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let mut total = vec![0.0f32; self.rows[0][0].len()];
        for [y, grad] in self.rows {
            for (total, (y, g)) in total.iter_mut().zip(y.iter().zip(*grad)) {
                *total += if self.log { *g } else { g * y };
            }
        }
        let mut row = total.clone();
        for ([y, grad], out) in self.rows.iter().zip(self.out) {
            for ((row, total), (&y, g)) in row.iter_mut().zip(&total).zip(y.iter().zip(*grad)) {
                *row = if self.log { g - exp::<A>(y) * total } else { y * (g - total) };
            }
            out.copy(&row);
        }
    }
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = self.values(floats(x, layout)?, sizes(layout.shape())?);
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let sizes = sizes(x.shape())?;
        let values = with_floats(y, |y| with_floats(grad, |grad| self.gradient([y, grad], sizes)))??;
        tensor(values, x).map(Some)
    }
}
