//! The whole picture in a corner, with the part that the pane shows: to see where one is, and to go elsewhere.
use super::picture::Texels;
use super::{Canvas, Layer, Placement, TiledPicture, View};
use crate::gui::theme::Palette;
use eframe::egui::{self, Color32, Rect, Sense, Stroke, StrokeKind, Ui, vec2};

/// Longest side in points.
const SIDE: f32 = 150.0;
const MARGIN: f32 = 10.0;

/// The small picture in the lower right corner of a canvas.
#[derive(Default)]
pub(in crate::gui) struct Minimap {
    picture: TiledPicture,
}

impl Minimap {
    /// Draws it where the canvas shows only a part of a source of `[width, height]` px.
    pub(in crate::gui) fn ui(
        &mut self,
        ui: &Ui,
        view: &mut View,
        canvas: &Canvas,
        layer: Layer,
        texels: impl Texels,
    ) {
        let [height, width] = texels.shape().map(|side| side as f64);
        let pane = canvas.placement;
        let Some(placement) = placed(pane, [width, height]) else { return };
        let rect = placement.screen_rect([0.0, 0.0, width, height]);
        let response = ui.interact(rect, ui.scope_id().with("minimap"), Sense::click_and_drag());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Overview"));
        if let Some(pointer) = response.interact_pointer_pos()
            && (response.dragged() || response.clicked())
        {
            let [x, y] = placement.source_from_screen(pointer);
            view.centre_on(pane, [x.clamp(0.0, width), y.clamp(0.0, height)]);
        }
        if let Some(pointer) = response.hover_pos() {
            let [x, y] = placement.source_from_screen(pointer);
            let inside = (0.0..width).contains(&x) && (0.0..height).contains(&y);
            view.point(ui.ctx(), inside.then_some([x, y]));
        }
        let palette = Palette::of(ui);
        let painter = ui.painter_at(rect.expand(2.0));
        painter.rect_filled(rect, 0.0, palette.canvas);
        self.picture.paint(&painter, placement, layer, texels);
        let corners = [pane.rect.min, pane.rect.max].map(|corner| pane.source_from_screen(corner));
        let [low, high] = corners.map(|corner| placement.screen_from_source(corner));
        let seen = Rect::from_min_max(low, high).intersect(rect);
        painter.rect_stroke(seen, 0.0, Stroke::new(3.0, Color32::from_black_alpha(120)), StrokeKind::Middle);
        painter.rect_stroke(seen, 0.0, Stroke::new(1.5, palette.accent), StrokeKind::Middle);
        painter.rect_stroke(rect, 0.0, Stroke::new(1.0, palette.weak), StrokeKind::Outside);
        if let Some(cursor) = view.position() {
            let at = placement.screen_from_source(cursor);
            painter.circle_filled(at, 4.0, Color32::from_black_alpha(170));
            painter.circle_filled(at, 2.6, palette.accent);
        }
        response.on_hover_text("The whole image; click or drag to look elsewhere");
    }
}

/// Where the small picture lies; `None` where the pane shows the whole source, or has no room.
fn placed(pane: Placement, [width, height]: [f64; 2]) -> Option<Placement> {
    let all = pane.screen_rect([0.0, 0.0, width, height]);
    let hidden = !pane.rect.expand(1.0).contains_rect(all);
    let longest = SIDE.min(pane.rect.width() * 0.3).min(pane.rect.height() * 0.3);
    if !hidden || longest < 40.0 || width < 1.0 || height < 1.0 {
        return None;
    }
    let zoom = f64::from(longest) / width.max(height);
    let size = vec2((width * zoom) as f32, (height * zoom) as f32).max(vec2(4.0, 4.0));
    let rect = Rect::from_min_size(pane.rect.max - size - vec2(MARGIN, MARGIN), size);
    Some(Placement { rect, centre: [width / 2.0, height / 2.0], zoom })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn it_is_there_only_where_a_part_is_hidden() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(400.0, 400.0));
        let fitted = View::default().place(rect, [1000.0, 500.0]);
        assert_eq!(placed(fitted, [1000.0, 500.0]), None);
        let close = Placement { zoom: 2.0, ..fitted };
        let small = placed(close, [1000.0, 500.0]).unwrap();
        assert_eq!(small.rect, Rect::from_min_max(pos2(270.0, 330.0), pos2(390.0, 390.0)));
        assert_eq!(small.screen_from_source([0.0, 0.0]), small.rect.min);
        let narrow = Placement { rect: Rect::from_min_size(pos2(0.0, 0.0), vec2(90.0, 90.0)), ..close };
        assert_eq!(placed(narrow, [1000.0, 500.0]), None);
    }
}
