//! A page as pixels: pictures by the mean of what falls on a pixel, or repeated where they are enlarged.

use super::page::{Anchor, Area, Item, Page, Picture, Words};
use super::type_face::{outlines, width_of};
use rayon::prelude::*;
use tiny_skia::{Color, FillRule, Paint, Pixmap, Rect, Transform};

/// Longest side of a PNG, so that its size stays a number of 32 bits.
const LONGEST: f64 = 60_000.0;

/// `[width, height]` of a page of this size in px; `None` where it is too large to be drawn, or nothing.
pub(super) fn size_px(width_mm: f64, height_mm: f64, dpi: f64) -> Option<[usize; 2]> {
    let px = [width_mm, height_mm].map(|length| (length / 25.4 * dpi).round());
    px.iter().all(|length| (1.0..=LONGEST).contains(length)).then(|| px.map(|length| length as usize))
}

/// RGB bytes `[y][x][3]`; `None` where the page is too large for this resolution.
pub(super) fn raster(page: &Page, dpi: f64) -> Option<Picture> {
    let [width, height] = size_px(page.width, page.height, dpi)?;
    let scale = dpi / 25.4;
    let mut pixmap = Pixmap::new(width as u32, height as u32)?;
    let [r, g, b] = page.ground;
    pixmap.fill(Color::from_rgba8(r, g, b, 255));
    for item in &page.items {
        match item {
            Item::Fill { area, colour, opacity } => {
                fill(&mut pixmap, &scaled(area, scale), *colour, *opacity);
            }
            Item::Picture { area, view, picture } => {
                paint_picture(&mut pixmap, &scaled(area, scale), *view, picture);
            }
            Item::Bar { area, colours } => paint_bar(&mut pixmap, &scaled(area, scale), colours),
            Item::Words(words) => write(&mut pixmap, words, scale),
        }
    }
    // The ground is opaque, so every pixel is.
    let rgb = pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Some(Picture { rgb, width, height })
}

fn scaled(area: &Area, scale: f64) -> Area {
    Area::new(area.left * scale, area.top * scale, area.width * scale, area.height * scale)
}

fn paint_of([r, g, b]: [u8; 3], opacity: f64) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint
}

fn fill(pixmap: &mut Pixmap, area: &Area, colour: [u8; 3], opacity: f64) {
    let [left, top, width, height] = [area.left, area.top, area.width, area.height].map(|v| v as f32);
    if let Some(rect) = Rect::from_xywh(left, top, width, height) {
        pixmap.fill_rect(rect, &paint_of(colour, opacity), Transform::identity(), None);
    }
}

fn write(pixmap: &mut Pixmap, words: &Words, scale: f64) {
    let size = words.size * scale;
    let width = width_of(&words.text, size, words.bold);
    let before = match words.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width / 2.0,
        Anchor::End => width,
    };
    let at = [words.at[0] * scale - before, words.at[1] * scale];
    if let Some(path) = outlines(&words.text, size, words.bold, at) {
        let paint = paint_of(words.colour, 1.0);
        pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
    }
}

/// Whole pixels of the page that an area covers, columns and rows.
fn whole(area: &Area, pixmap: &Pixmap) -> [std::ops::Range<usize>; 2] {
    let along = |start: f64, end: f64, length: u32| {
        let place = |at: f64| at.round().clamp(0.0, f64::from(length)) as usize;
        place(start)..place(end)
    };
    [along(area.left, area.right(), pixmap.width()), along(area.top, area.bottom(), pixmap.height())]
}

fn paint_bar(pixmap: &mut Pixmap, area: &Area, colours: &[[u8; 3]]) {
    let [columns, rows] = whole(area, pixmap);
    let (Some(last), length) = (colours.len().checked_sub(1), columns.len()) else { return };
    let line: Vec<u8> = (0..length)
        .flat_map(|column| {
            let at = (column as f64 + 0.5) / length as f64 * last as f64;
            let below = (at as usize).min(last);
            let (from, to) = (colours[below], colours[(below + 1).min(last)]);
            let part = at - below as f64;
            let mixed = |k: usize| f64::from(from[k]) + (f64::from(to[k]) - f64::from(from[k])) * part;
            [mixed(0).round() as u8, mixed(1).round() as u8, mixed(2).round() as u8, 255]
        })
        .collect();
    let stride = pixmap.width() as usize * 4;
    let data = pixmap.data_mut();
    for row in rows {
        let start = row * stride + columns.start * 4;
        data[start..start + line.len()].copy_from_slice(&line);
    }
}

/// Pixels of a picture that a pixel of the page shows, with the share of each.
struct Span {
    first: usize,
    weights: Vec<f64>,
}

/// For each of `length` pixels what it shows of `of` picture pixels, when all together show `view` (start and length).
fn spans(length: usize, view: [f64; 2], of: usize) -> Vec<Span> {
    let step = view[1] / length.max(1) as f64;
    let span = |index: usize| {
        let (start, end) = (view[0] + index as f64 * step, view[0] + (index + 1) as f64 * step);
        if step <= 1.0 {
            let middle = f64::midpoint(start, end).floor();
            let inside = middle >= 0.0 && middle < of as f64;
            return Span { first: middle.max(0.0) as usize, weights: vec![1.0; usize::from(inside)] };
        }
        let (start, end) = (start.clamp(0.0, of as f64), end.clamp(0.0, of as f64));
        let first = start.floor() as usize;
        let share = |pixel: usize| (end.min((pixel + 1) as f64) - start.max(pixel as f64)).max(0.0);
        Span { first, weights: (first..end.ceil() as usize).map(share).collect() }
    };
    (0..length).map(span).collect()
}

