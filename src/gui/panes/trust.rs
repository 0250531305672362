//! May the answer be trusted? Whether the image is like the training images, and whether a threshold would do as well.
use super::PaneUi;
use crate::analysis::{BaselineRow, Baselines, INPUT, Likeness, Method, Polarity, Prediction, SpaceLikeness};
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{empty_state, number};
use crate::network::Task;
use crate::session::{Command, CompareCommand, JobKind, LabelsCommand, Session, TrustCommand};
use eframe::egui::{
    self, Align, Button, CornerRadius, Grid, Layout, Rect, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2,
};

/// Width of the left part, in points.
const LEFT: f32 = 430.0;

#[derive(Default)]
pub(super) struct TrustPane;

impl PaneUi for TrustPane {
    fn title(&self) -> &'static str {
        "Trust"
    }

    fn detail(&self, session: &Session) -> String {
        session.likeness_now().map(|found| found.badge().to_owned()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let why_not = why_not_compare(session);
        let compare = Button::new(small("Compare methods"));
        let hint = "Run thresholds and classical filters on the same image and see how near they come";
        let response = ui.add_enabled(why_not.is_none(), compare).on_hover_text(hint);
        if response.on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
            desk.send(Command::Trust(TrustCommand::Compare));
        }
        if session.labels.is_some() {
            let hint = "Score against the network's mask again";
            if ui.button(small("No labels")).on_hover_text(hint).clicked() {
                desk.send(Command::SetLabels(None));
            }
            let hint = "Say what the values of the mask mean, or open a label scheme";
            if ui.button(small("Values…")).on_hover_text(hint).clicked() {
                desk.send(Command::Labels(LabelsCommand::Ask));
            }
        }
        let labels = Button::new(small("Labels…"));
        let response =
            ui.add_enabled(why_not.is_none(), labels).on_hover_text(Action::OpenLabels.hint(ui.ctx()));
        if response.on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
            desk.act(Action::OpenLabels);
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        if session.result.is_none() || !session.result_is_current() {
            let advice = "Press Run (F5): then this says whether the image is like those that the model learned \
                          from, and whether a simple threshold would have done as well.";
            empty_state(ui, "Nothing to judge yet", advice);
            return;
        }
        let height = ui.available_height();
        ui.horizontal_top(|ui| {
            let left = LEFT.min(ui.available_width() * 0.5);
            ui.allocate_ui_with_layout(vec2(left, height), Layout::top_down(Align::Min), |ui| {
                ui.set_width(left);
                ScrollArea::vertical()
                    .id_salt("likeness")
                    .auto_shrink(false)
                    .show(ui, |ui| likeness_ui(ui, desk));
            });
            ui.separator();
            ui.vertical(|ui| {
                ScrollArea::both().id_salt("methods").auto_shrink(false).show(ui, |ui| methods_ui(ui, desk));
            });
        });
    }
}

/// Why methods cannot be compared now.
fn why_not_compare(session: &Session) -> Option<&'static str> {
    match session.result.as_ref().map(|result| &result.prediction) {
        _ if session.is_busy(JobKind::Baselines) => Some("The methods are running"),
        Some(Prediction::Segmentation(_)) if session.result_is_current() => None,
        Some(Prediction::Segmentation(_)) | None => Some("Run the model on this image first"),
        Some(_) => Some("Thresholds and filters make masks: they are compared with segmenters"),
    }
}

fn likeness_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let session = desk.session;
    let palette = Palette::of(ui);
    ui.label(strong("Is this image like the training images?").size(13.0).color(palette.strong));
    let Some(found) = session.likeness_now() else {
        let untold = session.result.as_ref().is_some_and(|result| result.model.training.is_none());
        let text = if session.is_busy(JobKind::Likeness) {
            "Comparing…"
        } else if untold {
            "This model carries no statistics of its training images. polepiece train --recipe … --statistics-only \
             --out MODEL gives it some without training again."
        } else {
            "No verdict: run the model again."
        };
        ui.label(small(text).color(palette.weak));
        return;
    };
    let (colour, verdict) =
        if found.similar { (palette.accent, "Similar") } else { (palette.warning, "Unusual") };
    ui.horizontal(|ui| {
        dot(ui, colour);
        let meaning = "Similar: nothing that is looked at here is unusual, which an image of another kind may share. \
                       Unusual: farther from the training images together, or from the nearest of them, than at least \
                       99 % of themselves are, or on pixels of a size that the network does not know.";
        ui.label(strong(verdict).size(15.0).color(colour)).on_hover_text(meaning);
        ui.label(small(format!("against {} training images", found.images)).color(palette.weak));
    });
    for words in &found.words {
        ui.label(small(words).color(palette.text));
    }
    resample_ui(ui, desk, found);
    ui.add_space(4.0);
    for space in &found.spaces {
        space_ui(ui, space);
    }
}

