//! PNG, JPEG and BMP through the `image` crate.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use ndarray::Array2;

use super::axes::Axes;
use super::calibration::Calibration;
use super::error::Fault;
use super::format::{Format, Start};
use super::micrograph::{About, COLOURS, Source};
use super::{ImagingError, Micrograph, PixelSize, Plane, SampleType, Samples};

/// Decoded bytes for every byte of file that no sound picture exceeds: DEFLATE reaches 1032, JPEG less.
const MOST_EXPANSION: u64 = 2048;

/// A format of whole pictures.
pub(super) struct Raster {
    format: ImageFormat,
    name: &'static str,
    endings: &'static [&'static str],
    start: &'static [u8],
}

pub(super) static PNG: Raster =
    Raster { format: ImageFormat::Png, name: "PNG", endings: &["png"], start: b"\x89PNG\r\n\x1a\n" };
pub(super) static JPEG: Raster =
    Raster { format: ImageFormat::Jpeg, name: "JPEG", endings: &["jpg", "jpeg"], start: b"\xff\xd8\xff" };
pub(super) static BMP: Raster =
    Raster { format: ImageFormat::Bmp, name: "BMP", endings: &["bmp"], start: b"BM" };

impl Format for Raster {
    fn name(&self) -> &'static str {
        self.name
    }

    fn endings(&self) -> &'static [&'static str] {
        self.endings
    }

    fn recognises(&self, start: &Start) -> bool {
        start.begins(self.start)
    }

    /// Reads the header; the picture itself follows when a plane is asked for.
    ///
    /// The pixel density of a PNG (`pHYs`), JPEG or BMP is that of a printer or screen and is not taken as calibration;
    /// the text in which a PNG of ours names its pixel size is.
    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        let source = Picture { path: path.to_path_buf(), format: self.format };
        let (height, width, colour) = source.header().map_err(|fault| fault.at(path))?;
        let (samples, sample_type) = (usize::from(colour.channel_count()), sample_type(colour));
        let channel_names = match samples {
            1 => vec!["channel 1".into()],
            2 => vec!["grey".into(), "alpha".into()],
            n => COLOURS[..n].iter().map(|&name| name.into()).collect(),
        };
        let axes = Axes::new("YXS", &[height, width, samples]);
        let png = self.format == ImageFormat::Png;
        let pixel = if png { size_in_text(path) } else { None };
        let about = About {
            channel_names,
            colour: samples >= 3,
            calibration: pixel.as_ref().map(Calibration::of_pixel).unwrap_or_default(),
            ..About::new(path, self.name, axes, sample_type)
        };
        Ok(vec![Micrograph::from_file(about, Box::new(source))])
    }
}

fn sample_type(colour: ColorType) -> SampleType {
    match colour.bytes_per_pixel() / colour.channel_count() {
        1 => SampleType::U8,
        2 => SampleType::U16,
        _ => SampleType::F32,
    }
}

/// The pixel size that Polepiece writes into a PNG: `x 12.3 nm, y 12.3 nm, from …` under `Pixel size`.
fn size_in_text(path: &Path) -> Option<PixelSize> {
    let decoder = png::Decoder::new(BufReader::new(File::open(path).ok()?));
    let reader = catch_unwind(AssertUnwindSafe(|| decoder.read_info())).ok()?.ok()?;
    let texts = &reader.info().uncompressed_latin1_text;
    let text = &texts.iter().find(|text| text.keyword == "Pixel size")?.text;
    let (x, rest) = text.strip_prefix("x ")?.split_once(" nm, y ")?;
    let (y, source) = rest.split_once(" nm, from ")?;
    let source = format!("PNG text “Pixel size”, from {source}");
    Some(PixelSize { x_nm: x.parse().ok()?, y_nm: y.parse().ok()?, source })
}

/// A picture on disk.
struct Picture {
    path: PathBuf,
    format: ImageFormat,
}

impl Picture {
    /// A decoder behind the header, once the header's size has been checked against the file's.
    fn decoder(&self) -> Result<impl ImageDecoder + use<>, Fault> {
        let file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        let mut reader = ImageReader::with_format(BufReader::new(file), self.format);
        // The size is checked below, against the file and not against a fixed number.
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some((length * MOST_EXPANSION).max(512 << 20));
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(fault)?;
        let (width, height) = decoder.dimensions();
        if decoder.total_bytes() > (length * MOST_EXPANSION).max(64 << 20) {
            return Err(Fault::Bad(format!(
                "The header claims {width} × {height} pixels, which a file of {length} bytes cannot hold"
            )));
        }
        Ok(decoder)
    }

    /// (height, width, colour)
    fn header(&self) -> Result<(usize, usize, ColorType), Fault> {
        let decoder = self.decoder()?;
        let (width, height) = decoder.dimensions();
        Ok((height as usize, width as usize, decoder.color_type()))
    }

