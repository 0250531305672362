//! Two at once: two models, two nodes or two frames on the same image, side by side, as a difference, or by turns.
mod choose;
mod numbers;
mod pictures;

use super::PaneUi;
use crate::analysis::ClassAgreement;
use crate::gui::desk::Desk;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{empty_state, toggle};
use crate::session::{Command, CompareCommand, Compared, JobKind, Session};
use eframe::egui::{Button, Label, Ui};

/// How the two are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Show {
    #[default]
    Both,
    A,
    B,
    Difference,
    /// A at the left of a line, B at its right.
    Curtain,
    Numbers,
}

const SHOWS: [(Show, &str, &str); 6] = [
    (Show::Both, "A | B", "Side by side, with one zoom and one cursor"),
    (Show::A, "A", "The first alone"),
    (Show::B, "B", "The second alone; change between A and B to see what flickers"),
    (Show::Difference, "A − B", "Where they differ"),
    (Show::Curtain, "Curtain", "A at the left of a line that is drawn over the image, B at its right"),
    (Show::Numbers, "Numbers", "Agreement of classes, correlation, mean absolute difference"),
];

pub(super) struct ComparePane {
    show: Show,
    /// Where the curtain hangs, 0 to 1 of the picture's width.
    curtain: f32,
    /// Whether the choices are shown though there is something to see.
    choosing: bool,
    pictures: pictures::Pictures,
}

impl Default for ComparePane {
    fn default() -> Self {
        Self { show: Show::Both, curtain: 0.5, choosing: false, pictures: pictures::Pictures::default() }
    }
}

impl PaneUi for ComparePane {
    fn title(&self) -> &'static str {
        "Compare"
    }

    fn detail(&self, session: &Session) -> String {
        session.compared_now().map(|found| found.names.join(" | ")).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.compared_now().is_some() {
            let hint = "Choose what A and B are";
            if toggle(ui, self.choosing, "Choose", hint) {
                self.choosing = !self.choosing;
            }
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.shown.is_none() || session.model.is_none() {
            let advice = "Open a micrograph and choose a model: here two models, nodes or frames are looked at at once.";
            empty_state(ui, "Nothing to compare", advice);
            return;
        }
        if let Err(why) = &session.nodes {
            empty_state(ui, "This model does not take this image", why);
            return;
        }
        let found = session.compared_now().cloned();
        if found.is_none() || self.choosing {
            self.choices_ui(ui, desk, found.is_some());
        }
        let Some(found) = found else { return };
        self.found_ui(ui, desk, &found);
    }
}

impl ComparePane {
    fn choices_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, is_found: bool) {
        for side in 0..2 {
            choose::ui(ui, desk, side);
        }
        let busy = desk.session.is_busy(JobKind::Compare);
        let (why_not, weak) = (desk.session.why_not_compare(), Palette::of(ui).weak);
        ui.horizontal_wrapped(|ui| {
            let why = if busy { "It is being done" } else { why_not.as_deref().unwrap_or_default() };
            let button = ui.add_enabled(why_not.is_none() && !busy, Button::new("Compare"));
            let hint = "Look at both and compare them. Two feature maps of different size are laid over the image where \
                        they lie, and compared on the finer grid: each of its pixels with the pixel of the other that \
                        lies over its middle";
            if button.on_hover_text(hint).on_disabled_hover_text(why).clicked() {
                self.choosing = false;
                desk.send(Command::Compare(CompareCommand::Compare));
            }
            if busy {
                ui.label(small("looking at both…").color(weak));
            }
        });
        if let Some(why) = why_not.as_ref().filter(|_| !busy) {
            ui.label(small(why).color(weak));
        }
        if is_found {
            ui.separator();
        }
    }

    fn found_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Compared) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (show, name, hint) in SHOWS {
                let there = found.comparison.difference.is_some() || matches!(show, Show::Numbers);
                if there && toggle(ui, self.show == show, name, hint) {
                    self.show = show;
                }
            }
        });
        if let Some(classes) = &found.comparison.classes {
            agreement_ui(ui, classes);
        }
        let show = if found.comparison.difference.is_none() { Show::Numbers } else { self.show };
        match show {
            Show::Numbers => numbers::ui(ui, desk, found),
            Show::Curtain => self.pictures.curtain_ui(ui, desk, found, &mut self.curtain),
            Show::Both => self.pictures.both_ui(ui, desk, found),
            Show::A => self.pictures.side_ui(ui, desk, found, 0),
            Show::B => self.pictures.side_ui(ui, desk, found, 1),
            Show::Difference => self.pictures.difference_ui(ui, desk, found),
        }
    }
}

/// In how many pixels the two agree, and the IoU of each class.
fn agreement_ui(ui: &mut Ui, classes: &ClassAgreement) {
    let Some(share) = classes.agreement else { return };
    let ious = classes.a.iter().zip(&classes.iou);
    let ious: Vec<String> =
        ious.filter_map(|(name, iou)| iou.map(|iou| format!("{name} {iou:.3}"))).collect();
    let words = format!("Same class in {:.1} % · IoU {}", 100.0 * share, ious.join(", "));
    ui.add(Label::new(small(&words).color(Palette::of(ui).text)).truncate())
        .on_hover_text("Pixels of the class in both, by pixels of it in at least one; Numbers has them all");
}
