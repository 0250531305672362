//! Puts a figure's panels on its page: titles above, colour bar or legend below, marks and scale bar on the pictures.

use super::marks::{paint_cursor, paint_mark, paint_scale_bar};
use super::page::{Anchor, Area, Item, Page, Picture, Words};
use super::panel::{Bar, Figure, Panel, Place, ScaleBars, Tile};
use super::type_face::{fitted, width_of, wrapped};
use crate::network::ClassInfo;
use ndarray::{ArrayView3, s};
use std::sync::Arc;

/// Millimetres of a typographic point.
const POINT: f64 = 25.4 / 72.0;
/// Between the tiles of one panel, in mm.
const TILE_GAP: f64 = 0.5;
/// Lines of a title at most, and the size of a line in sizes of its type.
const LINES: usize = 6;
const LINE: f64 = 1.25;

/// All of a figure in mm; each panel as wide as its column.
pub(super) fn page(figure: &Figure) -> Page {
    let look = &figure.look;
    let columns = look.columns.clamp(1, figure.panels.len().max(1));
    let cell = ((look.width_mm - look.gap_mm * (columns - 1) as f64) / columns as f64).max(0.5);
    let mut desk = Desk { figure, size: look.font_pt * POINT, items: Vec::new() };
    let (mut top, mut scaled) = (0.0, false);
    for (row, panels) in figure.panels.chunks(columns).enumerate() {
        let lines =
            (0..).zip(panels).map(|(column, panel)| desk.head(panel, row * columns + column, cell).1.len());
        let lines = lines.max().unwrap_or(0);
        let head = if lines > 0 { desk.size * (1.45 + LINE * (lines - 1) as f64) } else { 0.0 };
        let mut lowest: f64 = top;
        for (column, panel) in panels.iter().enumerate() {
            let left = column as f64 * (cell + look.gap_mm);
            desk.title(panel, row * columns + column, [left, top, cell]);
            let on_source = panel.tiles.iter().any(|tile| tile.place.is_some());
            let wanted = match look.scale_bars {
                ScaleBars::First => !scaled,
                ScaleBars::All => true,
                ScaleBars::None => false,
            };
            scaled |= on_source;
            let bottom = desk.tiles(panel, [left, top + head, cell], wanted);
            lowest = lowest.max(desk.explained(panel, [left, bottom, cell]));
        }
        top = lowest + look.gap_mm;
    }
    let height = (top - look.gap_mm).max(0.1);
    Page { width: look.width_mm, height, ground: look.ground.colour(), items: desk.items }
}

/// The page while it fills up.
struct Desk<'a> {
    figure: &'a Figure,
    /// Of the type, in mm.
    size: f64,
    items: Vec<Item>,
}

