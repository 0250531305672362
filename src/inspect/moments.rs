//! Mean, spread and range of values that come a piece at a time.
use super::FeatureStatistics;

/// Values that are looked at twice while they are near the processor.
const PIECE: usize = 2048;
/// Sums that run side by side, so that the compiler makes vectors of them.
const LANES: usize = 8;

/// Of all finite values so far. The variance is gathered as squares about the mean of each piece and pieces are joined
/// (Chan, Golub and `LeVeque` 1979), so that nothing is lost where the mean is far from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// Values, finite or not.
    all: u64,
    count: u64,
    zeros: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
    min: f32,
    max: f32,
}

impl Moments {
    pub(super) fn new() -> Self {
        let (min, max) = (f32::INFINITY, f32::NEG_INFINITY);
        Self { all: 0, count: 0, zeros: 0, mean: 0.0, squares: 0.0, min, max }
    }

    pub(super) fn add(&mut self, values: &[f32]) {
        for piece in values.chunks(PIECE) {
            self.join(of_piece(piece));
        }
    }

    fn join(&mut self, other: Self) {
        self.all += other.all;
        let count = self.count + other.count;
        if other.count == 0 {
            return;
        }
        let (before, share) = (self.count as f64, other.count as f64 / count as f64);
        let apart = other.mean - self.mean;
        self.mean += apart * share;
        self.squares += other.squares + apart * apart * before * share;
        self.count = count;
        self.zeros += other.zeros;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    pub(super) fn statistics(&self) -> FeatureStatistics {
        if self.count == 0 {
            let nan = f32::NAN;
            return FeatureStatistics {
                mean: nan,
                variance: nan,
                min: nan,
                max: nan,
                sparsity: 0.0,
                dead: true,
            };
        }
        let count = self.count as f64;
        FeatureStatistics {
            mean: self.mean as f32,
            variance: (self.squares / count) as f32,
            min: self.min,
            max: self.max,
            sparsity: (self.zeros as f64 / count) as f32,
            dead: if self.all == 1 { self.zeros == 1 } else { self.min == self.max },
        }
    }
}

/// A piece's own numbers, in whole vectors as long as every value is finite.
fn of_piece(values: &[f32]) -> Moments {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let (mut sums, mut odd, mut zeros) = ([0.0_f64; LANES], [0.0_f32; LANES], [0_u32; LANES]);
    let (mut mins, mut maxs) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    for block in blocks {
        for (lane, &value) in block.iter().enumerate() {
            sums[lane] += f64::from(value);
            zeros[lane] += u32::from(value == 0.0);
            mins[lane] = if value < mins[lane] { value } else { mins[lane] };
            maxs[lane] = if value > maxs[lane] { value } else { maxs[lane] };
            // 0 of a finite value, else NaN.
            odd[lane] += value * 0.0;
        }
    }
    let mut found = Moments::new();
    if odd.iter().any(|odd| odd.is_nan()) {
        for &value in values {
            found.join(of_one(value));
        }
        return found;
    }
    let count = values.len() - rest.len();
    let mean = sums.iter().sum::<f64>() / count.max(1) as f64;
    let mut squares = [0.0_f64; LANES];
    for block in blocks {
        for (lane, &value) in block.iter().enumerate() {
            let apart = f64::from(value) - mean;
            squares[lane] += apart * apart;
        }
    }
    found.join(Moments {
        all: count as u64,
        count: count as u64,
        zeros: zeros.iter().map(|&zeros| u64::from(zeros)).sum(),
        mean,
        squares: squares.iter().sum(),
        min: mins.into_iter().fold(f32::INFINITY, f32::min),
        max: maxs.into_iter().fold(f32::NEG_INFINITY, f32::max),
    });
    for &value in rest {
        found.join(of_one(value));
    }
    found
}

fn of_one(value: f32) -> Moments {
    if !value.is_finite() {
        return Moments { all: 1, ..Moments::new() };
    }
    let (zeros, mean) = (u64::from(value == 0.0), f64::from(value));
    Moments { all: 1, count: 1, zeros, mean, squares: 0.0, min: value, max: value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&[f32]]) -> FeatureStatistics {
        let mut moments = Moments::new();
        for piece in pieces {
            moments.add(piece);
        }
        moments.statistics()
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        // Far from zero, where the difference of two large sums would lose the variance: 1000 + 0, 1, … 9.
        let values: Vec<f32> = (0..9000).map(|k| 1000.0 + (k % 10) as f32).collect();
        let whole = of(&[&values]);
        assert_eq!((whole.mean, whole.variance), (1004.5, 8.25));
        assert_eq!((whole.min, whole.max, whole.sparsity, whole.dead), (1000.0, 1009.0, 0.0, false));
        let cut = of(&[&values[..1], &values[1..4000], &[], &values[4000..]]);
        assert_eq!((cut.mean, cut.min, cut.max), (whole.mean, whole.min, whole.max));
        assert!((cut.variance - 8.25).abs() < 1e-5, "{}", cut.variance);
    }

    #[test]
    fn what_is_not_finite_does_not_count() {
        let found = of(&[&[f32::NAN, 0.0], &[f32::INFINITY], &[2.0, f32::NEG_INFINITY]]);
        assert_eq!((found.mean, found.variance, found.sparsity), (1.0, 1.0, 0.5));
        assert!(of(&[&[f32::NAN]]).dead && of(&[]).mean.is_nan());
    }
}
