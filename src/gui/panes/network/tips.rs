//! What is known of the box that is pointed at.
use super::face::Scene;
use super::heat::{members, milliseconds};
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::network::{Drawing, Drawn, Group, NodeCost, Spent};
use eframe::egui::{Grid, Ui};

/// A box and where its numbers are.
pub(super) struct Tip<'a> {
    pub(super) place: usize,
    pub(super) drawing: &'a Drawing,
    pub(super) scene: &'a Scene<'a>,
    pub(super) spent: Option<&'a Spent>,
}

impl Tip<'_> {
    pub(super) fn ui(&self, ui: &mut Ui) {
        let Some(one) = self.drawing.boxes.get(self.place) else { return };
        ui.set_max_width(330.0);
        ui.spacing_mut().item_spacing.y = 3.0;
        match &one.content {
            Drawn::Node(node) => {
                if let Some(cost) = self.scene.nodes.get(*node) {
                    self.node(ui, *node, cost);
                }
            }
            Drawn::Group(group) => self.group(ui, group),
        }
    }

    fn node(&self, ui: &mut Ui, place: usize, node: &NodeCost) {
        let words = [node.kind.as_str(), node.attributes.as_str()];
        let words: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
        head(ui, &node.name, &words.join(", "));
        let mut rows = vec![
            ("Shape", format::shape(&node.shape)),
            ("Parameters", format::thousands(node.parameters as u64)),
            ("Multiply-adds", format::thousands(node.multiply_adds)),
            ("Sees", self.scene.ruler.sees(node).1.trim_start_matches("Sees ").to_owned()),
            ("Values", format::bytes(node.activation_bytes)),
        ];
        if let Some(spent) = self.spent {
            rows.extend(self.took(spent, place));
        }
        grid(ui, &rows);
    }

    fn took(&self, spent: &Spent, place: usize) -> Vec<(&'static str, String)> {
        let Some(node) = spent.nodes.get(place) else { return Vec::new() };
        let first = node.within.and_then(|first| self.scene.nodes.get(first));
        let time = match first {
            Some(first) => format!("computed with {}", first.name),
            None if spent.is_computed(place) => share(node.seconds, spent),
            None => "not computed by itself".to_owned(),
        };
        let memory = if node.bytes > 0 { format::bytes(node.bytes) } else { "none of its own".to_owned() };
        vec![("Time of the last run", time), ("Memory then", memory)]
    }

    fn group(&self, ui: &mut Ui, group: &Group) {
        head(ui, &group.prefix, &format!("{}, folded", format::plural(group.nodes, "node")));
        let mut rows = vec![
            ("Parameters", format::thousands(group.parameters)),
            ("Multiply-adds", format::thousands(group.multiply_adds)),
            ("Values", format::bytes(group.activation_bytes)),
        ];
        if let Some(last) = self.scene.nodes.get(group.last) {
            rows.insert(0, ("Gives", format!("{} from {}", format::shape(&last.shape), last.name)));
            rows.push(("Sees", self.scene.ruler.sees(last).1.trim_start_matches("Sees ").to_owned()));
        }
        if let Some(spent) = self.spent {
            let members = members(self.drawing, self.place, self.scene.nodes.len());
            rows.push(("Time of the last run", share(spent.seconds_of(members), spent)));
        }
        grid(ui, &rows);
        ui.label(small("Double click, or press the triangle, to open").color(Palette::of(ui).weak));
    }
}

fn share(seconds: f64, spent: &Spent) -> String {
    let all = spent.seconds().max(f64::MIN_POSITIVE);
    let tiles = if spent.passes > 1 { format!(" over {} tiles", spent.passes) } else { String::new() };
    format!("{}, {} of the network's{tiles}", milliseconds(seconds), format::percent(seconds / all))
}

fn head(ui: &mut Ui, name: &str, words: &str) {
    ui.label(strong(name).color(Palette::of(ui).strong));
    ui.label(small(words).color(Palette::of(ui).weak));
    ui.add_space(2.0);
}

fn grid(ui: &mut Ui, rows: &[(&str, String)]) {
    let weak = Palette::of(ui).weak;
    Grid::new("node facts").num_columns(2).spacing([14.0, 2.0]).show(ui, |ui| {
        for (name, value) in rows {
            ui.label(small(*name).color(weak));
            ui.label(small(value));
            ui.end_row();
        }
    });
}