/// The offer to bring the image to pixels that the network knows.
fn resample_ui(ui: &mut Ui, desk: &mut Desk<'_>, found: &Likeness) {
    let Some(pixel) = found.pixel.as_ref().filter(|pixel| pixel.unusual) else { return };
    let target = pixel.target_nm;
    let button = Button::new(format!("Resample to {} nm", format::value(target)));
    let hint = "Opens the same micrograph on pixels of that size beside this one; the file stays as it is";
    let busy = desk.session.is_busy(JobKind::Resample);
    if ui.add_enabled(!busy, button).on_hover_text(hint).clicked() {
        desk.send(Command::Trust(TrustCommand::Resample(target)));
    }
}

/// An image's distances in one space, each on a line of its own.
fn space_ui(ui: &mut Ui, space: &SpaceLikeness) {
    let palette = Palette::of(ui);
    let name = if space.of == INPUT { "Grey levels and texture" } else { &space.of };
    let meaning = if space.of == INPUT {
        "Mean, deviation and skewness of what goes into the network, how rough it is at 1, 2, 4 and 8 px, how much of it is \
         noise, and whether bright or dark detail stands out at 1, 2 and 4 px. Mahalanobis distance: about 1 is usual."
    } else {
        "The mean of each of this node's features over the image: what the network made of it. Mahalanobis distance \
         (Lee et al. 2018): about 1 is usual."
    };
    ui.horizontal(|ui| {
        ui.label(small(name).color(palette.text)).on_hover_text(meaning);
        let words = format!("{:.2}, farther than {}", space.distance, format::percent(space.percentile));
        ui.label(small(words).color(palette.weak)).on_hover_text("Of the training images");
    });
    scale_ui(ui, name, space.distance, space.limit);
    let Some(near) = &space.nearest else { return };
    let meaning = "The distance to the third nearest training image (Sun et al. 2022), over the limit that the training \
                   images' own distances to theirs set. Where training images are unlike each other, what lies between \
                   them is near their middle and yet like none of them: this line tells it.";
    ui.horizontal(|ui| {
        ui.label(small("nearest training images").color(palette.weak)).on_hover_text(meaning);
        let ink = if near.unusual { palette.warning } else { palette.weak };
        ui.label(small(format!("{:.2} times the limit", near.ratio)).color(ink)).on_hover_text(meaning);
    });
    scale_ui(ui, &format!("{name}, nearest training images"), near.distance, near.limit);
}

/// A distance on a line from 0 to beyond the limit.
fn scale_ui(ui: &mut Ui, name: &str, distance: f64, limit: f64) {
    let palette = Palette::of(ui);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width().min(360.0), 12.0), Sense::hover());
    let end = (limit * 1.6).max(distance.min(limit * 4.0) * 1.05).max(1e-9);
    let at = |value: f64| rect.left() + rect.width() * (value / end).clamp(0.0, 1.0) as f32;
    let track = Rect::from_min_max(pos2(rect.left(), rect.top() + 4.0), pos2(rect.right(), rect.top() + 8.0));
    let usual = Rect::from_min_max(track.min, pos2(at(limit), track.bottom()));
    let painter = ui.painter();
    painter.rect_filled(track, CornerRadius::same(2), palette.control);
    painter.rect_filled(usual, CornerRadius::same(2), palette.accent.gamma_multiply(0.45));
    let far = distance.is_nan() || distance > limit;
    let place = if distance.is_nan() { rect.right() } else { at(distance) };
    let colour = if far { palette.warning } else { palette.accent };
    painter.circle_filled(pos2(place, track.center().y), 4.5, colour);
    let spoken = format!("{name}: distance {distance:.2}, unusual from {limit:.2} on");
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &spoken));
    response.on_hover_text(spoken.clone());
}

fn dot(ui: &mut Ui, colour: egui::Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.5, colour);
}

