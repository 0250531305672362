//! One page: what a directory says about the samples, checked, before any of them is read.

use std::path::Path;
use std::sync::Arc;

use super::super::SampleType;
use super::super::bytes::Order;
use super::super::error::Fault;
use super::directory::{Container, Directory, tag};
use super::kinds::{Compression, Photometric, Predictor, compression, photometric, predictor, sample_type};

/// A strip or tile in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub offset: u64,
    pub bytes: u64,
}

/// Where the samples of one page lie and how they are stored.
#[derive(Debug, Clone)]
// Each flag is a yes or no of its own in the file.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Page {
    pub width: usize,
    pub height: usize,
    /// Samples per pixel.
    pub samples: usize,
    /// Each sample has planes of its own (`PlanarConfiguration` 2).
    pub planar: bool,
    pub bits: usize,
    pub sample_type: SampleType,
    pub photometric: Photometric,
    pub palette: bool,
    /// The first sample beyond those of the photometric interpretation is an opacity.
    pub alpha: bool,
    pub compression: Compression,
    pub predictor: Predictor,
    /// Bits of every byte run from the lowest to the highest (`FillOrder` 2).
    pub reversed_bits: bool,
    pub jpeg_tables: Option<Arc<[u8]>>,
    pub order: Order,
    /// Chunks are tiles, all of one size; else strips, of which the last ends with the image.
    pub tiled: bool,
    pub chunk_width: usize,
    pub chunk_height: usize,
    /// Plane by plane, row by row; pages stored as one block share them.
    pub chunks: Arc<[Chunk]>,
    /// Bytes that the chunks of this page lie behind those of the list.
    pub shift: u64,
    /// A smaller copy of another page, such as a thumbnail (`NewSubfileType` bit 0).
    pub reduced: bool,
    /// Which of the file's directories it is.
    pub directory: usize,
    /// The file that it is in, where that is another than the one that was opened.
    pub elsewhere: Option<Arc<Path>>,
    /// Why there are no samples, of a plane that is named and cannot be found.
    pub missing: Option<Arc<str>>,
}

impl Page {
    pub(super) fn read(file: &Container, ifd: &Directory) -> Result<Self, Fault> {
        let one = |file: &Container, tag, default| Ok::<_, Fault>(file.number(ifd, tag)?.unwrap_or(default));
        let width = one(file, tag::IMAGE_WIDTH, 0)?;
        let height = one(file, tag::IMAGE_LENGTH, 0)?;
        // One number fits all 32 bits, and so do products of three of these with a sample's bits in u64.
        if !(1..1 << 31).contains(&width) || !(1..1 << 31).contains(&height) {
            return Err(Fault::Bad(format!("The TIFF claims an image of {width} × {height} pixels")));
        }
        let samples = one(file, tag::SAMPLES_PER_PIXEL, 1)?;
        if !(1..=65535).contains(&samples) {
            return Err(Fault::Bad(format!("The TIFF claims {samples} samples per pixel")));
        }
        let (bits, sample_type) = sample_type(file, ifd)?;
        let compression = compression(one(file, tag::COMPRESSION, 1)?, one(file, tag::T4_OPTIONS, 0)?)?;
        let photometric_number = one(file, tag::PHOTOMETRIC, 1)?;
        let photometric = photometric(photometric_number, compression)?;
        let extra = file.numbers(ifd, tag::EXTRA_SAMPLES)?;
        let mut page = Self {
            width: width as usize,
            height: height as usize,
            samples: samples as usize,
            planar: one(file, tag::PLANAR_CONFIGURATION, 1)? == 2 && samples > 1,
            bits,
            sample_type,
            photometric,
            palette: photometric_number == 3 && !is_grey_ramp(&file.numbers(ifd, tag::COLOR_MAP)?),
            alpha: matches!(extra.first(), Some(1 | 2)),
            compression,
            predictor: predictor(one(file, tag::PREDICTOR, 1)?, compression)?,
            reversed_bits: one(file, tag::FILL_ORDER, 1)? == 2,
            jpeg_tables: file.blob(ifd, tag::JPEG_TABLES)?.map(Into::into),
            order: file.order,
            tiled: ifd.has(tag::TILE_WIDTH) && ifd.has(tag::TILE_LENGTH),
            chunk_width: 0,
            chunk_height: 0,
            chunks: Arc::default(),
            shift: 0,
            // The older tag counts: 2 is a smaller copy.
            reduced: one(file, tag::NEW_SUBFILE_TYPE, 0)? & 1 == 1 || one(file, tag::SUBFILE_TYPE, 0)? == 2,
            directory: 0,
            elsewhere: None,
            missing: None,
        };
        page.check_combination()?;
        page.find_chunks(file, ifd)?;
        page.check_size(file.length())?;
        Ok(page)
    }

