//! All feature maps of a node side by side, in one texture; only what is in sight is rendered, within the frame's time.
use super::heat::point_at;
use super::sheet_cursor;
use crate::gui::desk::Desk;
use crate::gui::feature_look::{contrast_of, place_in_order};
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::view::{Atlas, Batch, mean_picture, stamp};
use crate::gui::widgets::pin_button;
use crate::imaging::Contrast;
use crate::inspect::FeatureStatistics;
use crate::session::{Command, SelectedFeatures, Session, SheetCommand};
use eframe::egui::{
    self, Align2, Color32, ColorImage, FontId, Rect, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui, vec2,
};
use ndarray::Axis;
use std::time::{Duration, Instant};

const GAP: f32 = 5.0;
/// Range of the longest side of a cell, in points.
pub(super) const SMALLEST: f32 = 44.0;
pub(super) const LARGEST: f32 = 240.0;
/// Cells narrower than this have no room for words.
const WORDS: f32 = 36.0;
/// Time a frame may spend on rendering cells; where frames take long anyway, a quarter of one.
const BUDGET: Duration = Duration::from_millis(7);
const MOST_BUDGET: Duration = Duration::from_millis(100);

/// The sheet's size, place and texture.
pub(super) struct Sheet {
    /// Longest side of a cell as set by hand; otherwise as large as shows all features at once.
    pub(super) cell: Option<f32>,
    /// The size in force.
    pub(super) cell_now: f32,
    /// Feature maps by their index; outdated ones are remade when they come into view.
    atlas: Option<Atlas>,
    /// The one of another cell size, drawn until all that is in sight is in the new one.
    before: Option<Atlas>,
    /// Node that they belong to.
    node: String,
    /// When that was chosen, until all that is in sight is drawn.
    chosen: Option<Instant>,
    /// To scroll to the selected feature when it was changed elsewhere.
    selected_before: Option<usize>,
}

impl Default for Sheet {
    fn default() -> Self {
        let (atlas, before) = (None, None);
        let (cell, chosen, selected_before) = (None, None, None);
        Self { cell, cell_now: 88.0, atlas, before, node: String::new(), chosen, selected_before }
    }
}

/// What all cells of a frame have in common.
struct Frame<'a> {
    features: &'a SelectedFeatures,
    correlations: Option<&'a [f32]>,
    columns: usize,
    cell: egui::Vec2,
    /// `[width, height]` of a cell on the screen.
    texels: [usize; 2],
    /// Of all features together.
    shared: Option<Contrast>,
    /// Changes with the maps.
    maps: u64,
    started: Instant,
    budget: Duration,
}

/// What is drawn of a frame's cells at once.
struct Drawn {
    now: Batch,
    before: Option<Batch>,
    complete: bool,
}

