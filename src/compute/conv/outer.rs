//! Sums of outer products: the products of the weights' gradient.
// As in kernel.rs: register code only comes of what is inlined, and of loops over array indices of known range.
#![allow(unsafe_code, clippy::inline_always, clippy::needless_range_loop)]

use super::kernel::SLACK;
use super::lanes::Lanes;
use crate::compute::isa::Isa;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// `out[m·columns + j] = Σ_n left[rows[m] + n] · right[n·columns + j]` for all rows `m`, columns `j` and `n < len`; added
/// to what is there when it goes on.
pub(super) struct Outer<'a> {
    pub(super) left: &'a [f32],
    /// Where each row of the left begins.
    pub(super) rows: &'a [usize],
    pub(super) right: &'a [f32],
    /// A multiple of [`SLACK`], which every register divides.
    pub(super) columns: usize,
    pub(super) len: usize,
    pub(super) goes_on: bool,
}

impl Outer<'_> {
    /// `isa` must be one of [`Isa::available`].
    pub(super) fn run_on(&self, isa: Isa, out: &mut [f32]) {
        let Self { left, rows, right, columns, len, .. } = *self;
        let furthest = rows.iter().max().copied().unwrap_or(0);
        assert!(columns.is_multiple_of(SLACK) && rows.len() * columns <= out.len(), "the sums have room");
        assert!(!rows.is_empty() && len > 0, "there is something to sum");
        assert!(furthest + len <= left.len(), "the left is whole");
        assert!(len * columns <= right.len(), "the right is whole");
        // SAFETY: the instruction set was found on this processor; registers are whole pieces of the columns, and the
        // reach of rows, columns and sums was checked.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => outer_avx512(self, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => outer_avx2(self, out),
                Isa::Portable => outer::<[f32; 8], 2, 2>(self, out),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn outer_avx512(job: &Outer, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { outer::<__m512, 8, 2>(job, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn outer_avx2(job: &Outer, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { outer::<__m256, 4, 2>(job, out) }
}

/// All rows, `M` and then one at a time, over all columns, `N` registers and then one at a time.
#[inline(always)]
unsafe fn outer<V: Lanes, const M: usize, const N: usize>(job: &Outer, out: &mut [f32]) {
    let mut row = 0;
    while row < job.rows.len() {
        let many = job.rows.len() - row >= M;
        let mut column = 0;
        while column < job.columns {
            let wide = job.columns - column >= N * V::WIDTH;
            // SAFETY: `Outer::run_on` checked how far rows and columns reach.
            unsafe {
                match (many, wide) {
                    (true, true) => tile::<V, M, N>(job, row, column, out),
                    (true, false) => tile::<V, M, 1>(job, row, column, out),
                    (false, true) => tile::<V, 1, N>(job, row, column, out),
                    (false, false) => tile::<V, 1, 1>(job, row, column, out),
                }
            }
            column += if wide { N * V::WIDTH } else { V::WIDTH };
        }
        row += if many { M } else { 1 };
    }
}

/// `M` rows by `N` registers, kept in registers over the whole length.
#[inline(always)]
unsafe fn tile<V: Lanes, const M: usize, const N: usize>(
    job: &Outer,
    row: usize,
    column: usize,
    out: &mut [f32],
) {
    // SAFETY: see `Outer::run_on`.
    unsafe {
        let mut left = [job.left.as_ptr(); M];
        for m in 0..M {
            left[m] = left[m].add(job.rows[row + m]);
        }
        let mut right = job.right.as_ptr().add(column);
        let mut sums = [[V::splat(0.0); N]; M];
        for n in 0..job.len {
            let mut values = [V::splat(0.0); N];
            for i in 0..N {
                values[i] = V::load(right.add(i * V::WIDTH));
            }
            for m in 0..M {
                let factor = V::splat(*left[m].add(n));
                for i in 0..N {
                    sums[m][i] = factor.mul_add(values[i], sums[m][i]);
                }
            }
            right = right.add(job.columns);
        }
        for m in 0..M {
            for i in 0..N {
                let to = out.as_mut_ptr().add((row + m) * job.columns + column + i * V::WIDTH);
                let sum = if job.goes_on { sums[m][i].add(V::load(to)) } else { sums[m][i] };
                sum.store(to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_same_sums() {
        // Whole numbers, of which no sum is rounded.
        let numbers = |len: usize, salt: usize| -> Vec<f32> {
            (0..len).map(|i| ((i * 7 + salt * 13 + i / 5) % 11) as f32 - 5.0).collect()
        };
        for (rows, columns, len) in [(1, 16, 1), (8, 32, 5), (13, 48, 16), (3, 80, 33)] {
            let begins: Vec<usize> = (0..rows).map(|m| m * (len + 3) + m * m % 3).collect();
            let (left, right) = (numbers(rows * (len + 3) + 2, 1), numbers(len * columns, 2));
            let product = |i: usize| -> f32 {
                let (m, j) = (i / columns, i % columns);
                (0..len).map(|n| left[begins[m] + n] * right[n * columns + j]).sum()
            };
            for isa in Isa::available() {
                let mut out = vec![1.0; rows * columns];
                for (goes_on, before) in [(true, 1.0), (false, 0.0)] {
                    let outer = Outer { left: &left, rows: &begins, right: &right, columns, len, goes_on };
                    outer.run_on(isa, &mut out);
                    for (i, &found) in out.iter().enumerate() {
                        assert_eq!(found, before + product(i), "{isa:?} {rows} {columns} {len}");
                    }
                }
            }
        }
    }
}
