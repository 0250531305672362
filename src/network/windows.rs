//! Which input positions each output of a node reads, along one axis, exactly: windows that repeat with a period.

use super::stride::gcd;

/// Most windows kept per period; beyond it a node counts as seeing everything.
const MAX_PERIOD: i64 = 1024;

/// First and last input position that an output reads; `None` for an output that reads none.
pub(super) type Window = Option<(i64, i64)>;

/// The windows of all outputs of a node along one axis: output `i + period` reads what output `i` reads, `shift`
/// input positions further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Windows {
    shift: i64,
    period: Vec<Window>,
}

/// A sliding window along one axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slide {
    pub(super) kernel: i64,
    pub(super) stride: i64,
    pub(super) padding: i64,
    pub(super) dilation: i64,
}

/// `count` positions `first`, `first + step`….
#[derive(Debug, Clone, Copy)]
struct Taps {
    first: i64,
    step: i64,
    count: i64,
}

/// Methods give `None` when a number overflows, the period grows too long, or branches drift apart without bound:
/// the node then counts as seeing everything.
impl Windows {
    /// The input itself: every position reads itself.
    pub(super) fn identity() -> Self {
        Self { shift: 1, period: vec![Some((0, 0))] }
    }

    /// The window of output `index`.
    pub(super) fn at(&self, index: i64) -> Option<Window> {
        let phase = self.period[index.rem_euclid(self.len()) as usize];
        let moved = index.div_euclid(self.len()).checked_mul(self.shift)?;
        Some(match phase {
            Some((low, high)) => Some((low.checked_add(moved)?, high.checked_add(moved)?)),
            None => None,
        })
    }

    /// Input positions between neighbouring outputs.
    pub(super) fn jump(&self) -> f64 {
        self.shift as f64 / self.period.len() as f64
    }

    /// `(start, size, widest)`: the least span that holds every output's window when moved along by
    /// [`Windows::jump`], and the widest single window.
    pub(super) fn span(&self) -> (f64, f64, f64) {
        let (mut start, mut end, mut widest) = (f64::INFINITY, f64::NEG_INFINITY, 0.0_f64);
        for (index, window) in self.period.iter().enumerate() {
            let Some((low, high)) = *window else { continue };
            let moved = index as f64 * self.jump();
            start = start.min(low as f64 - moved);
            end = end.max((high + 1) as f64 - moved);
            widest = widest.max((high - low + 1) as f64);
        }
        if start <= end { (start, end - start, widest) } else { (0.0, 0.0, 0.0) }
    }

    /// Behind a convolution or pooling.
    pub(super) fn slide(&self, by: Slide) -> Option<Self> {
        let period = self.len() / common(self.len(), by.stride);
        let shift = self.shift.checked_mul(period.checked_mul(by.stride)? / self.len())?;
        self.read(period, shift, |output| {
            let first = output.checked_mul(by.stride)?.checked_sub(by.padding)?;
            Some(Taps { first, step: by.dilation, count: by.kernel })
        })
    }

    /// Behind a transposed convolution: input `i` and tap `k` meet output `i · stride + k · dilation − padding`.
    pub(super) fn spread(&self, by: Slide) -> Option<Self> {
        let shared = common(by.dilation, by.stride);
        let cycle = by.stride / shared;
        self.read(self.len().checked_mul(by.stride)?, self.shift, |output| {
            let place = output + by.padding;
            let meets = |tap: &i64| (place - tap * by.dilation).rem_euclid(by.stride) == 0;
            let Some(tap) = (0..cycle.min(by.kernel)).find(meets) else {
                return Some(Taps { first: 0, step: 1, count: 0 });
            };
            let (count, step) = ((by.kernel - 1 - tap) / cycle + 1, by.dilation / shared);
            let last = (place - tap * by.dilation) / by.stride;
            Some(Taps { first: last - (count - 1) * step, step, count })
        })
    }

