//! The window that puts a figure together: panels, page, and how it will look.
mod add;
mod panels;

use crate::export::{FigureLook, FigureSpec, Ground, ScaleBars};
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::view::stamp;
use crate::gui::widgets::{at_right, caption, window_head};
use crate::session::{Command, FigureCommand, JobKind, Session};
use eframe::egui::{
    self, Align2, Button, ComboBox, DragValue, Grid, Rect, Sense, TextureHandle, TextureOptions, Ui, Window,
    pos2, vec2,
};
use std::path::{Path, PathBuf};

/// Of the controls, and of all.
const CONTROLS: f32 = 290.0;
const WIDTH: f32 = 940.0;
const HEIGHT: f32 = 560.0;

/// What the window keeps between openings.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the window")]
pub(in crate::gui) struct FigureWindow {
    pub(in crate::gui) open: bool,
    panels: Vec<panels::Chosen>,
    look: FigureLook,
    /// Only the part of the micrograph that the source pane shows.
    cropped: bool,
    /// The pinned place is marked in every panel, and what the chosen node sees there.
    marked: bool,
    field: bool,
    /// The preview that was asked for last, and of what.
    asked: Option<(FigureSpec, u64)>,
    texture: Option<(u64, TextureHandle)>,
}

impl FigureWindow {
    /// Opens with what is worth a first look.
    pub(in crate::gui) fn show(&mut self, session: &Session) {
        self.open = true;
        if self.panels.is_empty() {
            self.panels = panels::usual(session);
            self.look.columns = self.panels.len().clamp(1, 3);
        }
        self.asked = None;
    }

    /// Saves what was put together to the chosen files.
    pub(in crate::gui) fn saving(&self, paths: Vec<PathBuf>) -> Vec<Command> {
        let Some((spec, _)) = &self.asked else { return Vec::new() };
        paths.into_iter().map(|path| Command::Figure(FigureCommand::Save(spec.clone(), path))).collect()
    }

    /// What the file is called unless a person says otherwise.
    pub(in crate::gui) fn suggested(session: &Session) -> PathBuf {
        let micrograph = session.micrograph();
        let folder = session.preferences.export_dir.clone();
        let folder =
            folder.or_else(|| micrograph?.path()?.parent().map(Path::to_path_buf)).unwrap_or_default();
        let stem = micrograph.map_or_else(|| "figure".to_owned(), crate::export::copy_stem);
        folder.join(format!("{stem} figure.png"))
    }

