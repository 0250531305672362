//! What the file says: format, axes, scale and info bar with their sources, notes, and every other field to search.
use super::PaneUi;
use super::info_facts::Facts;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::empty_state;
use crate::imaging::{Metadata, Micrograph};
use crate::session::Session;
use eframe::egui::{self, Align, Label, Layout, ScrollArea, Sense, TextEdit, Ui};
use egui_extras::{Column, TableBuilder};

const ROW: f32 = 20.0;

#[derive(Default)]
pub(super) struct InfoPane {
    facts: Facts,
    search: String,
    /// Fields that the search finds: of which micrograph and words, and their places.
    found: Option<(u64, String, Vec<usize>)>,
}

impl PaneUi for InfoPane {
    fn title(&self) -> &'static str {
        "Info"
    }

    fn detail(&self, session: &Session) -> String {
        session.micrograph().map(|shown| shown.format().to_owned()).unwrap_or_default()
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.micrograph().is_none_or(|shown| shown.metadata().fields().is_empty()) {
            return;
        }
        let edit = TextEdit::singleline(&mut self.search).hint_text("Find a field").desired_width(96.0);
        let field = ui.add(edit.font(egui::TextStyle::Small)).accessible_name("Find a field");
        field.on_hover_text("Words of a field's name or value");
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let Some(opened) = session.current_opened() else {
            empty_state(ui, "No micrograph", "What its file says of itself will stand here.");
            return;
        };
        let micrograph = &opened.micrograph;
        let bare = micrograph.metadata().fields().is_empty();
        let height = if bare { ui.available_height() } else { ui.available_height() * 0.5 };
        ScrollArea::vertical().id_salt("facts").max_height(height).auto_shrink([false, !bare]).show(
            ui,
            |ui| {
                self.facts.ui(ui, desk, opened);
                notes_ui(ui, micrograph);
            },
        );
        if !bare {
            ui.separator();
            self.fields_ui(ui, opened.id, micrograph.metadata());
        }
    }
}

impl InfoPane {
    fn fields_ui(&mut self, ui: &mut Ui, id: u64, metadata: &Metadata) {
        let fresh = self.found.as_ref().is_some_and(|(of, words, _)| *of == id && *words == self.search);
        if !fresh {
            self.found = Some((id, self.search.clone(), places(metadata, &self.search)));
        }
        let places = self.found.as_ref().map(|(_, _, places)| places.as_slice()).unwrap_or_default();
        let palette = Palette::of(ui);
        let count = format::plural(metadata.fields().len(), "field");
        let count = if self.search.trim().is_empty() {
            format!("{count}; click one to copy its value")
        } else {
            format!("{} of {count}", format::thousands(places.len() as u64))
        };
        ui.label(small(count).color(palette.weak));
        ui.spacing_mut().item_spacing.y = 0.0;
        let table = TableBuilder::new(ui)
            .id_salt("fields")
            .sense(Sense::click())
            .striped(true)
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink(false)
            .column(Column::initial(190.0).at_least(60.0).clip(true).resizable(true))
            .column(Column::remainder().at_least(60.0).clip(true));
        table.body(|body| {
            body.rows(ROW, places.len(), |mut row| {
                let Some((name, value)) = metadata.fields().get(places[row.index()]) else { return };
                row.col(|ui| {
                    ui.add(Label::new(small(name).color(palette.text)).truncate().selectable(false));
                });
                row.col(|ui| {
                    let shown = Label::new(small(value).color(palette.strong)).truncate().selectable(false);
                    ui.add(shown);
                });
                let response = row.response();
                if response.clicked() {
                    response.ctx.copy_text(value.clone());
                }
                response.on_hover_text(format!("{name}\n{value}\n\nClick to copy the value"));
            });
        });
    }
}

/// Places of the fields that have all words of `search`.
fn places(metadata: &Metadata, search: &str) -> Vec<usize> {
    let mut found = metadata.matching(search).peekable();
    let mut is_next = |field: &(String, String)| found.next_if(|next| std::ptr::eq(*next, field)).is_some();
    (0..metadata.fields().len()).filter(|&place| is_next(&metadata.fields()[place])).collect()
}

fn notes_ui(ui: &mut Ui, micrograph: &Micrograph) {
    for note in micrograph.notes() {
        ui.label(small(note).color(Palette::of(ui).warning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_fields_are_those_that_match() {
        let mut metadata = Metadata::default();
        for (name, value) in
            [("Beam / HV", "5000"), ("Scan / Width", "1 µm"), ("Beam / Spot", "5"), ("Beam / HV", "1")]
        {
            metadata.push(name, value);
        }
        assert_eq!(places(&metadata, ""), [0, 1, 2, 3]);
        assert_eq!(places(&metadata, "beam hv"), [0, 3]);
        assert_eq!(places(&metadata, "width"), [1]);
        assert!(places(&metadata, "stage").is_empty());
    }
}
