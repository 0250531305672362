//! What is to be explained, and by which method.
use super::about;
use crate::analysis::{Ablating, AttributionMethod, AttributionRequest, Baseline, Filling, Over};
use crate::gui::desk::Desk;
use crate::gui::theme::small;
use crate::network::{Model, Task};
use crate::session::{AttributeCommand, Command, JobKind, Session};
use eframe::egui::{Button, ComboBox, DragValue, Ui};

/// Which pixels, before it is known where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Region {
    #[default]
    Whole,
    Predicted,
    Rectangle,
    Pin,
}

/// The choices; the numbers of methods that are not chosen now are kept.
pub(super) struct Controls {
    methods: [AttributionMethod; 7],
    method: usize,
    class: Option<usize>,
    region: Region,
    /// Whether Grad-CAM weighs the node that is chosen in the network.
    chosen_node: bool,
}

impl Default for Controls {
    fn default() -> Self {
        let methods = [
            AttributionMethod::GradCam { node: None },
            AttributionMethod::Gradient,
            AttributionMethod::GradientInput,
            AttributionMethod::SmoothGrad { samples: 16, noise: 0.15, seed: 0 },
            AttributionMethod::Integrated { steps: 20, baseline: Baseline::Zero },
            AttributionMethod::Occlusion { patch: 32, stride: 32, fill: Filling::Mean },
            AttributionMethod::Ablation { by: Ablating::Mean },
        ];
        Self { methods, method: 0, class: None, region: Region::Whole, chosen_node: false }
    }
}

impl Region {
    const ALL: [Self; 4] = [Self::Whole, Self::Predicted, Self::Rectangle, Self::Pin];

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole image",
            Self::Predicted => "predicted pixels",
            Self::Rectangle => "rectangle",
            Self::Pin => "pixel under the pin",
        }
    }

    /// Where it is, or what to do to have one.
    fn over(self, desk: &Desk<'_>) -> Result<Over, &'static str> {
        match self {
            Self::Whole => Ok(Over::Whole),
            Self::Predicted => Ok(Over::Predicted),
            Self::Rectangle => desk
                .session
                .measured
                .region
                .map(Over::Rectangle)
                .ok_or("Draw a rectangle on the source first (area tool, A)"),
            Self::Pin => {
                let pixel = |[x, y]: [f64; 2]| Over::Pixel([y.max(0.0) as usize, x.max(0.0) as usize]);
                desk.view.pin.map(pixel).ok_or("Click on a pixel of an image first: that sets the pin")
            }
        }
    }
}

