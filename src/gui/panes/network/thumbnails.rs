//! A node's first feature map, small in its box, where it was kept and there is room.
use super::camera::Camera;
use super::plan::{Plan, node_of};
use crate::inspect::{FeatureMaps, Features};
use crate::network::NodeCost;
use crate::session::Session;
use eframe::egui::{Color32, ColorImage, Rect, TextureHandle, TextureId, TextureOptions, Ui, Vec2, vec2};
use std::collections::BTreeMap;

/// Texture pixels of a picture's longer side.
const SIDE: usize = 48;
/// At most, in the drawing.
const ROOM: Vec2 = vec2(34.0, 24.0);
/// Pictures less high on the screen are left out.
const SMALLEST: f32 = 13.0;
/// Made in one frame, at most.
const AT_ONCE: usize = 24;

/// A picture, and its size in the drawing.
#[derive(Clone, Copy)]
pub(super) struct Thumbnail {
    pub(super) texture: TextureId,
    pub(super) size: Vec2,
}

/// Pictures by node, of one result.
#[derive(Default)]
pub(super) struct Thumbnails {
    result: Option<u64>,
    pictures: BTreeMap<String, TextureHandle>,
}

impl Thumbnails {
    /// Those of the boxes in sight, one entry a box; made a few at a time.
    pub(super) fn of(
        &mut self,
        ui: &Ui,
        session: &Session,
        (plan, camera, pane): (&Plan, Camera, Rect),
        nodes: &[NodeCost],
    ) -> Vec<Option<Thumbnail>> {
        let mut thumbnails = vec![None; plan.drawing.boxes.len()];
        let result = session.result.as_ref().filter(|_| session.result_is_current());
        let key = result.map(|result| result.key);
        if self.result != key {
            // What an earlier run saw.
            self.pictures.clear();
            self.result = key;
        }
        let (Some(result), true) = (result, ROOM.y * camera.zoom >= SMALLEST) else { return thumbnails };
        let mut made = 0;
        for (one, thumbnail) in plan.drawing.boxes.iter().zip(&mut thumbnails) {
            let name = nodes.get(node_of(&one.content)).map(|node| node.name.as_str());
            let Some(maps) = name.and_then(|name| kept(&result.features, name)) else { continue };
            let (count, height, width) = maps.maps.dim();
            let in_sight = camera.rect(pane, &one.area).intersects(pane);
            if !in_sight || count == 0 || height * width <= 1 {
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
            let size = vec2(width as f32, height as f32);
            let size = size * (ROOM / size).min_elem();
            *thumbnail =
                self.pictures.get(&maps.node).map(|texture| Thumbnail { texture: texture.id(), size });
        }
        thumbnails
    }
}

/// The small maps of a node where there are some, else the maps themselves.
fn kept<'a>(features: &'a Features, node: &str) -> Option<&'a FeatureMaps> {
    let reduced = features.reduced.get(node).map(|reduced| &reduced.maps);
    reduced.or_else(|| features.maps.get(node).map(|maps| &**maps))
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
