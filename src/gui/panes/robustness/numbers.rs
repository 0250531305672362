//! How much the answer changed, in numbers.
use crate::analysis::{AnswerChange, ChangeNumbers};
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::view::Placement;
use crate::gui::widgets::number;
use eframe::egui::{Grid, Ui};

/// Screen points per pixel at least, where a single pixel is to be seen.
const CLOSE: f64 = 3.0;
const WHOLE: &str = "All pixels that are in both images; near the border other things come into sight";
const INTERIOR: &str = "Pixels whose receptive field lies within the specimen in both images: what differs here \
                        is the network's doing";

pub(super) fn ui(ui: &mut Ui, desk: &mut Desk<'_>, answer: &AnswerChange) {
    let weak = Palette::of(ui).weak;
    ui.add_space(4.0);
    let columns = [Some(&answer.whole), answer.interior.as_ref()];
    Grid::new("change").num_columns(3).spacing([10.0, 3.0]).striped(true).show(ui, |ui| {
        ui.label("");
        ui.label(small("whole").color(weak)).on_hover_text(WHOLE);
        ui.label(small("interior").color(weak)).on_hover_text(INTERIOR);
        ui.end_row();
        let mut row = |name: &str, hint: &str, value: &dyn Fn(&ChangeNumbers) -> Option<String>| {
            ui.label(small(name).color(weak)).on_hover_text(hint);
            for column in columns {
                ui.label(number(column.and_then(value).unwrap_or_else(|| "–".to_owned())));
            }
            ui.end_row();
        };
        row("largest", "The largest change of any class anywhere", &|of| {
            Some(format::value(f64::from(of.largest)))
        });
        row("mean", "Over the pixels, of the largest change of any class", &|of| {
            Some(format::value(of.mean))
        });
        if answer.labels.is_some() {
            row("changed", "Share of pixels that become another class", &|of| {
                of.classes.as_ref()?.changed().map(format::percent)
            });
            row("mean IoU", "Intersection over union of each class before and after, averaged", &|of| {
                of.classes.as_ref()?.mean_iou.map(|iou| format!("{iou:.3}"))
            });
        }
        row("pixels", "Compared", &|of| Some(format::short_count(of.pixels)));
    });
    if answer.of_image.is_none() && answer.interior.is_none() {
        ui.label(small("No pixel is so far from the border that it sees only specimen.").color(weak));
    }
    let at = answer.interior.as_ref().map_or(answer.whole.at, |numbers| numbers.at);
    if answer.of_image.is_none() {
        go_ui(ui, desk, at);
    }
}

/// A button that brings a place `[y, x]` to the middle of every image.
pub(in crate::gui::panes) fn go_ui(ui: &mut Ui, desk: &mut Desk<'_>, [y, x]: [usize; 2]) {
    let hint = format!("Show y {y}, x {x} in every image, where the change is largest");
    if ui.button(small("Go to the largest")).on_hover_text(hint).clicked() {
        let place = [x as f64 + 0.5, y as f64 + 0.5];
        desk.view.pin = Some(place);
        if let Some(main) = desk.view.main {
            desk.view.centre_on(Placement { zoom: main.zoom.max(CLOSE), ..main }, place);
        }
        ui.ctx().request_repaint();
    }
}
