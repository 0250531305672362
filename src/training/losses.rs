//! What training makes small: cross-entropy, soft Dice and their sum, over logits.
use super::Loss;
use crate::analysis::IGNORE;
use candle_core::{Result, Tensor};

/// A loss with the weight of each class in its cross-entropy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LossFunction {
    pub kind: Loss,
    pub class_weights: Vec<f32>,
}

impl LossFunction {
    /// Of `logits` `[batch, class, y, x]` or `[batch, class]` against labels in the order `[batch, y, x]` or
    /// `[batch]`. A scalar; 0 where every label is [`IGNORE`].
    pub(super) fn of(&self, logits: &Tensor, labels: &[u8]) -> Result<Tensor> {
        let classes = self.class_weights.len();
        let batch = logits.dim(0)?;
        let logits = logits.reshape((batch, classes, labels.len() / batch))?;
        let max = logits.detach().max_keepdim(1)?;
        let shifted = logits.broadcast_sub(&max)?;
        let log_p = shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(1)?.log()?)?;
        let truth = OneHot::new(labels, batch, classes);
        match self.kind {
            Loss::CrossEntropy => self.cross_entropy(&log_p, &truth),
            Loss::Dice => dice(&log_p, &truth),
            // Distances are of numbers, not of classes; recipes that ask for one here are refused.
            _ => self.cross_entropy(&log_p, &truth)? + dice(&log_p, &truth)?,
        }
    }

    /// PyTorch's `cross_entropy(weight = …)`: the mean over pixels, each counting as its class does.
    fn cross_entropy(&self, log_p: &Tensor, truth: &OneHot) -> Result<Tensor> {
        let weighted = truth.tensor(log_p, &self.class_weights)?;
        let total: f64 =
            truth.counts().iter().zip(&self.class_weights).map(|(n, w)| *n as f64 * f64::from(*w)).sum();
        let scale = if total > 0.0 { -1.0 / total } else { 0.0 };
        (log_p * weighted)?.sum_all()? * scale
    }
}

/// 1 − the mean over classes of (2 Σ p·t + 1) / (Σ p + Σ t + 1), sums over the whole batch (Milletari et al. 2016,
/// with unsquared denominators).
fn dice(log_p: &Tensor, truth: &OneHot) -> Result<Tensor> {
    let mut p = log_p.exp()?;
    if truth.labels.contains(&IGNORE) {
        p = p.broadcast_mul(&truth.valid(log_p)?)?;
    }
    let both = (&p * truth.tensor(log_p, &vec![1.0; truth.classes])?)?.sum((0, 2))?;
    let counts: Vec<f32> = truth.counts().iter().map(|n| *n as f32 + 1.0).collect();
    let counts = Tensor::from_vec(counts, truth.classes, log_p.device())?;
    let ratio = (((both * 2.0)? + 1.0)? / (p.sum((0, 2))? + counts)?)?;
    1.0 - ratio.mean_all()?
}

/// Labels as planes of 0 and 1.
struct OneHot<'a> {
    labels: &'a [u8],
    batch: usize,
    classes: usize,
}

impl<'a> OneHot<'a> {
    fn new(labels: &'a [u8], batch: usize, classes: usize) -> Self {
        Self { labels, batch, classes }
    }

    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.classes];
        for label in self.labels {
            if let Some(count) = counts.get_mut(usize::from(*label)) {
                *count += 1;
            }
        }
        counts
    }

    /// `[batch, class, pixel]`, with `values[class]` where the label is that class and 0 elsewhere.
    fn tensor(&self, like: &Tensor, values: &[f32]) -> Result<Tensor> {
        let pixels = self.labels.len() / self.batch;
        let mut planes = vec![0f32; self.batch * self.classes * pixels];
        for (at, label) in self.labels.iter().enumerate() {
            let class = usize::from(*label);
            if class < self.classes {
                planes[(at / pixels * self.classes + class) * pixels + at % pixels] = values[class];
            }
        }
        Tensor::from_vec(planes, (self.batch, self.classes, pixels), like.device())
    }

    /// `[batch, 1, pixel]`, 0 where the label is ignored.
    fn valid(&self, like: &Tensor) -> Result<Tensor> {
        let valid: Vec<f32> = self.labels.iter().map(|l| if *l == IGNORE { 0.0 } else { 1.0 }).collect();
        Tensor::from_vec(valid, (self.batch, 1, self.labels.len() / self.batch), like.device())
    }
}

