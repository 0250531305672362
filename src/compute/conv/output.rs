//! Where a convolution writes, and what happens to its values on the way: bias, batch-norm, ReLU, pooling by two.
// Loops become code for an instruction set only where all of it is inlined into a function compiled for it.
#![allow(unsafe_code, clippy::inline_always)]

use super::pass::Pass;
use super::window::Tile;
use crate::compute::pooling::larger;
use crate::compute::vector::{self, Arithmetic, Work};
use std::mem::MaybeUninit;

/// What follows a convolution in the same pass over memory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Finish<'a> {
    /// Added to each channel, over all groups.
    pub(super) bias: Option<&'a [f32]>,
    /// Scale and shift of each channel, over all groups, after the bias.
    pub(super) norm: Option<[&'a [f32]; 2]>,
    pub(super) relu: bool,
    /// Keep the largest of each 2×2 pixels, after the ReLU. Only where every residue is written at once and in place
    /// ([`Pass::can_halve`]).
    pub(super) halve: bool,
}

/// The result of a pass while it is being written: each pixel once, by whoever computes it.
pub(super) struct Output<'a> {
    pass: &'a Pass,
    finish: Finish<'a>,
    values: Vec<f32>,
    target: *mut f32,
    len: usize,
}

// SAFETY: `write` is the only use of the pointer, and its callers write disjoint pixels.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    /// Room for the result `[batch, channel, y, x]` of a pass.
    pub(super) fn new(pass: &'a Pass, finish: Finish<'a>) -> Self {
        let [height, width] = if finish.halve { pass.target.map(|n| n / 2) } else { pass.target };
        let len = pass.batch * pass.groups * pass.target_channels * height * width;
        let mut values = Vec::with_capacity(len);
        let target = values.as_mut_ptr();
        Self { pass, finish, values, target, len }
    }

    /// The result.
    ///
    /// # Safety
    /// Every channel, grid position and residue has been written.
    pub(super) unsafe fn finished(mut self) -> Vec<f32> {
        // SAFETY: the caller's promise; the capacity is `len`.
        unsafe { self.values.set_len(self.len) };
        self.values
    }

    /// Writes the grid positions `tile` of one channel (counted over all groups) of one image, all residues along x of
    /// residue `residue_y` along y. Positions outside the target are left out.
    ///
    /// # Safety
    /// No other call has the same image, channel, position and residue. When halving, tiles begin on even positions, and
    /// end on them or at the grid's end.
    pub(super) unsafe fn write(
        &self,
        [image, channel]: [usize; 2],
        tile: Tile,
        residue_y: usize,
        values: Values,
    ) {
        let plane = image * self.pass.groups * self.pass.target_channels + channel;
        let piece = Piece { plane, channel, tile, residue_y, values };
        vector::run(Writing(self, piece));
    }

    /// # Safety
    /// As [`Output::write`].
    #[inline(always)]
    unsafe fn finish(&self, piece: Piece) {
        let (Finish { bias, norm, relu, .. }, channel) = (self.finish, piece.channel);
        let bias = bias.map_or(0.0, |bias| bias[channel]);
        // SAFETY: the caller's promise.
        unsafe {
            match (norm.map(|[scale, shift]| (scale[channel], shift[channel])), relu) {
                (None, false) => self.put(piece, |value| value + bias),
                (None, true) => self.put(piece, |value| rectified(value + bias)),
                // Not fused to one rounding, so that it is what a batch-norm by itself gives.
                (Some((scale, shift)), false) => self.put(piece, |value| (value + bias) * scale + shift),
                (Some((scale, shift)), true) => {
                    self.put(piece, |value| rectified((value + bias) * scale + shift));
                }
            }
        }
    }

    /// # Safety
    /// As [`Output::write`].
    #[inline(always)]
    unsafe fn put(&self, piece: Piece, f: impl Fn(f32) -> f32) {
        // SAFETY: the caller's promise.
        unsafe { if self.finish.halve { self.put_halved(piece, f) } else { self.put_whole(piece, f) } }
    }

    /// # Safety
    /// As [`Output::write`].
    #[inline(always)]
    unsafe fn put_whole(&self, piece: Piece, f: impl Fn(f32) -> f32) {
        let (Piece { plane, tile, residue_y, values, .. }, pass) = (piece, self.pass);
        let [height, width] = pass.target;
        let step = pass.spread[1];
        let y0 = (tile.at[0] * pass.spread[0] + residue_y) as isize + pass.start[0];
        let x0 = (tile.at[1] * step) as isize + pass.start[1];
        let inside = |limit: isize| (limit.max(0) as usize).min(tile.size[1] * step);
        let (first, last) = (inside(-x0), inside(width as isize - x0));
        for row in 0..tile.size[0] {
            let y = y0 + (row * pass.spread[0]) as isize;
            if y < 0 || y >= height as isize || first >= last {
                continue;
            }
            let begin = (plane * height + y as usize) * width + (x0 + first as isize) as usize;
            // SAFETY: the pixels from `begin` on lie in row `y` of this plane, because x0 + j is in 0..width for j in
            // first..last; nobody else writes them.
            let to = unsafe { std::slice::from_raw_parts_mut(self.target.add(begin).cast(), last - first) };
            match step {
                1 => put(to, &values.row(0, row)[first..last], &f),
                2 => put_by_turns(to, first, [values.row(0, row), values.row(1, row)], &f),
                _ => {
                    for (j, to) in (first..last).zip(to) {
                        to.write(f(values.row(j % step, row)[j / step]));
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`Output::write`].
    #[inline(always)]
    unsafe fn put_halved(&self, Piece { plane, tile, values, .. }: Piece, f: impl Fn(f32) -> f32) {
        let [height, width] = self.pass.target.map(|n| n / 2);
        let [y0, x0] = tile.at.map(|n| n / 2);
        let rows = (tile.size[0] / 2).min(height.saturating_sub(y0));
        let columns = (tile.size[1] / 2).min(width.saturating_sub(x0));
        for row in 0..rows {
            let upper = &values.row(0, 2 * row)[..2 * columns];
            let lower = &values.row(0, 2 * row + 1)[..2 * columns];
            let begin = (plane * height + y0 + row) * width + x0;
            let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            for (column, (&[a, b], &[c, d])) in pairs.enumerate() {
                let most = larger(larger(larger(f(a), f(b)), f(c)), f(d));
                // SAFETY: `column` is below `columns`, so the pixel is in this plane's row; nobody else writes it.
                unsafe { self.target.add(begin + column).write(most) };
            }
        }
    }
}

/// Values of a tile as they were computed: `all[residue·apart + row·cols + column]` for each residue along x.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) all: &'a [f32],
    pub(super) apart: usize,
    pub(super) cols: usize,
}

impl<'a> Values<'a> {
    #[inline(always)]
    fn row(&self, residue: usize, row: usize) -> &'a [f32] {
        &self.all[residue * self.apart + row * self.cols..]
    }
}

/// What one call writes: grid positions `tile` of one plane, which is a channel of an image.
struct Piece<'a> {
    plane: usize,
    channel: usize,
    tile: Tile,
    residue_y: usize,
    values: Values<'a>,
}

