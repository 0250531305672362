//! The values along the line that is drawn on the source, a curve a channel.
use super::PaneUi;
use crate::analysis::{Line, Profile};
use crate::export::profile_csv;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::tools::length_text;
use crate::gui::widgets::{at_right, caption, empty_state_with};
use crate::session::{Command, Session};
use eframe::egui::{Color32, DragValue, Ui};
use egui_plot::{HoverPosition, Legend, Line as Curve, Plot, PlotPoints};

/// Curves of more than one channel, told apart also by those who see few colours; grey for a single one.
const COLOURS: [Color32; 8] = [
    Color32::from_rgb(0x56, 0xb4, 0xe9),
    Color32::from_rgb(0xe6, 0x9f, 0x00),
    Color32::from_rgb(0x00, 0x9e, 0x73),
    Color32::from_rgb(0xcc, 0x79, 0xa7),
    Color32::from_rgb(0xf0, 0xe4, 0x42),
    Color32::from_rgb(0xd5, 0x5e, 0x00),
    Color32::from_rgb(0x00, 0x72, 0xb2),
    Color32::from_rgb(0x99, 0x99, 0x99),
];

#[derive(Default)]
pub(super) struct ProfilePane;

impl PaneUi for ProfilePane {
    fn title(&self) -> &'static str {
        "Profile"
    }

    fn detail(&self, session: &Session) -> String {
        let profile = session.measured.profile.as_ref();
        profile.map(|profile| length_text(profile.line, profile.scale.as_ref())).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let Some(profile) = desk.session.measured.profile.clone() else { return };
        if ui.button(small("Save…")).on_hover_text(Action::SaveProfile.hint(ui.ctx())).clicked() {
            desk.act(Action::SaveProfile);
        }
        let hint = "Copy the table as comma-separated values";
        if ui.button(small("Copy")).accessible_name("Copy profile").on_hover_text(hint).clicked()
            && let Some(text) = profile_csv(&profile).ok().and_then(|csv| String::from_utf8(csv).ok())
        {
            ui.ctx().copy_text(text);
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let measured = &desk.session.measured;
        let (Some(line), Some(profile)) = (measured.line, measured.profile.clone()) else {
            let advice = "Take the line tool (L) and draw over the source: values along it appear here.";
            let there = desk.session.shown.is_some();
            empty_state_with(ui, "No line", advice, |ui| {
                if there && ui.button("Draw a line").clicked() {
                    desk.act(Action::ToolLine);
                }
            });
            return;
        };
        line_ui(ui, desk, line);
        plot_ui(ui, &profile);
    }
}

/// Ends and width in numbers.
fn line_ui(ui: &mut Ui, desk: &mut Desk<'_>, line: Line) {
    let mut changed = line;
    ui.horizontal(|ui| {
        for (name, end) in [("From", &mut changed.from), ("To", &mut changed.to)] {
            caption(ui, name);
            for (axis, value) in ["x", "y"].into_iter().zip(end) {
                let field = DragValue::new(value).speed(0.2).fixed_decimals(1).prefix(format!("{axis} "));
                ui.add(field).on_hover_text("In px; whole numbers are the middle of pixels");
            }
        }
        caption(ui, "Width");
        let field = DragValue::new(&mut changed.width).range(1..=10_000).speed(0.2).suffix(" px");
        ui.add(field)
            .on_hover_text("Values are averaged across the line over so many px: less noise, less detail");
        at_right(ui, |ui| {
            let text = format::plural(line.places(), "value");
            ui.label(small(text).color(Palette::of(ui).weak));
        });
    });
    if changed != line {
        desk.send(Command::SetLine(Some(changed)));
    }
}

fn plot_ui(ui: &mut Ui, profile: &Profile) {
    let unit = profile.scale.as_ref().map_or("px", |scale| scale.unit.as_str()).to_owned();
    let (distances, unit) = readable(profile.distances().unwrap_or_else(|| profile.distances_px()), &unit);
    let label_unit = unit.clone();
    let label = move |at: &HoverPosition<'_>| match at {
        HoverPosition::NearDataPoint { plot_name, position, .. } => Some(format!(
            "{plot_name}\n{} {label_unit}\n{}",
            format::value(position.x),
            format::value(position.y)
        )),
        HoverPosition::Elsewhere { .. } => None,
    };
    let mut plot = Plot::new("profile")
        .height(ui.available_height().max(40.0))
        .show_background(false)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .auto_bounds(true)
        .x_axis_label(format!("distance in {unit}"))
        .label_formatter(label);
    let several = profile.channels.len() > 1;
    if several {
        plot = plot.legend(Legend::default());
    }
    let single = Palette::of(ui).accent;
    plot.show(ui, |plot| {
        for (place, channel) in profile.channels.iter().enumerate() {
            let values = distances.iter().zip(&channel.values).map(|(at, value)| [*at, *value]);
            let points: PlotPoints<'_> = values.filter(|[_, value]| value.is_finite()).collect();
            let colour = if several { COLOURS[place % COLOURS.len()] } else { single };
            plot.line(Curve::new(channel.name.clone(), points).color(colour).width(1.5));
        }
    });
}

/// Distances in nm as a larger unit where they are long.
fn readable(distances: Vec<f64>, unit: &str) -> (Vec<f64>, String) {
    let longest = distances.last().copied().unwrap_or(0.0);
    let (size, name) = match unit {
        "nm" if longest >= 1e6 => (1e6, "mm"),
        "nm" if longest >= 1e3 => (1e3, "µm"),
        other => (1.0, other),
    };
    (distances.into_iter().map(|at| at / size).collect(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_distances_are_in_larger_units() {
        assert_eq!(readable(vec![0.0, 1500.0], "nm"), (vec![0.0, 1.5], "µm".to_owned()));
        assert_eq!(readable(vec![0.0, 2e6], "nm"), (vec![0.0, 2.0], "mm".to_owned()));
        assert_eq!(readable(vec![0.0, 1500.0], "px"), (vec![0.0, 1500.0], "px".to_owned()));
    }
}
