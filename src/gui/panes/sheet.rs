//! All feature maps of a node side by side; only the visible ones are rendered, within the frame's time.
use super::sheet_cursor;
use crate::gui::desk::Desk;
use crate::gui::feature_look::{contrast_of, place_in_order};
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::view::{mean_picture, stamp};
use crate::inspect::FeatureStatistics;
use crate::session::{Command, SelectedFeatures, Session};
use eframe::egui::{
    self, Align2, Color32, ColorImage, FontId, Rect, ScrollArea, Sense, Stroke, StrokeKind, TextureHandle,
    TextureOptions, Ui, pos2, vec2,
};
use ndarray::Axis;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const GAP: f32 = 5.0;
/// Range of the longest side of a cell, in points.
pub(super) const SMALLEST: f32 = 44.0;
pub(super) const LARGEST: f32 = 240.0;
/// Cells narrower than this have no room for words.
const WORDS: f32 = 36.0;
/// Time a frame may spend on rendering cells.
const BUDGET: Duration = Duration::from_millis(7);

/// The sheet's size, place and textures.
pub(super) struct Sheet {
    /// Longest side of a cell as set by hand; otherwise as large as shows all features at once.
    pub(super) cell: Option<f32>,
    /// The size in force.
    pub(super) cell_now: f32,
    /// By feature index; outdated ones are remade when they come into view.
    textures: BTreeMap<usize, Texture>,
    /// Node the textures belong to.
    node: String,
    /// To scroll to the selected feature when it was changed elsewhere.
    selected_before: Option<usize>,
}

struct Texture {
    handle: TextureHandle,
    stamp: u64,
}

impl Default for Sheet {
    fn default() -> Self {
        let textures = BTreeMap::new();
        Self { cell: None, cell_now: 88.0, textures, node: String::new(), selected_before: None }
    }
}

/// What all cells of a frame have in common.
struct Frame<'a> {
    features: &'a SelectedFeatures,
    columns: usize,
    cell: egui::Vec2,
    started: Instant,
}

impl Sheet {
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, features: &SelectedFeatures) {
        if self.node != features.maps.node {
            self.node.clone_from(&features.maps.node);
            self.textures.clear();
        }
        let frame = self.frame(ui, features);
        let rows = features.order.len().div_ceil(frame.columns);
        ui.spacing_mut().item_spacing = vec2(GAP, GAP);
        let mut area = ScrollArea::vertical().auto_shrink(false).id_salt("sheet");
        if self.selected_before != desk.session.feature {
            self.selected_before = desk.session.feature;
            area = scrolled_to_selected(area, ui, &frame, desk.session);
        }
        area.show_rows(ui, frame.cell.y, rows, |ui, visible| {
            for row in visible {
                ui.horizontal(|ui| {
                    let first = row * frame.columns;
                    let last = (first + frame.columns).min(features.order.len());
                    for feature in &features.order[first..last] {
                        self.cell_ui(ui, desk, &frame, *feature);
                    }
                });
            }
        });
    }

    fn frame<'a>(&mut self, ui: &Ui, features: &'a SelectedFeatures) -> Frame<'a> {
        let (_, height, width) = features.maps.maps.dim();
        let space = vec2(ui.available_width() - 8.0, ui.available_height());
        self.cell_now =
            self.cell.unwrap_or_else(|| fitting_cell([height, width], features.order.len(), space));
        let scale = self.cell_now / height.max(width).max(1) as f32;
        let cell = vec2((width as f32 * scale).max(10.0), (height as f32 * scale).max(10.0));
        let columns = ((space.x + GAP) / (cell.x + GAP)).floor().max(1.0) as usize;
        Frame { features, columns, cell, started: Instant::now() }
    }

    fn cell_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, frame: &Frame<'_>, feature: usize) {
        let palette = Palette::of(ui);
        let selected = desk.session.feature == Some(feature);
        let (rect, response) = ui.allocate_exact_size(frame.cell, Sense::click());
        let name = format!("Feature {feature}");
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &name));
        let statistics = frame.features.statistics.get(feature);
        let dead = statistics.is_some_and(|statistics| statistics.dead);
        if !dead {
            self.render(ui, desk.session, frame, (feature, rect));
        }
        if let Some(texture) = self.textures.get(&feature).filter(|_| !dead) {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.handle.id(), rect, whole, Color32::WHITE);
        } else {
            ui.painter().rect_filled(rect, 2.0, palette.canvas);
        }
        let maps = &frame.features.maps;
        sheet_cursor::point(ui, desk, maps, (rect, response.hover_pos()));
        sheet_cursor::paint(ui, desk, maps, rect);
        let marked = selected || response.hovered();
        if frame.cell.x >= WORDS && dead {
            label(ui, rect, Align2::RIGHT_BOTTOM, "dead");
        }
        if frame.cell.x >= WORDS && marked {
            label(ui, rect, Align2::LEFT_TOP, &feature.to_string());
        }
        if marked {
            let colour = if selected { palette.accent } else { palette.weak };
            ui.painter().rect_stroke(rect.expand(1.0), 2.0, Stroke::new(2.0, colour), StrokeKind::Middle);
        }
        if response.clicked() {
            self.selected_before = Some(feature);
            desk.send(Command::SelectFeature(Some(feature)));
        }
        if let Some(statistics) = statistics {
            response.on_hover_ui(|ui| tooltip_ui(ui, feature, statistics));
        }
    }

    /// Makes a cell's texture when it is missing or outdated and the frame still has time.
    fn render(&mut self, ui: &Ui, session: &Session, frame: &Frame<'_>, (feature, rect): (usize, Rect)) {
        if !ui.is_rect_visible(rect) {
            return;
        }
        let features = frame.features;
        let size = rect.size() * ui.pixels_per_point();
        let size = [size.x.round().max(1.0) as usize, size.y.round().max(1.0) as usize];
        let colormap = session.feature_colormap;
        let contrast = contrast_of(&features.statistics, Some(feature), colormap, session.shared_contrast);
        let look = stamp((features.key, size, contrast.low.to_bits(), contrast.high.to_bits(), colormap));
        if self.textures.get(&feature).is_some_and(|texture| texture.stamp == look) {
            return;
        }
        if frame.started.elapsed() > BUDGET {
            ui.ctx().request_repaint();
            return;
        }
        let map = features.maps.maps.index_axis(Axis(0), feature);
        let image = ColorImage::new(size, mean_picture(map, size, contrast, colormap));
        if let Some(texture) = self.textures.get_mut(&feature) {
            texture.handle.set(image, TextureOptions::LINEAR);
            texture.stamp = look;
        } else {
            let handle = ui.ctx().load_texture("feature", image, TextureOptions::LINEAR);
            self.textures.insert(feature, Texture { handle, stamp: look });
        }
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

fn tooltip_ui(ui: &mut Ui, feature: usize, statistics: &FeatureStatistics) {
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
        for (name, value) in rows {
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
