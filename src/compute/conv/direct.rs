//! Convolution as it is written: shifted products over tiles, each filling its window and writing its own pixels.
//! Where there are few tiles all threads fill the window of one, and then share its target channels.
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
/// With fewer pieces of work than this all threads work on each.
const PIECES: usize = 8;

thread_local! {
    /// Window and output of the tile at work, kept between tiles and between calls.
    static BUFFERS: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
    /// The window that threads share, kept by the one that calls.
    static SHARED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
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

/// How a pass is cut.
struct Plan {
    window: Window,
    /// Source channels in a window.
    depth: usize,
    tiles: Vec<Tile>,
    /// Target channels multiplied at once; a multiple of [`PANEL`], or all.
    block: usize,
    /// Whether all threads work on each piece.
    shared: bool,
    /// Target channels of a piece.
    apart: usize,
}

impl Plan {
    /// `unit`: tiles are multiples of it; `flat`: the pass is over one row, which is only copied.
    fn new(pass: &Pass, unit: usize, flat: bool) -> Self {
        // Results of all residues along x are gathered, so that rows are written whole.
        let taps = pass.residues.iter().map(|r| r.taps.len()).max().unwrap_or(0).max(1);
        let few = pass.source_channels * taps <= FEW;
        let room = GATHERED[usize::from(!few)] / pass.spread[1];
        let together = if few { PANEL } else { 8 * PANEL };
        let most = (room / together).clamp(TILE[0], TILE[1]);
        let mut depth = even_piece(pass.source_channels, DEPTH.div_ceil(taps));
        let mut window = Window::of(depth, pass, most, unit);
        if !window.is_mostly_dense() {
            (depth, window) = (pass.source_channels, Window::new(pass, most, unit));
        }
        let widest_of = |window: &Window| (room / window.map_stride()).max(PANEL) / PANEL * PANEL;
        // A window of some channels is filled again for every block of target channels and every residue along y,
        // which costs little where it is a copy of long rows.
        let fillings = pass.target_channels.div_ceil(widest_of(&window)) * pass.spread[0];
        if depth < pass.source_channels && fillings > 1 && !flat {
            let whole = Window::new(pass, most, unit);
            let narrow = whole.tile[1] < window.tile[1].min(NARROW);
            if !narrow && whole.excess() < fillings as f64 * window.excess() {
                (depth, window) = (pass.source_channels, whole);
            }
        }
        let mut widest = widest_of(&window);
        if depth == pass.source_channels && !few {
            // Nothing is added to what was gathered, so that it may leave the cache.
            window = Window::new(pass, (2 * most).min(TILE[1]), unit);
            widest = (2 * room / window.map_stride()).max(PANEL) / PANEL * PANEL;
        }
        let mut tiles = window.tiles(pass.grid);
        let parts = PIECES.div_ceil(pass.batch * pass.groups * tiles.len());
        // Threads share what is filled, unless it is nothing but a copy.
        let shared = parts > 1 && !flat;
        if shared {
            (depth, window) = (pass.source_channels, Window::new(pass, most, unit));
            (widest, tiles) = (widest_of(&window), window.tiles(pass.grid));
        }
        let share = pass.target_channels.div_ceil(parts).next_multiple_of(PANEL);
        let block = widest.min(share).min(pass.target_channels);
        // Blocks of channels follow each other in a piece unless there are too few pieces and nothing is shared.
        let apart = if parts > 1 && flat { block } else { pass.target_channels };
        Self { window, depth, tiles, block, shared, apart }
    }

    fn pieces(&self, pass: &Pass) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for image in 0..pass.batch {
            for group in 0..pass.groups {
                for &tile in &self.tiles {
                    for first in (0..pass.target_channels).step_by(self.apart) {
                        let channels = first..(first + self.apart).min(pass.target_channels);
                        pieces.push(Piece { image, group, tile, channels });
                    }
                }
            }
        }
        pieces
    }
}

