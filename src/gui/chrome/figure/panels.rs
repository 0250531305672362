//! The list of a figure's panels: add, move, caption, take away.
use super::add::add_ui;
use crate::analysis::{Prediction, Sight};
use crate::export::{PanelSpec, SideSpec, Which};
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{at_right, caption, cross, down_arrow};
use crate::session::Session;
use eframe::egui::{Align, Button, Label, Layout, ScrollArea, Sense, TextEdit, Ui};

/// What is looked at, and the pinned place `[x, y]` of the source.
pub(super) type Looked<'a> = (&'a Session, Option<[f64; 2]>);

/// A panel of the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub(super) panel: PanelSpec,
    /// In place of its own title; empty: that.
    pub(super) caption: String,
    /// Whether the caption is being written.
    writing: bool,
}

impl Chosen {
    pub(super) fn of(panel: PanelSpec) -> Self {
        Self { panel, caption: String::new(), writing: false }
    }
}

/// What is worth a first look: the micrograph, the answer, and the feature that is looked at.
pub(super) fn usual(session: &Session) -> Vec<Chosen> {
    let mut panels = vec![PanelSpec::Source];
    let current = session.result_is_current();
    let result = session.result.as_ref().filter(|_| current);
    match result.map(|result| &result.prediction) {
        Some(Prediction::Segmentation(_)) => panels.push(PanelSpec::Prediction),
        Some(Prediction::Regression(numbers)) if numbers.maps().is_some() => {
            panels
                .extend(numbers.outputs.iter().take(2).map(|output| PanelSpec::Output(output.name.clone())));
        }
        _ => {}
    }
    panels.extend(chosen_feature(session).filter(|_| result.is_some()));
    panels.into_iter().map(Chosen::of).collect()
}

pub(super) fn chosen_feature(session: &Session) -> Option<PanelSpec> {
    Some(PanelSpec::Feature { node: session.node.clone()?, feature: session.feature? })
}

/// The panels in their order, and the menu that adds one.
pub(super) fn panels_ui(ui: &mut Ui, panels: &mut Vec<Chosen>, looked: Looked<'_>, height: f32) {
    ui.horizontal(|ui| {
        caption(ui, "Panels");
        at_right(ui, |ui| {
            let menu = ui.menu_button((small("Add"), down_arrow(ui)), |ui| add_ui(ui, panels, looked));
            menu.response.accessible_name("Add a panel").on_hover_text("What can be shown of this image");
        });
    });
    let mut change = None;
    let area = ScrollArea::vertical()
        .id_salt("figure panels")
        .max_height(height.max(80.0))
        .auto_shrink([false, true]);
    area.show(ui, |ui| {
        if panels.is_empty() {
            ui.label(small("None yet: add one above.").color(Palette::of(ui).weak));
        }
        let count = panels.len();
        for (index, chosen) in panels.iter_mut().enumerate() {
            if let Some(asked) = row_ui(ui, chosen, (index, count)) {
                change = Some(asked);
            }
        }
    });
    match change {
        Some(Change::Remove(index)) => drop(panels.remove(index)),
        Some(Change::Swap(index, to)) => panels.swap(index, to),
        None => {}
    }
}

enum Change {
    Remove(usize),
    Swap(usize, usize),
}

/// What the panel is, or its caption, with the buttons that move it; a click opens a field for the caption.
fn row_ui(ui: &mut Ui, chosen: &mut Chosen, (index, count): (usize, usize)) -> Option<Change> {
    let (mut change, mut opened) = (None, false);
    ui.horizontal(|ui| {
        ui.label(small(format!("{}.", index + 1)).color(Palette::of(ui).weak));
        at_right(ui, |ui| {
            if cross(ui, &format!("Take panel {} away", index + 1)).clicked() {
                change = Some(Change::Remove(index));
            }
            for (sign, name, to) in [("↓", "later", index + 1), ("↑", "earlier", index.wrapping_sub(1))] {
                let response = ui.add_enabled(to < count, Button::new(small(sign)).small());
                let named = response.accessible_name(format!("Panel {} {name}", index + 1));
                if named.on_hover_text(format!("Move it {name}")).clicked() {
                    change = Some(Change::Swap(index, to));
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let own = chosen.caption.trim();
                let text = if own.is_empty() { words(&chosen.panel) } else { format!("“{own}”") };
                let response = ui.add(Label::new(text).truncate().sense(Sense::click()));
                let hint = format!("{}\nClick to write a caption for it", chosen.panel);
                if response.on_hover_text(hint).clicked() {
                    chosen.writing = !chosen.writing;
                    opened = chosen.writing;
                }
            });
        });
    });
    if chosen.writing {
        let field = TextEdit::singleline(&mut chosen.caption).hint_text("Caption in place of its own title");
        let response = ui.add(field.desired_width(f32::INFINITY));
        let response = response.accessible_name(format!("Caption of panel {}", index + 1));
        if opened {
            response.request_focus();
        } else if response.lost_focus() {
            chosen.writing = false;
        }
    }
    change
}

/// As a person reads it.
pub(super) fn words(panel: &PanelSpec) -> String {
    match panel {
        PanelSpec::Source => "Source".to_owned(),
        PanelSpec::Prediction => "Classes over the source".to_owned(),
        PanelSpec::Classes => "Classes".to_owned(),
        PanelSpec::Probability(class) => format!("Probability of {class}"),
        PanelSpec::Output(name) => format!("Output {name}"),
        PanelSpec::Feature { node, feature } => format!("{node}, feature {feature}"),
        PanelSpec::Features { node, which: Which::Most(count) } => format!("{node}, {count} features"),
        PanelSpec::Features { node, which: Which::These(features) } => {
            format!("{node}, {} chosen features", features.len())
        }
        PanelSpec::Pinned(pins) => format!("Pinned features ({})", pins.len()),
        PanelSpec::Effective { node, feature, .. } => match feature {
            Some(feature) => format!("What {node}, {feature} really sees"),
            None => format!("What {node} really sees"),
        },
        PanelSpec::Difference(sides) => difference_words(sides),
        PanelSpec::Why { method, class, .. } => format!("Why {class}: {}", method.in_words()),
        PanelSpec::Equivariance { movement, node: None } => format!("Change, {}", movement.words()),
        PanelSpec::Equivariance { movement, node: Some(node) } => format!("{node}, {}", movement.words()),
        PanelSpec::Seams { whole: false, .. } => "Seams against shifted tiles".to_owned(),
        PanelSpec::Seams { whole: true, .. } => "Seams against the whole image".to_owned(),
        PanelSpec::Baseline { method, polarity } => format!("{}, {}", method.name(), polarity.name()),
    }
}

/// What is unlike in the two.
fn difference_words([a, b]: &[SideSpec; 2]) -> String {
    let of = |side: &SideSpec| {
        let sight = match &side.sight {
            Sight::Answer => "answer".to_owned(),
            Sight::Feature { node, feature } => format!("{node} {feature}"),
            Sight::Classical { method, .. } => method.name().to_owned(),
        };
        let frame = side.frame.map(|frame| format!(", frame {}", frame + 1)).unwrap_or_default();
        let model =
            side.model.as_ref().map(|id| format!(", {}", id.rsplit(['/', '\\']).next().unwrap_or(id)));
        format!("{sight}{frame}{}", model.unwrap_or_default())
    };
    format!("Difference: {} − {}", of(a), of(b))
}
