//! The moved image, the answer moved back, and where it differs.
use super::part;
use crate::analysis::{AnswerChange, Equivariance, NodeDifference};
use crate::export::difference_display;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::view::{
    Canvas, Clear, Layer, Pixels, TiledPicture, canvas, paint_badge, paint_cursor, stamp, still_canvas,
};
use crate::gui::widgets::{at_right, colour_bar, cross, number};
use crate::imaging::{Colormap, Contrast, Display};
use crate::session::Found;
use eframe::egui::{Color32, Grid, Label, Rect, Ui, pos2, vec2};
use ndarray::{Array2, ArrayView2};

const GAP: f32 = 8.0;
/// Of the line over each picture, and of the colour bar below.
const TITLE: f32 = 18.0;
const BAR: f32 = 38.0;

#[derive(Default)]
pub(super) struct Pictures {
    moved: TiledPicture,
    back: TiledPicture,
    change: TiledPicture,
    /// Windows of the pictures of these keys.
    moved_look: Option<(u64, Contrast)>,
    change_look: Option<(u64, Display)>,
}

impl Pictures {
    /// Draws them; true when a node's difference was closed.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        found: &Found<Equivariance>,
        node: Option<&Found<Equivariance>>,
    ) -> bool {
        let report = &*found.report;
        let labels = report.answer.as_ref().and_then(|answer| answer.labels.as_ref());
        let cells = cells(ui.available_rect_before_wrap(), if labels.is_some() { 3 } else { 2 });
        part(ui, cells[0], "moved", |ui| self.moved_ui(ui, desk, found));
        if let (Some(cell), Some(answer), Some([_, after])) = (cells.get(1), &report.answer, labels) {
            part(ui, *cell, "back", |ui| self.back_ui(ui, desk, (answer, after), found.key));
        }
        let Some(last) = cells.last().copied() else { return false };
        let map = node.and_then(|found| {
            let node = found.report.nodes.first()?;
            Some((found, node.node.as_str(), node.difference.as_ref()?))
        });
        part(ui, last, "change", |ui| match (map, &report.answer) {
            (Some(map), _) => self.node_ui(ui, desk, map),
            (None, Some(answer)) if answer.of_image.is_some() => {
                of_image_ui(ui, answer);
                false
            }
            (None, Some(answer)) => {
                title(ui, "Change of the answer", "At each pixel the largest change of any class");
                let place = ([0.0; 2], [1.0; 2]);
                self.map_ui(ui, desk, found, (&answer.change, place));
                false
            }
            (None, None) => {
                title(ui, "No answer", "This model promises none; compare its nodes");
                false
            }
        })
    }

    fn moved_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Found<Equivariance>) {
        title(
            ui,
            "Moved input",
            "What the network is shown, its first channel; beyond the border the mirror image",
        );
        let image = &found.report.moved;
        let look = match self.moved_look {
            Some((key, look)) if key == found.key => look,
            _ => spread(image),
        };
        self.moved_look = Some((found.key, look));
        let canvas = still_canvas(ui, [image.ncols(), image.nrows()], "Moved input");
        let pixels = Pixels::Values { values: image.view(), contrast: look, colormap: Colormap::Grey };
        let layer = Layer::source(stamp((found.key, "moved")));
        self.moved.paint(&canvas.painter, canvas.placement, layer, pixels);
        moved_cursor(ui, desk, &canvas, &found.report);
    }

    fn back_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        (answer, after): (&AnswerChange, &Array2<u16>),
        key: u64,
    ) {
        title(
            ui,
            "Answer, moved back",
            "What the network says of the moved image, brought back to where it belongs",
        );
        let canvas = linked(ui, desk, [after.ncols(), after.nrows()], "Answer moved back");
        let colour = |class: &crate::network::ClassInfo| {
            let [r, g, b] = class.colour;
            Color32::from_rgb(r, g, b)
        };
        let palette: Vec<Color32> = answer.colours.iter().map(colour).collect();
        let pixels = Pixels::Labels { labels: after.view(), palette: &palette };
        self.back.paint(&canvas.painter, canvas.placement, Layer::source(stamp((key, "back"))), pixels);
        cursor(ui, desk, &canvas, [after.ncols(), after.nrows()]);
    }

    fn node_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        (found, name, map): (&Found<Equivariance>, &str, &NodeDifference),
    ) -> bool {
        let mut closed = false;
        ui.horizontal(|ui| {
            ui.set_height(TITLE);
            let text = format!("Difference of {name}");
            ui.label(small(text).color(Palette::of(ui).text))
                .on_hover_text("Root of the mean square over its features, at each of its pixels");
            closed = cross(ui, "Show the answer's change again").clicked();
        });
        self.map_ui(ui, desk, found, (&map.values, (map.origin, map.scale)));
        closed
    }

    /// A map `[y, x]` at its place (origin and scale), with its colour bar.
    fn map_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        found: &Found<Equivariance>,
        (values, (origin, scale)): (&Array2<f32>, ([f64; 2], [f64; 2])),
    ) {
        let key = found.key;
        let display = match self.change_look {
            Some((made, display)) if made == key => display,
            _ => difference_display(values.view(), false),
        };
        self.change_look = Some((key, display));
        // Also a map that lost its borders lies over the whole input.
        let size = [found.report.size[1], found.report.size[0]];
        let canvas = with_bar(ui, display, |ui| linked(ui, desk, size, "Change"));
        let pixels =
            Pixels::Values { values: values.view(), contrast: display.contrast, colormap: display.colormap };
        let layer = Layer { scale: [scale[1], scale[0]], ..Layer::source(stamp((key, "change"))) };
        let placement = canvas.placement.moved([origin[1], origin[0]]);
        self.change.paint(&canvas.painter, placement, layer, Clear(pixels));
        cursor(ui, desk, &canvas, size);
        let at = desk.view.position().filter(|_| fits(desk, size)).and_then(|[x, y]| {
            let index = |at: f64, axis: usize| ((at - origin[axis]) / scale[axis]).floor() as usize;
            values.get([index(y, 0), index(x, 1)]).copied()
        });
        if let Some(value) = at {
            let text =
                if value.is_nan() { "not in both".to_owned() } else { format::value(f64::from(value)) };
            paint_badge(&canvas.painter, canvas.placement, &text);
        }
    }
}