/// Pixels of all classes / (classes × pixels of the class); 0 for a class without pixels.
pub(super) fn balanced_weights(counts: &[u64]) -> Vec<f32> {
    let present = counts.iter().filter(|n| **n > 0).count();
    let total: u64 = counts.iter().sum();
    let weight = |n: &u64| if *n > 0 { total as f64 / (present as f64 * *n as f64) } else { 0.0 };
    counts.iter().map(|n| weight(n) as f32).collect()
}

#[cfg(test)]
mod tests {
    //! Expected numbers: `tests/reference/losses.py` (PyTorch 2).
    use super::*;
    use candle_core::{Device, Var};

    fn check(kind: Loss, logits: &Var, labels: &[u8], weights: &[f32], expected: (f32, &[f32])) {
        let function = LossFunction { kind, class_weights: weights.to_vec() };
        let loss = function.of(logits.as_tensor(), labels).unwrap();
        let gradients = loss.backward().unwrap();
        // No gradient at all means that nothing pulls.
        let gradient = gradients.get(logits).cloned().unwrap_or(logits.zeros_like().unwrap());
        let gradient = gradient.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let value = loss.to_scalar::<f32>().unwrap();
        assert!((value - expected.0).abs() < 2e-6, "{kind:?}: {value}");
        for (found, expected) in gradient.iter().zip(expected.1) {
            assert!((found - expected).abs() < 1e-6, "{kind:?}: {gradient:?}");
        }
        assert_eq!(gradient.len(), expected.1.len());
    }

    fn pixels() -> Var {
        let values = [0.5f32, -1.0, 2.0, 0.1, 1.5, 0.3, -0.7, 0.2, -0.2, 0.8, 0.4, -1.3];
        Var::from_slice(&values, (1, 3, 2, 2), &Device::Cpu).unwrap()
    }

    const LABELS: [u8; 4] = [1, 2, 0, IGNORE];
    const WEIGHTS: [f32; 3] = [1.0, 2.0, 5.0];
    const CROSS_ENTROPY: (f32, [f32; 12]) = (
        0.496_951_1,
        [
            0.059_313_9,
            0.058_308,
            -0.026_505_2,
            0.0,
            -0.088_768_2,
            0.213_949_3,
            0.006_619_4,
            0.0,
            0.029_454_4,
            -0.272_257_3,
            0.019_885_8,
            0.0,
        ],
    );
    const DICE: (f32, [f32; 12]) = (
        0.223_856_7,
        [
            0.034_437_8,
            0.012_557_4,
            -0.035_430_3,
            0.0,
            -0.051_492_8,
            0.044_122_2,
            0.008_637_1,
            0.0,
            0.017_054_9,
            -0.056_679_6,
            0.026_793_2,
            0.0,
        ],
    );

    #[test]
    fn cross_entropy_is_that_of_pytorch() {
        check(Loss::CrossEntropy, &pixels(), &LABELS, &WEIGHTS, (CROSS_ENTROPY.0, &CROSS_ENTROPY.1));
    }

    #[test]
    fn dice_is_that_of_pytorch() {
        check(Loss::Dice, &pixels(), &LABELS, &WEIGHTS, (DICE.0, &DICE.1));
    }

    #[test]
    fn both_is_the_sum() {
        let sum: Vec<f32> = CROSS_ENTROPY.1.iter().zip(DICE.1).map(|(a, b)| a + b).collect();
        check(Loss::Both, &pixels(), &LABELS, &WEIGHTS, (CROSS_ENTROPY.0 + DICE.0, &sum));
    }

    #[test]
    fn a_classifier_s_cross_entropy_is_that_of_pytorch() {
        let logits = Var::from_slice(&[0.5f32, -1.0, 2.0, 0.1, 1.5, 0.3], (2, 3), &Device::Cpu).unwrap();
        let gradient = [0.087_645_2, 0.019_556_3, -0.107_201_5, -0.420_339_1, 0.323_041, 0.097_298_1];
        check(Loss::CrossEntropy, &logits, &[2, 0], &[1.0; 3], (1.039_070_1, &gradient));
    }

    #[test]
    fn nothing_labelled_pulls_nowhere() {
        check(Loss::CrossEntropy, &pixels(), &[IGNORE; 4], &WEIGHTS, (0.0, &[0.0; 12]));
    }

    #[test]
    fn balanced_weights_make_every_class_count_the_same() {
        let weights = balanced_weights(&[60, 30, 10, 0]);
        let expected = [100.0 / 180.0, 100.0 / 90.0, 100.0 / 30.0, 0.0];
        assert!(weights.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6), "{weights:?}");
    }
}
