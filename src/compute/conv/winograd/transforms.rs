//! The transforms of patches, for many patches that lie side by side.
//!
//! The points at which the polynomials are taken are 0, ±√½, ±√2 and ∞; of those tried, these lose least by rounding.
//! A row of patches is first transformed along y, pixel by pixel as they lie in memory; neighbours share the pixels
//! where they overlap. Then every fourth column is brought together, so that the transform along x is over patches.
// As in kernel.rs: register code only comes of what is inlined, and of loops over array indices of known range.
#![allow(unsafe_code, clippy::inline_always, clippy::needless_range_loop)]

use super::{PLACES, SIDE, STEP};
use crate::compute::conv::kernel::SLACK;
use crate::compute::conv::lanes::Lanes;
use crate::compute::isa::Isa;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};
use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Patches of a row, at most.
pub(super) const LONGEST: usize = 128;
/// Columns of each phase in a row that is transformed along y.
const PHASE: usize = LONGEST + SLACK;
/// A row of patches transformed along y: for each of the six rows, for each column modulo four, the columns.
#[repr(align(64))]
pub(super) struct Strip([f32; SIDE * STEP * PHASE]);

impl Strip {
    pub(super) const NEW: Self = Self([0.0; SIDE * STEP * PHASE]);
}

/// Floats from one row of results to the next.
pub(super) const fn results_pitch(patches: usize) -> usize {
    STEP * patches.next_multiple_of(SLACK)
}

/// Patches `[rows, columns]` of one channel on the way into their transforms.
pub(super) struct Forward<'a> {
    /// The whole channel and its `[y, x]`; pixels outside are 0.
    pub(super) plane: &'a [f32],
    /// The channel that comes after this one, asked for from memory on the way; empty: none.
    pub(super) next: &'a [f32],
    pub(super) size: [usize; 2],
    /// The first patch's first pixel.
    pub(super) at: [isize; 2],
    pub(super) patches: [usize; 2],
    /// Floats from one place of the transforms to the next.
    pub(super) place_stride: usize,
}

/// Transforms of patches `[rows, columns]` of one channel on the way back.
pub(super) struct Backward<'a> {
    /// The channel's first place, and on.
    pub(super) products: &'a [f32],
    pub(super) patches: [usize; 2],
    pub(super) place_stride: usize,
}

impl Forward<'_> {
    /// Writes value `place` of patch `[y, x]` to `out[place · place_stride + y · columns + x]`, and up to [`SLACK`]
    /// floats after the last patch of each place.
    pub(super) fn run(&self, isa: Isa, strip: &mut Strip, out: &mut [f32]) {
        let [rows, columns] = self.patches;
        assert!(columns <= LONGEST, "a row of patches fits the strip");
        assert!(self.plane.len() == self.size[0] * self.size[1], "the channel is whole");
        let reach = (PLACES - 1) * self.place_stride + rows * columns + SLACK;
        assert!(reach <= out.len(), "the transforms have room");
        // SAFETY: the instruction set was found on this processor; the reach of all reads and writes was checked.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => forward_avx512(self, strip, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => forward_avx2(self, strip, out),
                Isa::Portable => forward::<[f32; 8]>(self, strip, out),
            }
        }
    }
}

