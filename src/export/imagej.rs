//! How ImageJ says what a TIFF's pages are: its description, its labels and its pixel size.
//!
//! ImageJ, Fiji, Bio-Formats and tifffile all read these (ij.io.TiffEncoder and ij.io.FileInfo; `IJMetadata` as in
//! tifffile's `imagej_metadata_tag`).

use crate::imaging::Calibration;
use std::fmt::Write as _;

/// How the pages run: channels fastest, then slices along z, then frames in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stack {
    pub(super) channels: usize,
    pub(super) slices: usize,
    pub(super) frames: usize,
}

/// The text of the description tag, in ASCII. Without a pixel size it names no unit.
///
/// `display` are the values shown black and white, so that a mask of 0, 1 and 2 is not black all over.
pub(super) fn description(stack: Stack, calibration: &Calibration, display: Option<[f64; 2]>) -> String {
    let lengths = [("channels", stack.channels), ("slices", stack.slices), ("frames", stack.frames)];
    let pages: usize = lengths.iter().map(|(_, length)| length).product();
    let mut text = format!("ImageJ=1.11a\nimages={pages}\n");
    for (axis, length) in lengths.into_iter().filter(|(_, length)| *length > 1) {
        let _ = writeln!(text, "{axis}={length}");
    }
    if pages > 1 {
        text.push_str("hyperstack=true\nmode=grayscale\n");
    }
    let scale = resolution(calibration).and(unit_and_steps(calibration));
    if let Some((unit, _)) = &scale {
        let _ = writeln!(text, "unit={}", ascii(unit));
    }
    if stack.slices > 1
        && let Some(step) = spacing(calibration, scale.as_ref().map(|(unit, _)| unit.as_str()))
    {
        if scale.is_none() {
            text.push_str("unit=nm\n");
        }
        let _ = writeln!(text, "spacing={step}");
    }
    if stack.frames > 1
        && let Some(seconds) = interval(calibration)
    {
        let _ = writeln!(text, "finterval={seconds}\ntunit=sec");
    }
    text.push_str("loop=false\n");
    if let Some([low, high]) = display {
        let _ = write!(text, "min={low:?}\nmax={high:?}\n");
    }
    text
}

/// The z step in the unit of the pixels.
fn spacing(calibration: &Calibration, unit: Option<&str>) -> Option<f64> {
    let z = calibration.axis('Z')?;
    match unit {
        Some("nm") | None => z.step_nm(),
        Some(unit) => (z.unit == unit).then(|| z.scale.abs()),
    }
}

/// Seconds between frames, where the file has them in a unit of time.
pub(super) fn interval(calibration: &Calibration) -> Option<f64> {
    let time = calibration.axis('T')?;
    let unit = match time.unit.as_str() {
        "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" | "msec" => 1e-3,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(time.scale.abs() * unit)
}

/// What pixels are measured in: nanometres where both axes are lengths, else a unit that both have.
fn unit_and_steps(calibration: &Calibration) -> Option<(String, [f64; 2])> {
    if let Some(pixel) = calibration.pixel() {
        return Some(("nm".to_owned(), [pixel.x_nm, pixel.y_nm]));
    }
    let (x, y) = (calibration.axis('X')?, calibration.axis('Y')?);
    let named = x.unit == y.unit && !matches!(x.unit.trim(), "" | "pixel" | "pixels" | "px");
    named.then(|| (x.unit.clone(), [x.scale.abs(), y.scale.abs()]))
}

/// Pixels per unit along x and y as the fractions of the resolution tags.
pub(super) fn resolution(calibration: &Calibration) -> Option<[(u32, u32); 2]> {
    let (_, [x, y]) = unit_and_steps(calibration)?;
    Some([fraction(x)?, fraction(y)?])
}

/// ImageJ's way to write what is not ASCII.
fn ascii(text: &str) -> String {
    let mut plain = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ b' '..=b'~') => plain.push(char::from(byte)),
            _ => {
                let _ = write!(plain, "\\u{unit:04X}");
            }
        }
    }
    plain
}

