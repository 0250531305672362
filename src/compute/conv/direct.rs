//! Convolution as it is written: shifted products over tiles, each filling its window and writing its own pixels.
#![allow(unsafe_code)]

use super::kernel::{Product, SLACK, pack};
use super::output::{Finish, Output};
use super::pass::{Pass, Residue};
use super::planes::Planes;
use super::window::{Tile, Window};
use rayon::prelude::*;
use std::cell::RefCell;

/// Grid positions of a tile, at most.
const TILE: usize = 4096;
/// Floats of output that a tile gathers before it writes them out.
const GATHERED: usize = 128 * 1024;
/// With fewer pieces of work than this the target channels are split too.
const PIECES: usize = 8;

thread_local! {
    /// Window and output of the tile at work, kept between tiles and between calls.
    static BUFFERS: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// The weights of a pass in the order in which the products read them: for each residue and each group.
#[derive(Debug)]
pub(super) struct Packed(Vec<Vec<Vec<f32>>>);

impl Packed {
    pub(super) fn new(pass: &Pass, weights: &[f32]) -> Self {
        let group = |residue: &Residue, group: usize| {
            let taps = &residue.taps;
            pack(pass.target_channels, taps.len() * pass.source_channels, |target, k| {
                weights[pass.weight_at(group, target, k / taps.len()) + taps[k % taps.len()].index]
            })
        };
        Self(pass.residues.iter().map(|r| (0..pass.groups).map(|g| group(r, g)).collect()).collect())
    }
}

/// A tile of one image and group, and which of the group's target channels.
struct Piece {
    image: usize,
    group: usize,
    tile: Tile,
    channels: std::ops::Range<usize>,
}

/// The pass over `source`.
pub(super) fn run(pass: &Pass, source: &Planes, weights: &Packed, finish: Finish) -> Vec<f32> {
    let window = Window::new(pass, TILE, if finish.halve { 2 } else { 1 });
    let tiles = window.tiles(pass.grid);
    let widest = (GATHERED / (window.tile[0] * window.cols)).max(8) / 8 * 8;
    let parts = PIECES.div_ceil(pass.batch * pass.groups * tiles.len());
    let block =
        widest.min(pass.target_channels.div_ceil(parts).next_multiple_of(8)).min(pass.target_channels);
    let blocks: Vec<_> = (0..pass.target_channels).step_by(block).collect();
    // Blocks of channels follow each other on one thread unless there are too few pieces.
    let apart = if parts > 1 { 1 } else { blocks.len() };
    let mut pieces = Vec::new();
    for image in 0..pass.batch {
        for group in 0..pass.groups {
            for &tile in &tiles {
                for channels in blocks.chunks(apart) {
                    let last = (channels[channels.len() - 1] + block).min(pass.target_channels);
                    pieces.push(Piece { image, group, tile, channels: channels[0]..last });
                }
            }
        }
    }
    let offsets = pass.residues.iter().map(|residue| window.offsets(residue)).collect();
    let output = Output::new(pass, finish);
    let work = Work { pass, window: &window, offsets, weights, block, source, output: &output };
    pieces.par_iter().for_each(|piece| {
        BUFFERS.with_borrow_mut(|(window, gathered)| work.piece(piece, window, gathered));
    });
    // SAFETY: the grid with all residues covers every target pixel, and every channel is in a piece.
    unsafe { output.finished() }
}

/// Everything a piece of work reads.
struct Work<'a> {
    pass: &'a Pass,
    window: &'a Window,
    /// For each residue where its taps read.
    offsets: Vec<Vec<usize>>,
    weights: &'a Packed,
    /// Target channels multiplied at once; a multiple of the kernels' tallest panel, or all.
    block: usize,
    source: &'a Planes<'a>,
    output: &'a Output<'a>,
}

impl Work<'_> {
    fn piece(&self, piece: &Piece, window: &mut Vec<f32>, gathered: &mut Vec<f32>) {
        let (pass, stretches) = (self.pass, self.window.stretches(piece.tile));
        self.window.fill(pass, piece.tile, self.source, [piece.image, piece.group], window);
        let out_stride = self.window.map_stride();
        gathered.resize((self.block * out_stride + SLACK).max(gathered.len()), 0.0);
        for (stage, residue) in pass.residues.iter().enumerate() {
            let offsets = &self.offsets[stage];
            for channel in piece.channels.clone().step_by(self.block) {
                let rows = self.block.min(pass.target_channels - channel);
                let weights = &self.weights.0[stage][piece.group][channel * offsets.len()..];
                let product = Product { weights, rows, offsets, source: window, out_stride };
                for stretch in &stretches {
                    product.run(stretch.start, stretch.len(), gathered);
                }
                for m in 0..rows {
                    let channel = piece.group * pass.target_channels + channel + m;
                    let (values, cols) = (&gathered[m * out_stride..][..out_stride], self.window.cols);
                    // SAFETY: tiles partition the grid, and blocks the channels; a residue is written once a tile.
                    unsafe {
                        self.output.write([piece.image, channel], piece.tile, residue.at, values, cols);
                    }
                }
            }
        }
    }
}
