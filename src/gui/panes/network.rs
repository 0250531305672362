//! Every node of the network: name, kind, shape, parameters, multiply-adds, receptive field.
use super::PaneUi;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::ruler::Ruler;
use crate::gui::sections::{Section, sections};
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::empty_state;
use crate::network::NodeCost;
use crate::session::{Command, JobKind, Session};
use eframe::egui::{self, Align, Color32, Label, Layout, ScrollArea, Sense, TextEdit, Ui, vec2};
use egui_extras::{Column, TableBuilder, TableRow};

const ROW: f32 = 22.0;
const SECTION_ROW: f32 = 26.0;
/// Narrower than this, the table scrolls sideways.
const TABLE: f32 = 460.0;

#[derive(Default)]
pub(super) struct NetworkPane {
    search: String,
    /// To scroll to the selected node when it was changed elsewhere.
    selected_before: Option<String>,
}

/// A line of the table.
#[derive(Clone, Copy)]
enum Line {
    Title(Section),
    Node(usize),
}

impl PaneUi for NetworkPane {
    fn title(&self) -> &'static str {
        "Network"
    }

    fn detail(&self, session: &Session) -> String {
        session.model.as_ref().map(|model| model.graph.architecture.clone()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.nodes.as_ref().is_ok_and(|nodes| nodes.is_empty()) {
            return;
        }
        let edit = TextEdit::singleline(&mut self.search).hint_text("Find a node").desired_width(96.0);
        ui.add(edit.font(egui::TextStyle::Small)).on_hover_text("Part of a node's name or kind");
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.model.is_none() {
            if session.is_busy(JobKind::LoadModel) {
                empty_state(ui, "Loading the model…", "");
            } else {
                let advice = "Choose one under Model at the top: every layer will be listed here.";
                empty_state(ui, "No model chosen", advice);
            }
            return;
        }
        let nodes = match &session.nodes {
            Ok(nodes) if !nodes.is_empty() && session.shown.is_some() => nodes,
            Err(reason) if session.shown.is_some() => {
                empty_state(ui, "This model does not fit this micrograph", reason);
                return;
            }
            _ => {
                let advice = "Shapes and costs depend on the micrograph: open one (Ctrl+O).";
                empty_state(ui, "No micrograph yet", advice);
                return;
            }
        };
        let footer = 30.0;
        let height = (ui.available_height() - footer).max(60.0);
        let ruler = Ruler::of(session);
        let width = ui.available_width();
        ui.allocate_ui(vec2(width, height), |ui| {
            ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
                ui.set_min_width(width.max(TABLE));
                self.table_ui(ui, desk, nodes, &ruler);
            });
        });
        totals_ui(ui, session, nodes, &ruler);
    }
}

impl NetworkPane {
    fn table_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, nodes: &[NodeCost], ruler: &Ruler) {
        let of_node = sections(nodes);
        let lines = lines(nodes, &of_node, &self.search);
        let selected = desk.session.node.clone();
        ui.spacing_mut().item_spacing = vec2(4.0, 0.0);
        let mut table = TableBuilder::new(ui)
            .id_salt("nodes")
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink(false)
            .column(Column::initial(96.0).at_least(70.0).clip(true).resizable(true))
            .column(Column::initial(84.0).at_least(50.0).clip(true))
            .column(Column::initial(80.0).at_least(40.0).clip(true))
            .column(Column::initial(46.0).at_least(40.0).clip(true))
            .column(Column::initial(46.0).at_least(40.0).clip(true))
            .column(Column::remainder().at_least(88.0).clip(true));
        if self.selected_before != selected {
            let place = lines.iter().position(|line| match line {
                Line::Node(index) => selected.as_ref() == Some(&nodes[*index].name),
                Line::Title(_) => false,
            });
            if let Some(place) = place {
                table = table.scroll_to_row(place, None);
            }
            self.selected_before.clone_from(&selected);
        }
        let heights = lines.iter().map(|line| if matches!(line, Line::Title(_)) { SECTION_ROW } else { ROW });
        table.header(22.0, header_ui).body(|body| {
            body.heterogeneous_rows(heights, |mut row| match lines[row.index()] {
                Line::Title(section) => title_row(&mut row, section),
                Line::Node(index) => {
                    let node = &nodes[index];
                    row.set_selected(selected.as_ref() == Some(&node.name));
                    node_row(&mut row, node, of_node[index], ruler);
                    if row.response().clicked() {
                        desk.send(Command::SelectNode(node.name.clone()));
                        self.selected_before = Some(node.name.clone());
                    }
                }
            });
        });
    }
}