impl Sheet {
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, features: &SelectedFeatures) {
        if self.node != features.maps.node {
            self.node.clone_from(&features.maps.node);
            (self.atlas, self.before) = (None, None);
            self.chosen = Some(Instant::now());
        }
        let frame = self.frame(ui, desk.session, features);
        let rows = features.order.len().div_ceil(frame.columns);
        ui.spacing_mut().item_spacing = vec2(GAP, GAP);
        let visible = ((ui.available_height() / (frame.cell.y + GAP)).ceil() as usize + 2) * frame.columns;
        let Some(mut drawn) = self.begin(ui, &frame, visible) else { return };
        let mut area = ScrollArea::vertical().auto_shrink(false).id_salt("sheet");
        if self.selected_before != desk.session.feature {
            self.selected_before = desk.session.feature;
            area = scrolled_to_selected(area, ui, &frame, desk.session);
        }
        area.show_rows(ui, frame.cell.y, rows, |ui, visible| {
            // Below the words on the cells, and all pictures in one go.
            let below = [ui.painter().add(Shape::Noop), ui.painter().add(Shape::Noop)];
            for row in visible {
                ui.horizontal(|ui| {
                    let first = row * frame.columns;
                    let last = (first + frame.columns).min(features.order.len());
                    for feature in &features.order[first..last] {
                        self.cell_ui(ui, desk, (&frame, &mut drawn), *feature);
                    }
                });
            }
            let Drawn { now, before, complete } = drawn;
            if let Some(before) = before {
                ui.painter().set(below[0], before.shape());
            }
            ui.painter().set(below[1], now.shape());
            if complete {
                self.before = None;
                if let Some(chosen) = self.chosen.take() {
                    tracing::debug!("the sheet of {} took {} ms", self.node, chosen.elapsed().as_millis());
                }
            } else {
                ui.ctx().request_repaint();
            }
        });
    }

    fn frame<'a>(&mut self, ui: &Ui, session: &'a Session, features: &'a SelectedFeatures) -> Frame<'a> {
        let (_, height, width) = features.maps.maps.dim();
        let space = vec2(ui.available_width() - 8.0, ui.available_height());
        self.cell_now =
            self.cell.unwrap_or_else(|| fitting_cell([height, width], features.order.len(), space));
        let scale = self.cell_now / height.max(width).max(1) as f32;
        let cell = vec2((width as f32 * scale).max(10.0), (height as f32 * scale).max(10.0));
        let columns = ((space.x + GAP) / (cell.x + GAP)).floor().max(1.0) as usize;
        let texels = cell * ui.pixels_per_point();
        let shared = session.shared_contrast;
        let shared = shared.then(|| contrast_of(&features.statistics, None, session.feature_colormap, true));
        let result = session.result.as_ref().map(|result| result.key);
        Frame {
            features,
            correlations: session.correlations_now().map(|all| all.as_slice()),
            columns,
            cell,
            texels: [texels.x.round().max(1.0) as usize, texels.y.round().max(1.0) as usize],
            shared,
            maps: stamp((result, features.maps.maps.as_ptr().addr(), height, width)),
            started: Instant::now(),
            budget: Duration::from_secs_f32(ui.input(|input| input.stable_dt.max(0.0)) / 4.0)
                .clamp(BUDGET, MOST_BUDGET),
        }
    }

    /// The texture for cells of this size.
    fn begin(&mut self, ui: &Ui, frame: &Frame<'_>, visible: usize) -> Option<Drawn> {
        let count = frame.features.order.len();
        let fits = |atlas: &Atlas| atlas.cell() == frame.texels && atlas.capacity() >= visible.min(count);
        if !self.atlas.as_ref().is_some_and(fits) {
            let outdated = self.atlas.replace(Atlas::new(ui.ctx(), frame.texels, visible, count));
            // While the size is being drawn at, the last complete one stays.
            self.before = self.before.take().or(outdated);
        }
        let atlas = self.atlas.as_mut()?;
        atlas.begin_frame();
        Some(Drawn { now: atlas.batch(), before: self.before.as_ref().map(Atlas::batch), complete: true })
    }

    fn cell_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, cells: (&Frame<'_>, &mut Drawn), feature: usize) {
        let (frame, drawn) = cells;
        let palette = Palette::of(ui);
        let selected = desk.session.feature == Some(feature);
        let (rect, response) = ui.allocate_exact_size(frame.cell, Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::Button, true, selected, format!("Feature {feature}"))
        });
        let statistics = frame.features.statistics.get(feature);
        let dead = statistics.is_some_and(|statistics| statistics.dead);
        if dead || !self.draw(ui, desk.session, (frame, drawn), (feature, rect)) {
            ui.painter().rect_filled(rect, 2.0, palette.canvas);
        }
        let maps = &frame.features.maps;
        sheet_cursor::point(ui, desk, maps, (rect, response.hover_pos()));
        if response.hovered() {
            point_at(desk, maps, feature);
        }
        sheet_cursor::paint(ui, desk, maps, rect);
        let pinned = desk.session.is_pinned(&frame.features.maps.node, feature);
        let marked = selected || response.hovered() || ui.rect_contains_pointer(rect);
        if frame.cell.x >= WORDS {
            words_ui(ui, frame, (feature, rect), [marked, dead]);
        }
        if selected || response.hovered() {
            let colour = if selected { palette.accent } else { palette.weak };
            ui.painter().rect_stroke(rect.expand(1.0), 2.0, Stroke::new(2.0, colour), StrokeKind::Middle);
        }
        if response.clicked() {
            self.selected_before = Some(feature);
            desk.send(Command::SelectFeature(Some(feature)));
        }
        if let Some(statistics) = statistics {
            let correlation = frame.correlations.and_then(|all| all.get(feature)).copied();
            response.on_hover_ui(|ui| tooltip_ui(ui, feature, statistics, correlation));
        }
        if frame.cell.x >= WORDS && (pinned || marked) && pin_button(ui, rect, (feature, pinned)) {
            toggle_pin(desk, &frame.features.maps.node, feature);
        }
    }

    /// Draws a feature's picture; false where there is none yet.
    fn draw(
        &mut self,
        ui: &Ui,
        session: &Session,
        (frame, drawn): (&Frame<'_>, &mut Drawn),
        (feature, rect): (usize, Rect),
    ) -> bool {
        if !ui.is_rect_visible(rect) {
            return true;
        }
        let Some(atlas) = &mut self.atlas else { return false };
        let colormap = session.feature_colormap;
        let contrast = frame
            .shared
            .unwrap_or_else(|| contrast_of(&frame.features.statistics, Some(feature), colormap, false));
        let look = stamp((frame.maps, contrast.low.to_bits(), contrast.high.to_bits(), colormap));
        let mut found = atlas.find(feature, look);
        if found.is_none_or(|(_, fresh)| !fresh) {
            if frame.started.elapsed() < frame.budget {
                let map = frame.features.maps.maps.index_axis(Axis(0), feature);
                let image =
                    ColorImage::new(frame.texels, mean_picture(map, frame.texels, contrast, colormap));
                atlas.put(feature, look, image);
                found = atlas.find(feature, look);
            } else {
                drawn.complete = false;
            }
        }
        // Whole texels on whole pixels.
        let rect = {
            let corner = rect.min * ui.pixels_per_point();
            let corner = egui::pos2(corner.x.round(), corner.y.round()) / ui.pixels_per_point();
            let size = vec2(frame.texels[0] as f32, frame.texels[1] as f32) / ui.pixels_per_point();
            Rect::from_min_size(corner, size)
        };
        if let Some((uv, _)) = found {
            drawn.now.add(rect, uv);
            return true;
        }
        let before = self.before.as_mut().and_then(|before| before.find(feature, look));
        match (before, &mut drawn.before) {
            (Some((uv, _)), Some(batch)) => {
                batch.add(rect, uv);
                true
            }
            _ => false,
        }
    }
}

