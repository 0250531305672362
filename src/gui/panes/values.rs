//! Every feature of the chosen node at the place that is pointed at: a bar a feature.
use super::PaneUi;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{at_right, empty_state, number, toggle};
use crate::inspect::{PlaceValues, by_value, values_at};
use crate::session::{Command, JobKind, SelectedFeatures, Session};
use eframe::egui::{Color32, Stroke, Ui};
use egui_plot::{Bar, BarChart, HLine, Plot, PlotResponse};

#[derive(Default)]
pub(super) struct ValuesPane {
    /// The largest first.
    sorted: bool,
    /// Where was pointed last, `[x, y]`, for when the pointer is over the bars.
    last: Option<[f64; 2]>,
}

impl PaneUi for ValuesPane {
    fn title(&self) -> &'static str {
        "Values"
    }

    fn detail(&self, session: &Session) -> String {
        session.features.as_ref().map(|features| features.maps.node.clone()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.features.is_none() {
            return;
        }
        let hint = "The feature of the largest value first, instead of by number";
        if toggle(ui, self.sorted, "By value", hint) {
            self.sorted = !self.sorted;
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let Some(features) = &session.features else {
            let (title, advice) = waiting(session);
            empty_state(ui, title, advice);
            return;
        };
        self.last = desk.view.position().or(self.last);
        let Some([x, y]) = self.last else {
            empty_state(ui, "No place yet", "Point at the source: every feature's value there appears here.");
            return;
        };
        if !session.result_is_current() {
            empty_state(ui, "Of an earlier run", "Press Run (F5) to look into what is shown now.");
            return;
        }
        let Some(found) = values_at(&features.maps, [y, x]) else {
            empty_state(
                ui,
                "No feature reaches there",
                "This node's maps end before this place of the image.",
            );
            return;
        };
        let order = if self.sorted { by_value(&found.values) } else { (0..found.values.len()).collect() };
        ui.horizontal(|ui| head_ui(ui, [x, y], &found));
        let height = (ui.available_height() - 2.0).max(30.0);
        let bars = Bars { features, found: &found, order: &order, height };
        let plot = bars.plot(ui, session);
        bars.point(desk, &plot);
    }
}

/// Where the values are of, and how far they go.
fn head_ui(ui: &mut Ui, [x, y]: [f64; 2], found: &PlaceValues) {
    let palette = Palette::of(ui);
    let place = |value: f64| format::thousands(value.max(0.0) as u64);
    ui.label(number(format!("x {} y {}", place(x), place(y))).color(palette.text));
    let [row, column] = found.at;
    let pixel = format!("pixel x {column} y {row} of its maps");
    ui.label(small(pixel).color(palette.weak))
        .on_hover_text("The pixel of the feature maps that lies over this place; nothing is interpolated");
    at_right(ui, |ui| {
        let zeros = found.values.iter().filter(|value| **value == 0.0).count();
        let text = format!("{}, {zeros} of them 0", format::plural(found.values.len(), "feature"));
        ui.label(small(text).color(palette.weak));
    });
}

/// What is drawn in a frame.
struct Bars<'a> {
    features: &'a SelectedFeatures,
    found: &'a PlaceValues,
    /// Features from left to right.
    order: &'a [usize],
    height: f32,
}

impl Bars<'_> {
    fn plot(&self, ui: &mut Ui, session: &Session) -> PlotResponse<()> {
        let palette = Palette::of(ui);
        let bars = self.order.iter().enumerate().map(|(place, feature)| {
            let value = f64::from(self.found.values[*feature]);
            let value = if value.is_finite() { value } else { 0.0 };
            let colour = self.colour(palette, session, *feature);
            Bar::new(place as f64, value).width(0.84).fill(colour).stroke(Stroke::NONE)
        });
        let chart = BarChart::new("values", bars.collect()).allow_hover(false);
        let (low, high) = range(&self.found.values);
        let count = self.order.len() as f64;
        let zero = palette.weak.gamma_multiply(0.7);
        let sorted_names = self.order.to_vec();
        Plot::new("values at a place")
            .height(self.height)
            .show_background(false)
            .show_x(false)
            .show_y(false)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_double_click_reset(false)
            .show_grid([false, true])
            .label_formatter(|_| None)
            .x_axis_formatter(move |mark, _| {
                let place = mark.value.round();
                let whole = (mark.value - place).abs() < 1e-6 && place >= 0.0;
                let feature = sorted_names.get(place as usize).filter(|_| whole);
                feature.map(usize::to_string).unwrap_or_default()
            })
            .show(ui, |plot| {
                plot.set_plot_bounds_x(-0.6..=(count - 0.4).max(0.6));
                plot.set_plot_bounds_y(low..=high);
                plot.bar_chart(chart);
                plot.hline(HLine::new("", 0.0).color(zero).width(1.0));
            })
    }

    fn colour(&self, palette: &Palette, session: &Session, feature: usize) -> Color32 {
        let value = self.found.values[feature];
        if session.feature == Some(feature) {
            palette.strong
        } else if value < 0.0 {
            palette.sections[0]
        } else {
            palette.sections[2]
        }
    }

    /// Names the feature under the pointer; a click looks at it.
    fn point(&self, desk: &mut Desk<'_>, plot: &PlotResponse<()>) {
        let Some(pointer) = plot.response.hover_pos() else { return };
        let place = plot.transform.value_from_position(pointer).x.round();
        if place < 0.0 {
            return;
        }
        let Some(feature) = self.order.get(place as usize).copied() else { return };
        if plot.response.clicked() {
            desk.send(Command::SelectFeature(Some(feature)));
        }
        let value = format::value(f64::from(self.found.values[feature]));
        let dead = self.features.statistics.get(feature).is_some_and(|statistics| statistics.dead);
        let rest = if dead { ", dead on this image" } else { "" };
        plot.response.clone().on_hover_text_at_pointer(format!("Feature {feature}: {value}{rest}"));
    }
}

/// Of the axis: from zero or below to zero or above, with a little room.
fn range(values: &[f32]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|value| value.is_finite()).map(f64::from);
    let (low, high) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
    let room = ((high - low) * 0.06).max(1e-6);
    (if low < 0.0 { low - room } else { 0.0 }, if high > 0.0 { high + room } else { room })
}

/// What to do to see values.
fn waiting(session: &Session) -> (&'static str, &'static str) {
    if session.is_busy(JobKind::Run) || session.is_busy(JobKind::Features) {
        ("Computing…", "")
    } else if session.result.is_none() {
        ("No values yet", "Run a model (F5), choose a node of the network, and point at the source.")
    } else {
        ("No node chosen", "Choose a node of the network to see all its features' values at a place.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_holds_zero_and_every_value() {
        assert_eq!(range(&[1.0, 3.0]), (0.0, 3.18));
        let (low, high) = range(&[-2.0, f32::NAN, 2.0, f32::INFINITY]);
        assert!((low + 2.24).abs() < 1e-9 && (high - 2.24).abs() < 1e-9);
        let (low, high) = range(&[]);
        assert!(low == 0.0 && high > 0.0);
    }
}
