//! The two inner loops of convolution: a product over shifted planes, and dot products of shifted planes.
//!
//! A convolution over planes that lie in memory with their border is, for each kernel tap, a product with the same
//! plane read from another offset. So the right-hand matrix of the product is never built: row `k` is
//! `source[offsets[k]..]`.
// The loops only become register code when all of it is inlined into a function compiled for the instruction set, and
// when they run over array indices of known range.
#![allow(unsafe_code, clippy::inline_always, clippy::needless_range_loop)]

use super::lanes::Lanes;
use crate::compute::cpu::build;
use crate::compute::isa::Isa;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// Floats that a kernel may read or write past the end of its range.
pub(super) const SLACK: usize = 16;

/// Rows of the left-hand matrix that are multiplied at once, most first; each half of the one before.
const TALLEST: usize = 8;
/// Rows of the right-hand matrix that are gone through for all panels before the next ones: what a register tile reads of
/// them stays in the first-level cache.
pub(super) const DEPTH: usize = 96;
/// Rows of it that are asked for from the second-level cache before they are multiplied.
const AHEAD: usize = 6;
/// Registers of a row that is multiplied alone.
const LONGEST: usize = 8;

/// `out[m·out_stride + at + n] = Σ_k weights[m][first + k] · source[offsets[k] + at + n]` for all rows `m` and `n < len`;
/// added to what is there when `first` is not 0, so that a product can be carried out piece by piece.
pub(super) struct Product<'a> {
    /// From [`pack`], of `depth` columns.
    pub(super) weights: &'a [f32],
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) first: usize,
    pub(super) offsets: &'a [usize],
    pub(super) source: &'a [f32],
    pub(super) out_stride: usize,
}

/// `out[m·K + k] += Σ_n left[m·left_stride + n] · source[offsets[k] + n]`, K being the number of offsets.
pub(super) struct Dots<'a> {
    pub(super) left: &'a [f32],
    pub(super) left_stride: usize,
    pub(super) rows: usize,
    pub(super) offsets: &'a [usize],
    pub(super) source: &'a [f32],
    /// Up to [`SLACK`] more are read; `left` must be zero there.
    pub(super) len: usize,
}

/// Heights of the row panels that `rows` rows are cut into.
pub(super) fn panels(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (first, height) = (at, height_of(rows - at));
        at += height;
        (height > 0).then_some((first, height))
    })
}

/// Height of the first panel of so many rows; 0 of none.
#[inline(always)]
fn height_of(rows: usize) -> usize {
    match rows {
        TALLEST.. => TALLEST,
        4.. => 4,
        2.. => 2,
        rows => rows,
    }
}

/// The left-hand matrix `[rows, depth]` in the order in which the product reads it: `value(m, k)` for each panel, in it
/// for each `k`, in it for each row.
pub(super) fn pack(rows: usize, depth: usize, value: impl Fn(usize, usize) -> f32 + Sync) -> Vec<f32> {
    build(rows * depth, TALLEST * depth, |at, out| {
        let above = at / depth.max(1);
        for (first, height) in panels(out.left() / depth.max(1)) {
            for k in 0..depth {
                out.put((above + first..above + first + height).map(|m| value(m, k)));
            }
        }
    })
}

impl Product<'_> {
    /// Computes columns `at..at + len` of all rows.
    pub(super) fn run(&self, at: usize, len: usize, out: &mut [f32]) {
        self.run_on(Isa::best(), at, len, out);
    }

    /// `isa` must be one of [`Isa::available`].
    pub(super) fn run_on(&self, isa: Isa, at: usize, len: usize, out: &mut [f32]) {
        let reach = self.offsets.iter().max().copied().unwrap_or(0);
        assert!(self.rows > 0 && self.weights.len() >= self.rows * self.depth, "packed weights are whole");
        assert!(self.first + self.offsets.len() <= self.depth, "a piece is inside");
        assert!(reach + at + len + SLACK <= self.source.len(), "the source has its slack");
        assert!(
            (self.rows - 1) * self.out_stride + at + len + SLACK <= out.len(),
            "the output has its slack"
        );
        // SAFETY: the instruction set was found on this processor. All reads lie below reach + at + len + SLACK and all
        // writes below the last row's at + len + SLACK, because tiles are whole registers of at most SLACK floats of
        // which the last begins before `len`.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => product_avx512(self, at, len, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => product_avx2(self, at, len, out),
                Isa::Portable => product::<[f32; 8], 1>(self, at, len, out),
            }
        }
    }
}