/// Pins a feature, or takes its pin away.
pub(super) fn toggle_pin(desk: &mut Desk<'_>, node: &str, feature: usize) {
    let pins = &desk.session.sheet.pins;
    let command = match pins.iter().position(|pin| pin.node == node && pin.feature == feature) {
        Some(place) => SheetCommand::Unpin(place),
        None => SheetCommand::Pin(node.to_owned(), feature),
    };
    desk.send(Command::Sheet(command));
}

/// Number, death and correlation of a cell's feature.
fn words_ui(ui: &Ui, frame: &Frame<'_>, (feature, rect): (usize, Rect), [marked, dead]: [bool; 2]) {
    if dead {
        label(ui, rect, Align2::RIGHT_BOTTOM, "dead");
    }
    if marked {
        label(ui, rect, Align2::LEFT_TOP, &feature.to_string());
    }
    let correlation = frame.correlations.and_then(|all| all.get(feature)).filter(|r| !r.is_nan());
    if let Some(correlation) = correlation {
        label(ui, rect, Align2::LEFT_BOTTOM, &format::signed(*correlation));
    }
}

/// The largest cell with which `count` maps of `[height, width]` all fit into a space.
fn fitting_cell([height, width]: [usize; 2], count: usize, space: egui::Vec2) -> f32 {
    let longest = height.max(width).max(1) as f32;
    let (tall, wide) = (height as f32 / longest, width as f32 / longest);
    let fits = |cell: f32| {
        let columns = ((space.x + GAP) / (cell * wide + GAP)).floor().max(1.0);
        let rows = (count as f32 / columns).ceil();
        rows * (cell * tall + GAP) <= space.y + GAP
    };
    let mut cell = LARGEST;
    while cell > SMALLEST + 12.0 && !fits(cell) {
        cell -= 2.0;
    }
    cell
}

