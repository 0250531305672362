//! A picture that is clear where it has no values.
use super::Pixels;
use super::picture::Texels;
use crate::imaging::NOT_A_NUMBER;
use eframe::egui::{Color32, ColorImage};

/// Pixels of which those that are no number show what is behind.
pub(in crate::gui) struct Clear<'a>(pub(in crate::gui) Pixels<'a>);

impl Texels for Clear<'_> {
    fn shape(&self) -> [usize; 2] {
        self.0.shape()
    }

    fn render(&self, level: u32, top: usize, left: usize) -> ColorImage {
        let mut image = self.0.render(level, top, left);
        let [r, g, b] = NOT_A_NUMBER;
        let missing = Color32::from_rgb(r, g, b);
        for texel in image.pixels.iter_mut().filter(|texel| **texel == missing) {
            *texel = Color32::TRANSPARENT;
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Colormap, Contrast};
    use ndarray::array;

    #[test]
    fn what_is_no_number_is_clear() {
        let values = array![[f32::NAN, 1.0]];
        let contrast = Contrast { low: 0.0, high: 1.0 };
        let pixels = Pixels::Values { values: values.view(), contrast, colormap: Colormap::Grey };
        assert_eq!(Clear(pixels).render(0, 0, 0).pixels, [Color32::TRANSPARENT, Color32::WHITE]);
    }
}