fn paint_picture(pixmap: &mut Pixmap, area: &Area, view: [f64; 4], picture: &Picture) {
    let [columns, rows] = whole(area, pixmap);
    if columns.is_empty() || rows.is_empty() {
        return;
    }
    let across = spans(columns.len(), [view[0], view[2]], picture.width);
    let down = spans(rows.len(), [view[1], view[3]], picture.height);
    let stride = pixmap.width() as usize * 4;
    let lines = &mut pixmap.data_mut()[rows.start * stride..rows.end * stride];
    lines.par_chunks_exact_mut(stride).zip(&down).for_each(|(line, rows)| {
        let pixels = line[columns.start * 4..columns.end * 4].chunks_exact_mut(4);
        for (pixel, columns) in pixels.zip(&across) {
            if let Some([r, g, b]) = mean(picture, rows, columns) {
                pixel.copy_from_slice(&[r, g, b, 255]);
            }
        }
    });
}

/// `None` where there is nothing of the picture.
fn mean(picture: &Picture, rows: &Span, columns: &Span) -> Option<[u8; 3]> {
    let at = |y: usize, x: usize| {
        let start = (y * picture.width + x) * 3;
        [picture.rgb[start], picture.rgb[start + 1], picture.rgb[start + 2]]
    };
    if rows.weights.len() == 1 && columns.weights.len() == 1 {
        return Some(at(rows.first, columns.first));
    }
    let (mut sums, mut weight) = ([0.0; 3], 0.0);
    for (y, down) in rows.weights.iter().enumerate() {
        for (x, across) in columns.weights.iter().enumerate() {
            let share = down * across;
            for (sum, part) in sums.iter_mut().zip(at(rows.first + y, columns.first + x)) {
                *sum += share * f64::from(part);
            }
            weight += share;
        }
    }
    (weight > 0.0).then(|| sums.map(|sum| (sum / weight).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn page(items: Vec<Item>) -> Page {
        Page { width: 25.4, height: 12.7, ground: [255; 3], items }
    }

    fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
        let start = (y * picture.width + x) * 3;
        [picture.rgb[start], picture.rgb[start + 1], picture.rgb[start + 2]]
    }

    #[test]
    fn an_inch_has_as_many_pixels_as_the_resolution_says() {
        assert_eq!(size_px(180.0, 60.0, 300.0), Some([2126, 709]));
        assert_eq!(size_px(25.4, 25.4, 72.0), Some([72, 72]));
        assert_eq!(size_px(1e9, 10.0, 300.0), None);
        assert_eq!(size_px(f64::NAN, 10.0, 300.0), None);
    }

    #[test]
    fn enlarged_pictures_repeat_pixels_and_reduced_ones_take_means() {
        let two = Picture { rgb: vec![0, 0, 0, 200, 100, 50], width: 2, height: 1 };
        let shown = |view: [f64; 4], dpi, width| {
            let area = Area::new(0.0, 0.0, width, 12.7);
            let picture = Arc::new(two.clone());
            raster(&page(vec![Item::Picture { area, view, picture }]), dpi).unwrap()
        };
        let large = shown([0.0, 0.0, 2.0, 1.0], 8.0, 25.4);
        assert_eq!((large.width, large.height), (8, 4));
        assert_eq!([3, 4].map(|x| pixel(&large, x, 3)), [[0; 3], [200, 100, 50]]);
        let small = shown([0.0, 0.0, 2.0, 1.0], 2.0, 12.7);
        assert_eq!([0, 1].map(|x| pixel(&small, x, 0)), [[100, 50, 25], [255; 3]]);
        // Beyond its border the page shows.
        let beyond = shown([-2.0, 0.0, 4.0, 1.0], 4.0, 25.4);
        assert_eq!([0, 1, 2, 3].map(|x| pixel(&beyond, x, 0)[2]), [255, 255, 0, 50]);
    }

    #[test]
    fn a_bar_goes_from_its_first_colour_to_its_last() {
        let area = Area::new(0.0, 0.0, 25.4, 12.7);
        let drawn = raster(&page(vec![Item::Bar { area, colours: vec![[0; 3], [255; 3]] }]), 100.0).unwrap();
        // The middle of the first of a hundred columns is half a hundredth of the way.
        assert_eq!((pixel(&drawn, 0, 0), pixel(&drawn, 99, 49)), ([1; 3], [254; 3]));
        assert!((127..=129).contains(&pixel(&drawn, 50, 10)[0]));
    }

    #[test]
    fn fills_and_words_stand_where_they_were_put() {
        let area = Area::new(2.54, 2.54, 5.08, 2.54);
        let words = Words {
            text: "H".to_owned(),
            at: [25.4, 12.7],
            anchor: Anchor::End,
            size: 8.0,
            bold: true,
            colour: [0; 3],
        };
        let items = vec![Item::Fill { area, colour: [0, 0, 255], opacity: 0.5 }, Item::Words(words)];
        let drawn = raster(&page(items), 100.0).unwrap();
        let blue = pixel(&drawn, 10, 10);
        assert!(blue[2] == 255 && (126..=128).contains(&blue[0]), "{blue:?}");
        assert_eq!([pixel(&drawn, 9, 10), pixel(&drawn, 30, 15)], [[255; 3]; 2]);
        let dark = (70..100).filter(|&x| pixel(&drawn, x, 35)[0] < 128).count();
        assert!(dark > 4, "the letter's two stems and its bar: {dark}");
    }
}
