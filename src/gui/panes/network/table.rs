//! The table of nodes and groups: only the lines on the screen are drawn.
use super::heat::{milliseconds, spent_of};
use super::lines::{Line, Lines};
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::ruler::Ruler;
use crate::gui::sections::Section;
use crate::gui::theme::{Palette, small, strong};
use crate::network::{Group, NodeCost, OutlineEntry, Spent};
use crate::session::Command;
use eframe::egui::{
    self, Align, Color32, Label, Layout, Rect, Response, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use egui_extras::{Column, TableBuilder, TableRow};

const ROW: f32 = 22.0;
/// Points that a group's members stand further right.
const INDENT: f32 = 12.0;
const COLUMNS: usize = 9;

/// What all rows of a frame have in common.
struct Table<'a> {
    nodes: &'a [NodeCost],
    ruler: &'a Ruler,
    selected: Option<&'a str>,
    /// What the last run took.
    spent: Option<&'a Spent>,
}

/// Draws the table; the line `scroll_to` comes into view. Gives the group whose triangle was clicked.
pub(super) fn table_ui(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    lines: &Lines,
    (nodes, ruler): (&[NodeCost], &Ruler),
    scroll_to: Option<usize>,
) -> Option<String> {
    ui.spacing_mut().item_spacing = vec2(4.0, 0.0);
    let number = |width: f32| Column::initial(width).at_least(38.0).clip(true);
    let mut builder = TableBuilder::new(ui)
        .id_salt("nodes")
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink(false)
        .column(Column::initial(112.0).at_least(80.0).clip(true).resizable(true))
        .column(Column::initial(76.0).at_least(50.0).clip(true))
        .column(number(82.0))
        .column(number(42.0))
        .column(number(44.0))
        .column(Column::initial(92.0).at_least(60.0).clip(true))
        .column(number(56.0))
        .column(number(56.0))
        .column(Column::remainder().at_least(96.0).clip(true));
    if let Some(place) = scroll_to {
        builder = builder.scroll_to_row(place, None);
    }
    let session = desk.session;
    let spent = session.model.as_ref().and_then(|model| spent_of(session, &model.graph));
    let table = Table { nodes, ruler, selected: session.node.as_deref(), spent };
    let mut folded = None;
    builder.header(22.0, header_ui).body(|body| {
        body.rows(ROW, lines.shown().len(), |mut row| match lines.shown()[row.index()] {
            Line::Title(section) => title_row(&mut row, section),
            Line::Found(node) => table.node_row(&mut row, desk, lines, (node, &nodes[node].name, 0)),
            Line::Outline(place) => {
                let Some(line) = lines.outline.lines.get(place) else { return };
                match &line.entry {
                    OutlineEntry::Node(node) => {
                        table.node_row(&mut row, desk, lines, (*node, &line.label, line.depth));
                    }
                    OutlineEntry::Group(group) => {
                        let section = lines.section_of(lines.first_node(place));
                        let folds = lines.is_folded(group);
                        if table.group_row(&mut row, (group, &line.label, line.depth), section, folds) {
                            folded = Some(group.prefix.clone());
                        }
                    }
                }
            }
        });
    });
    folded
}

fn header_ui(mut header: TableRow<'_, '_>) {
    let columns: [(&str, &str, bool); COLUMNS] = [
        ("Node", "The node's name; dots make groups that fold", false),
        ("Kind", "The operation", false),
        (
            "Shape",
            "Output: channels × height × width for this micrograph; of a group, that of its last node",
            true,
        ),
        ("Params", "Trained numbers; batch-norm's running statistics are none", true),
        ("MACs", "Multiply-adds for this micrograph: the cost of the node", true),
        (
            "Sees",
            "Receptive field: how much of the micrograph, across, can change one pixel of this node's output. \
             An object larger than that is never seen whole.",
            true,
        ),
        ("Memory", "Of the output's values as 32-bit numbers", true),
        ("Time", "Of the last run, over all tiles; of nodes computed together at the first of them", true),
        ("Attributes", "Kernel, stride, padding and what else the operation is told", false),
    ];
    for (name, tooltip, right) in columns {
        header.col(|ui| {
            let label = Label::new(small(name).color(Palette::of(ui).weak));
            let response = if right { at_right(ui, label) } else { ui.add(label) };
            response.on_hover_text(tooltip);
        });
    }
}

fn at_right(ui: &mut Ui, label: Label) -> Response {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(4.0);
        ui.add(label.truncate())
    })
    .inner
}

