//! What stands on a picture: scale bar, boxes and the cursor.

use super::page::{Anchor, Area, Item, Words};
use super::panel::Mark;
use super::type_face::width_of;
use crate::imaging::{PixelSize, ScaleBar};

/// Share of a picture's width that a scale bar takes at most.
const LONGEST: f64 = 0.3;
/// Lines on pictures, in mm.
const LINE: f64 = 0.3;
const CURSOR: [u8; 3] = [79, 195, 208];

/// A picture's area on the page, and what it shows of the source (left, top, width, height in px).
pub(super) type Spot = (Area, [f64; 4]);

/// A rectangle of the source on the page.
fn on_page((area, window): &Spot, [left, top, width, height]: [f64; 4]) -> Area {
    let (across, down) = (area.width / window[2], area.height / window[3]);
    Area::new(
        area.left + (left - window[0]) * across,
        area.top + (top - window[1]) * down,
        width * across,
        height * down,
    )
}

/// Fills what of an area lies on the picture.
fn fill(items: &mut Vec<Item>, picture: &Area, area: Area, (colour, opacity): ([u8; 3], f64)) {
    items.extend(area.within(picture).map(|area| Item::Fill { area, colour, opacity }));
}

/// A frame of the area, `width` thick, about its edge.
fn outline(items: &mut Vec<Item>, picture: &Area, area: Area, width: f64, ink: ([u8; 3], f64)) {
    let (half, Area { left, top, .. }) = (width / 2.0, area);
    let (long, tall) = (area.width + width, area.height - width);
    for edge in [
        Area::new(left - half, top - half, long, width),
        Area::new(left - half, area.bottom() - half, long, width),
        Area::new(left - half, top + half, width, tall),
        Area::new(area.right() - half, top + half, width, tall),
    ] {
        fill(items, picture, edge, ink);
    }
}

/// White words on a dark ground, as far as they fit into the picture.
fn chip(items: &mut Vec<Item>, picture: &Area, [left, top]: [f64; 2], text: &str, size: f64) {
    let (width, height) = (width_of(text, size, false) + size * 0.8, size * 1.35);
    if width > picture.width || height > picture.height {
        return;
    }
    let left = left.clamp(picture.left, picture.right() - width);
    let top = top.clamp(picture.top, picture.bottom() - height);
    fill(items, picture, Area::new(left, top, width, height), ([0; 3], 0.6));
    items.push(Item::Words(Words {
        text: text.to_owned(),
        at: [left + size * 0.4, top + size * 1.02],
        anchor: Anchor::Start,
        size,
        bold: false,
        colour: [255; 3],
    }));
}

/// A box on the source with its words.
pub(super) fn paint_mark(items: &mut Vec<Item>, spot: Spot, mark: &Mark, size: f64) {
    let area = on_page(&spot, mark.area);
    let Some(seen) = area.within(&spot.0) else { return };
    outline(items, &spot.0, area, LINE * 2.2, ([0; 3], 0.35));
    outline(items, &spot.0, area, LINE, (mark.colour, 1.0));
    if mark.label.is_empty() {
        return;
    }
    let size = size * 0.85;
    let top = if mark.above { seen.top - size * 1.6 } else { seen.bottom() + size * 0.25 };
    chip(items, &spot.0, [seen.left, top], &mark.label, size);
}

/// Hair lines through a place `[y, x]` of the source.
pub(super) fn paint_cursor(items: &mut Vec<Item>, spot: Spot, [y, x]: [f64; 2]) {
    let picture = spot.0;
    let at = on_page(&spot, [x, y, 0.0, 0.0]);
    if at.left < picture.left
        || at.left > picture.right()
        || at.top < picture.top
        || at.top > picture.bottom()
    {
        return;
    }
    let gap = LINE * 3.0;
    for (width, ink) in [(LINE * 1.8, ([0; 3], 0.3)), (LINE * 0.8, (CURSOR, 1.0))] {
        let half = width / 2.0;
        for line in [
            Area::new(picture.left, at.top - half, at.left - gap - picture.left, width),
            Area::new(at.left + gap, at.top - half, picture.right() - at.left - gap, width),
            Area::new(at.left - half, picture.top, width, at.top - gap - picture.top),
            Area::new(at.left - half, at.top + gap, width, picture.bottom() - at.top - gap),
        ] {
            fill(items, &picture, line, ink);
        }
    }
}