    /// Draws the window; true when a file name is to be chosen in a dialog.
    pub(in crate::gui) fn ui(&mut self, ctx: &egui::Context, desk: &mut Desk<'_>) -> bool {
        let window = Window::new("Figure").title_bar(false).resizable(false);
        let window = window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).default_width(WIDTH);
        let shown = window.show(ctx, |ui| self.contents_ui(ui, desk));
        shown.and_then(|shown| shown.inner).unwrap_or(false)
    }

    fn contents_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) -> bool {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 60.0));
        self.open = !window_head(ui, "Figure");
        if desk.session.shown.is_none() {
            ui.label("Open a micrograph first: then there is something to show.");
            return false;
        }
        let height = HEIGHT.min(ui.ctx().content_rect().height() - 190.0);
        ui.horizontal_top(|ui| {
            ui.allocate_ui(vec2(CONTROLS, height), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(CONTROLS);
                    panels::panels_ui(ui, &mut self.panels, (desk.session, desk.view.pin), height - 262.0);
                    ui.add_space(6.0);
                    self.page_ui(ui);
                    ui.add_space(4.0);
                    self.marks_ui(ui, desk);
                });
            });
            ui.add_space(8.0);
            self.preview_ui(ui, desk, height);
        });
        ui.add_space(6.0);
        self.buttons_ui(ui, desk)
    }

    fn page_ui(&mut self, ui: &mut Ui) {
        caption(ui, "Page");
        let look = &mut self.look;
        Grid::new("figure page").num_columns(4).spacing([8.0, 5.0]).show(ui, |ui| {
            ui.label(small("Columns"));
            let most = FigureLook::MOST_COLUMNS;
            ui.add(DragValue::new(&mut look.columns).range(1..=most).speed(0.05))
                .on_hover_text("Panels side by side");
            ui.label(small("Width"));
            ui.add(
                DragValue::new(&mut look.width_mm)
                    .range(10.0..=2000.0)
                    .speed(1.0)
                    .suffix(" mm")
                    .max_decimals(1),
            )
            .on_hover_text("Of the whole figure. Journals: about 88 mm for one column, 180 mm for two");
            ui.end_row();
            ui.label(small("Type"));
            ui.add(
                DragValue::new(&mut look.font_pt).range(2.0..=72.0).speed(0.1).suffix(" pt").max_decimals(1),
            )
            .on_hover_text("Journals ask for 5 to 8 pt at the printed size");
            ui.label(small("PNG"));
            ui.add(
                DragValue::new(&mut look.dpi).range(20.0..=2400.0).speed(5.0).suffix(" dpi").max_decimals(0),
            )
            .on_hover_text("Pixels an inch of a PNG; an SVG has words and bars as vectors");
            ui.end_row();
        });
        ui.horizontal(|ui| {
            ui.checkbox(&mut look.letters, "Letters").on_hover_text("a, b, c… before the titles");
            ui.checkbox(&mut look.titles, "Titles");
            let mut black = look.ground == Ground::Black;
            ui.checkbox(&mut black, "Black page").on_hover_text("For slides: white type on black");
            look.ground = if black { Ground::Black } else { Ground::White };
        });
        ui.horizontal(|ui| {
            ui.label(small("Scale bar"));
            let name = |bars| match bars {
                ScaleBars::First => "in the first panel",
                ScaleBars::All => "in every panel",
                ScaleBars::None => "nowhere",
            };
            let combo = ComboBox::from_id_salt("scale bars").selected_text(small(name(look.scale_bars)));
            let shown = combo.show_ui(ui, |ui| {
                for bars in [ScaleBars::First, ScaleBars::All, ScaleBars::None] {
                    ui.selectable_value(&mut look.scale_bars, bars, name(bars));
                }
            });
            shown
                .response
                .accessible_name("Scale bar")
                .on_hover_text("Only where the micrograph is calibrated");
        });
    }

    fn marks_ui(&mut self, ui: &mut Ui, desk: &Desk<'_>) {
        let zoomed = !desk.view.is_fit();
        let text = "Only what the source pane shows";
        let response = ui.add_enabled(zoomed, egui::Checkbox::new(&mut self.cropped, text));
        response
            .on_hover_text("Every panel shows the same part of the image")
            .on_disabled_hover_text("The source pane shows the whole image: zoom in to show a part of it");
        let pinned = desk.view.pin.is_some();
        let response = ui.add_enabled(pinned, egui::Checkbox::new(&mut self.marked, "Mark the pinned place"));
        response
            .on_hover_text("A cross at the same place of every panel")
            .on_disabled_hover_text("Click into the feature map to pin a place");
        let node = desk.session.node.clone();
        let text = node
            .as_ref()
            .map_or("What the node sees there".to_owned(), |node| format!("What {node} sees there"));
        let can = pinned && self.marked && node.is_some();
        let response = ui.add_enabled(can, egui::Checkbox::new(&mut self.field, text));
        response
            .on_hover_text("The theoretical receptive field as a box on the source")
            .on_disabled_hover_text("Choose a node, and mark a pinned place");
    }

    /// Everything that was set, of what is shown now.
    fn spec(&self, desk: &Desk<'_>) -> FigureSpec {
        let session = desk.session;
        let (paint, channel) = session.figure_paint();
        let size = session.shown.as_ref().map(crate::session::Shown::size);
        let cursor = desk.view.pin.filter(|_| self.marked).zip(size).and_then(|([x, y], [height, width])| {
            let (row, column) = (y.floor(), x.floor());
            let inside = row >= 0.0 && column >= 0.0 && row < height as f64 && column < width as f64;
            inside.then_some([row as usize, column as usize])
        });
        FigureSpec {
            panels: self.panels.iter().map(|chosen| chosen.panel.clone()).collect(),
            captions: self.captions(),
            look: self.look,
            paint,
            channel,
            feature_colormap: session.feature_colormap,
            shared_contrast: session.shared_contrast,
            crop: self.cropped.then(|| seen_part(desk)).flatten(),
            cursor,
            field: session.node.clone().filter(|_| self.field && cursor.is_some()),
        }
    }

    /// Up to the last that is there.
    fn captions(&self) -> Vec<String> {
        let mut captions: Vec<String> =
            self.panels.iter().map(|chosen| chosen.caption.trim().to_owned()).collect();
        let last = captions.iter().rposition(|caption| !caption.is_empty());
        captions.truncate(last.map_or(0, |last| last + 1));
        captions
    }

    fn preview_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, height: f32) {
        let space = vec2(ui.available_width(), height);
        let (rect, _) = ui.allocate_exact_size(space, Sense::hover());
        let palette = Palette::of(ui);
        ui.painter().rect_filled(rect, 6.0, palette.canvas);
        let spec = self.spec(desk);
        let session = desk.session;
        let of = session.shown.as_ref().map(|shown| shown.key);
        let of = stamp((of, session.result.as_ref().map(|result| result.key), session.result_is_current()));
        if !spec.panels.is_empty() && self.asked.as_ref() != Some(&(spec.clone(), of)) {
            let across = (space.x * ui.pixels_per_point()).clamp(64.0, 4096.0) as usize;
            desk.send(Command::Figure(FigureCommand::Preview(spec.clone(), across)));
            self.asked = Some((spec, of));
        }
        let Some(drawn) = &session.figure.drawn else {
            let words = session.figure.complaint.as_deref().unwrap_or("Drawing…");
            words_in(ui, rect, words);
            return;
        };
        if self.texture.as_ref().is_none_or(|(key, _)| *key != drawn.key) {
            let size = [drawn.picture.width, drawn.picture.height];
            let image = egui::ColorImage::from_rgb(size, &drawn.picture.rgb);
            self.texture = Some((drawn.key, ui.ctx().load_texture("figure", image, TextureOptions::LINEAR)));
        }
        if let Some((_, texture)) = &self.texture {
            let size = texture.size_vec2();
            let inside = rect.shrink(10.0);
            let scale = (inside.width() / size.x).min(inside.height() / size.y);
            let place = Rect::from_center_size(inside.center(), size * scale);
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), place, whole, egui::Color32::WHITE);
            let response = ui.interact(place, ui.scope_id().with("preview"), Sense::hover());
            response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Preview of the figure"));
        }
        if let Some(complaint) =
            session.figure.complaint.as_deref().filter(|_| !session.is_busy(JobKind::FigurePreview))
        {
            words_in(ui, rect, complaint);
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) -> bool {
        let (session, palette) = (desk.session, Palette::of(ui));
        let mut save = false;
        ui.horizontal(|ui| {
            if let Some(drawn) = &session.figure.drawn {
                let [width, height] = drawn.size_mm;
                let px = [width, height].map(|length| (length / 25.4 * self.look.dpi).round());
                let text = format!("{width:.0} × {height:.0} mm · PNG {:.0} × {:.0} px", px[0], px[1]);
                ui.label(small(text).color(palette.weak));
            }
            at_right(ui, |ui| {
                let refused = session.figure.complaint.is_some();
                let ready = !self.panels.is_empty() && !refused && !session.is_busy(JobKind::Figure);
                let text = strong("Save…").color(if ready { palette.on_accent } else { palette.weak });
                let button = Button::new(text);
                let button = if ready { button.fill(palette.accent) } else { button };
                let response = ui.add_enabled(ready, button);
                let why = if self.panels.is_empty() {
                    "Add a panel first"
                } else {
                    "It cannot be drawn like this, or is being saved"
                };
                save = response
                    .on_hover_text("As PNG or SVG, by the name's ending")
                    .on_disabled_hover_text(why)
                    .clicked();
                let command = self
                    .asked
                    .as_ref()
                    .and_then(|(spec, _)| session.figure_command(spec, &Self::suggested(session)));
                let button = ui.add_enabled(command.is_some(), Button::new("Copy as command"));
                let hint = "The command line that writes the same file, byte for byte";
                if button.on_hover_text(hint).clicked()
                    && let Some(command) = command
                {
                    ui.ctx().copy_text(command);
                }
            });
        });
        save
    }
}

