//! How well the network's features are used: a table of nodes that sorts, and the selected node's histograms and lists.
mod node;
mod table;

use super::PaneUi;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::small;
use crate::gui::widgets::empty_state_with;
use crate::session::{Command, HealthCommand, HealthScope, JobKind, Session};
use eframe::egui::{Align, Button, ComboBox, Layout, ScrollArea, Ui, vec2};

/// Width of the part of the selected node, in points.
const NODE: f32 = 340.0;

#[derive(Default)]
pub(super) struct HealthPane {
    table: table::HealthTable,
}

fn scope_name(scope: HealthScope) -> &'static str {
    match scope {
        HealthScope::Frame => "this frame",
        HealthScope::Micrograph => "all its frames",
        HealthScope::Opened => "all opened files",
    }
}

impl PaneUi for HealthPane {
    fn title(&self) -> &'static str {
        "Health"
    }

    fn detail(&self, session: &Session) -> String {
        let Some(inspected) = session.health_now() else { return String::new() };
        format!("{} on {}", inspected.report.model, format::plural(inspected.report.images, "image"))
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.health_now().is_some() {
            let hint = Action::SaveHealth.hint(ui.ctx());
            if ui.button(small("Save…")).accessible_name("Save health").on_hover_text(hint).clicked() {
                desk.act(Action::SaveHealth);
            }
        }
        let why_not = why_not_inspect(session);
        let button = Button::new(small("Inspect"));
        let hint = "Run the network and look at all features of all nodes: dead, saturated and doubled ones";
        let response = ui.add_enabled(why_not.is_none(), button).accessible_name("Inspect health");
        if response.on_hover_text(hint).on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
            desk.send(Command::Health(HealthCommand::Inspect));
        }
        let mut chosen = session.health.scope;
        let combo =
            ComboBox::from_id_salt("health scope").width(96.0).selected_text(small(scope_name(chosen)));
        let shown = combo.show_ui(ui, |ui| {
            for scope in [HealthScope::Frame, HealthScope::Micrograph, HealthScope::Opened] {
                ui.selectable_value(&mut chosen, scope, scope_name(scope));
            }
        });
        shown.response.accessible_name("Images to inspect").on_hover_text("Which images are looked at");
        if chosen != session.health.scope {
            desk.send(Command::Health(HealthCommand::SetScope(chosen)));
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let Some(inspected) = session.health_now() else {
            let busy = session.is_busy(JobKind::Health);
            let (title, advice) = if busy {
                ("Looking at all features…", "The progress is at the top.")
            } else {
                let advice = "Inspect runs the network and says which features are dead, rest at a bound or say what \
                              another one says already.";
                ("No report yet", advice)
            };
            let why_not = why_not_inspect(session);
            empty_state_with(ui, title, advice, |ui| {
                let response = ui.add_enabled(why_not.is_none(), Button::new("Inspect"));
                if response.on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
                    desk.send(Command::Health(HealthCommand::Inspect));
                }
            });
            return;
        };
        let report = std::sync::Arc::clone(&inspected.report);
        let key = inspected.key;
        let height = ui.available_height();
        let selected = report.nodes.iter().find(|node| Some(&node.node) == session.node.as_ref());
        ui.horizontal_top(|ui| {
            let right = if selected.is_some() { NODE.min(ui.available_width() * 0.45) } else { 0.0 };
            let left = (ui.available_width() - right - 16.0).max(120.0);
            ui.allocate_ui_with_layout(vec2(left, height), Layout::top_down(Align::Min), |ui| {
                ui.set_width(left);
                self.table.ui(ui, desk, (&report, key));
            });
            if let Some(health) = selected {
                ui.separator();
                ui.vertical(|ui| {
                    let scroll = ScrollArea::vertical().id_salt("node health").auto_shrink(false);
                    scroll.show(ui, |ui| node::node_ui(ui, desk, health));
                });
            }
        });
    }
}

/// Why there is no report to be had now.
fn why_not_inspect(session: &Session) -> Option<&'static str> {
    if session.is_busy(JobKind::Health) {
        return Some("The features are being looked at");
    }
    if session.shown.is_none() {
        return Some("Open a micrograph first");
    }
    session.model.is_none().then_some("Choose a model first")
}
