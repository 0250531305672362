//! The kernels that see the image, as a picture.

use super::ExportError;
use super::pictures::rgb_png;
use crate::files::write_whole;
use crate::imaging::{Colormap, Contrast};
use crate::inspect::FirstKernels;
use ndarray::{Array2, s};
use std::path::Path;

/// Side of a tap, and between kernels, px.
const TAP: usize = 12;
const GAP: usize = 6;

/// A PNG with a row a feature and a column a channel: blue below zero, red above, white at zero; one range for all.
///
/// # Errors
/// Kernels without taps, and a file that cannot be written.
pub fn write_kernels(kernels: &FirstKernels, path: &Path) -> Result<(), ExportError> {
    let (features, channels, height, width) = kernels.kernels.dim();
    if kernels.kernels.is_empty() {
        return Err(ExportError::Unsupported(format!("The node {} has no kernels", kernels.node)));
    }
    let (down, across) = (height * TAP + GAP, width * TAP + GAP);
    // What lies between the kernels is no number, and grey.
    let mut sheet = Array2::from_elem((features * down + GAP, channels * across + GAP), f32::NAN);
    for ((feature, channel, y, x), &value) in kernels.kernels.indexed_iter() {
        let (top, left) = (feature * down + GAP + y * TAP, channel * across + GAP + x * TAP);
        sheet.slice_mut(s![top..top + TAP, left..left + TAP]).fill(value);
    }
    let reach = kernels.kernels.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let contrast = Contrast { low: -reach, high: reach };
    let pixel = |&value: &f32| {
        if value.is_nan() { [128; 3] } else { Colormap::Signed.rgb(contrast.unit(value)) }
    };
    let rgb: Vec<u8> = sheet.iter().flat_map(pixel).collect();
    let size = [sheet.nrows(), sheet.ncols()];
    write_whole(path, |out| rgb_png(&rgb, size, out)).map_err(ExportError::at(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array4;

    #[test]
    fn kernels_stand_in_rows_of_features_and_columns_of_channels() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kernels.png");
        let kernels = Array4::from_shape_fn((3, 2, 1, 1), |(f, c, _, _)| (f as f32 - 1.0) * (1.0 - c as f32));
        let channels = vec!["Al".into(), "Si".into()];
        let kernels = FirstKernels { node: "conv1".into(), channels, kernels };
        write_kernels(&kernels, &path).unwrap();
        let picture = image::open(&path).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (2 * 18 + 6, 3 * 18 + 6));
        let ends = [picture.get_pixel(7, 7).0, picture.get_pixel(7, 43).0, picture.get_pixel(25, 7).0];
        assert_eq!(ends, [Colormap::Signed.rgb(0.0), Colormap::Signed.rgb(1.0), Colormap::Signed.rgb(0.5)]);
        assert_eq!(picture.get_pixel(1, 1).0, [128; 3]);
    }
}
