//! The two sights and their difference.
use super::super::robustness::{title, with_bar};
use crate::analysis::{Prediction, Seen};
use crate::export::difference_display;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::Palette;
use crate::gui::view::{
    Canvas, Clear, Layer, Pixels, TiledPicture, canvas, paint_badge, paint_cursor, stamp, still_canvas,
};
use crate::imaging::{Colormap, Contrast, Display};
use crate::network::ClassInfo;
use crate::session::Compared;
use eframe::egui::{Color32, Painter, Rect, Slider, Stroke, Ui, UiBuilder, pos2, vec2};
use ndarray::{ArrayView2, Axis};

/// Height that the curtain's slider takes.
const SLIDER: f32 = 30.0;

#[derive(Default)]
pub(super) struct Pictures {
    sides: [TiledPicture; 2],
    difference: TiledPicture,
    /// Windows of values, of the comparison of that key: A, B, the difference.
    look: Option<(u64, [Display; 3])>,
}

impl Pictures {
    pub(super) fn both_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Compared) {
        let all = ui.available_rect_before_wrap();
        let half = (all.width() - 8.0) / 2.0;
        for side in 0..2 {
            let left = all.left() + side as f32 * (half + 8.0);
            let rect = Rect::from_min_max(pos2(left, all.top()), pos2(left + half, all.bottom()));
            ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(("side", side)), |ui| {
                ui.set_clip_rect(rect.intersect(ui.clip_rect()));
                self.side_ui(ui, desk, found, side);
            });
        }
    }

    pub(super) fn side_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Compared, side: usize) {
        let name = ["A", "B"][side];
        title(
            ui,
            &format!("{name}: {}", found.names[side]),
            "The place under the cursor is the same everywhere",
        );
        let canvas = over_source(ui, desk, &format!("Sight {name}"));
        self.paint(&canvas.painter, &canvas, found, side);
        cursor(ui, desk, &canvas);
        if let Some(text) = desk.view.position().and_then(|[x, y]| words_at(&found.seen[side], [y, x])) {
            paint_badge(&canvas.painter, canvas.placement, &text);
        }
    }

    /// A at the left of a line, B at its right.
    pub(super) fn curtain_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Compared, at: &mut f32) {
        title(ui, &found.names.join(" | "), "A at the left of the line, B at its right");
        let space = vec2(ui.available_width(), (ui.available_height() - SLIDER).max(20.0));
        ui.allocate_ui(space, |ui| {
            let canvas = over_source(ui, desk, "Curtain");
            let rect = canvas.placement.rect;
            let line = rect.left() + rect.width() * at.clamp(0.0, 1.0);
            let (mut left, mut right) = (rect, rect);
            left.set_right(line);
            right.set_left(line);
            for (side, part) in [left, right].into_iter().enumerate() {
                let painter = canvas.painter.with_clip_rect(part.intersect(canvas.painter.clip_rect()));
                self.paint(&painter, &canvas, found, side);
            }
            canvas.painter.vline(line, rect.y_range(), Stroke::new(1.5, Palette::of(ui).accent));
            cursor(ui, desk, &canvas);
        });
        ui.spacing_mut().slider_width = (ui.available_width() - 12.0).max(40.0);
        ui.add(Slider::new(at, 0.0..=1.0).show_value(false))
            .accessible_name("Curtain's place")
            .on_hover_text("Draw the curtain over the image: A at the left, B at the right");
    }

    pub(super) fn difference_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, found: &Compared) {
        let Some(map) = &found.comparison.difference else { return };
        let display = self.look(found)[2];
        let (text, hint) = if map.signed {
            ("A − B", "Blue where B is larger, red where A is; clear where only one of them has a value")
        } else {
            ("|A − B|", "At each pixel the largest difference of any class's probability")
        };
        title(ui, text, hint);
        let canvas = with_bar(ui, display, |ui| over_source(ui, desk, "Difference"));
        let pixels = Pixels::Values {
            values: map.values.view(),
            contrast: display.contrast,
            colormap: display.colormap,
        };
        let layer =
            Layer { scale: [map.scale[1], map.scale[0]], ..Layer::source(stamp((found.key, "difference"))) };
        let placement = canvas.placement.moved([map.origin[1], map.origin[0]]);
        self.difference.paint(&canvas.painter, placement, layer, Clear(pixels));
        cursor(ui, desk, &canvas);
        let placed = (map.values.view(), map.origin, map.scale);
        if let Some(value) = desk.view.position().and_then(|[x, y]| value_at(placed, [y, x])) {
            paint_badge(&canvas.painter, canvas.placement, &format::value(f64::from(value)));
        }
    }

    fn paint(&mut self, painter: &Painter, canvas: &Canvas, found: &Compared, side: usize) {
        let display = self.look(found)[side];
        let stamp = stamp((found.key, side));
        let picture = &mut self.sides[side];
        match &found.seen[side] {
            Seen::Answer(Prediction::Segmentation(answer)) => {
                let palette: Vec<Color32> = answer.classes.iter().map(colour).collect();
                let pixels = Pixels::Labels { labels: answer.labels.0.view(), palette: &palette };
                picture.paint(painter, canvas.placement, Layer::source(stamp), pixels);
            }
            Seen::Classical(mask) => {
                let palette = palette_beside(&found.seen[1 - side]);
                let pixels = Pixels::Labels { labels: mask.mask.view(), palette: &palette };
                picture.paint(painter, canvas.placement, Layer::source(stamp), pixels);
            }
            seen => {
                let Some((values, origin, scale)) = values_of(seen) else { return };
                let pixels =
                    Pixels::Values { values, contrast: display.contrast, colormap: display.colormap };
                let layer = Layer { scale: [scale[1], scale[0]], ..Layer::source(stamp) };
                let placement = canvas.placement.moved([origin[1], origin[0]]);
                picture.paint(painter, placement, layer, Clear(pixels));
            }
        }
    }

    /// The windows, looked up once.
    fn look(&mut self, found: &Compared) -> [Display; 3] {
        if let Some((key, look)) = self.look.filter(|(key, _)| *key == found.key) {
            debug_assert_eq!(key, found.key);
            return look;
        }
        let side = |seen: &Seen| match values_of(seen) {
            Some((values, ..)) => Display::new(range(values), Colormap::Viridis),
            None => Display::new(Contrast { low: 0.0, high: 1.0 }, Colormap::Viridis),
        };
        let difference = match &found.comparison.difference {
            Some(map) => difference_display(map.values.view(), map.signed),
            None => Display::new(Contrast { low: 0.0, high: 1.0 }, Colormap::Magma),
        };
        let look = [side(&found.seen[0]), side(&found.seen[1]), difference];
        self.look = Some((found.key, look));
        look
    }
}