impl Backward<'_> {
    /// Writes the results to rows of [`results_pitch`]; what lies beyond the last patch of a row is of no meaning.
    pub(super) fn run(&self, isa: Isa, out: &mut [f32]) {
        let [rows, columns] = self.patches;
        let reach = (PLACES - 1) * self.place_stride + rows * columns + SLACK;
        assert!(reach <= self.products.len(), "the products are whole");
        assert!(rows * STEP * results_pitch(columns) <= out.len(), "the results have room");
        // SAFETY: the instruction set was found on this processor; the reach of all reads and writes was checked.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => backward_avx512(self, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => backward_avx2(self, out),
                Isa::Portable => backward::<[f32; 8]>(self, out),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn forward_avx512(job: &Forward, strip: &mut Strip, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { forward::<__m512>(job, strip, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn forward_avx2(job: &Forward, strip: &mut Strip, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { forward::<__m256>(job, strip, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn backward_avx512(job: &Backward, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { backward::<__m512>(job, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn backward_avx2(job: &Backward, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { backward::<__m256>(job, out) }
}

#[inline(always)]
unsafe fn forward<V: Lanes>(job: &Forward, strip: &mut Strip, out: &mut [f32]) {
    let [rows, columns] = job.patches;
    let (strip, out) = (strip.0.as_mut_ptr(), out.as_mut_ptr());
    for row in 0..rows {
        // SAFETY: `Forward::run` checked how far strip and places reach.
        unsafe {
            along_y::<V>(job, job.at[0] + (row * STEP) as isize, strip);
            along_x::<V>(strip, columns, out.add(row * columns), job.place_stride);
        }
    }
}

/// One row of patches, from image row `y` on, from pixels to the strip.
#[inline(always)]
unsafe fn along_y<V: Lanes>(job: &Forward, y: isize, strip: *mut f32) {
    let (columns, mut patch) = (job.patches[1], 0);
    let x = |patch: usize| job.at[1] + (STEP * patch) as isize;
    // SAFETY: the strip holds `LONGEST` patches and a register more.
    unsafe {
        while patch < columns {
            if !job.next.is_empty() {
                let pixels = job.next.as_ptr().wrapping_offset(y * job.size[1] as isize + x(patch));
                for (row, part) in (0..SIDE).flat_map(|row| (0..4).map(move |part| (row, part))) {
                    V::prefetch(pixels.wrapping_add(row * job.size[1] + part * V::WIDTH));
                }
            }
            let mut rows = [[V::splat(0.0); 4]; SIDE];
            for part in 0..4 {
                let values = evaluated(column::<V>(job, y, x(patch) + (part * V::WIDTH) as isize));
                for y in 0..SIDE {
                    rows[y][part] = values[y];
                }
            }
            for y in 0..SIDE {
                let phases = V::apart(rows[y]);
                for phase in 0..STEP {
                    phases[phase].store(strip.add((y * STEP + phase) * PHASE + patch));
                }
            }
            patch += V::WIDTH;
        }
        // The last patch reads two columns of the one after it.
        if patch == columns {
            let values = evaluated(column::<V>(job, y, x(patch)));
            let mut pair = [0.0; SLACK];
            for y in 0..SIDE {
                values[y].store(pair.as_mut_ptr());
                *strip.add(y * STEP * PHASE + patch) = pair[0];
                *strip.add((y * STEP + 1) * PHASE + patch) = pair[1];
            }
        }
    }
}

/// Six rows from `y` on of as many columns, from `x` on, as a register holds.
#[inline(always)]
unsafe fn column<V: Lanes>(job: &Forward, y: isize, x: isize) -> [V; SIDE] {
    let [height, width] = job.size.map(|n| n as isize);
    let lanes = V::WIDTH as isize;
    // SAFETY: only pixels inside the image are read.
    unsafe {
        let mut values = [V::splat(0.0); SIDE];
        let pixels = job.plane.as_ptr().wrapping_offset(y * width + x);
        if y >= 0 && y + SIDE as isize <= height && x >= 0 && x + lanes <= width {
            for row in 0..SIDE {
                values[row] = V::load(pixels.add(row * job.size[1]));
            }
            return values;
        }
        let [first, last] = [-x, width - x].map(|lane| lane.clamp(0, lanes) as usize);
        for row in 0..SIDE {
            if (0..height).contains(&(y + row as isize)) {
                values[row] = V::load_some(pixels.wrapping_add(row * job.size[1]), first, last);
            }
        }
        values
    }
}

/// One row of patches from the strip to its places.
#[inline(always)]
unsafe fn along_x<V: Lanes>(strip: *const f32, columns: usize, out: *mut f32, place_stride: usize) {
    // SAFETY: as in `along_y`; writes end less than a register after the last patch.
    unsafe {
        for y in 0..SIDE {
            let (strip, out) = (strip.add(y * STEP * PHASE), out.add(y * SIDE * place_stride));
            let mut patch = 0;
            while patch < columns {
                let mut values = [V::splat(0.0); SIDE];
                for x in 0..SIDE {
                    values[x] = V::load(strip.add(x % STEP * PHASE + patch + x / STEP));
                }
                let values = evaluated(values);
                for x in 0..SIDE {
                    values[x].store(out.add(x * place_stride + patch));
                }
                patch += V::WIDTH;
            }
        }
    }
}

#[inline(always)]
unsafe fn backward<V: Lanes>(job: &Backward, out: &mut [f32]) {
    let ([rows, columns], pitch) = (job.patches, results_pitch(job.patches[1]));
    for row in 0..rows {
        let mut patch = 0;
        while patch < columns {
            // SAFETY: `Backward::run` checked how far the places reach, and that the results have room.
            unsafe {
                let products = job.products.as_ptr().add(row * columns + patch);
                let mut lines = [[V::splat(0.0); SIDE]; STEP];
                for x in 0..SIDE {
                    let mut values = [V::splat(0.0); SIDE];
                    for y in 0..SIDE {
                        values[y] = V::load(products.add((y * SIDE + x) * job.place_stride));
                    }
                    let values = interpolated(values);
                    for y in 0..STEP {
                        lines[y][x] = values[y];
                    }
                }
                for y in 0..STEP {
                    let parts = V::together(interpolated(lines[y]));
                    let out = out.as_mut_ptr().add((row * STEP + y) * pitch + STEP * patch);
                    for part in 0..4 {
                        parts[part].store(out.add(part * V::WIDTH));
                    }
                }
            }
            patch += V::WIDTH;
        }
    }
}

/// `Bᵀ` times six values: row `i` holds the coefficients of Π (x − point) over all finite points but the `i`-th.
#[inline(always)]
unsafe fn evaluated<V: Lanes>([a, b, c, d, e, f]: [V; SIDE]) -> [V; SIDE] {
    // SAFETY: the caller's promise.
    unsafe {
        let (half, two, both) = (V::splat(-0.5), V::splat(-2.0), V::splat(-2.5));
        let (near, far) = (V::splat(FRAC_1_SQRT_2), V::splat(SQRT_2));
        let (even, odd) = (two.mul_add(c, e), near.mul(two.mul_add(b, d)));
        let (far_even, far_odd) = (half.mul_add(c, e), far.mul(half.mul_add(b, d)));
        [
            both.mul_add(c, a.add(e)),
            even.add(odd),
            even.sub(odd),
            far_even.add(far_odd),
            far_even.sub(far_odd),
            both.mul_add(d, b.add(f)),
        ]
    }
}

/// `Aᵀ` times six values: row `i` holds the `i`-th powers of the points.
#[inline(always)]
unsafe fn interpolated<V: Lanes>([a, b, c, d, e, f]: [V; SIDE]) -> [V; STEP] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even, odd, far_even, far_odd) = (b.add(c), b.sub(c), d.add(e), d.sub(e));
        let odd = V::splat(FRAC_1_SQRT_2).mul(odd);
        [
            a.add(even).add(far_even),
            V::splat(SQRT_2).mul_add(far_odd, odd),
            V::splat(2.0).mul_add(far_even, V::splat(0.5).mul(even)),
            V::splat(2.0 * SQRT_2).mul_add(far_odd, V::splat(0.5).mul_add(odd, f)),
        ]
    }
}