/// What the source pane shows of the image, in whole pixels.
fn seen_part(desk: &Desk<'_>) -> Option<[usize; 4]> {
    let (main, shown) = (desk.view.main.filter(|_| !desk.view.is_fit())?, desk.session.shown.as_ref()?);
    let [height, width] = shown.size();
    let [low, high] = [main.rect.min, main.rect.max].map(|corner| main.source_from_screen(corner));
    let along = |low: f64, high: f64, length: usize| {
        let start = low.floor().clamp(0.0, length as f64) as usize;
        let end = high.ceil().clamp(0.0, length as f64) as usize;
        (end > start).then_some((start, end - start))
    };
    let ((left, across), (top, down)) = (along(low[0], high[0], width)?, along(low[1], high[1], height)?);
    Some([left, top, across, down])
}

fn words_in(ui: &Ui, rect: Rect, words: &str) {
    let palette = Palette::of(ui);
    let font = egui::FontId::proportional(12.0);
    let galley = ui.painter().layout(words.to_owned(), font, palette.text, rect.width() - 60.0);
    let place = Rect::from_center_size(rect.center(), galley.size());
    ui.painter().rect_filled(place.expand(8.0), 5.0, palette.card);
    ui.painter().galley(place.min, galley, palette.text);
}

/// The button of the bar at the top.
pub(in crate::gui) fn figure_button(ui: &mut Ui, desk: &mut Desk<'_>) {
    let there = desk.session.shown.is_some();
    crate::gui::widgets::action_button(ui, desk, Action::Figure, there);
}
