//! The window for a new network: an architecture, its choices, and at once what it would be and cost.
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::ruler::box_words;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{at_right, caption, window_head};
use crate::network::architectures::{Architecture, ArchitectureSpec};
use crate::network::{NodeCost, Outline, OutlineEntry, Task};
use crate::session::{Command, Drafted, JobKind, Session};
use eframe::egui::{
    self, Align, Align2, Button, CornerRadius, Frame, Label, Layout, Margin, Response, ScrollArea, Sense,
    Stroke, Ui, Window, vec2,
};
use std::sync::Arc;

mod choices;

const WIDTH: f32 = 820.0;
const HEIGHT: f32 = 520.0;
const LIST: f32 = 250.0;
/// More channels than this are a spectrum, which nobody wants as one input each without saying so.
const MOST_CHANNELS: usize = 16;

/// What the window keeps between openings.
#[derive(Default)]
pub(in crate::gui) struct NewNetwork {
    pub(in crate::gui) open: bool,
    chosen: Option<Chosen>,
    /// What was drafted last, so that it is asked for once.
    asked: Option<(ArchitectureSpec, [usize; 2])>,
    outline: Option<(Arc<Vec<NodeCost>>, Outline)>,
    /// Frames in which the chosen architecture is still to come into view: a window is laid out before it is shown.
    reveal: u8,
}

/// What would be made.
#[derive(Debug, Clone)]
struct Chosen {
    spec: ArchitectureSpec,
    /// `[y, x]` of the image.
    size: [usize; 2],
    seed: u64,
    /// Hidden layers as they are typed.
    hidden: String,
}

impl Chosen {
    /// As published, but for the channels of the micrograph that is open.
    fn of(architecture: Architecture, session: &Session) -> Self {
        let mut spec = architecture.defaults();
        let channels = session.micrograph().map(crate::imaging::Micrograph::channels);
        if let Some(channels) = channels.filter(|channels| (1..=MOST_CHANNELS).contains(channels)) {
            spec.in_channels = channels;
        }
        Self::new(spec)
    }

    fn new(spec: ArchitectureSpec) -> Self {
        let [_, height, width] = spec.architecture.about().input;
        let hidden = spec.hidden.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Self { spec, size: [height, width], seed: 0, hidden }
    }
}

impl NewNetwork {
    /// Opens with what was chosen last, at first with a U-Net.
    pub(in crate::gui) fn show(&mut self, session: &Session) {
        self.open = true;
        self.asked = None;
        self.reveal = 3;
        if self.chosen.is_none() {
            self.chosen = Some(Chosen::of(Architecture::Unet, session));
        }
    }

