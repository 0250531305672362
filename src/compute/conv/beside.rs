//! A map with its channels side by side, pixel by pixel.
// As in kernel.rs: register code only comes of what is inlined, and of loops over array indices of known range.
#![allow(unsafe_code, clippy::inline_always)]

use super::lanes::Lanes;
use super::window::Tile;
use crate::compute::isa::Isa;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// Channels of a map that are put side by side; a multiple of what every register holds.
pub(super) const SIDE_BY_SIDE: usize = 32;

/// A tile of some channels, at most [`SIDE_BY_SIDE`].
pub(super) struct Beside<'a> {
    /// The channels `[channel, y, x]`, all of them, and their `[y, x]`.
    pub(super) planes: &'a [f32],
    pub(super) size: [usize; 2],
    pub(super) tile: Tile,
    /// Pixels from one row of the result to the next, at least as many as a row of the tile has.
    pub(super) pitch: usize,
}

impl Beside<'_> {
    /// Writes channel `c` of pixel `[y, x]` of the tile to `out[(y·pitch + x)·SIDE_BY_SIDE + c]`, and zeros for the channels
    /// that there are not and between the rows.
    pub(super) fn run_on(&self, isa: Isa, out: &mut [f32]) {
        let Self { planes, size, tile, pitch } = *self;
        assert!(planes.len().is_multiple_of(size[0] * size[1]), "the channels are whole");
        assert!(planes.len() <= SIDE_BY_SIDE * size[0] * size[1], "the channels have room");
        assert!((0..2).all(|i| tile.at[i] + tile.size[i] <= size[i]), "the tile is inside");
        assert!(
            tile.size[1] <= pitch && tile.size[0] * pitch * SIDE_BY_SIDE <= out.len(),
            "the pixels have room"
        );
        // SAFETY: the instruction set was found on this processor; the reach of all reads and writes was checked.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => beside_avx512(self, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => beside_avx2(self, out),
                Isa::Portable => beside::<[f32; 8]>(self, out),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn beside_avx512(job: &Beside, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { beside::<__m512>(job, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn beside_avx2(job: &Beside, out: &mut [f32]) {
    // SAFETY: the caller's promise, passed on.
    unsafe { beside::<__m256>(job, out) }
}

#[inline(always)]
unsafe fn beside<V: Lanes>(job: &Beside, out: &mut [f32]) {
    let plane = job.size[0] * job.size[1];
    let (channels, [height, width]) = (job.planes.len() / plane, job.tile.size);
    for (row, line) in out.chunks_mut(job.pitch * SIDE_BY_SIDE).take(height).enumerate() {
        let (line, between) = line.split_at_mut(width * SIDE_BY_SIDE);
        between.fill(0.0);
        let from = &job.planes[(job.tile.at[0] + row) * job.size[1] + job.tile.at[1]..];
        for first in (0..SIDE_BY_SIDE).step_by(V::WIDTH) {
            let here = channels.saturating_sub(first).min(V::WIDTH);
            let whole = if here == V::WIDTH { width / V::WIDTH * V::WIDTH } else { 0 };
            for x in (0..whole).step_by(V::WIDTH) {
                // SAFETY: so many pixels of so many channels are inside the planes, and have room in the line.
                unsafe {
                    let mut square = [V::splat(0.0); 16];
                    let square = square.as_mut_ptr().cast::<f32>();
                    V::transpose(from.as_ptr().add(first * plane + x), plane, square);
                    for pixel in 0..V::WIDTH {
                        let to = line.as_mut_ptr().add((x + pixel) * SIDE_BY_SIDE + first);
                        V::load(square.add(pixel * V::WIDTH)).store(to);
                    }
                }
            }
            for x in whole..width {
                for channel in 0..V::WIDTH {
                    let value = if channel < here { from[(first + channel) * plane + x] } else { 0.0 };
                    line[x * SIDE_BY_SIDE + first + channel] = value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_puts_channels_side_by_side() {
        for (channels, size, at, tile, pitch) in [
            (32, [5, 40], [1, 3], [3, 37], 38),
            (20, [2, 16], [0, 0], [2, 16], 16),
            (1, [1, 1], [0, 0], [1, 1], 4),
        ] {
            let planes: Vec<f32> = (0..channels * size[0] * size[1]).map(|i| i as f32 + 1.0).collect();
            let job = Beside { planes: &planes, size, tile: Tile { at, size: tile }, pitch };
            for isa in Isa::available() {
                let mut out = vec![-1.0; tile[0] * pitch * SIDE_BY_SIDE];
                job.run_on(isa, &mut out);
                for (i, &found) in out.iter().enumerate() {
                    let (pixel, channel) = (i / SIDE_BY_SIDE, i % SIDE_BY_SIDE);
                    let (y, x) = (pixel / pitch, pixel % pitch);
                    let index = (channel * size[0] + at[0] + y) * size[1] + at[1] + x;
                    let expected = if channel < channels && x < tile[1] { planes[index] } else { 0.0 };
                    assert_eq!(found, expected, "{isa:?} {channels} {y} {x}");
                }
            }
        }
    }
}
