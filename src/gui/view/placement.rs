//! The shared zoom and pan, in source pixels, and where that puts the source in one pane.
use crate::analysis::Probe;
use eframe::egui::{Context, Pos2, Rect, pos2, vec2};

/// Nearest and farthest, in screen points per source pixel.
const ZOOM: (f64, f64) = (0.005, 96.0);

/// Which part of the source every image pane shows, and the linked cursor. Positions are `[x, y]` in source pixels,
/// pixel (0, 0) covering 0..1.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gui) struct View {
    /// The whole image in every pane, whatever its size.
    fit: bool,
    centre: [f64; 2],
    /// Screen points per source pixel.
    zoom: f64,
    /// Under the pointer, in whichever pane that is.
    pub(in crate::gui) cursor: Option<[f64; 2]>,
    /// Kept by a click, for when the pointer is elsewhere.
    pub(in crate::gui) pin: Option<[f64; 2]>,
    /// Where the source pane drew last, for zooming by key.
    pub(in crate::gui) main: Option<Placement>,
    /// Whether a pane has seen the pointer in this frame.
    pub(in crate::gui) pointed: bool,
    /// The value of a feature map that the pointer was over in the frame before.
    pub(in crate::gui) hovered: Option<Probe>,
    /// The same, as it is found in this frame.
    pub(in crate::gui) hovering: Option<Probe>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            fit: true,
            centre: [0.0, 0.0],
            zoom: 1.0,
            cursor: None,
            pin: None,
            main: None,
            pointed: false,
            hovered: None,
            hovering: None,
        }
    }
}

/// The source in one pane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::gui) struct Placement {
    pub(in crate::gui) rect: Rect,
    pub(in crate::gui) centre: [f64; 2],
    /// Screen points per source pixel.
    pub(in crate::gui) zoom: f64,
}

impl View {
    /// Where a source of `width` × `height` px stands in a pane's `rect`.
    pub(in crate::gui) fn place(&self, rect: Rect, [width, height]: [f64; 2]) -> Placement {
        if self.fit {
            let margin = 8.0;
            let across = (f64::from(rect.width()) - margin).max(1.0) / width.max(1.0);
            let down = (f64::from(rect.height()) - margin).max(1.0) / height.max(1.0);
            Placement { rect, centre: [width / 2.0, height / 2.0], zoom: across.min(down) }
        } else {
            Placement { rect, centre: self.centre, zoom: self.zoom }
        }
    }

    pub(in crate::gui) fn fit(&mut self) {
        self.fit = true;
    }

    pub(in crate::gui) fn is_fit(&self) -> bool {
        self.fit
    }

    /// Zooms by `factor` and keeps the source point under `anchor` where it is.
    pub(in crate::gui) fn zoom_at(&mut self, from: Placement, anchor: Pos2, factor: f64) {
        let zoom = (from.zoom * factor).clamp(ZOOM.0, ZOOM.1);
        let held = from.source_from_screen(anchor);
        let middle = from.rect.center();
        self.fit = false;
        self.zoom = zoom;
        self.centre = [
            held[0] - f64::from(anchor.x - middle.x) / zoom,
            held[1] - f64::from(anchor.y - middle.y) / zoom,
        ];
    }

    /// Moves the picture by a distance on the screen.
    pub(in crate::gui) fn pan(&mut self, from: Placement, by: eframe::egui::Vec2) {
        self.fit = false;
        self.zoom = from.zoom;
        self.centre =
            [from.centre[0] - f64::from(by.x) / from.zoom, from.centre[1] - f64::from(by.y) / from.zoom];
    }

    /// Brings a source point to the middle of the pane that shows `from`.
    pub(in crate::gui) fn centre_on(&mut self, from: Placement, point: [f64; 2]) {
        self.fit = false;
        self.zoom = from.zoom;
        self.centre = point;
    }

    /// Zooms about the middle of the source pane; `zoom` in screen points per source pixel.
    pub(in crate::gui) fn set_zoom(&mut self, zoom: f64) {
        if let Some(main) = self.main {
            self.zoom_at(main, main.rect.center(), zoom / main.zoom);
        }
    }

