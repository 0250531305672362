//! A regressor's answer: the map of one output with the bar of its colours, or an image's numbers.
use crate::analysis::{Numbers, OutputStatistics, Regression};
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::view::{
    Layer, Pixels, TiledPicture, canvas, paint_badge, paint_cursor, paint_hatch, paint_scale_bar, stamp,
    still_canvas,
};
use crate::gui::widgets::{at_right, caption, colormap_box, colour_bar, down_arrow, number, swatch};
use crate::imaging::{Colormap, Contrast};
use crate::session::{Command, PredictionView, RunResult, Session};
use eframe::egui::{Color32, ComboBox, Grid, ScrollArea, Ui, vec2};
use ndarray::{Axis, s};

/// Width of a bar with room for two boxes beside the tabs.
const ROOMY: f32 = 372.0;
/// Height of the colour bar and the numbers below it.
const LEGEND: f32 = 42.0;

#[derive(Default)]
pub(super) struct RegressionView {
    map: TiledPicture,
}

/// The output that is shown.
pub(super) fn shown_output(session: &Session, regression: &Regression) -> usize {
    match session.prediction_view {
        PredictionView::Output(output) if output < regression.outputs.len() => output,
        _ => 0,
    }
}

/// Chooses output and colours, where there are maps; in a narrow bar from one menu, so that the tabs keep their room.
pub(super) fn bar_ui(ui: &mut Ui, desk: &mut Desk<'_>, regression: &Regression) {
    if regression.maps().is_none() {
        return;
    }
    if ui.available_width() < ROOMY {
        return menu_ui(ui, desk, regression);
    }
    let now = shown_output(desk.session, regression);
    let mut chosen = now;
    let name = |output: usize| regression.outputs.get(output).map_or("?", |output| output.name.as_str());
    let combo = ComboBox::from_id_salt("output view").width(86.0).selected_text(small(name(now)));
    let shown = combo.show_ui(ui, |ui| {
        for output in 0..regression.outputs.len() {
            ui.selectable_value(&mut chosen, output, name(output));
        }
    });
    let hint = "Which of the model's numbers the map shows";
    shown.response.accessible_name("Output to show").on_hover_text(hint);
    if chosen != now {
        desk.send(Command::SetPredictionView(PredictionView::Output(chosen)));
    }
    let colours = desk.session.prediction_colormap;
    if let Some(colormap) = colormap_box(ui, "prediction colours", colours, "the prediction") {
        desk.send(Command::SetPredictionColormap(colormap));
    }
}

/// Output and colours in one menu.
fn menu_ui(ui: &mut Ui, desk: &mut Desk<'_>, regression: &Regression) {
    let now = shown_output(desk.session, regression);
    let colours = desk.session.prediction_colormap;
    let menu = ui.menu_button((small("View"), down_arrow(ui)), |ui| {
        caption(ui, "Output");
        for (output, class) in regression.outputs.iter().enumerate() {
            if ui.selectable_label(output == now, small(&class.name)).clicked() {
                desk.send(Command::SetPredictionView(PredictionView::Output(output)));
            }
        }
        ui.separator();
        caption(ui, "Colours");
        for colormap in Colormap::ALL {
            let button = ui.selectable_label(colormap == colours, small(colormap.name()));
            if button.on_hover_text(colormap.about()).clicked() {
                desk.send(Command::SetPredictionColormap(colormap));
            }
        }
    });
    let name = regression.outputs.get(now).map_or("?", |output| output.name.as_str());
    let hint =
        format!("Which of the model's numbers the map shows ({name}), and its colours ({})", colours.name());
    menu.response.accessible_name("Output and colours").on_hover_text(hint);
}

impl RegressionView {
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        result: &RunResult,
        regression: &Regression,
    ) {
        match &regression.numbers {
            Numbers::Maps(_) => self.map_ui(ui, desk, result, regression),
            Numbers::Image(values) => {
                if result.model.card.is_untrained() {
                    ui.label(small(super::UNTRAINED).color(Palette::of(ui).warning));
                }
                numbers_ui(ui, values, regression);
            }
        }
    }

    fn map_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, result: &RunResult, regression: &Regression) {
        let Some(maps) = regression.maps() else { return };
        let session = desk.session;
        let output = shown_output(session, regression);
        let (_, height, width) = maps.dim();
        let statistics = regression.statistics.get(output);
        let colormap = session.prediction_colormap;
        let contrast = window(statistics, colormap);
        let space = vec2(ui.available_width(), (ui.available_height() - LEGEND - 4.0).max(20.0));
        ui.allocate_ui(space, |ui| {
            let size = [width, height];
            let linked = desk.is_linked(size);
            let canvas = if linked {
                canvas(ui, desk.view, size, "Prediction image")
            } else {
                still_canvas(ui, size, "Prediction image")
            };
            // Of the info bar nothing is said, and nothing is drawn.
            let rows = regression.specimen_rows.min(height);
            let values = maps.index_axis(Axis(0), output).slice_move(s![..rows, ..]);
            let look = (result.key, output, contrast.low.to_bits(), contrast.high.to_bits(), colormap);
            let pixels = Pixels::Values { values, contrast, colormap };
            self.map.paint(&canvas.painter, canvas.placement, Layer::source(stamp(look)), pixels);
            paint_hatch(&canvas.painter, canvas.placement, size, rows, Palette::of(ui).warning);
            if canvas.placement.rect.width() > 420.0 {
                paint_scale_bar(&canvas.painter, canvas.placement, regression.pixel.as_ref());
            }
            if let Some(cursor) = desk.view.position().filter(|_| linked) {
                paint_cursor(&canvas.painter, canvas.placement, cursor, Palette::of(ui).accent);
            }
            if let Some(text) = super::warning(session, result) {
                paint_badge(&canvas.painter, canvas.placement, text);
            }
        });
        let under = desk.view.position().and_then(|at| value_at(regression, output, at));
        legend_ui(ui, regression, output, (contrast, colormap), under);
    }
}