    fn planes(&self) -> Result<Vec<Plane>, Fault> {
        let decoder = self.decoder()?;
        // The decoders are third-party code over untrusted bytes: a panic there must stay one file's error.
        let decoded = catch_unwind(AssertUnwindSafe(|| DynamicImage::from_decoder(decoder)));
        let picture = decoded.map_err(|_| Fault::Bad("The picture's data cannot be decoded".into()))?;
        let picture = picture.map_err(fault)?;
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let count = usize::from(picture.color().channel_count());
        let shape = (height, width);
        Ok(match picture {
            DynamicImage::ImageLuma8(p) => split(shape, count, p.as_raw(), Samples::U8),
            DynamicImage::ImageLumaA8(p) => split(shape, count, p.as_raw(), Samples::U8),
            DynamicImage::ImageRgb8(p) => split(shape, count, p.as_raw(), Samples::U8),
            DynamicImage::ImageRgba8(p) => split(shape, count, p.as_raw(), Samples::U8),
            DynamicImage::ImageLuma16(p) => split(shape, count, p.as_raw(), Samples::U16),
            DynamicImage::ImageLumaA16(p) => split(shape, count, p.as_raw(), Samples::U16),
            DynamicImage::ImageRgb16(p) => split(shape, count, p.as_raw(), Samples::U16),
            DynamicImage::ImageRgba16(p) => split(shape, count, p.as_raw(), Samples::U16),
            other => return Err(Fault::Unsupported(format!("Pictures of {:?} samples", other.color()))),
        })
    }
}

impl Source for Picture {
    fn read(&self, _frame: usize, _channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        Ok(self.planes().map_err(|fault| fault.at(&self.path))?.into_iter().enumerate().collect())
    }
}

/// Takes interleaved samples `[y, x, sample]` apart into planes.
fn split<T: Copy>(
    shape: (usize, usize),
    count: usize,
    raw: &[T],
    make: impl Fn(Array2<T>) -> Samples,
) -> Vec<Plane> {
    let (height, width) = shape;
    let plane = |s: usize| Array2::from_shape_fn((height, width), |(y, x)| raw[(y * width + x) * count + s]);
    (0..count).map(|s| Plane { samples: make(plane(s)) }).collect()
}

fn fault(error: ImageError) -> Fault {
    match error {
        ImageError::IoError(e) => e.into(),
        ImageError::Unsupported(e) => Fault::Unsupported(e.to_string()),
        ImageError::Limits(e) => Fault::Bad(format!("The picture is too large for its file: {e}")),
        other => Fault::Bad(format!("The picture is damaged: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Calibration, open};
    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imaging").join(name)
    }

    #[test]
    fn a_sixteen_bit_png_stays_sixteen_bit_and_uncalibrated() {
        let png = &open(&fixture("sixteen_bit.png")).unwrap()[0];
        assert_eq!((png.format(), png.sample_type().name(), png.stored_axes()), ("PNG", "uint16", "YX"));
        assert_eq!(png.plane(0, 0).unwrap().value(3, 4), 19.0 * 300.0);
        assert_eq!(png.calibration(), &Calibration::default());
    }

    #[test]
    fn a_colour_png_has_its_samples_for_channels() {
        let png = &open(&fixture("rgba.png")).unwrap()[0];
        assert_eq!((png.stored_axes(), png.stored_shape()), ("YXS", &[4, 5, 4][..]));
        assert_eq!(png.channel_names(), COLOURS);
        let corner = [0, 1, 2, 3].map(|c| png.plane(0, c).unwrap().value(3, 4));
        assert_eq!(corner, [19.0, 59.0, 99.0, 139.0]);
        // numpy: hashlib.sha256(numpy.asarray(PIL.Image.open("rgba.png")).tobytes()).hexdigest()[:16]
        assert_eq!(png.sha256_le(&crate::monitor::Monitor::silent()).unwrap(), "76b524caa941ef28");
    }

    #[test]
    fn a_grey_jpeg_saved_as_colour_keeps_its_grey() {
        let grey = &open(&fixture("grey.jpg")).unwrap()[0];
        assert_eq!((grey.channels(), grey.plane(0, 0).unwrap().value(8, 8)), (1, 99.0));
        let colour = &open(&fixture("colour.jpg")).unwrap()[0];
        assert!(colour.is_colour());
        assert_eq!(colour.grey(0).unwrap(), Array2::from_elem((16, 16), 77.0));
    }

    /// Writes bytes as a file, and gives the error of opening and reading it.
    fn refusal(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("case");
        std::fs::write(&path, bytes).unwrap();
        let read = open(&path).and_then(|all| all[0].plane(0, 0));
        match read {
            Ok(_) => "read".into(),
            Err(ImagingError::Bad { what, .. }) => what,
            Err(other) => format!("not bad: {other}"),
        }
    }

    #[test]
    fn a_damaged_picture_is_one_message() {
        let png = std::fs::read(fixture("sixteen_bit.png")).unwrap();
        assert_eq!(refusal(&png), "read");
        for cut in 9..png.len() - 12 {
            assert_ne!(refusal(&png[..cut]), "read", "PNG cut to {cut} bytes");
        }
        let jpeg = std::fs::read(fixture("grey.jpg")).unwrap();
        for cut in (4..jpeg.len() - 8).step_by(5) {
            assert_ne!(refusal(&jpeg[..cut]), "read", "JPEG cut to {cut} bytes");
        }
        // Width and height of a JPEG stand behind its start of frame.
        let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        let mut huge = jpeg.clone();
        huge[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
        assert!(refusal(&huge).starts_with("The header claims 65535 × 65535 pixels"), "{}", refusal(&huge));
    }
}