/// 1 / `nm` as a fraction whose inverse reads back as `nm`, or as near to it as 32 bits allow.
fn fraction(nm: f64) -> Option<(u32, u32)> {
    let mut nearest = None;
    for exponent in (0..10).rev() {
        let numerator = 10u32.pow(exponent);
        let denominator = (nm * f64::from(numerator)).round();
        if !(1.0..=f64::from(u32::MAX)).contains(&denominator) {
            continue;
        }
        let fraction = (numerator, denominator as u32);
        if 1.0 / (f64::from(fraction.0) / denominator) == nm {
            return Some(fraction);
        }
        nearest = nearest.or(Some(fraction));
    }
    nearest
}

/// The tags `IJMetadataByteCounts` (50838) and `IJMetadata` (50839) that hold one label a page, in this machine's
/// byte order, as the encoder writes the whole file.
pub(super) fn labels(names: &[String]) -> (Vec<u32>, Vec<u8>) {
    let mut bytes = Vec::new();
    for word in [u32::from_be_bytes(*b"IJIJ"), u32::from_be_bytes(*b"labl"), names.len() as u32] {
        bytes.extend(word.to_ne_bytes());
    }
    let mut counts = vec![bytes.len() as u32];
    for name in names {
        let utf16: Vec<u8> = name.encode_utf16().flat_map(u16::to_ne_bytes).collect();
        counts.push(utf16.len() as u32);
        bytes.extend(utf16);
    }
    (counts, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{AxisScale, PixelSize};

    const ONE: Stack = Stack { channels: 1, slices: 1, frames: 1 };

    fn pixel(nm: f64) -> PixelSize {
        PixelSize { x_nm: nm, y_nm: nm, source: String::new() }
    }

    #[test]
    fn common_pixel_sizes_read_back_exactly() {
        for nm in [1.0, 12.3, 0.015, 5.0, 246.3, 0.7, 1000.0 / 3.0] {
            let (n, d) = fraction(nm).unwrap();
            let back = 1.0 / (f64::from(n) / f64::from(d));
            assert!((back / nm - 1.0).abs() < 1e-9, "{nm} gives {n}/{d}, which is {back}");
        }
        assert_eq!(fraction(12.3).map(|(n, d)| 1.0 / (f64::from(n) / f64::from(d))), Some(12.3));
        for hopeless in [1e-12, 1e12, f64::NAN, -3.0] {
            assert_eq!(fraction(hopeless), None, "{hopeless}");
        }
    }

    #[test]
    fn nothing_is_claimed_without_a_pixel_size() {
        let text = description(ONE, &Calibration::default(), None);
        assert_eq!(text, "ImageJ=1.11a\nimages=1\nloop=false\n");
        assert_eq!(resolution(&Calibration::default()), None);
    }

    #[test]
    fn pages_are_channels_or_frames_or_slices() {
        let mut calibration = Calibration::of_pixel(&pixel(2.0));
        let text = description(Stack { channels: 3, ..ONE }, &calibration, Some([0.0, 1.0]));
        let expected = "ImageJ=1.11a\nimages=3\nchannels=3\nhyperstack=true\nmode=grayscale\nunit=nm\nloop=false\n\
                        min=0.0\nmax=1.0\n";
        assert_eq!(text, expected);
        let frames = Stack { frames: 3, ..ONE };
        assert!(description(frames, &calibration, None).contains("frames=3\n"));
        calibration = calibration.with(AxisScale::new('Z', 0.0255, "µm", "test"));
        let text = description(Stack { slices: 3, ..ONE }, &calibration, None);
        assert!(text.contains("slices=3\n") && text.contains("spacing=25.5\n"));
        calibration = calibration.with(AxisScale::new('T', 40.0, "ms", "test"));
        assert!(description(frames, &calibration, None).contains("finterval=0.04\n"));
    }

    #[test]
    fn a_unit_that_is_no_length_is_kept_where_both_axes_have_it() {
        let axis = |axis, unit| AxisScale::new(axis, 0.25, unit, "test");
        let calibration = Calibration::from_axes([axis('Y', "1/µm"), axis('X', "1/µm")]);
        assert!(description(ONE, &calibration, None).contains("unit=1/\\u00B5m\n"));
        assert_eq!(resolution(&calibration).map(|[x, _]| f64::from(x.1) / f64::from(x.0)), Some(0.25));
        for other in ["pixel", "", "nm"] {
            let calibration = Calibration::from_axes([axis('Y', "1/µm"), axis('X', other)]);
            assert_eq!(resolution(&calibration), None, "{other}");
        }
    }
}
