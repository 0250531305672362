//! Smaller copies for thumbnails and overviews.

use ndarray::{Array2, ArrayView2, s};

/// A copy whose longer side is at most `longest`: every value is the mean of the finite values of its area (NaN where
/// there are none). Smaller images come back as they are.
#[must_use]
pub fn downsampled(values: ArrayView2<'_, f32>, longest: usize) -> Array2<f32> {
    let (height, width) = values.dim();
    let longer = height.max(width);
    let longest = longest.max(1);
    if longer <= longest {
        return values.to_owned();
    }
    let scaled = |side: usize| ((side * longest + longer / 2) / longer).max(1);
    let (rows, columns) = (scaled(height), scaled(width));
    Array2::from_shape_fn((rows, columns), |(y, x)| {
        let (top, bottom) = (y * height / rows, (y + 1) * height / rows);
        let (left, right) = (x * width / columns, (x + 1) * width / columns);
        let finite = values.slice_move(s![top..bottom, left..right]).into_iter().filter(|v| v.is_finite());
        let (sum, count) = finite.fold((0.0, 0u32), |(sum, n), &v| (sum + f64::from(v), n + 1));
        if count == 0 { f32::NAN } else { (sum / f64::from(count)) as f32 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn every_value_is_the_mean_of_its_area() {
        let values = array![[1.0, 3.0, 10.0, 10.0], [5.0, 7.0, f32::NAN, 40.0]];
        assert_eq!(downsampled(values.view(), 2), array![[4.0, 20.0]]);
    }

    #[test]
    fn small_images_stay_and_thin_ones_keep_a_row() {
        let values = array![[1.0, 2.0]];
        assert_eq!(downsampled(values.view(), 2), values);
        let thin = Array2::from_elem((1, 1000), 3.0);
        assert_eq!(downsampled(thin.view(), 10), Array2::from_elem((1, 10), 3.0));
        assert!(downsampled(array![[f32::NAN], [f32::NAN]].view(), 1)[[0, 0]].is_nan());
    }
}
