//! A node's first feature map, small in its box, where it was kept and there is room.
use super::paint::Painting;
use super::plan::node_of;
use crate::gui::theme::Palette;
use crate::inspect::FeatureMaps;
use crate::network::NodeCost;
use crate::session::Session;
use eframe::egui::{
    Color32, ColorImage, Rect, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use std::collections::BTreeMap;

/// Texture pixels of a picture's longer side.
const SIDE: usize = 48;
/// In the drawing.
const ROOM: f32 = 24.0;
/// Pictures less wide on the screen are left out.
const SMALLEST: f32 = 13.0;
/// Made in one frame, at most.
const AT_ONCE: usize = 24;

/// Pictures by node, of one result.
#[derive(Default)]
pub(super) struct Thumbnails {
    result: Option<u64>,
    pictures: BTreeMap<String, TextureHandle>,
}

impl Thumbnails {
    /// Forgets what an earlier run saw.
    pub(super) fn follow(&mut self, session: &Session) {
        let result = session.result.as_ref().map(|result| result.key);
        if self.result != result {
            self.pictures.clear();
            self.result = result;
        }
    }

    /// Paints those of the boxes in sight.
    pub(super) fn paint(&mut self, ui: &Ui, session: &Session, painting: &Painting<'_>, nodes: &[NodeCost]) {
        let zoom = painting.camera.zoom;
        if ROOM * zoom < SMALLEST || !session.result_is_current() {
            return;
        }
        let Some(result) = &session.result else { return };
        let mut made = 0;
        for one in &painting.plan.drawing.boxes {
            let rect = painting.rect(one);
            let name = nodes.get(node_of(&one.content)).map(|node| node.name.as_str());
            let Some(maps) = name.and_then(|name| result.features.maps.get(name)) else { continue };
            let (count, height, width) = maps.maps.dim();
            if !rect.intersects(painting.pane) || count == 0 || height * width <= 1 {
                continue;
            }
            if !self.pictures.contains_key(&maps.node) {
                if made == AT_ONCE {
                    ui.ctx().request_repaint();
                    continue;
                }
                made += 1;
                let texture = ui.ctx().load_texture("node", picture(maps), TextureOptions::LINEAR);
                self.pictures.insert(maps.node.clone(), texture);
            }
            let Some(texture) = self.pictures.get(&maps.node) else { continue };
            let longest = height.max(width) as f32;
            let size = vec2(width as f32, height as f32) / longest * ROOM * zoom;
            // Left of the triangle of a folded group.
            let middle = pos2(rect.right() - 30.0 * zoom, rect.top() + 10.5 * zoom);
            let size = size * (15.0 / ROOM);
            let place = Rect::from_center_size(middle, size);
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), place, whole, Color32::WHITE);
            let line = Stroke::new(1.0, Palette::of(ui).line);
            ui.painter().rect_stroke(place, 1.0, line, StrokeKind::Outside);
        }
    }
}

/// The first feature between its extremes, from so few of its values that a frame has time for it.
fn picture(maps: &FeatureMaps) -> ColorImage {
    let (_, height, width) = maps.maps.dim();
    let longest = height.max(width);
    let [rows, columns] = [height, width].map(|side| (side * SIDE / longest).clamp(1, side.max(1)));
    let value = |place: usize| {
        let (row, column) = (place / columns, place % columns);
        maps.maps[[0, row * height / rows, column * width / columns]]
    };
    let values: Vec<f32> = (0..rows * columns).map(value).collect();
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max));
    let grey = |value: &f32| {
        let unit = if high > low { (value - low) / (high - low) } else { 0.5 };
        Color32::from_gray((unit.clamp(0.0, 1.0) * 255.0) as u8)
    };
    ColorImage::new([columns, rows], values.iter().map(grey).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn a_picture_keeps_the_shape_and_spans_black_to_white() {
        let maps = Array3::from_shape_fn((2, 100, 200), |(feature, y, _)| (y + feature * 1000) as f32);
        let maps = FeatureMaps { node: "conv".into(), maps, scale: [1.0; 2], origin: [0.0; 2] };
        let image = picture(&maps);
        assert_eq!(image.size, [48, 24]);
        assert_eq!((image.pixels[0], image.pixels[47 + 23 * 48]), (Color32::BLACK, Color32::WHITE));
        let flat = FeatureMaps { maps: Array3::from_elem((1, 1, 3), f32::NAN), ..maps };
        assert_eq!(picture(&flat).size, [3, 1]);
    }
}
