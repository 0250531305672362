//! TIFF out, with the pixel size carried over.

mod compression;
mod writer;

pub use compression::Compression;
pub(super) use writer::{Form, TiffFile};

use super::ExportError;
use super::imagej::{self, Stack};
use crate::imaging::{Calibration, SampleType};
use ndarray::Array2;
use std::path::Path;

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

/// What the pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageAxis {
    Channels,
    /// Steps along z where the calibration has a frame step, along time where not.
    Frames,
}

/// Pages in memory, and all that their TIFF is to say of them.
pub(super) struct Document<'a> {
    pub(super) pages: TiffPages<'a>,
    pub(super) axis: PageAxis,
    pub(super) names: &'a [String],
    pub(super) calibration: &'a Calibration,
    /// Values that ImageJ shows black and white.
    pub(super) display: Option<[f64; 2]>,
}

impl Document<'_> {
    /// Writes it whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<(), ExportError> {
        let form = self.form()?;
        let pages = self.pages.shapes().len();
        let description = imagej::description(self.stack(pages), self.calibration, self.display);
        let file = TiffFile {
            form,
            pages,
            description: &description,
            labels: self.names,
            resolution: imagej::resolution(self.calibration),
        };
        file.write(path, &mut |page| Ok(self.pages.le_bytes(page)))
    }

    fn stack(&self, pages: usize) -> Stack {
        let one = Stack { channels: 1, slices: 1, frames: 1 };
        match self.axis {
            PageAxis::Channels => Stack { channels: pages, ..one },
            PageAxis::Frames if self.calibration.frame_step_nm().is_some() => Stack { slices: pages, ..one },
            PageAxis::Frames => Stack { frames: pages, ..one },
        }
    }

    /// The form of all pages; refuses pages that differ.
    fn form(&self) -> Result<Form, ExportError> {
        let shapes = self.pages.shapes();
        let refuse = |why: String| Err(ExportError::Unsupported(why));
        let Some(&(height, width)) = shapes.first() else {
            return refuse("A TIFF needs at least one page".to_owned());
        };
        if let Some(other) = shapes.iter().find(|&&shape| shape != (height, width)) {
            return refuse(format!(
                "The pages of a TIFF have one shape, but one is {height} × {width} and another {} × {}",
                other.0, other.1
            ));
        }
        if !self.names.is_empty() && self.names.len() != shapes.len() {
            return refuse(format!("There are {} pages but {} names", shapes.len(), self.names.len()));
        }
        let sample_type = match self.pages {
            TiffPages::U8(_) => SampleType::U8,
            TiffPages::U16(_) => SampleType::U16,
            TiffPages::F32(_) => SampleType::F32,
        };
        let compression = Compression::None;
        Ok(Form { height, width, samples: 1, colour: false, sample_type, compression })
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

    /// A page row by row, little-endian.
    fn le_bytes(&self, page: usize) -> Vec<u8> {
        match self {
            Self::U8(pages) => pages[page].iter().copied().collect(),
            Self::U16(pages) => pages[page].iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::F32(pages) => pages[page].iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{self, AxisScale, PixelSize, SampleType, Samples};
    use ndarray::array;
    use tiff::encoder::TiffKindBig;

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
        let (names, calibration) = (Vec::new(), Calibration::default());
        let (pages_in, axis) = (TiffPages::U8(&pages), PageAxis::Channels);
        let document =
            Document { pages: pages_in, axis, names: &names, calibration: &calibration, display: None };
        let big = TiffFile {
            form: document.form().unwrap(),
            pages: 2,
            description: "ImageJ=1.11a\nimages=2\nchannels=2\n",
            labels: &[],
            resolution: None,
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big.tif");
        let file = std::fs::File::create(&path).unwrap();
        let encoded = big.encode::<_, TiffKindBig>(file, &mut |page| Ok(pages_in.le_bytes(page)));
        assert!(encoded.is_ok());
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
