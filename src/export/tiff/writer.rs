//! The one writer of TIFF files: page by page, so that no stack needs to be in memory.
//!
//! The samples of all pages lie one behind the other before the first directory, because ImageJ reads a stack as one
//! block from the first page's offset on.

use super::compression::Compression;
use crate::export::ExportError;
use crate::export::error::Broken;
use crate::files::write_whole;
use crate::imaging::SampleType;
use rayon::prelude::*;
use std::io::{self, Seek, Write};
use std::path::Path;
use tiff::encoder::{DirectoryEncoder, Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard};
use tiff::tags::{ResolutionUnit, Tag};
use tiff::{TiffError, TiffResult};

/// Bytes of a strip, about.
const STRIP: usize = 1 << 20;

/// How the samples of every page are stored.
#[derive(Debug, Clone, Copy)]
pub(in crate::export) struct Form {
    pub(in crate::export) height: usize,
    pub(in crate::export) width: usize,
    /// Samples of a pixel, side by side.
    pub(in crate::export) samples: usize,
    /// The first three samples are red, green and blue.
    pub(in crate::export) colour: bool,
    pub(in crate::export) sample_type: SampleType,
    pub(in crate::export) compression: Compression,
}

/// A TIFF to be: equal pages, and what it says of itself.
#[derive(Debug)]
pub(in crate::export) struct TiffFile<'a> {
    pub(in crate::export) form: Form,
    pub(in crate::export) pages: usize,
    /// ASCII.
    pub(in crate::export) description: &'a str,
    /// ImageJ's labels of the pages, one each, or none.
    pub(in crate::export) labels: &'a [String],
    /// Pixels per unit along x and y, where the description names the unit.
    pub(in crate::export) resolution: Option<[(u32, u32); 2]>,
}

/// Gives the samples of a page: row by row, little-endian, booleans as bytes.
type Pages<'a> = dyn FnMut(usize) -> Result<Vec<u8>, ExportError> + 'a;

/// Where the strips of a page are: offsets and lengths in bytes.
type Strips = Vec<(u64, u64)>;

impl TiffFile<'_> {
    /// Writes it whole or not at all; pages are asked for in order, once each.
    pub(in crate::export) fn write(&self, path: &Path, pages: &mut Pages<'_>) -> Result<(), ExportError> {
        let Form { height, width, .. } = self.form;
        let side = 1..=u32::MAX as usize;
        if !side.contains(&height) || !side.contains(&width) {
            let why = format!("A TIFF cannot hold a picture of {height} × {width} pixels");
            return Err(ExportError::Unsupported(why));
        }
        write_whole(path, |out| {
            if self.is_big() {
                self.encode::<_, TiffKindBig>(out, pages)
            } else {
                self.encode::<_, TiffKindStandard>(out, pages)
            }
        })
        .map_err(|broken| broken.at(path))
    }

    /// Classic TIFF has 32-bit offsets.
    fn is_big(&self) -> bool {
        let page = self.form.row_bytes() as u64 * self.form.height as u64;
        let strips = self.form.height.div_ceil(self.form.rows_per_strip()) as u64;
        // A directory and its strips' places, and ample for the text.
        let tags = (512 + 16 * strips).saturating_mul(self.pages as u64) + (1 << 20);
        let text =
            self.description.len() + self.labels.iter().map(|label| 8 + 4 * label.len()).sum::<usize>();
        let samples = self.form.compression.most(page.saturating_mul(self.pages as u64));
        samples.saturating_add(tags).saturating_add(text as u64) > u64::from(u32::MAX)
    }

    pub(super) fn encode<W: Write + Seek, K: TiffKind>(
        &self,
        out: W,
        pages: &mut Pages<'_>,
    ) -> Result<(), Broken> {
        let mut encoder = TiffEncoder::<W, K>::new_generic(out)?;
        let mut first = encoder.image_directory()?;
        let mut places = Vec::new();
        for page in 0..self.pages {
            places.push(self.form.write_samples(&mut first, pages(page)?)?);
        }
        let Some((of_first, others)) = places.split_first() else {
            return Err(ExportError::Unsupported("A TIFF needs at least one page".to_owned()).into());
        };
        self.tag_page(&mut first, of_first)?;
        self.tag_document(&mut first)?;
        first.finish()?;
        for strips in others {
            let mut directory = encoder.image_directory()?;
            self.tag_page(&mut directory, strips)?;
            directory.finish()?;
        }
        Ok(())
    }

    /// The tags that every page has (TIFF 6.0, part 1, section 4).
    fn tag_page<W: Write + Seek, K: TiffKind>(
        &self,
        directory: &mut DirectoryEncoder<'_, W, K>,
        strips: &Strips,
    ) -> TiffResult<()> {
        let form = &self.form;
        let (bits, format) = form.bits_and_format();
        let offsets = strips.iter().map(|s| K::convert_offset(s.0)).collect::<TiffResult<Vec<_>>>()?;
        let lengths = strips.iter().map(|s| K::convert_offset(s.1)).collect::<TiffResult<Vec<_>>>()?;
        directory.write_tag(Tag::ImageWidth, form.width as u32)?;
        directory.write_tag(Tag::ImageLength, form.height as u32)?;
        directory.write_tag(Tag::BitsPerSample, vec![bits; form.samples].as_slice())?;
        directory.write_tag(Tag::SampleFormat, vec![format; form.samples].as_slice())?;
        directory.write_tag(Tag::Compression, form.compression.tag())?;
        // Red, green and blue, or zero is black.
        directory.write_tag(Tag::PhotometricInterpretation, if form.colour { 2u16 } else { 1 })?;
        directory.write_tag(Tag::SamplesPerPixel, form.samples as u16)?;
        let extra = form.samples.saturating_sub(if form.colour { 3 } else { 1 });
        if extra > 0 {
            // 2 is an opacity that the colours were not multiplied with, 0 is anything.
            let mut kinds = vec![0u16; extra];
            kinds[0] = if form.colour { 2 } else { 0 };
            directory.write_tag(Tag::ExtraSamples, kinds.as_slice())?;
        }
        directory.write_tag(Tag::RowsPerStrip, form.rows_per_strip() as u32)?;
        directory.write_tag(Tag::StripOffsets, K::convert_slice(&offsets))?;
        directory.write_tag(Tag::StripByteCounts, K::convert_slice(&lengths))?;
        if let Some([x, y]) = self.resolution {
            directory.write_tag(Tag::XResolution, Rational { n: x.0, d: x.1 })?;
            directory.write_tag(Tag::YResolution, Rational { n: y.0, d: y.1 })?;
            directory.write_tag(Tag::ResolutionUnit, ResolutionUnit::None.to_u16())?;
        }
        Ok(())
    }

    /// The tags that only the first page has.
    fn tag_document<W: Write + Seek, K: TiffKind>(
        &self,
        directory: &mut DirectoryEncoder<'_, W, K>,
    ) -> TiffResult<()> {
        directory.write_tag(Tag::ImageDescription, self.description)?;
        directory.write_tag(Tag::Software, "Polepiece")?;
        if !self.labels.is_empty() {
            let (counts, bytes) = super::super::imagej::labels(self.labels);
            directory.write_tag(Tag::Unknown(50838), counts.as_slice())?;
            directory.write_tag(Tag::Unknown(50839), bytes.as_slice())?;
        }
        Ok(())
    }
}

