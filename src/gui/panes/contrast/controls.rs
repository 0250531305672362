//! The fields and buttons below the histogram.
use crate::gui::desk::Desk;
use crate::gui::theme::small;
use crate::gui::widgets::{caption, colormap_box, toggle};
use crate::imaging::{Contrast, Display, Histogram, Percentiles, Tone};
use crate::session::{Command, JobKind};
use eframe::egui::{Button, DragValue, Ui};

/// Window, tone, buttons and colours, percentiles, and what a stack needs.
pub(super) fn controls_ui(ui: &mut Ui, desk: &mut Desk<'_>, display: Display, histogram: &Histogram) {
    window_ui(ui, desk, display.contrast, histogram);
    tone_ui(ui, desk, display.tone);
    buttons_ui(ui, desk, display, histogram);
    percentiles_ui(ui, desk);
    if desk.session.micrograph().is_some_and(|shown| shown.frames() > 1) {
        stack_ui(ui, desk);
    }
}

fn window_ui(ui: &mut Ui, desk: &mut Desk<'_>, contrast: Contrast, histogram: &Histogram) {
    let width = |low: f32, high: f32| f64::from(high) - f64::from(low);
    let widest = width(histogram.min, histogram.max).max(width(contrast.low, contrast.high));
    let speed = (widest / 400.0).max(1e-12);
    ui.horizontal(|ui| {
        let mut changed = contrast;
        let ends = [
            ("Black", "Values up to this one are black; type a number or drag", &mut changed.low),
            ("White", "Values from this one on are white; type a number or drag", &mut changed.high),
        ];
        for (name, hint, end) in ends {
            caption(ui, name);
            let field = DragValue::new(end).speed(speed).range(f32::MIN..=f32::MAX);
            ui.add(field).accessible_name(name).on_hover_text(hint);
        }
        if changed != contrast {
            desk.send(Command::SetContrast(Some(with_width(contrast, changed))));
        }
    });
}

/// A window of which one end was typed: where it went beyond the other end, that one goes along.
fn with_width(before: Contrast, typed: Contrast) -> Contrast {
    let width = before.high - before.low;
    if typed.low < typed.high {
        typed
    } else if typed.low == before.low {
        Contrast { low: typed.high - width, ..typed }
    } else {
        Contrast { high: typed.low + width, ..typed }
    }
}

fn tone_ui(ui: &mut Ui, desk: &mut Desk<'_>, tone: Tone) {
    ui.horizontal(|ui| {
        let mut changed = tone;
        caption(ui, "Gamma");
        let field = DragValue::new(&mut changed.gamma).speed(0.01).range(Tone::GAMMAS).max_decimals(3);
        let hint = "Brightness to this power: below 1 shows more in the dark, above 1 more in the bright. \
                    Also by dragging the dot in the histogram";
        ui.add(field).accessible_name("Gamma").on_hover_text(hint);
        let hint = "Logarithmic brightness over three decades: a thousandth of the window is a tenth of the \
                    brightness, as for diffraction patterns";
        if toggle(ui, tone.logarithmic, "Log", hint) {
            changed.logarithmic = !tone.logarithmic;
        }
        if toggle(ui, tone.inverted, "Invert", "Dark for bright") {
            changed.inverted = !tone.inverted;
        }
        if changed != tone {
            desk.send(Command::SetTone(changed));
        }
    });
}

fn buttons_ui(ui: &mut Ui, desk: &mut Desk<'_>, display: Display, histogram: &Histogram) {
    ui.horizontal(|ui| {
        let hint = "From the smallest value of this plane to the largest";
        if ui.add(Button::new(small("Min–max"))).on_hover_text(hint).clicked() {
            let all = Contrast { low: histogram.min, high: histogram.max };
            desk.send(Command::SetContrast(Some(all)));
        }
        let hint = "Window by percentiles, gamma 1, neither logarithmic nor inverted";
        let by_hand = desk.session.look().is_some_and(|look| look.contrast.is_some());
        let touched = by_hand || display.tone != Tone::default();
        if ui.add_enabled(touched, Button::new(small("Reset"))).on_hover_text(hint).clicked() {
            desk.send(Command::SetContrast(None));
            desk.send(Command::SetTone(Tone::default()));
        }
        if !desk.session.is_composite()
            && let Some(colormap) = colormap_box(ui, "source colours", desk.session.colormap, "the source")
        {
            desk.send(Command::SetColormap(colormap));
        }
    });
}

fn percentiles_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal(|ui| {
        let now = desk.session.percentiles;
        let Percentiles { mut low, mut high } = now;
        caption(ui, "Percentiles");
        let ends = [
            (
                "Lower percentile",
                "This share of the values is black where the window follows the data",
                &mut low,
            ),
            (
                "Upper percentile",
                "Values above this share are white where the window follows the data",
                &mut high,
            ),
        ];
        for (name, hint, end) in ends {
            let field = DragValue::new(end).speed(0.05).range(0.0..=100.0).max_decimals(3).suffix(" %");
            ui.add(field).accessible_name(name).on_hover_text(hint);
        }
        let changed = Percentiles { low, high };
        if changed != now && low < high {
            desk.send(Command::SetPercentiles(changed));
        }
    });
}

fn stack_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal(|ui| {
        caption(ui, "Stack");
        let hint = "Keep this window while stepping through the frames, so that they can be compared";
        if ui.button("Keep").on_hover_text(hint).clicked() {
            desk.send(Command::KeepWindows);
        }
        let hint = "One window by the percentiles of all frames (Esc stops looking)";
        let idle = !desk.session.is_busy(JobKind::StackWindow);
        if ui.add_enabled(idle, Button::new("All frames")).on_hover_text(hint).clicked() {
            desk.send(Command::FitWindowToStack);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_typed_beyond_the_other_takes_it_along() {
        let before = Contrast { low: 0.0, high: 100.0 };
        let typed = |low, high| with_width(before, Contrast { low, high });
        assert_eq!(typed(20.0, 100.0), Contrast { low: 20.0, high: 100.0 });
        assert_eq!(typed(1000.0, 100.0), Contrast { low: 1000.0, high: 1100.0 });
        assert_eq!(typed(0.0, -50.0), Contrast { low: -150.0, high: -50.0 });
    }
}