/// The lines to show: nodes that match the search, each section under its title.
fn lines(nodes: &[NodeCost], of_node: &[Option<Section>], search: &str) -> Vec<Line> {
    let search = search.trim().to_lowercase();
    let mut lines = Vec::with_capacity(nodes.len() + 3);
    let mut section = None;
    for (index, node) in nodes.iter().enumerate() {
        let found = node.name.to_lowercase().contains(&search) || node.kind.to_lowercase().contains(&search);
        if !search.is_empty() && !found {
            continue;
        }
        if of_node[index] != section {
            section = of_node[index];
            lines.extend(section.map(Line::Title));
        }
        lines.push(Line::Node(index));
    }
    lines
}

fn header_ui(mut header: TableRow<'_, '_>) {
    let columns = [
        ("Node", "The node's name; dots make groups", false),
        ("Kind", "The operation, with its attributes in the tooltip", false),
        ("Shape", "Output: channels × height × width for this micrograph", true),
        ("Params", "Trained numbers; batch-norm's running statistics are none", true),
        ("MACs", "Multiply-adds for this micrograph: the cost of the node", true),
        (
            "Sees",
            "Receptive field: how much of the micrograph, across, can change one pixel of this node's output. \
             An object larger than that is never seen whole.",
            true,
        ),
    ];
    for (name, tooltip, right) in columns {
        header.col(|ui| {
            let weak = Palette::of(ui).weak;
            let label = Label::new(small(name).color(weak));
            let response = if right {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.add(label)).inner
            } else {
                ui.add(label)
            };
            response.on_hover_text(tooltip);
        });
    }
}

fn title_row(row: &mut TableRow<'_, '_>, section: Section) {
    for column in 0..6 {
        row.col(|ui| {
            if column == 0 {
                ui.add_space(2.0);
                let colour = section_colour(ui, section);
                ui.label(strong(section.name()).size(11.5).color(colour)).on_hover_text(section.meaning());
            }
        });
    }
}

fn section_colour(ui: &Ui, section: Section) -> Color32 {
    Palette::of(ui).sections[section as usize]
}

fn node_row(row: &mut TableRow<'_, '_>, node: &NodeCost, section: Option<Section>, ruler: &Ruler) {
    row.col(|ui| {
        let cell = ui.max_rect();
        if let Some(section) = section {
            let bar = egui::Rect::from_min_max(cell.min, egui::pos2(cell.left() + 3.0, cell.bottom()));
            ui.painter().rect_filled(bar, 0.0, section_colour(ui, section));
        }
        ui.add_space(9.0);
        ui.add(Label::new(small(&node.name).color(Palette::of(ui).strong)).truncate());
    });
    row.col(|ui| {
        ui.add(Label::new(small(&node.kind)).truncate()).on_hover_text(&node.attributes);
    });
    let (sees, meaning) = ruler.sees(node);
    let shape = node.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
    let numbers = [
        (shape, format::shape(&node.shape)),
        (count(node.parameters as u64), format::thousands(node.parameters as u64)),
        (count(node.multiply_adds), format::thousands(node.multiply_adds)),
        (sees, meaning),
    ];
    for (short, long) in numbers {
        row.col(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(4.0);
                ui.add(Label::new(small(short)).truncate()).on_hover_text(long);
            });
        });
    }
}

fn count(count: u64) -> String {
    if count == 0 { "·".to_owned() } else { format::short_count(count) }
}

fn totals_ui(ui: &mut Ui, session: &Session, nodes: &[NodeCost], ruler: &Ruler) {
    let parameters: u64 = nodes.iter().map(|node| node.parameters as u64).sum();
    let multiply_adds: u64 = nodes.iter().map(|node| node.multiply_adds).sum();
    let sees = nodes.last().map(|node| ruler.sees(node).0).unwrap_or_default();
    let run = match &session.outlook {
        Some(Ok(outlook)) => format!("   a run takes {}", outlook.words()),
        Some(Err(reason)) => format!("   {reason}"),
        None => String::new(),
    };
    let text = format!(
        "{}{run}   {} parameters   {} multiply-adds   sees {sees}",
        format::plural(nodes.len(), "node"),
        format::thousands(parameters),
        format::short_count(multiply_adds),
    );
    let label = Label::new(small(text).color(Palette::of(ui).weak)).truncate();
    ui.horizontal(|ui| ui.add(label)).inner.on_hover_text(
        "The memory is that of the worst moment: network, image, result and the feature maps that are kept. An image \
         that would take too much is cut into tiles that overlap.",
    );
}
