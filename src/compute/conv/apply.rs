//! Carries out a pass: tiles in parallel, each filling its window and writing its own target pixels.
#![allow(unsafe_code)]

use super::kernel::{Product, SLACK, pack};
use super::pass::{Geometry, Pass};
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

/// A tile of one image and group, and which of the group's target channels.
struct Piece {
    image: usize,
    group: usize,
    tile: Tile,
    channels: std::ops::Range<usize>,
}

/// Kernel taps of one residue, ready to multiply: for each group and each block of target channels.
struct Stage {
    at: [usize; 2],
    offsets: Vec<usize>,
    packed: Vec<Vec<f32>>,
}

/// Where the tiles write; each target pixel belongs to exactly one piece.
struct Target(*mut f32);
// SAFETY: pieces write disjoint pixels, see `write_out`.
unsafe impl Sync for Target {}

/// The convolution of `image`, `bias` added.
pub(super) fn convolve(
    geometry: &Geometry,
    image: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    run(&geometry.forward(), image, weights, bias, geometry.map_len())
}

/// The adjoint of the convolution on `map`, `bias` added.
pub(super) fn spread(geometry: &Geometry, map: &[f32], weights: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    run(&geometry.adjoint(), map, weights, bias, geometry.image_len())
}

fn run(pass: &Pass, source: &[f32], weights: &[f32], bias: Option<&[f32]>, target_len: usize) -> Vec<f32> {
    let window = Window::new(pass, TILE);
    let tiles = window.tiles(pass.grid);
    let widest = (GATHERED / (window.tile[0] * window.cols)).max(8) / 8 * 8;
    let parts = PIECES.div_ceil(pass.batch * pass.groups * tiles.len());
    let block =
        widest.min(pass.target_channels.div_ceil(parts).next_multiple_of(8)).min(pass.target_channels);
    let stages = stages(pass, &window, weights, block);
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
    let mut out: Vec<f32> = Vec::with_capacity(target_len);
    let target = Target(out.as_mut_ptr());
    let work = Work { pass, window: &window, stages: &stages, block, source, bias, target: &target };
    pieces.par_iter().for_each(|piece| {
        BUFFERS.with_borrow_mut(|(window, gathered)| work.piece(piece, window, gathered));
    });
    // SAFETY: the grid with all residues covers every target pixel, every channel is in a piece, and `write_out` writes
    // each; so all `target_len` floats are initialised.
    unsafe { out.set_len(target_len) };
    out
}

fn stages(pass: &Pass, window: &Window, weights: &[f32], block: usize) -> Vec<Stage> {
    let [by_group, by_target, by_source] = pass.weight_strides;
    let stage = |residue: &super::pass::Residue| {
        let (taps, depth) = (&residue.taps, residue.taps.len() * pass.source_channels);
        let pack_block = |group: usize, first: usize| {
            pack(block.min(pass.target_channels - first), depth, |m, k| {
                let (channel, tap) = (k / taps.len(), &taps[k % taps.len()]);
                weights[group * by_group + (first + m) * by_target + channel * by_source + tap.index]
            })
        };
        let firsts = || (0..pass.target_channels).step_by(block);
        let packed = (0..pass.groups).flat_map(|group| firsts().map(move |first| pack_block(group, first)));
        Stage { at: residue.at, offsets: window.offsets(residue), packed: packed.collect() }
    };
    pass.residues.iter().map(stage).collect()
}

/// Everything a piece of work reads.
struct Work<'a> {
    pass: &'a Pass,
    window: &'a Window,
    stages: &'a [Stage],
    /// Target channels multiplied at once.
    block: usize,
    source: &'a [f32],
    bias: Option<&'a [f32]>,
    target: &'a Target,
}

impl Work<'_> {
    fn piece(&self, piece: &Piece, window: &mut Vec<f32>, gathered: &mut Vec<f32>) {
        let (pass, stretches) = (self.pass, self.window.stretches(piece.tile));
        let plane = pass.source[0] * pass.source[1];
        let first = (piece.image * pass.groups + piece.group) * pass.source_channels * plane;
        self.window.fill(pass, piece.tile, &self.source[first..], window);
        let out_stride = self.window.map_stride();
        let blocks = pass.target_channels.div_ceil(self.block);
        gathered.resize((self.block * out_stride + SLACK).max(gathered.len()), 0.0);
        for stage in self.stages {
            for channel in piece.channels.clone().step_by(self.block) {
                let rows = self.block.min(pass.target_channels - channel);
                let product = Product {
                    weights: &stage.packed[piece.group * blocks + channel / self.block],
                    rows,
                    offsets: &stage.offsets,
                    source: window,
                    out_stride,
                };
                for stretch in &stretches {
                    product.run(stretch.start, stretch.len(), gathered);
                }
                for m in 0..rows {
                    let channel = piece.group * pass.target_channels + channel + m;
                    let values = &gathered[m * out_stride..][..out_stride];
                    self.write_out(piece.image, channel, piece.tile, stage.at, values);
                }
            }
        }
    }

    /// Writes one channel of a tile to its pixels of residue `at`, bias added.
    fn write_out(&self, image: usize, channel: usize, tile: Tile, at: [usize; 2], values: &[f32]) {
        let pass = self.pass;
        let [height, width] = pass.target;
        let plane = (image * pass.groups * pass.target_channels + channel) * height * width;
        let bias = self.bias.map_or(0.0, |bias| bias[channel]);
        let [y0, x0] = [0, 1].map(|i| (tile.at[i] * pass.spread[i] + at[i]) as isize + pass.start[i]);
        let step = pass.spread[1];
        let inside = |limit: isize| (limit.max(0) as usize).div_ceil(step).min(tile.size[1]);
        let (first, last) = (inside(-x0), inside(width as isize - x0));
        for row in 0..tile.size[0] {
            let y = y0 + (row * pass.spread[0]) as isize;
            if y < 0 || y >= height as isize || first >= last {
                continue;
            }
            let from = &values[row * self.window.cols..][first..last];
            let begin = plane + y as usize * width + (x0 + (first * step) as isize) as usize;
            // SAFETY: the pixels begin, begin + step, … lie in row `y` of this image's and channel's plane because
            // x0 + j·step is in 0..width for j in first..last. No other piece has this image, channel and row with
            // these columns: tiles partition the grid, and residues modulo the step tell the stages apart.
            unsafe {
                let to = self.target.0.add(begin);
                if step == 1 {
                    for (i, value) in from.iter().enumerate() {
                        to.add(i).write(value + bias);
                    }
                } else {
                    for (i, value) in from.iter().enumerate() {
                        to.add(i * step).write(value + bias);
                    }
                }
            }
        }
    }
}
