//! Values to colours: a window, a tone and a colormap in one value, and a table of it for whole pictures.

use super::{Colormap, Contrast, Tone};
use ndarray::ArrayView2;
use rayon::prelude::*;

/// Colour of a pixel whose value is not a number: no colormap here has it. Infinite values are saturated instead.
pub const NOT_A_NUMBER: [u8; 3] = [255, 0, 255];

/// How values are shown. Nothing in it touches the values.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Display {
    pub contrast: Contrast,
    pub tone: Tone,
    pub colormap: Colormap,
}

impl Display {
    /// A straight curve from black to white.
    #[must_use]
    pub fn new(contrast: Contrast, colormap: Colormap) -> Self {
        Self { contrast, tone: Tone::default(), colormap }
    }

    /// Brightness 0..=1 of a value: its place in the window, bent by the tone; `None` for what is not a number.
    #[must_use]
    pub fn unit(&self, value: f32) -> Option<f32> {
        (!value.is_nan()).then(|| self.tone.of(self.contrast.unit(value)))
    }

    /// Red, green and blue from 0 to 255, not rounded.
    #[must_use]
    pub fn colour(&self, value: f32) -> [f32; 3] {
        self.unit(value).map_or(NOT_A_NUMBER.map(f32::from), |unit| self.colormap.colour(unit))
    }

    /// The table for whole pictures.
    #[must_use]
    pub fn shades(&self) -> Shades {
        Shades::new(self.contrast, self.tone, |unit| self.colormap.rgb(unit))
    }

    /// Renders `[y, x]` to RGB bytes `[y][x][3]`, row by row.
    #[must_use]
    pub fn render(&self, values: ArrayView2<'_, f32>) -> Vec<u8> {
        let shades = self.shades();
        let width = values.ncols();
        let mut out = vec![0; values.len() * 3];
        if width == 0 {
            return out;
        }
        out.par_chunks_exact_mut(3 * width).enumerate().for_each(|(y, row)| {
            for (pixel, &value) in row.chunks_exact_mut(3).zip(values.row(y)) {
                pixel.copy_from_slice(&shades.rgb(value));
            }
        });
        out
    }
}

/// The last level of brightness. Twice 255, so that greys change halfway between two values, and even, so that the
/// middle of the window is a level of its own: zero of signed data is exactly white.
const LAST: usize = 510;
/// The level of what is not a number.
const MISSING: usize = LAST + 1;

/// What every value of a window looks like, as a table: level n holds the brightnesses from n/510 on.
///
/// A bent curve costs no more than a straight one. Where each level begins is computed once, and `guide` leads to the
/// level, or to one shortly below it, by the first bits of the brightness as a floating point number.
#[derive(Debug, Clone)]
pub struct Shades {
    half_low: f32,
    half_width: f32,
    bend: Option<Bend>,
    colours: Vec<[u8; 3]>,
}

impl Shades {
    /// Levels of a [`Shades`], the one of what is not a number among them.
    pub const LEVELS: usize = MISSING + 1;

    /// The table of a window and a tone with the colour of each brightness.
    pub(super) fn new(contrast: Contrast, tone: Tone, colour: impl Fn(f32) -> [u8; 3]) -> Self {
        let tone = tone.in_range();
        let half_width = contrast.high / 2.0 - contrast.low / 2.0;
        let of_level = |level: usize| {
            // Just inside the level, where rounding to bytes is that of the level's values.
            let unit = ((level as f32 + 0.02) / LAST as f32).min(1.0);
            colour(if tone.inverted { 1.0 - unit } else { unit })
        };
        let mut colours: Vec<[u8; 3]> = (0..=LAST).map(of_level).collect();
        colours.push(NOT_A_NUMBER);
        Self {
            half_low: contrast.low / 2.0,
            // Of a window of no width all that is above is white.
            half_width: half_width.max(f32::from_bits(1)),
            bend: (!tone.is_straight()).then(|| Bend::new(tone)),
            colours,
        }
    }

