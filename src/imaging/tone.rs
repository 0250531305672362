//! The curve between black and white: gamma, a logarithmic scale, inversion.

use serde::{Deserialize, Serialize};

/// What a logarithmic scale spans: three decades.
const SPAN: f64 = 1000.0;

/// What happens to a brightness u in 0..=1 before it becomes a colour, in this order:
///
/// 1. logarithmic: u ← ln(1 + 999·u) / ln 1000, so that a thousandth of the window is a tenth of the brightness;
/// 2. gamma: u ← u^gamma, so that a gamma below 1 brightens what is dark;
/// 3. inverted: u ← 1 − u.
///
/// ```
/// use polepiece::imaging::Tone;
/// let tone = Tone { gamma: 2.0, ..Tone::default() };
/// assert_eq!(tone.of(0.5), 0.25);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tone {
    pub gamma: f32,
    #[serde(rename = "log")]
    pub logarithmic: bool,
    #[serde(rename = "invert")]
    pub inverted: bool,
}

impl Default for Tone {
    fn default() -> Self {
        Self { gamma: 1.0, logarithmic: false, inverted: false }
    }
}

impl Tone {
    /// The gammas that can be shown; beyond them a picture is black and white only.
    pub const GAMMAS: std::ops::RangeInclusive<f32> = 0.05..=20.0;

    /// The same with a gamma within [`Tone::GAMMAS`]; one that is no number becomes 1.
    #[must_use]
    pub fn in_range(self) -> Self {
        let gamma = if self.gamma.is_nan() { 1.0 } else { self.gamma };
        Self { gamma: gamma.clamp(*Self::GAMMAS.start(), *Self::GAMMAS.end()), ..self }
    }

    /// The brightness that a brightness becomes.
    #[must_use]
    pub fn of(self, unit: f32) -> f32 {
        let curved = self.curve(unit);
        if self.inverted { 1.0 - curved } else { curved }
    }

    /// True when the curve is a straight line; inverted or not.
    #[must_use]
    pub fn is_straight(self) -> bool {
        self.gamma == 1.0 && !self.logarithmic
    }

    /// The gamma that puts the curve through (`unit`, `brightness`), both between 0 and 1 and not inverted.
    #[must_use]
    pub fn through(self, unit: f32, brightness: f32) -> Self {
        let before = f64::from(Self { gamma: 1.0, inverted: false, ..self }.of(unit));
        let gamma = (f64::from(brightness).ln() / before.ln()) as f32;
        Self { gamma, ..self }.in_range()
    }

    /// Log and gamma without inversion: rises from 0 to 1.
    pub(super) fn curve(self, unit: f32) -> f32 {
        if self.is_straight() {
            return unit;
        }
        let mut u = f64::from(unit);
        if self.logarithmic {
            u = ((SPAN - 1.0) * u).ln_1p() / SPAN.ln();
        }
        if self.gamma != 1.0 {
            u = u.powf(f64::from(self.gamma));
        }
        u as f32
    }

    /// The brightness that [`Tone::curve`] brings to `curved`.
    pub(super) fn before(self, curved: f64) -> f64 {
        let u = if self.gamma == 1.0 { curved } else { curved.powf(1.0 / f64::from(self.gamma)) };
        if self.logarithmic { (SPAN.powf(u) - 1.0) / (SPAN - 1.0) } else { u }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_log_and_inversion_are_what_they_are_said_to_be() {
        let gamma = Tone { gamma: 0.5, ..Tone::default() };
        assert_eq!([0.0, 0.25, 1.0].map(|u| gamma.of(u)), [0.0, 0.5, 1.0]);
        let log = Tone { logarithmic: true, ..Tone::default() };
        assert_eq!([0.0, 1.0].map(|u| log.of(u)), [0.0, 1.0]);
        // 1 + 999·9/999 = 10, one decade of three, and 100 is two.
        assert!((log.of(9.0 / 999.0) - 1.0 / 3.0).abs() < 1e-6);
        assert!((log.of(99.0 / 999.0) - 2.0 / 3.0).abs() < 1e-6);
        let both = Tone { gamma: 2.0, inverted: true, ..log };
        assert!((both.of(9.0 / 999.0) - 8.0 / 9.0).abs() < 1e-6);
    }

    #[test]
    fn the_way_back_is_the_way_back() {
        for tone in [
            Tone { gamma: 0.3, ..Tone::default() },
            Tone { gamma: 3.0, logarithmic: true, inverted: false },
            Tone { logarithmic: true, ..Tone::default() },
        ] {
            for unit in [0.0, 0.01, 0.5, 0.9, 1.0f32] {
                let there = f64::from(tone.curve(unit));
                assert!((tone.before(there) - f64::from(unit)).abs() < 1e-5, "{tone:?} at {unit}");
            }
        }
    }

    #[test]
    fn a_gamma_through_a_point_goes_through_it() {
        for logarithmic in [false, true] {
            let tone = Tone { logarithmic, ..Tone::default() }.through(0.5, 0.3);
            assert!((tone.of(0.5) - 0.3).abs() < 1e-5, "{tone:?}");
        }
        let wild = |gamma| Tone { gamma, ..Tone::default() }.in_range().gamma;
        assert_eq!([f32::NAN, -3.0, f32::INFINITY].map(wild), [1.0, 0.05, 20.0]);
        let edge = Tone::default().through(0.5, 0.0);
        assert_eq!(edge.gamma, 20.0, "nothing is darker than that");
    }
}
