//! Every node of the network in its groups, drawn by resolution or as a table: name, kind, shape, parameters,
//! multiply-adds, memory, receptive field, and what the last run took.
mod camera;
mod details;
mod face;
mod heat;
mod lines;
mod paint;
mod plan;
mod table;
mod thumbnails;
mod tips;

use super::PaneUi;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::ruler::Ruler;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{empty_state, empty_state_with, toggle};
use crate::network::NodeCost;
use crate::session::{Command, JobKind, Session};
use details::Details;
use eframe::egui::{self, Label, ScrollArea, TextEdit, Ui, vec2};
use face::{Face, Scene};
use heat::spent_of;
use lines::Lines;
use plan::next_match;
use std::sync::Arc;

/// A bar of less width than this has no room for everything beside two tabs.
const NARROW: f32 = 400.0;
/// Narrower than this, the table scrolls sideways.
const TABLE: f32 = 720.0;
const FOOTER: f32 = 30.0;

#[derive(Default)]
pub(super) struct NetworkPane {
    search: String,
    lines: Lines,
    details: Details,
    face: Face,
    /// The table instead of the drawing.
    as_table: bool,
    /// To scroll to the selected node when it was changed elsewhere.
    selected_before: Option<String>,
}

impl PaneUi for NetworkPane {
    fn title(&self) -> &'static str {
        "Network"
    }

    fn detail(&self, session: &Session) -> String {
        session.model.as_ref().map(|model| model.graph.architecture.clone()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let narrow = ui.available_width() < NARROW;
        let new = Action::NewNetwork;
        // The tabs need the room of a narrow bar, and the Model menu has it, too.
        if !narrow && ui.button(small("New…")).on_hover_text(new.hint(ui.ctx())).clicked() {
            desk.act(Action::NewNetwork);
        }
        if desk.session.nodes.as_ref().is_ok_and(|nodes| nodes.is_empty()) {
            return;
        }
        if self.lines.has_groups() && toggle(ui, false, "Fold", "Fold all groups, or open all") {
            self.lines.toggle_all();
        }
        self.search_ui(ui, desk, if narrow { 58.0 } else { 84.0 });
        let table = "Every node with its numbers, line by line";
        if toggle(ui, self.as_table, "Table", table) {
            self.as_table = true;
        }
        let drawing = "The network drawn: one row of boxes a resolution, the way down on the left, the way up on the right";
        if toggle(ui, !self.as_table, "Drawing", drawing) {
            self.as_table = false;
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.model.is_none() {
            if session.is_busy(JobKind::LoadModel) {
                empty_state(ui, "Loading the model…", "");
            } else {
                let advice = "Choose one under Model at the top, or make a new network: every layer will be \
                              listed here.";
                empty_state_with(ui, "No model chosen", advice, |ui| {
                    if ui.button(Action::NewNetwork.about().text).clicked() {
                        desk.act(Action::NewNetwork);
                    }
                });
            }
            return;
        }
        let nodes = match &session.nodes {
            Ok(nodes) if !nodes.is_empty() => Arc::clone(nodes),
            Err(reason) => {
                empty_state(ui, "This model does not fit this micrograph", reason);
                return;
            }
            Ok(_) => return,
        };
        let ruler = Ruler::of(session);
        let height = (ui.available_height() - FOOTER - details::HEIGHT - 8.0).max(60.0);
        let width = ui.available_width();
        ui.allocate_ui(vec2(width, height), |ui| {
            ui.set_min_height(height);
            if !self.as_table {
                self.drawing_ui(ui, desk, &nodes, &ruler);
                return;
            }
            ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
                ui.set_min_width(width.max(TABLE));
                self.table_ui(ui, desk, &nodes, &ruler);
            });
        });
        let line = egui::Stroke::new(1.0, Palette::of(ui).line);
        ui.painter().hline(ui.max_rect().x_range(), ui.cursor().top() + 1.0, line);
        ui.add_space(4.0);
        ui.allocate_ui(vec2(width, details::HEIGHT), |ui| {
            ui.set_min_height(details::HEIGHT);
            self.details.ui(ui, desk, &nodes, &ruler);
        });
        totals_ui(ui, session, &nodes, &ruler);
    }
}

impl NetworkPane {
    fn search_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, width: f32) {
        let edit = TextEdit::singleline(&mut self.search).hint_text("Find a node").desired_width(width);
        let response = ui.add(edit.font(egui::TextStyle::Small));
        let response =
            response.on_hover_text("Part of a node's name or kind; Enter chooses the next that has it");
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let (Ok(nodes), true) = (&desk.session.nodes, entered) else { return };
        response.request_focus();
        if let Some(name) = next_match(nodes, desk.session.node.as_deref(), &self.search) {
            let name = name.to_owned();
            desk.send(Command::SelectNode(name));
        }
    }

    fn drawing_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, nodes: &Arc<Vec<NodeCost>>, ruler: &Ruler) {
        self.lines.follow(nodes, &self.search);
        let Some(model) = desk.session.model.clone() else { return };
        let spent = spent_of(desk.session, &model.graph);
        let scene = Scene { graph: &model.graph, nodes, ruler, search: &self.search, spent };
        if let Some(prefix) = self.face.ui(ui, desk, &mut self.lines, &scene) {
            self.lines.toggle(&prefix);
        }
    }

    fn table_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, nodes: &Arc<Vec<NodeCost>>, ruler: &Ruler) {
        self.lines.follow(nodes, &self.search);
        let selected = desk.session.node.clone();
        let mut scroll_to = None;
        if self.selected_before != selected {
            if let Some(node) = &selected {
                self.lines.reveal(node);
                scroll_to = self.lines.place_of(node);
            }
            self.selected_before = selected;
        }
        let clicked = table::table_ui(ui, desk, &self.lines, (nodes, ruler), scroll_to);
        if let Some(prefix) = clicked {
            self.lines.toggle(&prefix);
        }
    }
}

fn totals_ui(ui: &mut Ui, session: &Session, nodes: &[NodeCost], ruler: &Ruler) {
    let sum =
        |value: fn(&NodeCost) -> u64| nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(value(node)));
    let sees = nodes.last().map(|node| ruler.sees(node).0).unwrap_or_default();
    let run = match &session.outlook {
        Some(Ok(outlook)) => format!("   a run takes {}", outlook.words()),
        Some(Err(reason)) => format!("   {reason}"),
        None => String::new(),
    };
    let size = match nodes.first().map(|node| node.shape.as_slice()) {
        Some([_, height, width]) if session.shown.is_none() => {
            format!("   for an image of {width} × {height} px")
        }
        _ => String::new(),
    };
    let text = format!(
        "{}{size}{run}   {} parameters   {} multiply-adds   {} of values   sees {sees}",
        format::plural(nodes.len(), "node"),
        format::thousands(sum(|node| node.parameters as u64)),
        format::short_count(sum(|node| node.multiply_adds)),
        format::bytes(sum(|node| node.activation_bytes)),
    );
    let label = Label::new(small(&text).color(Palette::of(ui).weak)).truncate();
    ui.horizontal(|ui| ui.add(label)).inner.on_hover_text(format!(
        "{text}\n\nThe memory of a run is that of its worst moment: network, image, result and the feature maps that are \
         kept. An image that would take too much is cut into tiles that overlap."
    ));
}
