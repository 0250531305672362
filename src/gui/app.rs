//! The window's contents: takes in what jobs have done, draws everything, carries out what was asked for.
use super::actions::Action;
use super::chrome::{
    ExportWindow, FigureWindow, LabelsWindow, Messages, NewNetwork, help_ui, status_ui, top_ui,
};
use super::desk::{Desk, Tray};
use super::dialogs::{Dialogs, Ended, Purpose};
use super::feature_look::step_feature;
use super::layout::{alone, bring_forward, inspect, layout_ui};
use super::panes::{Pane, Panes};
use super::player::Player;
use super::screenshot::Screenshot;
use super::shortcuts;
use super::theme::{self, Palette};
use super::tools::Tool;
use super::view::View;
use crate::export::{Target, copy_stem, file_name};
use crate::imaging::Micrograph;
use crate::network::{Model, is_model_file};
use crate::session::{Command, CompareCommand, HealthCommand, LabelsCommand, MeasuredTable, Session, Theme};
use eframe::egui::{self, Align2, Color32, FontId, Frame, LayerId, Margin, Order, Panel, Ui};
use egui_tiles::Tree;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the arrangement of the panes is kept; the number changes when old ones no longer fit.
const LAYOUT: &str = "layout 3";
/// Frames that take longer are told to whoever reads the log.
const LONG_FRAME: Duration = Duration::from_millis(16);
const NO_DIALOG: &str =
    "This system showed no file dialog; drop files on the window, or start the program as: polepiece FILE";

/// The window: a session, and what only drawing needs.
pub struct App {
    pub session: Session,
    view: View,
    tree: Tree<Pane>,
    /// One pane that fills the window for now.
    alone: Option<(Pane, Tree<Pane>)>,
    panes: Panes,
    player: Player,
    dialogs: Dialogs,
    export: ExportWindow,
    figure: FigureWindow,
    labels: LabelsWindow,
    new_network: NewNetwork,
    messages: Messages,
    help: bool,
    screenshot: Option<Screenshot>,
    /// The image the zoom belongs to: its place in the list and its size.
    zoomed: Option<(usize, [usize; 2])>,
}

impl App {
    /// Sets up fonts and themes, and has the session's jobs wake the window.
    #[must_use]
    pub fn new(ctx: &egui::Context, mut session: Session) -> Self {
        theme::install(ctx);
        let wake = ctx.clone();
        session.on_wake(Arc::new(move || wake.request_repaint()));
        Self {
            session,
            view: View::default(),
            tree: inspect(),
            alone: None,
            panes: Panes::default(),
            player: Player::default(),
            dialogs: Dialogs::default(),
            export: ExportWindow::default(),
            figure: FigureWindow::default(),
            labels: LabelsWindow::default(),
            new_network: NewNetwork::default(),
            messages: Messages::default(),
            help: false,
            screenshot: None,
            zoomed: None,
        }
    }

    /// Puts the panes where they were left; keeps the usual arrangement when that cannot be read.
    pub(super) fn restore(&mut self, storage: &dyn eframe::Storage) {
        if let Some(tree) = eframe::get_value(storage, LAYOUT) {
            self.tree = tree;
        }
    }

    pub(super) fn take_screenshot(&mut self, screenshot: Screenshot) {
        self.screenshot = Some(screenshot);
    }

    /// Shows one pane alone, or all again.
    pub fn show_alone(&mut self, pane: Option<Pane>) {
        self.alone = pane.map(|pane| (pane, alone(pane)));
    }

    /// One frame.
    pub fn frame_ui(&mut self, ui: &mut Ui) {
        let started = Instant::now();
        self.one_frame_ui(ui);
        let took = started.elapsed();
        if took > LONG_FRAME {
            tracing::debug!("a frame took {:.1} ms", took.as_secs_f64() * 1e3);
        }
    }

