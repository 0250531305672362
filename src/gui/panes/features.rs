//! All features of the chosen node: how they are ordered, coloured and sized, and those that are pinned.
use super::PaneUi;
use super::node_picture::{NodePictureView, about};
use super::pins::Pins;
use super::sheet::{LARGEST, SMALLEST, Sheet};
use crate::analysis::Prediction;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{at_right, bar_slider, colormap_box, down_arrow, empty_state, toggle};
use crate::inspect::{Clusters, FeatureOrder};
use crate::session::{Against, Command, JobKind, SelectedFeatures, Session, SheetCommand, SheetView};
use eframe::egui::{ComboBox, DragValue, Slider, Ui, vec2};

/// Groups until another number is chosen.
const GROUPS: usize = 4;
const MEBI: f64 = 1024.0 * 1024.0;

pub(super) struct FeaturesPane {
    sheet: Sheet,
    picture: NodePictureView,
    pins: Pins,
    /// How many groups there are when places are grouped.
    groups: usize,
    /// While its slider is moved, MiB.
    budget: Option<f64>,
}

impl Default for FeaturesPane {
    fn default() -> Self {
        let (sheet, picture, pins) = (Sheet::default(), NodePictureView::default(), Pins::default());
        Self { sheet, picture, pins, groups: GROUPS, budget: None }
    }
}

/// The features of the chosen node: whole, or their small pictures while they are computed.
pub(super) fn shown(session: &Session) -> Option<&SelectedFeatures> {
    let preview = session.sheet.preview.as_ref();
    let preview = preview.filter(|preview| session.node.as_ref() == Some(&preview.maps.node));
    session.features.as_ref().or(preview)
}

impl PaneUi for FeaturesPane {
    fn title(&self) -> &'static str {
        "Features"
    }

    fn detail(&self, session: &Session) -> String {
        let Some(features) = shown(session) else { return String::new() };
        let dead = features.statistics.iter().filter(|statistics| statistics.dead).count();
        let all = features.statistics.len();
        let small = if session.features.is_none() { "   small pictures, computing the maps…" } else { "" };
        format!("{}   {dead} dead of {all}{small}", features.maps.node)
    }

    fn bar_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if desk.session.result.is_some() {
            self.memory_ui(ui, desk);
        }
    }

    fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let Some(features) = shown(session) else {
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
        self.tools_ui(ui, desk);
        ui.horizontal_top(|ui| {
            ui.set_height(ui.available_height());
            self.pins.ui(ui, desk);
            ui.allocate_ui(ui.available_size(), |ui| {
                ui.vertical(|ui| match session.sheet.view {
                    SheetView::Maps if features.order.is_empty() => {
                        empty_state(
                            ui,
                            "Every feature of this node is dead",
                            "Switch off “Hide dead” to see them.",
                        );
                    }
                    SheetView::Maps => self.sheet.ui(ui, desk, features),
                    SheetView::Components | SheetView::Clusters(_) => self.picture.ui(ui, desk, features),
                });
            });
        });
    }
}

impl FeaturesPane {
    /// What is shown and how, in one line over the sheet.
    fn tools_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        ui.horizontal(|ui| {
            let spacing = ui.spacing_mut();
            spacing.item_spacing.x = 5.0;
            spacing.button_padding = vec2(6.0, 2.0);
            spacing.interact_size.y = 20.0;
            spacing.icon_width = 13.0;
            self.views_ui(ui, desk);
            if desk.session.sheet.view != SheetView::Maps {
                return;
            }
            ui.add_space(6.0);
            order_box(ui, desk);
            if desk.session.feature_order == FeatureOrder::Correlation {
                class_box(ui, desk);
            }
            at_right(ui, |ui| self.look_ui(ui, desk));
        });
    }

    fn views_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let now = desk.session.sheet.view;
        let groups = SheetView::Clusters(self.groups);
        for (view, name) in [(SheetView::Maps, "Maps"), (SheetView::Components, "PCA"), (groups, "k-means")] {
            let on = std::mem::discriminant(&view) == std::mem::discriminant(&now);
            if toggle(ui, on, name, about(view)) && !on {
                desk.send(Command::Sheet(SheetCommand::Show(view)));
            }
        }
        if let SheetView::Clusters(_) = now {
            let number =
                DragValue::new(&mut self.groups).range(2..=Clusters::MOST).suffix(" groups").speed(0.05);
            let response = ui.add(number).on_hover_text("How many groups the places are put into");
            if response.changed() {
                desk.send(Command::Sheet(SheetCommand::Show(SheetView::Clusters(self.groups))));
            }
        }
    }

    /// Right to left.
    fn look_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
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
        if ui.available_width() > 150.0 {
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

    /// How much memory feature maps take, and may take.
    fn memory_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let session = desk.session;
        let [whole, reduced] = session.kept_bytes().map(|bytes| bytes as f64 / MEBI);
        let text = small(format!("{:.0} MiB kept", whole + reduced)).color(Palette::of(ui).weak);
        let menu = ui.menu_button((text, down_arrow(ui)), |ui| {
            ui.set_min_width(270.0);
            ui.label(small(format!("{whole:.0} MiB of maps, {reduced:.1} MiB of small pictures")));
            let mut budget = self.budget.unwrap_or(session.feature_memory() as f64 / MEBI);
            let slider = Slider::new(&mut budget, 64.0..=16_384.0).logarithmic(true).fixed_decimals(0);
            let response = ui.add(slider.suffix(" MiB")).accessible_name("Memory for feature maps");
            self.budget = (response.dragged() || response.has_focus()).then_some(budget);
            if response.drag_stopped() || (response.changed() && !response.dragged()) {
                desk.send(Command::Sheet(SheetCommand::SetMemory(Some((budget * MEBI) as u64))));
            }
            let advice = "The chosen node is kept whole. Of nodes that do not fit, small pictures and exact numbers are kept; \
                          their maps are computed again when they are chosen.";
            ui.label(small(advice).color(Palette::of(ui).weak));
            let automatic = session.preferences.feature_memory.is_none();
            let why = "It is already: a quarter of what is free, at most 512 MiB";
            let button = ui.add_enabled(!automatic, eframe::egui::Button::new(small("By what is free")));
            if button.on_disabled_hover_text(why).clicked() {
                desk.send(Command::Sheet(SheetCommand::SetMemory(None)));
            }
        });
        let hint = format!(
            "Memory that feature maps take: {:.0} of at most {:.0} MiB",
            whole + reduced,
            session.feature_memory() as f64 / MEBI
        );
        menu.response.accessible_name("Memory of feature maps").on_hover_text(hint);
    }
}

