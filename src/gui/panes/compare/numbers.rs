//! How far apart the two are, in numbers.
use crate::analysis::{ClassAgreement, MatchedBy, Seen};
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::number;
use crate::session::Compared;
use eframe::egui::{Grid, ScrollArea, Ui};

const GRID: &str = "That of the finer map: each of its pixels was compared with the pixel of the other that lies over \
                    its middle. Width by height";

pub(super) fn ui(ui: &mut Ui, desk: &mut Desk<'_>, found: &Compared) {
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        values_ui(ui, desk, found);
        if let Some(classes) = &found.comparison.classes {
            ui.add_space(6.0);
            classes_ui(ui, classes);
        }
        of_image_ui(ui, found);
    });
}

fn values_ui(ui: &mut Ui, desk: &mut Desk<'_>, found: &Compared) {
    let weak = Palette::of(ui).weak;
    let Some(values) = &found.comparison.values else {
        if found.comparison.classes.is_none() {
            ui.label(small("There is no place that both show.").color(weak));
        }
        return;
    };
    Grid::new("values").num_columns(2).spacing([14.0, 3.0]).show(ui, |ui| {
        let correlation = values.correlation.map_or("–".to_owned(), |value| format!("{value:.4}"));
        let rows = [
            (
                "correlation",
                "Pearson's, over all values that both have; – where one does not vary",
                correlation,
            ),
            ("mean |A − B|", "Mean absolute difference", format::value(values.mean_absolute)),
            ("mean A − B", "Whether A is larger on the whole", format::value(values.mean)),
            ("largest |A − B|", "Anywhere", format::value(f64::from(values.largest))),
            ("values", "Pairs that were compared", format::thousands(values.n)),
        ];
        for (name, hint, value) in rows {
            ui.label(small(name).color(weak)).on_hover_text(hint);
            ui.label(number(value));
            ui.end_row();
        }
        if let Some(grid) = grid(found) {
            ui.label(small("grid").color(weak)).on_hover_text(GRID);
            ui.label(number(grid));
            ui.end_row();
        }
    });
    if found.comparison.difference.is_some() {
        let [y, x] = values.at.map(|at| at.max(0.0) as usize);
        super::super::robustness::go_ui(ui, desk, [y, x]);
    }
}

/// Of two feature maps: width by height of the grid they were compared on, and its pixels.
fn grid(found: &Compared) -> Option<String> {
    let map = found.comparison.difference.as_ref()?;
    let of_features = found.seen.iter().all(|seen| matches!(seen, Seen::Feature(..)));
    let ((height, width), [down, across]) = (map.values.dim(), map.scale);
    of_features.then(|| format!("{width} × {height} of {across} × {down} px"))
}

fn classes_ui(ui: &mut Ui, classes: &ClassAgreement) {
    let palette = Palette::of(ui);
    let share = classes.agreement.map_or("–".to_owned(), |share| format!("{:.2} %", 100.0 * share));
    let text = format!("The same class in {share} of {} px", format::thousands(classes.pixels));
    ui.label(small(text).color(palette.strong));
    if classes.matched_by == MatchedBy::Places {
        let text = "The classes have other names: they are matched by their places in the lists.";
        ui.label(small(text).color(palette.warning));
    }
    Grid::new("confusion").striped(true).spacing([14.0, 3.0]).show(ui, |ui| {
        ui.label(small("A ↓   B →").color(palette.weak))
            .on_hover_text("Pixels that are this class in A and that in B");
        ui.label(small("IoU").color(palette.weak))
            .on_hover_text("Pixels that are the class in both, by pixels that are it in at least one");
        for name in &classes.b {
            ui.label(small(name).color(palette.weak));
        }
        ui.end_row();
        for ((name, iou), counts) in classes.a.iter().zip(&classes.iou).zip(&classes.confusion) {
            ui.label(small(name).color(palette.text));
            ui.label(number(iou.map_or("–".to_owned(), |iou| format!("{iou:.3}"))));
            for count in counts {
                ui.label(number(format::thousands(*count)));
            }
            ui.end_row();
        }
    });
}

/// Probabilities or numbers of the image as a whole.
fn of_image_ui(ui: &mut Ui, found: &Compared) {
    let numbers = found.seen.each_ref().map(|seen| match seen {
        Seen::Answer(answer) => answer.of_image(),
        Seen::Feature(..) | Seen::Classical(_) => None,
    });
    let [Some(a), Some(b)] = numbers else { return };
    ui.add_space(6.0);
    Grid::new("of image").striped(true).spacing([14.0, 3.0]).show(ui, |ui| {
        for (head, numbers) in [("A", a), ("B", b)] {
            ui.label(small(head).color(Palette::of(ui).weak));
            for (name, value) in numbers {
                ui.label(small(name));
                ui.label(number(format::value(f64::from(value))));
            }
            ui.end_row();
        }
    });
}
