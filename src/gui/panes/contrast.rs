//! The histogram of the shown plane with two lines to drag: what is black, what is white.
use super::PaneUi;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{at_right, colormap_box, empty_state, toggle};
use crate::imaging::{Contrast, Histogram};
use crate::session::Command;
use eframe::egui::{Button, CursorIcon, Label, PointerButton, Stroke, Ui, vec2};
use egui_plot::{FilledArea, Plot, PlotPoint, PlotResponse, PlotTransform, Span, VLine};

/// How near, in points, the pointer must be to take hold of a line.
const REACH: f32 = 8.0;

#[derive(Default)]
pub(super) struct ContrastPane {
    logarithmic: bool,
    held: Option<Side>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

impl PaneUi for ContrastPane {
    fn title(&self) -> &'static str {
        "Contrast"
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.shown.is_none() {
            return;
        }
        let auto = Button::new(small("Auto"));
        let hint = "From the percentiles of the data, anew for every plane";
        if ui.add_enabled(desk.session.contrast.is_some(), auto).on_hover_text(hint).clicked() {
            desk.send(Command::SetContrast(None));
        }
        if toggle(ui, self.logarithmic, "log", "Logarithmic counts, to see rare values") {
            self.logarithmic = !self.logarithmic;
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let (Some(shown), Some(contrast)) = (&session.shown, session.contrast_now()) else {
            empty_state(ui, "No histogram", "It shows the grey values of the open micrograph.");
            return;
        };
        let histogram = &shown.histogram;
        let response = self.plot_ui(ui, histogram, contrast);
        if let Some(changed) = self.drag(ui, &response, contrast, histogram) {
            desk.send(Command::SetContrast(Some(changed)));
        }
        ui.horizontal(|ui| {
            let weak = Palette::of(ui).weak;
            let numbers = format!(
                "{} – {}",
                format::value(f64::from(contrast.low)),
                format::value(f64::from(contrast.high))
            );
            let room = vec2((ui.available_width() - 92.0).max(20.0), 20.0);
            ui.allocate_ui(room, |ui| ui.add(Label::new(small(numbers).color(weak)).truncate()));
            if histogram.not_finite > 0 {
                let text = format!("{} not finite", format::thousands(histogram.not_finite));
                let warning = Palette::of(ui).warning;
                ui.label(small(text).color(warning)).on_hover_text("NaN or infinite pixels, shown black");
            }
            at_right(ui, |ui| {
                if let Some(colormap) = colormap_box(ui, "source colours", session.colormap, "the source") {
                    desk.send(Command::SetColormap(colormap));
                }
            });
        });
    }
}

impl ContrastPane {
    fn plot_ui(&self, ui: &mut Ui, histogram: &Histogram, contrast: Contrast) -> PlotResponse<()> {
        let palette = Palette::of(ui);
        let (edges, heights) = steps(histogram, self.logarithmic);
        let zeros = vec![0.0; edges.len()];
        let top = top_of(&heights);
        let margin = f64::from(histogram.max - histogram.min).max(1e-9) * 0.02;
        let low = f64::from(histogram.min.min(contrast.low)) - margin;
        let high = f64::from(histogram.max.max(contrast.high)) + margin;
        let fill = palette.weak.gamma_multiply(0.55);
        let (accent, clear) = (palette.accent, palette.accent.gamma_multiply(0.10));
        let (from, to) = (f64::from(contrast.low), f64::from(contrast.high));
        let held = self.held;
        Plot::new("contrast histogram")
            .height((ui.available_height() - 32.0).max(24.0))
            .show_axes(false)
            .show_grid(false)
            .show_background(false)
            .show_x(false)
            .show_y(false)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_double_click_reset(false)
            .label_formatter(|_| None)
            .show(ui, move |plot| {
                plot.set_plot_bounds_x(low..=high);
                plot.set_plot_bounds_y(0.0..=top * 1.04);
                plot.span(Span::new("", from..=to).fill(clear).border_width(0.0));
                plot.add(FilledArea::new("counts", &edges, &zeros, &heights).fill_color(fill));
                for (at, side) in [(from, Side::Low), (to, Side::High)] {
                    let width = if held == Some(side) { 2.5 } else { 1.5 };
                    plot.vline(VLine::new("", at).stroke(Stroke::new(width, accent)));
                }
            })
    }

