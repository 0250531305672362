//! The gradient by the weights on the matrix unit: sums over positions of image times gradient.
#![allow(unsafe_code)]

use super::kernel::{Registers, SIDE, Sum, TILE_BYTES};
use super::split::{split_across, split_row};
use crate::compute::conv::gradient::{Cut, Part};
use crate::compute::conv::pass::{Geometry, Pass};
use crate::compute::conv::planes::Planes;
use crate::compute::conv::window::{Tile, Window};
use rayon::prelude::*;
use std::cell::RefCell;

/// Grid positions of a tile, at most.
const TILE: usize = 2048;
/// Positions of a step of the sum, and steps that are added before the next tap is taken, so that image and gradient
/// stay in the first-level cache for all taps.
const STEP: usize = 2 * SIDE;
const STEPS: usize = 8;
/// Channels of a block of sums on either side, and its numbers.
const BLOCK: usize = 2 * SIDE;
const SUMS: usize = BLOCK * BLOCK;
/// bf16 numbers of the right matrix in a step: four tiles.
const RIGHT: usize = 4 * TILE_BYTES / 2;

/// The buffers of a thread, kept between tiles and between calls.
#[derive(Default)]
struct Buffers {
    /// High and low parts of the image's window, a plane for each phase and channel.
    high: Vec<u16>,
    low: Vec<u16>,
    row: Vec<f32>,
    /// The gradient's tile, and split.
    gradient: Vec<f32>,
    right: Vec<u16>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Σ over batch and pixels of `map_gradient` · shifted `image`, in the weights' layout.
///
/// # Safety
/// The matrix unit is [`super::available`].
pub(in crate::compute::conv) unsafe fn by_weights(
    geometry: &Geometry,
    image: &[f32],
    map_gradient: &[f32],
) -> Vec<f32> {
    let pass = geometry.forward();
    let window = Window::new(&pass, TILE, 1);
    let cut = Cut::new(geometry, &window, BLOCK);
    let channels = geometry.groups * geometry.image_channels;
    let image = Planes::one(image, channels, geometry.image[0] * geometry.image[1]);
    let work = Work::new(geometry, &pass, &window, &image, map_gradient);
    let sums: Vec<Vec<f32>> = cut
        .parts
        .par_iter()
        // SAFETY: the caller's promise.
        .map(|part| BUFFERS.with_borrow_mut(|buffers| unsafe { work.sums(part, buffers) }))
        .collect();
    let mut weights = vec![0.0; geometry.weight_len()];
    let of_channel = geometry.image_channels * geometry.taps();
    let group = geometry.map_channels * of_channel;
    let blocks = weights.chunks_mut(group).enumerate().flat_map(|(group, weights)| {
        weights
            .chunks_mut(BLOCK * of_channel)
            .enumerate()
            .map(move |(block, weights)| (group, block, weights))
    });
    let blocks: Vec<_> = blocks.collect();
    blocks.into_par_iter().for_each(|(group, block, weights)| {
        let first = block * BLOCK;
        let terms = cut.parts.iter().zip(&sums).filter(|(part, _)| {
            part.group == group && (part.first_channel..part.first_channel + part.rows).contains(&first)
        });
        let terms: Vec<&[f32]> = terms
            .map(|(part, sums)| {
                let block = work.image_blocks() * geometry.taps() * SUMS;
                &sums[(first - part.first_channel) / BLOCK * block..][..block]
            })
            .collect();
        work.put(&terms, weights);
    });
    weights
}

/// Everything the parts read.
struct Work<'a> {
    geometry: &'a Geometry,
    pass: &'a Pass,
    window: &'a Window,
    /// Numbers of a plane of the split window.
    plane: usize,
    /// For each tap which phase it reads, and where.
    places: Vec<(usize, usize)>,
    image: &'a Planes<'a>,
    map_gradient: &'a [f32],
}

impl<'a> Work<'a> {
    fn new(
        geometry: &'a Geometry,
        pass: &'a Pass,
        window: &'a Window,
        image: &'a Planes<'a>,
        map_gradient: &'a [f32],
    ) -> Self {
        // An odd number of cache lines, with room for a step beyond the last position.
        let lines = (window.rows * window.cols + 2 * STEP).div_ceil(STEP);
        let plane = STEP * (lines + 1 - lines % 2);
        let places = window.places(&pass.residues[0]);
        Self { geometry, pass, window, plane, places, image, map_gradient }
    }

    /// Blocks of channels of the image.
    fn image_blocks(&self) -> usize {
        self.geometry.image_channels.div_ceil(BLOCK)
    }

    /// Planes of a phase, those that fill the last tile with zeros included.
    fn planes(&self) -> usize {
        self.geometry.image_channels.next_multiple_of(SIDE)
    }

    /// The sums of a part: for each block of its channels, each block of the image's channels and each tap `[32 channels
    /// of the image, 32 of the map]`.
    ///
    /// # Safety
    /// The matrix unit is available.
    unsafe fn sums(&self, part: &Part, buffers: &mut Buffers) -> Vec<f32> {
        let blocks = part.rows.div_ceil(BLOCK);
        let mut sums = vec![0.0; blocks * self.image_blocks() * self.places.len() * SUMS];
        // SAFETY: the caller's promise.
        let registers = unsafe { Registers::set_up(SIDE) };
        for &(item, tile) in &part.tiles {
            // SAFETY: the caller's promise; the buffers are filled before they are read.
            unsafe {
                self.fill_image([item, part.group], tile, buffers);
                let steps = self.fill_gradient(part, item, tile, buffers);
                for first in (0..steps).step_by(STEPS) {
                    let count = STEPS.min(steps - first);
                    self.add(&registers, [first, count, steps], buffers, &mut sums);
                }
            }
        }
        sums
    }