    /// Zooms by a factor about the middle of the source pane.
    pub(in crate::gui) fn zoom_by(&mut self, factor: f64) {
        if let Some(main) = self.main {
            self.zoom_at(main, main.rect.center(), factor);
        }
    }

    /// Forgets the cursor when no image was pointed at in the frame that ends here.
    pub(in crate::gui) fn end_frame(&mut self) {
        self.hovered = self.hovering.take();
        if !std::mem::take(&mut self.pointed) {
            self.cursor = None;
        }
    }

    /// Moves the linked cursor to where the pointer is over a pane; `None` beside the image.
    pub(in crate::gui) fn point(&mut self, ctx: &Context, cursor: Option<[f64; 2]>) {
        self.pointed = true;
        if self.cursor != cursor {
            self.cursor = cursor;
            // Panes drawn before that one show the old position until the next frame.
            ctx.request_repaint();
        }
    }

    /// The position the person means: under the pointer, else pinned.
    pub(in crate::gui) fn position(&self) -> Option<[f64; 2]> {
        self.cursor.or(self.pin)
    }
}

impl Placement {
    /// Where a picture stands whose corner lies at `origin` `[x, y]` of the source.
    pub(in crate::gui) fn moved(self, [x, y]: [f64; 2]) -> Self {
        Self { centre: [self.centre[0] - x, self.centre[1] - y], ..self }
    }

    pub(in crate::gui) fn screen_from_source(&self, [x, y]: [f64; 2]) -> Pos2 {
        let middle = self.rect.center();
        pos2(
            middle.x + ((x - self.centre[0]) * self.zoom) as f32,
            middle.y + ((y - self.centre[1]) * self.zoom) as f32,
        )
    }

    pub(in crate::gui) fn source_from_screen(&self, position: Pos2) -> [f64; 2] {
        let from_middle = position - self.rect.center();
        [
            self.centre[0] + f64::from(from_middle.x) / self.zoom,
            self.centre[1] + f64::from(from_middle.y) / self.zoom,
        ]
    }

    /// A source rectangle (`left, top, width, height`) on the screen.
    pub(in crate::gui) fn screen_rect(&self, [left, top, width, height]: [f64; 4]) -> Rect {
        let size = vec2((width * self.zoom) as f32, (height * self.zoom) as f32);
        Rect::from_min_size(self.screen_from_source([left, top]), size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: [f64; 2], b: [f64; 2]) -> bool {
        (a[0] - b[0]).abs() < 1e-3 && (a[1] - b[1]).abs() < 1e-3
    }

    #[test]
    fn fit_shows_the_whole_image_centred() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(408.0, 208.0));
        let placed = View::default().place(rect, [100.0, 100.0]);
        assert!((placed.zoom - 2.0).abs() < 1e-9);
        assert_eq!(placed.screen_from_source([50.0, 50.0]), rect.center());
        assert!(rect.contains_rect(placed.screen_rect([0.0, 0.0, 100.0, 100.0])));
    }

    #[test]
    fn zooming_holds_the_point_under_the_cursor() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 200.0));
        let mut view = View::default();
        let anchor = pos2(40.0, 170.0);
        let before = view.place(rect, [640.0, 480.0]);
        let held = before.source_from_screen(anchor);
        view.zoom_at(before, anchor, 3.0);
        let after = view.place(rect, [640.0, 480.0]);
        assert!(close(after.source_from_screen(anchor), held));
        assert!((after.zoom / before.zoom - 3.0).abs() < 1e-9);
    }

    #[test]
    fn panning_moves_the_picture_with_the_pointer() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 200.0));
        let mut view = View::default();
        let before = view.place(rect, [64.0, 64.0]);
        let grabbed = before.source_from_screen(pos2(100.0, 100.0));
        view.pan(before, vec2(25.0, -10.0));
        let after = view.place(rect, [64.0, 64.0]);
        assert!(close(after.source_from_screen(pos2(125.0, 90.0)), grabbed));
        assert!(!view.is_fit());
    }
}
