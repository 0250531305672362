//! The linked cursor in the sheet's cells: pointing at one marks the same place of the source everywhere.
use crate::gui::desk::Desk;
use crate::gui::theme::Palette;
use crate::inspect::FeatureMaps;
use crate::session::Shown;
use eframe::egui::{Color32, Pos2, Rect, Stroke, Ui, pos2};

/// The place `[x, y]` of the source under a pointer over a cell that shows all of a map.
fn source_at(maps: &FeatureMaps, cell: Rect, pointer: Pos2) -> Option<[f64; 2]> {
    let (_, height, width) = maps.maps.dim();
    if !cell.is_positive() || !cell.contains(pointer) {
        return None;
    }
    let along = |at: f32, low: f32, length: f32, pixels: usize, axis: usize| {
        let share = f64::from((at - low) / length).clamp(0.0, 1.0 - 1e-9);
        maps.origin[axis] + share * pixels as f64 * maps.scale[axis]
    };
    let x = along(pointer.x, cell.left(), cell.width(), width, 1);
    let y = along(pointer.y, cell.top(), cell.height(), height, 0);
    (x >= 0.0 && y >= 0.0).then_some([x, y])
}

/// Where a place `[x, y]` of the source is in a cell; `None` where the map ends before it.
fn cell_at(maps: &FeatureMaps, cell: Rect, [x, y]: [f64; 2]) -> Option<Pos2> {
    let (_, height, width) = maps.maps.dim();
    let along = |at: f64, low: f32, length: f32, pixels: usize, axis: usize| {
        let share = (at - maps.origin[axis]) / (maps.scale[axis] * pixels.max(1) as f64);
        (0.0..=1.0).contains(&share).then_some(low + length * share as f32)
    };
    let across = along(x, cell.left(), cell.width(), width, 1)?;
    Some(pos2(across, along(y, cell.top(), cell.height(), height, 0)?))
}

/// Moves the linked cursor when the pointer is over a cell of a node's sheet that belongs to what is shown.
pub(super) fn point(ui: &Ui, desk: &mut Desk<'_>, maps: &FeatureMaps, (cell, pointer): (Rect, Option<Pos2>)) {
    let at = pointer.filter(|_| desk.session.result_is_current()).and_then(|at| source_at(maps, cell, at));
    let size = desk.session.shown.as_ref().map(Shown::size);
    let inside = at.zip(size).filter(|([x, y], [height, width])| *x < *width as f64 && *y < *height as f64);
    if let Some((at, _)) = inside {
        desk.view.point(ui.ctx(), Some(at));
    }
}

/// A small cross at the linked place, where the cell is large enough for one.
pub(super) fn paint(ui: &Ui, desk: &Desk<'_>, maps: &FeatureMaps, cell: Rect) {
    if cell.width().min(cell.height()) < 30.0 || !desk.session.result_is_current() {
        return;
    }
    let Some(at) = desk.view.position().and_then(|at| cell_at(maps, cell, at)) else { return };
    let painter = ui.painter().with_clip_rect(cell.intersect(ui.clip_rect()));
    let accent = Palette::of(ui).accent;
    for (width, colour) in [(2.5, Color32::from_black_alpha(110)), (1.0, accent)] {
        let stroke = Stroke::new(width, colour);
        painter.hline(at.x - 5.0..=at.x + 5.0, at.y, stroke);
        painter.vline(at.x, at.y - 5.0..=at.y + 5.0, stroke);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::vec2;
    use ndarray::Array3;

    #[test]
    fn a_cell_and_the_source_lead_to_one_another() {
        let maps = FeatureMaps {
            node: "pool".into(),
            maps: Array3::zeros((1, 10, 20)),
            scale: [2.0, 2.0],
            origin: [4.0, 0.0],
        };
        let cell = Rect::from_min_size(pos2(100.0, 50.0), vec2(80.0, 40.0));
        // A quarter across of 40 source px, half down of 20 that begin at 4.
        let at = source_at(&maps, cell, pos2(120.0, 70.0)).unwrap();
        assert!((at[0] - 10.0).abs() < 1e-6 && (at[1] - 14.0).abs() < 1e-6, "{at:?}");
        let back = cell_at(&maps, cell, at).unwrap();
        assert!((back - pos2(120.0, 70.0)).length() < 1e-3);
        assert_eq!(source_at(&maps, cell, pos2(99.0, 70.0)), None);
        assert_eq!(cell_at(&maps, cell, [10.0, 3.0]), None, "above where the map begins");
    }
}