/// A plane of values with its origin and scale.
type Placed<'a> = (ArrayView2<'a, f32>, [f64; 2], [f64; 2]);

/// The feature map, or a regressor's first number, with origin and scale; `None` of classes and of answers about the
/// image.
fn values_of(seen: &Seen) -> Option<Placed<'_>> {
    match seen {
        Seen::Feature(maps, feature) => {
            Some((maps.maps.index_axis(Axis(0), *feature), maps.origin, maps.scale))
        }
        Seen::Answer(Prediction::Regression(answer)) => {
            let maps = answer.maps().filter(|maps| maps.len_of(Axis(0)) > 0)?;
            Some((maps.index_axis(Axis(0), 0), [0.0; 2], [1.0; 2]))
        }
        Seen::Answer(_) | Seen::Classical(_) => None,
    }
}

/// A canvas with the source's zoom and pan: whatever is compared lies somewhere over the shown micrograph.
fn over_source(ui: &mut Ui, desk: &mut Desk<'_>, name: &str) -> Canvas {
    match desk.session.shown.as_ref().map(crate::session::Shown::size) {
        Some([height, width]) => canvas(ui, desk.view, [width, height], name),
        None => still_canvas(ui, [1, 1], name),
    }
}

fn cursor(ui: &Ui, desk: &Desk<'_>, canvas: &Canvas) {
    if let Some(cursor) = desk.view.position() {
        paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
    }
}

/// Value or class at a place `[y, x]` of the source.
fn words_at(seen: &Seen, position: [f64; 2]) -> Option<String> {
    if let Seen::Answer(Prediction::Segmentation(answer)) = seen {
        let [y, x] = position.map(|at| at as usize);
        let inside = position.iter().all(|at| *at >= 0.0) && y < answer.specimen_rows;
        let class = answer.labels.0.get([y, x]).filter(|_| inside)?;
        return Some(answer.classes.get(usize::from(*class))?.name.clone());
    }
    let value = value_at(values_of(seen)?, position)?;
    Some(format::value(f64::from(value)))
}

fn value_at((values, origin, scale): Placed<'_>, position: [f64; 2]) -> Option<f32> {
    let index = [0, 1].map(|axis: usize| (position[axis] - origin[axis]) / scale[axis]);
    if index.iter().any(|index| *index < 0.0) {
        return None;
    }
    values.get([index[0] as usize, index[1] as usize]).copied().filter(|value| !value.is_nan())
}

fn range(values: ArrayView2<'_, f32>) -> Contrast {
    let finite = values.iter().filter(|value| value.is_finite());
    let (low, high) =
        finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    if high > low { Contrast { low, high } } else { Contrast { low: low.min(0.0), high: low.max(0.0) + 1.0 } }
}

/// Colours of background and foreground: as the other side has them, so that the same is alike.
fn palette_beside(other: &Seen) -> [Color32; 2] {
    match other {
        Seen::Answer(Prediction::Segmentation(answer)) if answer.classes.len() > 1 => {
            [colour(&answer.classes[0]), colour(&answer.classes[1])]
        }
        _ => [Color32::from_rgb(40, 44, 52), Color32::from_rgb(255, 170, 50)],
    }
}

fn colour(class: &ClassInfo) -> Color32 {
    let [r, g, b] = class.colour;
    Color32::from_rgb(r, g, b)
}
