//! An image as texture tiles: any size, only what is visible, at the resolution the screen can show.
use super::{Pixels, Placement};
use eframe::egui::{
    self, Color32, ColorImage, Painter, Rect, TextureFilter, TextureHandle, TextureOptions, pos2,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Side of a tile in texture pixels; every GPU takes this.
pub(super) const TILE: usize = 512;
/// Time a frame may spend on rendering tiles.
const BUDGET: Duration = Duration::from_millis(7);
/// Tiles up to which those out of sight are kept too.
const KEPT: usize = 64;

struct Tile {
    texture: TextureHandle,
    stamp: u64,
}

/// How a picture lies over the source.
#[derive(Debug, Clone, Copy)]
pub(in crate::gui) struct Layer {
    /// Source pixels `[x, y]` that a picture pixel covers.
    pub(in crate::gui) scale: [f64; 2],
    /// Changes when the picture would look different; see [`super::stamp`].
    pub(in crate::gui) stamp: u64,
    /// Multiplied with the picture; white with alpha makes it see-through.
    pub(in crate::gui) tint: Color32,
}

impl Layer {
    /// A picture of the source's own size.
    pub(in crate::gui) fn source(stamp: u64) -> Self {
        Self { scale: [1.0, 1.0], stamp, tint: Color32::WHITE }
    }
}

/// What a picture is made of, a tile at a time.
pub(in crate::gui) trait Texels {
    /// `[height, width]` of level 0.
    fn shape(&self) -> [usize; 2];

    /// The tile of a level whose first texel is at `top`, `left` of that level.
    fn render(&self, level: u32, top: usize, left: usize) -> ColorImage;
}

impl<T: Texels> Texels for &T {
    fn shape(&self) -> [usize; 2] {
        (**self).shape()
    }

    fn render(&self, level: u32, top: usize, left: usize) -> ColorImage {
        (**self).render(level, top, left)
    }
}

impl Texels for Pixels<'_> {
    fn shape(&self) -> [usize; 2] {
        Pixels::shape(self)
    }

    fn render(&self, level: u32, top: usize, left: usize) -> ColorImage {
        Pixels::render(self, level, top, left)
    }
}

/// The textures of one picture. Level n holds the picture reduced 2ⁿ times.
#[derive(Default)]
pub(in crate::gui) struct TiledPicture {
    tiles: BTreeMap<(u32, usize, usize), Tile>,
    /// The level that was last there as a whole, shown until the next one is.
    whole_level: Option<u32>,
    shape: [usize; 2],
}

/// Which tiles of a level a pane shows.
struct Grid {
    level: u32,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
}

impl TiledPicture {
    /// Paints what is visible of the picture. Textures whose stamp is outdated are remade within the frame's budget.
    pub(in crate::gui) fn paint(
        &mut self,
        painter: &Painter,
        placement: Placement,
        layer: Layer,
        pixels: impl Texels,
    ) {
        let Layer { scale, stamp, tint } = layer;
        let shape = pixels.shape();
        if shape != self.shape {
            *self = Self { shape, ..Self::default() };
        }
        if shape[0] == 0 || shape[1] == 0 {
            return;
        }
        let grid = visible(painter, placement, scale, shape);
        let complete = self.render(painter.ctx(), &grid, stamp, &pixels);
        if complete {
            if self.whole_level != Some(grid.level) {
                tracing::debug!("level {} of a picture is complete", grid.level);
            }
            self.whole_level = Some(grid.level);
            self.tiles.retain(|key, _| key.0 == grid.level);
            self.forget_far(&grid);
        } else {
            painter.ctx().request_repaint();
        }
        let below = self.whole_level.filter(|level| *level != grid.level);
        for level in below.into_iter().chain([grid.level]) {
            for (key, tile) in self.tiles.range((level, 0, 0)..(level + 1, 0, 0)) {
                paint_tile(painter, placement, scale, (*key, shape), tile, tint);
            }
        }
    }

    /// Keeps the textures of a large image within bounds: those around the visible ones.
    fn forget_far(&mut self, grid: &Grid) {
        if self.tiles.len() <= KEPT {
            return;
        }
        let near = |range: &std::ops::Range<usize>, at: usize| at + 1 >= range.start && at <= range.end;
        self.tiles.retain(|(_, row, column), _| near(&grid.rows, *row) && near(&grid.columns, *column));
    }

    /// Makes missing and outdated tiles until the time is over; true when none is left.
    fn render(&mut self, ctx: &egui::Context, grid: &Grid, stamp: u64, pixels: &impl Texels) -> bool {
        let started = Instant::now();
        for row in grid.rows.clone() {
            for column in grid.columns.clone() {
                let key = (grid.level, row, column);
                if self.tiles.get(&key).is_some_and(|tile| tile.stamp == stamp) {
                    continue;
                }
                if started.elapsed() > BUDGET {
                    return false;
                }
                let image = pixels.render(grid.level, row * TILE, column * TILE);
                if let Some(tile) = self.tiles.get_mut(&key) {
                    tile.texture.set(image, options());
                    tile.stamp = stamp;
                } else {
                    let texture = ctx.load_texture("picture tile", image, options());
                    self.tiles.insert(key, Tile { texture, stamp });
                }
            }
        }
        true
    }
}

