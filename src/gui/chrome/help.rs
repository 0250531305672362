//! The help window: every shortcut, the mouse, and what the words mean.
use crate::gui::actions::Action;
use crate::gui::theme::{Palette, small, strong};
use eframe::egui::{self, Align2, Grid, Label, ScrollArea, Ui, Window, vec2};

const MOUSE: [(&str, &str); 5] = [
    ("Wheel", "Zoom to the cursor, in all image panes together"),
    ("Drag", "Move the picture"),
    ("Double click", "Fit"),
    ("Click in the feature map", "Keep its receptive field on the source; click it again to let go"),
    ("Drop files", "Open micrographs, or a model file"),
];

const WORDS: [(&str, &str); 7] = [
    ("Node", "One operation of the network, such as a convolution; its outputs are feature maps."),
    ("Feature map", "What one filter of a node answered at every place of the micrograph."),
    (
        "Receptive field",
        "The part of the micrograph that can change one feature pixel; nothing outside it is seen.",
    ),
    ("Dead feature", "A feature with the same value everywhere on this image: it tells nothing here."),
    ("Sparsity", "The share of exact zeros in a feature map, which a ReLU makes."),
    ("Halo", "The border a tile is computed with so that cutting an image into tiles leaves no seams."),
    ("Multiply-adds", "Multiplications with an addition: the work of a node, whatever the machine."),
];

/// Draws the window while `open`.
pub(in crate::gui) fn help_ui(ctx: &egui::Context, open: &mut bool) {
    let window = Window::new("Help").open(open).collapsible(false).resizable(false);
    window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(ctx, |ui| {
        ui.set_width(720.0);
        ScrollArea::vertical().max_height(ui.ctx().content_rect().height() - 140.0).show(ui, |ui| {
            ui.columns(2, |columns| {
                shortcuts_ui(&mut columns[0]);
                words_ui(&mut columns[1]);
            });
        });
    });
}

fn shortcuts_ui(ui: &mut Ui) {
    let mut group = "";
    for action in Action::ALL {
        let about = action.about();
        if about.group != group {
            group = about.group;
            ui.add_space(4.0);
            ui.label(strong(group).color(Palette::of(ui).accent));
        }
        let keys: Vec<_> =
            about.shortcuts.iter().take(2).map(|shortcut| ui.ctx().format_shortcut(shortcut)).collect();
        line_ui(ui, about.text, &keys.join(", "), about.tooltip);
    }
}

fn line_ui(ui: &mut Ui, text: &str, keys: &str, tooltip: &str) {
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        ui.add_sized([150.0, 16.0], Label::new(text).halign(egui::Align::LEFT)).on_hover_text(tooltip);
        ui.label(egui::RichText::new(keys).monospace().color(Palette::of(ui).weak));
    });
}

fn words_ui(ui: &mut Ui) {
    let accent = Palette::of(ui).accent;
    ui.add_space(4.0);
    ui.label(strong("Mouse").color(accent));
    Grid::new("mouse").num_columns(2).spacing([12.0, 4.0]).max_col_width(240.0).show(ui, |ui| {
        for (gesture, meaning) in MOUSE {
            ui.add(Label::new(gesture).wrap());
            ui.add(Label::new(small(meaning).color(Palette::of(ui).weak)).wrap());
            ui.end_row();
        }
    });
    ui.add_space(8.0);
    ui.label(strong("Words").color(accent));
    for (word, meaning) in WORDS {
        ui.label(strong(word).size(12.5));
        ui.add(Label::new(small(meaning).color(Palette::of(ui).weak)).wrap());
        ui.add_space(2.0);
    }
}
