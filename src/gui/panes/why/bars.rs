//! What each microscope channel is worth, as bars by name.
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::imaging::Colormap;
use crate::inspect::{Attribution, ChannelEffect};
use eframe::egui::{Align2, Color32, FontId, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Height of a channel's line.
const LINE: f32 = 22.0;
/// Width of names and numbers.
const NAME: f32 = 90.0;
const NUMBER: f32 = 64.0;

/// A bar a channel, from the middle to the left where the class loses without it.
pub(super) fn bars_ui(ui: &mut Ui, found: &Attribution) {
    let palette = Palette::of(ui);
    ui.label(small("Change of the logit without the channel").color(palette.weak));
    let most = found.channels.iter().map(|effect| effect.logit.abs()).fold(0.0, f64::max);
    for effect in &found.channels {
        let width = ui.available_width();
        let (rect, response) = ui.allocate_exact_size(vec2(width, LINE), Sense::hover());
        let spoken = words(effect);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        response.on_hover_text(spoken.clone());
        let font = FontId::proportional(11.5);
        let painter = ui.painter_at(rect);
        let at = pos2(rect.left() + 4.0, rect.center().y);
        painter.text(at, Align2::LEFT_CENTER, &effect.name, font.clone(), palette.text);
        let at = pos2(rect.right() - 4.0, rect.center().y);
        painter.text(at, Align2::RIGHT_CENTER, format::value(effect.logit), font, palette.text);
        let track = Rect::from_min_max(
            pos2(rect.left() + NAME, rect.top() + 5.0),
            pos2((rect.right() - NUMBER).max(rect.left() + NAME + 20.0), rect.bottom() - 5.0),
        );
        painter.rect_filled(track, 3.0, palette.control);
        let part = if most > 0.0 { (effect.logit / most) as f32 } else { 0.0 };
        let end = track.center().x + part * track.width() / 2.0;
        let bar = Rect::from_two_pos(pos2(track.center().x, track.top()), pos2(end, track.bottom()));
        let [r, g, b] = Colormap::Signed.rgb(if part < 0.0 { 0.8 } else { 0.2 });
        painter.rect_filled(bar, 2.0, Color32::from_rgb(r, g, b));
        painter.vline(track.center().x, track.y_range(), Stroke::new(1.0, palette.weak));
    }
}

/// All numbers of a channel.
fn words(effect: &ChannelEffect) -> String {
    let change = |name: &str, value: Option<f64>| {
        value.map(|value| format!(", {name} {}", format::value(value))).unwrap_or_default()
    };
    format!(
        "Without {}: logit {}{}{}",
        effect.name,
        format::value(effect.logit),
        change("mean probability", effect.probability),
        change("IoU", effect.iou)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Score;

    #[test]
    fn a_channel_s_numbers_are_told_in_words() {
        let score = Score { places: 4, logit: 1.0, probability: Some(0.5) };
        let effect = ChannelEffect {
            channel: 0,
            name: "Al".into(),
            score,
            logit: -1.5,
            probability: Some(-0.25),
            iou: None,
        };
        assert_eq!(words(&effect), "Without Al: logit −1.500, mean probability −0.250");
    }
}
