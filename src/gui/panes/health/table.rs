//! The table of nodes; a click on a head sorts, another one turns the order.
use crate::analysis::HealthReport;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::inspect::NodeHealth;
use crate::session::Command;
use eframe::egui::{self, Align, Button, Label, Layout, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{Column as Width, TableBuilder, TableRow};
use std::cmp::Ordering;

const ROW: f32 = 20.0;

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Node,
    Kind,
    Features,
    Dead,
    Saturated,
    Doubled,
    Zeros,
    Mean,
    Std,
    Min,
    Max,
    Weights,
}

impl Column {
    const ALL: [Self; 12] = [
        Self::Node,
        Self::Kind,
        Self::Features,
        Self::Dead,
        Self::Saturated,
        Self::Doubled,
        Self::Zeros,
        Self::Mean,
        Self::Std,
        Self::Min,
        Self::Max,
        Self::Weights,
    ];

    fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::Node => ("Node", "In the network's order; click a node to see its features and histograms"),
            Self::Kind => ("Kind", "The operation"),
            Self::Features => ("Features", "How many feature maps the node has"),
            Self::Dead => ("Dead", "Features that are the same everywhere on every image: they say nothing"),
            Self::Saturated => {
                ("Saturated", "Features that rest at the bound of their function (sigmoid, tanh, clip)")
            }
            Self::Doubled => ("Doubled", "Features that correlate beyond ±0.99 with an earlier one"),
            Self::Zeros => ("Zeros", "Share of exact zeros; after ReLU half is usual"),
            Self::Mean => ("Mean", "Of all values"),
            Self::Std => ("SD", "Standard deviation of all values"),
            Self::Min => ("Min", "The smallest value"),
            Self::Max => ("Max", "The largest value"),
            Self::Weights => ("Weights SD", "Standard deviation of the node's weights"),
        }
    }

    fn number(self, node: &NodeHealth) -> Option<f64> {
        Some(match self {
            Self::Node | Self::Kind => return None,
            Self::Features => node.features as f64,
            Self::Dead => node.dead.len() as f64,
            Self::Saturated => node.saturated.len() as f64,
            Self::Doubled => node.duplicates.len() as f64,
            Self::Zeros => node.zeros,
            Self::Mean => node.mean,
            Self::Std => node.std,
            Self::Min => f64::from(node.min),
            Self::Max => f64::from(node.max),
            Self::Weights => node.weights.as_ref()?.std,
        })
    }

    fn text(self, node: &NodeHealth) -> String {
        let Some(value) = self.number(node) else {
            return match self {
                Self::Node => node.node.clone(),
                Self::Kind => node.kind.clone(),
                _ => "·".to_owned(),
            };
        };
        match self {
            Self::Dead | Self::Saturated | Self::Doubled if value == 0.0 => "·".to_owned(),
            Self::Features | Self::Dead | Self::Saturated | Self::Doubled => format!("{value:.0}"),
            Self::Zeros => format::percent(value),
            _ => format::value(value),
        }
    }
}

/// A report's key, the column with whether the largest is first, and the rows in that order.
type Sorted = (u64, Option<(Column, bool)>, Vec<usize>);

/// Which order the table is in.
#[derive(Default)]
pub(super) struct HealthTable {
    /// `None`: the network's order. With true from large to small.
    by: Option<(Column, bool)>,
    /// The order for a report of that key.
    sorted: Option<Sorted>,
}

/// Places of the nodes in the order of a column; of equal ones the network's.
pub(super) fn order(nodes: &[NodeHealth], by: Option<(Column, bool)>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    let Some((column, descending)) = by else { return order };
    order.sort_by(|&a, &b| {
        let (a, b) = (&nodes[a], &nodes[b]);
        let ordering = match (column.number(a), column.number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            // What has no such number stands last either way.
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => column.text(a).cmp(&column.text(b)),
        };
        if descending { ordering.reverse() } else { ordering }
    });
    order
}