    /// Adds the products over `count` steps from `first` on, of `steps` in all.
    unsafe fn add(
        &self,
        registers: &Registers,
        [first, count, steps]: [usize; 3],
        buffers: &Buffers,
        sums: &mut [f32],
    ) {
        let mut sums = sums.chunks_exact_mut(SUMS);
        for right in buffers.right.chunks_exact(steps * RIGHT) {
            for channel in (0..self.geometry.image_channels).step_by(BLOCK) {
                for &(phase, at) in &self.places {
                    let Some(out) = sums.next() else { return };
                    let from = (phase * self.planes() + channel) * self.plane + at + first * STEP;
                    let tall = self.planes() - channel >= BLOCK;
                    let last = from + ((if tall { BLOCK } else { SIDE }) - 1) * self.plane + count * STEP;
                    assert!(
                        last <= buffers.high.len() && last <= buffers.low.len(),
                        "the window has its slack"
                    );
                    // SAFETY: the registers are set up; the left matrix was just bounded, the right one has `steps`
                    // steps, the sums are `[32, 32]`.
                    unsafe {
                        let sum = Sum {
                            high: buffers.high.as_ptr().add(from).cast(),
                            low: buffers.low.as_ptr().add(from).cast(),
                            stride: 2 * self.plane,
                            right: right.as_ptr().add(first * RIGHT).cast(),
                            steps: count,
                            out: out.as_mut_ptr(),
                        };
                        if tall { sum.add(registers) } else { sum.add_low(registers) }
                    }
                }
            }
        }
    }

    /// Splits what a tile reads of the image.
    unsafe fn fill_image(&self, [item, group]: [usize; 2], tile: Tile, buffers: &mut Buffers) {
        let Buffers { high, low, row, .. } = buffers;
        let (window, channels) = (self.window, self.geometry.image_channels);
        let (cols, used) = (window.cols.next_multiple_of(STEP), window.rows * window.cols);
        let len = window.phases() * self.planes() * self.plane + cols;
        high.resize(len.max(high.len()), 0);
        low.resize(len.max(low.len()), 0);
        row.resize(cols.max(row.len()), 0.0);
        for phase in 0..window.phases() {
            for channel in 0..self.planes() {
                let at = (phase * self.planes() + channel) * self.plane;
                if channel >= channels {
                    high[at..at + self.plane].fill(0);
                    low[at..at + self.plane].fill(0);
                    continue;
                }
                let plane = self.image.plane(item, group * channels + channel);
                for y in 0..window.rows {
                    window.copy(self.pass, tile, Some(plane), [phase, y], &mut row[..window.cols]);
                    let to = at + y * window.cols..at + y * window.cols + cols;
                    // SAFETY: the matrix unit's processors have the instructions. What is written beyond the row is
                    // overwritten by the next, or below.
                    unsafe { split_row(&row[..cols], &mut high[to.clone()], &mut low[to]) };
                }
                // What the last step reads beyond the tile is multiplied by zero, so it must be a number.
                high[at + used..at + self.plane].fill(0);
                low[at + used..at + self.plane].fill(0);
            }
        }
    }

    /// Splits a tile of the gradient of a part's channels; gives the number of steps.
    unsafe fn fill_gradient(&self, part: &Part, item: usize, tile: Tile, buffers: &mut Buffers) -> usize {
        let Buffers { gradient, right, .. } = buffers;
        let (geometry, stride) = (self.geometry, self.window.map_stride());
        let plane = geometry.map[0] * geometry.map[1];
        let first = (item * geometry.groups + part.group) * geometry.map_channels + part.first_channel;
        let map = &self.map_gradient[first * plane..][..part.rows * plane];
        self.window.fill_map(tile, geometry.map, map, gradient);
        let blocks = part.rows.div_ceil(BLOCK);
        gradient.truncate(part.rows * stride);
        gradient.resize(blocks * BLOCK * stride + 2 * STEP, 0.0);
        let steps = ((tile.size[0] - 1) * self.window.cols + tile.size[1]).div_ceil(STEP);
        right.resize(blocks * steps * RIGHT, 0);
        for (at, tiles) in right.chunks_exact_mut(RIGHT).enumerate() {
            let (block, step) = (at / steps, at % steps);
            for half in 0..2 {
                let from = (block * BLOCK + half * SIDE) * stride + step * STEP;
                assert!(from + (SIDE - 1) * stride + STEP <= gradient.len(), "the gradient has its slack");
                // SAFETY: the instructions are there; the reads were just bounded, and each half's two tiles lie in the
                // step's four.
                unsafe {
                    let tile = tiles.as_mut_ptr().add(half * TILE_BYTES / 2);
                    split_across(gradient.as_ptr().add(from), stride, tile, TILE_BYTES);
                }
            }
        }
        steps
    }

    /// Writes the sum of `terms` to the weights of a block of the map's channels.
    fn put(&self, terms: &[&[f32]], weights: &mut [f32]) {
        let (channels, taps) = (self.geometry.image_channels, self.places.len());
        let mut total = [0.0; SUMS];
        for at in 0..self.image_blocks() * taps {
            total.fill(0.0);
            for term in terms {
                total.iter_mut().zip(&term[at * SUMS..]).for_each(|(total, term)| *total += term);
            }
            let (block, tap) = (at / taps * BLOCK, at % taps);
            for (target, weights) in weights.chunks_exact_mut(channels * taps).enumerate() {
                for source in 0..BLOCK.min(channels - block) {
                    weights[(block + source) * taps + tap] = total[source * BLOCK + target];
                }
            }
        }
    }
}
