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
    pub fn shades(&self) -> Shades {
        Shades::new(self.contrast, self.tone, |unit| self.colour.at(unit))
    }
}

/// The sum of the channels' colours, in sRGB as it is stored and cut off at 255. A channel whose value is not a number
/// adds nothing; where none has a number the pixel is drawn in the colour of what is not a number. No channels are black.
#[inline]
#[must_use]
pub fn added<'a>(channels: impl Iterator<Item = (&'a Shades, f32)>) -> [u8; 3] {
    let mut sum = [0u8; 3];
    let (mut any, mut missing) = (false, false);
    for (shades, value) in channels {
        if value.is_nan() {
            missing = true;
        } else {
            any = true;
            let colour = shades.rgb(value);
            sum = [0, 1, 2].map(|part| sum[part].saturating_add(colour[part]));
        }
    }
    if missing && !any { NOT_A_NUMBER } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn tinted(values: &Array2<f32>, high: f32, colour: ChannelColour) -> Tinted<'_> {
        let contrast = Contrast { low: 0.0, high };
        Tinted { values: values.view(), contrast, tone: Tone::default(), colour }
    }

    #[test]
    fn colours_are_added_and_cut_off() {
        let values = array![[0.0]];
        let cyan = tinted(&values, 10.0, ChannelColour::Cyan).shades();
        let magenta = tinted(&values, 100.0, ChannelColour::Magenta).shades();
        let pixel = |a: f32, b: f32| added([(&cyan, a), (&magenta, b)].into_iter());
        assert_eq!(pixel(0.0, 0.0), [0, 0, 0]);
        // 255·0.2 = 51 of cyan and 255·0.4 = 102 of magenta: blue is in both.
        assert_eq!(pixel(2.0, 40.0), [102, 51, 153]);
        assert_eq!(pixel(10.0, 100.0), [255, 255, 255]);
        assert_eq!(pixel(99.0, 20.0), [51, 255, 255]);
    }

    #[test]
    fn a_missing_value_leaves_the_other_channels() {
        let values = array![[0.0]];
        let red = tinted(&values, 10.0, ChannelColour::Red).shades();
        let blue = tinted(&values, 10.0, ChannelColour::Blue).shades();
        assert_eq!(added([(&red, f32::NAN), (&blue, 4.0)].into_iter()), [0, 0, 102]);
        assert_eq!(added([(&red, f32::NAN), (&blue, f32::NAN)].into_iter()), NOT_A_NUMBER);
        assert_eq!(added([(&red, f32::INFINITY), (&blue, f32::NEG_INFINITY)].into_iter()), [255, 0, 0]);
    }

    #[test]
    fn red_green_and_blue_of_a_colour_picture_stay_as_they_are() {
        let values = array![[0.0]];
        let three = [ChannelColour::Red, ChannelColour::Green, ChannelColour::Blue]
            .map(|colour| tinted(&values, 255.0, colour).shades());
        for rgb in [[0u8, 128, 255], [1, 2, 3], [200, 100, 50]] {
            assert_eq!(added(three.iter().zip(rgb.map(f32::from))), rgb);
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