fn methods_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let session = desk.session;
    let palette = Palette::of(ui);
    ui.label(strong("Is the network worth it?").size(13.0).color(palette.strong));
    let Some(compared) = session.baselines_now() else {
        let text = match session.result.as_ref().map(|result| result.model.task()) {
            _ if session.is_busy(JobKind::Baselines) => "Running the methods…",
            Some(Task::Segment) => {
                "Compare methods runs Otsu's threshold and six filters on the same image. With labels all get their \
                 IoU; without, it is said how much of the network's mask they find."
            }
            _ => "Thresholds and filters make masks: they are compared with segmenters.",
        };
        ui.label(small(text).color(palette.weak));
        return;
    };
    let found = &compared.baselines;
    let against = match &session.labels {
        Some(path) if found.labelled => {
            format!("against {}", path.file_name().unwrap_or_default().to_string_lossy())
        }
        _ => "against the network's mask; choose labels to score all of them".to_owned(),
    };
    ui.label(small(against).color(palette.weak));
    if let Some(words) = session.labelling.words.as_ref().filter(|_| found.labelled) {
        ui.label(small(words).color(palette.weak));
    }
    table_ui(ui, desk, found);
}

fn table_ui(ui: &mut Ui, desk: &mut Desk<'_>, found: &Baselines) {
    let palette = Palette::of(ui);
    let scored = found.rows.iter().filter_map(|row| row.mean_iou);
    let best = scored.fold(f64::NEG_INFINITY, f64::max);
    Grid::new("methods").striped(true).spacing([16.0, 3.0]).show(ui, |ui| {
        let heads = [
            ("method".to_owned(), "Click one to see its mask over the source"),
            ("side".to_owned(), "Which side of the threshold is the foreground: the one that scores better"),
            (format!("IoU {}", found.sides[0]), "Intersection over union of the background"),
            (format!("IoU {}", found.sides[1]), "Intersection over union of the foreground"),
            ("mean IoU".to_owned(), "Of both sides"),
            ("area".to_owned(), "Share of the specimen that is foreground"),
            (String::new(), ""),
        ];
        for (name, meaning) in heads {
            ui.label(small(name).color(palette.weak)).on_hover_text(meaning);
        }
        ui.end_row();
        for (place, row) in found.rows.iter().enumerate() {
            row_ui(ui, desk, (place, row), row.mean_iou.is_some_and(|iou| iou >= best));
            ui.end_row();
        }
    });
    for (class, iou) in found.rows.iter().flat_map(|row| &row.classes) {
        let iou = iou.map_or("–".to_owned(), |iou| format!("{iou:.3}"));
        ui.label(small(format!("{}, {class}: IoU {iou}", found.model)).color(palette.weak));
    }
}

fn row_ui(ui: &mut Ui, desk: &mut Desk<'_>, (place, row): (usize, &BaselineRow), best: bool) {
    let palette = Palette::of(ui);
    let shown = desk.session.trust.shown == Some(place);
    let ink = if best { palette.accent } else { palette.text };
    let text = if row.method.is_none() { strong(&row.name).size(11.0) } else { small(&row.name) };
    let meaning = row.method.map_or("The chosen model: its own mask is shown", Method::about);
    if ui.add(Button::selectable(shown, text.color(ink))).on_hover_text(meaning).clicked() {
        desk.send(Command::Trust(TrustCommand::Show((!shown).then_some(place))));
    }
    ui.label(small(row.polarity.map_or("", Polarity::name)).color(palette.weak));
    for value in [row.iou[0], row.iou[1], row.mean_iou] {
        ui.label(number(value.map_or("–".to_owned(), |value| format!("{value:.3}"))).color(ink));
    }
    ui.label(number(format::percent(row.foreground)));
    let (Some(method), Some(polarity)) = (row.method, row.polarity) else { return };
    let busy = desk.session.is_busy(JobKind::Compare);
    let response = ui.add_enabled(!busy, Button::new(small("Beside")).small());
    let named = response.accessible_name(format!("{} beside the network", row.name));
    let hint =
        "This mask beside the network's in the Compare pane, with the pixels in which they agree and differ";
    if named.on_hover_text(hint).on_disabled_hover_text("Two are being compared").clicked() {
        desk.send(Command::Compare(CompareCommand::Mask(method, polarity)));
    }
}
