//! The piece of the source that a tile reads, copied with its border into planes that the kernels can shift over.
// See vector.rs: what is compiled for each instruction set is inlined.
#![allow(clippy::inline_always)]

use super::kernel::SLACK;
use super::pass::{Pass, Residue, Tap};
use super::planes::Planes;
use crate::compute::vector::{self, Arithmetic, Work};
use std::ops::Range;

/// Floats of source that one tile may hold: a quarter of a mebibyte, so that it stays in a core's second-level cache.
const WINDOW_FLOATS: usize = 64 * 1024;

/// Grid positions of a tile along x, at most, where there is more than one row.
const LONG_ROW: usize = 256;

/// Bytes of working memory that one thread takes for windows and what goes with them, at most in all usual cases.
pub(super) const LARGEST_SCRATCH: u64 = 3 * 4 * WINDOW_FLOATS as u64;

/// How a pass is cut into tiles, and how a tile's source lies in memory: for each channel and each phase in use one
/// plane of `rows` × `cols`.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Grid positions of a tile, `[y, x]`.
    pub(super) tile: [usize; 2],
    /// Phases in use, along y and along x.
    phases: [Vec<usize>; 2],
    pub(super) rows: usize,
    pub(super) cols: usize,
    plane: usize,
    channels: usize,
}

/// A tile of the grid: where it begins and how large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) at: [usize; 2],
    pub(super) size: [usize; 2],
}

/// Splits `total` into equal pieces of at most `most`, and gives the size of a piece.
pub(super) fn even_piece(total: usize, most: usize) -> usize {
    total.div_ceil(total.div_ceil(most.clamp(1, total)))
}

impl Window {
    /// Tiles of at most `most` grid positions whose window of all source channels fits the cache; sides are multiples of
    /// `unit` unless they reach the grid's end.
    pub(super) fn new(pass: &Pass, most: usize, unit: usize) -> Self {
        Self::of(pass.source_channels, pass, most, unit)
    }

    /// The same of so many channels at a time.
    pub(super) fn of(channels: usize, pass: &Pass, most: usize, unit: usize) -> Self {
        let taps = || pass.residues.iter().flat_map(|r| &r.taps);
        let phases = [0, 1].map(|i| {
            let mut used: Vec<usize> = taps().map(|t| t.phase[i]).collect();
            used.sort_unstable();
            used.dedup();
            used
        });
        let reach = [0, 1].map(|i| taps().map(|t| t.shift[i]).max().unwrap_or(0));
        let planes = channels * (phases[0].len() * phases[1].len()).max(1);
        let widest = if pass.grid[0] == 1 { most.max(LONG_ROW) } else { LONG_ROW };
        let mut width = even_piece(pass.grid[1], widest).next_multiple_of(unit);
        let height = loop {
            let row = planes * (width + reach[1]);
            let rows = (WINDOW_FLOATS / row).saturating_sub(reach[0]).min(most / (width + reach[1]));
            // A tile of few rows reads its border too often; a narrower one has more of them.
            let few = if reach[0] == 0 { 1 } else { 4 };
            if rows >= few.min(pass.grid[0]) || width <= 32 {
                break rows.max(1);
            }
            width = even_piece(width, width.div_ceil(2)).next_multiple_of(unit);
        };
        let tile = [even_piece(pass.grid[0], height).next_multiple_of(unit), width];
        let (rows, cols) = (tile[0] + reach[0], tile[1] + reach[1]);
        let mut plane = (rows * cols).next_multiple_of(16);
        if plane.is_multiple_of(512) {
            // Planes a multiple of 2 KiB apart would fight for the same cache lines.
            plane += 16;
        }
        Self { tile, phases, rows, cols, plane, channels }
    }

    /// How much more is read for a tile than there are positions in it.
    pub(super) fn excess(&self) -> f64 {
        (self.rows * self.cols) as f64 / (self.tile[0] * self.tile[1]) as f64
    }

