//! The gradient by the weights: sums over all patches, place by place, and back to 3×3.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use super::cut::{Block, Cut, Places};
use super::run::aligned;
use super::spread::{PIXELS, Spread};
use super::transforms::{Forward, Strip};
use super::{PLACES, SIDE};
use crate::compute::conv::kernel::SLACK;
use crate::compute::conv::outer::Outer;
use crate::compute::conv::pass::{Geometry, Pass};
use crate::compute::isa::Isa;
use crate::compute::vector::{self, Arithmetic, Work as Loop};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

mod together;

/// Channels of the image and of the map whose sums are gathered together: they and the transforms of a block of patches
/// stay in a core's second-level cache.
const IMAGE_CHANNELS: usize = 32;
const MAP_CHANNELS: usize = 64;
/// With so many channels of the image, each would be transformed again for too many of the map's.
const WIDE: usize = 256;
/// Patches whose transforms are held at once.
const PATCHES: usize = 32;
/// With fewer parts than this the patches are shared out too. It is no number of threads, so that the result is the same
/// whatever their number.
const PARTS: usize = 8;

/// Working memory of a thread, kept between parts and between calls.
struct Buffers {
    strip: Strip,
    pixels: Vec<f32>,
    image: Vec<f32>,
    map: Vec<f32>,
    sums: Vec<f32>,
}

impl Buffers {
    const NEW: Self =
        Self { strip: Strip::NEW, pixels: Vec::new(), image: Vec::new(), map: Vec::new(), sums: Vec::new() };
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers::NEW) };
}

/// A part of the sum: some channels of either side, over some blocks of some images.
#[derive(Debug, Clone)]
struct Part<'a> {
    image_channels: Range<usize>,
    map_channels: Range<usize>,
    blocks: &'a [(usize, Block)],
}

/// Σ over batch and pixels of `map_gradient` · shifted `image`, in the weights' layout. The geometry is one of which
/// [`can`](super::can) holds.
pub(in crate::compute::conv) fn by_weights(
    geometry: &Geometry,
    image: &[f32],
    map_gradient: &[f32],
) -> Vec<f32> {
    by_weights_on(Isa::best(), geometry, image, map_gradient)
}

/// `isa` must be one of [`Isa::available`].
pub(super) fn by_weights_on(isa: Isa, geometry: &Geometry, image: &[f32], map_gradient: &[f32]) -> Vec<f32> {
    let pass = geometry.forward();
    if geometry.image_channels >= WIDE {
        let cut = Cut::together(geometry.map, geometry.image_channels + MAP_CHANNELS);
        return together::together(&Work { isa, pass: &pass, geometry, cut, image, map_gradient });
    }
    let cut = Cut::into(geometry.map, PATCHES);
    let blocks = cut.blocks(geometry.batch);
    let parts = parts(geometry, &blocks);
    let work = Work { isa, pass: &pass, geometry, cut, image, map_gradient };
    let sums: Vec<Vec<f32>> = parts.par_iter().map(|part| work.part(part)).collect();
    let mut weights = vec![0.0; geometry.weight_len()];
    for (part, sums) in parts.iter().zip(&sums) {
        let (rows, columns) = (part.image_channels.len(), part.map_channels.len());
        for (map, of_map) in part.map_channels.clone().zip(sums.chunks_exact(rows * 9)) {
            let first = pass.weight_at(0, map, part.image_channels.start);
            weights[first..first + rows * 9].iter_mut().zip(of_map).for_each(|(all, sum)| *all += sum);
        }
        debug_assert_eq!(sums.len(), rows * columns * 9);
    }
    weights
}

/// Pairs of channel ranges, and if they are few, shares of the blocks.
fn parts<'a>(geometry: &Geometry, blocks: &'a [(usize, Block)]) -> Vec<Part<'a>> {
    let ranges = |all: usize, most: usize| (0..all).step_by(most).map(move |at| at..(at + most).min(all));
    let pairs =
        geometry.image_channels.div_ceil(IMAGE_CHANNELS) * geometry.map_channels.div_ceil(MAP_CHANNELS);
    let share = blocks.len().div_ceil(PARTS.div_ceil(pairs));
    let mut parts = Vec::new();
    for map_channels in ranges(geometry.map_channels, MAP_CHANNELS) {
        for image_channels in ranges(geometry.image_channels, IMAGE_CHANNELS) {
            for blocks in blocks.chunks(share) {
                let (image_channels, map_channels) = (image_channels.clone(), map_channels.clone());
                parts.push(Part { image_channels, map_channels, blocks });
            }
        }
    }
    parts
}

/// Everything a part reads.
struct Work<'a> {
    isa: Isa,
    pass: &'a Pass,
    geometry: &'a Geometry,
    cut: Cut,
    image: &'a [f32],
    map_gradient: &'a [f32],
}

