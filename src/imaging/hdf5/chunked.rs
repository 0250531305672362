//! Planes of a dataset that lies in filtered chunks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::super::bytes::Input;
use super::super::error::Fault;
use super::super::micrograph::Source;
use super::super::raw;
use super::super::{ImagingError, Plane};
use super::array::Array;
use super::filters;
use super::tree::{MOST_EXPANSION, Tree, guarded};
use super::view::View;

/// Bytes of decoded chunks that are held at once, and of neighbouring channels that are read together.
const HELD: usize = 64 << 20;

/// A dataset in chunks. The file is opened for each reading, as for all formats.
pub(super) struct Chunked {
    pub(super) path: PathBuf,
    pub(super) array: Array,
    pub(super) view: View,
    /// Lengths of a chunk along the dataset's axes.
    pub(super) chunk: Vec<usize>,
    pub(super) pieces: Pieces,
}

/// Where the chunks are.
pub(super) enum Pieces {
    /// In the file, filtered. The index is read with the first plane: a large file has very many chunks.
    InFile { filters: Vec<u16>, index: OnceLock<Result<Index, String>> },
    /// The only chunk, in memory.
    Here(Vec<u8>),
    /// Never written, which means zeros.
    Nowhere,
}

impl Pieces {
    pub(super) fn in_file(filters: Vec<u16>) -> Self {
        Self::InFile { filters, index: OnceLock::new() }
    }
}

/// Address, stored bytes and filter mask of a chunk.
type Stored = (u64, u64, u32);
/// The chunks by their number in the grid.
type Index = BTreeMap<u64, Stored>;

/// One plane to be filled, with the position along each of the dataset's axes where it begins.
struct Wanted {
    channel: usize,
    at: Vec<usize>,
    part: usize,
    bytes: Vec<u8>,
}

impl Source for Chunked {
    fn read(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        self.planes(frame, channel).map_err(|fault| fault.at(&self.path))
    }
}

impl Chunked {
    fn planes(&self, frame: usize, channel: usize) -> Result<Vec<(usize, Plane)>, Fault> {
        let input = Input::open(&self.path)?;
        let (height, width) = self.plane_shape();
        let element = self.array.element;
        let sample = element.stored.bytes();
        let mut wanted: Vec<Wanted> = self
            .together(channel, height * width * sample)
            .map(|channel| {
                let (at, part) = self.view.start(&self.array, frame, channel);
                let part = if matches!(element.stored, raw::Stored::Complex(_)) { 0 } else { part };
                Wanted { channel, at, part, bytes: vec![0; height * width * sample] }
            })
            .collect();
        let pieces = self.pieces_of(&wanted)?;
        for some in pieces.chunks((HELD / self.chunk_bytes().max(1)).clamp(1, 4096)) {
            let decoded: Vec<Vec<u8>> = some
                .par_iter()
                .map(|(_, stored)| self.decode(&input, *stored))
                .collect::<Result<_, Fault>>()?;
            for ((origin, _), bytes) in some.iter().zip(&decoded) {
                for plane in &mut wanted {
                    self.copy(origin, bytes, plane);
                }
            }
        }
        let shape = (height, width);
        if let raw::Stored::Complex(_) = element.stored {
            let bytes = wanted.first().map(|w| w.bytes.as_slice()).unwrap_or_default();
            return Ok(element.complex(bytes, shape)?.into_iter().enumerate().collect());
        }
        wanted.into_iter().map(|w| Ok((w.channel, element.plane(&w.bytes, shape)?))).collect()
    }

    fn read_index(&self) -> Result<Index, String> {
        let chunks = Tree::open(&self.path)
            .and_then(|tree| tree.dataset(&self.array.path))
            .and_then(|dataset| guarded(|| dataset.chunks()));
        let grid = self.grid();
        let number = |offset: &[u64]| {
            offset
                .iter()
                .zip(&self.chunk)
                .zip(&grid)
                .fold(0u64, |n, ((&o, &c), &g)| n.wrapping_mul(g as u64).wrapping_add(o / c as u64))
        };
        match chunks {
            Ok(all) => Ok(all
                .iter()
                .map(|c| (number(&c.offset), (c.address, c.storage_size, c.filter_mask)))
                .collect()),
            Err(Fault::Bad(what) | Fault::Unsupported(what)) => Err(what),
            Err(Fault::Io(e)) => Err(e.to_string()),
        }
    }

    /// Chunks along each axis.
    fn grid(&self) -> Vec<usize> {
        self.array.shape.iter().zip(&self.chunk).map(|(n, c)| n.div_ceil(*c)).collect()
    }

    fn plane_shape(&self) -> (usize, usize) {
        let length = |letter| self.view.axis(letter).map_or(1, |d| self.array.shape[d]);
        (length('Y'), length('X'))
    }

