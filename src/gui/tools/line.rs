//! The line on the source: where it can be held, how it moves, how it looks.
//!
//! On the screen pixel (0, 0) covers 0..1; a line's whole numbers are the middle of pixels.
use super::{Held, REACH};
use crate::analysis::{Line, PlaneScale};
use crate::gui::theme::Palette;
use crate::gui::view::{Canvas, Placement, paint_label};
use crate::imaging::format_length;
use eframe::egui::{Color32, Pos2, Stroke, vec2};

pub(super) fn from_view([x, y]: [f64; 2]) -> [f64; 2] {
    [x - 0.5, y - 0.5]
}

fn on_screen(placement: Placement, [x, y]: [f64; 2]) -> Pos2 {
    placement.screen_from_source([x + 0.5, y + 0.5])
}

pub(super) fn end_at(line: Line, placement: Placement, pointer: Pos2) -> Option<Held> {
    let near = |end: [f64; 2]| on_screen(placement, end).distance(pointer) < REACH;
    let fixed = if near(line.to) { line.from } else { line.to };
    (near(line.to) || near(line.from)).then_some(Held::LineEnd { fixed })
}

pub(super) fn body_at(line: Line, placement: Placement, pointer: Pos2) -> Option<Held> {
    let (from, to) = (on_screen(placement, line.from), on_screen(placement, line.to));
    let along = to - from;
    let share = ((pointer - from).dot(along) / along.length_sq().max(1e-6)).clamp(0.0, 1.0);
    let near = (from + along * share).distance(pointer) < REACH * 0.75;
    near.then(|| Held::Line { from: placement.source_from_screen(pointer), line })
}

/// The line after a drag to `at`, kept in the picture; `straight` turns it to the nearest eighth of a turn.
pub(super) fn moved(
    held: Held,
    at: [f64; 2],
    straight: bool,
    width: usize,
    size: [usize; 2],
) -> Option<Line> {
    let most = size.map(|side| side as f64 - 0.5);
    match held {
        Held::LineEnd { fixed } => {
            let mut to = from_view(at);
            if straight {
                to = turned(fixed, to);
            }
            Some(Line { from: fixed, to: [0, 1].map(|axis| to[axis].clamp(-0.5, most[axis])), width })
        }
        Held::Line { from, line } => {
            let by = [0, 1].map(|axis| {
                let (low, high) = (line.from[axis].min(line.to[axis]), line.from[axis].max(line.to[axis]));
                (at[axis] - from[axis]).min(most[axis] - high).max(-0.5 - low)
            });
            let shift = |end: [f64; 2]| [end[0] + by[0], end[1] + by[1]];
            Some(Line { from: shift(line.from), to: shift(line.to), width })
        }
        Held::Corner { .. } | Held::Region { .. } => None,
    }
}

/// The end of a line of about the same length in the nearest of eight directions.
fn turned(from: [f64; 2], to: [f64; 2]) -> [f64; 2] {
    let (x, y) = (to[0] - from[0], to[1] - from[1]);
    let step = std::f64::consts::FRAC_PI_4;
    let angle = (y.atan2(x) / step).round() * step;
    let length = x * angle.cos() + y * angle.sin();
    [from[0] + length * angle.cos(), from[1] + length * angle.sin()]
}

