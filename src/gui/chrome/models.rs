//! The menu of models: one card each, with what it is for and how good it was on images it never saw.
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{down_arrow, swatch};
use crate::imaging::format_length;
use crate::network::{ModelCard, Task};
use crate::session::{Command, JobKind, ModelEntry, Session};
use eframe::egui::{
    self, Button, Color32, CornerRadius, Frame, Label, Margin, ScrollArea, Sense, Stroke, Ui,
};

const WIDTH: f32 = 380.0;

/// Draws the button and its menu.
pub(super) fn models_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let title = (format!("Model: {}", chosen_name(desk.session)), down_arrow(ui));
    let menu = ui.menu_button(title, |ui| {
        ui.set_width(WIDTH);
        if desk.session.library.is_empty() {
            ui.label(small("No model is installed. Open a model file, or put one into the models folder."));
        }
        ScrollArea::vertical().max_height(460.0).show(ui, |ui| {
            let made = desk.session.made.iter().rev().map(|(id, model)| ModelEntry {
                id: id.clone(),
                path: id.into(),
                card: Ok(model.card.clone()),
            });
            for entry in made.chain(desk.session.library.iter().cloned()) {
                if entry_ui(ui, &entry, desk.session.model_choice.as_ref() == Some(&entry.id)) {
                    desk.send(Command::ChooseModel(entry.id.clone()));
                    ui.close();
                }
            }
        });
        ui.separator();
        if let Some(former) = &desk.session.former_choice {
            let name = std::path::Path::new(former).file_stem().unwrap_or_default().to_string_lossy();
            if ui
                .button(format!("Back to {name}"))
                .on_hover_text("The model that was chosen before")
                .clicked()
            {
                desk.send(Command::ChooseModel(former.clone()));
                ui.close();
            }
        }
        ui.horizontal_wrapped(|ui| {
            let chosen = desk.session.model.is_some();
            for (action, there) in [
                (Action::OpenModel, true),
                (Action::NewNetwork, true),
                (Action::SaveModel, chosen),
                (Action::ExportModel, chosen),
            ] {
                let button = ui.add_enabled(there, Button::new(action.about().text));
                if button.on_hover_text(action.hint(ui.ctx())).clicked() {
                    desk.act(action);
                    ui.close();
                }
            }
            if ui.button("Refresh").on_hover_text("Look again into the models folders").clicked() {
                desk.send(Command::RefreshModels);
            }
        });
    });
    menu.response
        .on_hover_text("The network that is run: graph, weights and what it was trained on, in one file");
}

/// The chosen model's name as people know it.
fn chosen_name(session: &Session) -> String {
    if session.is_busy(JobKind::LoadModel) {
        return "loading…".to_owned();
    }
    let Some(choice) = &session.model_choice else { return "none".to_owned() };
    if let Some(model) = &session.model {
        return model.card.name.clone();
    }
    let entry = session.library.iter().find(|entry| entry.id == *choice);
    entry.and_then(|entry| entry.card.as_ref().ok()).map_or_else(|| choice.clone(), |card| card.name.clone())
}

/// True when the card was clicked.
fn entry_ui(ui: &mut Ui, entry: &ModelEntry, chosen: bool) -> bool {
    let palette = Palette::of(ui);
    let fill = if chosen { palette.selected } else { palette.card };
    let stroke = Stroke::new(1.0, if chosen { palette.accent } else { palette.line });
    let frame = Frame::new()
        .fill(fill)
        .stroke(stroke)
        .corner_radius(CornerRadius::same(7))
        .inner_margin(Margin::symmetric(11, 8))
        .outer_margin(Margin::symmetric(0, 2));
    let name = entry.card.as_ref().map_or(entry.id.as_str(), |card| card.name.as_str());
    let response = frame
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                match &entry.card {
                    Ok(card) => card_ui(ui, card),
                    Err(reason) => {
                        ui.label(strong(name));
                        ui.label(small(reason).color(palette.error));
                    }
                }
            });
        })
        .response;
    let response = response.interact(Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, name));
    if response.hovered() && !chosen {
        let outline = Stroke::new(1.0, palette.accent);
        ui.painter().rect_stroke(
            response.rect.shrink2(egui::vec2(0.0, 2.0)),
            7.0,
            outline,
            egui::StrokeKind::Inside,
        );
    }
    let response = response.on_hover_text(entry.path.display().to_string());
    response.clicked() && entry.card.is_ok()
}

fn card_ui(ui: &mut Ui, card: &ModelCard) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(strong(&card.name).color(palette.strong));
        let task = match card.task {
            Task::Segment => "segments",
            Task::Classify => "classifies",
            Task::Regress => "gives numbers",
            Task::Any => "is there to be looked at",
        };
        pill(ui, task, palette.accent);
        if card.is_untrained() {
            pill(ui, "untrained", palette.warning);
        }
        if let Some(size) = card.pixel_size_nm {
            ui.label(small(format!("trained at {} / px", format_length(size))).color(palette.weak));
        }
    });
    if !card.description.is_empty() {
        ui.add(Label::new(small(&card.description).color(palette.text)).wrap());
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        for class in &card.classes {
            let [r, g, b] = class.colour;
            swatch(ui, Color32::from_rgb(r, g, b));
            ui.label(small(&class.name).color(palette.weak));
        }
    });
    let metrics = metrics_text(card);
    if !metrics.is_empty() {
        ui.add(Label::new(small(metrics).color(palette.weak)).wrap());
    }
}

/// Such as "mean `IoU` 0.870, accuracy 0.960 on 12 held-out images".
fn metrics_text(card: &ModelCard) -> String {
    let name = |key: &str| key.replace('_', " ").replace("iou", "IoU");
    let overall = card.metrics.iter().filter(|(key, _)| !key.contains([':', '/', '.']));
    let numbers: Vec<_> = overall.take(3).map(|(key, value)| format!("{} {value:.3}", name(key))).collect();
    if numbers.is_empty() || card.metrics_on.is_empty() {
        return numbers.join(", ");
    }
    format!("{} on {}", numbers.join(", "), card.metrics_on)
}

fn pill(ui: &mut Ui, text: &str, colour: Color32) {
    Frame::new()
        .fill(colour.gamma_multiply(0.18))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::symmetric(7, 1))
        .show(ui, |ui| ui.label(small(text).color(colour)));
}
