//! Which input positions each output of a node reads, along one axis, exactly: windows that repeat with a period.

use super::Nearest;
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slide {
    pub(super) kernel: i64,
    pub(super) stride: i64,
    pub(super) padding: i64,
    pub(super) dilation: i64,
}

impl Slide {
    /// Every output reads the input `by` positions further.
    pub(super) fn shifted(by: i64) -> Self {
        Self { kernel: 1, stride: 1, padding: -by, dilation: 1 }
    }
}

/// A resampling along one axis: `outputs` outputs for `inputs` inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampling {
    pub(super) inputs: i64,
    pub(super) outputs: i64,
    pub(super) spot: Spot,
}

/// Where among the inputs an output lies, and which of them it reads there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    /// Whether pixels are areas whose borders fall on each other; else the first pixels fall on each other.
    pub(super) centred: bool,
    /// The one neighbour that is read, where it is one.
    pub(super) rounding: Option<Nearest>,
    /// Inputs that are read on both sides must be nearer than this; 0: all inputs under the output's area.
    pub(super) reach: i64,
    /// Whether the reach grows where the image shrinks.
    pub(super) widens: bool,
}

impl Sampling {
    /// Outputs that are means of the inputs under their areas.
    pub(super) fn shared(inputs: i64, outputs: i64) -> Self {
        let spot = Spot { centred: true, rounding: None, reach: 0, widens: false };
        Self { inputs, outputs, spot }
    }

    fn taps(self, output: i64) -> Option<Taps> {
        let Self { inputs, outputs, spot } = self;
        let between = |first: i64, last: i64| Some(Taps { first, step: 1, count: last - first + 1 });
        // Places are counted in halves of 1 / outputs, so that they are whole numbers.
        let unit = outputs.checked_mul(2)?;
        let corner = output.checked_mul(inputs)?.checked_mul(2)?;
        let place = if spot.centred { corner.checked_add(inputs)?.checked_sub(outputs)? } else { corner };
        let floor = |place: i64| place.div_euclid(unit);
        let ceil = |place: i64| -(-place).div_euclid(unit);
        if let Some(rounding) = spot.rounding {
            let at = match rounding {
                Nearest::RoundPreferFloor => ceil(place.checked_sub(outputs)?),
                Nearest::RoundPreferCeil => floor(place.checked_add(outputs)?),
                Nearest::Floor => floor(place),
                Nearest::Ceil => ceil(place),
            };
            return between(at, at);
        }
        if spot.reach == 0 {
            return between(floor(corner), ceil(corner.checked_add(inputs.checked_mul(2)?)?) - 1);
        }
        let wide = if spot.widens { inputs.max(outputs) } else { outputs };
        let reach = spot.reach.checked_mul(wide)?.checked_mul(2)?;
        between(floor(place.checked_sub(reach)?) + 1, ceil(place.checked_add(reach)?) - 1)
    }
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

    /// Behind a resampling.
    pub(super) fn sample(&self, by: Sampling) -> Option<Self> {
        let shared = common(by.inputs, by.outputs);
        let by = Sampling { inputs: by.inputs / shared, outputs: by.outputs / shared, ..by };
        // So many turns of `outputs` outputs that our own windows repeat.
        let turns = self.len() / common(self.len(), by.inputs);
        let shift = self.shift.checked_mul(by.inputs.checked_mul(turns)? / self.len())?;
        self.read(by.outputs.checked_mul(turns)?, shift, |output| by.taps(output))
    }

    /// Where the windows' centres lie, for the first output: of what is alike on both sides, its middle.
    pub(super) fn centre(&self) -> f64 {
        let (start, size, _) = self.span();
        start + size / 2.0
    }

    /// Inputs for outputs, of a resampling of these windows to the grid of others.
    pub(super) fn to_grid(&self, other: &Self) -> Option<(i64, i64)> {
        Some((other.shift.checked_mul(self.len())?, self.shift.checked_mul(other.len())?))
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
mod tests;