/// So many parts beside each other.
fn cells(all: Rect, count: usize) -> Vec<Rect> {
    let width = (all.width() - GAP * (count as f32 - 1.0)) / count as f32;
    let cell = |index: usize| {
        let left = all.left() + index as f32 * (width + GAP);
        Rect::from_min_max(pos2(left, all.top()), pos2(left + width, all.bottom()))
    };
    (0..count).map(cell).collect()
}

/// A line over a picture; a long one is cut off, or it would make the picture wider.
pub(in crate::gui::panes) fn title(ui: &mut Ui, text: &str, hint: &str) {
    ui.horizontal(|ui| {
        ui.set_height(TITLE);
        let line = Label::new(small(text).color(Palette::of(ui).text)).truncate();
        ui.add(line).on_hover_text(hint);
    });
}

/// Whether a picture of `[width, height]` px lies over the shown micrograph, but for an info bar below.
fn fits(desk: &Desk<'_>, size: [usize; 2]) -> bool {
    let shown = desk.session.shown.as_ref().map(|shown| (shown.size(), shown.specimen_rows));
    shown.is_some_and(|([height, width], rows)| {
        width.abs_diff(size[0]) <= 64 && (height.abs_diff(size[1]) <= 64 || rows.abs_diff(size[1]) <= 64)
    })
}

/// A canvas that zooms with the source where the picture lies over it.
pub(super) fn linked(ui: &mut Ui, desk: &mut Desk<'_>, size: [usize; 2], name: &str) -> Canvas {
    let shown = desk.session.shown.as_ref().map(crate::session::Shown::size);
    match shown {
        Some([height, width]) if fits(desk, size) => canvas(ui, desk.view, [width, height], name),
        _ => still_canvas(ui, size, name),
    }
}

