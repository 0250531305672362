//! Random draws that are the same on every machine and with every version of the random-number crates.

use super::exact::{direction, exp, ln, mix};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// A stream of draws. Xoshiro256++ is documented as portable, unlike `StdRng`; distributions are our own, so that an
/// update of `rand_distr` cannot change a picture.
pub(super) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// The stream number `index` of `seed` for one kind of picture.
    pub(super) fn new(seed: u64, kind: u64, index: u64) -> Self {
        let mut state = mix(seed ^ mix(index ^ mix(kind)));
        let mut bytes = [0; 32];
        for word in bytes.chunks_exact_mut(8) {
            state = mix(state);
            word.copy_from_slice(&state.to_le_bytes());
        }
        Self(Xoshiro256PlusPlus::from_seed(bytes))
    }

    /// 64 random bits, to seed something else.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Even in 0..1.
    pub(super) fn unit(&mut self) -> f32 {
        super::exact::unit_of(self.bits())
    }

    /// Even between two numbers.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Even in the logarithm between two positive numbers.
    pub(super) fn log_between(&mut self, low: f32, high: f32) -> f32 {
        let span = ln(f64::from(high)) - ln(f64::from(low));
        low * exp(span * f64::from(self.unit())) as f32
    }

    /// A whole number below `count`, which is at least 1.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    pub(super) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Mean 0 and standard deviation 1: four 16-bit numbers added (Irwin and Hall), which ends at ±3.46.
    pub(super) fn normal(&mut self) -> f32 {
        let bits = self.bits();
        let sum = (0..4).map(|k| (bits >> (16 * k)) & 0xffff).sum::<u64>();
        // The sum has mean 131070 and standard deviation 37837.2.
        ((sum as f64 - 131_070.0) / 37_837.228) as f32
    }

    /// Median `middle`, and e^`spread` times it at one standard deviation.
    pub(super) fn log_normal(&mut self, middle: f32, spread: f32) -> f32 {
        middle * exp(f64::from(spread * self.normal())) as f32
    }

    /// Counts with a mean: Knuth's product of uniforms below 30, a rounded normal above.
    pub(super) fn poisson(&mut self, mean: f32) -> f32 {
        if mean <= 0.0 {
            return 0.0;
        }
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let floor = exp(-f64::from(mean));
        let (mut product, mut count) = (1.0, -1.0);
        while product > floor {
            product *= ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            count += 1.0;
        }
        count
    }

    /// A unit vector `[cos, sin]` in any direction.
    pub(super) fn heading(&mut self) -> [f32; 2] {
        direction(self.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: impl Iterator<Item = f32>) -> (f64, f64) {
        let values: Vec<f64> = values.map(f64::from).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn draws_have_the_moments_they_promise() {
        let mut dice = Dice::new(1, 2, 3);
        let (mean, variance) = moments((0..40_000).map(|_| dice.normal()));
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "normal {mean} {variance}");
        for expected in [0.3f32, 4.0, 80.0] {
            let (mean, variance) = moments((0..40_000).map(|_| dice.poisson(expected)));
            let expected = f64::from(expected);
            assert!((mean / expected - 1.0).abs() < 0.03, "poisson mean {mean} for {expected}");
            assert!((variance / expected - 1.0).abs() < 0.05, "poisson variance {variance} for {expected}");
        }
        let (mean, _) = moments((0..40_000).map(|_| dice.unit()));
        assert!((mean - 0.5).abs() < 0.01);
        assert!((0..1000).map(|_| dice.below(3)).all(|n| n < 3));
        assert!((0..1000).map(|_| dice.log_between(2.0, 8.0)).all(|v| (2.0..=8.0).contains(&v)));
    }

    #[test]
    fn every_index_has_its_own_stream() {
        let first = |seed, kind, index| Dice::new(seed, kind, index).bits();
        assert_eq!(first(1, 1, 1), first(1, 1, 1));
        assert_ne!(first(1, 1, 1), first(1, 1, 2));
        assert_ne!(first(1, 1, 1), first(1, 2, 1));
        assert_ne!(first(1, 1, 1), first(2, 1, 1));
    }
}
