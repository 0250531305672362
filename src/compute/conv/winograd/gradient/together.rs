//! All threads on the same patches, place by place, and each channel of the image transformed once: for many channels.
use super::{BUFFERS, Back, Buffers, IMAGE_CHANNELS, MAP_CHANNELS, Work, odd};
use crate::compute::conv::kernel::SLACK;
use crate::compute::conv::outer::Outer;
use crate::compute::conv::winograd::PLACES;
use crate::compute::conv::winograd::cut::{Beside, HELD, Places, side_by_side};
use crate::compute::conv::winograd::run::aligned;
use crate::compute::conv::winograd::spread::PIXELS;
use crate::compute::vector;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Into so many pieces the image's channels are cut when threads share them.
const PIECES: usize = 8;

/// Working memory of all threads, kept between calls by the one that calls.
struct Shared {
    image: Vec<f32>,
    map: Vec<f32>,
    sums: Vec<f32>,
}

thread_local! {
    static SHARED: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// The gradient, in the weights' layout.
pub(super) fn together(work: &Work) -> Vec<f32> {
    let mut weights = vec![0.0; work.geometry.weight_len()];
    let from = work.geometry.image_channels;
    // As many of the map's channels at once as there is room for sums.
    let most = (HELD / (from * MAP_CHANNELS)).max(1) * MAP_CHANNELS;
    let mut shared = SHARED.take().unwrap_or(Shared { image: Vec::new(), map: Vec::new(), sums: Vec::new() });
    for (i, weights) in weights.chunks_mut(most * from * 9).enumerate() {
        let first = i * most;
        Sums::new(work, first..first + weights.len() / (from * 9)).run(&mut shared, weights);
    }
    SHARED.set(Some(shared));
    weights
}

/// The sums of some channels of the map, in groups of [`MAP_CHANNELS`], and where they and the transforms lie: sums
/// `[group, place, image channel, map channel]`, the map's transforms `[group, place, patch, map channel]`.
struct Sums<'a> {
    work: &'a Work<'a>,
    channels: Range<usize>,
    groups: usize,
    /// Map channels of a group, and what is beside the last one.
    columns: usize,
    /// How many images of one block each are worked on together.
    images: usize,
    places: Places,
    offsets: Vec<usize>,
    /// Floats from one place of the map's transforms, and of the sums, to the next.
    map_stride: usize,
    sum_stride: usize,
}

impl<'a> Sums<'a> {
    fn new(work: &'a Work<'a>, channels: Range<usize>) -> Self {
        let from = work.geometry.image_channels;
        let images = work.cut.images().min(work.geometry.batch);
        let patches = images * work.cut.largest().iter().product::<usize>();
        let columns = channels.len().min(MAP_CHANNELS).next_multiple_of(SLACK);
        let places = work.cut.places(images, from, from.div_ceil(PIECES));
        Self {
            groups: channels.len().div_ceil(MAP_CHANNELS),
            offsets: places.offsets(),
            map_stride: odd(patches * columns),
            sum_stride: odd(from * columns),
            work,
            channels,
            columns,
            images,
            places,
        }
    }

    /// Writes `weights` `[map channel, image channel, tap]`.
    fn run(&self, shared: &mut Shared, weights: &mut [f32]) {
        let place = |place_stride: usize| self.groups * PLACES * place_stride;
        let image = &mut aligned(&mut shared.image, self.places.len())[..self.places.len()];
        let map = &mut aligned(&mut shared.map, place(self.map_stride))[..place(self.map_stride)];
        let sums = &mut aligned(&mut shared.sums, place(self.sum_stride))[..place(self.sum_stride)];
        let blocks = self.work.cut.blocks(self.work.geometry.batch);
        for (i, blocks) in blocks.chunks(self.images).enumerate() {
            let (blocks, len) = side_by_side(blocks);
            self.transform_image(&blocks, image);
            self.transform_map(&blocks, map);
            self.add(len, i > 0, [image, map], sums);
        }
        self.back(sums, weights);
    }

    fn transform_image(&self, blocks: &[Beside], out: &mut [f32]) {
        out.par_chunks_mut(self.places.chunk_len()).enumerate().for_each(|(i, chunk)| {
            let first = i * self.places.chunk;
            let channels = first..(first + self.places.chunk).min(self.places.channels);
            BUFFERS.with_borrow_mut(|Buffers { strip, .. }| {
                // In their order, because each writes a little past its end.
                for &Beside { block, begin } in blocks {
                    self.work.transform_image(&channels, block, self.places, strip, &mut chunk[begin..]);
                }
            });
        });
    }

    fn transform_map(&self, blocks: &[Beside], out: &mut [f32]) {
        out.par_chunks_mut(PLACES * self.map_stride).enumerate().for_each(|(i, out)| {
            let first = self.channels.start + i * MAP_CHANNELS;
            let channels = first..(first + MAP_CHANNELS).min(self.channels.end);
            let strides = [self.columns, self.map_stride];
            BUFFERS.with_borrow_mut(|Buffers { pixels, .. }| {
                let pixels = aligned(pixels, PIXELS);
                for &Beside { block, begin } in blocks {
                    let out = &mut out[begin * self.columns..];
                    self.work.transform_map(&channels, block, strides, pixels, out);
                }
            });
        });
    }

    /// What `len` patches have to add.
    fn add(&self, len: usize, goes_on: bool, [image, map]: [&[f32]; 2], sums: &mut [f32]) {
        // The groups of a place one after another, so that the image's transforms stay near.
        let mut by_place: Vec<Vec<&mut [f32]>> = (0..PLACES).map(|_| Vec::new()).collect();
        for (i, sums) in sums.chunks_exact_mut(self.sum_stride).enumerate() {
            by_place[i % PLACES].push(sums);
        }
        by_place.into_par_iter().enumerate().for_each(|(place, groups)| {
            groups.into_par_iter().enumerate().for_each(|(i, sums)| {
                let left = &image[place * self.places.place_stride..];
                let right = &map[(i * PLACES + place) * self.map_stride..];
                let (rows, columns) = (&self.offsets[..], self.columns);
                Outer { left, rows, right, columns, len, goes_on }.run_on(self.work.isa, sums);
            });
        });
    }

    /// The sums brought back to kernels, a few channels of the image at a time.
    fn back(&self, sums: &[f32], weights: &mut [f32]) {
        let (from, taps) = (self.places.channels, self.work.taps());
        let groups = weights.par_chunks_mut(MAP_CHANNELS * from * 9);
        groups.zip(sums.par_chunks_exact(PLACES * self.sum_stride)).for_each(|(weights, sums)| {
            let mut some = vec![0.0; MAP_CHANNELS * IMAGE_CHANNELS * 9];
            for first in (0..from).step_by(IMAGE_CHANNELS) {
                let which = first..(first + IMAGE_CHANNELS).min(from);
                let of_map = which.len() * 9;
                let some = &mut some[..weights.len() / from * which.len()];
                let (place_stride, columns) = (self.sum_stride, self.columns);
                vector::run(Back { sums, place_stride, which, columns, taps, weights: some });
                for (weights, some) in weights.chunks_exact_mut(from * 9).zip(some.chunks_exact(of_map)) {
                    weights[first * 9..][..of_map].copy_from_slice(some);
                }
            }
        });
    }
}
