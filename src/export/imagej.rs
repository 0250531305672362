//! How ImageJ says what a TIFF's pages are: its description, its labels and its pixel size.
//!
//! ImageJ, Fiji, Bio-Formats and tifffile all read these (ij.io.TiffEncoder and ij.io.FileInfo; `IJMetadata` as in
//! tifffile's `imagej_metadata_tag`).

use crate::imaging::{Calibration, PixelSize};
use std::fmt::Write as _;

/// What the pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageAxis {
    Channels,
    /// Steps along z where the calibration has a frame step, along time where not.
    Frames,
}

/// The text of the description tag. Without a pixel size it names no unit.
///
/// `display` are the values shown black and white, so that a mask of 0, 1 and 2 is not black all over.
pub(super) fn description(
    pages: usize,
    axis: PageAxis,
    calibration: &Calibration,
    display: Option<[f64; 2]>,
) -> String {
    let mut text = format!("ImageJ=1.11a\nimages={pages}\n");
    if pages > 1 {
        let axis = match axis {
            PageAxis::Channels => "channels",
            PageAxis::Frames if calibration.frame_step_nm().is_some() => "slices",
            PageAxis::Frames => "frames",
        };
        let _ = write!(text, "{axis}={pages}\nhyperstack=true\nmode=grayscale\n");
    }
    if resolution(calibration.pixel().as_ref()).is_some() {
        text.push_str("unit=nm\n");
    }
    if let (Some(step), PageAxis::Frames) = (calibration.frame_step_nm(), axis) {
        let _ = writeln!(text, "spacing={step}");
    }
    text.push_str("loop=false\n");
    if let Some([low, high]) = display {
        let _ = write!(text, "min={low:?}\nmax={high:?}\n");
    }
    text
}

/// Pixels per nanometre along x and y as the fractions of the resolution tags.
pub(super) fn resolution(pixel: Option<&PixelSize>) -> Option<[(u32, u32); 2]> {
    let pixel = pixel?;
    Some([fraction(pixel.x_nm)?, fraction(pixel.y_nm)?])
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
    use crate::imaging::AxisScale;

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
        let text = description(1, PageAxis::Channels, &Calibration::default(), None);
        assert_eq!(text, "ImageJ=1.11a\nimages=1\nloop=false\n");
        assert_eq!(resolution(None), None);
    }

    #[test]
    fn pages_are_channels_or_frames_or_slices() {
        let mut calibration = Calibration::of_pixel(&pixel(2.0));
        let text = description(3, PageAxis::Channels, &calibration, Some([0.0, 1.0]));
        let expected = "ImageJ=1.11a\nimages=3\nchannels=3\nhyperstack=true\nmode=grayscale\nunit=nm\nloop=false\n\
                        min=0.0\nmax=1.0\n";
        assert_eq!(text, expected);
        assert!(description(3, PageAxis::Frames, &calibration, None).contains("frames=3\n"));
        calibration = calibration.with(AxisScale::new('Z', 25.5, "nm", "test"));
        let text = description(3, PageAxis::Frames, &calibration, None);
        assert!(text.contains("slices=3\n") && text.contains("spacing=25.5\n"));
    }
}