impl Dots<'_> {
    /// Adds to `out` `[rows, offsets]`.
    pub(super) fn run(&self, out: &mut [f32]) {
        self.run_on(Isa::best(), out);
    }

    /// `isa` must be one of [`Isa::available`].
    fn run_on(&self, isa: Isa, out: &mut [f32]) {
        let reach = self.offsets.iter().max().copied().unwrap_or(0);
        assert!(self.rows > 0 && out.len() >= self.rows * self.offsets.len(), "the output is whole");
        assert!(reach + self.len + SLACK <= self.source.len(), "the source has its slack");
        assert!(
            (self.rows - 1) * self.left_stride + self.len + SLACK <= self.left.len(),
            "the left has its slack"
        );
        // SAFETY: the instruction set was found on this processor; all reads lie below len + SLACK of a row, checked
        // above; `out` is written through its slice.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => dots_avx512(self, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => dots_avx2(self, out),
                Isa::Portable => dots::<[f32; 8], 2, 3>(self, out),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn product_avx512(job: &Product, at: usize, len: usize, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { product::<__m512, 3>(job, at, len, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn product_avx2(job: &Product, at: usize, len: usize, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { product::<__m256, 1>(job, at, len, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn dots_avx512(job: &Dots, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { dots::<__m512, 4, 6>(job, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn dots_avx2(job: &Dots, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { dots::<__m256, 4, 3>(job, out) }
}

/// All panels over all columns, `N` registers of columns at a time while there are so many; four go as two and two.
#[inline(always)]
unsafe fn product<V: Lanes, const N: usize>(job: &Product, at: usize, len: usize, out: &mut [f32]) {
    let mut n = 0;
    if job.rows == 1 {
        // A single row keeps the processor busy with as many sums at once as a panel has.
        while len - n >= LONGEST * V::WIDTH {
            // SAFETY: as below.
            n += V::WIDTH * unsafe { panels_over::<V, LONGEST, 1>(job, at + n, out) };
        }
    }
    while n < len {
        let left = (len - n).div_ceil(V::WIDTH);
        // SAFETY: `n` is inside what `Product::run` checked.
        n += V::WIDTH
            * unsafe {
                if left >= N && (left != 4 || N < 3) {
                    panels_over::<V, N, TALLEST>(job, at + n, out)
                } else if left >= 2 {
                    panels_over::<V, 2, TALLEST>(job, at + n, out)
                } else {
                    panels_over::<V, 1, TALLEST>(job, at + n, out)
                }
            };
    }
}

/// All panels, of at most `MOST` rows, over `N` registers of columns from `at` on; gives `N`.
#[inline(always)]
unsafe fn panels_over<V: Lanes, const N: usize, const MOST: usize>(
    job: &Product,
    at: usize,
    out: &mut [f32],
) -> usize {
    let mut done = 0;
    loop {
        let offsets = &job.offsets[done..job.offsets.len().min(done + DEPTH)];
        let first = job.first + done;
        let mut row = 0;
        while row < job.rows {
            let height = height_of(job.rows - row);
            // SAFETY: `row` and `at` are inside what `Product::run` checked.
            unsafe {
                let tile = Tile {
                    weights: job.weights.as_ptr().add(row * job.depth + first * height),
                    source: job.source.as_ptr().add(at),
                    out: out.as_mut_ptr().add(row * job.out_stride + at),
                    out_stride: job.out_stride,
                    offsets,
                    goes_on: first > 0,
                    is_first: row == 0,
                };
                match height.min(MOST) {
                    8 => tile.multiply::<V, 8, N>(),
                    4 => tile.multiply::<V, 4, N>(),
                    2 => tile.multiply::<V, 2, N>(),
                    _ => tile.multiply::<V, 1, N>(),
                }
            }
            row += height;
        }
        done += DEPTH;
        if done >= job.offsets.len() {
            return N;
        }
    }
}

/// Where one tile of the product reads and writes.
struct Tile<'a> {
    weights: *const f32,
    source: *const f32,
    out: *mut f32,
    out_stride: usize,
    offsets: &'a [usize],
    /// Whether the products are added to what is there.
    goes_on: bool,
    /// Whether it is the first to read these columns, which are then asked for in time.
    is_first: bool,
}

impl Tile<'_> {
    /// `M` rows by `N` registers, kept in registers over the whole depth.
    #[inline(always)]
    unsafe fn multiply<V: Lanes, const M: usize, const N: usize>(&self) {
        // SAFETY: see `Product::run`.
        unsafe {
            let mut sums = [[V::splat(0.0); N]; M];
            if self.goes_on {
                for m in 0..M {
                    for i in 0..N {
                        sums[m][i] = V::load(self.out.add(m * self.out_stride + i * V::WIDTH));
                    }
                }
            }
            let mut weights = self.weights;
            let asks = if self.is_first { self.offsets.len().saturating_sub(AHEAD) } else { 0 };
            for (k, &later) in self.offsets[self.offsets.len() - asks..].iter().enumerate() {
                for i in 0..N {
                    V::prefetch(self.source.add(later + i * V::WIDTH));
                }
                add_products(self.source.add(self.offsets[k]), weights, &mut sums);
                weights = weights.add(M);
            }
            for &offset in &self.offsets[asks..] {
                add_products(self.source.add(offset), weights, &mut sums);
                weights = weights.add(M);
            }
            for m in 0..M {
                for i in 0..N {
                    sums[m][i].store(self.out.add(m * self.out_stride + i * V::WIDTH));
                }
            }
        }
    }
}

/// Adds the products of a row of the right-hand matrix with `M` weights.
#[inline(always)]
unsafe fn add_products<V: Lanes, const M: usize, const N: usize>(
    from: *const f32,
    weights: *const f32,
    sums: &mut [[V; N]; M],
) {
    // SAFETY: see `Product::run`.
    unsafe {
        let mut values = [V::splat(0.0); N];
        for i in 0..N {
            values[i] = V::load(from.add(i * V::WIDTH));
        }
        for m in 0..M {
            let weight = V::splat(*weights.add(m));
            for i in 0..N {
                sums[m][i] = weight.mul_add(values[i], sums[m][i]);
            }
        }
    }
}

/// All dot products, `M` rows against `K` offsets at a time.
#[inline(always)]
unsafe fn dots<V: Lanes, const M: usize, const K: usize>(job: &Dots, out: &mut [f32]) {
    let depth = job.offsets.len();
    let mut row = 0;
    while row < job.rows {
        let mut k = 0;
        while k < depth {
            // SAFETY: rows and offsets beyond the last repeat the last one, so every read is one that was checked.
            unsafe {
                if job.rows - row == 1 {
                    dots_tile::<V, 1, K>(job, row, k, out);
                } else {
                    dots_tile::<V, M, K>(job, row, k, out);
                }
            }
            k += K;
        }
        row += if job.rows - row == 1 { 1 } else { M };
    }
}

/// `M` rows by `K` offsets, kept in registers over the whole length. What lies beyond the last row or offset is
/// computed from the last one and thrown away.
#[inline(always)]
unsafe fn dots_tile<V: Lanes, const M: usize, const K: usize>(
    job: &Dots,
    row: usize,
    k: usize,
    out: &mut [f32],
) {
    let depth = job.offsets.len();
    let (mut left, mut right) = ([job.left.as_ptr(); M], [job.source.as_ptr(); K]);
    // SAFETY: see `Dots::run`.
    unsafe {
        for m in 0..M {
            left[m] = left[m].add((row + m).min(job.rows - 1) * job.left_stride);
        }
        for j in 0..K {
            right[j] = right[j].add(job.offsets[(k + j).min(depth - 1)]);
        }
        let mut sums = [[V::splat(0.0); K]; M];
        let mut n = 0;
        while n < job.len {
            let mut values = [V::splat(0.0); K];
            for j in 0..K {
                values[j] = V::load(right[j].add(n));
            }
            for m in 0..M {
                let value = V::load(left[m].add(n));
                for j in 0..K {
                    sums[m][j] = value.mul_add(values[j], sums[m][j]);
                }
            }
            n += V::WIDTH;
        }
        for m in 0..M.min(job.rows - row) {
            for j in 0..K.min(depth - k) {
                out[(row + m) * depth + k + j] += sums[m][j].sum();
            }
        }
    }
}

#[cfg(test)]
mod tests;
