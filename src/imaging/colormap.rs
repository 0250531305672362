//! Brightness to colour, for display only.
use super::Contrast;
use ndarray::ArrayView2;

/// A colour for every brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Colormap {
    #[default]
    Grey,
    Viridis,
    Magma,
    /** blue-white-red for signed values */
    Signed,
}

impl Colormap {
    pub const ALL: [Self; 4] = [Self::Grey, Self::Viridis, Self::Magma, Self::Signed];
    #[must_use]
    pub fn name(self) -> &'static str {
        todo!()
    }
    /// sRGB of a brightness 0..=1.
    #[must_use]
    pub fn rgb(self, _unit: f32) -> [u8; 3] {
        todo!()
    }
    /// Renders `[y, x]` to RGB bytes `[y][x][3]`, row by row.
    #[must_use]
    pub fn render(self, _values: ArrayView2<'_, f32>, _contrast: Contrast) -> Vec<u8> {
        todo!()
    }
}
