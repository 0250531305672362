//! Carrying out a pass: block by block, transform the pixels, multiply, transform back, write.
//!
//! Where there are blocks for all threads each has some of its own. Where there are few, which is where images are small
//! and channels many, all threads work on the same one ([`together`](super::together)).
#![allow(unsafe_code)]

use super::cut::{Block, Cut, Places};
use super::together::together;
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

/// So many channels in at most are narrow: the transforms of a thread's own blocks stay near it.
const NARROW: usize = 128;
/// So many at most, and no more channels out, have products that take their transforms' place: all of those then lie in
/// the second-level cache at once.
const IN_PLACE: usize = 64;
/// Into so many pieces the source channels are cut when threads share them.
const PIECES: usize = 8;

/// Working memory of a thread, kept between blocks and between calls.
pub(super) struct Buffers {
    pub(super) strip: Strip,
    transformed: Vec<f32>,
    products: Vec<f32>,
    pub(super) results: Vec<f32>,
}

impl Buffers {
    const NEW: Self =
        Self { strip: Strip::NEW, transformed: Vec::new(), products: Vec::new(), results: Vec::new() };
}

thread_local! {
    pub(super) static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers::NEW) };
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
    let (from, to) = (pass.source_channels, pass.target_channels);
    let output = Output::new(pass, finish);
    let work = |transforms: Places, products| {
        let offsets = transforms.offsets();
        Work { isa, pass, transforms, offsets, products, weights, source, output: &output }
    };
    let cut = Cut::alone(pass);
    let blocks = cut.blocks(pass.batch);
    let threads = rayon::current_num_threads();
    let enough = if from <= NARROW { 2 * threads } else { 8.max(4 * threads) };
    if blocks.len() >= enough {
        let transforms = cut.places(1, from, from);
        if to <= from && from <= IN_PLACE {
            let work = work(transforms, transforms);
            blocks.par_iter().for_each(|&block| work.in_place(block));
        } else {
            let work = work(transforms, cut.places(1, BLOCK, BLOCK));
            blocks.par_iter().for_each(|&block| work.alone(block));
        }
    } else {
        let cut = Cut::together(pass.grid, from + to);
        let images = cut.images().min(pass.batch);
        let work = work(cut.places(images, from, from.div_ceil(PIECES)), cut.places(images, to, to));
        cut.blocks(pass.batch).chunks(images).for_each(|blocks| together(&work, blocks));
    }
    // SAFETY: the blocks cover the grid, the only residue is written, and every channel of a block is.
    unsafe { output.finished() }
}

/// Everything a piece of work reads.
pub(super) struct Work<'a> {
    isa: Isa,
    pub(super) pass: &'a Pass,
    /// Where the transforms of the source lie, and where each of its channels begins there.
    pub(super) transforms: Places,
    offsets: Vec<usize>,
    /// Where the products lie.
    pub(super) products: Places,
    weights: &'a Packed,
    source: &'a Planes<'a>,
    output: &'a Output<'a>,
}

impl Work<'_> {
    /// A block of an image on one thread.
    fn alone(&self, block: (usize, Block)) {
        BUFFERS.with_borrow_mut(|Buffers { strip, transformed, products, results }| {
            let transformed = aligned(transformed, self.transforms.len());
            let products = aligned(products, self.products.len());
            self.transform(block, 0..self.pass.source_channels, strip, transformed);
            for first in (0..self.pass.target_channels).step_by(BLOCK) {
                for place in 0..PLACES {
                    let source = &transformed[place * self.transforms.place_stride..];
                    let out = &mut products[place * self.products.place_stride..];
                    self.multiply([place, first], block.1.patches.iter().product(), source, out);
                }
                for i in 0..BLOCK.min(self.pass.target_channels - first) {
                    let products = &products[i * self.products.channel_stride..];
                    self.back(block, first + i, products, results);
                }
            }
        });
    }

    /// The same where the products of a place are written to where the transforms of the place before were, which are not
    /// needed any more.
    fn in_place(&self, block: (usize, Block)) {
        BUFFERS.with_borrow_mut(|Buffers { strip, transformed, results, .. }| {
            let Places { place_stride, channel_stride, .. } = self.transforms;
            let values = aligned(transformed, place_stride + self.transforms.len());
            self.transform(block, 0..self.pass.source_channels, strip, &mut values[place_stride..]);
            for place in 0..PLACES {
                let (written, source) = values.split_at_mut((place + 1) * place_stride);
                for first in (0..self.pass.target_channels).step_by(BLOCK) {
                    let out = &mut written[place * place_stride + first * channel_stride..];
                    self.multiply([place, first], block.1.patches.iter().product(), source, out);
                }
            }
            for channel in 0..self.pass.target_channels {
                self.back(block, channel, &values[channel * channel_stride..], results);
            }
        });
    }

    /// Some source channels of a block into their transforms.
    pub(super) fn transform(
        &self,
        (image, block): (usize, Block),
        channels: Range<usize>,
        strip: &mut Strip,
        out: &mut [f32],
    ) {
        let Places { channel_stride, place_stride, .. } = self.transforms;
        let at = [0, 1].map(|i| block.tile.at[i] as isize + self.pass.origin[i]);
        let (size, patches) = (self.pass.source, block.patches);
        for (i, channel) in channels.clone().enumerate() {
            let plane = self.source.plane(image, channel);
            let next = if channel + 1 < channels.end { self.source.plane(image, channel + 1) } else { &[] };
            let out = &mut out[i * channel_stride..];
            Forward { plane, next, size, at, patches, place_stride }.run(self.isa, strip, out);
        }
    }

    /// The products of a [`BLOCK`] of target channels, from `first` on, at a place of so many patches whose transforms
    /// are the source.
    pub(super) fn multiply(
        &self,
        [place, first]: [usize; 2],
        patches: usize,
        source: &[f32],
        out: &mut [f32],
    ) {
        let product = Product {
            weights: self.weights.matrix(place, first),
            rows: BLOCK.min(self.pass.target_channels - first),
            depth: self.offsets.len(),
            first: 0,
            offsets: &self.offsets,
            source,
            out_stride: self.products.channel_stride,
        };
        product.run_on(self.isa, 0, patches, out);
    }

    /// A target channel of a block, from its products to the output. Called once for each.
    pub(super) fn back(
        &self,
        (image, block): (usize, Block),
        channel: usize,
        products: &[f32],
        results: &mut Vec<f32>,
    ) {
        let (patches, place_stride) = (block.patches, self.products.place_stride);
        let pitch = results_pitch(patches[1]);
        let results = aligned(results, patches[0] * STEP * pitch);
        Backward { products, patches, place_stride }.run(self.isa, results);
        // SAFETY: blocks partition the grids of the images, and nobody else has this channel of this one.
        unsafe {
            let values = Values { all: results, apart: 0, cols: pitch };
            self.output.write([image, channel], block.tile, 0, values);
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
