//! Carrying out a pass: block by block, transform the pixels, multiply, transform back, write.
#![allow(unsafe_code)]

use super::cut::{Block, Cut, Places};
use super::transforms::{Backward, Forward, Strip, results_pitch};
use super::weights::{BLOCK, Packed};
use super::{PLACES, STEP};
use crate::compute::conv::kernel::{Product, SLACK};
use crate::compute::conv::output::{Finish, Output, Values};
use crate::compute::conv::pass::Pass;
use crate::compute::conv::planes::Planes;
use crate::compute::isa::Isa;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// With fewer blocks than this the threads share each: some of its channels in, then some of its channels out.
const PIECES: usize = 8;

/// Working memory of a thread, kept between blocks and between calls.
struct Buffers {
    strip: Strip,
    transformed: Vec<f32>,
    products: Vec<f32>,
    results: Vec<f32>,
}

impl Buffers {
    const NEW: Self =
        Self { strip: Strip::NEW, transformed: Vec::new(), products: Vec::new(), results: Vec::new() };
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers::NEW) };
    /// The transforms of a block that threads share.
    static SHARED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The pass over `source`.
pub(in crate::compute::conv) fn run(
    pass: &Pass,
    source: &Planes,
    weights: &Packed,
    finish: Finish,
) -> Vec<f32> {
    run_on(Isa::best(), pass, source, weights, finish)
}

/// `isa` must be one of [`Isa::available`].
pub(super) fn run_on(isa: Isa, pass: &Pass, source: &Planes, weights: &Packed, finish: Finish) -> Vec<f32> {
    let cut = Cut::new(pass);
    let in_blocks = cut.blocks();
    let blocks: Vec<(usize, Block)> =
        (0..pass.batch).flat_map(|image| in_blocks.iter().map(move |&block| (image, block))).collect();
    let apart = blocks.len() >= PIECES;
    let channels = pass.source_channels;
    let places = cut.places(channels, if apart { channels } else { channels.div_ceil(PIECES) });
    let output = Output::new(pass, finish);
    let (products, offsets) = (cut.places(BLOCK, BLOCK), places.offsets());
    let work = Work { isa, pass, cut, places, offsets, products, weights, source, output: &output };
    if apart {
        blocks.par_iter().for_each(|&block| work.alone(block));
    } else {
        let mut shared = SHARED.take();
        for &block in &blocks {
            work.together(block, &mut shared);
        }
        SHARED.set(shared);
    }
    // SAFETY: the blocks cover the grid, the only residue is written, and every channel of a block is.
    unsafe { output.finished() }
}

/// Everything a piece of work reads.
struct Work<'a> {
    isa: Isa,
    pass: &'a Pass,
    cut: Cut,
    /// Where the transforms of the source lie, and where each of its channels begins there.
    places: Places,
    offsets: Vec<usize>,
    /// Where the products of a [`BLOCK`] of target channels lie.
    products: Places,
    weights: &'a Packed,
    source: &'a Planes<'a>,
    output: &'a Output<'a>,
}

impl Work<'_> {
    /// A block of an image on one thread.
    fn alone(&self, block: (usize, Block)) {
        BUFFERS.with_borrow_mut(|Buffers { strip, transformed, products, results }| {
            let transformed = aligned(transformed, self.places.len());
            self.transform(block, 0, strip, transformed);
            for first in (0..self.pass.target_channels).step_by(BLOCK) {
                let channels = first..(first + BLOCK).min(self.pass.target_channels);
                self.multiply(block, channels, transformed, [products, results]);
            }
        });
    }

    /// A block of an image on all threads.
    fn together(&self, block: (usize, Block), shared: &mut Vec<f32>) {
        let len = self.places.len();
        let shared = &mut aligned(shared, len)[..len];
        shared.par_chunks_mut(self.places.chunk_len()).enumerate().for_each(|(i, chunk)| {
            BUFFERS.with_borrow_mut(|buffers| self.transform(block, i, &mut buffers.strip, chunk));
        });
        // Whole panels, and a part of a block of channels.
        let share = self.pass.target_channels.div_ceil(PIECES).next_power_of_two().clamp(8, BLOCK);
        let starts: Vec<_> = (0..self.pass.target_channels).step_by(share).collect();
        starts.par_iter().for_each(|&first| {
            let channels = first..(first + share).min(self.pass.target_channels);
            BUFFERS.with_borrow_mut(|Buffers { products, results, .. }| {
                self.multiply(block, channels, shared, [products, results]);
            });
        });
    }

    /// A chunk of the source channels into their transforms.
    fn transform(&self, (image, block): (usize, Block), chunk: usize, strip: &mut Strip, out: &mut [f32]) {
        let at = [0, 1].map(|i| block.tile.at[i] as isize + self.pass.origin[i]);
        let (size, patches, place_stride) = (self.pass.source, block.patches, self.places.place_stride);
        let first = chunk * self.places.chunk;
        for channel in first..(first + self.places.chunk).min(self.pass.source_channels) {
            let plane = self.source.plane(image, channel);
            let out = &mut out[(channel - first) * self.places.channel_stride..];
            Forward { plane, size, at, patches, place_stride }.run(self.isa, strip, out);
        }
    }

    /// Target channels, all in one [`BLOCK`], from the transforms of all source channels to the output.
    fn multiply(
        &self,
        (image, block): (usize, Block),
        channels: Range<usize>,
        transformed: &[f32],
        [products, results]: [&mut Vec<f32>; 2],
    ) {
        let Places { channel_stride, place_stride, .. } = self.products;
        let products = aligned(products, self.products.len());
        for place in 0..PLACES {
            let product = Product {
                weights: self.weights.matrix(place, channels.start),
                rows: channels.len(),
                depth: self.offsets.len(),
                first: 0,
                offsets: &self.offsets,
                source: &transformed[place * self.places.place_stride..],
                out_stride: channel_stride,
            };
            let len = block.patches[0] * block.patches[1];
            product.run_on(self.isa, 0, len, &mut products[place * place_stride..]);
        }
        let pitch = results_pitch(block.patches[1]);
        let results = aligned(results, self.cut.largest()[0] * STEP * pitch);
        for (i, channel) in channels.enumerate() {
            let products = &products[i * channel_stride..];
            Backward { products, patches: block.patches, place_stride }.run(self.isa, results);
            // SAFETY: blocks partition the grid, and the callers the channels.
            unsafe {
                let values = Values { all: results, apart: 0, cols: pitch };
                self.output.write([image, channel], block.tile, 0, values);
            }
        }
    }
}

/// At least `len` floats of a buffer, the first at the beginning of a cache line: registers that lie across two lines
/// take twice as long.
pub(super) fn aligned(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    buffer.resize((len + SLACK).max(buffer.len()), 0.0);
    let lead = buffer.as_ptr().align_offset(64).min(SLACK);
    &mut buffer[lead..]
}