    /// Draws the window.
    pub(in crate::gui) fn ui(&mut self, ctx: &egui::Context, desk: &mut Desk<'_>) {
        let window = Window::new("New network").title_bar(false).resizable(false);
        window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).default_width(WIDTH).show(ctx, |ui| {
            ui.set_width(WIDTH);
            if window_head(ui, "New network") {
                self.open = false;
            }
            ui.horizontal_top(|ui| {
                let down = Layout::top_down(Align::Min);
                ui.allocate_ui_with_layout(vec2(LIST, HEIGHT), down, |ui| self.list_ui(ui, desk.session));
                ui.add_space(4.0);
                let rest = vec2(WIDTH - LIST - 20.0, HEIGHT);
                ui.allocate_ui_with_layout(rest, down, |ui| {
                    ui.set_width(rest.x);
                    self.chosen_ui(ui, desk);
                });
            });
            self.buttons_ui(ui, desk);
        });
    }

    fn list_ui(&mut self, ui: &mut Ui, session: &Session) {
        ui.set_width(LIST);
        let now = self.chosen.as_ref().map(|chosen| chosen.spec.architecture);
        let area = ScrollArea::vertical().id_salt("architectures").auto_shrink(false).max_height(HEIGHT);
        area.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            for architecture in Architecture::ALL {
                let chosen = now == Some(architecture);
                let response = architecture_ui(ui, architecture, chosen);
                if response.clicked() {
                    self.chosen = Some(Chosen::of(architecture, session));
                }
                if chosen && self.reveal > 0 {
                    self.reveal -= 1;
                    response.scroll_to_me(Some(Align::Center));
                }
            }
        });
    }

    fn chosen_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let Some(chosen) = &mut self.chosen else { return };
        let about = chosen.spec.architecture.about();
        let palette = Palette::of(ui);
        ui.label(strong(about.title).size(15.0).color(palette.strong));
        ui.add(Label::new(small(about.paper).color(palette.weak)).truncate());
        ui.add_space(6.0);
        choices::choices_ui(ui, chosen);
        ui.add_space(8.0);
        let wanted = (chosen.spec.clone(), chosen.size);
        if self.asked.as_ref() != Some(&wanted) {
            desk.send(Command::DraftNetwork(wanted.0.clone(), wanted.1));
            self.asked = Some(wanted);
        }
        let Some(draft) = &desk.session.draft else { return };
        match &draft.found {
            Ok(drafted) => {
                numbers_ui(ui, drafted, desk.session);
                ui.add_space(6.0);
                self.parts_ui(ui, drafted);
            }
            Err(reason) => {
                let frame = Frame::new().fill(palette.error.gamma_multiply(0.12)).corner_radius(6);
                frame.inner_margin(10).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    ui.label(strong("This cannot be built").color(palette.error));
                    ui.add(Label::new(reason).wrap());
                });
            }
        }
    }

    /// The parts of the network, each with its output.
    fn parts_ui(&mut self, ui: &mut Ui, drafted: &Drafted) {
        let same = self.outline.as_ref().is_some_and(|(nodes, _)| Arc::ptr_eq(nodes, &drafted.nodes));
        if !same {
            self.outline = Some((Arc::clone(&drafted.nodes), Outline::of(&drafted.nodes)));
        }
        let Some((nodes, outline)) = &self.outline else { return };
        caption(ui, "From the image to the answer");
        let lines: Vec<_> = outline.lines.iter().filter(|line| line.depth == 0).collect();
        let height = (ui.available_height() - 16.0).max(60.0);
        let palette = Palette::of(ui);
        Frame::new().fill(palette.canvas).corner_radius(6).inner_margin(6).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let area = ScrollArea::vertical().id_salt("parts").auto_shrink(false).max_height(height);
            area.show_rows(ui, 18.0, lines.len(), |ui, rows| {
                for line in &lines[rows] {
                    let (node, count, parameters) = match &line.entry {
                        OutlineEntry::Node(node) => (&nodes[*node], 1, nodes[*node].parameters as u64),
                        OutlineEntry::Group(group) => (&nodes[group.last], group.nodes, group.parameters),
                    };
                    part_ui(ui, &line.label, (node, count, parameters));
                }
            });
        });
    }

    fn buttons_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        ui.add_space(8.0);
        let palette = Palette::of(ui);
        let text = "The weights are random until it is trained: its answers mean nothing, its insides can be looked at.";
        ui.horizontal(|ui| {
            at_right(ui, |ui| {
                self.create_ui(ui, desk);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(small(text).color(palette.weak)).truncate());
                });
            });
        });
    }

    /// The two buttons, right to left.
    fn create_ui(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let Some(chosen) = self.chosen.clone() else { return };
        let (session, palette) = (desk.session, Palette::of(ui));
        let drafted = session.is_drafted(&chosen.spec, chosen.size);
        let sound = session.draft.as_ref().is_some_and(|draft| draft.found.is_ok());
        let ready = drafted && sound && !session.is_busy(JobKind::LoadModel);
        let text = strong("Create").color(if ready { palette.on_accent } else { palette.weak });
        let button = Button::new(text).min_size(vec2(80.0, 26.0));
        let button = if ready { button.fill(palette.accent) } else { button };
        if ui.add_enabled(ready, button).on_hover_text("Make it and choose it").clicked() {
            desk.send(Command::CreateNetwork(chosen.spec.clone(), chosen.size, chosen.seed));
            self.open = false;
        }
        let published = ui.button("As published").on_hover_text("All choices as the paper has them");
        if published.clicked() {
            self.chosen = Some(Chosen::new(chosen.spec.architecture.defaults()));
        }
    }
}