impl HealthTable {
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, (report, key): (&HealthReport, u64)) {
        if self.sorted.as_ref().is_none_or(|(of, by, _)| *of != key || *by != self.by) {
            self.sorted = Some((key, self.by, order(&report.nodes, self.by)));
        }
        let order = self.sorted.as_ref().map(|(_, _, order)| order.clone()).unwrap_or_default();
        ui.spacing_mut().item_spacing = vec2(4.0, 0.0);
        let mut builder = TableBuilder::new(ui)
            .id_salt("health")
            .striped(true)
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink(false)
            .column(Width::initial(120.0).at_least(80.0).clip(true).resizable(true))
            .column(Width::initial(78.0).at_least(50.0).clip(true));
        for _ in 2..Column::ALL.len() {
            builder = builder.column(Width::remainder().at_least(48.0).clip(true));
        }
        let selected = desk.session.node.clone();
        let table = builder.header(22.0, |mut header| {
            for column in Column::ALL {
                header.col(|ui| self.head_ui(ui, column));
            }
        });
        table.body(|body| {
            body.rows(ROW, order.len(), |mut row| {
                let node = &report.nodes[order[row.index()]];
                row.set_selected(selected.as_ref() == Some(&node.node));
                row_ui(&mut row, node);
                let response = row.response();
                response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &node.node));
                if response.clicked() {
                    desk.send(Command::SelectNode(node.node.clone()));
                }
            });
        });
    }

    fn head_ui(&mut self, ui: &mut Ui, column: Column) {
        let palette = Palette::of(ui);
        let (name, meaning) = column.about();
        let (text, ink) = match self.by {
            Some((by, descending)) if by == column => {
                (format!("{name} {}", if descending { "▼" } else { "▲" }), palette.accent)
            }
            _ => (name.to_owned(), palette.weak),
        };
        let button = Button::new(small(text).color(ink)).frame(false);
        let response = ui.add(button).on_hover_text(format!("{meaning}. Click to sort."));
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Sort by {name}")));
        if response.clicked() {
            let words = matches!(column, Column::Node | Column::Kind);
            self.by = match self.by {
                Some((by, first)) if by == column && first != words => Some((column, words)),
                Some((by, _)) if by == column => None,
                _ => Some((column, !words)),
            };
        }
    }
}

fn row_ui(row: &mut TableRow<'_, '_>, node: &NodeHealth) {
    for column in Column::ALL {
        row.col(|ui| {
            let palette = Palette::of(ui);
            let bad = matches!(column, Column::Dead | Column::Saturated | Column::Doubled)
                && column.number(node).is_some_and(|count| count > 0.0);
            let ink = match column {
                Column::Node => palette.strong,
                _ if bad => palette.warning,
                _ => palette.text,
            };
            ui.add(Label::new(small(column.text(node)).color(ink)).truncate().selectable(false));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Spread;

    #[test]
    fn nodes_sort_by_any_column_and_what_has_no_number_stands_last() {
        let node = |name: &str, dead: usize, mean: f64| NodeHealth {
            node: name.into(),
            kind: "ReLU".into(),
            features: 9,
            dead: (0..dead).collect(),
            saturated: Vec::new(),
            duplicates: Vec::new(),
            mean,
            std: 1.0,
            min: 0.0,
            max: 1.0,
            zeros: 0.5,
            histogram: Spread { low: 0.0, high: 1.0, counts: vec![1] },
            weights: None,
        };
        let nodes = [node("c", 1, 0.5), node("a", 3, -1.0), node("b", 3, 2.0)];
        assert_eq!(order(&nodes, None), [0, 1, 2]);
        assert_eq!(order(&nodes, Some((Column::Dead, true))), [1, 2, 0]);
        assert_eq!(order(&nodes, Some((Column::Mean, false))), [1, 0, 2]);
        assert_eq!(order(&nodes, Some((Column::Node, false))), [1, 2, 0]);
        assert_eq!(order(&nodes, Some((Column::Weights, true))), [0, 1, 2]);
    }
}
