//! Poolings row by row: the rows of each window are joined first, then its columns.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use super::{Kind, Pool, PoolSpec, larger};
use crate::compute::cpu::Chunk;
use crate::compute::vector::{Arithmetic, Work};
use std::ops::Range;

/// What is made of a window's pixels, two at a time.
pub(super) trait Reduce: Copy + Sync {
    /// What padding counts as.
    const EMPTY: f32;
    fn join(self, a: f32, b: f32) -> f32;
}

#[derive(Clone, Copy)]
pub(super) struct Largest;

impl Reduce for Largest {
    const EMPTY: f32 = f32::NEG_INFINITY;
    #[inline(always)]
    fn join(self, a: f32, b: f32) -> f32 {
        larger(a, b)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sum;

impl Reduce for Sum {
    const EMPTY: f32 = 0.0;
    #[inline(always)]
    fn join(self, a: f32, b: f32) -> f32 {
        a + b
    }
}

/// Some rows of the result, counted over all planes: the rows of each window are joined first, then their columns.
pub(super) struct Windows<'a, 'b, R> {
    pub(super) pool: &'a Pool,
    pub(super) reduce: R,
    pub(super) x: &'a [f32],
    pub(super) rows: Range<usize>,
    pub(super) out: &'a mut Chunk<'b>,
}

impl<R: Reduce> Work for Windows<'_, '_, R> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { pool, reduce, x, rows, out } = self;
        let PoolSpec { kernel, stride, padding } = pool.spec;
        let ([height, width], [out_height, out_width]) = (pool.input, pool.out);
        // As many as the last block of stride columns reads.
        let len = (width + 2 * padding[1]).max((out_width + kernel[1] / stride[1] + 1) * stride[1]);
        let (mut joined, mut row) = (vec![R::EMPTY; len], vec![0.0; out_width]);
        let scale = 1.0 / (kernel[0] * kernel[1]) as f32;
        for at in rows {
            let plane = &x[at / out_height * height * width..][..height * width];
            let top = at % out_height * stride[0];
            let (first, last) =
                (top.saturating_sub(padding[0]), (top + kernel[0]).saturating_sub(padding[0]).min(height));
            let middle = &mut joined[padding[1]..][..width];
            let line = |y: usize| &plane[y * width..][..width];
            if last - first == 3 {
                let lines = line(first).iter().zip(line(first + 1)).zip(line(first + 2));
                for (joined, ((&a, &b), &c)) in middle.iter_mut().zip(lines) {
                    *joined = reduce.join(reduce.join(a, b), c);
                }
            } else {
                middle.copy_from_slice(line(first));
                for y in first + 1..last {
                    for (joined, &x) in middle.iter_mut().zip(line(y)) {
                        *joined = reduce.join(*joined, x);
                    }
                }
            }
            match stride[1] {
                1 => across::<R, 1>(reduce, &joined, kernel[1], &mut row),
                2 => across::<R, 2>(reduce, &joined, kernel[1], &mut row),
                stride => {
                    for (row, joined) in row.iter_mut().zip(joined.chunks(stride)) {
                        *row = joined[0];
                    }
                    for tap in 1..kernel[1] {
                        for (row, joined) in row.iter_mut().zip(joined[tap..].iter().step_by(stride)) {
                            *row = reduce.join(*row, *joined);
                        }
                    }
                }
            }
            match pool.kind {
                Kind::Max => out.copy(&row),
                Kind::Mean => out.put(row.iter().map(|sum| sum * scale)),
            }
        }
    }
}

/// `row[i]` from the `kernel` columns from `STRIDE·i` on.
#[inline(always)]
fn across<R: Reduce, const STRIDE: usize>(reduce: R, columns: &[f32], kernel: usize, row: &mut [f32]) {
    let blocks = columns.as_chunks::<STRIDE>().0;
    if STRIDE == 2 && kernel == 2 {
        for (row, pair) in row.iter_mut().zip(blocks) {
            *row = reduce.join(pair[0], pair[STRIDE - 1]);
        }
        return;
    }
    if STRIDE == 2 && kernel == 3 {
        for (row, (pair, next)) in row.iter_mut().zip(blocks.iter().zip(&blocks[1..])) {
            *row = reduce.join(reduce.join(pair[0], pair[STRIDE - 1]), next[0]);
        }
        return;
    }
    for (row, block) in row.iter_mut().zip(blocks) {
        *row = block[0];
    }
    for tap in 1..kernel {
        for (row, block) in row.iter_mut().zip(&blocks[tap / STRIDE..]) {
            *row = reduce.join(*row, block[tap % STRIDE]);
        }
    }
}
