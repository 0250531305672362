//! The window that asks what the values of a mask mean.
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{at_right, number, window_head};
use crate::network::ClassInfo;
use crate::session::{AskedLabels, Command, JobKind, LabelsCommand};
use eframe::egui::{
    self, Align2, Button, Color32, ComboBox, CornerRadius, Grid, ScrollArea, Sense, Ui, Window, vec2,
};

const WIDTH: f32 = 480.0;
/// Of the list of values.
const MOST_HEIGHT: f32 = 320.0;

/// What was chosen so far, and for which question.
#[derive(Default)]
pub(in crate::gui) struct LabelsWindow {
    key: Option<u64>,
    classes: Vec<Option<usize>>,
}

impl LabelsWindow {
    /// Draws the window while there is a question.
    pub(in crate::gui) fn ui(&mut self, ctx: &egui::Context, desk: &mut Desk<'_>) {
        let Some(asked) = desk.session.labelling.asked.clone() else {
            self.key = None;
            return;
        };
        if self.key != Some(asked.key) {
            self.key = Some(asked.key);
            self.classes = asked.values.iter().map(|value| value.class).collect();
        }
        let window = Window::new("Labels").title_bar(false).resizable(false);
        let window = window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).default_width(WIDTH);
        window.show(ctx, |ui| self.contents_ui(ui, desk, &asked));
    }

    fn contents_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, asked: &AskedLabels) {
        ui.set_width(WIDTH);
        if window_head(ui, "What do the mask's values mean?") {
            desk.send(Command::Labels(LabelsCommand::Forget));
        }
        let palette = Palette::of(ui);
        let name = asked.path.file_name().unwrap_or_default().to_string_lossy();
        let names: Vec<&str> = asked.classes.iter().map(|class| class.name.as_str()).collect();
        let text = format!(
            "{name} holds {} values; the model's classes are {}. Say which is which, or open a label scheme. What is \
             ignored counts for nobody.",
            asked.values.len(),
            names.join(", ")
        );
        ui.label(small(text).color(palette.text));
        if let Some(complaint) = &asked.complaint {
            ui.label(small(complaint).color(palette.warning));
        }
        ui.add_space(6.0);
        ScrollArea::vertical().max_height(MOST_HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
            Grid::new("mask values").num_columns(3).striped(true).spacing([18.0, 4.0]).show(ui, |ui| {
                for (place, value) in asked.values.iter().enumerate() {
                    let Some(class) = self.classes.get_mut(place) else { continue };
                    ui.label(number(&value.text));
                    ui.label(small(format::percent(value.share)).color(palette.weak))
                        .on_hover_text("Of the mask");
                    class_box(ui, &value.text, class, &asked.classes);
                    ui.end_row();
                }
            });
        });
        if asked.others > 0.0 {
            let text = format!(
                "{} of the mask holds still other values and is ignored; a picture is no mask.",
                format::percent(asked.others)
            );
            ui.label(small(text).color(palette.warning));
        }
        ui.add_space(6.0);
        self.buttons_ui(ui, desk, asked);
    }

    fn buttons_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, asked: &AskedLabels) {
        let palette = Palette::of(ui);
        let busy = desk.session.is_busy(JobKind::Labels);
        ui.horizontal(|ui| {
            let action = Action::OpenScheme;
            let response = ui.add_enabled(!busy, Button::new(action.about().text));
            if response.on_hover_text(action.about().tooltip).on_disabled_hover_text("It is being read").clicked() {
                desk.act(action);
            }
            let hint = "These choices as a label scheme in TOML, which --scheme of the command line reads";
            if ui.button("Copy as scheme").on_hover_text(hint).clicked() {
                ui.ctx().copy_text(asked.scheme_text(&self.classes));
            }
            at_right(ui, |ui| {
                let some = self.classes.iter().any(Option::is_some);
                let text = strong("Use these").color(if some { palette.on_accent } else { palette.weak });
                let button = Button::new(text);
                let button = if some { button.fill(palette.accent) } else { button };
                let response = ui.add_enabled(some, button);
                let hint = "Features are held against the mask, and the network and the classical methods scored by it";
                let response = response.on_hover_text(hint);
                if response.on_disabled_hover_text("Choose a class for at least one value").clicked() {
                    desk.send(Command::Labels(LabelsCommand::Say(self.classes.clone())));
                }
            });
        });
    }
}

/// The class of a value, with its colour.
fn class_box(ui: &mut Ui, value: &str, class: &mut Option<usize>, classes: &[ClassInfo]) {
    let name = |class: Option<usize>| {
        class.and_then(|class| classes.get(class)).map_or("ignored", |class| class.name.as_str())
    };
    ui.horizontal(|ui| {
        let colour = class.and_then(|class| classes.get(class)).map_or(Color32::TRANSPARENT, |class| {
            let [r, g, b] = class.colour;
            Color32::from_rgb(r, g, b)
        });
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().rect_filled(rect, CornerRadius::same(2), colour);
        let combo =
            ComboBox::from_id_salt(("class of value", value)).width(190.0).selected_text(small(name(*class)));
        let shown = combo.show_ui(ui, |ui| {
            for index in 0..classes.len() {
                ui.selectable_value(class, Some(index), name(Some(index)));
            }
            ui.selectable_value(class, None, "ignored");
        });
        shown.response.accessible_name(format!("Class of value {value}"));
    });
}