fn options() -> TextureOptions {
    TextureOptions {
        magnification: TextureFilter::Nearest,
        minification: TextureFilter::Linear,
        ..TextureOptions::NEAREST
    }
}

/// The level that has at least one texel for each pixel of the screen; `on_screen` pixels there for one of the picture.
pub(super) fn level_for(on_screen: f64, shape: [usize; 2]) -> u32 {
    let deepest = (shape[0].max(shape[1]) as f64).log2().floor();
    (1.0 / on_screen).log2().floor().clamp(0.0, deepest) as u32
}

fn visible(painter: &Painter, placement: Placement, scale: [f64; 2], shape: [usize; 2]) -> Grid {
    let on_screen = placement.zoom * scale[0].min(scale[1]) * f64::from(painter.pixels_per_point());
    let level = level_for(on_screen, shape);
    let side = (TILE << level) as f64;
    let clip = placement.rect.intersect(painter.clip_rect());
    let (low, high) = (placement.source_from_screen(clip.min), placement.source_from_screen(clip.max));
    let range = |axis: usize, length: usize| {
        let last = (length as f64 / side).ceil() as usize;
        let from = (low[axis] / scale[axis] / side).floor().max(0.0) as usize;
        let to = (high[axis] / scale[axis] / side).ceil().max(0.0) as usize;
        from.min(last)..to.min(last)
    };
    Grid { level, rows: range(1, shape[0]), columns: range(0, shape[1]) }
}

fn paint_tile(
    painter: &Painter,
    placement: Placement,
    scale: [f64; 2],
    ((level, row, column), shape): ((u32, usize, usize), [usize; 2]),
    tile: &Tile,
    tint: Color32,
) {
    let step = 1usize << level;
    let [width, height] = tile.texture.size();
    let (left, top) = (column * TILE * step, row * TILE * step);
    // The last texel of a reduced level may stand for fewer pixels than its step; it is stretched no farther.
    let (right, bottom) = ((left + width * step).min(shape[1]), (top + height * step).min(shape[0]));
    let corner =
        |x: usize, y: usize| placement.screen_from_source([x as f64 * scale[0], y as f64 * scale[1]]);
    let rect = Rect::from_min_max(corner(left, top), corner(right, bottom));
    let texels = |pixels: usize, side: usize| pixels as f32 / (side * step) as f32;
    let uv =
        Rect::from_min_max(pos2(0.0, 0.0), pos2(texels(right - left, width), texels(bottom - top, height)));
    if painter.clip_rect().intersects(rect) {
        painter.image(tile.texture.id(), rect, uv, tint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Colormap, Contrast};
    use eframe::egui::{LayerId, vec2};
    use ndarray::Array2;

    fn grey(values: &Array2<f32>) -> Pixels<'_> {
        let contrast = Contrast { low: 0.0, high: 255.0 };
        Pixels::Values { values: values.view(), contrast, colormap: Colormap::Grey }
    }

    #[test]
    fn a_large_image_uses_few_tiles_and_uploads_each_once() {
        let values = Array2::from_elem((3000, 4000), 1.0);
        let ctx = egui::Context::default();
        let mut picture = TiledPicture::default();
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(400.0, 300.0));
        let _ = ctx.run_ui(egui::RawInput { screen_rect: Some(rect), ..Default::default() }, |_| {
            let painter = Painter::new(ctx.clone(), LayerId::background(), rect);
            let placement = Placement { rect, centre: [2000.0, 1500.0], zoom: 0.1 };
            for _ in 0..50 {
                picture.paint(&painter, placement, Layer::source(1), grey(&values));
            }
            assert_eq!(picture.whole_level, Some(3));
            assert_eq!(picture.tiles.len(), 1);
            let close = Placement { zoom: 1.0, ..placement };
            for step in 0..40u32 {
                let centre = [f64::from(step) * 100.0, 1500.0];
                let placement = Placement { centre, ..close };
                for _ in 0..4 {
                    picture.paint(&painter, placement, Layer::source(1), grey(&values));
                }
            }
            assert!(picture.tiles.len() <= KEPT, "{}", picture.tiles.len());
            for _ in 0..4 {
                picture.paint(&painter, placement, Layer::source(1), grey(&values));
            }
            let first = picture.tiles[&(3, 0, 0)].texture.id();
            picture.paint(&painter, placement, Layer::source(1), grey(&values));
            assert_eq!(picture.tiles[&(3, 0, 0)].texture.id(), first);
        });
    }
}
