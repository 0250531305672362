//! How the image is moved.
use crate::analysis::{Flip, Movement};
use crate::gui::desk::Desk;
use crate::gui::theme::{Palette, small};
use crate::gui::widgets::{caption, toggle};
use crate::session::{Command, JobKind, Robustness, RobustnessCommand};
use eframe::egui::{Button, Grid, Slider, Ui};

/// Farthest shift of the sliders in px.
const FARTHEST: i64 = 64;

pub(super) fn ui(ui: &mut Ui, desk: &mut Desk<'_>, now: &Robustness) {
    let mut movement = now.movement;
    ui.spacing_mut().slider_width = 96.0;
    ui.spacing_mut().interact_size.y = 18.0;
    Grid::new("movement").num_columns(2).spacing([8.0, 4.0]).show(ui, |ui| {
        let hint =
            "In px of the network's input. Strides and pooling answer alike only to shifts by their own step";
        for (axis, name) in ["down", "right"].into_iter().enumerate() {
            caption(ui, name);
            let slider = Slider::new(&mut movement.shift[axis], -FARTHEST..=FARTHEST).suffix(" px");
            ui.add(slider).on_hover_text(hint);
            ui.end_row();
        }
        caption(ui, "turn");
        ui.add(Slider::new(&mut movement.degrees, -180.0..=180.0).fixed_decimals(0).suffix("°"))
            .on_hover_text(
                "Counter-clockwise. Between quarter turns the image is interpolated, which smooths it",
            );
        ui.end_row();
        caption(ui, "");
        ui.horizontal(|ui| turns_ui(ui, &mut movement));
        ui.end_row();
        caption(ui, "flip");
        ui.horizontal(|ui| flips_ui(ui, &mut movement));
        ui.end_row();
    });
    movement.degrees = movement.degrees.round();
    if movement != now.movement {
        desk.send(Command::Robustness(RobustnessCommand::Move(movement)));
    }
    ui.horizontal(|ui| buttons_ui(ui, desk, now));
}

fn turns_ui(ui: &mut Ui, movement: &mut Movement) {
    ui.spacing_mut().item_spacing.x = 4.0;
    for turn in [0, 90, 180, -90] {
        let degrees = f64::from(turn);
        let hint = "A quarter turn moves pixels onto pixels: nothing is interpolated";
        if toggle(ui, movement.degrees == degrees, &format!("{turn}°").replace('-', "−"), hint) {
            movement.degrees = degrees;
        }
    }
}

fn flips_ui(ui: &mut Ui, movement: &mut Movement) {
    ui.spacing_mut().item_spacing.x = 4.0;
    for (flip, name, hint) in [
        (Flip::None, "none", "As it is"),
        (Flip::X, "left-right", "Left and right change places"),
        (Flip::Y, "up-down", "Top and bottom change places"),
    ] {
        if toggle(ui, movement.flip == flip, name, hint) {
            movement.flip = flip;
        }
    }
}

fn buttons_ui(ui: &mut Ui, desk: &mut Desk<'_>, now: &Robustness) {
    let busy = desk.session.is_busy(JobKind::Equivariance);
    let still = now.movement.is_still();
    if !still && now.answer.is_none() && !busy {
        let hint = "Move the image that is shown now";
        if ui.button(small("Look")).on_hover_text(hint).clicked() {
            desk.send(Command::Robustness(RobustnessCommand::Move(now.movement)));
        }
        return;
    }
    let hint = "Compare the feature maps of every node: which one is the first that does not follow?";
    let why = if still { "Move the image first" } else { "Wait for the moved image" };
    let every = ui.add_enabled(!still && !busy, Button::new(small("Every node")));
    if every.on_hover_text(hint).on_disabled_hover_text(why).clicked() {
        desk.send(Command::Robustness(RobustnessCommand::MoveNodes));
    }
    let back = ui.add_enabled(!still, Button::new(small("Back")));
    let hint = "Put the image back where it was";
    if back.on_hover_text(hint).on_disabled_hover_text("The image is where it was").clicked() {
        desk.send(Command::Robustness(RobustnessCommand::Move(Movement::default())));
    }
    if busy {
        ui.label(small("running…").color(Palette::of(ui).weak));
    }
}
