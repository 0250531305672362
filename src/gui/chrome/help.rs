//! The help window: every shortcut, the mouse, and what the words mean.
use crate::export::Target;
use crate::gui::actions::Action;
use crate::gui::shortcuts::shortcut_text;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::window_head;
use crate::imaging::endings;
use eframe::egui::{
    self, Align2, FontId, Grid, Label, Role, ScrollArea, Sense, Ui, WidgetInfo, Window, vec2,
};

const MOUSE: [(&str, &str); 7] = [
    ("Wheel", "Zoom to the cursor, in all image panes together"),
    ("Drag", "Move the picture, or draw with the line or area tool; the middle button always moves it"),
    ("Drag an end, corner or edge", "Change the line or the rectangle"),
    ("Click in the overview", "Look elsewhere"),
    ("Double click", "Fit"),
    ("Click in the feature map", "Keep its receptive field on the source; click it again to let go"),
    ("Drop files", "Open micrographs, or a model file"),
];

const WORDS: [(&str, &str); 9] = [
    ("Node", "One operation of the network, such as a convolution; its outputs are feature maps."),
    ("Feature map", "What one filter of a node answered at every place of the micrograph."),
    (
        "Receptive field",
        "The part of the micrograph that can change one feature pixel; nothing outside it is seen.",
    ),
    (
        "Effective receptive field",
        "How strongly each pixel really moves one value on this image, by its gradient; the box holds 95 % of it. It is \
         often much smaller than the receptive field.",
    ),
    (
        "Group",
        "Nodes whose names begin alike up to a dot, such as a level of a U-Net; a triangle folds them.",
    ),
    ("Dead feature", "A feature with the same value everywhere on this image: it tells nothing here."),
    ("Sparsity", "The share of exact zeros in a feature map, which a ReLU makes."),
    ("Halo", "The border a tile is computed with so that cutting an image into tiles leaves no seams."),
    ("Multiply-adds", "Multiplications with an addition: the work of a node, whatever the machine."),
];

/// Draws the window while `open`.
pub(in crate::gui) fn help_ui(ctx: &egui::Context, open: &mut bool) {
    if !*open {
        return;
    }
    let window = Window::new("Help").title_bar(false).resizable(false);
    window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(ctx, |ui| {
        ui.set_width(760.0);
        *open = !window_head(ui, "Help");
        let height = (ui.ctx().content_rect().height() - 140.0).min(700.0);
        ScrollArea::vertical().min_scrolled_height(height).max_height(height).show(ui, |ui| {
            ui.columns(2, |columns| {
                columns[0].vertical(shortcuts_ui);
                columns[1].vertical(words_ui);
            });
        });
    });
}

fn shortcuts_ui(ui: &mut Ui) {
    ui.spacing_mut().item_spacing.y = 4.0;
    let mut group = "";
    for action in Action::ALL {
        let about = action.about();
        if about.group != group {
            group = about.group;
            ui.add_space(6.0);
            ui.label(strong(group).color(Palette::of(ui).accent));
        }
        let shortcuts = about.shortcuts.iter().take(2);
        let keys: Vec<_> = shortcuts.map(|shortcut| shortcut_text(ui.ctx(), *shortcut)).collect();
        line_ui(ui, about.text, &keys.join(", "), about.tooltip);
    }
}

fn line_ui(ui: &mut Ui, text: &str, keys: &str, tooltip: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let palette = Palette::of(ui);
    let left = rect.left_center();
    ui.painter().text(left, Align2::LEFT_CENTER, text, FontId::proportional(13.0), palette.text);
    let keys_at = left + vec2(170.0, 0.0);
    ui.painter().text(keys_at, Align2::LEFT_CENTER, keys, FontId::monospace(12.0), palette.weak);
    response.on_hover_text(tooltip);
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
    ui.label(strong("Formats").color(accent));
    let formats: Vec<String> =
        endings().map(|(name, endings)| format!("{name} ({})", endings.join(", "))).collect();
    ui.add(Label::new(small(format!("Opens {}.", formats.join(", "))).color(Palette::of(ui).weak)).wrap());
    let written: Vec<&str> = Target::ALL.iter().map(|target| target.title()).collect();
    ui.add(
        Label::new(small(format!("Saves copies as {}.", written.join(", "))).color(Palette::of(ui).weak))
            .wrap(),
    );
    ui.add_space(8.0);
    ui.label(strong("Words").color(accent));
    for (word, meaning) in WORDS {
        ui.label(strong(word).size(12.5));
        ui.add(Label::new(small(meaning).color(Palette::of(ui).weak)).wrap());
        ui.add_space(2.0);
    }
}