    /// Behind an upsampling that repeats every value.
    pub(super) fn repeat(&self, scale: i64) -> Option<Self> {
        self.read(self.len().checked_mul(scale)?, self.shift, |output| {
            Some(Taps { first: output.div_euclid(scale), step: 1, count: 1 })
        })
    }

    /// Behind a bilinear upsampling, whose output `o` lies at `(o + ½) / scale − ½`.
    pub(super) fn interpolate(&self, scale: i64) -> Option<Self> {
        self.read(self.len().checked_mul(scale)?, self.shift, |output| {
            let (place, unit) = (2 * output + 1 - scale, 2 * scale);
            let count = if place.rem_euclid(unit) == 0 { 1 } else { 2 };
            Some(Taps { first: place.div_euclid(unit), step: 1, count })
        })
    }

    /// Of two branches that meet: from the lower start to the higher end.
    pub(super) fn union(&self, other: &Self) -> Option<Self> {
        if self.shift.checked_mul(other.len())? != other.shift.checked_mul(self.len())? {
            return None;
        }
        let period = self.len() / common(self.len(), other.len()) * other.len();
        if period > MAX_PERIOD {
            return None;
        }
        let windows: Option<Vec<Window>> =
            (0..period).map(|i| Some(hull(self.at(i)?, other.at(i)?))).collect();
        Some(Self { shift: self.shift.checked_mul(period / self.len())?, period: windows? }.shortened())
    }

    fn len(&self) -> i64 {
        self.period.len() as i64
    }

    /// The windows behind an operation whose output reads these taps of ours.
    fn read(&self, period: i64, shift: i64, taps: impl Fn(i64) -> Option<Taps>) -> Option<Self> {
        if period > MAX_PERIOD {
            return None;
        }
        let windows: Option<Vec<Window>> = (0..period).map(|output| self.reach(taps(output)?)).collect();
        Some(Self { shift, period: windows? }.shortened())
    }

    /// The union of our windows at the taps. Taps a whole period apart read alike, so the first period holds the
    /// lowest start and the last one the highest end.
    fn reach(&self, taps: Taps) -> Option<Window> {
        let mut window = None;
        let some = taps.count.min(self.len());
        for tap in (0..some).chain(taps.count - some..taps.count) {
            let at = taps.first.checked_add(tap.checked_mul(taps.step)?)?;
            window = hull(window, self.at(at)?);
        }
        Some(window)
    }

    /// The same windows with the shortest period.
    fn shortened(self) -> Self {
        let len = self.len();
        for period in (1..len).filter(|period| len % period == 0) {
            if (self.shift * period) % len != 0 {
                continue;
            }
            let short =
                Self { shift: self.shift * period / len, period: self.period[..period as usize].to_vec() };
            if (period..len).all(|i| short.at(i) == Some(self.period[i as usize])) {
                return short;
            }
        }
        self
    }
}

fn hull(a: Window, b: Window) -> Window {
    match (a, b) {
        (Some((a_low, a_high)), Some((b_low, b_high))) => Some((a_low.min(b_low), a_high.max(b_high))),
        (one, None) | (None, one) => one,
    }
}

