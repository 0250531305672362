//! Small pictures for the list of files.

use crate::imaging::{Colormap, Contrast, ImagingError, Micrograph, Plane};
use ndarray::{Array2, s};
use std::sync::Arc;

/// Longest side of a thumbnail in px.
const SIDE: usize = 96;
/// At most about this many pixels are averaged.
const MOST_PIXELS: usize = 1 << 20;

/// A small grey picture: width, height, RGB bytes row by row.
pub(super) type Thumbnail = (usize, usize, Arc<Vec<u8>>);

/// The first frame as a small grey picture, and its first plane, which had to be read for that.
pub(super) fn thumbnail(micrograph: &Micrograph) -> Result<(Thumbnail, Arc<Plane>), ImagingError> {
    // Held while it is looked at, a plane too large to be kept is read once.
    let plane = micrograph.plane(0, 0)?;
    Ok((small_picture(&micrograph.grey_sampled(0, MOST_PIXELS)?, specimen_share(micrograph), SIDE), plane))
}

/// Which part of the rows, from the top, is specimen: bright letters below would leave it dark.
pub(super) fn specimen_share(micrograph: &Micrograph) -> f64 {
    micrograph.specimen_rows().len() as f64 / micrograph.height().max(1) as f64
}

/// Values as a small grey picture whose longest side is at most `side` px; its brightness goes by the upper `share` of
/// the rows.
pub(super) fn small_picture(values: &Array2<f32>, share: f64, side: usize) -> Thumbnail {
    let small = shrunk(values, side);
    let rows = (share * small.nrows() as f64) as usize;
    let rgb = Colormap::Grey.render(small.view(), Contrast::auto(small.slice(s![..rows, ..])));
    (small.ncols(), small.nrows(), Arc::new(rgb))
}

/// `[y, x]` averaged down so that no side is longer than `side`; a smaller one stays as it is. Values that are not
/// finite do not count.
fn shrunk(values: &Array2<f32>, side: usize) -> Array2<f32> {
    let (height, width) = values.dim();
    let longest = height.max(width).max(1);
    if longest <= side {
        return values.clone();
    }
    let scaled = |length: usize| (length * side / longest).max(1);
    let (rows, columns) = (scaled(height), scaled(width));
    Array2::from_shape_fn((rows, columns), |(row, column)| {
        let rows = row * height / rows..(row + 1) * height / rows;
        let columns = column * width / columns..(column + 1) * width / columns;
        mean(values.slice(s![rows, columns]).iter().copied())
    })
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values
        .filter(|value| value.is_finite())
        .fold((0.0, 0_u32), |(sum, n), value| (sum + f64::from(value), n + 1));
    if count == 0 { f32::NAN } else { (sum / f64::from(count)) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn shrinking_averages_and_keeps_the_proportions() {
        let values = array![[0.0, 2.0, 4.0, 8.0], [2.0, 4.0, f32::NAN, 6.0]];
        assert_eq!(shrunk(&values, 2), array![[2.0, 6.0]]);
        assert_eq!(shrunk(&Array2::zeros((1, 1000)), 96).dim(), (1, 96));
        assert_eq!(shrunk(&Array2::zeros((192, 100)), 96).dim(), (96, 50));
    }

    #[test]
    fn small_images_stay_as_they_are() {
        let values = array![[1.0, 2.0]];
        assert_eq!(shrunk(&values, 96), values);
        assert_eq!(shrunk(&Array2::zeros((0, 0)), 96).dim(), (0, 0));
    }
}
