//! Planes of a dataset that lies in filtered chunks.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::super::bytes::Input;
use super::super::error::Fault;
use super::super::micrograph::Source;
use super::super::raw::Stored;
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

/// Address, stored bytes and filter mask of each chunk, by its number in the grid.
type Index = HashMap<u64, (u64, u64, u32)>;

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
                let part = if matches!(element.stored, Stored::Complex(_)) { 0 } else { part };
                Wanted { channel, at, part, bytes: vec![0; height * width * sample] }
            })
            .collect();
        let grid: Vec<(u64, Vec<usize>)> = self.chunks_of(&wanted);
        let decoded_bytes = self.chunk_bytes();
        for some in grid.chunks((HELD / decoded_bytes).clamp(1, 4096)) {
            let decoded: Vec<Option<Vec<u8>>> = some
                .par_iter()
                .map(|(number, _)| self.decode(&input, *number))
                .collect::<Result<_, Fault>>()?;
            for ((_, origin), bytes) in some.iter().zip(&decoded) {
                if let Some(bytes) = bytes {
                    wanted.iter_mut().for_each(|plane| self.copy(origin, bytes, plane));
                }
            }
        }
        let shape = (height, width);
        if let Stored::Complex(_) = element.stored {
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
        if matches!(self.array.element.stored, Stored::Complex(_)) {
            return 0..1;
        }
        let in_chunk = ['C', 'E'].into_iter().filter_map(|l| self.view.axis(l)).map(|d| self.chunk[d]);
        let reach = in_chunk.product::<usize>().saturating_mul(self.array.element.parts);
        let most = (HELD / plane.max(1)).min(reach).clamp(1, count);
        let first = (channel / most) * most;
        first..(first + most).min(count)
    }

    /// Number and origin of every chunk that holds samples of one of the planes.
    fn chunks_of(&self, wanted: &[Wanted]) -> Vec<(u64, Vec<usize>)> {
        let grid = self.grid();
        let mut all = vec![(0u64, Vec::new())];
        for (d, (&count, &length)) in grid.iter().zip(&self.chunk).enumerate() {
            let along: Vec<usize> = if [self.view.axis('Y'), self.view.axis('X')].contains(&Some(d)) {
                (0..count).collect()
            } else {
                wanted.iter().map(|w| w.at[d] / length).collect::<BTreeSet<_>>().into_iter().collect()
            };
            all = all
                .into_iter()
                .flat_map(|(number, origin)| {
                    along.iter().map(move |&i| {
                        let origin: Vec<usize> = origin.iter().copied().chain([i * length]).collect();
                        (number * count as u64 + i as u64, origin)
                    })
                })
                .collect();
        }
        all
    }

    /// The elements of a chunk; `None` for one that was never written.
    fn decode(&self, input: &Input, number: u64) -> Result<Option<Vec<u8>>, Fault> {
        let (filters, index) = match &self.pieces {
            Pieces::InFile { filters, index } => (filters, index.get_or_init(|| self.read_index())),
            Pieces::Here(bytes) => return Ok(Some(bytes.clone())),
            Pieces::Nowhere => return Ok(None),
        };
        let index = index.as_ref().map_err(|what| Fault::Bad(what.clone()))?;
        let Some(&(address, size, mask)) = index.get(&number) else { return Ok(None) };
        let length = self.chunk_bytes();
        if length as u64 > size.saturating_mul(MOST_EXPANSION) {
            return Err(Fault::Bad("The image data is damaged: a chunk is too short for its pixels".into()));
        }
        let stored = input.bytes(address, size)?;
        filters::undo(filters, mask, stored, (length, self.array.element.bytes())).map(Some)
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
