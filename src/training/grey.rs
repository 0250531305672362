//! Varies the grey levels of a crop as detectors, focus and charging do.
use super::Augment;
use super::augment::mirrored;
use ndarray::{Array1, Array3, ArrayViewMut1, Axis};
use rand::RngExt;
use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};

/// Blur, shading, contrast, gamma, brightness, negative and noise, in the order in which an instrument does them.
pub(super) fn vary_grey(crop: &mut Array3<f32>, how: &Augment, pivot: f32, rng: &mut StdRng) {
    let mut up_to = |amount: f32| amount * (rng.random::<f32>() * 2.0 - 1.0);
    let sigma = up_to(how.blur);
    let shades = [0; 3].map(|_| up_to(how.shading));
    let contrast = 1.0 + up_to(how.contrast);
    let gamma = (up_to(1.0) * (1.0 + how.gamma).ln()).exp();
    let brightness = up_to(how.brightness);
    let noise = up_to(how.noise).abs();
    let negative = rng.random::<f32>() < how.invert;
    // A negative sigma leaves that half of the crops sharp.
    if sigma > 0.2 {
        blur(crop, sigma);
    }
    if how.shading > 0.0 {
        shade(crop, shades);
    }
    let mean = crop.mean().unwrap_or(0.0);
    crop.mapv_inplace(|v| {
        let v = (v - mean) * contrast + mean;
        let v = if how.gamma > 0.0 { v.signum() * v.abs().powf(gamma) } else { v };
        if negative { 2.0 * pivot - v - brightness } else { v + brightness }
    });
    if noise > 0.0 {
        let normal = StandardNormal;
        crop.mapv_inplace(|v| {
            let deviate: f32 = normal.sample(rng);
            v + noise * deviate
        });
    }
}

/// Adds a slope along y, one along x and a bowl, each ± its amount at the edges.
fn shade(crop: &mut Array3<f32>, [slope_y, slope_x, bowl]: [f32; 3]) {
    let (_, height, width) = crop.dim();
    let unit = |i: usize, length: usize| (2.0 * i as f32 + 1.0) / length as f32 - 1.0;
    for ((_, y, x), value) in crop.indexed_iter_mut() {
        let (v, u) = (unit(y, height), unit(x, width));
        *value += slope_y * v + slope_x * u + bowl * (v * v + u * u - 1.0);
    }
}

/// Gaussian blur, edges mirrored.
fn blur(crop: &mut Array3<f32>, sigma: f32) {
    let reach = (3.0 * sigma).ceil() as i64;
    let weight = |k: i64| (-0.5 * (k as f32 / sigma).powi(2)).exp();
    let weights: Vec<f32> = (-reach..=reach).map(weight).collect();
    let total: f32 = weights.iter().sum();
    let line = |mut line: ArrayViewMut1<'_, f32>| {
        let length = line.len();
        let old = line.to_vec();
        let value = |at: usize| {
            let terms = (-reach..=reach).zip(&weights);
            terms.map(|(k, w)| w * old[mirrored(at as i64 + k, length)]).sum::<f32>() / total
        };
        line.assign(&Array1::from_shape_fn(length, value));
    };
    crop.lanes_mut(Axis(2)).into_iter().for_each(line);
    crop.lanes_mut(Axis(1)).into_iter().for_each(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn varied(value: impl Fn(usize, usize) -> f32, how: &Augment, seed: u64) -> Array3<f32> {
        let mut crop = Array3::from_shape_fn((1, 32, 32), |(_, y, x)| value(y, x));
        vary_grey(&mut crop, how, 0.5, &mut StdRng::seed_from_u64(seed));
        crop
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        let crop = varied(|y, x| (y * x) as f32, &Augment::default(), 1);
        assert_eq!(crop[[0, 3, 5]], 15.0);
    }

    #[test]
    fn a_negative_turns_about_the_pivot() {
        let crop = varied(|_, _| 0.2, &Augment { invert: 1.0, ..Augment::default() }, 1);
        assert!((crop[[0, 0, 0]] - 0.8).abs() < 1e-6);
    }

    #[test]
    fn every_amount_stays_within_its_bound() {
        for seed in 0..30 {
            let crop = varied(|_, _| 0.5, &Augment { brightness: 0.1, ..Augment::default() }, seed);
            assert!((crop[[0, 9, 9]] - 0.5).abs() <= 0.1 + 1e-6);
            let halves = |_, x| if x < 16 { 0.0 } else { 1.0 };
            let crop = varied(halves, &Augment { contrast: 0.3, ..Augment::default() }, seed);
            let step = crop[[0, 0, 31]] - crop[[0, 0, 0]];
            assert!((0.7 - 1e-5..=1.3 + 1e-5).contains(&step));
            assert!((crop.mean().unwrap() - 0.5).abs() < 1e-5, "contrast keeps the mean");
            let crop = varied(|_, _| 0.25, &Augment { gamma: 1.0, ..Augment::default() }, seed);
            assert!((0.0625 - 1e-5..=0.5 + 1e-5).contains(&crop[[0, 0, 0]]), "powers 1/2 to 2");
        }
    }

    #[test]
    fn noise_has_the_deviation_it_was_given_at_most() {
        let deviation = |seed| {
            let crop = varied(|_, _| 0.0, &Augment { noise: 0.2, ..Augment::default() }, seed);
            crop.std(0.0)
        };
        let all: Vec<f32> = (0..20).map(deviation).collect();
        assert!(all.iter().all(|d| *d < 0.22), "{all:?}");
        assert!(all.iter().any(|d| *d > 0.1), "{all:?}");
    }

    #[test]
    fn blur_spreads_a_point_and_keeps_the_sum() {
        let mut crop = Array3::zeros((1, 33, 33));
        crop[[0, 16, 16]] = 1.0;
        blur(&mut crop, 1.0);
        // 1 / (2π σ²), a little more because the tails are cut at 3 σ.
        assert!((crop[[0, 16, 16]] - 0.159).abs() < 2e-3, "{}", crop[[0, 16, 16]]);
        assert!((crop.sum() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn shading_is_a_slope_with_nothing_in_the_middle() {
        let mut crop = Array3::zeros((1, 3, 3));
        shade(&mut crop, [0.0, 0.3, 0.0]);
        let row = crop.index_axis(Axis(0), 0).row(1).to_vec();
        assert!((row[0] + 0.2).abs() < 1e-6 && row[1].abs() < 1e-6 && (row[2] - 0.2).abs() < 1e-6);
    }
}
