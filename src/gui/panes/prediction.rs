//! What the model says: class colours or one class's probability, the bars of a classifier, or a regressor's numbers.
mod regression;

use super::PaneUi;
use crate::analysis::{Classification, Object, Prediction, Segmentation};
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong_family};
use crate::gui::view::{
    Layer, Pixels, TiledPicture, canvas, paint_badge, paint_cursor, paint_hatch, paint_scale_bar, stamp,
    still_canvas,
};
use crate::gui::widgets::{down_arrow, empty_state, swatch};
use crate::imaging::{Colormap, Contrast};
use crate::session::{Command, JobKind, PredictionView, RunResult, Session};
use eframe::egui::{
    Align2, Button, Color32, ComboBox, CornerRadius, FontId, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo,
    pos2, vec2,
};
use ndarray::Axis;

pub(in crate::gui) use regression::value_at;

/// A bar of less width than this has no room for a box beside the tabs.
const NARROW: f32 = 262.0;

/// Said wherever the answer of a network of random weights is shown.
pub(super) const UNTRAINED: &str = "untrained: random weights, this means nothing";

#[derive(Default)]
pub(super) struct PredictionPane {
    classes: TiledPicture,
    probability: TiledPicture,
    regression: regression::RegressionView,
    /// Share of the image a class covers, for the result of that key.
    areas: Option<(u64, Vec<f64>)>,
}

