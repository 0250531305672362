//! The bar at the top: open, choose a model, run, progress, device, export.
use super::figure::figure_button;
use super::models::models_ui;
use crate::gui::actions::Action;
use crate::gui::desk::Desk;
use crate::gui::format;
use crate::gui::theme::{Palette, small, strong};
use crate::gui::widgets::{action_button, at_right, divider, down_arrow};
use crate::session::{Command, JobKind, Progress, Theme};
use eframe::egui::{self, Button, CornerRadius, Label, Sense, Ui, vec2};
use std::path::Path;

/// Draws the bar.
pub(in crate::gui) fn top_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        sign_ui(ui);
        ui.label(strong("Polepiece").size(15.0).color(Palette::of(ui).strong));
        ui.add_space(8.0);
        open_ui(ui, desk);
        models_ui(ui, desk);
        run_ui(ui, desk);
        divider(ui);
        device_ui(ui, desk);
        at_right(ui, |ui| {
            window_menu_ui(ui, desk);
            action_button(ui, desk, Action::Export, desk.session.result.is_some());
            figure_button(ui, desk);
            ui.add_space(6.0);
            if let Some(progress) = desk.session.progress().first() {
                progress_ui(ui, progress);
            }
        });
    });
}

/// The program's sign: two pole pieces and the beam that passes between them.
fn sign_ui(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
    let palette = Palette::of(ui);
    let at = |x: f32, y: f32| rect.center() + vec2(x, y) * (rect.width() / 2.0);
    for side in [-1.0, 1.0] {
        let pole = vec![
            at(side * 0.95, -0.75),
            at(side * 0.55, -0.75),
            at(side * 0.2, 0.0),
            at(side * 0.55, 0.75),
            at(side * 0.95, 0.75),
        ];
        ui.painter().add(egui::Shape::line(pole, egui::Stroke::new(1.8, palette.weak)));
    }
    ui.painter().line_segment([at(0.0, -1.0), at(0.0, 1.0)], egui::Stroke::new(2.0, palette.accent));
}

fn open_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    action_button(ui, desk, Action::Open, true);
    let recent = &desk.session.preferences.recent;
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        let menu = ui.menu_button(("Recent", down_arrow(ui)), |ui| {
            ui.set_min_width(260.0);
            for path in recent {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if ui.button(name).on_hover_text(path.display().to_string()).clicked() {
                    desk.send(open(path));
                    ui.close();
                }
            }
            ui.separator();
            if ui.button("Clear this list").clicked() {
                desk.send(Command::ClearRecent);
                ui.close();
            }
        });
        menu.response.on_hover_text("Files that were opened before");
    });
}

fn open(path: &Path) -> Command {
    Command::Open(vec![path.to_path_buf()])
}

fn run_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let session = desk.session;
    let palette = Palette::of(ui);
    let running = session.is_busy(JobKind::Run);
    let ready = session.shown.is_some() && session.model_choice.is_some() && !running;
    let text = strong("Run").color(if ready { palette.on_accent } else { palette.weak });
    let button = Button::new(text).min_size(vec2(58.0, 26.0));
    let button = if ready { button.fill(palette.accent) } else { button };
    let mut hint = Action::Run.hint(ui.ctx());
    match &session.outlook {
        Some(Ok(outlook)) => hint = format!("{hint}\nTakes {}", outlook.words()),
        Some(Err(reason)) => hint = format!("{hint}\n{reason}"),
        None => {}
    }
    let why = if session.shown.is_none() {
        "Open a micrograph first".to_owned()
    } else if session.model_choice.is_none() {
        "Choose a model first".to_owned()
    } else {
        "Running".to_owned()
    };
    if ui.add_enabled(ready, button).on_hover_text(hint).on_disabled_hover_text(why).clicked() {
        desk.act(Action::Run);
    }
    action_button(ui, desk, Action::Cancel, !session.progress().is_empty());
}

fn device_ui(ui: &mut Ui, desk: &Desk<'_>) {
    let palette = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
    let busy = desk.session.is_busy(JobKind::Run);
    ui.painter().circle_filled(rect.center(), 3.5, if busy { palette.accent } else { palette.weak });
    let session = desk.session;
    let text = format::device(&session.device_name, session.device_memory, session.on_gpu());
    let why = session.device_note.as_deref().unwrap_or("The CPU always works");
    ui.add(Label::new(small(text).color(palette.weak)).truncate())
        .on_hover_text(format!("Where the network runs, and the memory free there. {why}."));
}

/// Bar, percentage, stage and time left of the first job.
fn progress_ui(ui: &mut Ui, progress: &Progress) {
    let palette = Palette::of(ui);
    let stage = if progress.stage.is_empty() { progress.kind.activity() } else { &progress.stage };
    let left =
        progress.remaining.map(|left| format!("  {} left", format::duration(left))).unwrap_or_default();
    let text = format!("{stage}  {:.0} %{left}", progress.fraction * 100.0);
    let (rect, response) = ui.allocate_exact_size(vec2(110.0, 8.0), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &text));
    let round = CornerRadius::same(4);
    ui.painter().rect_filled(rect, round, palette.control);
    let mut done = rect;
    done.set_width(rect.width() * progress.fraction.clamp(0.03, 1.0));
    ui.painter().rect_filled(done, round, palette.accent);
    ui.add(Label::new(small(text).color(palette.text)).truncate());
    // The remaining time moves on also when the job has nothing new to say.
    ui.ctx().request_repaint_after_secs(0.25);
}

fn window_menu_ui(ui: &mut Ui, desk: &mut Desk<'_>) {
    let menu = ui.menu_button(("View", down_arrow(ui)), |ui| {
        ui.set_min_width(190.0);
        let to_light = desk.session.preferences.theme == Theme::Dark;
        if ui.button(if to_light { "Light theme" } else { "Dark theme" }).clicked() {
            desk.act(Action::ToggleTheme);
            ui.close();
        }
        for action in [Action::SaveCopy, Action::ResetLayout, Action::CopyCommand, Action::Help] {
            let mut button = Button::new(action.about().text);
            if let Some(shortcut) = action.shortcut_text(ui.ctx()) {
                button = button.shortcut_text(shortcut);
            }
            if ui.add(button).on_hover_text(action.about().tooltip).clicked() {
                desk.act(action);
                ui.close();
            }
        }
    });
    menu.response.accessible_name("Window menu").on_hover_text("Theme, layout and help");
}
