//! Otsu's threshold (IEEE Trans. SMC 9, 1979): the baseline that tells when a CNN is not worth it.
use ndarray::ArrayView2;

const BINS: usize = 256;

/// The threshold over a 256-bin histogram of the finite values; values above it are foreground. A flat image gives its
/// value, an image without finite values 0. As `skimage.filters.threshold_otsu` on floating-point images: the centre
/// of the last bin that belongs to the background.
#[must_use]
pub fn otsu_threshold(values: ArrayView2<'_, f32>) -> f32 {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (min, max) =
        finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), v| (min.min(v), max.max(v)));
    if min >= max {
        return if min == max { min } else { 0.0 };
    }
    let (min, range) = (f64::from(min), f64::from(max) - f64::from(min));
    let mut counts = [0_u64; BINS];
    for value in finite() {
        let bin = (f64::from(value) - min) / range * BINS as f64;
        counts[(bin as usize).min(BINS - 1)] += 1;
    }
    let centre = |bin: usize| min + (bin as f64 + 0.5) * range / BINS as f64;
    centre(best_split(&counts)) as f32
}

/// The last bin of the lower class where the variance between the two classes is largest.
fn best_split(counts: &[u64; BINS]) -> usize {
    let bins = || counts.iter().enumerate().map(|(bin, &count)| (bin, count as f64));
    let total: f64 = bins().map(|(_, count)| count).sum();
    let total_moment: f64 = bins().map(|(bin, count)| bin as f64 * count).sum();
    let (mut below, mut moment_below) = (0.0, 0.0);
    let mut best = (0, f64::NEG_INFINITY);
    for (bin, count) in bins().take(BINS - 1) {
        below += count;
        moment_below += bin as f64 * count;
        let above = total - below;
        let distance = moment_below / below - (total_moment - moment_below) / above;
        let variance = below * above * distance * distance;
        if variance > best.1 {
            best = (bin, variance);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn thresholds_agree_with_scikit_image() {
        // scikit-image 0.26: threshold_otsu(np.array([0, 1, 1, 2, 9, 10, 10, 11], np.float32)) = 1.9980469.
        let two_hills = array![[0.0, 1.0, 1.0, 2.0], [9.0, 10.0, 10.0, 11.0]];
        assert!((otsu_threshold(two_hills.view()) - 1.998_046_9).abs() < 1e-5);

        // A third of the pixels in 300..350, the others in 0..100, by the generator x ← 1664525 x + 1013904223:
        // threshold_otsu = 100.489456.
        let mut state = 12345_u32;
        let noise = Array2::from_shape_fn((64, 64), |(y, x)| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let unit = (state >> 8) as f32 / (1 << 24) as f32;
            if (y * 64 + x) % 3 == 0 { 300.0 + unit * 50.0 } else { unit * 100.0 }
        });
        assert!((otsu_threshold(noise.view()) - 100.489_46).abs() < 1e-3);
    }

    #[test]
    fn thresholds_of_a_real_micrograph_agree_with_scikit_image() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../shared/data/seg/ampis-spheroidite/images");
        if !folder.is_dir() {
            println!("skipped: no ../shared/data");
            return;
        }
        // scikit-image 0.26: threshold_otsu(red channel as float32).
        let cases = [
            ("valid_800C-85H-Q-2_sizeRC_483_645.png", 157.880_86),
            ("train_800C-24H-Q-4_sizeRC_481_645.png", 136.962_89),
        ];
        for (name, expected) in cases {
            let series = crate::imaging::open(&folder.join(name)).unwrap();
            let red = series[0].plane(0, 0).unwrap().to_f32();
            let found = otsu_threshold(red.view());
            assert!((found - expected).abs() < 1e-3, "{name}: {found}, not {expected}");
        }
    }

    #[test]
    fn flat_and_undefined_images_have_a_threshold_too() {
        assert_eq!(otsu_threshold(array![[5.0, 5.0]].view()), 5.0);
        assert_eq!(otsu_threshold(array![[f32::NAN]].view()), 0.0);
        let with_holes = array![[0.0, f32::NAN, 1.0, f32::INFINITY]];
        assert!((0.0..1.0).contains(&otsu_threshold(with_holes.view())));
    }
}
