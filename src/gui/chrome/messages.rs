//! Messages at the lower right: news goes by itself, warnings and errors stay until dismissed.
use crate::gui::desk::Desk;
use crate::gui::theme::Palette;
use crate::gui::widgets::cross;
use crate::session::{Command, Severity};
use eframe::egui::{
    self, Align2, Area, CornerRadius, Frame, Id, Label, Margin, Order, Rect, Stroke, Ui, vec2,
};
use std::collections::BTreeMap;

/// Seconds that news stays.
const NEWS: f64 = 6.0;
const WIDTH: f32 = 340.0;
/// More than these are counted, not shown.
const SHOWN: usize = 5;

/// When each message was first seen.
#[derive(Default)]
pub(in crate::gui) struct Messages {
    since: BTreeMap<u64, f64>,
}

impl Messages {
    /// Draws the newest messages above the status line.
    pub(in crate::gui) fn ui(&mut self, ctx: &egui::Context, desk: &mut Desk<'_>) {
        let now = ctx.input(|input| input.time);
        let messages = &desk.session.messages;
        self.since.retain(|id, _| messages.iter().any(|message| message.id == *id));
        for message in messages {
            let since = *self.since.entry(message.id).or_insert(now);
            if message.severity == Severity::Info {
                let left = NEWS - (now - since);
                if left <= 0.0 {
                    desk.tray.commands.push(Command::DismissMessage(message.id));
                } else {
                    ctx.request_repaint_after_secs(left as f32);
                }
            }
        }
        if messages.is_empty() {
            return;
        }
        let area = Area::new(Id::unique("messages")).order(Order::Foreground).interactable(true);
        area.anchor(Align2::RIGHT_BOTTOM, vec2(-12.0, -38.0)).show(ctx, |ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 6.0;
            let hidden = messages.len().saturating_sub(SHOWN);
            if hidden > 0 {
                ui.label(format!("{hidden} earlier"));
            }
            for message in &messages[hidden..] {
                if message_ui(ui, message.severity, &message.text) {
                    desk.tray.commands.push(Command::DismissMessage(message.id));
                }
            }
        });
    }
}

/// True when it was dismissed.
fn message_ui(ui: &mut Ui, severity: Severity, text: &str) -> bool {
    let palette = Palette::of(ui);
    let colour = match severity {
        Severity::Info => palette.accent,
        Severity::Warning => palette.warning,
        Severity::Error => palette.error,
    };
    let frame = Frame::popup(ui.style())
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(7))
        .inner_margin(Margin { left: 14, right: 8, top: 8, bottom: 8 });
    let mut dismissed = false;
    let shown = frame.show(ui, |ui| {
        ui.horizontal_top(|ui| {
            let width = WIDTH - 56.0;
            ui.allocate_ui(vec2(width, 0.0), |ui| {
                ui.set_width(width);
                ui.add(Label::new(text).wrap().selectable(true));
            });
            dismissed = cross(ui, "Dismiss").clicked();
        });
    });
    let rect = shown.response.rect;
    let bar = Rect::from_min_size(rect.min + vec2(5.0, 7.0), vec2(3.0, rect.height() - 14.0));
    ui.painter().rect_filled(bar, 1.5, colour);
    dismissed
}
