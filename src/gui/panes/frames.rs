//! The frames of a stack as a strip of small pictures, and what plays them.
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::player::Ending;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::toggle;
use crate::session::Command;
use eframe::egui::{
    self, Align2, Color32, ColorImage, DragValue, FontId, Rect, ScrollArea, Sense, Stroke, StrokeKind,
    TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use std::collections::BTreeMap;
use std::ops::Range;

/// Side of a small picture's place in points.
const CELL: f32 = 56.0;
/// Textures that are kept.
const KEPT: usize = 200;

/// Small pictures of the frames that are in sight.
#[derive(Default)]
pub(super) struct FrameStrip {
    /// By frame, of one channel of one series.
    textures: BTreeMap<usize, TextureHandle>,
    of: Option<(u64, usize)>,
    /// The frame that was last scrolled to.
    followed: Option<usize>,
}

impl FrameStrip {
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let Some(opened) = session.current.and_then(|current| session.opened.get(current)) else { return };
        let of = (opened.id, opened.channel);
        if self.of != Some(of) {
            *self = Self { of: Some(of), ..Self::default() };
        }
        let (frames, frame) = (opened.micrograph.frames(), opened.frame);
        let mut seen = 0..0;
        let mut area = ScrollArea::horizontal().id_salt("frames").auto_shrink([false, true]);
        if self.followed != Some(frame) {
            self.followed = Some(frame);
            area = area.horizontal_scroll_offset(offset_for(frame, ui.available_width()));
        }
        area.show_viewport(ui, |ui, viewport| {
            let width = CELL * frames as f32;
            let (rect, _) = ui.allocate_exact_size(vec2(width, CELL), Sense::hover());
            seen = visible(viewport.x_range(), frames);
            for index in seen.clone() {
                let left = rect.left() + CELL * index as f32;
                let place = Rect::from_min_size(pos2(left, rect.top()), vec2(CELL, CELL)).shrink(2.0);
                self.cell(ui, desk, place, index);
            }
        });
        self.want(desk, seen);
    }

    fn cell(&mut self, ui: &Ui, desk: &mut Desk<'_>, place: Rect, index: usize) {
        let palette = Palette::of(ui);
        let session = desk.session;
        let selected = session.current.and_then(|c| session.opened.get(c)).is_some_and(|o| o.frame == index);
        let response = ui.interact(place, ui.scope_id().with(("frame", index)), Sense::click());
        let name = format!("Frame {}", index + 1);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &name));
        ui.painter().rect_filled(place, 3.0, palette.canvas);
        if self.of == session.frame_pictures.of
            && let Some((width, height, bytes)) = session.frame_pictures.pictures.get(&index)
            && *width * *height > 0
            && bytes.len() == width * height * 3
        {
            let texture = self.textures.entry(index).or_insert_with(|| {
                let image = ColorImage::from_rgb([*width, *height], bytes);
                ui.ctx().load_texture("frame", image, TextureOptions::LINEAR)
            });
            let size = vec2(*width as f32, *height as f32);
            let size = size * (place.width() / size.max_elem());
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(
                texture.id(),
                Rect::from_center_size(place.center(), size),
                uv,
                Color32::WHITE,
            );
        }
        let number = (index + 1).to_string();
        let font = FontId::proportional(9.5);
        let at = place.left_bottom() + vec2(3.0, -2.0);
        let size = ui.painter().layout_no_wrap(number.clone(), font.clone(), Color32::WHITE).size();
        let back = Rect::from_min_size(at - vec2(1.0, size.y), size + vec2(2.0, 0.0));
        ui.painter().rect_filled(back, 2.0, Color32::from_black_alpha(150));
        ui.painter().text(at, Align2::LEFT_BOTTOM, number, font, Color32::WHITE);
        if selected || response.hovered() {
            let colour = if selected { palette.accent } else { palette.weak };
            ui.painter().rect_stroke(place, 3.0, Stroke::new(1.5, colour), StrokeKind::Outside);
        }
        if response.clicked() {
            desk.send(Command::SetFrame(index));
        }
    }

    /// Asks for the pictures in sight; while the stack plays it has the disk for itself.
    fn want(&mut self, desk: &mut Desk<'_>, seen: Range<usize>) {
        if self.textures.len() > KEPT {
            self.textures.retain(|frame, _| seen.contains(frame));
        }
        let known = &desk.session.frame_pictures;
        let there = |frame: &usize| known.of == self.of && known.pictures.contains_key(frame);
        let missing: Vec<usize> = seen.filter(|frame| !there(frame)).collect();
        let busy = desk.session.is_busy(crate::session::JobKind::FramePictures);
        if !missing.is_empty() && !busy && !desk.player.playing {
            desk.send(Command::WantFramePictures(missing));
        }
    }
}

/// Where to scroll so that a frame stands in the middle.
fn offset_for(frame: usize, room: f32) -> f32 {
    (CELL * (frame as f32 + 0.5) - room / 2.0).max(0.0)
}

/// The frames between two places of the strip.
fn visible(range: egui::Rangef, frames: usize) -> Range<usize> {
    let first = (range.min / CELL).floor().max(0.0) as usize;
    let last = (range.max / CELL).ceil().max(0.0) as usize;
    first.min(frames)..last.min(frames)
}

/// Play, how fast, and what comes after the last frame.
pub(super) fn play_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal(|ui| {
        let text = if desk.player.playing { "Stop" } else { "Play" };
        if toggle(ui, desk.player.playing, text, &Action::PlayFrames.hint(ui.ctx())) {
            desk.act(Action::PlayFrames);
        }
        let speed = DragValue::new(&mut desk.player.frames_per_second).range(0.5..=60.0).speed(0.2);
        let speed = ui.add(speed.fixed_decimals(0).suffix(" / s"));
        speed.on_hover_text("Frames per second, as fast as they can be read");
        let bounces = desk.player.ending == Ending::Bounce;
        let hint = "After the last frame go back to the first the way it came, instead of beginning again";
        if toggle(ui, bounces, "Bounce", hint) {
            desk.player.ending = if bounces { Ending::Loop } else { Ending::Bounce };
        }
        let weak = Palette::of(ui).weak;
        if desk.player.playing && desk.session.is_busy(crate::session::JobKind::Plane) {
            ui.label(small("reading…").color(weak));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frames_in_sight_are_drawn() {
        assert_eq!(visible(egui::Rangef::new(0.0, 200.0), 1000), 0..4);
        assert_eq!(visible(egui::Rangef::new(560.0, 700.0), 1000), 10..13);
        assert_eq!(visible(egui::Rangef::new(560.0, 700.0), 11), 10..11);
        assert_eq!(visible(egui::Rangef::new(900.0, 980.0), 4), 4..4);
    }

    #[test]
    fn the_shown_frame_stands_in_the_middle() {
        assert_eq!(offset_for(0, 200.0), 0.0);
        assert_eq!(offset_for(10, 200.0), CELL * 10.5 - 100.0);
    }
}
