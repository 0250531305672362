//! The list of a figure's panels: add, move, take away.
use crate::analysis::Prediction;
use crate::export::{PanelSpec, Which};
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{at_right, caption, cross, down_arrow};
use crate::network::{ClassInfo, Model, Task};
use crate::session::Session;
use eframe::egui::{Button, ScrollArea, Ui};

/// What is looked at, and the pinned place `[x, y]` of the source.
pub(super) type Looked<'a> = (&'a Session, Option<[f64; 2]>);

/// Features of a panel that shows several.
const SEVERAL: usize = 9;

/// What is worth a first look: the micrograph, the answer, and the feature that is looked at.
pub(super) fn usual(session: &Session) -> Vec<PanelSpec> {
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
    panels
}

fn chosen_feature(session: &Session) -> Option<PanelSpec> {
    Some(PanelSpec::Feature { node: session.node.clone()?, feature: session.feature? })
}

/// The panels in their order, and the menu that adds one.
pub(super) fn panels_ui(ui: &mut Ui, panels: &mut Vec<PanelSpec>, (session, pin): Looked<'_>, height: f32) {
    ui.horizontal(|ui| {
        caption(ui, "Panels");
        at_right(ui, |ui| {
            let menu =
                ui.menu_button((small("Add"), down_arrow(ui)), |ui| add_ui(ui, panels, (session, pin)));
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
        for (index, panel) in panels.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.label(small(format!("{}.", index + 1)).color(Palette::of(ui).weak));
                at_right(ui, |ui| {
                    if cross(ui, &format!("Take panel {} away", index + 1)).clicked() {
                        change = Some(Change::Remove(index));
                    }
                    for (sign, name, to) in
                        [("↓", "later", index + 1), ("↑", "earlier", index.wrapping_sub(1))]
                    {
                        let there = to < panels.len();
                        let button = Button::new(small(sign)).small();
                        let response = ui.add_enabled(there, button);
                        let named = response.accessible_name(format!("Panel {} {name}", index + 1));
                        if named.on_hover_text(format!("Move it {name}")).clicked() {
                            change = Some(Change::Swap(index, to));
                        }
                    }
                    ui.with_layout(eframe::egui::Layout::left_to_right(eframe::egui::Align::Center), |ui| {
                        let label = eframe::egui::Label::new(words(panel)).truncate();
                        ui.add(label).on_hover_text(panel.to_string());
                    });
                });
            });
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

/// As a person reads it.
fn words(panel: &PanelSpec) -> String {
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
        PanelSpec::Effective { node, feature, .. } => match feature {
            Some(feature) => format!("What {node}, {feature} really sees"),
            None => format!("What {node} really sees"),
        },
    }
}

/// One line a panel that can be added; those that cannot be now say why.
fn add_ui(ui: &mut Ui, panels: &mut Vec<PanelSpec>, (session, pin): Looked<'_>) {
    ui.set_min_width(220.0);
    let model = session.model.as_deref();
    let mut add = |ui: &mut Ui, panel: Option<PanelSpec>, text: String, why: &str| {
        let response = ui.add_enabled(panel.is_some(), Button::new(text)).on_disabled_hover_text(why);
        if let Some(panel) = panel.filter(|_| response.clicked()) {
            panels.push(panel);
            ui.close();
        }
    };
    add(ui, Some(PanelSpec::Source), words(&PanelSpec::Source), "");
    let segments = model.filter(|model| model.card.task == Task::Segment);
    for panel in [PanelSpec::Prediction, PanelSpec::Classes] {
        let text = words(&panel);
        add(ui, segments.map(|_| panel), text, "Choose a model that gives every pixel a class");
    }
    for panel in segments.into_iter().flat_map(|model| named(model, PanelSpec::Probability)) {
        let text = words(&panel);
        add(ui, Some(panel), text, "");
    }
    let regresses = model.filter(|model| model.card.task == Task::Regress);
    for panel in regresses.into_iter().flat_map(|model| named(model, PanelSpec::Output)) {
        let text = words(&panel);
        add(ui, Some(panel), text, "");
    }
    ui.separator();
    let no_node = "Choose a node of the network first";
    let feature = chosen_feature(session);
    let text = feature.as_ref().map_or("The chosen feature".to_owned(), words);
    add(ui, feature, text, "Run the model and choose a feature first");
    let node = session.node.clone();
    let several = node.clone().map(|node| {
        let all = session.features.as_ref().filter(|features| features.maps.node == node);
        let count = all.map_or(SEVERAL, |features| features.statistics.len().clamp(1, SEVERAL));
        PanelSpec::Features { node, which: Which::Most(count) }
    });
    let text = several
        .as_ref()
        .map_or("Several features".to_owned(), |panel| format!("{} of most variance", words(panel)));
    add(ui, several, text, no_node);
    let maps =
        session.features.as_ref().filter(|_| session.result_is_current()).map(|features| &features.maps);
    let at = maps.zip(pin).and_then(|(maps, [x, y])| maps.pixel_at([y, x]));
    let field = node.map(|node| PanelSpec::Effective { node, feature: session.feature, at });
    let text = field.as_ref().map_or("What a node really sees".to_owned(), words);
    add(ui, field, text, no_node);
}

fn named(model: &Model, panel: fn(String) -> PanelSpec) -> impl Iterator<Item = PanelSpec> + '_ {
    model.card.classes.iter().map(move |ClassInfo { name, .. }| panel(name.clone()))
}