impl Desk<'_> {
    /// The letter of a panel with the room that it takes, and the lines of its title.
    fn head(&self, panel: &Panel, index: usize, width: f64) -> (Option<(String, f64)>, Vec<String>) {
        let look = &self.figure.look;
        let letter = look.letters.then(|| letter(index));
        let letter = letter.map(|text| {
            let takes = width_of(&text, self.size * 1.15, true) + self.size * 0.55;
            (text, takes)
        });
        let room = width - letter.as_ref().map_or(0.0, |(_, takes)| *takes);
        let text = if look.titles { panel.title.as_str() } else { "" };
        let mut lines = wrapped(text, self.size, room, LINES);
        if lines.is_empty() && letter.is_some() {
            lines.push(String::new());
        }
        (letter, lines)
    }

    fn title(&mut self, panel: &Panel, index: usize, [left, top, width]: [f64; 3]) {
        let (letter, lines) = self.head(panel, index, width);
        let (mut left, baseline) = (left, top + self.size * 0.95);
        let (size, colour) = (self.size, self.figure.look.ground.ink());
        let mut say = |text: String, at: [f64; 2], bold: bool, size: f64| {
            self.items.push(Item::Words(Words { text, at, anchor: Anchor::Start, size, bold, colour }));
        };
        if let Some((letter, takes)) = letter {
            say(letter, [left, baseline], true, size * 1.15);
            left += takes;
        }
        for (line, text) in lines.into_iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            say(text, [left, baseline + size * LINE * line as f64], false, size);
        }
    }

    /// The pictures of a panel from `[left, top]` on, `width` wide; gives where they end.
    fn tiles(&mut self, panel: &Panel, [left, top, width]: [f64; 3], scale_bar: bool) -> f64 {
        let count = panel.tiles.len().max(1);
        let columns = (count as f64).sqrt().ceil() as usize;
        let side = ((width - TILE_GAP * (columns - 1) as f64) / columns as f64).max(0.1);
        let (mut bottom, mut row_top) = (top, top);
        for (index, tile) in panel.tiles.iter().enumerate() {
            if index > 0 && index % columns == 0 {
                row_top = bottom + TILE_GAP;
            }
            let view = self.view(tile);
            // A map's pixels need not be square on the source, whose form counts.
            let form = if tile.place.is_some() { self.window() } else { view };
            let height = side * form[3] / form[2];
            let across = (index % columns) as f64 * (side + TILE_GAP);
            let area = Area::new(left + across, row_top, side, height);
            self.tile(tile, area, view);
            if tile.place.is_some() {
                self.on_picture(panel, area, scale_bar && index == 0);
            }
            let below = tile.bar.as_ref().map(|bar| self.bar(bar, [area.left, area.bottom(), side]));
            bottom = bottom.max(below.unwrap_or(area.bottom()));
        }
        bottom
    }

    /// The part of a picture that is shown, in its own pixels, before it is cut out.
    fn view(&self, tile: &Tile) -> [f64; 4] {
        let [left, top, width, height] = self.window();
        match tile.place {
            None => [0.0, 0.0, tile.picture.width.max(1) as f64, tile.picture.height.max(1) as f64],
            Some(Place { origin, scale }) => [
                (left - origin[1]) / scale[1],
                (top - origin[0]) / scale[0],
                width / scale[1],
                height / scale[0],
            ],
        }
    }

    /// Left, top, width and height of what is shown of the source.
    fn window(&self) -> [f64; 4] {
        let [width, height] = self.figure.source;
        self.figure.crop.unwrap_or([0, 0, width.max(1), height.max(1)]).map(|length| length as f64)
    }

    fn tile(&mut self, tile: &Tile, area: Area, view: [f64; 4]) {
        let (picture, view) = cut_out(&tile.picture, view);
        self.items.push(Item::Picture { area, view, picture });
        let size = self.size * 0.8;
        let width = width_of(&tile.label, size, false);
        if tile.label.is_empty() || width + size > area.width * 0.8 || size * 2.0 > area.height {
            return;
        }
        let back = Area::new(area.left, area.top, width + size * 0.7, size * 1.25);
        self.items.push(Item::Fill { area: back, colour: [0; 3], opacity: 0.6 });
        self.items.push(Item::Words(Words {
            text: tile.label.clone(),
            at: [area.left + size * 0.35, area.top + size * 0.98],
            anchor: Anchor::Start,
            size,
            bold: false,
            colour: [255; 3],
        }));
    }

    fn on_picture(&mut self, panel: &Panel, area: Area, scale_bar: bool) {
        let window = self.window();
        for mark in &panel.marks {
            paint_mark(&mut self.items, (area, window), mark, self.size);
        }
        if let Some(cursor) = self.figure.cursor {
            paint_cursor(&mut self.items, (area, window), cursor);
        }
        if let Some(pixel) = self.figure.pixel.as_ref().filter(|_| scale_bar) {
            paint_scale_bar(&mut self.items, (area, window), pixel, self.size);
        }
    }

    /// What explains a panel, below it; gives where that ends.
    fn explained(&mut self, panel: &Panel, [left, top, width]: [f64; 3]) -> f64 {
        match &panel.bar {
            Some(bar) => self.bar(bar, [left, top, width]),
            None if !panel.legend.is_empty() => self.legend(&panel.legend, [left, top, width]),
            None => top,
        }
    }

    /// The colours with their numbers, and below them what they mean; gives where that ends.
    fn bar(&mut self, bar: &Bar, [left, top, width]: [f64; 3]) -> f64 {
        let Bar { low, high, .. } = *bar;
        let area = Area::new(left, top + self.size * 0.45, width, self.size * 0.6);
        self.items.push(Item::Bar { area, colours: bar.colours.clone() });
        let size = self.size * 0.9;
        let baseline = area.bottom() + size;
        let middle = f64::midpoint(low, high);
        let mut labels = vec![(short(low), Anchor::Start, left), (short(high), Anchor::End, left + width)];
        let ends: f64 = labels.iter().map(|(text, ..)| width_of(text, size, false)).sum();
        if ends + width_of(&short(middle), size, false) + 4.0 * size < width {
            labels.push((short(middle), Anchor::Middle, left + width / 2.0));
        }
        let colour = self.figure.look.ground.ink();
        let mut say = |text: String, anchor: Anchor, at: [f64; 2]| {
            self.items.push(Item::Words(Words { text, at, anchor, size, bold: false, colour }));
        };
        for (text, anchor, x) in labels {
            say(text, anchor, [x, baseline]);
        }
        let words = fitted(&bar.words, size, false, width);
        if words.is_empty() {
            return baseline + size * 0.3;
        }
        let below = baseline + size * 1.2;
        say(words, Anchor::Middle, [left + width / 2.0, below]);
        below + size * 0.35
    }

    fn legend(&mut self, classes: &[ClassInfo], [left, top, width]: [f64; 3]) -> f64 {
        let size = self.size * 0.9;
        let (swatch, line) = (size * 0.8, size * 1.3);
        let (mut x, mut baseline) = (left, top + self.size * 0.4 + size);
        for class in classes {
            let room = (width - swatch - size * 0.4).max(0.0);
            let text = fitted(&class.name, size, false, room);
            let takes = swatch + size * 0.4 + width_of(&text, size, false);
            if x > left && x + takes > left + width {
                (x, baseline) = (left, baseline + line);
            }
            let ink = self.figure.look.ground.ink();
            let square = Area::new(x, baseline - swatch * 0.92, swatch, swatch);
            // A thin frame, or a class of the ground's colour is lost.
            self.items.push(Item::Fill { area: square, colour: ink, opacity: 0.5 });
            let thin = swatch * 0.05;
            let inner = Area::new(x + thin, square.top + thin, swatch - 2.0 * thin, swatch - 2.0 * thin);
            self.items.push(Item::Fill { area: inner, colour: class.colour, opacity: 1.0 });
            let at = [x + swatch + size * 0.4, baseline];
            let words = Words { text, at, anchor: Anchor::Start, size, bold: false, colour: ink };
            self.items.push(Item::Words(words));
            x += takes + size * 0.9;
        }
        baseline + size * 0.35
    }
}

