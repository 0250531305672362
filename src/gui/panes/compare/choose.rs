//! What one side of a comparison is.
use crate::analysis::{Method, Polarity, Sight};
use crate::gui::desk::Desk;
use crate::gui::theme::{Palette, small, strong};
use crate::network::NodeCost;
use crate::session::{Command, CompareCommand, Session, SideChoice};
use eframe::egui::{ComboBox, DragValue, Ui};

/// Width of a pane with room for wider boxes.
const ROOMY: f32 = 350.0;

/// One line: the model, the frame, and the answer or a feature map.
pub(super) fn ui(ui: &mut Ui, desk: &mut Desk<'_>, side: usize) {
    let session = desk.session;
    let before = session.comparing.sides[side].clone();
    let mut choice = before.clone();
    let name = ["A", "B"][side];
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(strong(name).color(Palette::of(ui).accent));
        // In a narrow pane with a feature's number all of it stays in one line.
        let widths = if ui.available_width() > ROOMY { [150.0, 110.0] } else { [100.0, 88.0] };
        model_ui(ui, session, &mut choice, (name, widths[0]));
        frame_ui(ui, session, &mut choice);
        sight_ui(ui, session, &mut choice, (side, name, widths[1]));
    });
    if choice != before {
        desk.send(Command::Compare(CompareCommand::Choose(side, choice)));
    }
}

fn model_ui(ui: &mut Ui, session: &Session, choice: &mut SideChoice, (name, width): (&str, f32)) {
    let chosen = session.model.as_ref().map_or("the chosen model", |model| model.card.name.as_str());
    let title = |id: &String| {
        let entry = session.library.iter().find(|entry| entry.id == *id);
        let card = entry.and_then(|entry| entry.card.as_ref().ok());
        card.map_or_else(|| id.rsplit(['/', '\\']).next().unwrap_or(id).to_owned(), |card| card.name.clone())
    };
    let shown = choice.model.as_ref().map_or_else(|| chosen.to_owned(), &title);
    let combo = ComboBox::from_id_salt(("compare model", name)).width(width).selected_text(small(shown));
    let response = combo.show_ui(ui, |ui| {
        ui.selectable_value(&mut choice.model, None, format!("{chosen} (chosen)"));
        let installed = session.library.iter().filter(|entry| entry.card.is_ok()).map(|entry| &entry.id);
        for id in installed.chain(session.made.iter().map(|(id, _)| id)) {
            ui.selectable_value(&mut choice.model, Some(id.clone()), title(id));
        }
    });
    let label = format!("Model of {name}");
    response.response.accessible_name(&label).on_hover_text("Of the installed models");
}

fn frame_ui(ui: &mut Ui, session: &Session, choice: &mut SideChoice) {
    let Some(opened) = session.current_opened().filter(|opened| opened.micrograph.frames() > 1) else {
        return;
    };
    let frames = opened.micrograph.frames();
    let mut frame = choice.frame.unwrap_or(opened.frame) + 1;
    let field = DragValue::new(&mut frame).range(1..=frames).prefix("frame ").speed(0.1);
    if ui.add(field).on_hover_text(format!("One of {frames}")).changed() {
        choice.frame = (frame - 1 != opened.frame).then_some(frame - 1);
    }
}

fn sight_ui(
    ui: &mut Ui,
    session: &Session,
    choice: &mut SideChoice,
    (side, name, width): (usize, &str, f32),
) {
    let nodes = session.side_nodes(side);
    let known: &[NodeCost] =
        nodes.and_then(|nodes| nodes.as_ref().ok()).map_or(&[], |nodes| nodes.as_slice());
    let shown = match &choice.sight {
        Sight::Answer => "answer".to_owned(),
        Sight::Feature { node, .. } => node.clone(),
        Sight::Classical { method, .. } => method.name().to_owned(),
    };
    let combo = ComboBox::from_id_salt(("compare sight", name)).width(width).height(420.0);
    let combo = combo.selected_text(small(shown));
    let response = combo.show_ui(ui, |ui| sights_ui(ui, session, choice, side));
    let label = format!("What {name} shows");
    let hint = "The model's answer, the mask of a classical method, or a feature map of a node";
    response.response.accessible_name(&label).on_hover_text(hint);
    if let Sight::Classical { polarity, .. } = &mut choice.sight {
        for side in [Polarity::Bright, Polarity::Dark] {
            ui.selectable_value(polarity, side, small(side.name()))
                .on_hover_text("Which side of the threshold is the foreground");
        }
    }
    if let Sight::Feature { node, feature } = &mut choice.sight {
        let count = known.iter().find(|cost| cost.name == *node).and_then(|cost| cost.shape.first());
        let last = count.map_or(99_999, |count| count.saturating_sub(1));
        let hint = match count {
            Some(count) => format!("Which of the node's {count} feature maps, counted from 0"),
            None => "Which of the node's feature maps, counted from 0".to_owned(),
        };
        let field = DragValue::new(feature).range(0..=last).prefix("# ").speed(0.1);
        ui.add(field).on_hover_text(hint);
    }
}

/// All that a side can show: the answer, the classical methods, and the nodes of its model.
fn sights_ui(ui: &mut Ui, session: &Session, choice: &mut SideChoice, side: usize) {
    let feature = |node: &str, feature: usize| Sight::Feature { node: node.to_owned(), feature };
    let nodes = session.side_nodes(side);
    let known: &[NodeCost] =
        nodes.and_then(|nodes| nodes.as_ref().ok()).map_or(&[], |nodes| nodes.as_slice());
    ui.selectable_value(&mut choice.sight, Sight::Answer, "answer");
    let chosen = session.node.as_ref().filter(|_| choice.model.is_none());
    if let Some(node) = chosen {
        let chosen = feature(node, session.feature.unwrap_or(0));
        ui.selectable_value(&mut choice.sight, chosen, format!("{node} (chosen)"));
    }
    ui.separator();
    for method in Method::ALL {
        let on_it = matches!(&choice.sight, Sight::Classical { method: other, .. } if *other == method);
        let response = ui.selectable_label(on_it, method.name()).on_hover_text(method.about());
        if response.clicked() && !on_it {
            choice.sight = Sight::Classical { method, polarity: Polarity::Bright };
        }
    }
    ui.separator();
    for node in known {
        let on_it = matches!(&choice.sight, Sight::Feature { node: other, .. } if *other == node.name);
        if ui.selectable_label(on_it, &node.name).clicked() && !on_it {
            choice.sight = feature(&node.name, 0);
        }
    }
    let note = match nodes {
        Some(Ok(_)) => return,
        Some(Err(why)) => small(why).color(Palette::of(ui).warning),
        None => small("reading its nodes…").color(Palette::of(ui).weak),
    };
    ui.label(note);
}
