//! Which patches are computed together, and where their transforms lie in working memory.
use super::transforms::LONGEST;
use super::{PLACES, STEP};
use crate::compute::conv::kernel::SLACK;
use crate::compute::conv::pass::Pass;
use crate::compute::conv::window::{Tile, even_piece};

/// Patches of all channels in that a thread works on at once, so that their transforms lie in near caches.
const CACHED: usize = 8 * 1024;
/// Patches worked on at once, at least, because each time all weights are read; and at most.
const PATCHES: [usize; 2] = [64, 128];
/// Patches of all channels, in and out, that threads hold together, at most: what limits that with very many channels.
pub(super) const HELD: usize = 128 * 1024;

/// Bytes of working memory that one thread takes, and that all of them share, at most in all usual cases.
pub(in crate::compute::conv) const LARGEST_SCRATCH: u64 = 5 * 1024 * 1024;
pub(in crate::compute::conv) const LARGEST_SHARED: u64 = (HELD * PLACES * 4 / 8 * 9) as u64;

/// Whether a pass is one 3×3 kernel without stride, dilation and groups, or the adjoint of one.
pub(in crate::compute::conv) fn can(pass: &Pass) -> bool {
    let [residue] = &pass.residues[..] else { return false };
    let mut shifts: Vec<_> = residue.taps.iter().map(|tap| tap.shift).collect();
    shifts.sort_unstable();
    shifts.dedup();
    pass.groups == 1
        && pass.step == [1, 1]
        && pass.spread == [1, 1]
        && residue.taps.len() == 9
        && shifts.len() == 9
        && shifts.iter().all(|shift| shift[0] < 3 && shift[1] < 3)
}

/// Patches of all images of a pass.
pub(in crate::compute::conv) fn patches(pass: &Pass) -> usize {
    pass.batch * pass.grid.map(|n| n.div_ceil(STEP)).iter().product::<usize>()
}

/// The grid of patches, cut into blocks.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    /// Patches of the whole grid, and of a block, `[y, x]`.
    all: [usize; 2],
    block: [usize; 2],
    /// Grid positions.
    grid: [usize; 2],
    /// Patches that a block may have.
    most: usize,
}

/// A block of patches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// The first patch and how many there are, `[y, x]`.
    pub(super) patches: [usize; 2],
    /// The grid positions it makes.
    pub(super) tile: Tile,
}

/// A block of an image whose patches lie behind those of others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    pub(super) block: (usize, Block),
    /// Patches before its own.
    pub(super) begin: usize,
}

/// Blocks whose patches lie side by side, and how many patches they have.
pub(super) fn side_by_side(blocks: &[(usize, Block)]) -> (Vec<Beside>, usize) {
    let mut patches = 0;
    let beside = |&block: &(usize, Block)| {
        let begin = patches;
        patches += block.1.patches[0] * block.1.patches[1];
        Beside { block, begin }
    };
    (blocks.iter().map(beside).collect(), patches)
}

impl Cut {
    /// For blocks that each have a thread.
    pub(super) fn alone(pass: &Pass) -> Self {
        let share = |patches: usize| patches / pass.source_channels;
        let most = share(CACHED).clamp(PATCHES[0], PATCHES[1]).min(share(HELD / 4)).max(SLACK);
        Self::into(pass.grid, most)
    }

    /// For blocks that all threads work on, with so many channels in and out.
    pub(super) fn together(grid: [usize; 2], channels: usize) -> Self {
        Self::into(grid, (HELD / channels).clamp(SLACK, PATCHES[1]))
    }

    /// Blocks of at most so many patches, or of half a row of registers.
    pub(super) fn into(grid: [usize; 2], most: usize) -> Self {
        let all = grid.map(|n| n.div_ceil(STEP));
        let mut columns = even_piece(all[1], LONGEST.min(most));
        if columns > SLACK {
            columns = columns.next_multiple_of(SLACK).min(LONGEST);
        }
        Self { all, block: [even_piece(all[0], most / columns), columns], grid, most }
    }

    /// The blocks of so many images, each with its image.
    pub(super) fn blocks(&self, images: usize) -> Vec<(usize, Block)> {
        let in_image = self.in_image();
        (0..images).flat_map(|image| in_image.iter().map(move |&block| (image, block))).collect()
    }

    fn in_image(&self) -> Vec<Block> {
        let starts = |i: usize| (0..self.all[i]).step_by(self.block[i]);
        let block = |at: [usize; 2]| {
            let patches = [0, 1].map(|i| self.block[i].min(self.all[i] - at[i]));
            let (first, size) = (at.map(|n| n * STEP), patches.map(|n| n * STEP));
            let size = [0, 1].map(|i| size[i].min(self.grid[i] - first[i]));
            Block { patches, tile: Tile { at: first, size } }
        };
        starts(0).flat_map(|y| starts(1).map(move |x| block([y, x]))).collect()
    }

    /// How many images of one block each are worked on together.
    pub(super) fn images(&self) -> usize {
        if self.block == self.all { (self.most / (self.block[0] * self.block[1])).max(1) } else { 1 }
    }

    /// Where the transforms of so many images' channels lie, in chunks of so many that each begin a cache line.
    pub(super) fn places(&self, images: usize, channels: usize, chunk: usize) -> Places {
        let lines = (images * self.block[0] * self.block[1]).div_ceil(SLACK) + 1;
        // An odd number of cache lines, so that channels, and places, do not fight for the same ones.
        let channel_stride = (lines | 1) * SLACK;
        let place_stride = ((chunk * channel_stride / SLACK) | 1) * SLACK;
        Places { channels, chunk, channel_stride, place_stride }
    }

    /// Patches of the largest block, `[y, x]`.
    pub(super) fn largest(&self) -> [usize; 2] {
        self.block
    }
}

/// Where transforms lie in memory: chunks of channels, in each the places, in each the channels, in each the patches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    pub(super) channels: usize,
    pub(super) chunk: usize,
    pub(super) channel_stride: usize,
    pub(super) place_stride: usize,
}

impl Places {
    /// Floats of a whole chunk.
    pub(super) fn chunk_len(&self) -> usize {
        PLACES * self.place_stride
    }

    pub(super) fn len(&self) -> usize {
        self.channels.div_ceil(self.chunk) * self.chunk_len()
    }

    /// Where each channel begins, for the first place.
    pub(super) fn offsets(&self) -> Vec<usize> {
        let offset = |c: usize| c / self.chunk * self.chunk_len() + c % self.chunk * self.channel_stride;
        (0..self.channels).map(offset).collect()
    }
}
