//! A plane as a picture: the values of a tile come from its pyramid, their colours from [`Pixels`].
use super::picture::{TILE, Texels, level_for};
use super::{Canvas, Pixels};
use crate::imaging::Pyramid;
use eframe::egui::ColorImage;
use ndarray::ArrayView2;

/// Makes the colours of one tile of the values of each plane there.
type Colour<'a> = dyn Fn(&[ArrayView2<'_, f32>]) -> ColorImage + 'a;

/// Planes of one size with their reduced copies, and how their values are coloured. A tile costs the same at every level.
pub(in crate::gui) struct Reduced<'a> {
    pub(in crate::gui) pyramids: &'a [&'a Pyramid],
    pub(in crate::gui) colour: &'a Colour<'a>,
}

/// All of a small picture, pixel by pixel: a tile.
pub(in crate::gui) fn drawn(pixels: Pixels<'_>) -> ColorImage {
    pixels.render(0, 0, 0)
}

impl Reduced<'_> {
    /// Whether all reduced copies are there.
    pub(in crate::gui) fn is_built(&self) -> bool {
        self.pyramids.iter().all(|pyramid| pyramid.is_built())
    }

    /// Whether a canvas shows a level that looks better once the pyramid is built.
    pub(in crate::gui) fn is_coarse(&self, canvas: &Canvas) -> bool {
        let on_screen = canvas.placement.zoom * f64::from(canvas.painter.pixels_per_point());
        level_for(on_screen, self.shape()) > 1
    }
}

impl Texels for Reduced<'_> {
    fn shape(&self) -> [usize; 2] {
        self.pyramids.first().map_or([0, 0], |pyramid| pyramid.shape())
    }

    fn render(&self, level: u32, top: usize, left: usize) -> ColorImage {
        let tile = |pyramid: &&Pyramid| pyramid.tile(level, [top, left], [TILE; 2]);
        let tiles: Vec<_> = self.pyramids.iter().map(tile).collect();
        let views: Vec<_> = tiles.iter().map(|tile| tile.view()).collect();
        (self.colour)(&views)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Colormap, Contrast, Plane};
    use eframe::egui::Color32;
    use ndarray::Array2;
    use std::sync::Arc;

    #[test]
    fn a_tile_is_coloured_by_the_values_of_its_level() {
        let plane = Plane::from_u8(Array2::from_shape_fn((600, 3), |(y, _)| if y < 514 { 10 } else { 30 }));
        let pyramid = Pyramid::unbuilt(Arc::new(plane));
        let contrast = Contrast { low: 0.0, high: 255.0 };
        let reduced = Reduced {
            pyramids: &[&pyramid],
            colour: &|tiles| drawn(Pixels::Values { values: tiles[0], contrast, colormap: Colormap::Grey }),
        };
        let tile = reduced.render(0, 512, 0);
        assert_eq!((tile.size, tile.pixels[0]), ([3, 88], Color32::from_gray(10)));
        assert_eq!(tile.pixels[6], Color32::from_gray(30));
        let half = reduced.render(2, 0, 0);
        // Rows 512 to 515: two of 10 and two of 30.
        assert_eq!((half.size, half.pixels[128]), ([1, 150], Color32::from_gray(20)));
    }
}
