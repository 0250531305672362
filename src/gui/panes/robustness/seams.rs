//! Whether it shows where the tiles of a run meet.
use super::numbers::go_ui;
use super::pictures::{cursor, linked, title, value_pixels, with_bar};
use super::{CONTROLS, part, split_left};
use crate::analysis::{SeamCheck, Seams};
use crate::export::difference_display;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::view::{Canvas, Layer, TiledPicture, paint_badge, stamp};
use crate::gui::widgets::{caption, empty_state, toggle};
use crate::imaging::Display;
use crate::session::{Command, Found, JobKind, Robustness, RobustnessCommand};
use eframe::egui::{Button, Color32, DragValue, ScrollArea, Stroke, Ui};

/// Changes below this are rounding.
const ROUNDING: f32 = 1e-3;

#[derive(Default)]
pub(super) struct SeamsView {
    /// Side of the tiles in px; 0: as Run cuts.
    tile: usize,
    /// Whether the run is held against the image as a whole, else against shifted tiles.
    against_whole: bool,
    picture: TiledPicture,
    look: Option<(u64, bool, Display)>,
}

impl SeamsView {
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, now: &Robustness) {
        let (left, rest) = split_left(ui.available_rect_before_wrap(), CONTROLS + 30.0);
        part(ui, left, "seam controls", |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| self.controls_ui(ui, desk, now));
        });
        part(ui, rest, "seam map", |ui| match &now.seams {
            Some(found) => self.map_ui(ui, desk, found),
            None if desk.session.is_busy(JobKind::Seams) => empty_state(ui, "Looking for seams…", ""),
            None => empty_state(
                ui,
                "Not looked for",
                "Large images are run in tiles. Press Look for seams to run them again in other tiles and see whether \
                 anything changes.",
            ),
        });
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, now: &Robustness) {
        ui.horizontal(|ui| {
            caption(ui, "tiles of");
            let text = |tile: f64, _: std::ops::RangeInclusive<usize>| {
                if tile < 1.0 { "automatic".to_owned() } else { format!("{tile:.0} px") }
            };
            ui.add(DragValue::new(&mut self.tile).range(0..=8192).speed(4.0).custom_formatter(text)).on_hover_text(
                "Side of the tiles, rounded up to the network's stride. Automatic: as Run cuts, or half the image where it \
                 does not",
            );
        });
        let busy = desk.session.is_busy(JobKind::Seams);
        let button = ui.add_enabled(!busy, Button::new("Look for seams"));
        let hint = "Runs the image in tiles, in tiles shifted by half, and in one piece where memory allows";
        if button.on_hover_text(hint).on_disabled_hover_text("It is being done").clicked() {
            let tile = (self.tile > 0).then_some(self.tile);
            desk.send(Command::Robustness(RobustnessCommand::FindSeams(tile)));
        }
        if let Some(found) = &now.seams {
            self.found_ui(ui, desk, &found.report);
        }
    }

    fn found_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Seams) {
        let palette = Palette::of(ui);
        ui.add_space(4.0);
        let check = self.check(found);
        let (verdict, colour) = if check.largest < ROUNDING {
            ("No seams: only rounding differs", palette.accent)
        } else {
            ("It shows where the tiles meet", palette.warning)
        };
        ui.label(strong(verdict).size(12.5).color(colour));
        let cut = if found.run_is_tiled { "" } else { ", for this check alone: a run takes it in one piece" };
        let text = format!("Tiles of {} px, halo {} × {} px{cut}", found.tile, found.halo[1], found.halo[0]);
        ui.label(small(text).color(palette.weak));
        ui.label(small(words(check)).color(palette.text));
        go_ui(ui, desk, check.at);
        ui.horizontal(|ui| {
            caption(ui, "against");
            if toggle(ui, !self.against_whole, "shifted tiles", "The same tiles shifted by half a tile") {
                self.against_whole = false;
            }
            let there = found.against_whole.is_some();
            ui.add_enabled_ui(there, |ui| {
                let hint =
                    if there { "The image in one piece" } else { "In one piece it needs too much memory" };
                if toggle(ui, self.against_whole && there, "one piece", hint) {
                    self.against_whole = true;
                }
            });
        });
    }

    /// The comparison that is looked at.
    fn check<'a>(&self, found: &'a Seams) -> &'a SeamCheck {
        found.against_whole.as_ref().filter(|_| self.against_whole).unwrap_or(&found.against_shifted)
    }

    fn map_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Found<Seams>) {
        let check = self.check(&found.report);
        let display = match self.look {
            Some((key, whole, display)) if (key, whole) == (found.key, self.against_whole) => display,
            _ => difference_display(check.map.view(), false),
        };
        self.look = Some((found.key, self.against_whole, display));
        title(
            ui,
            "Change",
            "At each pixel the largest change of any class; the lines show where the tiles meet",
        );
        let size = [found.report.size[1], found.report.size[0]];
        let canvas = with_bar(ui, display, |ui| linked(ui, desk, size, "Seams"));
        let layer = Layer::source(stamp((found.key, self.against_whole)));
        let pixels = value_pixels(check.map.view(), display);
        self.picture.paint(&canvas.painter, canvas.placement, layer, pixels);
        lines(&canvas, &found.report);
        cursor(ui, desk, &canvas, size);
        let at = desk.view.position().filter(|at| at.iter().all(|at| *at >= 0.0));
        if let Some(value) = at.and_then(|[x, y]| check.map.get([y as usize, x as usize])) {
            paint_badge(&canvas.painter, canvas.placement, &format::value(f64::from(*value)));
        }
    }
}

fn words(check: &SeamCheck) -> String {
    let changed = check.changed.map(|share| match share {
        0.0 => "; no pixel gets another class".to_owned(),
        share => format!("; another class in {}", format::percent(share)),
    });
    let [y, x] = check.at;
    let largest = format::value(f64::from(check.largest));
    format!("Largest change {largest} at y {y}, x {x}{}", changed.unwrap_or_default())
}

/// Where the tiles meet.
fn lines(canvas: &Canvas, found: &Seams) {
    // Where nothing changed the map is dark in either theme.
    let stroke = Stroke::new(1.0, Color32::from_white_alpha(90));
    let [height, width] = found.size.map(|side| side as f64);
    let whole = canvas.placement.screen_rect([0.0, 0.0, width, height]);
    for row in &found.rows {
        let at = canvas.placement.screen_from_source([0.0, *row as f64]);
        canvas.painter.hline(whole.x_range(), at.y, stroke);
    }
    for column in &found.columns {
        let at = canvas.placement.screen_from_source([*column as f64, 0.0]);
        canvas.painter.vline(at.x, whole.y_range(), stroke);
    }
}