impl PaneUi for PredictionPane {
    fn title(&self) -> &'static str {
        "Prediction"
    }

    fn detail(&self, session: &Session) -> String {
        session.result.as_ref().map(|result| result.model.card.name.clone()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        badge_ui(ui, desk);
        let segmentation = match desk.session.result.as_ref().map(|result| &result.prediction) {
            Some(Prediction::Segmentation(segmentation)) => segmentation,
            Some(Prediction::Regression(regression)) => return regression::bar_ui(ui, desk, regression),
            Some(Prediction::Classification(_) | Prediction::Nothing) | None => return,
        };
        let now = desk.session.prediction_view;
        let name = |view: PredictionView| match view {
            PredictionView::Classes | PredictionView::Output(_) => "Classes".to_owned(),
            PredictionView::Probability(class) => {
                segmentation.classes.get(class).map_or("?".to_owned(), |class| format!("P({})", class.name))
            }
        };
        let mut chosen = now;
        let views = |ui: &mut Ui, chosen: &mut PredictionView| {
            ui.selectable_value(chosen, PredictionView::Classes, "Classes");
            for class in 0..segmentation.classes.len() {
                let view = PredictionView::Probability(class);
                ui.selectable_value(chosen, view, name(view));
            }
        };
        let response = if ui.available_width() < NARROW {
            // The name of the view would take the room of the tabs.
            ui.menu_button((small("View"), down_arrow(ui)), |ui| views(ui, &mut chosen)).response
        } else {
            let combo = ComboBox::from_id_salt("prediction view").width(86.0).selected_text(small(name(now)));
            combo.show_ui(ui, |ui| views(ui, &mut chosen)).response
        };
        let label = "What to show of the prediction";
        response
            .accessible_name(label)
            .on_hover_text("The likeliest class of every pixel, or how sure one is");
        if chosen != now {
            desk.send(Command::SetPredictionView(chosen));
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        match session.result.as_ref() {
            Some(result) => match &result.prediction {
                Prediction::Segmentation(segmentation) => {
                    self.segmentation_ui(ui, desk, result, segmentation);
                }
                Prediction::Classification(classification) => {
                    if result.model.card.is_untrained() {
                        ui.label(small(UNTRAINED).color(Palette::of(ui).warning));
                    }
                    classification_ui(ui, classification);
                }
                Prediction::Regression(regression) => self.regression.ui(ui, desk, result, regression),
                Prediction::Nothing => empty_state(
                    ui,
                    "No prediction",
                    "This model's card does not say what its answer means. Look at its nodes in the Network pane.",
                ),
            },
            None if session.is_busy(JobKind::Run) => {
                empty_state(ui, "Running…", "The progress is at the top.");
            }
            None if session.model.is_none() => {
                empty_state(ui, "No model chosen", "Choose one under Model at the top, then press Run (F5).");
            }
            None => empty_state(ui, "Not run yet", "Press Run (F5) to let the model look at the micrograph."),
        }
    }
}

impl PredictionPane {
    fn segmentation_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        result: &RunResult,
        segmentation: &Segmentation,
    ) {
        let legend = 24.0;
        let session = desk.session;
        let (height, width) = segmentation.labels.0.dim();
        let space = vec2(ui.available_width(), (ui.available_height() - legend - 4.0).max(20.0));
        ui.allocate_ui(space, |ui| {
            let size = [width, height];
            let linked = desk.is_linked(size);
            let canvas = if linked {
                canvas(ui, desk.view, size, "Prediction image")
            } else {
                still_canvas(ui, size, "Prediction image")
            };
            match session.prediction_view {
                PredictionView::Probability(class) if class < segmentation.probabilities.len_of(Axis(0)) => {
                    let values = segmentation.probabilities.index_axis(Axis(0), class);
                    let contrast = Contrast { low: 0.0, high: 1.0 };
                    let pixels = Pixels::Values { values, contrast, colormap: Colormap::Viridis };
                    let layer = Layer::source(stamp((result.key, class)));
                    self.probability.paint(&canvas.painter, canvas.placement, layer, pixels);
                }
                _ => {
                    let palette: Vec<Color32> =
                        segmentation.classes.iter().map(|class| colour(class.colour)).collect();
                    let pixels = Pixels::Labels { labels: segmentation.labels.0.view(), palette: &palette };
                    let layer = Layer::source(stamp((result.key, "classes")));
                    self.classes.paint(&canvas.painter, canvas.placement, layer, pixels);
                }
            }
            let below = segmentation.specimen_rows;
            paint_hatch(&canvas.painter, canvas.placement, size, below, Palette::of(ui).warning);
            if canvas.placement.rect.width() > 420.0 {
                paint_scale_bar(&canvas.painter, canvas.placement, segmentation.pixel.as_ref());
            }
            if let Some(cursor) = desk.view.position().filter(|_| linked) {
                paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
            }
            if let Some(text) = warning(session, result) {
                paint_badge(&canvas.painter, canvas.placement, text);
            }
        });
        self.legend_ui(ui, result, segmentation);
    }

    /// Every class with its colour and the share of the image it covers.
    fn legend_ui(&mut self, ui: &mut Ui, result: &RunResult, segmentation: &Segmentation) {
        let key = result.key;
        if self.areas.as_ref().is_none_or(|(counted, _)| *counted != key) {
            self.areas = Some((key, area_fractions(segmentation, &result.objects)));
        }
        let areas = self.areas.as_ref().map(|(_, areas)| areas.as_slice()).unwrap_or_default();
        let palette = Palette::of(ui);
        ScrollArea::horizontal().id_salt("legend").show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 5.0;
                for (class, area) in segmentation.classes.iter().zip(areas) {
                    swatch(ui, colour(class.colour));
                    ui.label(small(&class.name).color(palette.text));
                    ui.label(small(format::percent(*area)).color(palette.weak))
                        .on_hover_text("Share of the specimen's area");
                    ui.add_space(8.0);
                }
            });
        });
    }
}

/// Whether the image is like the training images, in a few words; the details stand in Trust.
fn badge_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let Some(found) = desk.session.likeness_now() else { return };
    let palette = Palette::of(ui);
    let colour = if found.similar { palette.accent } else { palette.warning };
    // A narrow bar says it by the dot alone.
    let text = if ui.available_width() > 330.0 { format!("● {}", found.badge()) } else { "●".to_owned() };
    let button = Button::new(small(text).color(colour)).frame(false);
    let response = ui.add(button).on_hover_text(found.words.join("\n"));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, found.badge()));
    if response.clicked() {
        desk.act(Action::ShowTrust);
    }
}