    /// The level of a value.
    #[inline]
    #[must_use]
    pub fn level(&self, value: f32) -> usize {
        let level = match &self.bend {
            None => straight(self.unit(value)),
            Some(bend) => bend.level(self.unit(value)),
        };
        if value.is_nan() { MISSING } else { usize::from(level) }
    }

    /// The levels of a row of values, without a branch where the curve is straight.
    pub fn levels(&self, values: &[f32], levels: &mut [u16]) {
        match &self.bend {
            None => {
                for (level, value) in levels.iter_mut().zip(values) {
                    let straight = straight(self.unit(*value));
                    *level = if value.is_nan() { MISSING as u16 } else { straight };
                }
            }
            Some(bend) => {
                for (level, value) in levels.iter_mut().zip(values) {
                    let bent = bend.level(self.unit(*value));
                    *level = if value.is_nan() { MISSING as u16 } else { bent };
                }
            }
        }
    }

    /// Place in the window; 0 of what is not a number.
    #[inline]
    fn unit(&self, value: f32) -> f32 {
        // Halves, because the width of a window over all of f32 is infinite.
        let unit = (value * 0.5 - self.half_low) / self.half_width;
        if unit > 0.0 { unit.min(1.0) } else { 0.0 }
    }

    /// The colour of each level.
    #[must_use]
    pub fn colours(&self) -> &[[u8; 3]] {
        &self.colours
    }

    /// The colour of a value.
    #[inline]
    #[must_use]
    pub fn rgb(&self, value: f32) -> [u8; 3] {
        self.colours[self.level(value)]
    }
}

#[inline]
fn straight(unit: f32) -> u16 {
    (unit * LAST as f32) as i32 as u16
}

/// Smallest brightness that the guide tells apart, 2^-24: the numbers below it share an entry.
const LEAST: u32 = (127 - 24) << 23;
/// Bits of a number that the guide leaves out: it has 1024 entries an octave, so that most lead to the level itself or
/// to the one below it.
const REST: u32 = 23 - 10;

/// Where the levels of a bent curve begin.
#[derive(Debug, Clone)]
struct Bend {
    /// Least brightness of each level, and one that is never reached.
    begins: Box<[f32; MISSING + 1]>,
    /// Level at the beginning of each entry.
    guide: Vec<u16>,
}

impl Bend {
    fn new(tone: Tone) -> Self {
        let begins = Box::new(std::array::from_fn(|level| match level {
            0 => 0.0,
            LAST => 1.0,
            MISSING => f32::INFINITY,
            _ => tone.before(level as f64 / LAST as f64) as f32,
        }));
        let entries = ((1.0f32.to_bits() - LEAST) >> REST) + 1;
        let mut level = 0usize;
        let mut guide = vec![0];
        for entry in 0..entries {
            let start = f32::from_bits(LEAST + (entry << REST));
            while level < LAST && begins[level + 1] <= start {
                level += 1;
            }
            guide.push(level as u16);
        }
        Self { begins, guide }
    }