impl Controls {
    pub(super) fn about(&self) -> &'static str {
        about(&self.methods[self.method])
    }

    /// Two lines: what of which class, and over which pixels with the method's own numbers.
    pub(super) fn ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, model: &Model) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            self.method_ui(ui);
            self.class_ui(ui, desk.session, model);
            ui.end_row();
            self.region_ui(ui, model);
            self.numbers_ui(ui, desk.session);
            self.start_ui(ui, desk, model);
        });
    }

    fn method_ui(&mut self, ui: &mut Ui) {
        let now = self.methods[self.method].in_words();
        let combo = ComboBox::from_id_salt("why method").width(118.0).selected_text(small(now));
        let shown = combo.show_ui(ui, |ui| {
            for (index, method) in self.methods.iter().enumerate() {
                ui.selectable_value(&mut self.method, index, method.in_words()).on_hover_text(about(method));
            }
        });
        shown.response.accessible_name("Method of explaining").on_hover_text(self.about());
    }

    fn class_ui(&mut self, ui: &mut Ui, session: &Session, model: &Model) {
        let classes = &model.card.classes;
        let mut class = self.class(session, model);
        let name = classes.get(class).map_or("feature 0", |class| class.name.as_str());
        let combo = ComboBox::from_id_salt("why class").width(112.0).selected_text(small(name));
        let shown = combo.show_ui(ui, |ui| {
            for (index, info) in classes.iter().enumerate() {
                ui.selectable_value(&mut class, index, &info.name);
            }
        });
        let hint = "Whose score is explained: the value before the softmax";
        shown.response.accessible_name("Class to explain").on_hover_text(hint);
        if class != self.class(session, model) {
            self.class = Some(class);
        }
    }

    /// The chosen class; else the one whose probability is shown, or the first that is no background.
    fn class(&self, session: &Session, model: &Model) -> usize {
        use crate::session::PredictionView;
        let count = model.card.classes.len();
        let usual = match session.prediction_view {
            PredictionView::Probability(class) | PredictionView::Output(class) => class,
            PredictionView::Classes => 1,
        };
        self.class.unwrap_or(usual).min(count.saturating_sub(1))
    }

    fn region_ui(&mut self, ui: &mut Ui, model: &Model) {
        let one_answer = model.card.scope(&model.graph).is_ok_and(|s| s == crate::network::Scope::PerImage);
        let no_mask = self.region == Region::Predicted && model.card.task != Task::Segment;
        if one_answer || no_mask {
            self.region = Region::Whole;
        }
        ui.add_enabled_ui(!one_answer, |ui| {
            let combo =
                ComboBox::from_id_salt("why region").width(98.0).selected_text(small(self.region.name()));
            let shown = combo.show_ui(ui, |ui| {
                for region in Region::ALL {
                    if region != Region::Predicted || model.card.task == Task::Segment {
                        ui.selectable_value(&mut self.region, region, region.name());
                    }
                }
            });
            let response = shown.response.accessible_name("Pixels to explain");
            response
                .on_hover_text("Over which pixels the class's score is summed before it is explained")
                .on_disabled_hover_text("This network gives one answer for the image, and that is explained");
        });
    }

    fn numbers_ui(&mut self, ui: &mut Ui, session: &Session) {
        let number = |ui: &mut Ui, value: &mut usize, most: usize, name: &str, hint: &str| {
            let field = DragValue::new(value).range(1..=most).speed(0.3).prefix(format!("{name} "));
            ui.add(field).on_hover_text(hint);
        };
        match &mut self.methods[self.method] {
            AttributionMethod::GradCam { node } => {
                let name = session.node.clone();
                let hint = "Weigh the maps of the node that is chosen in the network, not the coarsest ones";
                ui.add_enabled(
                    name.is_some(),
                    eframe::egui::Checkbox::new(&mut self.chosen_node, small("chosen node")),
                )
                .on_hover_text(hint)
                .on_disabled_hover_text("Choose a node of the network first");
                *node = name.filter(|_| self.chosen_node);
            }
            AttributionMethod::SmoothGrad { samples, .. } => {
                number(ui, samples, 1000, "copies", "Noisy copies to average over");
            }
            AttributionMethod::Integrated { steps, baseline } => {
                number(ui, steps, 1000, "steps", "More steps make the completeness gap smaller");
                baseline_ui(ui, baseline);
            }
            AttributionMethod::Occlusion { patch, stride, .. } => {
                number(ui, patch, 4096, "patch", "Side of the covered square in px");
                number(
                    ui,
                    stride,
                    4096,
                    "every",
                    "From one square to the next in px: smaller is finer and slower",
                );
            }
            AttributionMethod::Ablation { by } => {
                let mut shuffled = *by != Ablating::Mean;
                let hint = "Shuffle a channel's pixels instead of giving all its mean: its values stay, their places are lost";
                ui.checkbox(&mut shuffled, small("shuffle")).on_hover_text(hint);
                *by = if shuffled { Ablating::Shuffled { seed: 0 } } else { Ablating::Mean };
            }
            AttributionMethod::Gradient | AttributionMethod::GradientInput => {}
        }
    }

    fn start_ui(&self, ui: &mut Ui, desk: &mut Desk<'_>, model: &Model) {
        if desk.session.is_busy(JobKind::Attribute) {
            if ui
                .button(small("Stop"))
                .on_hover_text("Stop explaining; what was there before stays")
                .clicked()
            {
                desk.send(Command::Attribute(AttributeCommand::Stop));
            }
            return;
        }
        let over = self.region.over(desk);
        let button = Button::new(small("Explain"));
        let response = ui.add_enabled(over.is_ok(), button).on_hover_text(self.about());
        let response = match over {
            Err(reason) => response.on_disabled_hover_text(reason),
            Ok(_) => response,
        };
        if let (true, Ok(over)) = (response.clicked(), over) {
            let method = self.methods[self.method].clone();
            let class = self.class(desk.session, model);
            let request = AttributionRequest { method, class, over, labels: None };
            desk.send(Command::Attribute(AttributeCommand::Explain(request)));
        }
    }
}

fn baseline_ui(ui: &mut Ui, baseline: &mut Baseline) {
    let all = [
        (Baseline::Zero, "zero", "0 of the network's numbers: the mean, where the model normalises by it"),
        (Baseline::Black, "black", "Each channel's smallest value"),
        (Baseline::Blurred(10.0), "blurred", "The image without what is smaller than about 10 px"),
    ];
    let now = all.iter().find(|(other, ..)| other == baseline).map_or("blurred", |(_, name, _)| *name);
    let shown =
        ComboBox::from_id_salt("why baseline").width(66.0).selected_text(small(now)).show_ui(ui, |ui| {
            for (value, name, hint) in all {
                ui.selectable_value(baseline, value, name).on_hover_text(hint);
            }
        });
    shown.response.accessible_name("Baseline").on_hover_text("Where the way to the image begins");
}
