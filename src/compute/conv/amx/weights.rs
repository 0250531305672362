//! The left matrix: weights as tiles, in the order in which the products take them.
#![allow(unsafe_code)]

use super::kernel::SIDE;
use super::split::{split, split_row};
use crate::compute::conv::pass::{Pass, Residue};
use rayon::prelude::*;

/// bf16 numbers of a tile.
const TILE: usize = SIDE * 2 * SIDE;
/// Weights that a thread splits at once.
const CHUNK: usize = 16 * 1024;

/// How the source channels are cut into steps of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Depth {
    /// Pairs of channels in a step: rows of a right tile.
    pub(super) pairs: usize,
    pub(super) steps: usize,
}

impl Depth {
    pub(super) fn of(channels: usize) -> Self {
        let pairs = channels.div_ceil(2);
        let steps = pairs.div_ceil(SIDE);
        Self { pairs: pairs.div_ceil(steps), steps }
    }

    /// Pairs of channels, those of zeros that fill the last step included.
    pub(super) fn all_pairs(self) -> usize {
        self.pairs * self.steps
    }
}

/// The target channels of a pass in blocks of 32 and, where 16 are left or fewer, one of 16.
pub(super) fn blocks(channels: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..channels)
        .step_by(2 * SIDE)
        .map(move |first| (first, if channels - first > SIDE { 2 * SIDE } else { SIDE }))
}

/// The weights of a pass: for each residue, group and block of target channels the tiles of all steps.
#[derive(Debug)]
pub(in crate::compute::conv) struct Packed(Vec<Vec<Vec<Vec<u16>>>>);

impl Packed {
    /// # Safety
    /// The matrix unit is [`super::available`].
    pub(in crate::compute::conv) unsafe fn new(pass: &Pass, weights: &[f32]) -> Self {
        // SAFETY: the caller's promise.
        let weights = unsafe { Split::new(weights) };
        let blocks: Vec<_> = blocks(pass.target_channels).collect();
        let of_group = |residue: &Residue, group: usize| {
            blocks.par_iter().map(|&block| pack(pass, residue, group, block, &weights)).collect()
        };
        let of_residue = |residue: &Residue| (0..pass.groups).map(|group| of_group(residue, group)).collect();
        Self(pass.residues.iter().map(of_residue).collect())
    }

    /// The tiles of one block.
    pub(super) fn block(&self, residue: usize, group: usize, block: usize) -> &[u16] {
        &self.0[residue][group][block]
    }
}

/// High and low parts of all weights.
struct Split {
    high: Vec<u16>,
    low: Vec<u16>,
}

impl Split {
    /// # Safety
    /// The processor has what [`super::available`] asks for.
    unsafe fn new(weights: &[f32]) -> Self {
        let (mut high, mut low) = (vec![0; weights.len()], vec![0; weights.len()]);
        let chunks = weights.par_chunks(CHUNK).zip(high.par_chunks_mut(CHUNK).zip(low.par_chunks_mut(CHUNK)));
        chunks.for_each(|(weights, (high, low))| {
            let whole = weights.len() / 32 * 32;
            // SAFETY: the caller's promise.
            unsafe { split_row(&weights[..whole], &mut high[..whole], &mut low[..whole]) };
            for at in whole..weights.len() {
                [high[at], low[at]] = split(weights[at]);
            }
        });
        Self { high, low }
    }
}

/// Bytes of a pass's packed weights.
pub(in crate::compute::conv) fn packed_bytes(pass: &Pass) -> u64 {
    let taps = pass.residues.iter().map(|residue| residue.taps.len()).sum::<usize>();
    let rows = blocks(pass.target_channels).map(|(_, rows)| rows).sum::<usize>();
    let numbers = 2 * (rows / SIDE * TILE) * Depth::of(pass.source_channels).steps * taps;
    (pass.groups * numbers * size_of::<u16>()) as u64
}

/// For each step (channels outermost, then taps): high parts of the block's tiles, then their low parts.
fn pack(
    pass: &Pass,
    residue: &Residue,
    group: usize,
    (first, rows): (usize, usize),
    weights: &Split,
) -> Vec<u16> {
    let depth = Depth::of(pass.source_channels);
    let half = rows / SIDE * TILE;
    let taps = residue.taps.len();
    let mut packed = vec![0; depth.steps * taps * 2 * half];
    for row in 0..rows.min(pass.target_channels - first) {
        for channel in 0..pass.source_channels {
            let (step, column) = (channel / (2 * depth.pairs), channel % (2 * depth.pairs));
            let from = pass.weight_at(group, first + row, channel);
            let place = row * 2 * SIDE + column;
            let tiles = packed[step * taps * 2 * half..].chunks_exact_mut(2 * half);
            for (tap, tiles) in residue.taps.iter().zip(tiles) {
                tiles[place] = weights.high[from + tap.index];
                tiles[half + place] = weights.low[from + tap.index];
            }
        }
    }
    packed
}
