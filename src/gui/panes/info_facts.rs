//! The facts about a micrograph with their sources, and the controls that correct its scale and info bar.
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::action_button;
use crate::imaging::{InfoBarChoice, Micrograph, ScaleByHand, format_length};
use crate::session::{Command, Opened};
use eframe::egui::{Button, DragValue, Key, Label, TextEdit, Ui};

/// Width of the column of names in points.
const NAMES: f32 = 64.0;

/// What is being typed.
#[derive(Default)]
pub(super) struct Facts {
    scale: String,
    /// Rows of the info bar while their number is changed.
    rows: Option<usize>,
}

impl Facts {
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, opened: &Opened) {
        let micrograph = &opened.micrograph;
        for (name, value) in facts(micrograph) {
            fact(ui, name, &value);
        }
        for axis in micrograph.calibration().axes() {
            fact(ui, axis_name(axis.axis), &axis.to_string());
        }
        row(ui, "Pixel", |ui| self.scale_ui(ui, desk, opened));
        row(ui, "Info bar", |ui| self.bar_ui(ui, desk, opened));
    }

    fn scale_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, opened: &Opened) {
        let palette = Palette::of(ui);
        let pixel = match opened.micrograph.calibration().pixel() {
            Some(pixel) if pixel.x_nm == pixel.y_nm => format_length(pixel.x_nm),
            Some(pixel) => format!("{} × {}", format_length(pixel.x_nm), format_length(pixel.y_nm)),
            None => "uncalibrated: the file names no pixel size".to_owned(),
        };
        ui.add(Label::new(small(pixel).color(palette.strong)).wrap());
        if let Some(pixel) = opened.micrograph.calibration().pixel() {
            ui.add(Label::new(small(&pixel.source).color(palette.weak)).wrap());
        }
        ui.horizontal_wrapped(|ui| {
            let edit = TextEdit::singleline(&mut self.scale).hint_text("5 nm").desired_width(80.0);
            let field = ui.add(edit).accessible_name("Size of a pixel");
            let field =
                field.on_hover_text("Size of a pixel: 5 nm, 0.5 µm, 5 nm x 6 nm, or 500 nm / 183.5 px");
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let scale = self.scale.parse::<ScaleByHand>();
            let hint =
                scale.as_ref().map_or_else(Clone::clone, |_| "Goes before what the file says".to_owned());
            let set = ui.add_enabled(scale.is_ok(), Button::new(small("Set pixel size")));
            let clicked = set.on_hover_text(&hint).on_disabled_hover_text(&hint).clicked();
            if let Ok(scale) = scale
                && (clicked || entered)
            {
                desk.send(Command::SetPixelSize(Some(scale)));
            }
            action_button(ui, desk, Action::ScaleLine, desk.session.shown.is_some());
            let by_hand = opened.micrograph.scale_by_hand().is_some();
            let reset = ui.add_enabled(by_hand, Button::new(small("As the file says")));
            if reset.on_hover_text("Forget the pixel size that was set by hand").clicked() {
                desk.send(Command::SetPixelSize(None));
            }
        });
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, opened: &Opened) {
        let palette = Palette::of(ui);
        let bar = opened.micrograph.info_bar();
        let known = bar.map_or(0, |bar| bar.rows);
        ui.horizontal_wrapped(|ui| {
            let mut rows = self.rows.unwrap_or(known);
            let most = opened.micrograph.height().saturating_sub(1);
            let field = ui.add(DragValue::new(&mut rows).range(0..=most).suffix(" rows"));
            let field = field.on_hover_text("Rows of text below the image, which count as nothing");
            if field.changed() {
                self.rows = Some(rows);
            }
            // One change for the whole of a drag or of what is typed.
            if !field.dragged()
                && !field.has_focus()
                && let Some(rows) = self.rows.take().filter(|rows| *rows != known)
            {
                desk.send(Command::SetInfoBar(InfoBarChoice::Rows(rows)));
            }
            let differs = opened.as_read.info_bar() != bar;
            let reset = ui.add_enabled(differs, Button::new(small("Automatic")));
            if reset.on_hover_text("What the file says, else what is seen in the picture").clicked() {
                desk.send(Command::SetInfoBar(InfoBarChoice::Auto));
            }
        });
        let source = bar.map_or("none in the file, none seen in the picture", |bar| bar.source.as_str());
        ui.add(Label::new(small(source).color(palette.weak)).wrap());
    }
}

/// What every file has.
fn facts(micrograph: &Micrograph) -> Vec<(&'static str, String)> {
    let path = micrograph.path().map(|path| path.display().to_string());
    let axes = format!("{}, {}", micrograph.stored_axes(), format::shape(micrograph.stored_shape()));
    let mut facts = vec![
        ("File", path.unwrap_or_else(|| micrograph.name().to_owned())),
        ("Format", micrograph.format().to_owned()),
        ("Axes", axes),
        ("Type", micrograph.sample_type().name().to_owned()),
    ];
    if micrograph.series() > 0 {
        facts.push(("Series", (micrograph.series() + 1).to_string()));
    }
    if micrograph.channels() > 1 && !micrograph.is_spectral() {
        facts.push(("Channels", micrograph.channel_names().join(", ")));
    }
    facts
}

/// A name on the left, and what belongs to it.
fn row(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui)) {
    let weak = Palette::of(ui).weak;
    ui.horizontal_top(|ui| {
        let name = ui.label(small(name).color(weak));
        ui.add_space((NAMES - name.rect.width()).max(0.0));
        ui.vertical(add);
    });
}

fn fact(ui: &mut Ui, name: &str, value: &str) {
    let text = Palette::of(ui).text;
    row(ui, name, |ui| {
        ui.add(Label::new(small(value).color(text)).wrap());
    });
}

fn axis_name(letter: char) -> &'static str {
    match letter {
        'X' => "Along X",
        'Y' => "Along Y",
        'Z' => "Along Z",
        'T' => "Along T",
        'E' => "Along E",
        'C' => "Along C",
        _ => "Along S",
    }
}