impl Form {
    /// Bits of a sample, and the number of their format (TIFF 6.0, page 80).
    fn bits_and_format(&self) -> (u16, u16) {
        let bits = if self.sample_type == SampleType::Bool { 1 } else { self.sample_type.bytes() as u16 * 8 };
        let format = match self.sample_type {
            SampleType::Bool | SampleType::U8 | SampleType::U16 | SampleType::U32 | SampleType::U64 => 1,
            SampleType::I8 | SampleType::I16 | SampleType::I32 | SampleType::I64 => 2,
            SampleType::F16 | SampleType::F32 | SampleType::F64 => 3,
        };
        (bits, format)
    }

    /// Bytes of a row in the file.
    fn row_bytes(&self) -> usize {
        let samples = self.width * self.samples;
        if self.sample_type == SampleType::Bool {
            samples.div_ceil(8)
        } else {
            samples * self.sample_type.bytes()
        }
    }

    fn rows_per_strip(&self) -> usize {
        (STRIP / self.row_bytes().max(1)).clamp(1, self.height.max(1))
    }

    /// Writes the samples of a page and says where each strip came to lie.
    fn write_samples<W: Write + Seek, K: TiffKind>(
        &self,
        directory: &mut DirectoryEncoder<'_, W, K>,
        samples: Vec<u8>,
    ) -> TiffResult<Strips> {
        let stored = self.stored(samples);
        let expected = self.row_bytes() * self.height;
        if stored.len() != expected {
            let why = format!("A page has {} bytes where {expected} are needed", stored.len());
            return Err(TiffError::IoError(io::Error::other(why)));
        }
        let strips = stored.par_chunks(self.rows_per_strip() * self.row_bytes());
        let packed: Vec<_> = strips.map(|strip| self.compression.pack(strip)).collect::<io::Result<_>>()?;
        packed.iter().map(|strip| Ok((directory.write_data(&**strip)?, strip.len() as u64))).collect()
    }

    /// Little-endian samples as the file has them: in this machine's byte order, like all that the encoder writes, and
    /// booleans as bits, the first in the highest.
    fn stored(&self, mut samples: Vec<u8>) -> Vec<u8> {
        if self.sample_type == SampleType::Bool {
            let byte = |bits: &[u8]| {
                bits.iter().enumerate().fold(0, |byte, (i, &bit)| byte | u8::from(bit != 0) << (7 - i))
            };
            let row = (self.width * self.samples).max(1);
            return samples.chunks(row).flat_map(|row| row.chunks(8).map(byte)).collect();
        }
        if cfg!(target_endian = "big") {
            samples.chunks_exact_mut(self.sample_type.bytes()).for_each(<[u8]>::reverse);
        }
        samples
    }
}