/// What has to be said over an answer: that it means nothing, or that it is not of what is shown now.
fn warning(session: &Session, result: &RunResult) -> Option<&'static str> {
    if result.model.card.is_untrained() {
        return Some(UNTRAINED);
    }
    (!session.result_is_current()).then(|| earlier(session))
}

/// Whose a result is that is not of what is shown now.
fn earlier(session: &Session) -> &'static str {
    if session.is_busy(JobKind::Run) { "previous result" } else { "of an earlier run: press Run (F5)" }
}

/// Share of the specimen each class covers; what no object covers is background.
fn area_fractions(segmentation: &Segmentation, objects: &[Object]) -> Vec<f64> {
    let all = (segmentation.specimen_rows * segmentation.labels.width()) as u64;
    let mut areas = vec![0; segmentation.classes.len()];
    for object in objects {
        if let Some(area) = areas.get_mut(usize::from(object.class)) {
            *area += object.area_px;
        }
    }
    let covered: u64 = areas.iter().sum();
    if let Some(background) = areas.first_mut() {
        *background = all.saturating_sub(covered);
    }
    areas.iter().map(|area| *area as f64 / all.max(1) as f64).collect()
}

fn colour([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// One horizontal bar a class.
fn classification_ui(ui: &mut Ui, classification: &Classification) {
    let palette = Palette::of(ui);
    let best = classification.probabilities.iter().copied().fold(0.0, f32::max);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space(4.0);
        for (class, probability) in classification.classes.iter().zip(&classification.probabilities) {
            let is_best = *probability >= best;
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
            let spoken = format!("{} {}", class.name, format::percent(f64::from(*probability)));
            response
                .widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Label, true, &spoken));
            let painter = ui.painter();
            let ink = if is_best { palette.strong } else { palette.text };
            let family = if is_best { strong_family() } else { eframe::egui::FontFamily::Proportional };
            let font = FontId::new(12.5, family);
            let text_y = rect.top() + 9.0;
            painter.text(
                pos2(rect.left() + 4.0, text_y),
                Align2::LEFT_CENTER,
                &class.name,
                font.clone(),
                ink,
            );
            let percent = format::percent(f64::from(*probability));
            painter.text(pos2(rect.right() - 4.0, text_y), Align2::RIGHT_CENTER, percent, font, ink);
            let track = Rect::from_min_max(
                pos2(rect.left() + 4.0, rect.top() + 20.0),
                pos2(rect.right() - 4.0, rect.top() + 27.0),
            );
            let round = CornerRadius::same(3);
            painter.rect_filled(track, round, palette.control);
            let filled = Rect::from_min_size(
                track.min,
                vec2(track.width() * probability.clamp(0.0, 1.0), track.height()),
            );
            painter.rect_filled(filled, round, colour(class.colour));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{LabelMap, measure};
    use crate::network::ClassInfo;
    use ndarray::{Array2, Array3};

    #[test]
    fn what_no_object_covers_is_background() {
        let labels = Array2::from_shape_vec((2, 4), vec![0, 1, 1, 0, 0, 2, 0, 0]).unwrap();
        let class = |name: &str| ClassInfo { name: name.to_owned(), colour: [0; 3] };
        let segmentation = Segmentation {
            labels: LabelMap(labels),
            probabilities: Array3::zeros((3, 2, 4)),
            classes: vec![class("matrix"), class("grain"), class("pore")],
            specimen_rows: 2,
            pixel: None,
            tile: None,
        };
        let objects = measure(&segmentation.labels, None);
        assert_eq!(area_fractions(&segmentation, &objects), [0.625, 0.25, 0.125]);
    }
}
