//! Where on the drawing the pane looks, and how near.
use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Points of the screen per point of the drawing.
const NEAREST: f32 = 4.0;
const FARTHEST: f32 = 0.03;
/// Writing is not read any more below this, so that larger drawings begin with a part of them.
const LEGIBLE: f32 = 0.62;

/// Zoom, and the place of the drawing that lies in the middle of the pane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Camera {
    pub(super) zoom: f32,
    centre: Vec2,
}

impl Default for Camera {
    fn default() -> Self {
        Self { zoom: 1.0, centre: Vec2::ZERO }
    }
}

impl Camera {
    /// The whole drawing, no larger than life.
    pub(super) fn fit(&mut self, size: [f32; 2], pane: Rect) {
        let room = pane.size() / vec2(size[0].max(1.0), size[1].max(1.0));
        self.zoom = room.min_elem().clamp(FARTHEST, 1.15);
        self.centre = vec2(size[0], size[1]) / 2.0;
    }

    /// The whole drawing where it is legible then, else its beginning.
    pub(super) fn begin(&mut self, size: [f32; 2], pane: Rect) {
        self.fit(size, pane);
        if self.zoom >= LEGIBLE {
            return;
        }
        let wide = pane.width() / size[0].max(1.0);
        self.zoom = wide.clamp(LEGIBLE, 1.0);
        let half = pane.size() / self.zoom / 2.0;
        self.centre = vec2((size[0] / 2.0).min(half.x), (size[1] / 2.0).min(half.y));
        if wide >= LEGIBLE {
            self.centre.x = size[0] / 2.0;
        }
    }

    pub(super) fn to_screen(self, pane: Rect, point: [f32; 2]) -> Pos2 {
        pane.center() + (vec2(point[0], point[1]) - self.centre) * self.zoom
    }

    pub(super) fn to_drawing(self, pane: Rect, at: Pos2) -> [f32; 2] {
        let place = (at - pane.center()) / self.zoom + self.centre;
        [place.x, place.y]
    }

    /// A rectangle of the drawing on the screen.
    pub(super) fn rect(self, pane: Rect, area: &crate::network::Area) -> Rect {
        let min = self.to_screen(pane, [area.left, area.top]);
        Rect::from_min_size(min, vec2(area.width, area.height) * self.zoom)
    }

    pub(super) fn pan(&mut self, by: Vec2, size: [f32; 2]) {
        self.centre -= by / self.zoom;
        // Some of it always stays in sight.
        self.centre = self.centre.clamp(Vec2::ZERO, vec2(size[0], size[1]));
    }

    /// Nearer or farther, about a point of the screen that stays where it is.
    pub(super) fn zoom_at(&mut self, pane: Rect, at: Pos2, factor: f32) {
        let before = self.to_drawing(pane, at);
        self.zoom = (self.zoom * factor).clamp(FARTHEST, NEAREST);
        let after = self.to_drawing(pane, at);
        self.centre += vec2(before[0] - after[0], before[1] - after[1]);
    }

    /// Moves no farther than brings an area into sight, with some of what is around it.
    pub(super) fn reveal(&mut self, pane: Rect, area: &crate::network::Area) {
        let (rect, inside) = (self.rect(pane, area), pane.shrink(24.0));
        let along = |low: f32, high: f32, from: f32, to: f32| {
            if low < from {
                low - from
            } else if high > to {
                high - to
            } else {
                0.0
            }
        };
        let by = pos2(
            along(rect.left(), rect.right(), inside.left(), inside.right()),
            along(rect.top(), rect.bottom(), inside.top(), inside.bottom()),
        );
        self.centre += by.to_vec2() / self.zoom;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Area;

    fn pane() -> Rect {
        Rect::from_min_size(pos2(100.0, 50.0), vec2(400.0, 300.0))
    }

    #[test]
    fn a_small_drawing_is_shown_whole_and_a_large_one_from_its_beginning() {
        let mut camera = Camera::default();
        camera.begin([300.0, 200.0], pane());
        assert_eq!((camera.zoom, camera.to_screen(pane(), [150.0, 100.0])), (1.15, pane().center()));
        camera.begin([400.0, 9000.0], pane());
        assert_eq!((camera.zoom, camera.to_screen(pane(), [0.0, 0.0])), (1.0, pane().min));
        camera.fit([400.0, 9000.0], pane());
        assert!((camera.zoom - 300.0 / 9000.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_pointed_at_stays_while_zooming() {
        let (mut camera, at) = (Camera::default(), pos2(170.0, 90.0));
        camera.begin([300.0, 200.0], pane());
        let before = camera.to_drawing(pane(), at);
        camera.zoom_at(pane(), at, 2.0);
        let after = camera.to_drawing(pane(), at);
        assert!((before[0] - after[0]).abs() < 1e-3 && (before[1] - after[1]).abs() < 1e-3);
    }

    #[test]
    fn a_box_out_of_sight_comes_in_and_one_in_sight_moves_nothing() {
        let mut camera = Camera::default();
        camera.begin([400.0, 9000.0], pane());
        let before = camera;
        camera.reveal(pane(), &Area { left: 50.0, top: 40.0, width: 100.0, height: 30.0 });
        assert_eq!(camera, before);
        let area = Area { left: 50.0, top: 4000.0, width: 100.0, height: 30.0 };
        camera.reveal(pane(), &area);
        assert!(pane().contains_rect(camera.rect(pane(), &area)));
    }
}
