//! A pass on the matrix unit: tiles of the image in parallel, each with its window split into bf16 pairs.
#![allow(unsafe_code)]

use super::kernel::{Product, ROW_BYTES, Registers, SIDE};
use super::split::split_pairs;
use super::weights::{Depth, Packed, blocks};
use crate::compute::conv::output::{Finish, Output, Values};
use crate::compute::conv::pass::Pass;
use crate::compute::conv::planes::Planes;
use crate::compute::conv::window::{Tile, Window};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Grid positions of a tile, at most.
const TILE: usize = 2048;
/// With fewer pieces of work than this the target channels are split too.
const PIECES: usize = 8;
/// Positions that a kernel reads or writes at once, at most.
const WIDEST: usize = 4 * SIDE;

/// The buffers of a thread, kept between tiles and between calls.
#[derive(Default)]
struct Buffers {
    /// High and low parts of the window.
    high: Vec<u32>,
    low: Vec<u32>,
    /// Two rows of the window.
    rows: [Vec<f32>; 2],
    /// A block's results.
    gathered: Vec<f32>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// A tile of one image and group, and which blocks of the group's target channels.
struct Piece {
    image: usize,
    group: usize,
    tile: Tile,
    blocks: Range<usize>,
}

/// One residue of one block of target channels, and where its results go.
struct Part<'a> {
    stage: usize,
    tiles: &'a [u16],
    rows: usize,
    gathered: usize,
}

/// The pass over `source`.
///
/// # Safety
/// The matrix unit is [`super::available`].
pub(in crate::compute::conv) unsafe fn run(
    pass: &Pass,
    source: &Planes,
    weights: &Packed,
    finish: Finish,
) -> Vec<f32> {
    let window = Window::new(pass, TILE, if finish.halve { 2 } else { 1 });
    let tiles = window.tiles(pass.grid);
    let blocks: Vec<_> = blocks(pass.target_channels).collect();
    let parts = PIECES.div_ceil(pass.batch * pass.groups * tiles.len()).min(blocks.len());
    let share = blocks.len().div_ceil(parts);
    let mut pieces = Vec::new();
    for image in 0..pass.batch {
        for group in 0..pass.groups {
            for &tile in &tiles {
                for first in (0..blocks.len()).step_by(share) {
                    let blocks = first..(first + share).min(blocks.len());
                    pieces.push(Piece { image, group, tile, blocks });
                }
            }
        }
    }
    let output = Output::new(pass, finish);
    let work = Work::new(pass, &window, weights, source, &output, blocks);
    pieces.par_iter().for_each(|piece| {
        // SAFETY: the caller's promise.
        BUFFERS.with_borrow_mut(|buffers| unsafe { work.piece(piece, buffers) });
    });
    // SAFETY: the grid with all residues covers every target pixel, and every block is in a piece.
    unsafe { output.finished() }
}

/// Everything a piece of work reads.
struct Work<'a> {
    pass: &'a Pass,
    window: &'a Window,
    depth: Depth,
    /// Numbers of a plane of the split window.
    plane: usize,
    /// For each residue and step where its right tile begins, in bytes.
    offsets: Vec<Vec<usize>>,
    weights: &'a Packed,
    source: &'a Planes<'a>,
    output: &'a Output<'a>,
    /// First target channel and rows of each block.
    blocks: Vec<(usize, usize)>,
}

impl<'a> Work<'a> {
    fn new(
        pass: &'a Pass,
        window: &'a Window,
        weights: &'a Packed,
        source: &'a Planes<'a>,
        output: &'a Output<'a>,
        blocks: Vec<(usize, usize)>,
    ) -> Self {
        let depth = Depth::of(pass.source_channels);
        let plane = window.split_plane();
        let offsets = pass
            .residues
            .iter()
            .map(|residue| {
                let taps = window.places(residue);
                let step = |step: usize| {
                    let first = step * depth.pairs;
                    let place = move |&(phase, at): &(usize, usize)| {
                        4 * ((phase * depth.all_pairs() + first) * plane + at)
                    };
                    taps.iter().map(place).collect::<Vec<_>>()
                };
                (0..depth.steps).flat_map(step).collect()
            })
            .collect();
        Self { pass, window, depth, plane, offsets, weights, source, output, blocks }
    }