/// The line, its width, its ends and its length.
pub(super) fn paint(canvas: &Canvas, line: Line, scale: Option<&PlaneScale>, palette: &Palette) {
    let painter = &canvas.painter;
    let (from, to) = (on_screen(canvas.placement, line.from), on_screen(canvas.placement, line.to));
    let colour = palette.accent;
    let dark = Stroke::new(3.5, Color32::from_black_alpha(110));
    if line.width > 1 {
        let half = line.width as f32 / 2.0 * canvas.placement.zoom as f32;
        let across = (to - from).normalized().rot90() * half;
        let band = vec![from + across, to + across, to - across, from - across];
        let edge = Stroke::new(1.0, colour.gamma_multiply(0.7));
        painter.add(eframe::egui::Shape::convex_polygon(band, colour.gamma_multiply(0.12), edge));
    }
    painter.line_segment([from, to], dark);
    painter.line_segment([from, to], Stroke::new(1.5, colour));
    for (end, filled) in [(from, false), (to, true)] {
        painter.circle_filled(end, 5.0, Color32::from_black_alpha(110));
        painter.circle(end, 3.5, if filled { colour } else { Color32::BLACK }, Stroke::new(1.5, colour));
    }
    let beside = if to.x >= from.x { vec2(10.0, 6.0) } else { vec2(10.0, -24.0) };
    paint_label(painter, to + beside, &length_text(line, scale));
}

/// Such as "183.5 px, 91.7 nm".
pub(in crate::gui) fn length_text(line: Line, scale: Option<&PlaneScale>) -> String {
    let px = format!("{:.1} px", line.length_px());
    let vector = [line.to[0] - line.from[0], line.to[1] - line.from[1]];
    match scale {
        Some(scale) if scale.is_length() => format!("{px}, {}", format_length(scale.distance(vector))),
        Some(scale) => format!("{px}, {:.4} {}", scale.distance(vector), scale.unit),
        None => px,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Rect, pos2};

    fn placement() -> Placement {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(100.0, 100.0));
        // Two points a pixel; source (0, 0) at the pane's corner.
        Placement { rect, centre: [25.0, 25.0], zoom: 2.0 }
    }

    const LINE: Line = Line { from: [9.5, 9.5], to: [29.5, 9.5], width: 3 };

    #[test]
    fn ends_and_body_are_held_where_they_are_seen() {
        assert_eq!(end_at(LINE, placement(), pos2(61.0, 19.0)), Some(Held::LineEnd { fixed: [9.5, 9.5] }));
        assert_eq!(end_at(LINE, placement(), pos2(20.0, 21.0)), Some(Held::LineEnd { fixed: [29.5, 9.5] }));
        assert_eq!(end_at(LINE, placement(), pos2(40.0, 20.0)), None);
        assert!(body_at(LINE, placement(), pos2(40.0, 24.0)).is_some());
        assert_eq!(body_at(LINE, placement(), pos2(40.0, 30.0)), None);
    }

    #[test]
    fn a_moved_line_stays_in_the_picture_and_keeps_its_length() {
        let size = [50, 40];
        let end = moved(Held::LineEnd { fixed: [1.0, 2.0] }, [99.0, 10.5], false, 3, size).unwrap();
        assert_eq!((end.from, end.to, end.width), ([1.0, 2.0], [49.5, 10.0], 3));
        let held = Held::Line { from: [20.0, 10.0], line: LINE };
        let body = moved(held, [15.0, -70.0], false, 3, size).unwrap();
        assert_eq!((body.from, body.to), ([4.5, -0.5], [24.5, -0.5]));
    }

    #[test]
    fn shift_turns_a_line_to_an_eighth_of_a_turn() {
        let to = turned([0.0, 0.0], [10.0, 1.0]);
        assert!((to[0] - 10.0).abs() < 1e-9 && to[1].abs() < 1e-9, "{to:?}");
        let to = turned([1.0, 1.0], [5.0, 4.0]);
        assert!((to[0] - to[1]).abs() < 1e-9 && (to[0] - 4.5).abs() < 1e-9, "{to:?}");
    }

    #[test]
    fn lengths_are_said_in_the_units_that_there_are() {
        let scale = |unit: &str| PlaneScale { x: 2.5, y: 1.0, unit: unit.to_owned(), source: String::new() };
        assert_eq!(length_text(LINE, None), "20.0 px");
        assert_eq!(length_text(LINE, Some(&scale("nm"))), "20.0 px, 50 nm");
        assert_eq!(length_text(LINE, Some(&scale("1/nm"))), "20.0 px, 50.0000 1/nm");
    }
}