    fn chunk_bytes(&self) -> usize {
        self.chunk.iter().product::<usize>() * self.array.element.bytes()
    }

    /// The channels to read with `channel`: those whose samples lie in the same chunks.
    fn together(&self, channel: usize, plane: usize) -> std::ops::Range<usize> {
        let count = self.view.layout(&self.array).channels();
        if matches!(self.array.element.stored, raw::Stored::Complex(_)) {
            return 0..1;
        }
        let in_chunk = ['C', 'E'].into_iter().filter_map(|l| self.view.axis(l)).map(|d| self.chunk[d]);
        let reach = in_chunk.product::<usize>().saturating_mul(self.array.element.parts);
        let most = (HELD / plane.max(1)).min(reach).clamp(1, count);
        let first = (channel / most) * most;
        first..(first + most).min(count)
    }

    /// Origin and place of every chunk that has samples of one of the planes, in the order of the dataset. Chunks that
    /// were never written are not among them.
    fn pieces_of(&self, wanted: &[Wanted]) -> Result<Vec<(Vec<usize>, Stored)>, Fault> {
        let index = match &self.pieces {
            Pieces::InFile { index, .. } => index.get_or_init(|| self.read_index()),
            Pieces::Here(_) => return Ok(vec![(vec![0; self.chunk.len()], (0, 0, 0))]),
            Pieces::Nowhere => return Ok(vec![]),
        };
        let index = index.as_ref().map_err(|what| Fault::Bad(what.clone()))?;
        let in_plane = [self.view.axis('Y'), self.view.axis('X')];
        let has = |origin: &[usize], plane: &Wanted| {
            (0..origin.len()).all(|d| {
                in_plane.contains(&Some(d)) || (origin[d]..origin[d] + self.chunk[d]).contains(&plane.at[d])
            })
        };
        let all = index.iter().map(|(number, stored)| (self.origin(*number), *stored));
        Ok(all
            .filter(|(origin, _)| origin.iter().zip(&self.array.shape).all(|(at, length)| at < length))
            .filter(|(origin, _)| wanted.iter().any(|plane| has(origin, plane)))
            .collect())
    }

    /// Where the chunk of this number in the grid begins.
    fn origin(&self, mut number: u64) -> Vec<usize> {
        let grid = self.grid();
        let mut origin = vec![0; grid.len()];
        for d in (0..grid.len()).rev() {
            origin[d] = (number % grid[d] as u64) as usize * self.chunk[d];
            number /= grid[d] as u64;
        }
        origin
    }

    /// The elements of a chunk.
    fn decode(&self, input: &Input, (address, size, mask): Stored) -> Result<Vec<u8>, Fault> {
        let filters = match &self.pieces {
            Pieces::InFile { filters, .. } => filters,
            Pieces::Here(bytes) => return Ok(bytes.clone()),
            Pieces::Nowhere => return Ok(vec![]),
        };
        let length = self.chunk_bytes();
        if length as u64 > size.saturating_mul(MOST_EXPANSION) {
            return Err(Fault::Bad("The image data is damaged: a chunk is too short for its pixels".into()));
        }
        let stored = input.bytes(address, size)?;
        filters::undo(filters, mask, stored, (length, self.array.element.bytes()))
    }

    /// Copies what a chunk has of a plane.
    fn copy(&self, origin: &[usize], chunk: &[u8], plane: &mut Wanted) {
        let element = self.array.element;
        let (sample, whole) = (element.stored.bytes(), element.bytes());
        let (y_axis, x_axis) = (self.view.axis('Y'), self.view.axis('X'));
        let mut strides = vec![whole; self.chunk.len()];
        for d in (0..self.chunk.len().saturating_sub(1)).rev() {
            strides[d] = strides[d + 1] * self.chunk[d + 1];
        }
        let mut base = plane.part * sample;
        for (d, &at) in plane.at.iter().enumerate() {
            if Some(d) == y_axis || Some(d) == x_axis {
                continue;
            }
            if !(origin[d]..origin[d] + self.chunk[d]).contains(&at) {
                return;
            }
            base += (at - origin[d]) * strides[d];
        }
        let reach = |axis: Option<usize>| {
            axis.map_or((0, 1, 0), |d| {
                (origin[d], (origin[d] + self.chunk[d]).min(self.array.shape[d]), strides[d])
            })
        };
        let ((top, bottom, down), (left, right, across)) = (reach(y_axis), reach(x_axis));
        let (_, width) = self.plane_shape();
        for y in top..bottom {
            let from = base + (y - top) * down;
            let row = &mut plane.bytes[(y * width + left) * sample..(y * width + right) * sample];
            if across == sample {
                row.copy_from_slice(&chunk[from..from + row.len()]);
            } else {
                for (x, to) in row.chunks_exact_mut(sample).enumerate() {
                    to.copy_from_slice(&chunk[from + x * across..from + x * across + sample]);
                }
            }
        }
    }
}