    pub(super) fn tiles(&self, grid: [usize; 2]) -> Vec<Tile> {
        let starts = |i: usize| (0..grid[i]).step_by(self.tile[i]);
        let size = |i: usize, at: usize| self.tile[i].min(grid[i] - at);
        starts(0)
            .flat_map(|y| starts(1).map(move |x| Tile { at: [y, x], size: [size(0, y), size(1, x)] }))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.channels * self.phases() * self.plane + 2 * SLACK
    }

    /// For each tap which phase's plane it reads, and where in it.
    pub(super) fn places(&self, residue: &Residue) -> Vec<(usize, usize)> {
        let place = |i: usize, phase: usize| self.phases[i].iter().position(|&p| p == phase).unwrap_or(0);
        let of_tap = |tap: &Tap| {
            let phase = place(0, tap.phase[0]) * self.phases[1].len() + place(1, tap.phase[1]);
            (phase, tap.shift[0] * self.cols + tap.shift[1])
        };
        residue.taps.iter().map(of_tap).collect()
    }

    /// Where the planes must be read for each source channel and tap, channels outermost.
    pub(super) fn offsets(&self, residue: &Residue) -> Vec<usize> {
        let places = self.places(residue);
        let of_channel = |channel: usize| {
            let first = channel * self.phases();
            places.iter().map(move |&(phase, at)| (first + phase) * self.plane + at)
        };
        (0..self.channels).flat_map(of_channel).collect()
    }

    /// The stretches of a plane that hold the tile's results: one over all rows where the columns between them are few,
    /// else one a row.
    pub(super) fn stretches(&self, tile: Tile) -> Vec<Range<usize>> {
        let [height, width] = tile.size;
        if self.is_dense(width) || height == 1 {
            return vec![self.stretch(tile)];
        }
        (0..height).map(|row| row * self.cols..row * self.cols + width).collect()
    }

    /// The one stretch over all rows.
    pub(super) fn stretch(&self, tile: Tile) -> Range<usize> {
        0..(tile.size[0] - 1) * self.cols + tile.size[1]
    }

    /// Whether there are few columns between rows of so many results.
    fn is_dense(&self, width: usize) -> bool {
        (self.cols - width) * 3 < width
    }

    /// Whether most tiles are one stretch.
    pub(super) fn is_mostly_dense(&self) -> bool {
        self.is_dense(self.tile[1])
    }

    /// Combinations of phases in use.
    pub(super) fn phases(&self) -> usize {
        self.phases[0].len() * self.phases[1].len()
    }

    /// Numbers of a plane that is written in whole registers, an odd number of cache lines apart.
    pub(super) fn split_plane(&self) -> usize {
        let lines = (self.rows * self.cols + 15).div_ceil(16);
        16 * (lines + 1 - lines % 2)
    }

    /// Numbers of one channel.
    pub(super) fn channel_len(&self) -> usize {
        self.phases() * self.plane
    }

    /// Copies what `tile` reads of some channels of one image, counted over all groups, and zeros to the end of `window`.
    pub(super) fn fill(
        &self,
        pass: &Pass,
        tile: Tile,
        source: &Planes,
        (image, channels): (usize, Range<usize>),
        window: &mut [f32],
    ) {
        let mut at = 0;
        for channel in channels {
            let plane = source.plane(image, channel);
            // Row by row as they lie in memory, which then comes of itself before it is asked for.
            for row in 0..self.rows {
                for phase in 0..self.phases() {
                    let to = &mut window[at + phase * self.plane + row * self.cols..][..self.cols];
                    self.copy(pass, tile, Some(plane), [phase, row], to);
                }
            }
            for _ in 0..self.phases() {
                window[at + self.rows * self.cols..at + self.plane].fill(0.0);
                at += self.plane;
            }
        }
        window[at..].fill(0.0);
    }

    /// Copies one row of what `tile` reads of a plane, zeros where there is nothing.
    pub(super) fn copy(
        &self,
        pass: &Pass,
        tile: Tile,
        plane: Option<&[f32]>,
        [phase, row]: [usize; 2],
        to: &mut [f32],
    ) {
        let (y, x0) = self.origin(pass, tile, [phase, row]);
        let [height, width] = pass.source;
        match plane {
            Some(plane) if (0..height as isize).contains(&y) => {
                copy_row(&plane[y as usize * width..][..width], x0, pass.step[1], to);
            }
            _ => to.fill(0.0),
        }
    }

