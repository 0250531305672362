//! All features of the chosen node as one sheet; only the visible rows are rendered.
use super::PaneUi;
use crate::gui::desk::Desk;
use crate::gui::feature_look::contrast_of;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::view::{mean_picture, stamp};
use crate::gui::widgets::{bar_slider, colormap_box, empty_state, toggle};
use crate::inspect::{FeatureOrder, FeatureStatistics};
use crate::session::{Command, JobKind, SelectedFeatures, Session};
use eframe::egui::{
    self, Align2, Color32, ColorImage, ComboBox, FontId, Rect, ScrollArea, Sense, Stroke, StrokeKind,
    TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use ndarray::Axis;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const GAP: f32 = 5.0;
/// Range of the longest side of a cell.
const SMALLEST: f32 = 44.0;
const LARGEST: f32 = 240.0;
/// Time a frame may spend on rendering cells.
const BUDGET: Duration = Duration::from_millis(7);

pub(super) struct FeaturesPane {
    /// Longest side of a cell in points, as set by hand; otherwise as large as shows all features at once.
    cell: Option<f32>,
    /// The size in force.
    cell_now: f32,
    /// By feature index; outdated ones are remade when they come into view.
    cells: BTreeMap<usize, Cell>,
    /// Node the cells belong to.
    node: String,
    /// To scroll to the selected feature when it was changed elsewhere.
    selected_before: Option<usize>,
}

struct Cell {
    texture: TextureHandle,
    stamp: u64,
}

impl Default for FeaturesPane {
    fn default() -> Self {
        Self {
            cell: None,
            cell_now: 88.0,
            cells: BTreeMap::new(),
            node: String::new(),
            selected_before: None,
        }
    }
}

/// Where the cells of a sheet are.
struct Grid {
    columns: usize,
    cell: egui::Vec2,
}

impl PaneUi for FeaturesPane {
    fn title(&self) -> &'static str {
        "Features"
    }

    fn detail(&self, session: &Session) -> String {
        let Some(features) = &session.features else { return String::new() };
        let dead = features.statistics.iter().filter(|statistics| statistics.dead).count();
        let all = features.statistics.len();
        format!("{}   {dead} dead of {all}", features.maps.node)
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.features.is_none() {
            return;
        }
        if let Some(colormap) = colormap_box(ui, "sheet colours", session.feature_colormap, "all features") {
            desk.send(Command::SetFeatureColormap(colormap));
        }
        let shared = "One brightness scale for all features, so that strong and weak ones can be compared";
        if toggle(ui, session.shared_contrast, "Shared contrast", shared) {
            desk.send(Command::SetSharedContrast(!session.shared_contrast));
        }
        let dead = "A dead feature has the same value everywhere on this image: it tells nothing here";
        if toggle(ui, session.hide_dead, "Hide dead", dead) {
            desk.send(Command::SetHideDead(!session.hide_dead));
        }
        order_box(ui, desk);
        if ui.available_width() > 330.0 {
            let mut cell = self.cell_now;
            let response = bar_slider(ui, &mut cell, SMALLEST..=LARGEST, "Cell size");
            if response.on_hover_text("Size of the feature maps; a double click fits them again").changed() {
                self.cell = Some(cell);
            }
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let Some(features) = &session.features else {
            let (title, advice) = if session.is_busy(JobKind::Features) || session.is_busy(JobKind::Run) {
                ("Computing…", "")
            } else if session.result.is_none() {
                ("No features yet", "Run a model (F5), then choose a node of the network to see all it saw.")
            } else {
                ("No node chosen", "Choose a node of the network to see all its feature maps.")
            };
            empty_state(ui, title, advice);
            return;
        };
        if features.order.is_empty() {
            empty_state(ui, "Every feature of this node is dead", "Switch off “Hide dead” to see them.");
            return;
        }
        if self.node != features.maps.node {
            self.node.clone_from(&features.maps.node);
            self.cells.clear();
        }
        self.sheet_ui(ui, desk, features);
    }
}

impl FeaturesPane {
    fn sheet_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, features: &SelectedFeatures) {
        let (_, height, width) = features.maps.maps.dim();
        let available = vec2(ui.available_width() - 8.0, ui.available_height());
        self.cell_now =
            self.cell.unwrap_or_else(|| fitting_cell([height, width], features.order.len(), available));
        let scale = self.cell_now / height.max(width).max(1) as f32;
        let cell = vec2((width as f32 * scale).max(10.0), (height as f32 * scale).max(10.0));
        let columns = ((ui.available_width() + GAP - 8.0) / (cell.x + GAP)).floor().max(1.0) as usize;
        let grid = Grid { columns, cell };
        let rows = features.order.len().div_ceil(columns);
        let started = Instant::now();
        ui.spacing_mut().item_spacing = vec2(GAP, GAP);
        let mut area = ScrollArea::vertical().auto_shrink(false).id_salt("sheet");
        if self.selected_before != desk.session.feature {
            self.selected_before = desk.session.feature;
            area = scrolled_to_selected(area, ui, &grid, desk.session, features);
        }
        area.show_rows(ui, cell.y, rows, |ui, visible| {
            for row in visible {
                ui.horizontal(|ui| {
                    let first = row * grid.columns;
                    let last = (first + grid.columns).min(features.order.len());
                    for feature in &features.order[first..last] {
                        self.cell_ui(ui, desk, features, *feature, (&grid, started));
                    }
                });
            }
        });
    }

    fn cell_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        features: &SelectedFeatures,
        feature: usize,
        (grid, started): (&Grid, Instant),
    ) {
        let palette = Palette::of(ui);
        let selected = desk.session.feature == Some(feature);
        let (rect, response) = ui.allocate_exact_size(grid.cell, Sense::click());
        let name = format!("Feature {feature}");
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &name));
        self.render(ui, desk.session, features, feature, (rect, started));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        match self.cells.get(&feature) {
            Some(cell) => {
                ui.painter().image(cell.texture.id(), rect, whole, Color32::WHITE);
            }
            None => {
                ui.painter().rect_filled(rect, 2.0, palette.canvas);
            }
        }
        let statistics = features.statistics.get(feature);
        if statistics.is_some_and(|statistics| statistics.dead) && grid.cell.x >= 36.0 {
            label(ui, rect, Align2::RIGHT_BOTTOM, "dead");
        }
        if grid.cell.x >= 36.0 && (selected || response.hovered()) {
            label(ui, rect, Align2::LEFT_TOP, &feature.to_string());
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
            response.on_hover_ui(|ui| tooltip_ui(ui, feature, statistics));
        }
    }

    /// Makes the cell's texture when it is missing or outdated and the frame still has time.
    fn render(
        &mut self,
        ui: &Ui,
        session: &Session,
        features: &SelectedFeatures,
        feature: usize,
        (rect, started): (Rect, Instant),
    ) {
        if !ui.is_rect_visible(rect) {
            return;
        }
        let size = rect.size() * ui.pixels_per_point();
        let size = [size.x.round().max(1.0) as usize, size.y.round().max(1.0) as usize];
        let colormap = session.feature_colormap;
        let contrast = contrast_of(&features.statistics, Some(feature), colormap, session.shared_contrast);
        let look = stamp((features.key, size, contrast.low.to_bits(), contrast.high.to_bits(), colormap));
        if self.cells.get(&feature).is_some_and(|cell| cell.stamp == look) {
            return;
        }
        if started.elapsed() > BUDGET {
            ui.ctx().request_repaint();
            return;
        }
        let pixels = mean_picture(features.maps.maps.index_axis(Axis(0), feature), size, contrast, colormap);
        let image = ColorImage::new(size, pixels);
        if let Some(cell) = self.cells.get_mut(&feature) {
            cell.texture.set(image, TextureOptions::LINEAR);
            cell.stamp = look;
        } else {
            let texture = ui.ctx().load_texture("feature", image, TextureOptions::LINEAR);
            self.cells.insert(feature, Cell { texture, stamp: look });
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

fn order_box(ui: &mut Ui, desk: &mut Desk<'_>) {
    let names = [
        (FeatureOrder::Index, "by index"),
        (FeatureOrder::Variance, "by variance"),
        (FeatureOrder::Mean, "by mean"),
        (FeatureOrder::Sparsity, "by sparsity"),
    ];
    let now = desk.session.feature_order;
    let name = names.iter().find(|(order, _)| *order == now).map_or("", |(_, name)| name);
    let mut chosen = now;
    let shown =
        ComboBox::from_id_salt("feature order").width(92.0).selected_text(small(name)).show_ui(ui, |ui| {
            for (order, name) in names {
                ui.selectable_value(&mut chosen, order, name);
            }
        });
    let hint =
        "Variance: how much a feature tells places apart. Sparsity: the share of exact zeros after a ReLU.";
    shown.response.accessible_name("Order of the features").on_hover_text(hint);
    if chosen != now {
        desk.send(Command::SetFeatureOrder(chosen));
    }
}

/// Scrolls so that the selected feature is in view; leaves the sheet alone when it is already.
fn scrolled_to_selected(
    area: ScrollArea,
    ui: &Ui,
    grid: &Grid,
    session: &Session,
    features: &SelectedFeatures,
) -> ScrollArea {
    let place = session.feature.and_then(|feature| features.order.iter().position(|other| *other == feature));
    let Some(place) = place else { return area };
    let step = grid.cell.y + GAP;
    let top = (place / grid.columns) as f32 * step;
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
        assert!(many < 90.0 && many >= SMALLEST, "{many}");
        assert!(fitting_cell([64, 64], 4000, vec2(1000.0, 180.0)) <= SMALLEST + 12.0);
    }
}
