//! Small pieces that several panes share.
use super::actions::Action;
use super::desk::Desk;
use super::theme::{Palette, small, strong};
use crate::imaging::Colormap;
use eframe::egui::{self, Align, Button, Color32, ComboBox, Layout, Mesh, Rect, RichText, Ui, pos2, vec2};

/// What an empty pane says: what would be here, and what to do.
pub(super) fn empty_state(ui: &mut Ui, title: &str, advice: &str) {
    empty_state_with(ui, title, advice, |_| {});
}

/// The same with something to press below.
pub(super) fn empty_state_with(ui: &mut Ui, title: &str, advice: &str, below: impl FnOnce(&mut Ui)) {
    let weak = Palette::of(ui).weak;
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.38 - 24.0).max(8.0));
        ui.label(strong(title).color(weak).size(14.0));
        ui.set_max_width(ui.available_width().min(320.0));
        ui.label(small(advice).color(weak));
        ui.add_space(4.0);
        below(ui);
    });
}

/// A button for an action, with its tooltip and shortcut.
pub(super) fn action_button(ui: &mut Ui, desk: &mut Desk<'_>, action: Action, enabled: bool) {
    let hint = action.hint(ui.ctx());
    let button = Button::new(action.about().text);
    if ui.add_enabled(enabled, button).on_hover_text(&hint).on_disabled_hover_text(&hint).clicked() {
        desk.act(action);
    }
}

/// A button that stays pressed while `on`; true when clicked.
pub(super) fn toggle(ui: &mut Ui, on: bool, text: &str, tooltip: &str) -> bool {
    let palette = Palette::of(ui);
    let colour = if on { palette.accent } else { palette.weak };
    let button = Button::selectable(on, small(text).color(colour)).frame_when_inactive(true);
    ui.add(button).on_hover_text(tooltip).clicked()
}

/// Chooses a colormap; `Some` when another was chosen.
pub(super) fn colormap_box(ui: &mut Ui, id: &str, now: Colormap, what: &str) -> Option<Colormap> {
    let mut chosen = now;
    let shown = ComboBox::from_id_salt(id).width(74.0).selected_text(small(now.name())).show_ui(ui, |ui| {
        for colormap in Colormap::ALL {
            ui.selectable_value(&mut chosen, colormap, colormap.name()).on_hover_text(colormap.about());
        }
    });
    let label = format!("Colours of {what}");
    shown.response.accessible_name(&label).on_hover_text(format!("{label}; the data stay as they are"));
    (chosen != now).then_some(chosen)
}

/// A pin in the upper right corner of a small picture of a feature; true when it was clicked.
pub(super) fn pin_button(ui: &Ui, cell: Rect, (feature, pinned): (usize, bool)) -> bool {
    let rect = Rect::from_min_size(pos2(cell.right() - 18.0, cell.top() + 2.0), vec2(16.0, 16.0));
    let response = ui.interact(rect, ui.scope_id().with(("pin", feature)), egui::Sense::click());
    let name = if pinned { format!("Unpin feature {feature}") } else { format!("Pin feature {feature}") };
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, pinned, &name));
    let palette = Palette::of(ui);
    let (fill, ink) = match (pinned, response.hovered()) {
        (true, _) => (palette.accent, palette.on_accent),
        (false, true) => (Color32::from_black_alpha(220), Color32::WHITE),
        (false, false) => (Color32::from_black_alpha(150), Color32::from_gray(210)),
    };
    ui.painter().circle_filled(rect.center(), 7.5, fill);
    let at = |x: f32, y: f32| rect.center() + vec2(x, y);
    ui.painter().circle_filled(at(0.0, -1.8), 2.6, ink);
    ui.painter().line_segment([at(0.0, 0.0), at(0.0, 4.8)], egui::Stroke::new(1.3, ink));
    response
        .on_hover_text(format!("{name}: pinned features stay in sight beside those of other nodes"))
        .clicked()
}

/// Contents at the right end of a line that begins at the left.
pub(super) fn at_right(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), contents);
}

/// Says that a button opens a menu.
pub(super) fn down_arrow(ui: &Ui) -> RichText {
    RichText::new("▼").size(7.0).color(Palette::of(ui).weak)
}

/// A short upright line between parts of a bar.
pub(super) fn divider(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 14.0), egui::Sense::hover());
    let line = egui::Stroke::new(1.0, Palette::of(ui).line);
    ui.painter().vline(rect.center().x, rect.y_range(), line);
}

/// The head of a small window; true when it was closed.
pub(super) fn window_head(ui: &mut Ui, title: &str) -> bool {
    let mut closed = false;
    ui.horizontal(|ui| {
        ui.label(strong(title).size(16.0).color(Palette::of(ui).strong));
        at_right(ui, |ui| closed = cross(ui, "Close").clicked());
    });
    ui.add_space(4.0);
    closed
}

/// A small cross to press.
pub(super) fn cross(ui: &mut Ui, name: &str) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(18.0, 18.0), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    let palette = Palette::of(ui);
    let stroke = egui::Stroke::new(1.4, if response.hovered() { palette.strong } else { palette.weak });
    let arms = egui::Rect::from_center_size(rect.center(), vec2(7.0, 7.0));
    ui.painter().line_segment([arms.left_top(), arms.right_bottom()], stroke);
    ui.painter().line_segment([arms.right_top(), arms.left_bottom()], stroke);
    response.on_hover_text(name)
}

/// A slider that fits into a pane's bar, without a number.
pub(super) fn bar_slider(
    ui: &mut Ui,
    value: &mut f32,
    range: std::ops::RangeInclusive<f32>,
    name: &str,
) -> egui::Response {
    ui.scope(|ui| {
        ui.spacing_mut().slider_width = 64.0;
        ui.spacing_mut().interact_size.y = 15.0;
        ui.add(egui::Slider::new(value, range).show_value(false)).accessible_name(name)
    })
    .inner
}

/// A caption over a group of controls.
pub(super) fn caption(ui: &mut Ui, text: &str) {
    let weak = Palette::of(ui).weak;
    ui.label(small(text).color(weak));
}

/// A small filled square of a class or group.
pub(super) fn swatch(ui: &mut Ui, colour: egui::Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(11.0, 11.0), egui::Sense::hover());
    // Outlined, or a dark class is lost on a dark ground.
    let line = egui::Stroke::new(1.0, Palette::of(ui).weak.gamma_multiply(0.6));
    ui.painter().rect(rect, 3.0, colour, line, egui::StrokeKind::Inside);
}

/// Monospaced numbers of the status line.
pub(super) fn number(text: impl Into<String>) -> RichText {
    RichText::new(text).monospace()
}

/// Height of a colour bar.
const BAR: f32 = 10.0;
/// Pieces in which its colours change evenly.
const PIECES: u16 = 96;

/// A bar of the colours from 0 to 1, as wide as there is room.
pub(super) fn colour_bar(ui: &mut Ui, label: &str, colour: impl Fn(f32) -> Color32) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), BAR), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, label));
    ui.painter().add(egui::Shape::mesh(bar(rect, colour)));
    response
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
