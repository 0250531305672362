//! What is drawn over images: linked cursor, scale bar, receptive field, small badges.
use super::Placement;
use crate::gui::ruler::box_words;
use crate::gui::theme::{Palette, strong_family};
use crate::imaging::{PixelSize, ScaleBar};
use eframe::egui::{Align2, Color32, FontId, Painter, Rect, Stroke, StrokeKind, pos2, vec2};
use std::ops::Range;

/// Behind text and lines on images, so that they read on any grey.
const SHADE: Color32 = Color32::from_black_alpha(150);
const INK: Color32 = Color32::WHITE;

/// Hair lines through the linked position and, when magnified, the frame of its pixel.
pub(in crate::gui) fn paint_cursor(
    painter: &Painter,
    placement: Placement,
    source: [f64; 2],
    colour: Color32,
) {
    let at = placement.screen_from_source(source);
    let gap = 7.0;
    let rect = placement.rect;
    for (stroke, alpha) in
        [(Stroke::new(2.5, Color32::from_black_alpha(60)), 1.0), (Stroke::new(1.0, colour), 0.55)]
    {
        let stroke = Stroke::new(stroke.width, stroke.color.gamma_multiply(alpha));
        painter.hline(rect.left()..=at.x - gap, at.y, stroke);
        painter.hline(at.x + gap..=rect.right(), at.y, stroke);
        painter.vline(at.x, rect.top()..=at.y - gap, stroke);
        painter.vline(at.x, at.y + gap..=rect.bottom(), stroke);
    }
    if placement.zoom >= 6.0 {
        let pixel = placement.screen_rect([source[0].floor(), source[1].floor(), 1.0, 1.0]);
        painter.rect_stroke(pixel, 0.0, Stroke::new(1.5, colour), StrokeKind::Outside);
    } else {
        painter.circle_filled(at, 1.6, colour);
    }
}

/// A bar of a round length at the lower left, or the word "uncalibrated".
pub(in crate::gui) fn paint_scale_bar(painter: &Painter, placement: Placement, pixel: Option<&PixelSize>) {
    let corner = placement.rect.left_bottom() + vec2(12.0, -12.0);
    let font = FontId::new(12.0, strong_family());
    let bar = pixel.and_then(|pixel| {
        let longest = (f64::from(placement.rect.width()) * 0.3).min(180.0) / placement.zoom;
        ScaleBar::fitting(pixel.x_nm, longest)
    });
    let Some(bar) = bar else {
        chip(painter, corner, Align2::LEFT_BOTTOM, "uncalibrated", FontId::proportional(11.0));
        return;
    };
    let length = (bar.length_px * placement.zoom) as f32;
    let galley = painter.layout_no_wrap(bar.label, font, INK);
    let width = length.max(galley.size().x);
    let back = Rect::from_min_max(corner - vec2(0.0, 30.0), corner + vec2(width + 16.0, 0.0));
    painter.rect_filled(back, 4.0, SHADE);
    let text_at = pos2(back.center().x - galley.size().x / 2.0, back.top() + 3.0);
    painter.galley(text_at, galley, INK);
    let rule = Rect::from_center_size(pos2(back.center().x, back.bottom() - 6.5), vec2(length, 3.0));
    painter.rect_filled(rule, 0.0, INK);
}

/// Source rectangle (`left, top, width, height`) of network input rows and columns; `per_input` source pixels per
/// network input pixel `[y, x]`.
pub(in crate::gui) fn receptive_box([rows, columns]: [Range<i64>; 2], per_input: [f64; 2]) -> [f64; 4] {
    let length = |range: &Range<i64>| (range.end - range.start) as f64;
    let (left, top) = (columns.start as f64 * per_input[1], rows.start as f64 * per_input[0]);
    [left, top, length(&columns) * per_input[1], length(&rows) * per_input[0]]
}

