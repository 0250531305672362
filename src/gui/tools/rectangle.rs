//! The rectangle on the source: where it can be held, how it moves, how it looks.
use super::{Held, REACH};
use crate::analysis::{PlaneScale, Region};
use crate::gui::theme::Palette;
use crate::gui::view::{Canvas, Placement, paint_label};
use crate::imaging::format_length;
use eframe::egui::{Color32, Pos2, Rect, Stroke, StrokeKind, vec2};

/// The upper left and the lower right corner.
fn corners(region: Region) -> [[f64; 2]; 2] {
    let (x, y) = (region.x as f64, region.y as f64);
    [[x, y], [x + region.width as f64, y + region.height as f64]]
}

fn on_screen(region: Region, placement: Placement) -> Rect {
    let [low, high] = corners(region).map(|corner| placement.screen_from_source(corner));
    Rect::from_min_max(low, high)
}

pub(super) fn corner_at(region: Region, placement: Placement, pointer: Pos2) -> Option<Held> {
    let [low, high] = corners(region);
    let pairs = [
        (low, high),
        (high, low),
        ([low[0], high[1]], [high[0], low[1]]),
        ([high[0], low[1]], [low[0], high[1]]),
    ];
    let near = |corner: [f64; 2]| placement.screen_from_source(corner).distance(pointer) < REACH;
    pairs.into_iter().find(|(corner, _)| near(*corner)).map(|(_, fixed)| Held::Corner { fixed })
}

/// Edges move all of it; its inside is left to the picture below.
pub(super) fn edge_at(region: Region, placement: Placement, pointer: Pos2) -> Option<Held> {
    let rect = on_screen(region, placement);
    let reach = REACH * 0.6;
    let outer = rect.expand(reach).contains(pointer);
    let inner = rect.width().min(rect.height()) > 2.0 * reach && rect.shrink(reach).contains(pointer);
    (outer && !inner).then(|| Held::Region { from: placement.source_from_screen(pointer), region })
}

/// The rectangle after a drag to `at`, of whole pixels of the picture; `square` makes its sides equal.
pub(super) fn moved(held: Held, at: [f64; 2], square: bool, size: [usize; 2]) -> Option<Region> {
    match held {
        Held::Corner { fixed } => {
            let mut at = at;
            if square {
                let side = (at[0] - fixed[0]).abs().max((at[1] - fixed[1]).abs());
                at = [0, 1].map(|axis| fixed[axis] + side.copysign(at[axis] - fixed[axis]));
            }
            let [across, down] = [0, 1].map(|axis| {
                let most = size[axis] as f64;
                let low = at[axis].min(fixed[axis]).floor().clamp(0.0, (most - 1.0).max(0.0));
                let high = at[axis].max(fixed[axis]).ceil().clamp(low + 1.0, most.max(low + 1.0));
                (low as usize, (high - low) as usize)
            });
            Some(Region { x: across.0, y: down.0, width: across.1, height: down.1 })
        }
        Held::Region { from, region } => {
            let place = |start: usize, length: usize, axis: usize| {
                let most = size[axis].saturating_sub(length) as f64;
                (start as f64 + (at[axis] - from[axis]).round()).clamp(0.0, most) as usize
            };
            let (x, y) = (place(region.x, region.width, 0), place(region.y, region.height, 1));
            Some(Region { x, y, ..region })
        }
        Held::LineEnd { .. } | Held::Line { .. } => None,
    }
}

/// The rectangle, its corners and its size.
pub(super) fn paint(canvas: &Canvas, region: Region, scale: Option<&PlaneScale>, palette: &Palette) {
    let painter = &canvas.painter;
    let rect = on_screen(region, canvas.placement);
    let colour = palette.warning;
    painter.rect_stroke(rect, 0.0, Stroke::new(3.5, Color32::from_black_alpha(110)), StrokeKind::Middle);
    painter.rect(rect, 0.0, colour.gamma_multiply(0.08), Stroke::new(1.5, colour), StrokeKind::Middle);
    for corner in [rect.left_top(), rect.right_top(), rect.left_bottom(), rect.right_bottom()] {
        painter.rect_filled(Rect::from_center_size(corner, vec2(6.0, 6.0)), 1.0, colour);
    }
    paint_label(painter, rect.left_bottom() + vec2(0.0, 6.0), &size_text(region, scale));
}

/// Such as "64 × 48 px, 32 nm × 24 nm".
pub(in crate::gui) fn size_text(region: Region, scale: Option<&PlaneScale>) -> String {
    let (width, height) = (region.width as f64, region.height as f64);
    let px = format!("{width} × {height} px");
    match scale {
        Some(scale) if scale.is_length() => {
            format!("{px}, {} × {}", format_length(width * scale.x), format_length(height * scale.y))
        }
        Some(scale) => format!("{px}, {:.4} × {:.4} {}", width * scale.x, height * scale.y, scale.unit),
        None => px,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    const REGION: Region = Region { x: 10, y: 5, width: 20, height: 10 };

    fn placement() -> Placement {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(100.0, 100.0));
        Placement { rect, centre: [25.0, 25.0], zoom: 2.0 }
    }

    #[test]
    fn corners_and_edges_are_held_where_they_are_seen() {
        let corner = |x, y| corner_at(REGION, placement(), pos2(x, y));
        assert_eq!(corner(21.0, 9.0), Some(Held::Corner { fixed: [30.0, 15.0] }));
        assert_eq!(corner(60.0, 11.0), Some(Held::Corner { fixed: [10.0, 15.0] }));
        assert_eq!(corner(40.0, 20.0), None);
        assert!(edge_at(REGION, placement(), pos2(40.0, 9.0)).is_some());
        assert_eq!(edge_at(REGION, placement(), pos2(40.0, 20.0)), None, "the inside is the picture's");
    }

    #[test]
    fn a_rectangle_is_of_whole_pixels_of_the_picture() {
        let size = [50, 40];
        let drawn = moved(Held::Corner { fixed: [3.7, 9.2] }, [1.2, 99.0], false, size);
        assert_eq!(drawn, Some(Region { x: 1, y: 9, width: 3, height: 31 }));
        let square = moved(Held::Corner { fixed: [4.0, 4.0] }, [10.0, 6.0], true, size);
        assert_eq!(square, Some(Region { x: 4, y: 4, width: 6, height: 6 }));
        let outside = moved(Held::Corner { fixed: [70.0, -9.0] }, [80.0, -20.0], false, size);
        assert_eq!(outside, Some(Region { x: 49, y: 0, width: 1, height: 1 }));
        let held = Held::Region { from: [0.0, 0.0], region: REGION };
        assert_eq!(moved(held, [-3.4, 90.0], false, size), Some(Region { x: 7, y: 30, ..REGION }));
    }

    #[test]
    fn sizes_are_said_in_the_units_that_there_are() {
        let scale = |unit: &str| PlaneScale { x: 0.5, y: 2.0, unit: unit.to_owned(), source: String::new() };
        assert_eq!(size_text(REGION, None), "20 × 10 px");
        assert_eq!(size_text(REGION, Some(&scale("nm"))), "20 × 10 px, 10 nm × 20 nm");
        assert_eq!(size_text(REGION, Some(&scale("1/nm"))), "20 × 10 px, 10.0000 × 20.0000 1/nm");
    }
}
