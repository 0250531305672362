//! Rows that are no specimen, hatched.
use super::Placement;
use eframe::egui::{Color32, Painter, Rect, Stroke, pos2};

/// Between two lines, in points.
const STEP: f32 = 9.0;

/// Hatches the rows of a `[width, height]` picture from `from` down.
pub(in crate::gui) fn paint_hatch(
    painter: &Painter,
    placement: Placement,
    [width, height]: [usize; 2],
    from: usize,
    colour: Color32,
) {
    let rect = below(placement, [width, height], from);
    let seen = rect.intersect(placement.rect);
    if from >= height || !seen.is_positive() {
        return;
    }
    let painter = painter.with_clip_rect(seen.intersect(painter.clip_rect()));
    painter.rect_filled(seen, 0.0, Color32::from_black_alpha(60));
    let stroke = Stroke::new(1.0, colour.gamma_multiply(0.45));
    // Anchored to the picture, so that the lines move with it.
    let tall = seen.height();
    let first = rect.left() + ((seen.left() - tall - rect.left()) / STEP).floor() * STEP;
    let count = ((seen.right() - first) / STEP).ceil().clamp(0.0, 4000.0) as usize;
    for line in 0..=count {
        let x = first + line as f32 * STEP;
        painter.line_segment([pos2(x, seen.bottom()), pos2(x + tall, seen.top())], stroke);
    }
    painter.hline(seen.x_range(), rect.top(), Stroke::new(1.5, colour));
}

/// The rows from `from` down, on the screen.
pub(in crate::gui) fn below(placement: Placement, [width, height]: [usize; 2], from: usize) -> Rect {
    placement.screen_rect([0.0, from as f64, width as f64, height.saturating_sub(from) as f64])
}