    /// The contrast after this frame's dragging. A drag holds the nearer line; a double click is for Auto.
    fn drag(
        &mut self,
        ui: &Ui,
        plot: &PlotResponse<()>,
        contrast: Contrast,
        histogram: &Histogram,
    ) -> Option<Contrast> {
        let response = &plot.response;
        let screen = |value: f32| x_on_screen(&plot.transform, value);
        if let Some(pointer) = response.hover_pos() {
            let near = |value: f32| (screen(value) - pointer.x).abs() < REACH;
            if near(contrast.low) || near(contrast.high) || self.held.is_some() {
                ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
            }
        }
        if !response.dragged_by(PointerButton::Primary) {
            self.held = None;
            return None;
        }
        let pointer = response.interact_pointer_pos()?;
        if self.held.is_none() {
            let to_low = (screen(contrast.low) - pointer.x).abs();
            let to_high = (screen(contrast.high) - pointer.x).abs();
            self.held = Some(if to_low < to_high { Side::Low } else { Side::High });
        }
        let value = plot.transform.value_from_position(pointer).x as f32;
        let least = ((histogram.max - histogram.min) / 1000.0).max(f32::MIN_POSITIVE);
        let changed = match self.held? {
            Side::Low => Contrast { low: value.min(contrast.high - least), ..contrast },
            Side::High => Contrast { high: value.max(contrast.low + least), ..contrast },
        };
        (changed != contrast).then_some(changed)
    }
}

fn x_on_screen(transform: &PlotTransform, value: f32) -> f32 {
    transform.position_from_point(&PlotPoint::new(f64::from(value), 0.0)).x
}

/// Height of the plot: a few overfull bins, as of saturated pixels, may rise above it.
fn top_of(heights: &[f64]) -> f64 {
    let mut filled: Vec<f64> = heights.iter().copied().filter(|height| *height > 0.0).collect();
    filled.sort_by(f64::total_cmp);
    let highest = filled.last().copied().unwrap_or(1.0);
    let usual = filled.get(filled.len() * 98 / 100).copied().unwrap_or(highest);
    highest.min(usual * 1.25)
}

/// The outline of the bins: every edge twice, with the height on either side.
fn steps(histogram: &Histogram, logarithmic: bool) -> (Vec<f64>, Vec<f64>) {
    let bins = histogram.counts.len().max(1);
    let (min, max) = (f64::from(histogram.min), f64::from(histogram.max));
    let width = (max - min).max(1e-12) / bins as f64;
    let mut edges = Vec::with_capacity(bins * 2);
    let mut heights = Vec::with_capacity(bins * 2);
    for (bin, count) in histogram.counts.iter().enumerate() {
        let count = *count as f64;
        let height = if logarithmic { count.ln_1p() } else { count };
        edges.extend([min + width * bin as f64, min + width * (bin + 1) as f64]);
        heights.extend([height, height]);
    }
    (edges, heights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_overfull_bin_does_not_flatten_the_others() {
        let mut heights = vec![10.0; 200];
        heights[199] = 5000.0;
        assert_eq!(top_of(&heights), 12.5);
        assert_eq!(top_of(&[3.0, 4.0]), 4.0);
        assert_eq!(top_of(&[]), 1.0);
    }

    #[test]
    fn bins_become_steps() {
        let histogram = Histogram { min: 0.0, max: 4.0, counts: vec![3, 0], not_finite: 0 };
        let (edges, heights) = steps(&histogram, false);
        assert_eq!(edges, [0.0, 2.0, 2.0, 4.0]);
        assert_eq!(heights, [3.0, 3.0, 0.0, 0.0]);
        assert!((steps(&histogram, true).1[0] - 4f64.ln()).abs() < 1e-12);
    }
}
