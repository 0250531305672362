//! The colour bar: which colour stands for which value.
use super::under_cursor;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{at_right, colour_bar};
use crate::imaging::{Display, NOT_A_NUMBER};
use eframe::egui::{Color32, Sense, Ui, vec2};

/// Of the bar and its numbers.
pub(super) const HEIGHT: f32 = 34.0;

/// The bar, from the value that is black to the one that is white, with what is not finite beside it.
pub(super) fn legend_ui(ui: &mut Ui, desk: &Desk<'_>, display: Display, not_finite: u64) {
    let session = desk.session;
    let tint = session.look().map(|look| look.colour).filter(|_| session.is_composite());
    let colour = |unit: f32| {
        let unit = display.tone.of(unit);
        let [r, g, b] = tint.map_or_else(|| display.colormap.rgb(unit), |tint| tint.at(unit));
        Color32::from_rgb(r, g, b)
    };
    let ends = [display.contrast.low, display.contrast.high].map(|end| format::value(f64::from(end)));
    let label = format!("Colours from {} to {}", ends[0], ends[1]);
    colour_bar(ui, &label, colour)
        .on_hover_text("What the colours stand for, from the lower end of the window to the upper");
    let weak = Palette::of(ui).weak;
    ui.horizontal(|ui| {
        ui.label(small(&ends[0]).color(weak));
        let under = session.shown.as_ref().and_then(|shown| under_cursor(desk, shown));
        if not_finite > 0 {
            missing_ui(ui, not_finite);
        } else if let Some(value) = under {
            ui.label(small(format!("here {}", format::value(value))).color(Palette::of(ui).text))
                .on_hover_text("At the cursor, marked in the histogram");
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
