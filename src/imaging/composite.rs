//! Several channels in one picture, each in a colour of its own.

use super::display::{NOT_A_NUMBER, Shades};
use super::{Contrast, Tone};
use ndarray::ArrayView2;

/// The colour that a channel's brightness is multiplied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum ChannelColour {
    #[default]
    Grey,
    Cyan,
    Magenta,
    Yellow,
    Green,
    Red,
    Blue,
}

impl ChannelColour {
    pub const ALL: [Self; 7] =
        [Self::Grey, Self::Cyan, Self::Magenta, Self::Yellow, Self::Green, Self::Red, Self::Blue];

    /// The name a person reads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grey => "Grey",
            Self::Cyan => "Cyan",
            Self::Magenta => "Magenta",
            Self::Yellow => "Yellow",
            Self::Green => "Green",
            Self::Red => "Red",
            Self::Blue => "Blue",
        }
    }

    /// sRGB at full brightness.
    #[must_use]
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Self::Grey => [255, 255, 255],
            Self::Cyan => [0, 255, 255],
            Self::Magenta => [255, 0, 255],
            Self::Yellow => [255, 255, 0],
            Self::Green => [0, 255, 0],
            Self::Red => [255, 0, 0],
            Self::Blue => [0, 0, 255],
        }
    }

    /// What a channel gets where nobody chose: one is grey; two are green and magenta, which colour-blind people tell
    /// apart and which add up to white; more are cyan, magenta, yellow, then the others, over again after seven.
    #[must_use]
    pub fn usual(channel: usize, channels: usize) -> Self {
        const MORE: [ChannelColour; 7] = [
            ChannelColour::Cyan,
            ChannelColour::Magenta,
            ChannelColour::Yellow,
            ChannelColour::Green,
            ChannelColour::Red,
            ChannelColour::Blue,
            ChannelColour::Grey,
        ];
        match channels {
            0 | 1 => Self::Grey,
            2 => [Self::Green, Self::Magenta][channel % 2],
            _ => MORE[channel % MORE.len()],
        }
    }

    /// The colour at a brightness 0..=1.
    #[must_use]
    pub fn at(self, unit: f32) -> [u8; 3] {
        self.rgb().map(|part| (f32::from(part) * unit).round() as u8)
    }
}

/// One channel of a composite, `[y, x]`.
#[derive(Debug, Clone, Copy)]
pub struct Tinted<'a> {
    pub values: ArrayView2<'a, f32>,
    pub contrast: Contrast,
    pub tone: Tone,
    pub colour: ChannelColour,
}

impl Tinted<'_> {
    /// Its colours as a table.
    #[must_use]
    pub fn summand(&self) -> Summand {
        let shades = Shades::new(self.contrast, self.tone, |unit| self.colour.at(unit));
        let mut table = [Sum::default(); Shades::LEVELS];
        for (entry, &[r, g, b]) in table.iter_mut().zip(shades.colours()).take(Shades::LEVELS - 1) {
            *entry = Sum(u64::from(r) | u64::from(g) << 16 | u64::from(b) << 32 | 1 << 48);
        }
        Summand { shades, table }
    }
}

/// Colours added up: red, green, blue and how many numbers there were, 16 bits each, so that one addition adds all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum(u64);

/// The table of one channel of a composite.
#[derive(Debug, Clone)]
pub struct Summand {
    shades: Shades,
    /// Nothing for what is not a number.
    table: [Sum; Shades::LEVELS],
}

impl Summand {
    /// Adds the channel to a row of sums, which hold at most 256 channels. `levels` is room to work.
    pub fn add(&self, values: &[f32], levels: &mut [u16], sums: &mut [Sum]) {
        self.shades.levels(values, levels);
        for (sum, level) in sums.iter_mut().zip(levels) {
            sum.0 = sum.0.wrapping_add(self.table[usize::from(*level) % Shades::LEVELS].0);
        }
    }
}

impl Sum {
    /// The colour: the sum in sRGB as it is stored, cut off at 255. A channel that is not a number somewhere adds
    /// nothing there; where no channel has a number it is the colour of what is not a number.
    #[inline]
    #[must_use]
    pub fn rgb(self) -> [u8; 3] {
        if self.0 >> 48 == 0 {
            return NOT_A_NUMBER;
        }
        [0, 16, 32].map(|shift| (self.0 >> shift & 0xffff).min(255) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn tinted(values: &Array2<f32>, high: f32, colour: ChannelColour) -> Tinted<'_> {
        let contrast = Contrast { low: 0.0, high };
        Tinted { values: values.view(), contrast, tone: Tone::default(), colour }
    }

    /// One pixel of several channels.
    fn pixel<const N: usize>(channels: [&Summand; N], values: [f32; N]) -> [u8; 3] {
        let mut row = [Sum::default()];
        for (channel, value) in channels.into_iter().zip(values) {
            channel.add(&[value], &mut [0], &mut row);
        }
        row[0].rgb()
    }

    #[test]
    fn colours_are_added_and_cut_off() {
        let values = array![[0.0]];
        let cyan = tinted(&values, 10.0, ChannelColour::Cyan).summand();
        let magenta = tinted(&values, 100.0, ChannelColour::Magenta).summand();
        let pixel = |a: f32, b: f32| pixel([&cyan, &magenta], [a, b]);
        assert_eq!(pixel(0.0, 0.0), [0, 0, 0]);
        // 255·0.2 = 51 of cyan and 255·0.4 = 102 of magenta: blue is in both.
        assert_eq!(pixel(2.0, 40.0), [102, 51, 153]);
        assert_eq!(pixel(10.0, 100.0), [255, 255, 255]);
        assert_eq!(pixel(99.0, 20.0), [51, 255, 255]);
    }

    #[test]
    fn a_missing_value_leaves_the_other_channels() {
        let values = array![[0.0]];
        let red = tinted(&values, 10.0, ChannelColour::Red).summand();
        let blue = tinted(&values, 10.0, ChannelColour::Blue).summand();
        let pixel = |a: f32, b: f32| pixel([&red, &blue], [a, b]);
        assert_eq!(pixel(f32::NAN, 4.0), [0, 0, 102]);
        assert_eq!(pixel(f32::NAN, f32::NAN), NOT_A_NUMBER);
        assert_eq!(pixel(f32::INFINITY, f32::NEG_INFINITY), [255, 0, 0]);
    }

    #[test]
    fn red_green_and_blue_of_a_colour_picture_stay_as_they_are() {
        let values = array![[0.0]];
        let three = [ChannelColour::Red, ChannelColour::Green, ChannelColour::Blue]
            .map(|colour| tinted(&values, 255.0, colour).summand());
        let [red, green, blue] = &three;
        for rgb in [[0u8, 128, 255], [1, 2, 3], [200, 100, 50]] {
            assert_eq!(pixel([red, green, blue], rgb.map(f32::from)), rgb);
        }
    }

    #[test]
    fn the_usual_colours_of_a_picture_differ() {
        for channels in 1..=7 {
            let usual: Vec<_> =
                (0..channels).map(|channel| ChannelColour::usual(channel, channels)).collect();
            assert!((1..channels).all(|k| !usual[..k].contains(&usual[k])), "{usual:?}");
        }
        assert_eq!(ChannelColour::usual(7, 8), ChannelColour::Cyan);
    }
}
