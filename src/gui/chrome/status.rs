//! The line at the bottom: position, value, feature and class under the linked cursor.
use crate::analysis::Prediction;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::panes::value_at;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{at_right, divider, number};
use crate::imaging::format_length;
use crate::session::{PredictionView, Session};
use eframe::egui::Ui;
use ndarray::Axis;

/// Draws the line.
pub(in crate::gui) fn status_ui(ui: &mut Ui, desk: &Desk<'_>) {
    let palette = Palette::of(ui);
    ui.horizontal_centered(|ui| {
        let entries = desk.view.position().map(|at| entries(desk.session, at)).unwrap_or_default();
        if entries.is_empty() {
            ui.label(small("Point at the image to read values").color(palette.weak));
        }
        for (place, entry) in entries.iter().enumerate() {
            if place > 0 {
                divider(ui);
            }
            if !entry.name.is_empty() {
                ui.label(small(&entry.name).color(palette.weak));
            }
            ui.label(number(&entry.value).color(palette.text));
        }
        at_right(ui, |ui| {
            if let Some(result) = &desk.session.result {
                let mut text = format!("{:.2} s", result.seconds);
                if matches!(result.prediction, Prediction::Segmentation(_)) {
                    text = format!("{} in {text}", format::plural(result.objects.len(), "object"));
                }
                if !desk.session.result_is_current() {
                    text += " (earlier run)";
                }
                ui.label(small(text).color(palette.weak));
            }
        });
    });
}

/// One part of the line.
struct Entry {
    name: String,
    value: String,
}

fn entry(name: impl Into<String>, value: impl Into<String>) -> Entry {
    Entry { name: name.into(), value: value.into() }
}

/// What is known at a source position `[x, y]`.
fn entries(session: &Session, [x, y]: [f64; 2]) -> Vec<Entry> {
    let mut entries = Vec::new();
    if x < 0.0 || y < 0.0 {
        return entries;
    }
    let (column, row) = (x as usize, y as usize);
    let place = format!("x {} y {}", format::thousands(column as u64), format::thousands(row as u64));
    entries.push(entry("", place));
    let pixel = session.micrograph().and_then(|shown| shown.calibration().pixel());
    if let Some(pixel) = pixel {
        let lengths = (format_length(column as f64 * pixel.x_nm), format_length(row as f64 * pixel.y_nm));
        entries.push(entry("", format!("{}, {}", lengths.0, lengths.1)));
    }
    entries.extend(value_entries(session, row, column));
    entries.extend(feature_entry(session, [y, x]));
    entries.extend(class_entry(session, row, column));
    entries.extend(output_entry(session, [x, y]));
    entries
}

/// Channels that have their values named one by one.
const MOST_CHANNELS: usize = 6;

/// The value of every channel that is there, or of many the shown one's with its name or energy.
fn value_entries(session: &Session, row: usize, column: usize) -> Vec<Entry> {
    let (Some(shown), Some(micrograph)) = (&session.shown, session.micrograph()) else { return Vec::new() };
    let [height, width] = shown.size();
    if row >= height || column >= width {
        return Vec::new();
    }
    let value = |channel: usize| shown.plane_of(channel).map(|plane| format::value(plane.value(row, column)));
    let name = |channel: usize| {
        micrograph.channel_names().get(channel).cloned().unwrap_or_else(|| format!("channel {channel}"))
    };
    let channels = micrograph.channels();
    if let Some(energy) = micrograph.energy().filter(|_| channels > 1) {
        let at = energy.offset + energy.scale * shown.channel as f64;
        let named = format!("at {} {}", format::value(at), energy.unit);
        return value(shown.channel).map(|value| entry(named.trim_end(), value)).into_iter().collect();
    }
    if channels == 1 {
        return value(0).map(|value| entry("value", value)).into_iter().collect();
    }
    let named = (0..channels).filter(|channel| channels <= MOST_CHANNELS || *channel == shown.channel);
    named.filter_map(|channel| Some(entry(name(channel), value(channel)?))).collect()
}

fn feature_entry(session: &Session, source: [f64; 2]) -> Option<Entry> {
    let features = session.features.as_ref()?;
    let feature = session.feature?;
    let [row, column] = features.maps.pixel_at(source)?;
    let value = features.maps.maps.get([feature, row, column])?;
    Some(entry(format!("feature {feature}"), format::value(f64::from(*value))))
}

/// The number that the prediction shows at a position `[x, y]`.
fn output_entry(session: &Session, at: [f64; 2]) -> Option<Entry> {
    let Prediction::Regression(regression) = &session.result.as_ref()?.prediction else { return None };
    let PredictionView::Output(output) = session.prediction_view else { return None };
    let value = value_at(regression, output, at).filter(|_| session.result_is_current())?;
    let name = regression.outputs.get(output)?.name.clone();
    let units = regression.units.as_deref().map(|units| format!(" {units}")).unwrap_or_default();
    Some(entry(name, format!("{}{units}", format::value(f64::from(value)))))
}

/// The likeliest class at a pixel and how sure the model is.
fn class_entry(session: &Session, row: usize, column: usize) -> Option<Entry> {
    let Prediction::Segmentation(segmentation) = &session.result.as_ref()?.prediction else { return None };
    if !session.result_is_current() {
        return None;
    }
    let class = usize::from(*segmentation.labels.0.get([row, column])?);
    let name = segmentation.classes.get(class)?.name.clone();
    let classes = segmentation.probabilities.len_of(Axis(0));
    let probability = segmentation.probabilities.get([class.min(classes.checked_sub(1)?), row, column])?;
    Some(entry(name, format!("{probability:.2}")))
}
