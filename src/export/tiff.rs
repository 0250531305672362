//! TIFF out, with the pixel size carried over.
//!
//! Pages are uncompressed and lie one behind the other, because ImageJ reads a stack as one block from the first
//! page's offset on.

use super::ExportError;
use super::imagej::{self, PageAxis};
use crate::files::write_whole;
use crate::imaging::Calibration;
use ndarray::Array2;
use std::io::{self, Seek, Write};
use std::path::Path;
use tiff::encoder::{
    DirectoryEncoder, Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard, TiffValue,
};
use tiff::tags::{ResolutionUnit, Tag};
use tiff::{TiffError, TiffResult};

/// Pages `[y, x]` of equal shape and one type; several pages are channels.
#[derive(Debug, Clone, Copy)]
pub enum TiffPages<'a> {
    U8(&'a [Array2<u8>]),
    U16(&'a [Array2<u16>]),
    F32(&'a [Array2<f32>]),
}

/// Writes a TIFF that ImageJ, Bio-Formats and tifffile read alike: one page a channel, names, and the pixel size
/// when it is known. `channel_names` is empty or has one name a page.
pub fn write_tiff(
    path: &Path,
    pages: TiffPages<'_>,
    channel_names: &[String],
    calibration: &Calibration,
) -> Result<(), ExportError> {
    Document { pages, axis: PageAxis::Channels, names: channel_names, calibration, display: None }.write(path)
}

/// The same with pages that are frames: steps along z when the calibration has a frame step, else in time.
pub fn write_stack(path: &Path, pages: TiffPages<'_>, calibration: &Calibration) -> Result<(), ExportError> {
    Document { pages, axis: PageAxis::Frames, names: &[], calibration, display: None }.write(path)
}

/// Bytes of a strip, about.
const STRIP: usize = 1 << 20;

/// All that a TIFF is to hold.
pub(super) struct Document<'a> {
    pub(super) pages: TiffPages<'a>,
    pub(super) axis: PageAxis,
    pub(super) names: &'a [String],
    pub(super) calibration: &'a Calibration,
    /// Values that ImageJ shows black and white.
    pub(super) display: Option<[f64; 2]>,
}

/// Where the strips of a page are: offsets and lengths in bytes.
type Strips = Vec<(u64, u64)>;

impl Document<'_> {
    /// Writes it whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<(), ExportError> {
        self.check()?;
        let (height, width) = self.pages.shapes()[0];
        let bytes = (self.pages.shapes().len() * height * width * self.pages.sample_bytes()) as u64;
        // Classic TIFF has 32-bit offsets; a MiB is ample for the tags.
        let big = bytes + (1 << 20) > u64::from(u32::MAX);
        write_whole(path, |out| {
            let written = if big {
                self.encode::<_, TiffKindBig>(out)
            } else {
                self.encode::<_, TiffKindStandard>(out)
            };
            written.map_err(|error| match error {
                TiffError::IoError(error) => error,
                other => io::Error::other(other),
            })
        })
        .map_err(ExportError::at(path))
    }

    fn check(&self) -> Result<(), ExportError> {
        let shapes = self.pages.shapes();
        let refuse = |why: String| Err(ExportError::Unsupported(why));
        let Some(&(height, width)) = shapes.first() else {
            return refuse("A TIFF needs at least one page".to_owned());
        };
        if height == 0 || width == 0 || height > u32::MAX as usize || width > u32::MAX as usize {
            return refuse(format!("A TIFF cannot hold a picture of {height} × {width} pixels"));
        }
        if let Some(other) = shapes.iter().find(|&&shape| shape != (height, width)) {
            return refuse(format!(
                "The pages of a TIFF have one shape, but one is {height} × {width} and another {} × {}",
                other.0, other.1
            ));
        }
        if !self.names.is_empty() && self.names.len() != shapes.len() {
            return refuse(format!("There are {} pages but {} names", shapes.len(), self.names.len()));
        }
        Ok(())
    }

    fn encode<W: Write + Seek, K: TiffKind>(&self, out: W) -> TiffResult<()> {
        let mut encoder = TiffEncoder::<W, K>::new_generic(out)?;
        let mut first = encoder.image_directory()?;
        let pages: Vec<Strips> = match self.pages {
            TiffPages::U8(pages) => write_pixels(&mut first, pages)?,
            TiffPages::U16(pages) => write_pixels(&mut first, pages)?,
            TiffPages::F32(pages) => write_pixels(&mut first, pages)?,
        };
        self.tag_page(&mut first, &pages[0])?;
        self.tag_document(&mut first)?;
        first.finish()?;
        for strips in &pages[1..] {
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
        let (height, width) = self.pages.shapes()[0];
        let (bits, format) = match self.pages {
            TiffPages::U8(_) => (8u16, 1u16),
            TiffPages::U16(_) => (16, 1),
            TiffPages::F32(_) => (32, 3),
        };
        let offsets = strips.iter().map(|s| K::convert_offset(s.0)).collect::<TiffResult<Vec<_>>>()?;
        let lengths = strips.iter().map(|s| K::convert_offset(s.1)).collect::<TiffResult<Vec<_>>>()?;
        directory.write_tag(Tag::ImageWidth, width as u32)?;
        directory.write_tag(Tag::ImageLength, height as u32)?;
        directory.write_tag(Tag::BitsPerSample, bits)?;
        directory.write_tag(Tag::SampleFormat, format)?;
        directory.write_tag(Tag::Compression, 1u16)?;
        // Zero is black.
        directory.write_tag(Tag::PhotometricInterpretation, 1u16)?;
        directory.write_tag(Tag::SamplesPerPixel, 1u16)?;
        directory.write_tag(Tag::RowsPerStrip, self.pages.rows_per_strip() as u32)?;
        directory.write_tag(Tag::StripOffsets, K::convert_slice(&offsets))?;
        directory.write_tag(Tag::StripByteCounts, K::convert_slice(&lengths))?;
        if let Some([x, y]) = imagej::resolution(self.calibration.pixel().as_ref()) {
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
        let pages = self.pages.shapes().len();
        let description = imagej::description(pages, self.axis, self.calibration, self.display);
        directory.write_tag(Tag::ImageDescription, description.as_str())?;
        directory.write_tag(Tag::Software, "Polepiece")?;
        if !self.names.is_empty() {
            let (counts, bytes) = imagej::labels(self.names);
            directory.write_tag(Tag::Unknown(50838), counts.as_slice())?;
            directory.write_tag(Tag::Unknown(50839), bytes.as_slice())?;
        }
        Ok(())
    }
}

impl TiffPages<'_> {
    /// Height and width of each page.
    fn shapes(&self) -> Vec<(usize, usize)> {
        match self {
            Self::U8(pages) => pages.iter().map(Array2::dim).collect(),
            Self::U16(pages) => pages.iter().map(Array2::dim).collect(),
            Self::F32(pages) => pages.iter().map(Array2::dim).collect(),
        }
    }

    fn sample_bytes(&self) -> usize {
        match self {
            Self::U8(_) => 1,
            Self::U16(_) => 2,
            Self::F32(_) => 4,
        }
    }

    fn rows_per_strip(&self) -> usize {
        let (height, width) = self.shapes()[0];
        (STRIP / (width * self.sample_bytes())).clamp(1, height)
    }
}