impl Work<'_> {
    /// The part's sums, `[map channel, image channel, ky · kx]`.
    fn part(&self, part: &Part) -> Vec<f32> {
        let (rows, columns) = (part.image_channels.len(), part.map_channels.len().next_multiple_of(SLACK));
        let places = self.cut.places(1, rows, rows);
        let [patches_y, patches_x] = self.cut.largest();
        let map_stride = odd(patches_y * patches_x * columns);
        BUFFERS.with_borrow_mut(|Buffers { strip, pixels, image, map, sums }| {
            let (image, map) = (aligned(image, places.len()), aligned(map, PLACES * map_stride));
            let pixels = aligned(pixels, PIXELS);
            let sum_stride = odd(rows * columns);
            let sums = &mut aligned(sums, PLACES * sum_stride)[..PLACES * sum_stride];
            let offsets = places.offsets();
            for (i, &block) in part.blocks.iter().enumerate() {
                self.transform_image(&part.image_channels, block, places, strip, image);
                self.transform_map(&part.map_channels, block, [columns, map_stride], pixels, map);
                let len = block.1.patches[0] * block.1.patches[1];
                for (place, sums) in sums.chunks_exact_mut(sum_stride).enumerate() {
                    let left = &image[place * places.place_stride..];
                    let right = &map[place * map_stride..];
                    Outer { left, rows: &offsets, right, columns, len, goes_on: i > 0 }
                        .run_on(self.isa, sums);
                }
            }
            let mut weights = vec![0.0; part.map_channels.len() * rows * 9];
            vector::run(Back {
                sums,
                place_stride: sum_stride,
                which: 0..rows,
                columns,
                taps: self.taps(),
                weights: &mut weights,
            });
            weights
        })
    }

    /// Which of the nine of a kernel each tap of the weights is.
    fn taps(&self) -> [usize; 9] {
        let mut taps = [0; 9];
        for tap in &self.pass.residues[0].taps {
            taps[tap.shift[0] * 3 + tap.shift[1]] = tap.index;
        }
        taps
    }

    fn transform_image(
        &self,
        channels: &Range<usize>,
        (item, block): (usize, Block),
        places: Places,
        strip: &mut Strip,
        out: &mut [f32],
    ) {
        let (size, at) = (self.pass.source, [0, 1].map(|i| block.tile.at[i] as isize + self.pass.origin[i]));
        let pixels = size[0] * size[1];
        let plane =
            |channel| &self.image[(item * self.geometry.image_channels + channel) * pixels..][..pixels];
        for (i, channel) in channels.clone().enumerate() {
            let next = if channel + 1 < channels.end { plane(channel + 1) } else { &[] };
            let (plane, patches, place_stride) = (plane(channel), block.patches, places.place_stride);
            let out = &mut out[i * places.channel_stride..];
            Forward { plane, next, size, at, patches, place_stride }.run(self.isa, strip, out);
        }
    }

    fn transform_map(
        &self,
        channels: &Range<usize>,
        (item, block): (usize, Block),
        [columns, place_stride]: [usize; 2],
        pixels: &mut [f32],
        out: &mut [f32],
    ) {
        let (size, plane) = (self.geometry.map, self.geometry.map[0] * self.geometry.map[1]);
        let first = item * self.geometry.map_channels + channels.start;
        let planes = &self.map_gradient[first * plane..][..channels.len() * plane];
        let (at, patches) = (block.tile.at, block.patches);
        Spread { planes, size, at, patches, columns, place_stride }.run(self.isa, pixels, out);
    }
}

/// Floats of a place, an odd number of cache lines, so that places do not fight for the same ones.
fn odd(len: usize) -> usize {
    (len.div_ceil(SLACK) | 1) * SLACK
}

/// From sums `[place, image channel, map channel]` to weights `[map channel, image channel, tap]`.
struct Back<'a> {
    sums: &'a [f32],
    /// Floats from one place of the sums to the next.
    place_stride: usize,
    /// The image channels that are brought back.
    which: Range<usize>,
    /// Map channels, and what is beside the last one.
    columns: usize,
    taps: [usize; 9],
    weights: &'a mut [f32],
}

/// As many map channels as are brought back side by side.
type Lanes = [f32; SLACK];

impl Loop for Back<'_> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { sums, place_stride, which, columns, taps, weights } = self;
        // A few map channels after another: what is written of each lies far from the others'.
        for column in (0..columns).step_by(SLACK) {
            for row in which.clone() {
                let mut lines = [[[0.0; SLACK]; 3]; SIDE];
                for y in 0..SIDE {
                    let mut values = [[0.0; SLACK]; SIDE];
                    for x in 0..SIDE {
                        let at = (y * SIDE + x) * place_stride + row * columns + column;
                        values[x].copy_from_slice(&sums[at..at + SLACK]);
                    }
                    lines[y] = to_kernel(values);
                }
                for x in 0..3 {
                    let mut values = [[0.0; SLACK]; SIDE];
                    for y in 0..SIDE {
                        values[y] = lines[y][x];
                    }
                    let kernel = to_kernel(values);
                    for (y, values) in kernel.iter().enumerate() {
                        let kernels = weights.chunks_exact_mut(which.len() * 9).skip(column);
                        for (kernels, value) in kernels.zip(values) {
                            kernels[(row - which.start) * 9 + taps[y * 3 + x]] = *value;
                        }
                    }
                }
            }
        }
    }
}

/// `Gᵀ` times six values; see [`weights`](super::weights).
#[inline(always)]
fn to_kernel([a, b, c, d, e, f]: [Lanes; SIDE]) -> [Lanes; 3] {
    use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};
    let mut out = [[0.0; SLACK]; 3];
    for i in 0..SLACK {
        let (even, odd) = ((b[i] + c[i]) * (-2.0 / 3.0), (b[i] - c[i]) * (FRAC_1_SQRT_2 * (-2.0 / 3.0)));
        let (far_even, far_odd) = ((d[i] + e[i]) * (1.0 / 6.0), (d[i] - e[i]) * (SQRT_2 / 6.0));
        out[0][i] = a[i] + (even + far_even);
        out[1][i] = odd + far_odd;
        out[2][i] = f[i] + (0.5 * even + 2.0 * far_even);
    }
    out
}