    fn one_frame_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        theme::follow(&ctx, self.session.preferences.theme);
        self.session.poll();
        let mut tray = Tray::default();
        tray.actions.extend(shortcuts::pressed(&ctx));
        tray.commands.extend(dropped(&ctx));
        match self.dialogs.poll(&ctx) {
            Some((purpose, Ended::Chosen(paths))) => self.take_answer(purpose, paths, &mut tray),
            Some((_, Ended::NeverShown)) => tray.commands.push(Command::Warn(NO_DIALOG.into())),
            None => {}
        }
        self.follow_image();
        tray.commands.extend(self.player.step(&ctx, &self.session));
        self.draw(ui, &mut tray);
        for action in tray.actions {
            self.perform(&ctx, action);
        }
        if let Some(pane) = tray.alone {
            let again = self.alone.as_ref().is_some_and(|(shown, _)| *shown == pane);
            self.show_alone((!again).then_some(pane));
        }
        let changed = !tray.commands.is_empty();
        for command in tray.commands {
            self.show_measurement(&command);
            self.session.apply(command);
        }
        if changed {
            ctx.request_repaint();
        }
        if let Some(screenshot) = &mut self.screenshot {
            if let (None, Some((_, [width, height]))) = (self.view.pin, self.zoomed) {
                // Something to read in the status line, and a receptive field to see.
                self.view.pin = Some([width as f64 * 0.42, height as f64 * 0.46]);
            }
            if let Some(tour) = screenshot.arrange(&mut self.session) {
                for pane in tour.panes {
                    bring_forward(&mut self.tree, pane);
                }
                self.view.pin = tour.pin.map(|[y, x]| [x as f64 + 0.5, y as f64 + 0.5]).or(self.view.pin);
                if tour.figure {
                    self.figure.show(&self.session);
                }
            }
            screenshot.step(&ctx, &mut self.session);
        }
    }

    fn draw(&mut self, ui: &mut Ui, tray: &mut Tray) {
        let ctx = ui.ctx().clone();
        let palette = Palette::of(ui);
        let player = &mut self.player;
        let mut desk = Desk { session: &self.session, view: &mut self.view, player, tray };
        let bar = |margin| Frame::new().fill(palette.desk).inner_margin(margin);
        Panel::top("top")
            .frame(bar(Margin { left: 12, right: 10, top: 4, bottom: 4 }))
            .exact_size(42.0)
            .show_separator_line(false)
            .show(ui, |ui| top_ui(ui, &mut desk));
        Panel::bottom("status")
            .frame(bar(Margin::symmetric(14, 2)))
            .exact_size(26.0)
            .show_separator_line(false)
            .show(ui, |ui| status_ui(ui, &desk));
        egui::CentralPanel::default().frame(bar(Margin::symmetric(8, 0))).show(ui, |ui| {
            let tree = self.alone.as_mut().map_or(&mut self.tree, |(_, tree)| tree);
            layout_ui(tree, &mut self.panes, ui, &mut desk);
        });
        if self.export.open && self.export.ui(&ctx, &mut desk) {
            let beside = self.session.preferences.export_dir.as_deref();
            self.dialogs.ask(Purpose::ExportFolder, beside);
        }
        if self.figure.open && self.figure.ui(&ctx, &mut desk) {
            self.dialogs.ask(Purpose::Figure, Some(&FigureWindow::suggested(&self.session)));
        }
        if self.new_network.open {
            self.new_network.ui(&ctx, &mut desk);
        }
        self.labels.ui(&ctx, &mut desk);
        help_ui(&ctx, &mut self.help);
        self.messages.ui(&ctx, &mut desk);
        self.view.end_frame();
        drop_hint(&ctx, palette);
    }

    /// Another image is shown whole first; another frame of the same keeps the zoom.
    fn follow_image(&mut self) {
        let now = self.session.shown.as_ref().map(|shown| {
            let [height, width] = shown.size();
            (shown.opened, [width, height])
        });
        if now.is_some() && now != self.zoomed {
            self.zoomed = now;
            self.view = View::default();
        }
    }

    fn take_answer(&mut self, purpose: Purpose, paths: Vec<PathBuf>, tray: &mut Tray) {
        if paths.is_empty() {
            return;
        }
        match purpose {
            Purpose::Micrographs => tray.commands.push(Command::Open(paths)),
            Purpose::Model => tray.commands.extend(paths.iter().map(|path| choose(path))),
            Purpose::Labels => {
                tray.commands.extend(paths.into_iter().map(|path| Command::SetLabels(Some(path))));
            }
            Purpose::Scheme => {
                let with = |path| Command::Labels(LabelsCommand::UseScheme(path));
                tray.commands.extend(paths.into_iter().map(with));
            }
            Purpose::ExportFolder => self.export.set_folder(&paths[0]),
            Purpose::Figure => tray.commands.extend(self.figure.saving(paths)),
            Purpose::SaveModel => tray.commands.extend(paths.into_iter().map(Command::SaveModel)),
            Purpose::Copy => tray.commands.extend(paths.into_iter().map(Command::SaveCopy)),
            Purpose::Onnx => tray.commands.extend(paths.into_iter().map(Command::ExportModel)),
            Purpose::Health => {
                let save = |path| Command::Health(HealthCommand::Save(path));
                tray.commands.extend(paths.into_iter().map(save));
            }
            Purpose::Table(table) => {
                tray.commands.extend(paths.into_iter().map(|path| Command::SaveTable(table, path)));
            }
        }
    }

    /// Carries out one action.
    fn perform(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::Open
            | Action::OpenModel
            | Action::OpenLabels
            | Action::OpenScheme
            | Action::NewNetwork
            | Action::SaveModel
            | Action::Export
            | Action::Figure
            | Action::SaveCopy
            | Action::ExportModel
            | Action::CopyCommand => self.perform_on_files(ctx, action),
            Action::Run => self.session.apply(Command::Run),
            Action::Cancel => self.cancel(),
            Action::ToggleMask => self.session.apply(Command::SetOverlay(!self.session.overlay)),
            Action::ToggleField => self.panes.toggle_field(),
            Action::ToggleEffective => {
                let shown = self.session.effective.shown;
                self.session.apply(Command::ShowEffective(!shown));
            }
            Action::ScaleLine => self.panes.toggle_scale_line(),
            Action::PreviousFeature => self.step_feature(-1),
            Action::NextFeature => self.step_feature(1),
            Action::PreviousNode => self.session.apply(Command::StepNode(-1)),
            Action::NextNode => self.session.apply(Command::StepNode(1)),
            Action::PreviousFrame => self.step_frame(-1),
            Action::NextFrame => self.step_frame(1),
            Action::PlayFrames => self.player.toggle(),
            Action::ToggleMinimap => self.panes.toggle_minimap(),
            Action::ToolPan => self.panes.take_tool(Tool::Pan),
            Action::ToolLine => self.panes.take_tool(Tool::Line),
            Action::ToolRectangle => self.panes.take_tool(Tool::Rectangle),
            Action::ClearDrawing => self.clear_drawing(),
            Action::SaveProfile => self.ask_for_table(MeasuredTable::Profile),
            Action::SaveStatistics => self.ask_for_table(MeasuredTable::Statistics),
            Action::SaveHealth => {
                self.dialogs.ask(Purpose::Health, self.session.preferences.export_dir.as_deref());
            }
            Action::ShowTrust => bring_forward(&mut self.tree, Pane::Trust),
            Action::ToggleTheme => {
                let other = match self.session.preferences.theme {
                    Theme::Dark => Theme::Light,
                    Theme::Light => Theme::Dark,
                };
                self.session.apply(Command::SetTheme(other));
            }
            Action::ResetLayout => {
                self.tree = inspect();
                self.alone = None;
            }
            Action::Help => self.help = !self.help,
            Action::Fit | Action::ActualSize | Action::ZoomIn | Action::ZoomOut => self.zoom(ctx, action),
        }
        ctx.request_repaint();
    }

    /// What opens and writes files, and the command line that does.
    fn perform_on_files(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::Open => {
                let beside = self.session.preferences.recent.first().and_then(|path| path.parent());
                self.dialogs.ask(Purpose::Micrographs, beside);
            }
            Action::OpenModel => self.dialogs.ask(Purpose::Model, None),
            Action::OpenLabels => {
                let beside = self.session.micrograph().and_then(Micrograph::path).and_then(Path::parent);
                self.dialogs.ask(Purpose::Labels, beside);
            }
            Action::OpenScheme => {
                // Without a question about a mask there is nothing for a scheme to say.
                if let Some(asked) = self.session.labelling.asked.as_ref() {
                    self.dialogs.ask(Purpose::Scheme, asked.path.parent());
                } else {
                    let what = "Open labels first: a scheme says what the values of a mask mean";
                    self.session.apply(Command::Warn(what.to_owned()));
                }
            }
            Action::NewNetwork => self.new_network.show(&self.session),
            Action::SaveModel => match &self.session.model {
                Some(model) => {
                    let name = format!("{}.safetensors", file_name(&model.card.name));
                    self.dialogs.ask(Purpose::SaveModel, Some(Path::new(&name)));
                }
                None => self.session.apply(Command::Warn("Choose a model first".to_owned())),
            },
            Action::Export => self.export.show(&self.session),
            Action::Figure => self.figure.show(&self.session),
            Action::SaveCopy => match self.session.micrograph() {
                Some(micrograph) => self.dialogs.ask(Purpose::Copy, Some(&copy_of(micrograph))),
                None => self.session.apply(Command::Warn("Open a micrograph first".to_owned())),
            },
            Action::ExportModel => match &self.session.model {
                Some(model) => self.dialogs.ask(Purpose::Onnx, Some(&onnx_of(model))),
                None => self.session.apply(Command::Warn("Choose a model first".to_owned())),
            },
            _ => {
                if let Some(command) = self.session.command_line() {
                    ctx.copy_text(command);
                }
            }
        }
    }

    fn zoom(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::ActualSize => self.view.set_zoom(1.0 / f64::from(ctx.pixels_per_point())),
            Action::ZoomIn => self.view.zoom_by(1.25),
            Action::ZoomOut => self.view.zoom_by(0.8),
            _ => self.view.fit(),
        }
    }

    /// The first line or rectangle brings its numbers to the front, a mask to be compared its comparison.
    fn show_measurement(&mut self, command: &Command) {
        let measured = &self.session.measured;
        let pane = match command {
            Command::SetLine(Some(_)) if measured.line.is_none() => Pane::Profile,
            Command::SetRegion(Some(_)) if measured.region.is_none() => Pane::Region,
            Command::Compare(CompareCommand::Mask(..)) => Pane::Compare,
            _ => return,
        };
        bring_forward(&mut self.tree, pane);
    }

    fn clear_drawing(&mut self) {
        self.session.apply(Command::SetLine(None));
        self.session.apply(Command::SetRegion(None));
    }

    fn ask_for_table(&mut self, table: MeasuredTable) {
        let beside = self.session.preferences.export_dir.as_deref();
        self.dialogs.ask(Purpose::Table(table), beside);
    }

    /// Escape closes what is open, stops work, takes away what is drawn, and brings all panes back, in this order.
    fn cancel(&mut self) {
        if self.session.labelling.asked.is_some() {
            self.session.apply(Command::Labels(LabelsCommand::Forget));
        } else if self.help || self.export.open || self.figure.open || self.new_network.open {
            self.help = false;
            self.export.open = false;
            self.figure.open = false;
            self.new_network.open = false;
        } else if self.session.progress().is_empty() {
            let measured = &self.session.measured;
            if measured.line.is_some() || measured.region.is_some() {
                self.clear_drawing();
            } else {
                self.alone = None;
            }
        } else {
            self.session.apply(Command::Cancel);
        }
    }

    fn step_feature(&mut self, by: isize) {
        let next = self
            .session
            .features
            .as_ref()
            .and_then(|features| step_feature(features, self.session.feature, by));
        if next.is_some() {
            self.session.apply(Command::SelectFeature(next));
        }
    }

    fn step_frame(&mut self, by: isize) {
        let opened = self.session.current.and_then(|current| self.session.opened.get(current));
        let Some((frame, frames)) = opened.map(|opened| (opened.frame, opened.micrograph.frames())) else {
            return;
        };
        let next = frame.saturating_add_signed(by).min(frames.saturating_sub(1));
        if next != frame {
            self.session.apply(Command::SetFrame(next));
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.frame_ui(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        if self.screenshot.is_none() {
            eframe::set_value(storage, LAYOUT, &self.tree);
        }
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

fn choose(path: &Path) -> Command {
    Command::ChooseModel(path.display().to_string())
}

/// Where a copy is saved unless a person says otherwise: beside the file, as OME-TIFF.
fn copy_of(micrograph: &Micrograph) -> PathBuf {
    let name = format!("{} copy.{}", copy_stem(micrograph), Target::OmeTiff.endings()[0]);
    micrograph.path().and_then(Path::parent).unwrap_or(Path::new("")).join(name)
}

/// What the model is called as an ONNX file, beside its own.
fn onnx_of(model: &Model) -> PathBuf {
    let own = model.path.clone().unwrap_or_else(|| PathBuf::from(file_name(&model.card.name)));
    own.with_extension("onnx")
}

/// Files a person gives: models are chosen, all others opened.
pub(super) fn take_files(paths: Vec<PathBuf>) -> Vec<Command> {
    let (models, images): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_model_file(path));
    let mut commands: Vec<_> = models.iter().map(|path| choose(path)).collect();
    if !images.is_empty() {
        commands.push(Command::Open(images));
    }
    commands
}

fn dropped(ctx: &egui::Context) -> Vec<Command> {
    take_files(ctx.input(|input| {
        let files = &input.raw.dropped_files;
        files.iter().map(|file| file.path().to_path_buf()).collect()
    }))
}

/// Says that files held over the window can be dropped.
fn drop_hint(ctx: &egui::Context, palette: &Palette) {
    if ctx.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, egui::Id::unique("drop hint")));
    let screen = ctx.content_rect();
    painter.rect_filled(screen, 0.0, Color32::from_black_alpha(150));
    let frame = egui::Stroke::new(2.0, palette.accent);
    painter.rect_stroke(screen.shrink(12.0), 10.0, frame, egui::StrokeKind::Inside);
    let font = FontId::new(20.0, theme::strong_family());
    painter.text(screen.center(), Align2::CENTER_CENTER, "Drop to open", font, Color32::WHITE);
}
