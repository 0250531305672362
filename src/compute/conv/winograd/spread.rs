//! The transforms of a map's gradient, for the gradient of the weights: a patch's 4×4 values to 36 places, many channels
//! side by side.
// As in kernel.rs: register code only comes of what is inlined, and of loops over array indices of known range.
#![allow(unsafe_code, clippy::inline_always, clippy::needless_range_loop)]

use super::transforms::LONGEST;
use super::{PLACES, SIDE, STEP};
use crate::compute::conv::lanes::Lanes;
use crate::compute::isa::Isa;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};
use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Floats of a row of patches, pixel by pixel with as many channels side by side as a register holds, sixteen at most.
pub(super) const PIXELS: usize = STEP * STEP * LONGEST * 16;

/// Patches `[rows, columns]` of some channels of a map's gradient on the way into their transforms.
pub(super) struct Spread<'a> {
    /// The channels `[channel, y, x]`, all of them, and their `[y, x]`; pixels outside are 0.
    pub(super) planes: &'a [f32],
    pub(super) size: [usize; 2],
    /// The first patch's first pixel.
    pub(super) at: [usize; 2],
    pub(super) patches: [usize; 2],
    /// Channels from one patch to the next: at least as many as there are, a multiple of 16.
    pub(super) columns: usize,
    /// Floats from one place of the transforms to the next.
    pub(super) place_stride: usize,
}

impl Spread<'_> {
    /// Writes value `place` of channel `c` of patch `[y, x]` to `out[place · place_stride + (y · patches[1] + x) ·
    /// columns + c]`, and zeros for the channels that there are not.
    pub(super) fn run(&self, isa: Isa, pixels: &mut [f32], out: &mut [f32]) {
        let [rows, patches] = self.patches;
        assert!(patches <= LONGEST && pixels.len() >= PIXELS, "a row of patches fits the pixels");
        assert!(self.planes.len().is_multiple_of(self.size[0] * self.size[1]), "the channels are whole");
        let channels = self.planes.len() / (self.size[0] * self.size[1]);
        assert!(self.columns.is_multiple_of(16) && channels <= self.columns, "the channels have room");
        let reach = (PLACES - 1) * self.place_stride + rows * patches * self.columns;
        assert!(reach <= out.len(), "the transforms have room");
        // SAFETY: the instruction set was found on this processor; the reach of all reads and writes was checked.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => spread_avx512(self, pixels, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => spread_avx2(self, pixels, out),
                Isa::Portable => spread::<[f32; 8]>(self, pixels, out),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn spread_avx512(job: &Spread, pixels: &mut [f32], out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { spread::<__m512>(job, pixels, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn spread_avx2(job: &Spread, pixels: &mut [f32], out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { spread::<__m256>(job, pixels, out) }
}

#[inline(always)]
unsafe fn spread<V: Lanes>(job: &Spread, pixels: &mut [f32], out: &mut [f32]) {
    let [rows, patches] = job.patches;
    let out = out.as_mut_ptr();
    for channel in (0..job.columns).step_by(V::WIDTH) {
        for row in 0..rows {
            // SAFETY: `Spread::run` checked how far the places reach; the pixels hold `LONGEST` patches.
            unsafe {
                for y in 0..STEP {
                    let line = &mut pixels[y * STEP * LONGEST * V::WIDTH..][..STEP * patches * V::WIDTH];
                    gather::<V>(job, channel, job.at[0] + row * STEP + y, line);
                }
                for patch in 0..patches {
                    let to = out.add((row * patches + patch) * job.columns + channel);
                    patch_to_places::<V>(&pixels[STEP * patch * V::WIDTH..], to, job.place_stride);
                }
            }
        }
    }
}

/// One line of pixels from `at[1]` on, as many channels of each from `channel` on as a register holds.
#[inline(always)]
unsafe fn gather<V: Lanes>(job: &Spread, channel: usize, y: usize, line: &mut [f32]) {
    let ([height, width], pixels) = (job.size, line.len() / V::WIDTH);
    let channels = (job.planes.len() / (height * width)).saturating_sub(channel).min(V::WIDTH);
    let inside = if y < height { width.saturating_sub(job.at[1]).min(pixels) } else { 0 };
    if channels == 0 || inside == 0 {
        line.fill(0.0);
        return;
    }
    let from = &job.planes[channel * height * width + y * width + job.at[1]..];
    let whole = if channels == V::WIDTH { inside / V::WIDTH * V::WIDTH } else { 0 };
    for x in (0..whole).step_by(V::WIDTH) {
        // SAFETY: so many pixels of so many channels are inside, and have room in the line.
        unsafe {
            V::transpose(from.as_ptr().add(x), height * width, line.as_mut_ptr().add(x * V::WIDTH));
        }
    }
    line[whole * V::WIDTH..].fill(0.0);
    for c in 0..channels {
        for x in whole..inside {
            line[x * V::WIDTH + c] = from[c * height * width + x];
        }
    }
}

/// One patch of a register of channels; its lines are `LONGEST` patches apart.
#[inline(always)]
unsafe fn patch_to_places<V: Lanes>(pixels: &[f32], to: *mut f32, place_stride: usize) {
    // SAFETY: the caller's promise; the slice is read through its bounds' reach, checked here.
    unsafe {
        assert!(((STEP - 1) * STEP * LONGEST + STEP) * V::WIDTH <= pixels.len(), "the patch is whole");
        let mut columns = [[V::splat(0.0); STEP]; SIDE];
        for x in 0..STEP {
            let mut values = [V::splat(0.0); STEP];
            for y in 0..STEP {
                values[y] = V::load(pixels.as_ptr().add((y * STEP * LONGEST + x) * V::WIDTH));
            }
            let values = at_the_points(values);
            for y in 0..SIDE {
                columns[y][x] = values[y];
            }
        }
        for y in 0..SIDE {
            let values = at_the_points(columns[y]);
            for x in 0..SIDE {
                values[x].store(to.add((y * SIDE + x) * place_stride));
            }
        }
    }
}

/// `A` times four values: the polynomial with these coefficients at 0, ±√½, ±√2 and ∞.
#[inline(always)]
unsafe fn at_the_points<V: Lanes>([a, b, c, d]: [V; STEP]) -> [V; SIDE] {
    // SAFETY: the caller's promise.
    unsafe {
        let (half, two) = (V::splat(0.5), V::splat(2.0));
        let even = half.mul_add(c, a);
        let odd = V::splat(FRAC_1_SQRT_2).mul(half.mul_add(d, b));
        let far_even = two.mul_add(c, a);
        let far_odd = V::splat(SQRT_2).mul(two.mul_add(d, b));
        [a, even.add(odd), even.sub(odd), far_even.add(far_odd), far_even.sub(far_odd), d]
    }
}
