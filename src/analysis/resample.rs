//! Brings an image to a classifier's input size.
use ndarray::{Array2, ArrayView2};

/// Resamples `[y, x]` to `size` with a triangle filter, widened when shrinking so that nothing aliases (Pillow's
/// `BILINEAR`).
#[must_use]
pub fn resample(image: ArrayView2<'_, f32>, size: [usize; 2]) -> Array2<f32> {
    if [image.nrows(), image.ncols()] == size {
        return image.to_owned();
    }
    let columns = taps(image.ncols(), size[1]);
    let rows = taps(image.nrows(), size[0]);
    let across = Array2::from_shape_fn((image.nrows(), size[1]), |(y, x)| columns[x].sum(|i| image[[y, i]]));
    Array2::from_shape_fn(size, |(y, x)| rows[y].sum(|i| across[[i, x]]))
}

/// The input pixels of one output pixel, with weights that add up to 1.
struct Taps {
    first: usize,
    weights: Vec<f64>,
}

impl Taps {
    fn sum(&self, value: impl Fn(usize) -> f32) -> f32 {
        let terms = self.weights.iter().enumerate().map(|(k, w)| w * f64::from(value(self.first + k)));
        terms.sum::<f64>() as f32
    }
}

fn taps(from: usize, to: usize) -> Vec<Taps> {
    let ratio = from as f64 / to as f64;
    let reach = ratio.max(1.0);
    let tap = |index: usize| {
        let centre = (index as f64 + 0.5) * ratio;
        let first = (centre - reach + 0.5).floor().max(0.0) as usize;
        let last = ((centre + reach + 0.5).floor() as usize).clamp(first + 1, from.max(first + 1));
        let weight = |pixel: usize| (1.0 - ((pixel as f64 + 0.5 - centre) / reach).abs()).max(0.0);
        let mut weights: Vec<f64> = (first..last).map(weight).collect();
        let total: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= total;
        }
        Taps { first, weights }
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn check(image: &Array2<f32>, expected: &Array2<f32>) {
        let found = resample(image.view(), [expected.nrows(), expected.ncols()]);
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(near, "{image} gave {found}, not {expected}");
    }

    #[test]
    fn resampling_agrees_with_pillow() {
        // Pillow 12: Image.fromarray(a).resize((w, h), Image.BILINEAR), mode F.
        let image =
            array![[1.0, 2.0, 4.0, 8.0, 16.0], [3.0, 5.0, 7.0, 9.0, 11.0], [0.0, 0.0, 10.0, 0.0, 0.0]];
        check(&image, &array![[3.380_682, 9.227_272], [3.295_455, 4.795_455]]);
        check(
            &image,
            &array![[1.428_571, 4.444_445, 12.571_428], [3.857_143, 7.0, 10.142_858], [0.0, 5.555_555, 0.0]],
        );
        check(&image, &array![[5.421_052]]);
        check(
            &array![[0.0, 10.0], [20.0, 40.0]],
            &array![[0.0, 2.5, 7.5, 10.0], [10.0, 13.75, 21.25, 25.0], [20.0, 25.0, 35.0, 40.0]],
        );
        check(&array![[7.0]], &array![[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]]);
        check(&image, &image);
    }
}