    /// # Safety
    /// The matrix unit is available.
    unsafe fn piece(&self, piece: &Piece, buffers: &mut Buffers) {
        // SAFETY: the caller's promise.
        unsafe { self.fill(piece, buffers) };
        let stretches = self.window.stretches(piece.tile);
        let (out_stride, side_by_side) = (self.window.map_stride() + WIDEST, self.pass.spread[1]);
        let apart = 2 * SIDE * out_stride;
        buffers.gathered.resize((side_by_side * apart).max(buffers.gathered.len()), 0.0);
        // SAFETY: the caller's promise.
        let registers = unsafe { Registers::set_up(self.depth.pairs) };
        for residue_y in 0..self.pass.spread[0] {
            for block in piece.blocks.clone() {
                let (first, rows) = self.blocks[block];
                for residue_x in 0..side_by_side {
                    let stage = residue_y * side_by_side + residue_x;
                    let tiles = self.weights.block(stage, piece.group, block);
                    let part = Part { stage, tiles, rows, gathered: residue_x * apart };
                    for stretch in &stretches {
                        // SAFETY: the caller's promise, and the buffers just filled.
                        unsafe { self.multiply(&registers, &part, stretch.clone(), buffers) };
                    }
                }
                for row in 0..rows.min(self.pass.target_channels - first) {
                    let channel = piece.group * self.pass.target_channels + first + row;
                    let (all, cols) = (&buffers.gathered[row * out_stride..], self.window.cols);
                    let values = Values { all, apart, cols };
                    // SAFETY: tiles partition the grid, and blocks the channels; each residue is written once a tile.
                    unsafe { self.output.write([piece.image, channel], piece.tile, residue_y, values) };
                }
            }
        }
    }

    /// A part's results at the positions of a stretch.
    unsafe fn multiply(
        &self,
        registers: &Registers,
        &Part { stage, tiles, rows, gathered }: &Part,
        stretch: Range<usize>,
        buffers: &mut Buffers,
    ) {
        let offsets = &self.offsets[stage];
        let out_stride = self.window.map_stride() + WIDEST;
        let gathered = &mut buffers.gathered[gathered..];
        if offsets.is_empty() {
            gathered[..rows * out_stride].fill(0.0);
            return;
        }
        let reach = offsets.iter().max().copied().unwrap_or(0) / 4 + (self.depth.pairs - 1) * self.plane;
        assert!(reach + stretch.end + WIDEST <= buffers.high.len(), "the window has its slack");
        assert!((rows - 1) * out_stride + stretch.end + WIDEST <= gathered.len(), "so has the output");
        let tile_numbers = ROW_BYTES / 2 * rows * 2;
        assert_eq!(tiles.len(), offsets.len() * tile_numbers, "a step has its tiles");
        let step = if rows == SIDE { WIDEST } else { 2 * SIDE };
        for at in stretch.step_by(step) {
            // SAFETY: the tiles are set up for this depth; the asserts above bound the reads of the right matrix (the
            // largest offset, the last row of a tile, the furthest position) and the writes.
            unsafe {
                let product = Product {
                    left: tiles.as_ptr().cast(),
                    offsets,
                    high: buffers.high.as_ptr().add(at).cast(),
                    low: buffers.low.as_ptr().add(at).cast(),
                    stride: 4 * self.plane,
                    out: gathered.as_mut_ptr().add(at),
                    out_stride: 4 * out_stride,
                };
                if rows == SIDE { product.narrow(registers) } else { product.wide(registers) }
            }
        }
    }

    /// Splits what the piece's tile reads: for each phase and pair of channels a plane.
    ///
    /// # Safety
    /// The processor has what [`super::available`] asks for.
    unsafe fn fill(&self, piece: &Piece, buffers: &mut Buffers) {
        let Buffers { high, low, rows: [first, second], .. } = buffers;
        let (pass, window, cols) = (self.pass, self.window, self.window.cols);
        let len = window.phases() * self.depth.all_pairs() * self.plane + WIDEST;
        high.resize(len.max(high.len()), 0);
        low.resize(len.max(low.len()), 0);
        first.resize(cols.max(first.len()), 0.0);
        second.resize(cols.max(second.len()), 0.0);
        let channels = pass.source_channels;
        for phase in 0..window.phases() {
            for pair in 0..self.depth.all_pairs() {
                let planes = [2 * pair, 2 * pair + 1].map(|channel| {
                    (channel < channels)
                        .then(|| self.source.plane(piece.image, piece.group * channels + channel))
                });
                let at = (phase * self.depth.all_pairs() + pair) * self.plane;
                for row in 0..window.rows {
                    let to = at + row * cols;
                    let (high, low) = (&mut high[to..to + cols], &mut low[to..to + cols]);
                    let place = window.piece(pass, piece.tile, [phase, row]);
                    if let ([Some(a), Some(b)], Some((pixels, columns))) = (planes, place) {
                        for side in [&mut *high, &mut *low] {
                            side[..columns.start].fill(0);
                            side[columns.end..].fill(0);
                        }
                        let (a, b) = (&a[pixels.clone()], &b[pixels]);
                        // SAFETY: the caller's promise.
                        unsafe { split_pairs(a, b, &mut high[columns.clone()], &mut low[columns]) };
                        continue;
                    }
                    for (plane, row_of) in planes.iter().zip([&mut *first, &mut *second]) {
                        window.copy(pass, piece.tile, *plane, [phase, row], &mut row_of[..cols]);
                    }
                    // SAFETY: the caller's promise.
                    unsafe { split_pairs(&first[..cols], &second[..cols], high, low) };
                }
            }
        }
    }
}
