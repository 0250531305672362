//! The numbers of the rectangle that is drawn on the source, a row a channel.
use super::PaneUi;
use crate::analysis::{PlaneScale, Region, RegionStatistics};
use crate::export::statistics_csv;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::tools::size_text;
use crate::gui::widgets::{caption, empty_state_with, number};
use crate::session::{Command, Session};
use eframe::egui::{DragValue, Grid, ScrollArea, Ui};

/// The columns, and what each means.
const COLUMNS: [(&str, &str); 8] = [
    ("n", "Pixels with a value"),
    ("mean", "The sum of the values by their number"),
    ("sd", "Standard deviation: the root of the mean square distance from the mean (divided by n)"),
    ("min", "The smallest value"),
    ("max", "The largest value"),
    ("median", "Half of the values are smaller, half larger; few outliers do not move it"),
    ("sum", "All values together, as for counts"),
    ("left out", "Pixels that are NaN or infinite"),
];

#[derive(Default)]
pub(super) struct RegionPane;

impl PaneUi for RegionPane {
    fn title(&self) -> &'static str {
        "Region"
    }

    fn detail(&self, session: &Session) -> String {
        let scale = session.micrograph().and_then(|micrograph| PlaneScale::of(micrograph.calibration()));
        session.measured.region.map(|region| size_text(region, scale.as_ref())).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let Some(found) = desk.session.measured.statistics.clone() else { return };
        if ui.button(small("Save…")).on_hover_text(Action::SaveStatistics.hint(ui.ctx())).clicked() {
            desk.act(Action::SaveStatistics);
        }
        let hint = "Copy the table as comma-separated values";
        if ui.button(small("Copy")).accessible_name("Copy statistics").on_hover_text(hint).clicked()
            && let Some(text) = statistics_csv(&found).ok().and_then(|csv| String::from_utf8(csv).ok())
        {
            ui.ctx().copy_text(text);
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let measured = &desk.session.measured;
        let Some(region) = measured.region else {
            let advice =
                "Take the area tool (A) and draw over the source: the numbers of its pixels appear here.";
            let there = desk.session.shown.is_some();
            empty_state_with(ui, "No rectangle", advice, |ui| {
                if there && ui.button("Draw a rectangle").clicked() {
                    desk.act(Action::ToolRectangle);
                }
            });
            return;
        };
        let statistics = measured.statistics.clone();
        region_ui(ui, desk, region);
        if let Some(found) = statistics {
            table_ui(ui, &found);
        }
    }
}

/// Place and size in numbers.
fn region_ui(ui: &mut Ui, desk: &mut Desk<'_>, region: Region) {
    let mut changed = region;
    ui.horizontal(|ui| {
        for (name, value, hint) in [
            ("x", &mut changed.x, "The first column, from 0"),
            ("y", &mut changed.y, "The first row, from 0"),
            ("width", &mut changed.width, "In px"),
            ("height", &mut changed.height, "In px"),
        ] {
            caption(ui, name);
            ui.add(DragValue::new(value).speed(0.3)).on_hover_text(hint);
        }
        let area = format!("{} px", format::thousands(region.area_px()));
        let weak = Palette::of(ui).weak;
        let measured = desk.session.measured.statistics.as_ref();
        let nm2 = measured.filter(|found| found.region == region).and_then(|found| found.area_nm2);
        let text = nm2.map_or(area.clone(), |nm2| format!("{area}, {}", area_text(nm2)));
        ui.label(small(text).color(weak)).on_hover_text("Area");
    });
    if changed != region && changed.width > 0 && changed.height > 0 {
        desk.send(Command::SetRegion(Some(changed)));
    }
}

/// An area in the unit that suits it.
fn area_text(nm2: f64) -> String {
    match nm2 {
        nm2 if nm2 >= 1e10 => format!("{} mm²", format::value(nm2 / 1e12)),
        nm2 if nm2 >= 1e4 => format!("{} µm²", format::value(nm2 / 1e6)),
        nm2 => format!("{} nm²", format::value(nm2)),
    }
}

fn table_ui(ui: &mut Ui, found: &RegionStatistics) {
    let palette = Palette::of(ui);
    ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
        Grid::new("statistics").striped(true).spacing([18.0, 4.0]).show(ui, |ui| {
            ui.label(small("channel").color(palette.weak));
            for (name, meaning) in COLUMNS {
                ui.label(small(name).color(palette.weak)).on_hover_text(meaning);
            }
            ui.end_row();
            for channel in &found.channels {
                let v = channel.values;
                ui.label(small(&channel.name).color(palette.text));
                let value = |value: f64| if value.is_nan() { "–".to_owned() } else { format::value(value) };
                ui.label(number(format::thousands(v.n)));
                for shown in [v.mean, v.sd, v.min, v.max, v.median, v.sum] {
                    ui.label(number(value(shown)));
                }
                ui.label(number(format::thousands(v.not_finite)));
                ui.end_row();
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_said_in_the_unit_that_suits_them() {
        assert_eq!(area_text(250.0), "250 nm²");
        assert_eq!(area_text(2.5e6), "2.500 µm²");
        assert_eq!(area_text(3e12), "3 mm²");
    }
}
