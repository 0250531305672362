//! Brightness to colour, for display only.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::Contrast;

/// A colour for every brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Colormap {
    #[default]
    Grey,
    Viridis,
    Magma,
    /// Blue, white, red for signed values.
    Signed,
}

/// Evenly spaced colours of Viridis (van der Walt and Smith, 2015, CC0).
const VIRIDIS: [u32; 20] = [
    0x44_0154, 0x48_1567, 0x48_2677, 0x45_3781, 0x40_4788, 0x39_568c, 0x33_638d, 0x2d_708e, 0x28_7d8e,
    0x23_8a8d, 0x1f_968b, 0x20_a387, 0x29_af7f, 0x3c_bb75, 0x55_c667, 0x73_d055, 0x95_d840, 0xb8_de29,
    0xdc_e319, 0xfd_e725,
];

/// Evenly spaced colours of Magma (van der Walt and Smith, 2015, CC0).
const MAGMA: [u32; 11] = [
    0x00_0004, 0x14_0e36, 0x3b_0f70, 0x64_1a80, 0x8c_2981, 0xb7_3779, 0xde_4968, 0xf7_705c, 0xfe_9f6d,
    0xfe_cf92, 0xfc_fdbf,
];

/// A diverging scale through white at zero.
const SIGNED: [u32; 5] = [0x05_3061, 0x43_93c3, 0xff_ffff, 0xd6_604d, 0x67_001f];

/// Steps of the table that [`Colormap::render`] looks up.
const STEPS: usize = 1024;

impl Colormap {
    pub const ALL: [Self; 4] = [Self::Grey, Self::Viridis, Self::Magma, Self::Signed];

    /// The name a person reads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grey => "Grey",
            Self::Viridis => "Viridis",
            Self::Magma => "Magma",
            Self::Signed => "Signed",
        }
    }

    /// sRGB of a brightness 0..=1.
    #[must_use]
    pub fn rgb(self, unit: f32) -> [u8; 3] {
        match self {
            Self::Grey => between(&[0x00_0000, 0xff_ffff], unit),
            Self::Viridis => between(&VIRIDIS, unit),
            Self::Magma => between(&MAGMA, unit),
            Self::Signed => between(&SIGNED, unit),
        }
    }

    /// Renders `[y, x]` to RGB bytes `[y][x][3]`, row by row.
    #[must_use]
    pub fn render(self, values: ArrayView2<'_, f32>, contrast: Contrast) -> Vec<u8> {
        let table: Vec<[u8; 3]> = (0..=STEPS).map(|i| self.rgb(i as f32 / STEPS as f32)).collect();
        let width = values.ncols();
        let mut out = vec![0; values.len() * 3];
        if width == 0 {
            return out;
        }
        out.par_chunks_exact_mut(3 * width).enumerate().for_each(|(y, row)| {
            for (pixel, &value) in row.chunks_exact_mut(3).zip(values.row(y)) {
                let step = (contrast.unit(value) * STEPS as f32).round() as usize;
                pixel.copy_from_slice(&table[step.min(STEPS)]);
            }
        });
        out
    }
}

/// The colour at `unit` (0..=1) on straight lines between evenly spaced colours; NaN is the first.
fn between(colours: &[u32], unit: f32) -> [u8; 3] {
    let last = colours.len() - 1;
    let at = if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) * last as f32 };
    let index = (at as usize).min(last - 1);
    let part = at - index as f32;
    let (a, b) = (colours[index].to_be_bytes(), colours[index + 1].to_be_bytes());
    [1, 2, 3].map(|i| (f32::from(a[i]) + (f32::from(b[i]) - f32::from(a[i])) * part).round() as u8)
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
    fn the_maps_agree_with_matplotlib() {
        // matplotlib.colormaps["viridis"](x), ["magma"](x) at 0, 0.5 and 1, times 255.
        let cases = [
            (Colormap::Viridis, [[68, 1, 84], [33, 145, 140], [253, 231, 37]]),
            (Colormap::Magma, [[0, 0, 4], [183, 55, 121], [252, 253, 191]]),
        ];
        for (map, expected) in cases {
            for (unit, expected) in [0.0, 0.5, 1.0].into_iter().zip(expected) {
                let rgb = map.rgb(unit);
                let near = rgb.iter().zip(expected).all(|(&a, b)| u8::abs_diff(a, b) <= 2);
                assert!(near, "{map:?} at {unit}: {rgb:?} for {expected:?}");
            }
        }
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
        assert_eq!(rgb, [0, 0, 0, 255, 255, 255, 51, 51, 51, 0, 0, 0]);
        assert!(Colormap::Magma.render(array![[]].view(), contrast).is_empty());
    }
}
