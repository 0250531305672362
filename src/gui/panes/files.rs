//! What is open: thumbnails, names, sizes; frames and channels of the shown one.
use super::PaneUi;
use super::frames::{FrameStrip, play_ui};
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{action_button, caption, empty_state_with};
use crate::imaging::format_length;
use crate::session::{Command, Opened};
use eframe::egui::{
    self, Color32, ColorImage, ComboBox, Rect, ScrollArea, Sense, Slider, TextureHandle, TextureOptions, Ui,
    pos2, vec2,
};
use std::collections::BTreeMap;

const ROW: f32 = 62.0;
const THUMBNAIL: f32 = 46.0;

#[derive(Default)]
pub(super) struct FilesPane {
    /// By the opened series' id.
    thumbnails: BTreeMap<u64, TextureHandle>,
    strip: FrameStrip,
}

impl PaneUi for FilesPane {
    fn title(&self) -> &'static str {
        "Files"
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let hint = Action::Open.hint(ui.ctx());
        if ui.button(small("+")).accessible_name("Add files").on_hover_text(hint).clicked() {
            desk.act(Action::Open);
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        self.thumbnails.retain(|id, _| desk.session.opened.iter().any(|opened| opened.id == *id));
        if desk.session.opened.is_empty() {
            empty_state_with(ui, "No micrograph", "Open a micrograph (Ctrl+O) or drop a file here.", |ui| {
                action_button(ui, desk, Action::Open, true);
                if ui
                    .button("Open the sample")
                    .on_hover_text("A micrograph that comes with Polepiece")
                    .clicked()
                {
                    desk.send(Command::OpenSample);
                }
            });
            return;
        }
        let shown = desk.session.micrograph();
        let stack = shown.is_some_and(|shown| shown.frames() > 1);
        let steps = stack || shown.is_some_and(|shown| shown.channels() > 1);
        let below = if stack { 196.0 } else { 60.0 } * f32::from(u8::from(steps));
        let height = (ui.available_height() - below).max(ROW);
        ScrollArea::vertical().max_height(height).auto_shrink([false, steps]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (index, opened) in desk.session.opened.iter().enumerate() {
                self.row_ui(ui, desk, index, opened);
            }
        });
        if steps {
            ui.add_space(4.0);
            if stack {
                self.strip.ui(ui, desk);
                play_ui(ui, desk);
            }
            steps_ui(ui, desk);
        }
    }
}

impl FilesPane {
    fn row_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, index: usize, opened: &Opened) {
        let palette = Palette::of(ui);
        let selected = desk.session.current == Some(index);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
        let name = opened.micrograph.name().to_owned();
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &name));
        let hovered = response.hovered();
        if selected || hovered {
            let fill = if selected { palette.selected } else { palette.control };
            ui.painter().rect_filled(rect, 6.0, fill);
        }
        self.thumbnail(ui, rect, opened);
        let text_left = rect.left() + THUMBNAIL + 16.0;
        let close = Rect::from_center_size(pos2(rect.right() - 14.0, rect.top() + 14.0), vec2(18.0, 18.0));
        let text_rect =
            Rect::from_min_max(pos2(text_left, rect.top() + 6.0), pos2(close.left(), rect.bottom()));
        ui.scope_builder(egui::UiBuilder::new().max_rect(text_rect), |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            let colour = if selected { palette.strong } else { palette.text };
            ui.add(egui::Label::new(strong(&name).color(colour).size(12.5)).truncate());
            let (size, more) = describe(opened);
            ui.add(egui::Label::new(small(size).color(palette.weak)).truncate());
            ui.add(egui::Label::new(small(more).color(palette.weak)).truncate());
        });
        if response.clicked() {
            desk.send(Command::Select(index));
        }
        if response.secondary_clicked() {
            desk.send(Command::Select(index));
        }
        response.context_menu(|ui| {
            let about = Action::SaveCopy.about();
            if ui.button(about.text).on_hover_text(about.tooltip).clicked() {
                desk.act(Action::SaveCopy);
                ui.close();
            }
            if ui.button("Close").clicked() {
                desk.send(Command::Close(index));
                ui.close();
            }
        });
        let response = response.on_hover_ui(|ui| tooltip_ui(ui, opened));
        if hovered || selected || response.contains_pointer() {
            let button = ui.interact(close, ui.scope_id().with(("close", index)), Sense::click());
            button
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Close {name}")));
            let ink = if button.hovered() { palette.error } else { palette.weak };
            let stroke = egui::Stroke::new(1.4, ink);
            let cross = Rect::from_center_size(close.center(), vec2(7.0, 7.0));
            ui.painter().line_segment([cross.left_top(), cross.right_bottom()], stroke);
            ui.painter().line_segment([cross.right_top(), cross.left_bottom()], stroke);
            if button.clicked() {
                desk.send(Command::Close(index));
            }
        }
    }

    fn thumbnail(&mut self, ui: &Ui, row: Rect, opened: &Opened) {
        let (width, height, bytes) = &opened.thumbnail;
        let frame = Rect::from_center_size(
            pos2(row.left() + 6.0 + THUMBNAIL / 2.0, row.center().y),
            vec2(THUMBNAIL, THUMBNAIL),
        );
        ui.painter().rect_filled(frame, 4.0, Palette::of(ui).canvas);
        if *width == 0 || *height == 0 || bytes.len() != width * height * 3 {
            return;
        }
        let texture = self.thumbnails.entry(opened.id).or_insert_with(|| {
            let image = ColorImage::from_rgb([*width, *height], bytes);
            ui.ctx().load_texture("thumbnail", image, TextureOptions::LINEAR)
        });
        let (width, height) = (*width as f32, *height as f32);
        let size = vec2(width, height) * (THUMBNAIL / width.max(height));
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(texture.id(), Rect::from_center_size(frame.center(), size), uv, Color32::WHITE);
    }
}