/// A card with what an architecture is for.
fn architecture_ui(ui: &mut Ui, architecture: Architecture, chosen: bool) -> Response {
    let palette = Palette::of(ui);
    let about = architecture.about();
    let fill = if chosen { palette.selected } else { palette.card };
    let stroke = Stroke::new(1.0, if chosen { palette.accent } else { palette.line });
    let frame = Frame::new().fill(fill).stroke(stroke).corner_radius(CornerRadius::same(6));
    let response = frame
        .inner_margin(Margin::symmetric(9, 5))
        .show(ui, |ui| {
            ui.set_width(ui.available_width() - 8.0);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                ui.horizontal(|ui| {
                    ui.label(strong(about.title).color(palette.strong));
                    at_right(ui, |ui| drop(ui.label(small(task_word(about.task)).color(palette.accent))));
                });
                ui.add(Label::new(small(about.purpose).color(palette.weak)).wrap());
            });
        })
        .response
        .interact(Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, about.title));
    if response.hovered() && !chosen {
        let outline = Stroke::new(1.0, palette.accent);
        ui.painter().rect_stroke(response.rect, 6.0, outline, egui::StrokeKind::Inside);
    }
    response
}

fn task_word(task: Task) -> &'static str {
    match task {
        Task::Segment => "segments",
        Task::Classify => "classifies",
        Task::Regress => "gives numbers",
        Task::Any => "to look into",
    }
}

/// Four numbers, large.
fn numbers_ui(ui: &mut Ui, drafted: &Drafted, session: &Session) {
    let pixel = session.micrograph().and_then(|shown| shown.calibration().pixel());
    let (sees, where_to) = match drafted.last_local().and_then(|node| Some((node, node.receptive_field?))) {
        Some((node, field)) => {
            let [down, across] = field.widest;
            let long = format!("{} sees {}", node.name, box_words([across, down], pixel.as_ref()));
            (format!("{:.0} px", across.max(down)), long)
        }
        None => ("all".to_owned(), "Every node sees the whole image".to_owned()),
    };
    let whole = drafted.nodes.last().is_some_and(|node| node.receptive_field.is_none());
    let where_to = if whole { format!("{where_to}; what follows it sees all") } else { where_to };
    let tiles = [
        ("parameters", format::short_count(drafted.parameters), format::thousands(drafted.parameters)),
        (
            "multiply-adds",
            format::short_count(drafted.multiply_adds),
            format::thousands(drafted.multiply_adds),
        ),
        (
            "memory to run",
            format::bytes(drafted.peak_bytes),
            format!("Weights and values at the worst moment, {}", drafted.worst_node),
        ),
        ("sees", sees, where_to),
    ];
    let palette = Palette::of(ui);
    ui.columns(tiles.len(), |columns| {
        for (ui, (name, number, long)) in columns.iter_mut().zip(tiles) {
            let frame =
                Frame::new().fill(palette.control).corner_radius(6).inner_margin(Margin::symmetric(10, 6));
            let shown = frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.label(strong(number).size(16.0).color(palette.strong));
                    ui.label(small(name).color(palette.weak));
                });
            });
            shown.response.on_hover_text(long);
        }
    });
}

fn part_ui(ui: &mut Ui, label: &str, (node, count, parameters): (&NodeCost, usize, u64)) {
    let palette = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let font = egui::FontId::proportional(11.0);
    let cell = |x: f32, text: String, colour, align: Align2| {
        let at = egui::pos2(rect.left() + x, rect.center().y);
        ui.painter_at(rect).text(at, align, text, font.clone(), colour);
    };
    let what = if count == 1 { node.kind.clone() } else { format::plural(count, "node") };
    let sees = node.receptive_field.map_or("sees all".to_owned(), |field| {
        format!("sees {:.0} px", field.widest[0].max(field.widest[1]))
    });
    let parameters = if parameters == 0 { "·".to_owned() } else { format::short_count(parameters) };
    cell(4.0, label.to_owned(), palette.strong, Align2::LEFT_CENTER);
    cell(150.0, what, palette.weak, Align2::LEFT_CENTER);
    cell(340.0, format::shape(&node.shape), palette.text, Align2::RIGHT_CENTER);
    cell(410.0, parameters, palette.text, Align2::RIGHT_CENTER);
    cell(rect.width() - 8.0, sees, palette.weak, Align2::RIGHT_CENTER);
}