/// The pixels of a picture that a view shows, and the view in their pixels.
fn cut_out(picture: &Arc<Picture>, view: [f64; 4]) -> (Arc<Picture>, [f64; 4]) {
    let range = |start: f64, length: f64, of: usize| {
        let place = |at: f64| at.clamp(0.0, of as f64) as usize;
        place(start.floor())..place((start + length).ceil())
    };
    let columns = range(view[0], view[2], picture.width);
    let rows = range(view[1], view[3], picture.height);
    let shape = (picture.height, picture.width, 3);
    if columns.len() == picture.width && rows.len() == picture.height || columns.is_empty() || rows.is_empty()
    {
        return (Arc::clone(picture), view);
    }
    let Ok(pixels) = ArrayView3::from_shape(shape, &picture.rgb) else {
        return (Arc::clone(picture), view);
    };
    let part = pixels.slice(s![rows.clone(), columns.clone(), ..]);
    let cut = Picture { rgb: part.iter().copied().collect(), width: columns.len(), height: rows.len() };
    (Arc::new(cut), [view[0] - columns.start as f64, view[1] - rows.start as f64, view[2], view[3]])
}

/// a to z, then aa, ab…
fn letter(index: usize) -> String {
    let last = char::from(b'a' + (index % 26) as u8);
    match index / 26 {
        0 => last.to_string(),
        more => letter(more - 1) + &last.to_string(),
    }
}

/// A number at the end of a colour bar: three significant digits.
fn short(value: f64) -> String {
    let size = value.abs();
    let text = if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&size) {
        format!("{value:.1e}")
    } else {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 9) as usize;
        let text = format!("{value:.decimals$}");
        let trimmed = text.trim_end_matches('0').trim_end_matches('.');
        if text.contains('.') { trimmed.to_owned() } else { text }
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests;