fn common(a: i64, b: i64) -> i64 {
    gcd(a.unsigned_abs(), b.unsigned_abs()).max(1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slide(kernel: i64, stride: i64, padding: i64, dilation: i64) -> Slide {
        Slide { kernel, stride, padding, dilation }
    }

    fn first(windows: &Windows, count: i64) -> Vec<Window> {
        (0..count).map(|i| windows.at(i).unwrap()).collect()
    }

    #[test]
    fn a_strided_dilated_convolution_reads_its_taps() {
        let windows = Windows::identity().slide(slide(3, 2, 1, 2)).unwrap();
        assert_eq!(first(&windows, 3), [Some((-1, 3)), Some((1, 5)), Some((3, 7))]);
        assert_eq!((windows.jump(), windows.span()), (2.0, (-1.0, 5.0, 5.0)));
    }

    #[test]
    fn two_by_two_transposed_pairs_read_one_input() {
        let windows = Windows::identity().spread(slide(2, 2, 0, 1)).unwrap();
        assert_eq!(first(&windows, 4), [Some((0, 0)), Some((0, 0)), Some((1, 1)), Some((1, 1))]);
        // Output 1 lies at ½ and reads [0, 1), so the span that fits all outputs begins at −½ and is 1½ long.
        assert_eq!((windows.jump(), windows.span()), (0.5, (-0.5, 1.5, 1.0)));
        assert_eq!(windows, Windows::identity().repeat(2).unwrap());
    }

    #[test]
    fn a_transposed_kernel_of_3_reads_one_or_two_inputs() {
        // kernel 3, stride 2, padding 1: output o meets input i where o + 1 = 2i + k, k in 0..3.
        // o = 0: (i 0, k 1); o = 1: (i 1, k 0) and (i 0, k 2); o = 2: (i 1, k 1).
        let windows = Windows::identity().spread(slide(3, 2, 1, 1)).unwrap();
        assert_eq!(first(&windows, 4), [Some((0, 0)), Some((0, 1)), Some((1, 1)), Some((1, 2))]);
    }

    #[test]
    fn outputs_that_a_small_transposed_kernel_leaves_out_read_nothing() {
        let windows = Windows::identity().spread(slide(1, 2, 0, 1)).unwrap();
        assert_eq!(first(&windows, 3), [Some((0, 0)), None, Some((1, 1))]);
        // A 3-wide convolution behind it reads one or two.
        let behind = windows.slide(slide(3, 1, 1, 1)).unwrap();
        assert_eq!(first(&behind, 3), [Some((0, 0)), Some((0, 1)), Some((1, 1))]);
    }

    #[test]
    fn dilated_transposed_taps_skip_inputs() {
        // kernel 2, stride 2, dilation 4: output o meets i = o/2 and i = o/2 − 2 for even o, none for odd o.
        let windows = Windows::identity().spread(slide(2, 2, 0, 4)).unwrap();
        assert_eq!(first(&windows, 3), [Some((-2, 0)), None, Some((-1, 1))]);
    }

    #[test]
    fn bilinear_upsampling_reads_both_neighbours() {
        // By 2, output 0 lies at −¼ and output 1 at ¼.
        let windows = Windows::identity().interpolate(2).unwrap();
        assert_eq!(first(&windows, 3), [Some((-1, 0)), Some((0, 1)), Some((0, 1))]);
        // By 3, output 1 lies on input 0.
        let windows = Windows::identity().interpolate(3).unwrap();
        assert_eq!(first(&windows, 4), [Some((-1, 0)), Some((0, 0)), Some((0, 1)), Some((0, 1))]);
    }

    #[test]
    fn going_down_and_up_again_gives_a_short_period() {
        let down = Windows::identity().slide(slide(2, 2, 0, 1)).unwrap();
        let up = down.repeat(2).unwrap();
        assert_eq!(first(&up, 4), [Some((0, 1)), Some((0, 1)), Some((2, 3)), Some((2, 3))]);
        assert_eq!(up.slide(slide(2, 2, 0, 1)).unwrap(), down);
        let joined = up.union(&Windows::identity().slide(slide(3, 1, 1, 1)).unwrap()).unwrap();
        assert_eq!(first(&joined, 3), [Some((-1, 1)), Some((0, 2)), Some((1, 3))]);
    }

    #[test]
    fn branches_that_drift_apart_and_endless_periods_see_everything() {
        let down = Windows::identity().slide(slide(2, 2, 0, 1)).unwrap();
        assert_eq!(down.union(&Windows::identity()), None);
        assert_eq!(Windows::identity().repeat(65_535), None);
    }
}
