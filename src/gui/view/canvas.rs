//! The surface of an image pane: pans, zooms to the cursor, fits on a double click and moves the linked cursor.
use super::{Placement, View};
use crate::gui::theme::Palette;
use eframe::egui::{self, CursorIcon, Painter, PointerButton, Response, Sense};

/// What a pane paints on.
pub(in crate::gui) struct Canvas {
    pub(in crate::gui) response: Response,
    /// Clipped to the canvas.
    pub(in crate::gui) painter: Painter,
    pub(in crate::gui) placement: Placement,
}

/// Takes all the space left for a source of `size` `[width, height]` px, called `name` for those who cannot see it.
pub(in crate::gui) fn canvas(ui: &mut egui::Ui, view: &mut View, size: [usize; 2], name: &str) -> Canvas {
    canvas_for(ui, view, size, name, true)
}

/// The same for a tool: where it does not pan, dragging with the primary button is left to it.
pub(in crate::gui) fn canvas_for(
    ui: &mut egui::Ui,
    view: &mut View,
    size: [usize; 2],
    name: &str,
    pans: bool,
) -> Canvas {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 4.0, Palette::of(ui).canvas);
    let size = [size[0] as f64, size[1] as f64];
    let mut placement = view.place(rect, size);
    if interact(ui, view, &response, placement, pans) {
        placement = view.place(rect, size);
    }
    if let Some(pointer) = response.hover_pos() {
        let [x, y] = placement.source_from_screen(pointer);
        let inside = x >= 0.0 && y >= 0.0 && x < size[0] && y < size[1];
        let cursor = inside.then_some([x, y]);
        view.point(ui.ctx(), cursor);
    }
    let response = response.on_hover_and_drag_cursor(if view.cursor.is_some() {
        CursorIcon::Crosshair
    } else {
        CursorIcon::Default
    });
    Canvas { response, painter, placement }
}

/// A canvas that stands for itself: the whole picture, without zoom, pan or cursor.
pub(in crate::gui) fn still_canvas(ui: &mut egui::Ui, size: [usize; 2], name: &str) -> Canvas {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 4.0, Palette::of(ui).canvas);
    let placement = View::default().place(rect, [size[0] as f64, size[1] as f64]);
    Canvas { response, painter, placement }
}

/// True when the view has changed.
fn interact(ui: &egui::Ui, view: &mut View, response: &Response, placement: Placement, pans: bool) -> bool {
    if response.double_clicked() {
        view.fit();
        return true;
    }
    let mut changed = false;
    let dragged =
        pans && response.dragged_by(PointerButton::Primary) || response.dragged_by(PointerButton::Middle);
    if dragged && response.drag_delta() != egui::Vec2::ZERO {
        view.pan(placement, response.drag_delta());
        changed = true;
    }
    if let Some(pointer) = response.hover_pos() {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = f64::from(pinch) * (f64::from(scroll) / 240.0).exp();
        if (factor - 1.0).abs() > 1e-4 {
            let from = if changed { view.place(placement.rect, [1.0, 1.0]) } else { placement };
            view.zoom_at(from, pointer, factor);
            changed = true;
        }
    }
    changed
}
