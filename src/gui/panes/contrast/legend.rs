//! The colour bar: which colour stands for which value.
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::at_right;
use crate::imaging::{Display, NOT_A_NUMBER};
use eframe::egui::{self, Color32, Mesh, Rect, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2};

/// Of the bar and its numbers.
pub(super) const HEIGHT: f32 = 34.0;
const BAR: f32 = 10.0;
/// Pieces in which the colours change evenly.
const PIECES: u16 = 96;

/// The bar, from the value that is black to the one that is white, with what is not finite beside it.
pub(super) fn legend_ui(ui: &mut Ui, desk: &Desk<'_>, display: Display, not_finite: u64) {
    let session = desk.session;
    let tint = session.look().map(|look| look.colour).filter(|_| session.is_composite());
    let colour = |unit: f32| {
        let unit = display.tone.of(unit);
        let [r, g, b] = tint.map_or_else(|| display.colormap.rgb(unit), |tint| tint.at(unit));
        Color32::from_rgb(r, g, b)
    };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), BAR), Sense::hover());
    let ends = [display.contrast.low, display.contrast.high].map(|end| format::value(f64::from(end)));
    let label = format!("Colours from {} to {}", ends[0], ends[1]);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    ui.painter().add(Shape::mesh(bar(rect, colour)));
    response.on_hover_text("What the colours stand for, from the lower end of the window to the upper");
    let weak = Palette::of(ui).weak;
    ui.horizontal(|ui| {
        ui.label(small(&ends[0]).color(weak));
        if not_finite > 0 {
            missing_ui(ui, not_finite);
        }
        at_right(ui, |ui| {
            ui.label(small(&ends[1]).color(weak));
        });
    });
}

fn missing_ui(ui: &mut Ui, count: u64) {
    let [r, g, b] = NOT_A_NUMBER;
    let (square, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
    ui.painter().rect_filled(square, 2.0, Color32::from_rgb(r, g, b));
    let text = format!("{} not finite", format::thousands(count));
    let hint =
        "Pixels that are not a number are drawn magenta; infinite ones have the colour of the nearer end";
    ui.label(small(text).color(Palette::of(ui).warning)).on_hover_text(hint);
}

fn bar(rect: Rect, colour: impl Fn(f32) -> Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for piece in 0..=PIECES {
        let unit = f32::from(piece) / f32::from(PIECES);
        let x = egui::lerp(rect.x_range().min..=rect.x_range().max, unit);
        mesh.colored_vertex(pos2(x, rect.top()), colour(unit));
        mesh.colored_vertex(pos2(x, rect.bottom()), colour(unit));
    }
    for piece in 0..u32::from(PIECES) {
        let first = piece * 2;
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first + 1, first + 2, first + 3);
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_begins_and_ends_in_the_ends_colours() {
        let rect = Rect::from_min_size(pos2(10.0, 0.0), vec2(96.0, 10.0));
        let mesh = bar(rect, |unit| Color32::from_gray((unit * 255.0) as u8));
        let (first, last) = (mesh.vertices[0], mesh.vertices[mesh.vertices.len() - 1]);
        assert_eq!((first.pos, first.color), (pos2(10.0, 0.0), Color32::BLACK));
        assert_eq!((last.pos, last.color), (pos2(106.0, 10.0), Color32::WHITE));
        assert!(mesh.is_valid());
    }
}
