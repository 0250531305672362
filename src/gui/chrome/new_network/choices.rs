//! The choices that an architecture leaves open, as fields; those that it does not have are not shown.
use super::Chosen;
use crate::gui::widgets::caption;
use crate::network::architectures::{Answer, ArchitectureSpec, Encoder, Growth, Head};
use eframe::egui::{Checkbox, ComboBox, DragValue, Grid, TextEdit, Ui};
use std::ops::RangeInclusive;

/// Fields a line.
const ACROSS: usize = 4;
const FIELD: f32 = 116.0;

/// Draws one field.
type Field<'a> = Box<dyn FnOnce(&mut Ui) + 'a>;

/// Draws them, a few side by side, each under its name.
pub(super) fn choices_ui(ui: &mut Ui, chosen: &mut Chosen) {
    Grid::new("choices").num_columns(ACROSS).spacing([12.0, 8.0]).show(ui, |ui| {
        for (place, field) in fields(chosen).into_iter().enumerate() {
            ui.vertical(|ui| {
                ui.set_width(FIELD);
                ui.spacing_mut().item_spacing.y = 2.0;
                field(ui);
            });
            if place % ACROSS == ACROSS - 1 {
                ui.end_row();
            }
        }
    });
}

fn fields(chosen: &mut Chosen) -> Vec<Field<'_>> {
    let Chosen { spec, size, seed, hidden } = chosen;
    let [height, width] = size;
    let in_px = "In px; what the numbers below are for";
    let mut fields = vec![
        number("Channels", &mut spec.in_channels, 1..=4096, "Of the image: 1 for grey values"),
        number("Classes", &mut spec.classes, 1..=65_535, "Or outputs of a regressor"),
        number("Image height", height, 1..=65_536, in_px),
        number("Image width", width, 1..=65_536, in_px),
    ];
    let ArchitectureSpec { width, base, depth, batch_norm, padded, global_pooling, .. } = spec;
    fields.extend(width.as_mut().map(times));
    fields.extend(base.as_mut().map(|base| number("Base", base, 1..=4096, "Channels of the first level")));
    let hint = "How often the image is halved";
    fields.extend(depth.as_mut().map(|depth| number("Depth", depth, 1..=12, hint)));
    fields.extend(spec.hidden.as_mut().map(move |features| hidden_layers(hidden, features)));
    fields.extend(spec.upsample.as_mut().map(|chosen| {
        one_of("Decoder grows by", chosen, Growth::ALL.map(|growth| (growth, growth.name())).to_vec())
    }));
    fields.extend(spec.encoder.as_mut().map(|chosen| {
        one_of("Encoder", chosen, Encoder::ALL.map(|encoder| (encoder, encoder.name())).to_vec())
    }));
    fields.extend(spec.head.as_mut().map(|chosen| {
        one_of("Numbers for each", chosen, Head::ALL.map(|head| (head, head.name())).to_vec())
    }));
    fields.extend(spec.answer.as_mut().map(|chosen| {
        one_of("Numbers are", chosen, Answer::ALL.map(|answer| (answer, answer.name())).to_vec())
    }));
    let hint = "Normalise behind every convolution";
    fields.extend(batch_norm.as_mut().map(|on| switch("Batch-norm", on, hint)));
    let hint = "Convolutions keep the size; without, the answer is smaller than the image";
    fields.extend(padded.as_mut().map(|on| switch("Padded", on, hint)));
    let hint = "The features are averaged over the image, so that any size fits";
    fields.extend(global_pooling.as_mut().map(|on| switch("Global pooling", on, hint)));
    fields.push(seed_field(seed));
    fields
}

fn seed_field(seed: &mut u64) -> Field<'_> {
    Box::new(move |ui| {
        caption(ui, "Seed");
        let value = DragValue::new(seed).speed(0.1);
        ui.add(value).accessible_name("Seed").on_hover_text("The same seed draws the same weights");
    })
}

fn number<'a>(
    name: &'static str,
    value: &'a mut usize,
    range: RangeInclusive<usize>,
    hint: &'static str,
) -> Field<'a> {
    Box::new(move |ui| {
        caption(ui, name);
        ui.add(DragValue::new(value).range(range).speed(0.2)).accessible_name(name).on_hover_text(hint);
    })
}

fn switch<'a>(name: &'static str, on: &'a mut bool, hint: &'static str) -> Field<'a> {
    Box::new(move |ui| {
        caption(ui, name);
        let text = if *on { "yes" } else { "no" };
        ui.add(Checkbox::new(on, text)).accessible_name(name).on_hover_text(hint);
    })
}

/// The width multiplier.
fn times(width: &mut f64) -> Field<'_> {
    Box::new(move |ui| {
        caption(ui, "Times as wide");
        let value = DragValue::new(width).range(0.01..=64.0).speed(0.01).max_decimals(3).prefix("× ");
        let hint = "How many times as many channels as published: 0.25 for a network that trains on a laptop";
        ui.add(value).accessible_name("Times as wide").on_hover_text(hint);
    })
}

/// One of a few, by its name.
fn one_of<'a, T: Copy + PartialEq + 'a>(
    name: &'static str,
    chosen: &'a mut T,
    names: Vec<(T, &'static str)>,
) -> Field<'a> {
    Box::new(move |ui| {
        caption(ui, name);
        let now = names.iter().find(|(value, _)| value == chosen).map_or("", |(_, name)| *name);
        let shown = ComboBox::from_id_salt(name).width(FIELD - 16.0).selected_text(now).show_ui(ui, |ui| {
            for (value, name) in names {
                ui.selectable_value(chosen, value, name);
            }
        });
        shown.response.accessible_name(name);
    })
}

/// Features of the hidden layers, as numbers with commas between; what is no number counts for nothing.
fn hidden_layers<'a>(text: &'a mut String, features: &'a mut Vec<usize>) -> Field<'a> {
    Box::new(move |ui| {
        caption(ui, "Hidden layers");
        let edit = TextEdit::singleline(text).hint_text("64, 32").desired_width(FIELD - 10.0);
        let response = ui.add(edit).accessible_name("Hidden layers");
        if response.on_hover_text("Features of each, such as 64, 32; none for a perceptron").changed() {
            *features = numbers(text);
        }
    })
}

fn numbers(text: &str) -> Vec<usize> {
    text.split([',', ' ']).filter_map(|number| number.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_layers_are_read_as_far_as_they_are_numbers() {
        assert_eq!(numbers("64, 32,16"), [64, 32, 16]);
        assert_eq!(numbers(" 64 x, "), [64]);
        assert_eq!(numbers(""), [0; 0]);
    }
}
