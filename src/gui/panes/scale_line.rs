//! The tool that takes the scale from the picture: a line along the scale bar, and the length it stands for.
use crate::gui::desk::Desk;
use crate::gui::theme::{Palette, small};
use crate::gui::view::{Canvas, Placement};
use crate::imaging::{Length, ScaleByHand};
use crate::session::Command;
use eframe::egui::{
    Area, Color32, CursorIcon, Frame, Id, Key, Order, Pos2, Sense, Stroke, TextEdit, Ui, vec2,
};

/// A line nearer to an axis than this, across for along, is straightened.
const NEARLY: f64 = 0.06;

#[derive(Default)]
pub(super) struct ScaleLine {
    pub(super) active: bool,
    /// From and to, in source pixels.
    line: Option<[[f64; 2]; 2]>,
    /// The length as it is typed.
    length: String,
    /// The line is finished and its length is asked for.
    asks: bool,
    focus: bool,
}

impl ScaleLine {
    pub(super) fn toggle(&mut self) {
        *self = Self { active: !self.active, length: std::mem::take(&mut self.length), ..Self::default() };
    }

    /// Takes the pointer while it is active: a drag draws the line.
    pub(super) fn ui(&mut self, ui: &Ui, desk: &mut Desk<'_>, canvas: &Canvas) {
        if !self.active {
            return;
        }
        let response =
            ui.interact(canvas.placement.rect, ui.scope_id().with("scale line"), Sense::click_and_drag());
        let response = response.on_hover_and_drag_cursor(CursorIcon::Crosshair);
        if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
            let at = canvas.placement.source_from_screen(pointer);
            if response.drag_started() {
                let origin = ui.input(|input| input.pointer.press_origin()).unwrap_or(pointer);
                let from = canvas.placement.source_from_screen(origin);
                (self.line, self.asks) = (Some([from, at]), false);
            } else if let Some([_, to]) = &mut self.line {
                *to = at;
            }
        }
        if response.drag_stopped() {
            (self.asks, self.focus) = (self.line.is_some(), true);
            ui.ctx().request_repaint();
        }
        zoom(ui, desk, canvas, response.hover_pos());
        let Some([from, to]) = self.line else { return };
        let to = straightened(from, to);
        paint(canvas, canvas.placement, [from, to], Palette::of(ui).accent);
        if self.asks {
            self.ask(ui, desk, canvas, [from, to]);
        }
    }

    /// The small window at the line.
    fn ask(&mut self, ui: &Ui, desk: &mut Desk<'_>, canvas: &Canvas, line: [[f64; 2]; 2]) {
        let px = length(line);
        let at = canvas.placement.screen_from_source(line[1]) + vec2(12.0, 12.0);
        let area = Area::new(Id::unique("scale line length")).order(Order::Foreground).fixed_pos(at);
        let mut done = false;
        area.constrain_to(canvas.placement.rect).show(ui.ctx(), |ui| {
            Frame::popup(ui.style()).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(small(format!("{px} px are")));
                    let edit = TextEdit::singleline(&mut self.length).hint_text("500 nm").desired_width(72.0);
                    let field = ui.add(edit).accessible_name("Length of the line");
                    // The field is not there yet while its window is measured.
                    if self.focus {
                        field.request_focus();
                        self.focus = !field.has_focus();
                        ui.ctx().request_repaint();
                    }
                    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                    let scale = self.length.parse::<Length>().ok();
                    let scale = scale.and_then(|length| ScaleByHand::along(length, px));
                    let hint = "This length along this line becomes the scale of the micrograph";
                    let set = ui.add_enabled(scale.is_some(), eframe::egui::Button::new(small("Set scale")));
                    if (set.on_hover_text(hint).clicked() || entered) && scale.is_some() {
                        desk.send(Command::SetPixelSize(scale));
                        done = true;
                    }
                    done |= ui.button(small("Leave")).clicked();
                });
            });
        });
        if done {
            self.toggle();
        }
    }
}

/// The wheel still zooms to the cursor, to see the ends of the bar.
fn zoom(ui: &Ui, desk: &mut Desk<'_>, canvas: &Canvas, pointer: Option<Pos2>) {
    let scroll = ui.input(|input| f64::from(input.smooth_scroll_delta().y));
    if let Some(pointer) = pointer.filter(|_| scroll.abs() > 1e-3) {
        desk.view.zoom_at(canvas.placement, pointer, (scroll / 240.0).exp());
        ui.ctx().request_repaint();
    }
}

/// The end of a line that is meant to run along an axis.
fn straightened(from: [f64; 2], to: [f64; 2]) -> [f64; 2] {
    let [across, down] = [(to[0] - from[0]).abs(), (to[1] - from[1]).abs()];
    if down < NEARLY * across {
        [to[0], from[1]]
    } else if across < NEARLY * down {
        [from[0], to[1]]
    } else {
        to
    }
}

/// To a tenth of a pixel: a hand is no steadier.
fn length([from, to]: [[f64; 2]; 2]) -> f64 {
    ((to[0] - from[0]).hypot(to[1] - from[1]) * 10.0).round() / 10.0
}

fn paint(canvas: &Canvas, placement: Placement, [from, to]: [[f64; 2]; 2], colour: Color32) {
    let ends = [placement.screen_from_source(from), placement.screen_from_source(to)];
    let along = (ends[1] - ends[0]).normalized();
    let across = vec2(-along.y, along.x) * 6.0;
    for stroke in [Stroke::new(4.0, Color32::from_black_alpha(150)), Stroke::new(1.8, colour)] {
        canvas.painter.line_segment(ends, stroke);
        for end in ends {
            canvas.painter.line_segment([end - across, end + across], stroke);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_nearly_along_an_axis_is_straightened() {
        assert_eq!(straightened([10.0, 10.0], [110.0, 13.0]), [110.0, 10.0]);
        assert_eq!(straightened([10.0, 10.0], [8.0, 90.0]), [10.0, 90.0]);
        assert_eq!(straightened([0.0, 0.0], [30.0, 40.0]), [30.0, 40.0]);
        assert_eq!(length([[0.0, 0.0], [30.0, 40.04]]), 50.0);
    }
}
