//! PNG, JPEG and BMP through the `image` crate.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use ndarray::Array2;

use super::axes::Axes;
use super::bytes::{Input, Order};
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
        let mut source = Picture { path: path.to_path_buf(), format: self.format, grey: false };
        let (height, width, colour) = source.header().map_err(|fault| fault.at(path))?;
        source.grey = self.format == ImageFormat::Bmp && has_grey_palette(path).is_ok_and(|grey| grey);
        let samples = if source.grey { 1 } else { usize::from(colour.channel_count()) };
        let sample_type = sample_type(colour);
        let channel_names = match samples {
            1 => vec!["channel 1".into()],
            2 => vec!["grey".into(), "alpha".into()],
            n => COLOURS[..n].iter().map(|&name| name.into()).collect(),
        };
        let axes = Axes::new("YXS", &[height, width, samples]);
        let mut about =
            About { channel_names, colour: samples >= 3, ..About::new(path, self.name, axes, sample_type) };
        if self.format == ImageFormat::Png {
            about.metadata.extend(png_texts(path).unwrap_or_default());
            let pixel = about.metadata.get("PNG / Pixel size").and_then(size_in_text);
            about.calibration = pixel.as_ref().map(Calibration::of_pixel).unwrap_or_default();
        }
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

/// Bytes that the texts of a PNG may take.
const LONGEST_TEXTS: usize = 16 << 20;

/// The texts of a PNG that stand before its picture, by their keywords; `None` where they cannot be read.
fn png_texts(path: &Path) -> Option<Vec<(String, String)>> {
    let file = BufReader::new(File::open(path).ok()?);
    let read = move || {
        let reader =
            png::Decoder::new_with_limits(file, png::Limits { bytes: LONGEST_TEXTS }).read_info().ok()?;
        let info = reader.info();
        let plain = info.uncompressed_latin1_text.iter().map(|t| (&t.keyword, Some(t.text.clone())));
        let packed = info.compressed_latin1_text.iter().map(|t| (&t.keyword, t.get_text().ok()));
        let utf8 = info.utf8_text.iter().map(|t| (&t.keyword, t.get_text().ok()));
        let named = |(keyword, text): (&String, Option<String>)| Some((format!("PNG / {keyword}"), text?));
        Some(plain.chain(packed).chain(utf8).filter_map(named).collect())
    };
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// True when all colours of a BMP's palette are grey: old microscopes write their pictures so.
fn has_grey_palette(path: &Path) -> Result<bool, Fault> {
    let input = Input::open(path)?;
    let number = |at, size| input.number(at, size, Order::Little);
    let (header, bits) = (number(14, 4)?, number(28, 2)?);
    if header < 40 || bits > 8 {
        return Ok(false);
    }
    let used = number(46, 4)?;
    let count = if used == 0 { 1 << bits } else { used.min(1 << bits) };
    let colours = input.bytes(14 + header, 4 * count)?;
    Ok(colours.chunks_exact(4).all(|colour| colour[0] == colour[1] && colour[1] == colour[2]))
}

/// The pixel size in the text that Polepiece writes into a PNG: `x 12.3 nm, y 12.3 nm, from …` under `Pixel size`.
fn size_in_text(text: &str) -> Option<PixelSize> {
    let (x, rest) = text.strip_prefix("x ")?.split_once(" nm, y ")?;
    let (y, source) = rest.split_once(" nm, from ")?;
    let source = format!("PNG text “Pixel size”, from {source}");
    Some(PixelSize { x_nm: x.parse().ok()?, y_nm: y.parse().ok()?, source })
}

/// A picture on disk.
struct Picture {
    path: PathBuf,
    format: ImageFormat,
    /// Its colours are grey, and one channel has them all.
    grey: bool,
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
        let mut planes = self.planes().map_err(|fault| fault.at(&self.path))?;
        if self.grey {
            planes.truncate(1);
        }
        Ok(planes.into_iter().enumerate().collect())
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

    /// A BMP of 2 × 2 pixels with a palette of two colours.
    fn bmp(palette: [[u8; 4]; 2]) -> Vec<u8> {
        let long = |n: u32| n.to_le_bytes();
        let size =
            [long(40), long(2), long(2), [1, 0, 8, 0], long(0), long(8), long(0), long(0), long(2), long(2)];
        let file = [&b"BM"[..], &long(70), &long(0), &long(62)].concat();
        // Rows of four bytes, the lowest first.
        [file, size.concat(), palette.concat(), vec![0, 1, 0, 0, 1, 1, 0, 0]].concat()
    }

    #[test]
    fn a_bmp_with_a_grey_palette_is_grey_and_others_are_colour() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("case.bmp");
        std::fs::write(&path, bmp([[7, 7, 7, 0], [99, 99, 99, 0]])).unwrap();
        let grey = open(&path).unwrap().remove(0);
        assert_eq!((grey.stored_axes(), grey.channels(), grey.is_colour()), ("YX", 1, false));
        let values = grey.plane(0, 0).unwrap().to_f32();
        assert_eq!(values, ndarray::array![[99.0, 99.0], [7.0, 99.0]]);
        std::fs::write(&path, bmp([[7, 7, 8, 0], [99, 99, 99, 0]])).unwrap();
        assert!(open(&path).unwrap()[0].is_colour());
    }

    #[test]
    fn the_texts_of_a_png_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("case.png");
        let mut encoder = png::Encoder::new(File::create(&path).unwrap(), 1, 1);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.add_text_chunk("Magnification".into(), "20 kx".into()).unwrap();
        encoder.add_itxt_chunk("Pixel".into(), "2 µm".into()).unwrap();
        encoder.write_header().unwrap().write_image_data(&[5]).unwrap();
        let png = open(&path).unwrap().remove(0);
        let text = |name| png.metadata().get(name);
        assert_eq!((text("PNG / Magnification"), text("PNG / Pixel")), (Some("20 kx"), Some("2 µm")));
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
