//! All features of the chosen node: how they are ordered, coloured and sized.
use super::PaneUi;
use super::sheet::{LARGEST, SMALLEST, Sheet};
use crate::gui::desk::Desk;
use crate::gui::theme::small;
use crate::gui::widgets::{bar_slider, colormap_box, empty_state, toggle};
use crate::inspect::FeatureOrder;
use crate::session::{Command, JobKind, Session};
use eframe::egui::{ComboBox, Ui};

#[derive(Default)]
pub(super) struct FeaturesPane {
    sheet: Sheet,
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
            let fitted = self.sheet.cell.is_none();
            if toggle(ui, fitted, "Fit all", "As large as shows all features at once") {
                self.sheet.cell = if fitted { Some(self.sheet.cell_now) } else { None };
            }
            let mut cell = self.sheet.cell_now;
            let response = bar_slider(ui, &mut cell, SMALLEST..=LARGEST, "Cell size");
            if response.on_hover_text("Size of the feature maps in the sheet").changed() {
                self.sheet.cell = Some(cell);
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
        self.sheet.ui(ui, desk, features);
    }
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