    #[inline]
    fn level(&self, unit: f32) -> u16 {
        let entry = (unit.to_bits().max(LEAST - (1 << REST)) - (LEAST - (1 << REST))) >> REST;
        let mut level = self.guide.get(entry as usize).copied().unwrap_or_default();
        let begin = |level: u16| self.begins[usize::from(level) & MISSING];
        level += u16::from(begin(level + 1) <= unit);
        while begin(level + 1) <= unit {
            level += 1;
        }
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn bytes() -> Contrast {
        Contrast { low: 0.0, high: 255.0 }
    }

    #[test]
    fn greys_are_rounded_to_the_nearest() {
        let grey = Display::new(bytes(), Colormap::Grey);
        let inverted = Display { tone: Tone { inverted: true, ..Tone::default() }, ..grey };
        let (shades, back) = (grey.shades(), inverted.shades());
        for value in 0..=255u8 {
            assert_eq!(shades.rgb(f32::from(value)), [value; 3]);
            assert_eq!(back.rgb(f32::from(value)), [255 - value; 3]);
        }
        assert_eq!([0.49, 0.51, 100.4, 100.6].map(|v| shades.rgb(v)[0]), [0, 1, 100, 101]);
        assert_eq!([0.51, 100.4].map(|v| back.rgb(v)[0]), [254, 155]);
    }

    #[test]
    fn the_table_is_the_formula_at_every_brightness() {
        let tones = [(0.2, false), (0.45, true), (1.0, true), (2.2, false), (20.0, false)];
        for (gamma, logarithmic) in tones {
            for inverted in [false, true] {
                let tone = Tone { gamma, logarithmic, inverted };
                let display =
                    Display { contrast: Contrast { low: -3.0, high: 5.0 }, tone, colormap: Colormap::Grey };
                let shades = display.shades();
                for step in 0..=40_000 {
                    let value = -3.0 + 8.0 * (step as f32 / 40_000.0).powi(3);
                    let exact = display.colour(value)[0];
                    let found = f32::from(shades.rgb(value)[0]);
                    assert!((found - exact).abs() <= 0.51, "{tone:?} at {value}: {found} for {exact}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_has_a_colour_of_its_own_and_infinities_are_saturated() {
        let display = Display::new(bytes(), Colormap::Viridis);
        let values = array![[f32::NAN, f32::NEG_INFINITY, f32::INFINITY]];
        let expected = [NOT_A_NUMBER, Colormap::Viridis.rgb(0.0), Colormap::Viridis.rgb(1.0)].concat();
        assert_eq!(display.render(values.view()), expected);
        assert_eq!(display.unit(f32::NAN), None);
        let bent = Display { tone: Tone { gamma: 0.5, ..Tone::default() }, ..display };
        assert_eq!(bent.render(values.view()), expected);
        for map in Colormap::ALL {
            assert!((0..=1000).all(|k| map.rgb(k as f32 / 1000.0) != NOT_A_NUMBER), "{map:?}");
        }
    }

    #[test]
    fn gamma_in_a_window_is_matplotlibs_power_norm() {
        // matplotlib.colors.PowerNorm(0.6, vmin=-3, vmax=5)([0, 1.7]) = [0.55516076, 0.72678294]
        let tone = Tone { gamma: 0.6, ..Tone::default() };
        let contrast = Contrast { low: -3.0, high: 5.0 };
        let display = Display { contrast, tone, colormap: Colormap::Grey };
        for (value, expected) in [(0.0, 0.555_161), (1.7, 0.726_783)] {
            let found = display.unit(value).unwrap();
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
    }

    #[test]
    fn windows_of_no_width_and_of_all_numbers_have_two_ends() {
        let step = Display::new(Contrast { low: 3.0, high: 3.0 }, Colormap::Grey).shades();
        assert_eq!([2.0, 3.0, 3.5].map(|v| step.rgb(v)[0]), [0, 0, 255]);
        let all = Display::new(Contrast { low: f32::MIN, high: f32::MAX }, Colormap::Grey).shades();
        assert_eq!([f32::MIN, 0.0, f32::MAX].map(|v| all.rgb(v)[0]), [0, 128, 255]);
    }

    #[test]
    fn the_guide_leads_to_the_level_of_the_curve() {
        let values = Array2::from_shape_fn((512, 512), |(y, x)| ((x * 31 + y * 17) % 4096) as f32);
        let tone = Tone { gamma: 0.6, logarithmic: true, inverted: true };
        let display =
            Display { contrast: Contrast { low: 10.0, high: 4000.0 }, tone, colormap: Colormap::Magma };
        let shades = display.shades();
        let sum: usize = values.iter().map(|&v| shades.level(v)).sum();
        for row in values.rows() {
            let mut levels = vec![0; row.len()];
            shades.levels(row.to_slice().unwrap(), &mut levels);
            assert!(row.iter().zip(levels).all(|(&v, level)| shades.level(v) == usize::from(level)));
        }
        let slow: usize =
            values.iter().map(|&v| (tone.curve(display.contrast.unit(v)) * LAST as f32) as usize).sum();
        assert!(sum.abs_diff(slow) < values.len() / 100, "{sum} and {slow}");
    }
}
