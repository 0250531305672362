//! From strips and tiles to planes of samples.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use half::f16;
use ndarray::{Array2, s};
use rayon::prelude::*;

use super::super::error::Fault;
use super::super::{Plane, SampleType, Samples};
use super::codec;
use super::page::{Chunk, Page};
use super::unpack::{Word, words};

/// Chunks that are read, decompressed side by side and then copied, before the next are read.
const BATCH: usize = 64;

/// Reads one page's planes: all of them, or of planar pages only the one of `sample`.
pub(super) fn read_planes(path: &Path, page: &Page, sample: usize) -> Result<Vec<(usize, Plane)>, Fault> {
    let first = if page.planar { sample } else { 0 };
    let samples = match page.sample_type {
        SampleType::Bool => arrays::<u8>(path, page, first)?.into_iter().map(Samples::Bool).collect(),
        SampleType::U8 => arrays::<u8>(path, page, first)?.into_iter().map(Samples::U8).collect(),
        SampleType::U16 => arrays::<u16>(path, page, first)?.into_iter().map(Samples::U16).collect(),
        SampleType::U32 => arrays::<u32>(path, page, first)?.into_iter().map(Samples::U32).collect(),
        SampleType::U64 => arrays::<u64>(path, page, first)?.into_iter().map(Samples::U64).collect(),
        SampleType::I8 => mapped(arrays(path, page, first)?, u8::cast_signed, Samples::I8),
        SampleType::I16 => mapped(arrays(path, page, first)?, u16::cast_signed, Samples::I16),
        SampleType::I32 => mapped(arrays(path, page, first)?, u32::cast_signed, Samples::I32),
        SampleType::I64 => mapped(arrays(path, page, first)?, u64::cast_signed, Samples::I64),
        SampleType::F16 => mapped(arrays(path, page, first)?, f16::from_bits, Samples::F16),
        SampleType::F32 => mapped(arrays(path, page, first)?, f32::from_bits, Samples::F32),
        SampleType::F64 => mapped(arrays(path, page, first)?, f64::from_bits, Samples::F64),
    };
    Ok(samples.into_iter().enumerate().map(|(i, samples)| (first + i, Plane { samples })).collect())
}

/// Reinterprets words as the numbers they stand for.
fn mapped<W: Copy, T>(
    arrays: Vec<Array2<W>>,
    number: fn(W) -> T,
    make: fn(Array2<T>) -> Samples,
) -> Vec<Samples> {
    arrays.into_iter().map(|words| make(words.mapv(number))).collect()
}

/// The words `[y, x]` of each sample that lies in the chunks of a plane.
fn arrays<W: Word>(path: &Path, page: &Page, plane: usize) -> Result<Vec<Array2<W>>, Fault> {
    let mut file = File::open(path)?;
    let samples = page.chunk_samples();
    let (across, per_plane) = (page.chunks_across(), page.chunks_per_plane());
    let mut out = vec![Array2::default((page.height, page.width)); samples];
    let places: Vec<usize> = (0..per_plane).collect();
    for batch in places.chunks(BATCH) {
        let stored = batch
            .iter()
            .map(|&i| read_chunk(&mut file, page.chunk(plane * per_plane + i)))
            .collect::<Result<Vec<_>, Fault>>()?;
        let decoded = batch
            .par_iter()
            .zip(stored)
            .map(|(&i, stored)| {
                let rows = page.chunk_rows(i / across);
                words::<W>(page, codec::decompress(page, stored, rows)?, rows)
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        for (&i, words) in batch.iter().zip(decoded) {
            let (top, left) = (i / across * page.chunk_height, i % across * page.chunk_width);
            let rows = page.chunk_rows(i / across).min(page.height - top);
            let columns = page.chunk_width.min(page.width - left);
            place(&mut out, &words, (top, left), (rows, columns), page.chunk_width);
        }
    }
    Ok(out)
}

fn read_chunk(file: &mut File, chunk: Chunk) -> Result<Vec<u8>, Fault> {
    // `Page` has seen that the chunk lies inside the file.
    let mut bytes = vec![0; chunk.bytes as usize];
    file.seek(SeekFrom::Start(chunk.offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Copies a chunk's words `[y, x, sample]`, of rows `stride` pixels long, into the planes.
fn place<W: Word>(
    planes: &mut [Array2<W>],
    words: &[W],
    (top, left): (usize, usize),
    (rows, columns): (usize, usize),
    stride: usize,
) {
    let samples = planes.len();
    for (sample, plane) in planes.iter_mut().enumerate() {
        let mut target = plane.slice_mut(s![top..top + rows, left..left + columns]);
        for (y, mut row) in target.rows_mut().into_iter().enumerate() {
            let pixels = words[y * stride * samples..].chunks_exact(samples);
            for (to, pixel) in row.iter_mut().zip(pixels) {
                *to = pixel[sample];
            }
        }
    }
}