/// A call of [`Output::write`], whose promise is kept.
struct Writing<'a>(&'a Output<'a>, Piece<'a>);

impl Work for Writing<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        // SAFETY: made by `Output::write` alone, whose caller promised.
        unsafe { self.0.finish(self.1) }
    }
}

/// `to[i] = f(from[i])`
#[inline(always)]
fn put(to: &mut [MaybeUninit<f32>], from: &[f32], f: impl Fn(f32) -> f32) {
    for (to, from) in to.iter_mut().zip(from) {
        to.write(f(*from));
    }
}

/// `to[i] = f(pixel first + i)`, where the even pixels are the first row and the odd ones the second.
#[inline(always)]
fn put_by_turns(to: &mut [MaybeUninit<f32>], first: usize, [even, odd]: [&[f32]; 2], f: impl Fn(f32) -> f32) {
    let (head, to) = to.split_at_mut(first % 2);
    if let [head] = head {
        head.write(f(odd[first / 2]));
    }
    let (even, odd) = (&even[first.div_ceil(2)..], &odd[first.div_ceil(2)..]);
    let (pairs, tail) = to.as_chunks_mut::<2>();
    if let [tail] = tail {
        tail.write(f(even[pairs.len()]));
    }
    for (to, (even, odd)) in pairs.iter_mut().zip(even.iter().zip(odd)) {
        to[0].write(f(*even));
        to[1].write(f(*odd));
    }
}

/// max(x, 0), NaN staying NaN.
fn rectified(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}
