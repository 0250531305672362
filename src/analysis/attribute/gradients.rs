//! The methods that ask the gradient by the input.
use super::{Baseline, Frame};
use crate::analysis::AnalysisError;
use crate::inspect::{AttributionMap, Completeness, Score, Summary};
use crate::monitor::Monitor;
use ndarray::{Array1, Array3, ArrayView1, Axis, s};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Normal};

/// Standard deviations of a Gaussian on each side that are summed.
const REACH: f32 = 4.0;

impl Frame<'_> {
    pub(super) fn gradient(&self) -> Result<AttributionMap, AnalysisError> {
        let (gradient, _) = self.asked.input_gradient(&self.image, &self.rest())?;
        Ok(self.by_pixel(&gradient, Summary::Largest))
    }

    pub(super) fn gradient_input(&self) -> Result<AttributionMap, AnalysisError> {
        let (mut gradient, _) = self.asked.input_gradient(&self.image, &self.rest())?;
        gradient *= &self.padded(&self.image);
        Ok(self.by_pixel(&gradient, Summary::Sum))
    }

    pub(super) fn smooth_grad(
        &self,
        samples: usize,
        noise: f32,
        seed: u64,
    ) -> Result<AttributionMap, AnalysisError> {
        let mut rng = StdRng::seed_from_u64(seed);
        let spread = |plane: ndarray::ArrayView2<'_, f32>| {
            let (low, high) = range(plane.iter());
            noise * (high - low)
        };
        let deviations: Vec<f32> = self.image.axis_iter(Axis(0)).map(spread).collect();
        let (mut sum, all) = (None::<Array3<f32>>, self.rest());
        for sample in 0..samples {
            let mut noisy = self.image.clone();
            for (mut plane, deviation) in noisy.axis_iter_mut(Axis(0)).zip(&deviations) {
                // A deviation that is no number says that the image is none.
                let Ok(normal) = Normal::new(0.0, *deviation) else { continue };
                plane.mapv_inplace(|value| value + normal.sample(&mut rng));
            }
            let (gradient, _) = self.asked.input_gradient(&noisy, &all.part(sample, samples))?;
            match &mut sum {
                Some(sum) => *sum += &gradient,
                None => sum = Some(gradient),
            }
        }
        let mean = sum.unwrap_or_default() / samples as f32;
        Ok(self.by_pixel(&mean, Summary::Largest))
    }

    pub(super) fn integrated(
        &self,
        steps: usize,
        baseline: Baseline,
        score: Score,
    ) -> Result<(AttributionMap, Completeness), AnalysisError> {
        let baseline = self.baseline(baseline);
        let difference = &self.image - &baseline;
        let (mut sum, all) = (None::<Array3<f32>>, self.rest());
        for step in 0..steps {
            let share = (step as f32 + 0.5) / steps as f32;
            let between = &baseline + &(&difference * share);
            let (gradient, _) = self.asked.input_gradient(&between, &all.part(step, steps))?;
            match &mut sum {
                Some(sum) => *sum += &gradient,
                None => sum = Some(gradient),
            }
        }
        let attributed = sum.unwrap_or_default() * &self.padded(&difference) / steps as f32;
        let baseline_logit = self.asked.score(&baseline, &all.part(49, 50))?.logit;
        let total: f64 = attributed.iter().map(|&value| f64::from(value)).sum();
        let completeness =
            Completeness { baseline_logit, sum: total, gap: score.logit - baseline_logit - total };
        Ok((self.by_pixel(&attributed, Summary::Sum), completeness))
    }

    /// The monitor of a method's own work; the first look at the score is little.
    pub(super) fn rest(&self) -> Monitor {
        self.monitor.clone()
    }

    /// As the network sees it: with its mirror image up to the network's grid.
    fn padded(&self, image: &Array3<f32>) -> Array3<f32> {
        let all = self.asked.padded.map(|length| 0..length);
        crate::analysis::tiling::window(image.view(), &all).index_axis_move(Axis(0), 0)
    }

    /// A map on the grid of the network's input; what lies beyond the image is left out.
    fn by_pixel(&self, values: &Array3<f32>, summary: Summary) -> AttributionMap {
        let [height, width] = self.asked.size;
        let values = values.slice(s![.., ..height, ..width]).to_owned();
        let names = self.channels.clone();
        AttributionMap { names, values, origin: [0.0; 2], scale: self.scale(), summary, smooth: false }
    }

    fn baseline(&self, baseline: Baseline) -> Array3<f32> {
        let mut image = self.image.clone();
        match baseline {
            Baseline::Zero => image.fill(0.0),
            Baseline::Black => {
                for mut plane in image.axis_iter_mut(Axis(0)) {
                    let (low, _) = range(plane.iter());
                    plane.fill(low);
                }
            }
            Baseline::Blurred(sigma) => {
                for axis in [Axis(1), Axis(2)] {
                    for mut lane in image.lanes_mut(axis) {
                        let blurred = blurred(lane.view(), sigma);
                        lane.assign(&blurred);
                    }
                }
            }
        }
        image
    }
}

fn range<'a>(values: impl Iterator<Item = &'a f32>) -> (f32, f32) {
    let ends = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    if ends.0 <= ends.1 { ends } else { (0.0, 0.0) }
}

/// Through a Gaussian; beyond the ends lies the mirror image, the end pixel twice (`SciPy`'s "reflect").
fn blurred(line: ArrayView1<'_, f32>, sigma: f32) -> Array1<f32> {
    let reach = (REACH * sigma + 0.5) as i64;
    let kernel: Vec<f64> =
        (-reach..=reach).map(|i| (-0.5 * (i as f64 / f64::from(sigma)).powi(2)).exp()).collect();
    let total: f64 = kernel.iter().sum();
    let length = line.len() as i64;
    let value = |at: i64| {
        let place = at.rem_euclid(2 * length);
        f64::from(line[place.min(2 * length - 1 - place) as usize])
    };
    let sum = |at: i64| -> f64 { (-reach..=reach).zip(&kernel).map(|(i, k)| value(at + i) * k).sum() };
    (0..length).map(|at| (sum(at) / total) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_blurred_line_is_scipy_s() {
        // scipy.ndimage.gaussian_filter1d([0, 0, 9, 0, 1.], 1.0)
        let found = blurred(array![0.0, 0.0, 9.0, 0.0, 1.0].view(), 1.0);
        let expected = array![0.525_940_7, 2.183_513_2, 3.648_914, 2.474_91, 1.166_721_8];
        assert!(found.iter().zip(&expected).all(|(a, b): (&f32, &f32)| (a - b).abs() < 2e-6), "{found}");
    }
}