/// A bar of a round length at the lower left, where it fits.
pub(super) fn paint_scale_bar(items: &mut Vec<Item>, (area, window): Spot, pixel: &PixelSize, size: f64) {
    let Some(bar) = ScaleBar::fitting(pixel.x_nm, window[2] * LONGEST) else { return };
    let length = bar.length_px * area.width / window[2];
    let (pad, thick) = (size * 0.4, size * 0.22);
    let width = length.max(width_of(&bar.label, size, true)) + 2.0 * pad;
    let height = size * 1.0 + thick + 2.0 * pad;
    let margin = size * 0.5;
    if width + 2.0 * margin > area.width || height + 2.0 * margin > area.height {
        return;
    }
    let back = Area::new(area.left + margin, area.bottom() - margin - height, width, height);
    items.push(Item::Fill { area: back, colour: [0; 3], opacity: 0.6 });
    let middle = back.left + width / 2.0;
    let rule = Area::new(middle - length / 2.0, back.bottom() - pad - thick, length, thick);
    items.push(Item::Fill { area: rule, colour: [255; 3], opacity: 1.0 });
    items.push(Item::Words(Words {
        text: bar.label,
        at: [middle, rule.top - size * 0.3],
        anchor: Anchor::Middle,
        size,
        bold: true,
        colour: [255; 3],
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fills(items: &[Item]) -> Vec<Area> {
        let area = |item: &Item| match item {
            Item::Fill { area, .. } => Some(*area),
            _ => None,
        };
        items.iter().filter_map(area).collect()
    }

    #[test]
    fn a_scale_bar_is_as_long_as_it_says() {
        // 400 px of 2.5 nm on 50 mm: at most 120 px or 300 nm, so 200 nm, which are 80 px or 10 mm.
        let pixel = PixelSize { x_nm: 2.5, y_nm: 2.5, source: String::new() };
        let mut items = Vec::new();
        let area = Area::new(3.0, 5.0, 50.0, 40.0);
        paint_scale_bar(&mut items, (area, [100.0, 0.0, 400.0, 320.0]), &pixel, 2.5);
        let rule = fills(&items)[1];
        assert!((rule.width - 10.0).abs() < 1e-9 && rule.height > 0.3, "{rule:?}");
        assert!(rule.left > 3.0 && rule.bottom() < 45.0);
        assert!(matches!(&items[2], Item::Words(words) if words.text == "200 nm"), "{items:?}");
        // Half of the picture cropped away: 200 px on 50 mm, at most 150 nm, so 100 nm: 40 px, 10 mm.
        let mut items = Vec::new();
        paint_scale_bar(&mut items, (area, [0.0, 0.0, 200.0, 160.0]), &pixel, 2.5);
        assert!((fills(&items)[1].width - 10.0).abs() < 1e-9);
        let mut none = Vec::new();
        paint_scale_bar(&mut none, (Area::new(0.0, 0.0, 5.0, 2.0), [0.0, 0.0, 400.0, 160.0]), &pixel, 2.5);
        assert!(none.is_empty(), "there is no room");
    }

    #[test]
    fn marks_end_where_the_picture_does() {
        let area = Area::new(10.0, 10.0, 20.0, 20.0);
        let spot = (area, [0.0, 0.0, 40.0, 40.0]);
        let mut items = Vec::new();
        let mark =
            Mark { area: [-10.0, 8.0, 20.0, 4.0], colour: [9; 3], label: "sees".to_owned(), above: true };
        paint_mark(&mut items, spot, &mark, 2.0);
        for fill in fills(&items) {
            assert!(fill.left >= 10.0 && fill.right() <= 30.0 && fill.top >= 10.0, "{fill:?}");
        }
        // The right edge of the box is at 10 of 40 px: 15 mm.
        assert!(fills(&items).iter().any(|fill| (fill.right() - 15.0 - LINE / 2.0).abs() < 1e-9));
        let mut items = Vec::new();
        paint_mark(&mut items, spot, &Mark { area: [50.0, 0.0, 4.0, 4.0], ..mark }, 2.0);
        paint_cursor(&mut items, spot, [41.0, 3.0]);
        assert!(items.is_empty());
        paint_cursor(&mut items, spot, [20.0, 10.0]);
        let lines = fills(&items);
        assert_eq!(lines.len(), 8);
        assert!(lines.iter().all(|line| line.left >= 10.0 && line.right() <= 30.0));
    }
}