fn title_row(row: &mut TableRow<'_, '_>, section: Section) {
    for column in 0..COLUMNS {
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

/// The coloured bar of a section at a line's left end.
fn section_bar(ui: &Ui, section: Option<Section>) {
    if let Some(section) = section {
        let cell = ui.max_rect();
        let bar = Rect::from_min_max(cell.min, pos2(cell.left() + 3.0, cell.bottom()));
        ui.painter().rect_filled(bar, 0.0, section_colour(ui, section));
    }
}

impl Table<'_> {
    fn node_row(
        &self,
        row: &mut TableRow<'_, '_>,
        desk: &mut Desk<'_>,
        lines: &Lines,
        (place, label, depth): (usize, &str, usize),
    ) {
        let node = &self.nodes[place];
        row.set_selected(self.selected == Some(node.name.as_str()));
        row.col(|ui| {
            section_bar(ui, lines.section_of(place));
            ui.add_space(9.0 + depth as f32 * INDENT);
            let text = small(label).color(Palette::of(ui).strong);
            let response = ui.add(Label::new(text).truncate());
            // Within its group it is called by its last part only.
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &node.name));
        });
        row.col(|ui| {
            ui.add(Label::new(small(&node.kind)).truncate()).on_hover_text(&node.attributes);
        });
        let cost = [node.parameters as u64, node.multiply_adds, node.activation_bytes];
        self.numbers(row, (node, cost), self.time(std::iter::once(place)));
        row.col(|ui| {
            ui.add_space(6.0);
            let weak = Palette::of(ui).weak;
            ui.add(Label::new(small(&node.attributes).color(weak)).truncate());
        });
        if row.response().clicked() {
            desk.send(Command::SelectNode(node.name.clone()));
        }
    }

    /// True when it was clicked.
    fn group_row(
        &self,
        row: &mut TableRow<'_, '_>,
        (group, label, depth): (&Group, &str, usize),
        section: Option<Section>,
        folded: bool,
    ) -> bool {
        let inside = self
            .selected
            .and_then(|node| node.strip_prefix(&group.prefix))
            .is_some_and(|rest| rest.starts_with('.'));
        row.set_selected(folded && inside);
        row.col(|ui| {
            section_bar(ui, section);
            ui.add_space(6.0 + depth as f32 * INDENT);
            triangle(ui, folded);
            let text = strong(label).size(11.5).color(Palette::of(ui).strong);
            ui.add(Label::new(text).truncate());
        });
        row.col(|ui| {
            let text = format::plural(group.nodes, "node");
            ui.add(Label::new(small(text).color(Palette::of(ui).weak)).truncate());
        });
        let last = &self.nodes[group.last];
        if folded {
            let cost = [group.parameters, group.multiply_adds, group.activation_bytes];
            let within = |node: &NodeCost| {
                node.name.strip_prefix(&group.prefix).is_some_and(|rest| rest.starts_with('.'))
            };
            let members = (0..self.nodes.len()).filter(|place| within(&self.nodes[*place]));
            self.numbers(row, (last, cost), self.time(members));
        } else {
            (0..6).for_each(|_| drop(row.col(|_| ())));
        }
        row.col(|ui| {
            if folded {
                ui.add_space(6.0);
                let text = small(format!("ends in {}", last.kind)).color(Palette::of(ui).weak);
                ui.add(Label::new(text).truncate()).on_hover_text(&last.name);
            }
        });
        let response = row.response();
        let verb = if folded { "Open" } else { "Fold" };
        let spoken = format!("{verb} {}", group.prefix);
        response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, !folded, &spoken));
        response.clicked()
    }

    /// Of some nodes in the last run, short and long.
    fn time(&self, nodes: impl Iterator<Item = usize>) -> (String, String) {
        let Some(spent) = self.spent else {
            return ("·".to_owned(), "Run the model to know its time".to_owned());
        };
        let nodes: Vec<usize> = nodes.collect();
        let seconds = spent.seconds_of(nodes.iter().copied());
        let first = match nodes[..] {
            [only] => spent.nodes.get(only).and_then(|node| self.nodes.get(node.within?)),
            _ => None,
        };
        match first {
            Some(first) => ("·".to_owned(), format!("Computed with {}", first.name)),
            None => (
                milliseconds(seconds),
                format!(
                    "{} of the network's time",
                    format::percent(seconds / spent.seconds().max(f64::MIN_POSITIVE))
                ),
            ),
        }
    }

    /// Shape, field and time of a node, with these parameters, multiply-adds and bytes.
    fn numbers(
        &self,
        row: &mut TableRow<'_, '_>,
        (node, [parameters, multiply_adds, bytes]): (&NodeCost, [u64; 3]),
        time: (String, String),
    ) {
        let (sees, meaning) = self.ruler.sees(node);
        let shape = node.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
        let cells = [
            (shape, format::shape(&node.shape)),
            (count(parameters), format::thousands(parameters)),
            (count(multiply_adds), format::thousands(multiply_adds)),
            (sees, meaning),
            (format::bytes(bytes), format!("{} bytes", format::thousands(bytes))),
            time,
        ];
        for (short, long) in cells {
            row.col(|ui| {
                at_right(ui, Label::new(small(short))).on_hover_text(long);
            });
        }
    }
}

/// Points down at what is open, right at what is folded.
fn triangle(ui: &mut Ui, folded: bool) {
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
    let at = |x: f32, y: f32| rect.center() + vec2(x, y);
    let corners = if folded {
        vec![at(-2.0, -4.0), at(3.0, 0.0), at(-2.0, 4.0)]
    } else {
        vec![at(-4.0, -2.0), at(4.0, -2.0), at(0.0, 3.0)]
    };
    let colour = Palette::of(ui).weak;
    ui.painter().add(egui::Shape::convex_polygon(corners, colour, Stroke::NONE));
}

fn count(count: u64) -> String {
    if count == 0 { "·".to_owned() } else { format::short_count(count) }
}
