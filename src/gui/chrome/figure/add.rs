//! What can be added to a figure.
use super::panels::{Chosen, Looked, chosen_feature, words};
use crate::analysis::Method;
use crate::export::{PanelSpec, Which};
use crate::gui::widgets::caption;
use crate::network::{ClassInfo, Model, Task};
use crate::session::Session;
use eframe::egui::{Button, Ui};

/// Features of a panel that shows several.
const SEVERAL: usize = 9;

/// One line a panel that can be added; those that cannot be now say why.
pub(super) fn add_ui(ui: &mut Ui, panels: &mut Vec<Chosen>, (session, pin): Looked<'_>) {
    ui.set_min_width(250.0);
    answer_ui(ui, panels, session);
    ui.separator();
    features_ui(ui, panels, (session, pin));
    ui.separator();
    caption(ui, "From the panes");
    results_ui(ui, panels, session);
}

/// A line of the menu; `None` cannot be had now, and why.
fn line(ui: &mut Ui, panels: &mut Vec<Chosen>, (panel, text): (Option<PanelSpec>, &str), why: &str) {
    let response = ui.add_enabled(panel.is_some(), Button::new(text)).on_disabled_hover_text(why);
    if let Some(panel) = panel.filter(|_| response.clicked()) {
        panels.push(Chosen::of(panel));
        ui.close();
    }
}

/// The micrograph and what the model says of it.
fn answer_ui(ui: &mut Ui, panels: &mut Vec<Chosen>, session: &Session) {
    let model = session.model.as_deref();
    line(ui, panels, (Some(PanelSpec::Source), &words(&PanelSpec::Source)), "");
    let segments = model.filter(|model| model.card.task == Task::Segment);
    for panel in [PanelSpec::Prediction, PanelSpec::Classes] {
        let text = words(&panel);
        line(ui, panels, (segments.map(|_| panel), &text), "Choose a model that gives every pixel a class");
    }
    let regresses = model.filter(|model| model.card.task == Task::Regress);
    let maps = segments.into_iter().flat_map(|model| named(model, PanelSpec::Probability));
    for panel in maps.chain(regresses.into_iter().flat_map(|model| named(model, PanelSpec::Output))) {
        let text = words(&panel);
        line(ui, panels, (Some(panel), &text), "");
    }
}

fn features_ui(ui: &mut Ui, panels: &mut Vec<Chosen>, (session, pin): Looked<'_>) {
    let no_node = "Choose a node of the network first";
    let feature = chosen_feature(session);
    let text = feature.as_ref().map_or("The chosen feature".to_owned(), words);
    line(ui, panels, (feature, &text), "Run the model and choose a feature first");
    let node = session.node.clone();
    let several = node.clone().map(|node| {
        let all = session.features.as_ref().filter(|features| features.maps.node == node);
        let count = all.map_or(SEVERAL, |features| features.statistics.len().clamp(1, SEVERAL));
        PanelSpec::Features { node, which: Which::Most(count) }
    });
    let text = several
        .as_ref()
        .map_or("Several features".to_owned(), |panel| format!("{} of most variance", words(panel)));
    line(ui, panels, (several, &text), no_node);
    let maps =
        session.features.as_ref().filter(|_| session.result_is_current()).map(|features| &features.maps);
    let at = maps.zip(pin).and_then(|(maps, [x, y])| maps.pixel_at([y, x]));
    let field = node.map(|node| PanelSpec::Effective { node, feature: session.feature, at });
    let text = field.as_ref().map_or("What a node really sees".to_owned(), words);
    line(ui, panels, (field, &text), no_node);
}

/// Which panels are of a sort, its name, and where such are made.
type Sort = (fn(&PanelSpec) -> bool, &'static str, &'static str);

/// What the panes have of the shown image; what they have not names the pane that makes it.
fn results_ui(ui: &mut Ui, panels: &mut Vec<Chosen>, session: &Session) {
    let results: Vec<PanelSpec> = session.figure_results().into_iter().map(|(panel, _)| panel).collect();
    let sorts: [Sort; 5] = [
        (
            |panel| matches!(panel, PanelSpec::Pinned(_)),
            "Pinned features",
            "Run the model and pin features in the Features pane first",
        ),
        (
            |panel| matches!(panel, PanelSpec::Difference(_)),
            "Difference of two",
            "Compare two models, frames, nodes or masks in the Compare pane first",
        ),
        (
            |panel| matches!(panel, PanelSpec::Why { .. }),
            "Why a class is called so",
            "Explain a class in the Why pane first; a channel ablation is a table and no map",
        ),
        (
            |panel| matches!(panel, PanelSpec::Equivariance { .. }),
            "Change when the image is moved",
            "Move the image in the Robustness pane first; an answer about the whole image has no map",
        ),
        (
            |panel| matches!(panel, PanelSpec::Seams { .. }),
            "Seams",
            "Look for seams in the Robustness pane first",
        ),
    ];
    for (is_of, text, why) in sorts {
        let mut own = results.iter().filter(|panel| is_of(panel)).peekable();
        if own.peek().is_none() {
            line(ui, panels, (None, text), why);
        }
        for panel in own {
            line(ui, panels, (Some(panel.clone()), &words(panel)), "");
        }
    }
    masks_ui(ui, panels, &results);
}

/// The classical methods, each with the side that scored better.
fn masks_ui(ui: &mut Ui, panels: &mut Vec<Chosen>, results: &[PanelSpec]) {
    let method = |panel: &PanelSpec| match panel {
        PanelSpec::Baseline { method, .. } => Some(*method),
        _ => None,
    };
    let masks: Vec<(&PanelSpec, Method)> =
        results.iter().filter_map(|panel| Some((panel, method(panel)?))).collect();
    if masks.is_empty() {
        line(ui, panels, (None, "Classical mask"), "Compare methods in the Trust pane first");
        return;
    }
    ui.menu_button("Classical mask", |ui| {
        for (panel, method) in masks {
            if ui.button(words(panel)).on_hover_text(method.about()).clicked() {
                panels.push(Chosen::of(panel.clone()));
                ui.close();
            }
        }
    });
}

fn named(model: &Model, panel: fn(String) -> PanelSpec) -> impl Iterator<Item = PanelSpec> + '_ {
    model.card.classes.iter().map(move |ClassInfo { name, .. }| panel(name.clone()))
}