/// The same where a feature sees all of a `[width, height]` image.
pub(in crate::gui) fn whole_image_box(size: [usize; 2]) -> [f64; 4] {
    [0.0, 0.0, size[0] as f64, size[1] as f64]
}

/// A box on the source with a few words at its upper or lower edge.
#[derive(Debug, Clone, Copy)]
pub(in crate::gui) struct Mark<'a> {
    /// Left, top, width and height in source pixels.
    pub(in crate::gui) source: [f64; 4],
    pub(in crate::gui) colour: Color32,
    pub(in crate::gui) text: &'a str,
    pub(in crate::gui) above: bool,
}

/// The box and its words, which never leave the pane.
pub(in crate::gui) fn paint_mark(painter: &Painter, placement: Placement, mark: Mark<'_>) {
    let rect = placement.screen_rect(mark.source);
    painter.rect_stroke(rect, 2.0, Stroke::new(3.5, Color32::from_black_alpha(90)), StrokeKind::Middle);
    painter.rect_stroke(rect, 2.0, Stroke::new(1.5, mark.colour), StrokeKind::Middle);
    let seen = rect.intersect(placement.rect);
    if !seen.is_positive() && mark.source[2] > 0.0 {
        return;
    }
    let font = FontId::proportional(11.0);
    let size = painter.layout_no_wrap(mark.text.to_owned(), font.clone(), INK).size() + vec2(12.0, 6.0);
    // Outside the box where there is room, else inside it.
    let pane = placement.rect;
    let top = if mark.above {
        let above = seen.top() - size.y - 4.0;
        if above > pane.top() { above } else { seen.top() + 4.0 }
    } else {
        let below = seen.bottom() + 4.0;
        if below + size.y < pane.bottom() { below } else { seen.bottom() - size.y - 4.0 }
    };
    let right = pane.right() - size.x - 4.0;
    let left = seen.left().min(right).max(pane.left() + 4.0);
    chip(painter, pos2(left, top), Align2::LEFT_TOP, mark.text, font);
}

/// The box and its size in px, and in nm when calibrated.
pub(in crate::gui) fn paint_receptive_field(
    painter: &Painter,
    placement: Placement,
    field: [f64; 4],
    pixel: Option<&PixelSize>,
    palette: &Palette,
) {
    let rect = placement.screen_rect(field);
    let colour = palette.sections[2];
    painter.rect_filled(rect, 2.0, colour.gamma_multiply(0.10));
    let text = format!("sees {}", box_words([field[2], field[3]], pixel));
    paint_mark(painter, placement, Mark { source: field, colour, text: &text, above: true });
}

/// A line of text at the upper left of a pane.
pub(in crate::gui) fn paint_badge(painter: &Painter, placement: Placement, text: &str) {
    let at = placement.rect.left_top() + vec2(8.0, 8.0);
    chip(painter, at, Align2::LEFT_TOP, text, FontId::proportional(11.0));
}

/// A line of text whose upper left corner is at a place.
pub(in crate::gui) fn paint_label(painter: &Painter, at: eframe::egui::Pos2, text: &str) {
    chip(painter, at, Align2::LEFT_TOP, text, FontId::proportional(11.0));
}

fn chip(painter: &Painter, at: eframe::egui::Pos2, align: Align2, text: &str, font: FontId) {
    let galley = painter.layout_no_wrap(text.to_owned(), font, INK);
    let rect = align.anchor_size(at, galley.size() + vec2(12.0, 6.0));
    painter.rect_filled(rect, 4.0, SHADE);
    painter.galley(rect.min + vec2(6.0, 3.0), galley, INK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receptive_box_is_in_source_pixels() {
        assert_eq!(receptive_box([5..10, 2..9], [1.0, 1.0]), [2.0, 5.0, 7.0, 5.0]);
        assert_eq!(receptive_box([-2..8, -1..6], [2.0, 0.5]), [-0.5, -4.0, 3.5, 20.0]);
    }
}