pub(super) fn cursor(ui: &Ui, desk: &Desk<'_>, canvas: &Canvas, size: [usize; 2]) {
    if let Some(cursor) = desk.view.position().filter(|_| fits(desk, size)) {
        paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
    }
}

/// The linked cursor where its place came to lie; pointing here marks where that place was.
fn moved_cursor(ui: &Ui, desk: &mut Desk<'_>, canvas: &Canvas, report: &Equivariance) {
    let Some(shown) = &desk.session.shown else { return };
    let specimen = [shown.specimen_rows, shown.size()[1]];
    // Source pixels per pixel of the network's input.
    let scale = [0, 1].map(|axis: usize| specimen[axis] as f64 / report.size[axis].max(1) as f64);
    if let Some(pointer) = canvas.response.hover_pos() {
        let [x, y] = canvas.placement.source_from_screen(pointer);
        let [y, x] = report.place_before([y, x]);
        let place = [y * scale[0], x * scale[1]];
        let inside = (0..2).all(|axis| place[axis] >= 0.0 && place[axis] < specimen[axis] as f64);
        desk.view.point(ui.ctx(), inside.then_some([place[1], place[0]]));
    }
    if let Some([x, y]) = desk.view.position() {
        let [y, x] = report.moved_place([y / scale[0], x / scale[1]]);
        paint_cursor(&canvas.painter, canvas.placement, [x, y], Palette::of(ui).accent);
    }
}

/// Contents with the colours' meaning below.
pub(in crate::gui::panes) fn with_bar<T>(
    ui: &mut Ui,
    display: Display,
    contents: impl FnOnce(&mut Ui) -> T,
) -> T {
    let space = vec2(ui.available_width(), (ui.available_height() - BAR).max(20.0));
    let made = ui.allocate_ui(space, contents).inner;
    ui.spacing_mut().item_spacing.y = 1.0;
    let ends = [display.contrast.low, display.contrast.high].map(|end| format::value(f64::from(end)));
    let colour = |unit: f32| {
        let [r, g, b] = display.colormap.rgb(unit);
        Color32::from_rgb(r, g, b)
    };
    colour_bar(ui, &format!("Colours from {} to {}", ends[0], ends[1]), colour);
    ui.horizontal(|ui| {
        let weak = Palette::of(ui).weak;
        ui.label(small(&ends[0]).color(weak));
        at_right(ui, |ui| {
            ui.label(small(&ends[1]).color(weak));
        });
    });
    made
}

/// Before and after of an answer about the image.
fn of_image_ui(ui: &mut Ui, answer: &AnswerChange) {
    let Some([before, after]) = &answer.of_image else { return };
    title(ui, "Answer before and after", "Of the image as a whole");
    Grid::new("of image").striped(true).spacing([14.0, 3.0]).show(ui, |ui| {
        for ((name, before), after) in answer.classes.iter().zip(before).zip(after) {
            ui.label(small(name));
            ui.label(number(format::value(f64::from(*before))));
            ui.label(number(format::value(f64::from(*after))));
            ui.end_row();
        }
    });
}

/// Two and a half standard deviations about the mean.
fn spread(image: &Array2<f32>) -> Contrast {
    let finite = || image.iter().filter(|value| value.is_finite()).map(|value| f64::from(*value));
    let n = finite().count().max(1) as f64;
    let mean = finite().sum::<f64>() / n;
    let sd = (finite().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n).sqrt();
    let reach = if sd > 0.0 { 2.5 * sd } else { 0.5 };
    Contrast { low: (mean - reach) as f32, high: (mean + reach) as f32 }
}

/// A picture of values with a window, at the source's own pixels.
pub(super) fn value_pixels(values: ArrayView2<'_, f32>, display: Display) -> Clear<'_> {
    Clear(Pixels::Values { values, contrast: display.contrast, colormap: display.colormap })
}
