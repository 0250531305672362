//! Kernels as the products read them: transformed, and packed in panels.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(unsafe_code, clippy::inline_always)]

use super::{PLACES, SIDE};
use crate::compute::conv::kernel::panels;
use crate::compute::conv::pass::Pass;
use crate::compute::cpu::{Chunk, build};
use crate::compute::vector::{self, Arithmetic, Work};

/// Target channels whose products are computed before they are transformed back.
pub(super) const BLOCK: usize = 32;

/// Kernels whose transforms are computed side by side: the rows of the tallest panel.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// The transformed kernels of a pass: for each [`BLOCK`] of target channels, for each place of the transform, the
/// matrix `[target channel, source channel]` in the panels of [`Product`](crate::compute::conv::kernel::Product).
#[derive(Debug)]
pub(in crate::compute::conv) struct Packed {
    values: Vec<f32>,
    source_channels: usize,
    target_channels: usize,
}

impl Packed {
    /// The pass must be one that [`can`](super::can) be computed.
    pub(in crate::compute::conv) fn new(pass: &Pass, weights: &[f32]) -> Self {
        let (source_channels, target_channels) = (pass.source_channels, pass.target_channels);
        let block = PLACES * source_channels * BLOCK;
        let values = build(PLACES * source_channels * target_channels, block, |at, out| {
            vector::run(Packing { pass, weights, first: at / block * BLOCK, out });
        });
        Self { values, source_channels, target_channels }
    }

    /// The matrix of one place for target channels from `first` on, as far as their block goes. `first` is a multiple of
    /// the tallest panel.
    pub(super) fn matrix(&self, place: usize, first: usize) -> &[f32] {
        let block = first / BLOCK * BLOCK;
        let rows = BLOCK.min(self.target_channels - block);
        let begin = (PLACES * block + place * rows) * self.source_channels;
        &self.values[begin + (first - block) * self.source_channels..begin + rows * self.source_channels]
    }
}

/// Source channels whose transforms are gathered before they go to their places, which lie far apart.
const GATHERED: usize = 8;

/// The kernels of a [`BLOCK`] of target channels, from `first` on.
struct Packing<'a, 'b> {
    pass: &'a Pass,
    weights: &'a [f32],
    first: usize,
    out: &'a mut Chunk<'b>,
}

impl Work for Packing<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let depth = self.pass.source_channels;
        let rows = self.out.left() / (PLACES * depth);
        // Where a tap's weight is, by the pixel of the patch it reads first.
        let mut index = [0; 9];
        for tap in &self.pass.residues[0].taps {
            index[tap.shift[0] * 3 + tap.shift[1]] = tap.index;
        }
        let mut gathered = [[0.0; GATHERED * LANES]; PLACES];
        for (row, height) in panels(rows) {
            for first_k in (0..depth).step_by(GATHERED) {
                let some = GATHERED.min(depth - first_k);
                for k in 0..some {
                    let mut kernels = [[0.0; LANES]; 9];
                    for lane in 0..height {
                        let at = self.pass.weight_at(0, self.first + row + lane, first_k + k);
                        for (kernel, index) in kernels.iter_mut().zip(index) {
                            kernel[lane] = f64::from(self.weights[at + index]);
                        }
                    }
                    for (gathered, values) in gathered.iter_mut().zip(&transformed(&kernels)) {
                        let gathered = &mut gathered[k * height..(k + 1) * height];
                        gathered.iter_mut().zip(values).for_each(|(out, value)| *out = *value as f32);
                    }
                }
                for (place, gathered) in gathered.iter().enumerate() {
                    let at = place * rows * depth + row * depth + first_k * height;
                    self.out.room()[at..at + some * height].write_copy_of_slice(&gathered[..some * height]);
                }
            }
        }
        // SAFETY: every place of every row and source channel was written, which are all there is room for.
        unsafe { self.out.wrote(rows * depth * PLACES) };
    }
}

/// `G · kernel · Gᵀ`
#[inline(always)]
fn transformed(kernels: &[Lanes; 9]) -> [Lanes; PLACES] {
    let mut columns = [[[0.0; LANES]; 3]; SIDE];
    for x in 0..3 {
        let column = along([&kernels[x], &kernels[3 + x], &kernels[6 + x]]);
        (0..SIDE).for_each(|y| columns[y][x] = column[y]);
    }
    let mut out = [[0.0; LANES]; PLACES];
    for (y, [a, b, c]) in columns.iter().enumerate() {
        out[y * SIDE..][..SIDE].copy_from_slice(&along([a, b, c]));
    }
    out
}

/// `G` times three values: the polynomial with these coefficients at 0, ±√½, ±√2 and ∞, each divided by the product of
/// its point's distances from the other finite ones.
#[inline(always)]
fn along([a, b, c]: [&Lanes; 3]) -> [Lanes; SIDE] {
    use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};
    let mut out = [[0.0; LANES]; SIDE];
    for i in 0..LANES {
        let (even, odd) = ((a[i] + 0.5 * c[i]) * (-2.0 / 3.0), b[i] * (FRAC_1_SQRT_2 * (-2.0 / 3.0)));
        (out[0][i], out[5][i]) = (a[i], c[i]);
        (out[1][i], out[2][i]) = (even + odd, even - odd);
        let (even, odd) = ((a[i] + 2.0 * c[i]) * (1.0 / 6.0), b[i] * (SQRT_2 / 6.0));
        (out[3][i], out[4][i]) = (even + odd, even - odd);
    }
    out
}