    /// The pixels of a plane that such a row is, and the columns of the row that they fill; `None` when it is not a
    /// piece of the plane as it lies in memory.
    pub(super) fn piece(
        &self,
        pass: &Pass,
        tile: Tile,
        place: [usize; 2],
    ) -> Option<(Range<usize>, Range<usize>)> {
        let (y, x0) = self.origin(pass, tile, place);
        let [height, width] = pass.source;
        if pass.step[1] != 1 || !(0..height as isize).contains(&y) {
            return None;
        }
        let inside = |limit: isize| (limit.max(0) as usize).min(self.cols);
        let (first, last) = (inside(-x0), inside(width as isize - x0));
        let begin = y as usize * width + (x0 + first as isize).max(0) as usize;
        (first < last).then(|| (begin..begin + last - first, first..last))
    }

    /// The source's row and column that a row of a phase's planes begins at.
    fn origin(&self, pass: &Pass, tile: Tile, [phase, row]: [usize; 2]) -> (isize, isize) {
        let [py, px] =
            [self.phases[0][phase / self.phases[1].len()], self.phases[1][phase % self.phases[1].len()]];
        let y = ((tile.at[0] + row) * pass.step[0] + py) as isize + pass.origin[0];
        (y, (tile.at[1] * pass.step[1] + px) as isize + pass.origin[1])
    }

    /// Copies a tile of `channels` of a map of `size`, in rows as long as the window's, zeros between and after.
    pub(super) fn fill_map(&self, tile: Tile, size: [usize; 2], map: &[f32], out: &mut Vec<f32>) {
        let stride = self.map_stride();
        let [height, width] = tile.size;
        let channels = map.len() / (size[0] * size[1]);
        out.resize(channels * stride + SLACK, 0.0);
        for (plane, out) in map.chunks_exact(size[0] * size[1]).zip(out.chunks_exact_mut(stride)) {
            let (rows, rest) = out.split_at_mut(height * self.cols);
            for (row, out) in rows.chunks_exact_mut(self.cols).enumerate() {
                let from = &plane[(tile.at[0] + row) * size[1] + tile.at[1]..][..width];
                out[..width].copy_from_slice(from);
                out[width..].fill(0.0);
            }
            rest.fill(0.0);
        }
        out[channels * stride..].fill(0.0);
    }

    /// How far apart [`Window::fill_map`] puts two channels.
    pub(super) fn map_stride(&self) -> usize {
        let stride = (self.tile[0] * self.cols + SLACK).next_multiple_of(16);
        if stride.is_multiple_of(512) { stride + 16 } else { stride }
    }
}

/// `to[j] = from[x0 + j·step]`, zero outside.
pub(super) fn copy_row(from: &[f32], x0: isize, step: usize, to: &mut [f32]) {
    let inside = |limit: isize| (limit.max(0) as usize).div_ceil(step).min(to.len());
    let (first, last) = (inside(-x0), inside(from.len() as isize - x0));
    if first >= last {
        to.fill(0.0);
        return;
    }
    to[..first].fill(0.0);
    to[last..].fill(0.0);
    let begin = (x0 + (first * step) as isize) as usize;
    let to = &mut to[first..last];
    match step {
        1 => to.copy_from_slice(&from[begin..begin + to.len()]),
        2 => vector::run(EverySecond { from: &from[begin..], to }),
        _ => to.iter_mut().zip(from[begin..].iter().step_by(step)).for_each(|(to, from)| *to = *from),
    }
}

/// `to[j] = from[2·j]`
struct EverySecond<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
}

impl Work for EverySecond<'_> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        // Rows are short: whole registers first, whatever the compiler would do with a long row.
        let whole = (self.to.len() / 16).min(self.from.len() / 32);
        for (to, from) in self.to.chunks_exact_mut(16).zip(self.from.chunks_exact(32)) {
            for i in 0..16 {
                to[i] = from[2 * i];
            }
        }
        for i in 16 * whole..self.to.len() {
            self.to[i] = self.from[2 * i];
        }
    }
}
