//! Convolution as it is written: shifted products over tiles, each filling its window and writing its own pixels.
#![allow(unsafe_code)]

use super::kernel::{DEPTH, Product, SLACK, pack};
use super::output::{Finish, Output, Values};
use super::pass::{Pass, Residue};
use super::planes::Planes;
use super::window::{Tile, Window, even_piece};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Grid positions of a tile, at least and at most.
const TILE: [usize; 2] = [512, 4096];
/// Floats of output that a tile gathers before it writes them out; with few products each they come so quickly that they
/// must stay near the first-level cache.
const GATHERED: [usize; 2] = [16 * 1024, 64 * 1024];
/// That few.
const FEW: usize = 32;
/// Target channels that the kernels compute at once.
const PANEL: usize = 8;
/// Rows shorter than this take longer to fill than is saved by filling them once.
const NARROW: usize = 64;
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
            let of_channel =
                |source: usize| residue.taps.iter().map(move |tap| pass.weight_at(0, 0, source) + tap.index);
            let by_k: Vec<usize> = (0..pass.source_channels).flat_map(of_channel).collect();
            let by_target: Vec<usize> =
                (0..pass.target_channels).map(|target| pass.weight_at(group, target, 0)).collect();
            pack(by_target.len(), by_k.len(), |target, k| weights[by_target[target] + by_k[k]])
        };
        Self(pass.residues.iter().map(|r| (0..pass.groups).map(|g| group(r, g)).collect()).collect())
    }
}

/// A tile of one image and group, and which of the group's target channels.
struct Piece {
    image: usize,
    group: usize,
    tile: Tile,
    channels: Range<usize>,
}

/// What is multiplied at once: a residue of `rows` target channels from `channel` on, by the source channels `read`.
struct Share {
    residue: usize,
    channel: usize,
    rows: usize,
    read: Range<usize>,
}

/// The pass over `source`.
pub(super) fn run(pass: &Pass, source: &Planes, weights: &Packed, finish: Finish) -> Vec<f32> {
    let flat = if finish.halve { None } else { pass.flattened() };
    let pass = flat.as_ref().unwrap_or(pass);
    // Results of all residues along x are gathered, so that rows are written whole.
    let taps = pass.residues.iter().map(|r| r.taps.len()).max().unwrap_or(0).max(1);
    let few = pass.source_channels * taps <= FEW;
    let room = GATHERED[usize::from(!few)] / pass.spread[1];
    let together = if few { PANEL } else { 8 * PANEL };
    let most = (room / together).clamp(TILE[0], TILE[1]);
    let unit = if finish.halve { 2 } else { 1 };
    let mut depth = even_piece(pass.source_channels, DEPTH.div_ceil(taps));
    let mut window = Window::of(depth, pass, most, unit);
    if !window.is_mostly_dense() {
        (depth, window) = (pass.source_channels, Window::new(pass, most, unit));
    }
    let widest = |window: &Window| (room / window.map_stride()).max(PANEL) / PANEL * PANEL;
    // A window of some channels is filled again for every block of target channels and every residue along y,
    // which costs little where it is a copy of long rows.
    let fillings = pass.target_channels.div_ceil(widest(&window)) * pass.spread[0];
    if depth < pass.source_channels && fillings > 1 && flat.is_none() {
        let whole = Window::new(pass, most, unit);
        let narrow = whole.tile[1] < window.tile[1].min(NARROW);
        if !narrow && whole.excess() < fillings as f64 * window.excess() {
            (depth, window) = (pass.source_channels, whole);
        }
    }
    let mut widest = widest(&window);
    if depth == pass.source_channels && !few {
        // Nothing is added to what was gathered, so that it may leave the cache.
        window = Window::new(pass, (2 * most).min(TILE[1]), unit);
        widest = (2 * room / window.map_stride()).max(PANEL) / PANEL * PANEL;
    }
    let tiles = window.tiles(pass.grid);
    let parts = PIECES.div_ceil(pass.batch * pass.groups * tiles.len());
    let block =
        widest.min(pass.target_channels.div_ceil(parts).next_multiple_of(PANEL)).min(pass.target_channels);
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
    let work = Work { pass, window: &window, depth, offsets, weights, block, source, output: &output };
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
    /// Source channels in a window.
    depth: usize,
    /// For each residue where its taps read them.
    offsets: Vec<Vec<usize>>,
    weights: &'a Packed,
    /// Target channels multiplied at once; a multiple of [`PANEL`], or all.
    block: usize,
    source: &'a Planes<'a>,
    output: &'a Output<'a>,
}

impl Work<'_> {
    fn piece(&self, piece: &Piece, window: &mut Vec<f32>, gathered: &mut Vec<f32>) {
        let (pass, out_stride) = (self.pass, self.window.map_stride());
        let apart = self.block * out_stride;
        gathered.resize((pass.spread[1] * apart + SLACK).max(gathered.len()), 0.0);
        let mut filled = None;
        for residue_y in 0..pass.spread[0] {
            for channel in piece.channels.clone().step_by(self.block) {
                let rows = self.block.min(pass.target_channels - channel);
                for first in (0..pass.source_channels).step_by(self.depth) {
                    let read = first..(first + self.depth).min(pass.source_channels);
                    if filled != Some(first) {
                        let over_groups = piece.group * pass.source_channels;
                        let channels = over_groups + read.start..over_groups + read.end;
                        self.window.fill(pass, piece.tile, self.source, (piece.image, channels), window);
                        filled = Some(first);
                    }
                    for residue_x in 0..pass.spread[1] {
                        let residue = residue_y * pass.spread[1] + residue_x;
                        let share = Share { residue, channel, rows, read: read.clone() };
                        self.multiply(piece, &share, window, &mut gathered[residue_x * apart..]);
                    }
                }
                for m in 0..rows {
                    let target = [piece.image, piece.group * pass.target_channels + channel + m];
                    let values = Values { all: &gathered[m * out_stride..], apart, cols: self.window.cols };
                    // SAFETY: tiles partition the grid, and blocks the channels; each residue is written once a tile.
                    unsafe { self.output.write(target, piece.tile, residue_y, values) };
                }
            }
        }
    }

    /// What the source channels of the window give to the target channels of a share.
    fn multiply(&self, piece: &Piece, share: &Share, source: &[f32], out: &mut [f32]) {
        let &Share { residue, channel, rows, ref read } = share;
        let taps = self.pass.residues[residue].taps.len();
        let (depth, first) = (self.pass.source_channels * taps, read.start * taps);
        let offsets = &self.offsets[residue][..read.len() * taps];
        let weights = &self.weights.0[residue][piece.group][channel * depth..];
        let out_stride = self.window.map_stride();
        let product = Product { weights, rows, depth, first, offsets, source, out_stride };
        if self.depth < self.pass.source_channels {
            // What is written beyond the end of a stretch would be added to in the next one.
            return product.run(0, self.window.stretch(piece.tile).len(), out);
        }
        for stretch in self.window.stretches(piece.tile) {
            product.run(stretch.start, stretch.len(), out);
        }
    }
}
