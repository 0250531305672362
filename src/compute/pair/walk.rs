//! Two tensors walked along together, in runs that are loops over vectors.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use crate::compute::cpu::{SHARE, build, build_rows};
use crate::compute::vector::{self, Arithmetic, Work};
use std::ops::Range;

/// How two tensors lie over their result: the last axes that both walk along alike are one.
pub(super) struct Walk {
    /// Sizes of the axes before the last run, with the strides of both.
    axes: Vec<(usize, [usize; 2])>,
    /// Length of a run of the result, and how far both go in it at each step: 0 or 1.
    len: usize,
    steps: [usize; 2],
}

impl Walk {
    pub(super) fn new(dims: &[usize], shapes: [&[usize]; 2]) -> Self {
        let strides = shapes.map(|shape| strides_over(dims, shape));
        let mut axes: Vec<(usize, [usize; 2])> = Vec::new();
        // From the last axis on; an axis joins the one behind it where both go on through it in one stride.
        for axis in (0..dims.len()).rev().filter(|&axis| dims[axis] > 1) {
            let by = strides.each_ref().map(|strides| strides[axis]);
            match axes.last_mut() {
                Some((size, behind)) if [0, 1].iter().all(|&i| by[i] == behind[i] * *size) => {
                    *size *= dims[axis]
                }
                _ => axes.push((dims[axis], by)),
            }
        }
        axes.reverse();
        let (len, steps) = axes.pop().unwrap_or((1, [0, 0]));
        Self { axes, len, steps }
    }

    /// Where the run number `run` begins in both.
    fn first(&self, run: usize) -> [usize; 2] {
        let (mut rest, mut first) = (run, [0, 0]);
        for (size, strides) in self.axes.iter().rev() {
            let at = rest % size;
            rest /= size;
            first = [first[0] + at * strides[0], first[1] + at * strides[1]];
        }
        first
    }

    fn runs(&self) -> usize {
        self.axes.iter().map(|(size, _)| size).product()
    }

    /// `f` of every pair, in the result's order.
    pub(super) fn values<F: Fn(f32, f32) -> f32 + Sync>(&self, [a, b]: [&[f32]; 2], f: F) -> Vec<f32> {
        if self.runs() == 1 {
            // One long run is shared out.
            let parts = self.len.div_ceil(SHARE);
            return build(self.len, self.len.div_ceil(parts), |at, out| {
                let [a, b] = [(a, self.steps[0]), (b, self.steps[1])].map(|(x, step)| &x[at * step..]);
                let len = out.left();
                pairs([a, b], self.steps, len, &f, |values| out.copy(values));
            });
        }
        build_rows([self.runs(), self.len], self.len, |runs: Range<usize>, out| {
            for run in runs {
                let [first_a, first_b] = self.first(run);
                pairs([&a[first_a..], &b[first_b..]], self.steps, self.len, &f, |values| out.copy(values));
            }
        })
    }
}

/// `f` of `len` pairs in pieces, each handed to `give`.
fn pairs<F: Fn(f32, f32) -> f32>(
    [a, b]: [&[f32]; 2],
    steps: [usize; 2],
    len: usize,
    f: &F,
    mut give: impl FnMut(&[f32]),
) {
    let mut piece = [0.0; 256];
    for at in (0..len).step_by(piece.len()) {
        let piece = &mut piece[..(len - at).min(256)];
        let [a, b] = [(a, steps[0]), (b, steps[1])].map(|(x, step)| &x[at * step..]);
        vector::run(Piece { a, b, steps, f, piece });
        give(piece);
    }
}

struct Piece<'a, F> {
    a: &'a [f32],
    b: &'a [f32],
    steps: [usize; 2],
    f: &'a F,
    piece: &'a mut [f32],
}

impl<F: Fn(f32, f32) -> f32> Work for Piece<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { a, b, steps, f, piece } = self;
        let len = piece.len();
        match steps {
            [1, 1] => piece.iter_mut().zip(&a[..len]).zip(&b[..len]).for_each(|((to, &a), &b)| *to = f(a, b)),
            [1, _] => piece.iter_mut().zip(&a[..len]).for_each(|(to, &a)| *to = f(a, b[0])),
            [_, 1] => piece.iter_mut().zip(&b[..len]).for_each(|(to, &b)| *to = f(a[0], b)),
            _ => piece.fill(f(a[0], b[0])),
        }
    }
}

/// How far `shape` goes at each step along the axes of `dims`: 0 where its values are repeated.
fn strides_over(dims: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut stride = 1;
    let mut strides = vec![0; dims.len()];
    for axis in (0..dims.len()).rev() {
        if shape[axis] > 1 {
            strides[axis] = stride;
        }
        stride *= shape[axis];
    }
    strides
}
