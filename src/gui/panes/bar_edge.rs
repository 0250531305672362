//! The info bar on the source: hatched, its upper edge to drag.
use crate::gui::desk::Desk;
use crate::gui::theme::Palette;
use crate::gui::view::{Canvas, below, paint_hatch};
use crate::imaging::InfoBarChoice;
use crate::session::Command;
use eframe::egui::{CursorIcon, Rect, Sense, Ui, pos2};

/// How near the edge, in points, the pointer must be.
const REACH: f32 = 5.0;

#[derive(Default)]
pub(super) struct BarEdge {
    /// First row of the bar while its edge is dragged.
    dragged: Option<usize>,
}

impl BarEdge {
    /// Paints the bar of the shown micrograph, of `[width, height]` px, and moves its edge.
    pub(super) fn ui(&mut self, ui: &Ui, desk: &mut Desk<'_>, canvas: &Canvas, size: [usize; 2]) {
        let Some(specimen) = desk.session.micrograph().map(|shown| shown.specimen_rows().len()) else {
            return;
        };
        let [_, height] = size;
        // Another micrograph is shown already than the one whose plane is.
        if specimen > height {
            return;
        }
        let from = self.dragged.unwrap_or(specimen);
        paint_hatch(&canvas.painter, canvas.placement, size, from, Palette::of(ui).warning);
        if specimen == height && self.dragged.is_none() {
            return;
        }
        let edge = below(canvas.placement, size, from);
        let strip =
            Rect::from_min_max(pos2(edge.left(), edge.top() - REACH), pos2(edge.right(), edge.top() + REACH));
        let strip = strip.intersect(canvas.placement.rect);
        if !strip.is_positive() && self.dragged.is_none() {
            return;
        }
        let response = ui.interact(strip, ui.scope_id().with("info bar edge"), Sense::drag());
        let response = response.on_hover_and_drag_cursor(CursorIcon::ResizeVertical);
        if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
            let [_, y] = canvas.placement.source_from_screen(pointer);
            self.dragged = Some(y.round().clamp(1.0, height as f64) as usize);
        }
        if response.drag_stopped()
            && let Some(from) = self.dragged.take()
        {
            desk.send(Command::SetInfoBar(InfoBarChoice::Rows(height - from)));
        }
        if !response.dragged() {
            self.dragged = None;
            response.on_hover_text("Drag: the rows below are text and count as nothing");
        }
    }
}