fn order_box(ui: &mut Ui, desk: &mut Desk<'_>) {
    let names = [
        (FeatureOrder::Index, "by index"),
        (FeatureOrder::Variance, "by variance"),
        (FeatureOrder::Mean, "by mean"),
        (FeatureOrder::Sparsity, "by sparsity"),
        (FeatureOrder::Correlation, "by correlation"),
    ];
    let now = desk.session.feature_order;
    let name = names.iter().find(|(order, _)| *order == now).map_or("", |(_, name)| name);
    let has_classes = class_names(desk.session).is_some();
    let mut chosen = now;
    let shown =
        ComboBox::from_id_salt("feature order").width(100.0).selected_text(small(name)).show_ui(ui, |ui| {
            for (order, name) in names {
                let enabled = order != FeatureOrder::Correlation || has_classes;
                ui.add_enabled_ui(enabled, |ui| {
                    ui.selectable_value(&mut chosen, order, name)
                        .on_disabled_hover_text("This result has no classes per pixel to go with");
                });
            }
        });
    let hint = "Variance: how much a feature tells places apart. Sparsity: the share of exact zeros after a ReLU. \
                Correlation: how closely a feature follows a class, the strongest first, whatever the sign.";
    shown.response.accessible_name("Order of the features").on_hover_text(hint);
    if chosen != now {
        desk.send(Command::SetFeatureOrder(chosen));
    }
}

/// The classes of a result that has one a pixel.
fn class_names(session: &Session) -> Option<Vec<String>> {
    let Prediction::Segmentation(found) = &session.result.as_ref()?.prediction else { return None };
    Some(found.classes.iter().map(|class| class.name.clone()).collect())
}

/// Which class features are held against.
fn class_box(ui: &mut Ui, desk: &mut Desk<'_>) {
    let Some(names) = class_names(desk.session) else { return };
    let Some(now) = desk.session.sheet.against else { return };
    let labels = desk.session.sheet.labels.as_ref();
    let text = |against: Against| match against {
        Against::Prediction(class) => names.get(class).cloned().unwrap_or_default(),
        Against::Labels(class) => format!("{} in labels", names.get(class).map_or("", String::as_str)),
    };
    let mut chosen = now;
    let shown =
        ComboBox::from_id_salt("class of the features").selected_text(small(text(now))).show_ui(ui, |ui| {
            for class in 0..names.len() {
                let against = Against::Prediction(class);
                ui.selectable_value(&mut chosen, against, text(against));
            }
            for class in (0..names.len()).filter(|_| labels.is_some()) {
                let against = Against::Labels(class);
                ui.selectable_value(&mut chosen, against, text(against));
            }
            ui.separator();
            let action = Action::OpenLabels;
            if ui.button(action.about().text).on_hover_text(action.about().tooltip).clicked() {
                desk.act(action);
            }
        });
    let hint = "Pearson's correlation of each feature with this class, its probability or a person's labels, place by place";
    shown.response.accessible_name("Class that features are compared with").on_hover_text(hint);
    if desk.session.is_busy(JobKind::Correlate) {
        ui.label(small("comparing…").color(Palette::of(ui).weak));
    } else if let Some(found) = desk.session.correlations_now() {
        let strongest =
            found.iter().copied().filter(|r| !r.is_nan()).max_by(|a, b| a.abs().total_cmp(&b.abs()));
        if let Some(strongest) = strongest {
            ui.label(small(format!("strongest {}", format::signed(strongest))).color(Palette::of(ui).weak));
        }
    }
    if chosen != now {
        desk.send(Command::Sheet(SheetCommand::Correlate(chosen)));
    }
}