/// The pass over `source`.
pub(super) fn run(pass: &Pass, source: &Planes, weights: &Packed, finish: Finish) -> Vec<f32> {
    let flat = if finish.halve { None } else { pass.flattened() };
    let is_flat = flat.is_some();
    let pass = flat.as_ref().unwrap_or(pass);
    let plan = Plan::new(pass, if finish.halve { 2 } else { 1 }, is_flat);
    let offsets = pass.residues.iter().map(|residue| plan.window.offsets(residue)).collect();
    let output = Output::new(pass, finish);
    let (window, depth, block) = (&plan.window, plan.depth, plan.block);
    let work = Work { pass, window, depth, offsets, weights, block, source, output: &output };
    let pieces = plan.pieces(pass);
    if plan.shared {
        for piece in &pieces {
            work.together(piece);
        }
    } else {
        pieces.par_iter().for_each(|piece| {
            BUFFERS.with_borrow_mut(|(window, gathered)| work.alone(piece, window, gathered));
        });
    }
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
    /// A piece on one thread.
    fn alone(&self, piece: &Piece, window: &mut Vec<f32>, gathered: &mut Vec<f32>) {
        let pass = self.pass;
        window.resize(self.window.len(), 0.0);
        let mut filled = None;
        for residue_y in 0..pass.spread[0] {
            for channel in piece.channels.clone().step_by(self.block) {
                for first in (0..pass.source_channels).step_by(self.depth) {
                    let read = first..(first + self.depth).min(pass.source_channels);
                    if filled != Some(first) {
                        let over_groups = piece.group * pass.source_channels;
                        let channels = over_groups + read.start..over_groups + read.end;
                        self.window.fill(pass, piece.tile, self.source, (piece.image, channels), window);
                        filled = Some(first);
                    }
                    self.multiply(piece, [residue_y, channel], read, window, gathered);
                }
                self.write(piece, [residue_y, channel], gathered);
            }
        }
    }

    /// A piece on all threads: some of its channels in, then some of its channels out. The window holds all.
    fn together(&self, piece: &Piece) {
        let (pass, mut window) = (self.pass, SHARED.take());
        window.resize(self.window.len().max(window.len()), 0.0);
        let (planes, slack) = window.split_at_mut(self.window.len() - 2 * SLACK);
        planes.par_chunks_mut(self.window.channel_len()).enumerate().for_each(|(channel, out)| {
            let channel = piece.group * pass.source_channels + channel;
            self.window.fill(pass, piece.tile, self.source, (piece.image, channel..channel + 1), out);
        });
        slack[..2 * SLACK].fill(0.0);
        let blocks = piece.channels.len().div_ceil(self.block);
        (0..pass.spread[0] * blocks).into_par_iter().for_each(|i| {
            let at = [i / blocks, i % blocks * self.block];
            BUFFERS.with_borrow_mut(|(_, gathered)| {
                self.multiply(piece, at, 0..pass.source_channels, &window, gathered);
                self.write(piece, at, gathered);
            });
        });
        SHARED.set(window);
    }

    /// What the source channels of the window give to a block of target channels, from `channel` on, in all residues
    /// along x of one along y.
    fn multiply(
        &self,
        piece: &Piece,
        [residue_y, channel]: [usize; 2],
        read: Range<usize>,
        source: &[f32],
        gathered: &mut Vec<f32>,
    ) {
        let apart = self.block * self.window.map_stride();
        let residues = self.pass.spread[1];
        gathered.resize((residues * apart + SLACK).max(gathered.len()), 0.0);
        for residue_x in 0..residues {
            let residue = residue_y * residues + residue_x;
            let rows = self.block.min(self.pass.target_channels - channel);
            let share = Share { residue, channel, rows, read: read.clone() };
            self.multiply_share(piece, &share, source, &mut gathered[residue_x * apart..]);
        }
    }

    /// Writes what was gathered.
    fn write(&self, piece: &Piece, [residue_y, channel]: [usize; 2], gathered: &[f32]) {
        let (out_stride, cols) = (self.window.map_stride(), self.window.cols);
        for m in 0..self.block.min(self.pass.target_channels - channel) {
            let target = [piece.image, piece.group * self.pass.target_channels + channel + m];
            let values = Values { all: &gathered[m * out_stride..], apart: self.block * out_stride, cols };
            // SAFETY: tiles partition the grid, and blocks the channels; each residue is written once a tile.
            unsafe { self.output.write(target, piece.tile, residue_y, values) };
        }
    }

    /// One residue of that.
    fn multiply_share(&self, piece: &Piece, share: &Share, source: &[f32], out: &mut [f32]) {
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
