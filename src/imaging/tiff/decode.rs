//! From strips and tiles to planes of samples.

use std::convert::identity;

use half::f16;
use ndarray::Array2;
use rayon::prelude::*;

use super::super::bytes::Input;
use super::super::error::Fault;
use super::super::{Plane, SampleType, Samples};
use super::codec::{self, Tools};
use super::page::Page;
use super::unpack::{self, Word};

/// Bytes that one thread reads at once of a plane without compression.
const PIECE: usize = 4 << 20;

/// Reads one page's planes: all of them, or of planar pages only the one of `sample`.
pub(super) fn read_planes(input: &Input, page: &Page, sample: usize) -> Result<Vec<(usize, Plane)>, Fault> {
    let first = if page.planar { sample } else { 0 };
    macro_rules! planes {
        ($word:ty, $number:expr, $make:expr) => {
            words::<$word>(input, page, first)?
                .into_iter()
                .map(|words| Ok($make(shaped(page, words.into_iter().map($number).collect())?)))
                .collect::<Result<Vec<Samples>, Fault>>()?
        };
    }
    // Numbers take the place of the words they are read as.
    let samples = match page.sample_type {
        SampleType::Bool => planes!(u8, identity, Samples::Bool),
        SampleType::U8 => planes!(u8, identity, Samples::U8),
        SampleType::U16 => planes!(u16, identity, Samples::U16),
        SampleType::U32 => planes!(u32, identity, Samples::U32),
        SampleType::U64 => planes!(u64, identity, Samples::U64),
        SampleType::I8 => planes!(u8, u8::cast_signed, Samples::I8),
        SampleType::I16 => planes!(u16, u16::cast_signed, Samples::I16),
        SampleType::I32 => planes!(u32, u32::cast_signed, Samples::I32),
        SampleType::I64 => planes!(u64, u64::cast_signed, Samples::I64),
        SampleType::F16 => planes!(u16, f16::from_bits, Samples::F16),
        SampleType::F32 => planes!(u32, f32::from_bits, Samples::F32),
        SampleType::F64 => planes!(u64, f64::from_bits, Samples::F64),
    };
    Ok(samples.into_iter().enumerate().map(|(i, samples)| (first + i, Plane { samples })).collect())
}

fn shaped<T>(page: &Page, values: Vec<T>) -> Result<Array2<T>, Fault> {
    Array2::from_shape_vec((page.height, page.width), values)
        .map_err(|_| Fault::Bad("The image's size does not fit its data".into()))
}

/// The words `[y, x]` of each sample that lies in the chunks of a plane.
fn words<W: Word>(input: &Input, page: &Page, plane: usize) -> Result<Vec<Vec<W>>, Fault> {
    let mut planes = vec![vec![W::default(); page.height * page.width]; page.chunk_samples()];
    match (page.plain_offset(plane), planes.as_mut_slice()) {
        (Some(offset), [only]) => plain(input, page, offset, only)?,
        _ => chunked(input, page, plane, &mut planes)?,
    }
    Ok(planes)
}

/// A plane that lies in the file as in memory, but for the order of bytes.
fn plain<W: Word>(input: &Input, page: &Page, offset: u64, words: &mut [W]) -> Result<(), Fault> {
    words.par_chunks_mut(PIECE / size_of::<W>()).enumerate().try_for_each(|(i, part)| {
        input.fill(offset + (i * PIECE) as u64, bytemuck::cast_slice_mut(part))?;
        unpack::swap(page.order, part);
        Ok(())
    })
}

/// One chunk's rows of every plane.
type Band<'a, W> = Vec<&'a mut [W]>;

/// Strips, or rows of tiles, side by side.
fn chunked<W: Word>(input: &Input, page: &Page, plane: usize, planes: &mut [Vec<W>]) -> Result<(), Fault> {
    let mut bands: Vec<Band<'_, W>> = Vec::new();
    bands.resize_with(page.height.div_ceil(page.chunk_height), Vec::new);
    for plane in planes {
        let parts = plane.chunks_mut(page.chunk_height.saturating_mul(page.width));
        bands.iter_mut().zip(parts).for_each(|(band, part)| band.push(part));
    }
    bands.par_iter_mut().enumerate().try_for_each_init(Tools::default, |tools, (row, band)| {
        let first = plane * page.chunks_per_plane() + row * page.chunks_across();
        let rows = page.chunk_rows(row);
        // A strip of one sample has the words of its band, in its order.
        if !page.tiled
            && page.bits == W::BITS
            && let [only] = band.as_mut_slice()
        {
            codec::read(input, page, page.chunk(first), bytemuck::cast_slice_mut(only), tools)?;
            unpack::in_place(page, only);
            return Ok(());
        }
        let mut bytes = vec![0; page.row_bytes() * rows];
        let mut words = vec![W::default(); page.chunk_width * page.chunk_samples() * rows];
        for column in 0..page.chunks_across() {
            codec::read(input, page, page.chunk(first + column), &mut bytes, tools)?;
            unpack::words(page, &mut bytes, &mut words);
            place(page, &words, column * page.chunk_width, band);
        }
        Ok(())
    })
}

/// Copies a chunk's words `[y, x, sample]` into its band, from column `left` on.
fn place<W: Word>(page: &Page, words: &[W], left: usize, band: &mut Band<'_, W>) {
    let samples = band.len();
    let columns = page.chunk_width.min(page.width - left);
    for (sample, part) in band.iter_mut().enumerate() {
        let rows = part.chunks_exact_mut(page.width).zip(words.chunks_exact(page.chunk_width * samples));
        for (row, words) in rows {
            let row = &mut row[left..left + columns];
            if samples == 1 {
                row.copy_from_slice(&words[..columns]);
            } else {
                let pixels = words.chunks_exact(samples);
                row.iter_mut().zip(pixels).for_each(|(to, pixel)| *to = pixel[sample]);
            }
        }
    }
}