/// Scrolls so that the selected feature is in view; leaves the sheet alone when it is already.
fn scrolled_to_selected(area: ScrollArea, ui: &Ui, frame: &Frame<'_>, session: &Session) -> ScrollArea {
    let place = session.feature.and_then(|feature| place_in_order(frame.features, feature));
    let Some(place) = place else { return area };
    let step = frame.cell.y + GAP;
    let top = (place / frame.columns) as f32 * step;
    let view = ui.available_height();
    let id = ui.make_persistent_id(egui::IdSalt::new("sheet"));
    let offset = egui::scroll_area::State::load(ui.ctx(), id).map_or(0.0, |state| state.clamped_offset().y);
    if top < offset {
        area.vertical_scroll_offset(top)
    } else if top + step > offset + view {
        area.vertical_scroll_offset((top + step - view).max(0.0))
    } else {
        area
    }
}

fn label(ui: &Ui, cell: Rect, corner: Align2, text: &str) {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(10.0), Color32::WHITE);
    let at = corner.pos_in_rect(&cell.shrink(3.0));
    let back = corner.anchor_size(at, galley.size() + vec2(6.0, 2.0));
    ui.painter().rect_filled(back, 3.0, Color32::from_black_alpha(165));
    ui.painter().galley(back.min + vec2(3.0, 1.0), galley, Color32::WHITE);
}

fn tooltip_ui(ui: &mut Ui, feature: usize, statistics: &FeatureStatistics, correlation: Option<f32>) {
    ui.label(strong(format!("Feature {feature}")));
    egui::Grid::new("statistics").num_columns(2).spacing([14.0, 2.0]).show(ui, |ui| {
        let deviation = statistics.variance.max(0.0).sqrt();
        let rows = [
            ("Mean", format::value(f64::from(statistics.mean))),
            ("Standard deviation", format::value(f64::from(deviation))),
            (
                "Range",
                format!(
                    "{} to {}",
                    format::value(f64::from(statistics.min)),
                    format::value(f64::from(statistics.max))
                ),
            ),
            ("Exact zeros", format::percent(f64::from(statistics.sparsity))),
        ];
        let goes_with = correlation.map(|r| if r.is_nan() { "none".to_owned() } else { format::signed(r) });
        for (name, value) in rows.into_iter().chain(goes_with.map(|value| ("Correlation", value))) {
            ui.label(small(name).color(Palette::of(ui).weak));
            ui.label(small(value));
            ui.end_row();
        }
    });
    if statistics.dead {
        ui.label(small("Dead: the same value everywhere on this image").color(Palette::of(ui).warning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_large_as_shows_all_of_them() {
        let one = fitting_cell([64, 64], 1, vec2(1000.0, 180.0));
        assert!((178.0..=180.0).contains(&one), "{one}");
        let many = fitting_cell([64, 64], 16, vec2(1000.0, 180.0));
        assert!((SMALLEST..90.0).contains(&many), "{many}");
        assert!(fitting_cell([64, 64], 4000, vec2(1000.0, 180.0)) <= SMALLEST + 12.0);
    }
}