/// Writes all pages as one block of samples and says where each strip came to lie.
fn write_pixels<W: Write + Seek, K: TiffKind, T: Copy>(
    directory: &mut DirectoryEncoder<'_, W, K>,
    pages: &[Array2<T>],
) -> TiffResult<Vec<Strips>>
where
    [T]: TiffValue,
{
    pages
        .iter()
        .map(|page| {
            let (height, width) = page.dim();
            let rows = (STRIP / (width * size_of::<T>())).clamp(1, height);
            let page = page.as_standard_layout();
            let samples = page.as_slice().unwrap_or_default();
            let strip = |part: &[T]| Ok((directory.write_data(part)?, size_of_val(part) as u64));
            samples.chunks(rows * width).map(strip).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{self, AxisScale, PixelSize, SampleType, Samples};
    use ndarray::array;

    fn calibrated(x_nm: f64, y_nm: f64) -> Calibration {
        let pixel = PixelSize { x_nm, y_nm, source: "test".to_owned() };
        Calibration::of_pixel(&pixel)
    }

    #[test]
    fn pages_values_and_pixel_size_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counts.tif");
        let pages = [array![[1u16, 2, 65535], [4, 5, 6]], array![[7, 8, 9], [10, 11, 12]]];
        let names = ["Al".to_owned(), "Fe Kα".to_owned()];
        write_tiff(&path, TiffPages::U16(&pages), &names, &calibrated(12.3, 0.05)).unwrap();
        let read = imaging::open(&path).unwrap();
        assert_eq!(read.len(), 1);
        let read = &read[0];
        assert_eq!((read.frames(), read.channels(), read.height(), read.width()), (1, 2, 2, 3));
        for (channel, page) in pages.iter().enumerate() {
            assert_eq!(read.plane(0, channel).unwrap().samples, Samples::U16(page.clone()));
        }
        assert_eq!(read.channel_names(), names);
        let pixel = read.calibration().pixel().unwrap();
        assert_eq!((pixel.x_nm, pixel.y_nm), (12.3, 0.05));
        assert!(read.notes().is_empty(), "{:?}", read.notes());
    }

    #[test]
    fn an_unknown_pixel_size_stays_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mask.tif");
        let pages = [array![[0u8, 1], [2, 0]]];
        write_tiff(&path, TiffPages::U8(&pages), &[], &Calibration::default()).unwrap();
        let read = &imaging::open(&path).unwrap()[0];
        assert_eq!(read.calibration().pixel(), None);
        assert_eq!(read.sample_type(), SampleType::U8);
        assert_eq!(read.plane(0, 0).unwrap().samples, Samples::U8(pages[0].clone()));
    }

    #[test]
    fn frames_come_back_as_frames_with_their_step() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stack.tif");
        let pages: Vec<_> = (0..5u8).map(|k| Array2::from_elem((3, 4), k)).collect();
        let mut calibration = calibrated(8.0, 8.0);
        write_stack(&path, TiffPages::U8(&pages), &calibration).unwrap();
        let read = &imaging::open(&path).unwrap()[0];
        assert_eq!((read.frames(), read.channels(), read.stored_axes()), (5, 1, "TYX"));
        assert_eq!(read.plane(4, 0).unwrap().value(0, 0), 4.0);
        calibration = calibration.with(AxisScale::new('Z', 40.0, "nm", "test"));
        write_stack(&path, TiffPages::U8(&pages), &calibration).unwrap();
        let read = &imaging::open(&path).unwrap()[0];
        assert_eq!((read.frames(), read.calibration().frame_step_nm()), (5, Some(40.0)));
    }

    #[test]
    fn many_strips_and_turned_arrays_keep_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tall.tif");
        let wide = Array2::from_shape_fn((700, 900), |(y, x)| (y * 1000 + x) as f32);
        let pages = [wide.clone().reversed_axes()];
        write_tiff(&path, TiffPages::F32(&pages), &[], &Calibration::default()).unwrap();
        let read = &imaging::open(&path).unwrap()[0];
        assert_eq!(read.plane(0, 0).unwrap().to_f32(), wide.t());
    }

    #[test]
    fn a_big_file_differs_in_its_offsets_only() {
        let pages = [array![[1u8, 2]], array![[3, 4]]];
        let document = Document {
            pages: TiffPages::U8(&pages),
            axis: PageAxis::Channels,
            names: &[],
            calibration: &Calibration::default(),
            display: None,
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big.tif");
        let file = std::fs::File::create(&path).unwrap();
        document.encode::<_, TiffKindBig>(file).unwrap();
        let read = &imaging::open(&path).unwrap()[0];
        assert_eq!(read.plane(0, 1).unwrap().samples, Samples::U8(pages[1].clone()));
    }

    #[test]
    fn what_cannot_be_written_is_refused_by_name() {
        let path = Path::new("never.tif");
        let refused = |pages: &[Array2<u8>], names: &[String]| {
            write_tiff(path, TiffPages::U8(pages), names, &Calibration::default()).unwrap_err().to_string()
        };
        assert_eq!(refused(&[], &[]), "A TIFF needs at least one page");
        assert_eq!(refused(&[Array2::zeros((0, 3))], &[]), "A TIFF cannot hold a picture of 0 × 3 pixels");
        let uneven = [Array2::zeros((2, 2)), Array2::zeros((2, 3))];
        assert_eq!(
            refused(&uneven, &[]),
            "The pages of a TIFF have one shape, but one is 2 × 2 and another 2 × 3"
        );
        let names = ["a".to_owned(), "b".to_owned()];
        assert_eq!(refused(&[Array2::zeros((1, 1))], &names), "There are 1 pages but 2 names");
        assert!(!path.exists());
        let page = [Array2::zeros((1, 1))];
        let missing = Path::new("/no such folder/mask.tif");
        let error = write_tiff(missing, TiffPages::U8(&page), &[], &Calibration::default()).unwrap_err();
        assert!(error.to_string().ends_with(": /no such folder/mask.tif"), "{error}");
    }
}