/// The value of an output at a source position `[x, y]`, within the specimen.
pub(in crate::gui) fn value_at(regression: &Regression, output: usize, [x, y]: [f64; 2]) -> Option<f32> {
    if x < 0.0 || y < 0.0 {
        return None;
    }
    let value = *regression.maps()?.get([output, y as usize, x as usize])?;
    value.is_finite().then_some(value)
}

/// From the smallest number to the largest; symmetric about zero for signed colours.
fn window(statistics: Option<&OutputStatistics>, colormap: Colormap) -> Contrast {
    let finite = statistics.filter(|of| of.n > 0);
    let (low, high) = finite.map_or((0.0, 1.0), |of| (of.min as f32, of.max as f32));
    let (low, high) = if colormap.is_signed() {
        let reach = low.abs().max(high.abs());
        (-reach, reach)
    } else {
        (low, high)
    };
    if high > low { Contrast { low, high } } else { Contrast { low: low - 0.5, high: low + 0.5 } }
}

/// The colours from the smallest number to the largest, and below them mean and deviation, or the number at the cursor.
fn legend_ui(
    ui: &mut Ui,
    regression: &Regression,
    output: usize,
    (contrast, colormap): (Contrast, Colormap),
    under: Option<f32>,
) {
    let palette = Palette::of(ui);
    let ends = [contrast.low, contrast.high].map(|end| format::value(f64::from(end)));
    let units = regression.units.as_deref().map(|units| format!(" {units}")).unwrap_or_default();
    let label = format!("Map colours from {} to {}{units}", ends[0], ends[1]);
    let colour = |unit: f32| {
        let [r, g, b] = colormap.rgb(unit);
        Color32::from_rgb(r, g, b)
    };
    colour_bar(ui, &label, colour).on_hover_text(&label);
    ui.horizontal(|ui| {
        ui.label(small(&ends[0]).color(palette.weak));
        let name = regression.outputs.get(output).map_or("", |output| output.name.as_str());
        let text = match (under, regression.statistics.get(output)) {
            (Some(value), _) => format!("{name} {}{units}", format::value(f64::from(value))),
            (None, Some(of)) => {
                format!("{name} {} ± {}{units}", format::value(of.mean), format::value(of.sd))
            }
            (None, None) => name.to_owned(),
        };
        let about = "At the cursor, or the mean and standard deviation over the specimen";
        ui.label(small(text).color(palette.text)).on_hover_text(about);
        at_right(ui, |ui| {
            ui.label(small(&ends[1]).color(palette.weak));
        });
    });
}

/// One line an output.
fn numbers_ui(ui: &mut Ui, values: &[f32], regression: &Regression) {
    let palette = Palette::of(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space(4.0);
        Grid::new("numbers").num_columns(4).spacing([10.0, 7.0]).show(ui, |ui| {
            for (output, value) in regression.outputs.iter().zip(values) {
                let [r, g, b] = output.colour;
                swatch(ui, Color32::from_rgb(r, g, b));
                ui.label(strong(&output.name).color(palette.strong));
                ui.label(number(format::value(f64::from(*value))).color(palette.text));
                ui.label(small(regression.units.as_deref().unwrap_or_default()).color(palette.weak));
                ui.end_row();
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_reach_from_the_smallest_to_the_largest_number() {
        let of = |min, max| OutputStatistics { n: 4, mean: 0.0, sd: 1.0, min, max };
        let ends = |statistics: OutputStatistics, colormap| {
            let contrast = window(Some(&statistics), colormap);
            (contrast.low, contrast.high)
        };
        assert_eq!(ends(of(-1.0, 3.0), Colormap::Viridis), (-1.0, 3.0));
        assert_eq!(ends(of(-1.0, 3.0), Colormap::Signed), (-3.0, 3.0));
        assert_eq!(ends(of(2.0, 2.0), Colormap::Grey), (1.5, 2.5));
        let none = OutputStatistics { n: 0, ..of(f64::NAN, f64::NAN) };
        assert_eq!(ends(none, Colormap::Grey), (0.0, 1.0));
    }
}
