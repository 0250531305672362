//! A small matrix as coloured squares with their numbers.
use crate::gui::theme::Palette;
use crate::imaging::{Colormap, Contrast};
use eframe::egui::{Align2, Color32, FontId, Painter, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use ndarray::Array2;

/// Side of a square with a number, and of one without; larger kernels have the latter.
const NUMBERED: f32 = 34.0;
const PLAIN: f32 = 9.0;
/// Most rows or columns that get numbers.
const MOST: usize = 5;

/// Values, where there are any, and what their colours mean.
pub(super) struct Matrix<'a> {
    pub(super) values: &'a Array2<f32>,
    pub(super) there: &'a Array2<bool>,
    pub(super) colours: Colormap,
    /// Values of the first and the last colour.
    pub(super) ends: [f32; 2],
}

/// Squares with numbers where they are few, else without; the value under the pointer is told.
pub(super) fn matrix_ui(ui: &mut Ui, matrix: &Matrix<'_>, about: &str) {
    let (rows, columns) = matrix.values.dim();
    squares_ui(ui, matrix, side(rows, columns), about);
}

/// Side of a square of a matrix.
pub(super) fn side(rows: usize, columns: usize) -> f32 {
    if rows.max(columns) <= MOST { NUMBERED } else { PLAIN }
}

/// Squares without numbers.
pub(super) fn picture_ui(ui: &mut Ui, matrix: &Matrix<'_>, about: &str) {
    squares_ui(ui, matrix, PLAIN, about);
}

fn squares_ui(ui: &mut Ui, matrix: &Matrix<'_>, side: f32, about: &str) {
    let (rows, columns) = matrix.values.dim();
    let (rect, response) =
        ui.allocate_exact_size(vec2(side * columns as f32, side * rows as f32), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, about));
    let (palette, painter) = (Palette::of(ui), ui.painter_at(rect));
    let contrast = Contrast { low: matrix.ends[0], high: matrix.ends[1] };
    for ((y, x), value) in matrix.values.indexed_iter() {
        let corner = rect.min + vec2(x as f32 * side, y as f32 * side);
        let square = Rect::from_min_size(corner, vec2(side, side)).shrink(0.5);
        if matrix.there.get((y, x)) != Some(&true) {
            painter.rect_filled(square, 1.0, palette.control);
            painter.line_segment([square.left_bottom(), square.right_top()], Stroke::new(1.0, palette.line));
            continue;
        }
        let [r, g, b] =
            matrix.colours.rgb(if contrast.high > contrast.low { contrast.unit(*value) } else { 0.5 });
        painter.rect_filled(square, 1.0, Color32::from_rgb(r, g, b));
        if side >= NUMBERED {
            number(&painter, square, *value, [r, g, b]);
        }
    }
    let under = response.hover_pos().and_then(|pointer| {
        let at = (pointer - rect.min) / side;
        matrix.values.get((at.y as usize, at.x as usize))
    });
    response.on_hover_text(under.map_or_else(|| about.to_owned(), |value| format!("{value:.6}\n{about}")));
}

/// In black or white, whichever is read better on the square.
fn number(painter: &Painter, square: Rect, value: f32, [r, g, b]: [u8; 3]) {
    let light = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
    let ink = if light > 140.0 { Color32::BLACK } else { Color32::WHITE };
    let at = pos2(square.center().x, square.center().y);
    painter.text(at, Align2::CENTER_CENTER, short(value), FontId::proportional(9.5), ink);
}

/// Three digits, so that it fits into a square.
fn short(value: f32) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => "0".to_owned(),
        s if !s.is_finite() => "–".to_owned(),
        s if !(0.001..1000.0).contains(&s) => format!("{value:.0e}"),
        s if s >= 100.0 => format!("{value:.0}"),
        s if s >= 10.0 => format!("{value:.1}"),
        s if s < 0.1 => format!("{value:.3}"),
        _ => format!("{value:.2}"),
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_into_a_square() {
        let cases = [
            (0.0, "0"),
            (-0.123_4, "−0.12"),
            (0.012_3, "0.012"),
            (12.34, "12.3"),
            (-123.4, "−123"),
            (4321.0, "4e3"),
            (0.000_12, "1e−4"),
            (f32::NAN, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}
