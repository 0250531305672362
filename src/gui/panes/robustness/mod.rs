//! Does the answer stand up? The image is shifted, turned and mirrored, and cut into other tiles.
mod controls;
mod nodes;
mod numbers;
mod pictures;
mod seams;

pub(super) use numbers::go_ui;
pub(super) use pictures::{title, with_bar};

use super::PaneUi;
use crate::gui::desk::Desk;
use crate::gui::widgets::{empty_state, toggle};
use crate::session::{JobKind, Robustness, Session};
use eframe::egui::{Rect, ScrollArea, Ui, UiBuilder, pos2};

/// Points that the controls take.
const CONTROLS: f32 = 226.0;
/// And the numbers.
const NUMBERS: f32 = 184.0;
/// And the table of nodes.
const TABLE: f32 = 250.0;
const GAP: f32 = 10.0;

#[derive(Default)]
pub(super) struct RobustnessPane {
    /// Whether seams are looked at, else the moved image.
    on_seams: bool,
    /// Whether a node's difference is shown in the place of the answer's.
    of_node: bool,
    pictures: pictures::Pictures,
    seams: seams::SeamsView,
}

impl PaneUi for RobustnessPane {
    fn title(&self) -> &'static str {
        "Robustness"
    }

    fn detail(&self, session: &Session) -> String {
        let movement = session.robustness.movement;
        if self.on_seams || movement.is_still() { String::new() } else { movement.words() }
    }

    fn bar_ui(&mut self, ui: &mut Ui, _desk: &mut Desk<'_>) {
        let hint =
            "Run in tiles, in shifted tiles and in one piece, and see whether it shows where tiles meet";
        if toggle(ui, self.on_seams, "Seams", hint) {
            self.on_seams = true;
        }
        let hint = "Move the image and see whether answer and features follow: equivariance \
                    (Lenc and Vedaldi 2015; Zhang 2019)";
        if toggle(ui, !self.on_seams, "Move", hint) {
            self.on_seams = false;
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.shown.is_none() || session.model.is_none() {
            let advice = "Open a micrograph and choose a model: here the image is shifted, turned and mirrored, \
                          to see whether the answer follows.";
            empty_state(ui, "Nothing to move", advice);
            return;
        }
        if let Err(why) = &session.nodes {
            empty_state(ui, "This model does not take this image", why);
            return;
        }
        let now = session.robustness_now();
        if self.on_seams {
            self.seams.ui(ui, desk, &now);
        } else {
            self.moved_ui(ui, desk, &now);
        }
    }
}

impl RobustnessPane {
    fn moved_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, now: &Robustness) {
        let all = ui.available_rect_before_wrap();
        let (left, mut rest) = split_left(all, CONTROLS);
        part(ui, left, "controls", |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| controls::ui(ui, desk, now));
        });
        if let Some(answer) = now.answer.as_ref().and_then(|found| found.report.answer.as_ref()) {
            let (numbers, pictures) = split_left(rest, NUMBERS);
            rest = pictures;
            part(ui, numbers, "numbers", |ui| {
                ScrollArea::vertical().auto_shrink(false).show(ui, |ui| numbers::ui(ui, desk, answer));
            });
        }
        if let Some(found) = &now.nodes {
            let table = Rect::from_min_max(pos2(rest.right() - TABLE, rest.top()), rest.max);
            rest.set_right(table.left() - GAP);
            part(ui, table, "nodes", |ui| {
                if nodes::ui(ui, desk, &found.report) {
                    self.of_node = true;
                }
            });
        }
        part(ui, rest, "pictures", |ui| {
            let Some(found) = &now.answer else {
                waiting(ui, desk.session);
                return;
            };
            let node = now.node.as_ref().filter(|_| self.of_node);
            if self.pictures.ui(ui, desk, found, node) {
                self.of_node = false;
            }
        });
    }
}

fn waiting(ui: &mut Ui, session: &Session) {
    if session.is_busy(JobKind::Equivariance) {
        empty_state(ui, "Running the moved image…", "");
    } else if session.robustness.movement.is_still() {
        let advice = "Shift, turn or mirror it at the left. A network that finds the same things wherever they \
                      lie gives the same answer, moved.";
        empty_state(ui, "The image is where it was", advice);
    } else {
        empty_state(ui, "Not looked at", "Press Look at the left to move the image that is shown now.");
    }
}

/// A part `width` wide at the left, and what is right of it.
fn split_left(all: Rect, width: f32) -> (Rect, Rect) {
    let at = (all.left() + width).min(all.right());
    let left = Rect::from_min_max(all.min, pos2(at, all.bottom()));
    (left, Rect::from_min_max(pos2((at + GAP).min(all.right()), all.top()), all.max))
}

/// Contents in a part of a pane.
fn part<T>(ui: &mut Ui, rect: Rect, salt: &str, contents: impl FnOnce(&mut Ui) -> T) -> T {
    ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(salt), |ui| {
        ui.set_clip_rect(rect.intersect(ui.clip_rect()));
        contents(ui)
    })
    .inner
}
