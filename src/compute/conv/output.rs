//! Where a convolution writes, and what happens to its values on the way: bias, batch-norm, ReLU, pooling by two.
// Loops become code for an instruction set only where all of it is inlined into a function compiled for it.
#![allow(unsafe_code, clippy::inline_always)]

use super::pass::Pass;
use super::window::Tile;
use crate::compute::pooling::larger;
use crate::compute::vector::{self, Arithmetic, Work};

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

    /// Writes the grid positions `tile` of one channel (counted over all groups) of one image, residue `at`:
    /// `values[row·cols + column]`. Positions outside the target are left out.
    ///
    /// # Safety
    /// No other call has the same image, channel, position and residue. When halving, tiles begin on even positions, and
    /// end on them or at the grid's end.
    pub(super) unsafe fn write(
        &self,
        [image, channel]: [usize; 2],
        tile: Tile,
        at: [usize; 2],
        values: &[f32],
        cols: usize,
    ) {
        let plane = image * self.pass.groups * self.pass.target_channels + channel;
        let piece = Piece { plane, channel, tile, at, values, cols };
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
    unsafe fn put_whole(&self, Piece { plane, tile, at, values, cols, .. }: Piece, f: impl Fn(f32) -> f32) {
        let pass = self.pass;
        let [height, width] = pass.target;
        let [y0, x0] = [0, 1].map(|i| (tile.at[i] * pass.spread[i] + at[i]) as isize + pass.start[i]);
        let step = pass.spread[1];
        let inside = |limit: isize| (limit.max(0) as usize).div_ceil(step).min(tile.size[1]);
        let (first, last) = (inside(-x0), inside(width as isize - x0));
        for row in 0..tile.size[0] {
            let y = y0 + (row * pass.spread[0]) as isize;
            if y < 0 || y >= height as isize || first >= last {
                continue;
            }
            let from = &values[row * cols..][first..last];
            let begin = (plane * height + y as usize) * width + (x0 + (first * step) as isize) as usize;
            // SAFETY: the pixels begin, begin + step, … lie in row `y` of this plane, because x0 + j·step is in 0..width
            // for j in first..last; nobody else writes them.
            unsafe {
                let to = self.target.add(begin);
                match step {
                    1 => put(to, 1, from, &f),
                    step => put(to, step, from, &f),
                }
            }
        }
    }

    /// # Safety
    /// As [`Output::write`].
    #[inline(always)]
    unsafe fn put_halved(&self, Piece { plane, tile, values, cols, .. }: Piece, f: impl Fn(f32) -> f32) {
        let [height, width] = self.pass.target.map(|n| n / 2);
        let [y0, x0] = tile.at.map(|n| n / 2);
        let rows = (tile.size[0] / 2).min(height.saturating_sub(y0));
        let columns = (tile.size[1] / 2).min(width.saturating_sub(x0));
        for row in 0..rows {
            let upper = &values[2 * row * cols..][..2 * columns];
            let lower = &values[(2 * row + 1) * cols..][..2 * columns];
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

/// What one call writes: grid positions `tile` of residue `at` of one plane, which is a channel of an image.
struct Piece<'a> {
    plane: usize,
    channel: usize,
    tile: Tile,
    at: [usize; 2],
    values: &'a [f32],
    cols: usize,
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

/// `to[i·step] = f(from[i])`
///
/// # Safety
/// `to` is good for writing `from.len()` floats, `step` apart.
#[inline(always)]
unsafe fn put(to: *mut f32, step: usize, from: &[f32], f: impl Fn(f32) -> f32) {
    for (i, &value) in from.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.add(i * step).write(f(value)) };
    }
}

/// max(x, 0), NaN staying NaN.
fn rectified(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}
