//! The selected node: histograms of its values and weights, and its features that are of no use.
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::inspect::{NodeHealth, Spread};
use crate::session::Command;
use eframe::egui::{Button, Ui};
use egui_plot::{FilledArea, Plot};

/// More features than that are counted, not listed.
const LISTED: usize = 48;

pub(super) fn node_ui(ui: &mut Ui, desk: &mut Desk<'_>, health: &NodeHealth) {
    let palette = Palette::of(ui);
    ui.label(strong(&health.node).color(palette.strong));
    spread_ui(ui, "Values", &health.histogram, "At about a thousand places of each feature");
    if let Some(weights) = &health.weights {
        let meaning = format!("All {} weights", format::thousands(weights.values as u64));
        spread_ui(ui, "Weights", &weights.histogram, &meaning);
    }
    let label = |feature: usize| feature.to_string();
    list_ui(ui, desk, "Dead", health.dead.iter().map(|&feature| (feature, label(feature))));
    list_ui(ui, desk, "Saturated", health.saturated.iter().map(|&feature| (feature, label(feature))));
    let pairs = health.duplicates.iter().map(|[later, first]| (*later, format!("{later} = {first}")));
    list_ui(ui, desk, "Doubled", pairs);
    if health.dead.is_empty() && health.saturated.is_empty() && health.duplicates.is_empty() {
        ui.label(small("No feature is dead, saturated or doubled.").color(palette.weak));
    }
}

/// Features to click, each with what it is called.
fn list_ui(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    title: &str,
    features: impl ExactSizeIterator<Item = (usize, String)>,
) {
    let count = features.len();
    if count == 0 {
        return;
    }
    let palette = Palette::of(ui);
    let shown = desk.session.features.as_ref().map(|features| features.maps.node.as_str());
    let there = shown.is_some() && shown == desk.session.node.as_deref();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = eframe::egui::vec2(3.0, 3.0);
        ui.label(small(format!("{title}: {count}")).color(palette.warning));
        for (feature, name) in features.take(LISTED) {
            let selected = there && desk.session.feature == Some(feature);
            let button = Button::selectable(selected, small(name)).frame_when_inactive(true);
            let response = ui.add_enabled(there, button);
            let hint = format!("Look at feature {feature}");
            let why = "Run the model (F5) to look at this node's features";
            if response.on_hover_text(hint).on_disabled_hover_text(why).clicked() {
                desk.send(Command::SelectFeature(Some(feature)));
            }
        }
        if count > LISTED {
            ui.label(small(format!("and {} more", count - LISTED)).color(palette.weak));
        }
    });
}

/// A histogram with its ends.
fn spread_ui(ui: &mut Ui, title: &str, spread: &Spread, meaning: &str) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(small(title).color(palette.weak)).on_hover_text(meaning);
        let ends = format!("{} to {}", format::value(spread.low.into()), format::value(spread.high.into()));
        ui.label(small(ends).color(palette.text));
    });
    let (edges, heights) = steps(spread);
    let zeros = vec![0.0; edges.len()];
    let fill = palette.accent.gamma_multiply(0.55);
    Plot::new(("spread", title))
        .height(52.0)
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
        .show(ui, |plot| {
            plot.add(FilledArea::new("counts", &edges, &zeros, &heights).fill_color(fill));
        })
        .response
        .on_hover_text(format!("{meaning}; heights are logarithms of counts"));
}

/// The outline of the bins, heights as logarithms so that rare values are seen beside the many zeros.
fn steps(spread: &Spread) -> (Vec<f64>, Vec<f64>) {
    let bins = spread.counts.len().max(1) as f64;
    let (low, high) = (f64::from(spread.low), f64::from(spread.high));
    let (low, width) = if low.is_finite() && high > low { (low, (high - low) / bins) } else { (0.0, 1.0) };
    let (mut edges, mut heights) = (Vec::new(), Vec::new());
    for (bin, count) in spread.counts.iter().enumerate() {
        let height = (*count as f64).ln_1p();
        edges.extend([low + width * bin as f64, low + width * (bin + 1) as f64]);
        heights.extend([height, height]);
    }
    (edges, heights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_become_steps_and_nothing_has_some_too() {
        let (edges, heights) = steps(&Spread { low: -1.0, high: 1.0, counts: vec![0, 3] });
        assert_eq!((edges, heights[1]), (vec![-1.0, 0.0, 0.0, 1.0], 0.0));
        let (edges, _) = steps(&Spread { low: f32::INFINITY, high: f32::NEG_INFINITY, counts: vec![0, 0] });
        assert!(edges.iter().all(|edge| edge.is_finite()));
    }
}