/// Two short lines: size and type, then calibration and how many planes.
fn describe(opened: &Opened) -> (String, String) {
    let micrograph = &opened.micrograph;
    let size =
        format!("{} × {}, {}", micrograph.width(), micrograph.height(), micrograph.sample_type().name());
    let pixel = micrograph.calibration().pixel();
    let mut more =
        vec![pixel.map_or("uncalibrated".to_owned(), |pixel| format!("{} / px", format_length(pixel.x_nm)))];
    if micrograph.frames() > 1 {
        more.push(format::plural(micrograph.frames(), "frame"));
    }
    if micrograph.channels() > 1 {
        more.push(format::plural(micrograph.channels(), "channel"));
    }
    (size, more.join(", "))
}

fn tooltip_ui(ui: &mut Ui, opened: &Opened) {
    let micrograph = &opened.micrograph;
    ui.label(strong(micrograph.name()));
    if let Some(path) = micrograph.path() {
        ui.label(small(path.display().to_string()));
    }
    let axes = format!("{}, axes {}", micrograph.format(), micrograph.stored_axes());
    ui.label(small(format!("{axes}, {}", format::shape(micrograph.stored_shape()))));
    match micrograph.calibration().pixel() {
        Some(pixel) => ui.label(small(format!(
            "A pixel is {} × {}, from {}",
            format_length(pixel.x_nm),
            format_length(pixel.y_nm),
            pixel.source
        ))),
        None => ui.label(small("No pixel size in the file: lengths stay in pixels")),
    };
    for note in micrograph.notes() {
        ui.label(small(note));
    }
}

/// Frame slider and channel selector of the shown micrograph.
fn steps_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let session = desk.session;
    let Some(opened) = session.current.and_then(|current| session.opened.get(current)) else { return };
    let micrograph = &opened.micrograph;
    let frames = micrograph.frames();
    if frames > 1 {
        ui.horizontal(|ui| {
            caption(ui, "Frame");
            ui.spacing_mut().slider_width = (ui.available_width() - 62.0).max(40.0);
            ui.spacing_mut().interact_size.y = 18.0;
            let mut frame = opened.frame + 1;
            let slider = Slider::new(&mut frame, 1..=frames).integer();
            let response = ui.add(slider).accessible_name("Frame");
            if response.on_hover_text("One step along z, time or page (Page Up, Page Down)").changed() {
                desk.send(Command::SetFrame(frame - 1));
            }
        });
    }
    if micrograph.channels() > 1 {
        ui.horizontal(|ui| {
            caption(ui, "Channel");
            let names = micrograph.channel_names();
            let name = |channel: usize| names.get(channel).map_or("?", String::as_str).to_owned();
            let mut channel = opened.channel;
            let width = (ui.available_width() - 4.0).max(40.0);
            let shown = ComboBox::from_id_salt("channel").width(width).selected_text(name(channel)).show_ui(
                ui,
                |ui| {
                    for other in 0..micrograph.channels() {
                        ui.selectable_value(&mut channel, other, name(other));
                    }
                },
            );
            shown
                .response
                .accessible_name("Channel")
                .on_hover_text("A detector, an element or an energy window");
            if channel != opened.channel {
                desk.send(Command::SetChannel(channel));
            }
        });
    }
}
