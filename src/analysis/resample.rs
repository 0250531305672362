//! Brings an image to a classifier's input size, or a micrograph to pixels of another size.
use super::{AnalysisError, memory};
use crate::imaging::{Micrograph, Plane};
use crate::monitor::Monitor;
use ndarray::{Array2, ArrayView2, s};

/// Longest side of a resampled picture in px.
const LONGEST: f64 = 1e5;

/// The micrograph's specimen on square pixels of `nm`, all frames and channels, with a triangle filter (Pillow's
/// `BILINEAR`); its values become f32.
///
/// # Errors
/// A micrograph without a pixel size, a picture that gets no pixel or too many, memory that is not there, and cancelling.
pub fn resampled(micrograph: &Micrograph, nm: f64, monitor: &Monitor) -> Result<Micrograph, AnalysisError> {
    let Some(pixel) = micrograph.calibration().pixel() else {
        let what = format!("{} has no pixel size to resample from; give it one first", micrograph.name());
        return Err(AnalysisError::Mismatch(what));
    };
    let rows = micrograph.specimen_rows();
    let sides = [(rows.len(), pixel.y_nm), (micrograph.width(), pixel.x_nm)];
    let wanted = sides.map(|(length, size)| (length as f64 * size / nm).round());
    if !wanted.iter().all(|side| (1.0..=LONGEST).contains(side)) {
        let what =
            format!("On pixels of {nm} nm {} would have {} × {} px", micrograph.name(), wanted[1], wanted[0]);
        return Err(AnalysisError::Mismatch(what));
    }
    let size = wanted.map(|side| side as usize);
    let (frames, channels) = (micrograph.frames(), micrograph.channels());
    let planes = (frames as u64).saturating_mul(channels as u64);
    let bytes = memory::f32_bytes([1, size[0], size[1]]).saturating_mul(planes);
    memory::check_free(&format!("Resampling {}", micrograph.name()), bytes)?;
    monitor.stage(&format!("Resampling {}", micrograph.name()));
    let plane = |frame: usize, channel: usize| {
        monitor.progress(frame * channels + channel, frames * channels)?;
        let values = micrograph.plane(frame, channel)?.to_f32();
        let values = resample(values.slice(s![rows.clone(), ..]), size);
        Ok::<_, AnalysisError>(Plane::from_f32(values))
    };
    let frame = |frame| (0..channels).map(|channel| plane(frame, channel)).collect::<Result<Vec<_>, _>>();
    let planes = (0..frames).map(frame).collect::<Result<Vec<_>, _>>()?;
    Ok(micrograph.on_pixels(planes, nm)?)
}

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
    fn a_micrograph_keeps_its_extent_on_other_pixels() {
        let micrograph = crate::analysis::tests::micrograph([2, 8, 12]);
        let coarse = resampled(&micrograph, 4.0, &Monitor::silent()).unwrap();
        assert_eq!((coarse.height(), coarse.width(), coarse.channels()), (4, 6, 2));
        let pixel = coarse.calibration().pixel().unwrap();
        assert_eq!((pixel.x_nm, pixel.y_nm, coarse.resampled_nm()), (4.0, 4.0, Some(4.0)));
        assert_eq!((pixel.source.as_str(), coarse.name()), ("resampled from 2 nm: by hand", "noise at 4 nm"));
        let expected = resample(micrograph.plane(0, 1).unwrap().to_f32().view(), [4, 6]);
        assert_eq!(coarse.plane(0, 1).unwrap().to_f32(), expected);
        let far = resampled(&micrograph, 1e9, &Monitor::silent()).unwrap_err().to_string();
        assert_eq!(far, "On pixels of 1000000000 nm noise would have 0 × 0 px");
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
