//! The window for taking the result away: folder, formats, and the command line that does the same.
use crate::analysis::Prediction;
use crate::export::Format;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{at_right, caption, window_head};
use crate::session::{Command, ExportRequest, JobKind, Session};
use eframe::egui::{self, Align2, Button, Grid, TextEdit, Ui, Window, vec2};
use std::path::PathBuf;

const WIDTH: f32 = 480.0;

/// What the window keeps between openings.
pub(in crate::gui) struct ExportWindow {
    pub(in crate::gui) open: bool,
    /// Empty until the window was opened once.
    folder: String,
    formats: [bool; Format::ALL.len()],
    features: bool,
}

impl Default for ExportWindow {
    fn default() -> Self {
        Self { open: false, folder: String::new(), formats: [true; Format::ALL.len()], features: false }
    }
}

impl ExportWindow {
    /// Opens with a folder to begin with: the last one, else one beside the image.
    pub(in crate::gui) fn show(&mut self, session: &Session) {
        self.open = true;
        if self.folder.is_empty() {
            let folder = session.preferences.export_dir.clone().unwrap_or_else(|| beside_the_image(session));
            self.folder = folder.display().to_string();
        }
    }

    pub(in crate::gui) fn set_folder(&mut self, folder: &std::path::Path) {
        self.folder = folder.display().to_string();
    }

    /// Draws the window; true when a folder is to be chosen in a dialog.
    pub(in crate::gui) fn ui(&mut self, ctx: &egui::Context, desk: &mut Desk<'_>) -> bool {
        let window = Window::new("Export").title_bar(false).resizable(false);
        let window = window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).default_width(WIDTH);
        let shown = window.show(ctx, |ui| self.contents_ui(ui, desk));
        shown.and_then(|shown| shown.inner).unwrap_or(false)
    }

    fn contents_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) -> bool {
        ui.set_width(WIDTH);
        self.open = !window_head(ui, "Export");
        let Some(result) = &desk.session.result else {
            ui.label("Run a model first: then there is something to export.");
            return false;
        };
        ui.label(small(format!("{} by {}", result.micrograph.name(), result.model.card.name)));
        ui.add_space(4.0);
        let browse = self.folder_ui(ui);
        ui.add_space(4.0);
        match &result.prediction {
            Prediction::Segmentation(_) => self.formats_ui(ui),
            Prediction::Classification(_) => {
                ui.label("A table of the classes (CSV), and the manifest");
            }
            Prediction::Regression(regression) if regression.maps().is_some() => {
                ui.label(
                    "The maps (TIFF, 32-bit, one page an output), a table of their means (CSV), the manifest",
                );
            }
            Prediction::Regression(_) => {
                ui.label("A table of the numbers (CSV), and the manifest");
            }
            Prediction::Nothing => {
                ui.label(
                    "This model's card does not say what its answer means; only feature maps are written",
                );
            }
        }
        let node = desk.session.features.as_ref().map(|features| features.maps.node.clone());
        let text = match &node {
            Some(node) => format!("Feature maps of {node} (NumPy array and sheet)"),
            None => "Feature maps of the chosen node".to_owned(),
        };
        ui.add_enabled_ui(node.is_some(), |ui| ui.checkbox(&mut self.features, text));
        ui.label(
            small("manifest.json is always written: program, input, model, settings and their checksums")
                .weak(),
        );
        command_ui(ui, desk);
        ui.add_space(6.0);
        self.buttons_ui(ui, desk);
        browse
    }

    fn folder_ui(&mut self, ui: &mut Ui) -> bool {
        let mut browse = false;
        caption(ui, "Folder");
        ui.horizontal(|ui| {
            let width = ui.available_width() - 92.0;
            let edit =
                TextEdit::singleline(&mut self.folder).desired_width(width).hint_text("Folder to write into");
            ui.add(edit).accessible_name("Export folder");
            browse = ui.button("Browse…").on_hover_text("Choose a folder").clicked();
        });
        browse
    }

    fn formats_ui(&mut self, ui: &mut Ui) {
        Grid::new("formats").num_columns(2).spacing([16.0, 5.0]).show(ui, |ui| {
            for (format, wanted) in Format::ALL.into_iter().zip(&mut self.formats) {
                let (name, meaning) = words(format);
                ui.checkbox(wanted, name);
                ui.label(small(meaning).color(Palette::of(ui).weak));
                ui.end_row();
            }
        });
    }

    fn buttons_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            if let Some(first) = desk.session.exported.first() {
                let folder = first.parent().unwrap_or(first).display();
                let text = format!("Last: {} files in {folder}", desk.session.exported.len());
                ui.add(egui::Label::new(small(text).color(palette.weak)).truncate());
            }
            at_right(ui, |ui| {
                let ready = !self.folder.trim().is_empty() && !desk.session.is_busy(JobKind::Export);
                let text = strong("Write files").color(if ready { palette.on_accent } else { palette.weak });
                let button = Button::new(text);
                let button = if ready { button.fill(palette.accent) } else { button };
                if ui.add_enabled(ready, button).clicked() {
                    desk.send(Command::Export(self.request(desk.session)));
                }
            });
        });
    }

    fn request(&self, session: &Session) -> ExportRequest {
        let wanted =
            Format::ALL.into_iter().zip(self.formats).filter_map(|(format, wanted)| wanted.then_some(format));
        ExportRequest {
            dir: PathBuf::from(self.folder.trim()),
            formats: wanted.collect(),
            features: self.features && session.features.is_some(),
        }
    }
}

/// The command line that makes the same result, to read and to copy.
fn command_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let Some(command) = desk.session.command_line() else { return };
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        caption(ui, "The same from the command line");
        at_right(ui, |ui| {
            if ui.small_button("Copy").on_hover_text(Action::CopyCommand.hint(ui.ctx())).clicked() {
                desk.act(Action::CopyCommand);
            }
        });
    });
    let palette = Palette::of(ui);
    egui::Frame::new().fill(palette.canvas).corner_radius(5).inner_margin(8).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(egui::Label::new(egui::RichText::new(command).monospace().color(palette.text)).wrap());
    });
}

fn words(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Label => ("Label image", "TIFF, one number a class, background 0, pixel size kept"),
        Format::Palette => ("Palette picture", "PNG in the class colours, to look at"),
        Format::Overlay => ("Overlay picture", "PNG of the mask over the micrograph, as shown here"),
        Format::Probability => ("Probabilities", "TIFF, 32-bit, one page a class"),
        Format::Csv => ("Table of objects", "CSV: class, area, position, diameter, in px and nm"),
    }
}

fn beside_the_image(session: &Session) -> PathBuf {
    let image = session.result.as_ref().and_then(|result| result.micrograph.path());
    let folder = image.and_then(|path| path.parent()).map(PathBuf::from).unwrap_or_default();
    folder.join("polepiece-out")
}
