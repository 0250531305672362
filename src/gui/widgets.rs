//! Small pieces that several panes share.
use super::actions::Action;
use super::desk::Desk;
use super::theme::{Palette, small, strong};
use crate::imaging::Colormap;
use eframe::egui::{self, Align, Button, ComboBox, Layout, RichText, Ui, vec2};

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
            ui.selectable_value(&mut chosen, colormap, colormap.name());
        }
    });
    let label = format!("Colours of {what}");
    shown.response.accessible_name(&label).on_hover_text(format!("{label}; the data stay as they are"));
    (chosen != now).then_some(chosen)
}

/// Contents at the right end of a line that begins at the left.
pub(super) fn at_right(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), contents);
}

/// A caption over a group of controls.
pub(super) fn caption(ui: &mut Ui, text: &str) {
    let weak = Palette::of(ui).weak;
    ui.label(small(text).color(weak));
}

/// A small filled square of a class or group.
pub(super) fn swatch(ui: &mut Ui, colour: egui::Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(11.0, 11.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 3.0, colour);
}

/// Monospaced numbers of the status line.
pub(super) fn number(text: impl Into<String>) -> RichText {
    RichText::new(text).monospace()
}