    /// Samples that lie side by side in a chunk.
    pub(super) fn chunk_samples(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    pub(super) fn chunks_across(&self) -> usize {
        self.width.div_ceil(self.chunk_width)
    }

    pub(super) fn chunks_per_plane(&self) -> usize {
        self.chunks_across().saturating_mul(self.height.div_ceil(self.chunk_height))
    }

    /// Bytes of a row of a chunk as stored, padded to a whole byte.
    pub(super) fn row_bytes(&self) -> usize {
        (self.chunk_width * self.chunk_samples() * self.bits).div_ceil(8)
    }

    /// Chunk number `index` of this page.
    pub(super) fn chunk(&self, index: usize) -> Chunk {
        let Chunk { offset, bytes } = self.chunks[index];
        Chunk { offset: offset + self.shift, bytes }
    }

    /// All chunks lie before the end of a file of `length` bytes.
    pub(super) fn is_inside(&self, length: u64) -> bool {
        let end = |c: &Chunk| c.offset.saturating_add(c.bytes).saturating_add(self.shift);
        self.chunks.iter().all(|c| end(c) <= length)
    }

    /// Rows stored in a chunk `row` chunks down its plane.
    pub(super) fn chunk_rows(&self, row: usize) -> usize {
        if self.tiled {
            self.chunk_height
        } else {
            self.chunk_height.min(self.height - row * self.chunk_height)
        }
    }

    /// Where the samples of a plane begin that lies in the file as in memory, but for the order of bytes.
    pub(super) fn plain_offset(&self, plane: usize) -> Option<u64> {
        let chunks = &self.chunks[plane * self.chunks_per_plane()..][..self.chunks_per_plane()];
        let plain = self.compression == Compression::None
            && self.predictor == Predictor::None
            && !self.tiled
            && !self.reversed_bits
            && self.chunk_samples() == 1
            && self.bits == 8 * self.sample_type.bytes();
        let gapless = chunks.windows(2).all(|w| w[0].offset + w[0].bytes == w[1].offset);
        let there = chunks.iter().all(|c| c.bytes > 0);
        (plain && gapless && there).then(|| chunks[0].offset + self.shift)
    }

    /// Bytes of the whole page where it is stored without gaps and compression, else `None`.
    pub(super) fn contiguous_bytes(&self) -> Option<u64> {
        let gapless = self.chunks.windows(2).all(|w| w[0].offset + w[0].bytes == w[1].offset);
        let plain = self.compression == Compression::None && self.bits.is_multiple_of(8) && !self.tiled;
        (plain && gapless).then(|| self.stored_bytes())
    }

    /// The page that follows `steps` pages behind in a series stored as one block.
    pub(super) fn shifted(&self, steps: u64) -> Option<Self> {
        let shift = self.contiguous_bytes()?.checked_mul(steps)?;
        Some(Self { shift: self.shift.checked_add(shift)?, ..self.clone() })
    }

    /// Bytes of all samples without compression and without the padding of tiles.
    fn stored_bytes(&self) -> u64 {
        let row = (self.width as u64 * self.chunk_samples() as u64 * self.bits as u64).div_ceil(8);
        let planes = if self.planar { self.samples as u64 } else { 1 };
        row.saturating_mul(self.height as u64).saturating_mul(planes)
    }

    /// Bytes that all samples take in memory, or those of one chunk where these are more.
    fn bytes_in_memory(&self) -> u64 {
        let page = [self.width, self.height, self.samples];
        let chunk = [self.chunk_width, self.chunk_height, self.chunk_samples()];
        let bytes = |lengths: [usize; 3]| {
            lengths.iter().fold(self.sample_type.bytes() as u64, |all, &n| all.saturating_mul(n as u64))
        };
        bytes(page).max(bytes(chunk))
    }

    fn check_combination(&self) -> Result<(), Fault> {
        let colours = match self.photometric {
            Photometric::Grey => 1,
            Photometric::Rgb | Photometric::YCbCr => 3,
            Photometric::Cmyk => 4,
        };
        if self.samples < colours {
            let (samples, needs) = (self.samples, colours);
            return Err(Fault::Bad(format!("A colour of {needs} samples is stored with {samples}")));
        }
        if self.photometric == Photometric::YCbCr && (self.samples != 3 || self.planar) {
            return Err(Fault::Unsupported("YCbCr in separate planes or with an alpha channel".into()));
        }
        if self.compression == Compression::Jpeg && self.bits != 8 {
            return Err(Fault::Unsupported(format!(
                "JPEG compression of {}-bit samples in a TIFF",
                self.bits
            )));
        }
        let fax = matches!(self.compression, Compression::Fax(_));
        if fax && (self.bits != 1 || self.samples != 1) {
            return Err(Fault::Bad("Fax compression of samples of more than one bit".into()));
        }
        let float = matches!(self.sample_type, SampleType::F16 | SampleType::F32 | SampleType::F64);
        match self.predictor {
            Predictor::FloatingPoint if !float => {
                Err(Fault::Bad("A floating-point predictor on samples that are not floats".into()))
            }
            Predictor::Horizontal if self.bits < 8 => {
                Err(Fault::Unsupported(format!("Horizontal predictor on {}-bit samples", self.bits)))
            }
            _ => Ok(()),
        }
    }

    fn find_chunks(&mut self, file: &Container, ifd: &Directory) -> Result<(), Fault> {
        let strips = (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS);
        let (offsets, counts) = if self.tiled {
            self.chunk_width = file.number(ifd, tag::TILE_WIDTH)?.unwrap_or(0) as usize;
            self.chunk_height = file.number(ifd, tag::TILE_LENGTH)?.unwrap_or(0) as usize;
            // Some old programs list their tiles as strips.
            let listed = ifd.has(tag::TILE_OFFSETS);
            if listed { (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS) } else { strips }
        } else {
            self.chunk_width = self.width;
            let rows = file.number(ifd, tag::ROWS_PER_STRIP)?.unwrap_or(u64::MAX);
            self.chunk_height = rows.min(self.height as u64) as usize;
            strips
        };
        if !(1..1 << 31).contains(&self.chunk_width) || !(1..1 << 31).contains(&self.chunk_height) {
            let (w, h) = (self.chunk_width, self.chunk_height);
            return Err(Fault::Bad(format!("The TIFF claims strips or tiles of {w} × {h} pixels")));
        }
        let offsets = file.numbers(ifd, offsets)?;
        let counts = file.numbers(ifd, counts)?;
        let needed = self.chunks_per_plane().saturating_mul(if self.planar { self.samples } else { 1 });
        // Files without byte counts exist; uncompressed, the count is known.
        let known = self.compression == Compression::None && !self.tiled;
        if offsets.len() < needed || (counts.len() < needed && !known) {
            let found = offsets.len().min(counts.len());
            return Err(Fault::Bad(format!(
                "The TIFF lists {found} strips or tiles where its image has {needed}"
            )));
        }
        let rows_of = |i: usize| self.chunk_rows(i % self.chunks_per_plane() / self.chunks_across());
        let chunks = (0..needed).map(|i| {
            let plain = (self.row_bytes() as u64).saturating_mul(rows_of(i) as u64);
            let counted = counts.get(i).copied().unwrap_or(plain);
            let sparse = offsets[i] == 0 && counted == 0;
            let bytes = if self.compression == Compression::None && !sparse { plain } else { counted };
            Chunk { offset: offsets[i], bytes }
        });
        self.chunks = chunks.collect();
        Ok(())
    }

    /// Refuses pages that reach beyond the end of the file, or claim more than their bytes can expand to.
    fn check_size(&self, file_length: u64) -> Result<(), Fault> {
        let beyond = |c: &&Chunk| c.offset.checked_add(c.bytes).is_none_or(|end| end > file_length);
        if let Some(chunk) = self.chunks.iter().find(beyond) {
            let end = chunk.offset.saturating_add(chunk.bytes);
            return Err(Fault::Bad(format!(
                "The file is cut short: its image needs {end} bytes and there are {file_length}"
            )));
        }
        // No more bytes come out for each that goes in: LZW's longest code, DEFLATE's and Zstandard's longest match.
        let expansion: u64 = match self.compression {
            Compression::None => 1,
            Compression::PackBits => 64,
            Compression::Deflate | Compression::Jpeg => 2048,
            Compression::Lzw => 4096,
            Compression::Fax(_) | Compression::Zstd => 1 << 16,
        };
        let held = self.chunks.iter().map(|c| c.bytes).fold(0, u64::saturating_add).min(file_length);
        // Small images may do as they like, such as those whose every tile is absent and means zero.
        let most = held.saturating_mul(expansion).max(64 << 20);
        let chunk = (self.row_bytes() as u64).saturating_mul(self.chunk_height as u64);
        // A bit becomes a byte in memory, and a byte of fax may be eight empty lines of any width. Pages of drawings have
        // far more bytes than a 4096th of their pixels, and empty ones are seldom larger than the least.
        let spread = if matches!(self.compression, Compression::Fax(_)) { 1 << 12 } else { 1 << 16 };
        let most_in_memory = held.saturating_mul(spread).max(256 << 20);
        if self.stored_bytes().max(chunk) > most || self.bytes_in_memory() > most_in_memory {
            let (w, h) = (self.width, self.height);
            return Err(Fault::Bad(format!(
                "The TIFF claims {w} × {h} pixels, which its {held} bytes of image data cannot hold"
            )));
        }
        Ok(())
    }
}

/// A palette that only says that the indices are grey values, dark to bright (reds, then greens, then blues).
fn is_grey_ramp(map: &[u64]) -> bool {
    let (red, others) = map.split_at(map.len() / 3);
    let same = others.len() == 2 * red.len() && others.chunks_exact(red.len().max(1)).all(|c| c == red);
    red.len() > 1 && same && red.windows(2).all(|pair| pair[0] < pair[1])
}
