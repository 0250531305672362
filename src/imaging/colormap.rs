//! Brightness to colour, for display only.

use super::{Contrast, Display};
use ndarray::ArrayView2;
use std::sync::LazyLock;

/// A colour for every brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colormap {
    #[default]
    Grey,
    Viridis,
    Magma,
    Inferno,
    Plasma,
    /// Looks the same with and without red-green blindness.
    Cividis,
    /// Blue, white, red for signed values.
    Signed,
}

/// A diverging scale through white at zero.
const SIGNED: [[u8; 3]; 5] = [[5, 48, 97], [67, 147, 195], [255, 255, 255], [214, 96, 77], [103, 0, 31]];

/// Every 15th colour of Cividis (Nuñez, Anderton and Renslow, 2018).
const CIVIDIS: [[u8; 3]; 18] = [
    [0, 34, 78],
    [0, 45, 104],
    [22, 55, 112],
    [46, 65, 109],
    [63, 76, 108],
    [78, 86, 108],
    [92, 97, 110],
    [105, 107, 113],
    [118, 118, 118],
    [131, 129, 121],
    [146, 140, 120],
    [160, 152, 117],
    [175, 164, 113],
    [191, 176, 107],
    [207, 189, 98],
    [223, 202, 87],
    [240, 216, 70],
    [254, 232, 56],
];

/// Colours at equal distances.
type Colours = LazyLock<[[u8; 3]; 256]>;

// Smith's and van der Walt's (2015).
static VIRIDIS: Colours = LazyLock::new(|| table(colorous::VIRIDIS));
static MAGMA: Colours = LazyLock::new(|| table(colorous::MAGMA));
static INFERNO: Colours = LazyLock::new(|| table(colorous::INFERNO));
static PLASMA: Colours = LazyLock::new(|| table(colorous::PLASMA));

fn table(gradient: colorous::Gradient) -> [[u8; 3]; 256] {
    std::array::from_fn(|step| gradient.eval_rational(step, 256).into_array())
}

impl Colormap {
    pub const ALL: [Self; 7] =
        [Self::Grey, Self::Viridis, Self::Magma, Self::Inferno, Self::Plasma, Self::Cividis, Self::Signed];

    /// The name a person reads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grey => "Grey",
            Self::Viridis => "Viridis",
            Self::Magma => "Magma",
            Self::Inferno => "Inferno",
            Self::Plasma => "Plasma",
            Self::Cividis => "Cividis",
            Self::Signed => "Signed",
        }
    }

    /// What it is good for, in one line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Grey => "Black to white; the eye sees most detail in it",
            Self::Viridis => "Equal steps look equal, also in grey and to colour-blind people",
            Self::Magma => "Equal steps look equal; black for nothing, bright for much",
            Self::Inferno => "As Magma, with more yellow",
            Self::Plasma => "Equal steps look equal, without black",
            Self::Cividis => "Looks the same with and without red-green blindness",
            Self::Signed => "Blue below zero, red above; its own window is the same on both sides",
        }
    }

    /// The map of a name, in small letters or not.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|map| map.name().eq_ignore_ascii_case(name))
    }

    /// True when its middle means zero.
    #[must_use]
    pub fn is_signed(self) -> bool {
        self == Self::Signed
    }

    /// sRGB of a brightness 0..=1.
    #[must_use]
    pub fn rgb(self, unit: f32) -> [u8; 3] {
        self.colour(unit).map(|part| part.round() as u8)
    }

    /// The same, not rounded: on straight lines between the map's colours. NaN is the first.
    #[must_use]
    pub fn colour(self, unit: f32) -> [f32; 3] {
        match self {
            Self::Grey => between(&[[0; 3], [255; 3]], unit),
            Self::Viridis => between(&*VIRIDIS, unit),
            Self::Magma => between(&*MAGMA, unit),
            Self::Inferno => between(&*INFERNO, unit),
            Self::Plasma => between(&*PLASMA, unit),
            Self::Cividis => between(&CIVIDIS, unit),
            Self::Signed => between(&SIGNED, unit),
        }
    }

    /// Renders `[y, x]` to RGB bytes `[y][x][3]`, row by row, with a straight curve.
    #[must_use]
    pub fn render(self, values: ArrayView2<'_, f32>, contrast: Contrast) -> Vec<u8> {
        Display::new(contrast, self).render(values)
    }
}

fn between(colours: &[[u8; 3]], unit: f32) -> [f32; 3] {
    let last = colours.len() - 1;
    let at = if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) * last as f32 };
    let index = (at as usize).min(last - 1);
    let part = at - index as f32;
    let (a, b) = (colours[index].map(f32::from), colours[index + 1].map(f32::from));
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn grey_is_linear_and_full() {
        assert_eq!([0.0, 0.5, 1.0].map(|v| Colormap::Grey.rgb(v)), [[0; 3], [128; 3], [255; 3]]);
        assert_eq!([f32::NAN, -3.0, 7.0].map(|v| Colormap::Grey.rgb(v)[0]), [0, 0, 255]);
    }

    #[test]
    fn the_maps_are_matplotlibs() {
        // colormaps.py wrote name, step of 255, red, green, blue: the steps of matplotlib's own tables.
        let table = include_str!("../../tests/fixtures/imaging/colormaps/matplotlib.csv");
        let mut compared = 0;
        for line in table.lines().skip(1) {
            let (name, numbers) = line.split_once(',').unwrap();
            let numbers: Vec<u8> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
            let map = Colormap::from_name(name).unwrap();
            let rgb = map.rgb(f32::from(numbers[0]) / 255.0);
            // Some tables are cut to bytes rather than rounded.
            let near = rgb.iter().zip(&numbers[1..]).all(|(&a, &b)| a.abs_diff(b) <= 1);
            assert!(near, "{line}: {rgb:?}");
            compared += 1;
        }
        assert_eq!(compared, 5 * 19);
    }

    #[test]
    fn every_map_has_its_name_and_gives_all_its_colours() {
        for map in Colormap::ALL {
            assert_eq!(Colormap::from_name(&map.name().to_lowercase()), Some(map));
            assert_ne!(map.rgb(0.0), map.rgb(1.0));
        }
        assert_eq!(Colormap::from_name("jet"), None);
    }

    #[test]
    fn zero_is_white_on_the_signed_map() {
        let contrast = Contrast { low: -2.0, high: 2.0 };
        let rgb = Colormap::Signed.render(array![[-2.0, 0.0, 2.0]].view(), contrast);
        assert_eq!(rgb[3..6], [255; 3]);
        assert!(rgb[2] > rgb[0] && rgb[6] > rgb[8], "blue below, red above: {rgb:?}");
    }

    #[test]
    fn rendering_goes_row_by_row() {
        let contrast = Contrast { low: 0.0, high: 255.0 };
        let rgb = Colormap::Grey.render(array![[0.0, 255.0], [51.0, f32::NAN]].view(), contrast);
        assert_eq!(rgb, [0, 0, 0, 255, 255, 255, 51, 51, 51, 255, 0, 255]);
        assert!(Colormap::Magma.render(array![[]].view(), contrast).is_empty());
    }
}
