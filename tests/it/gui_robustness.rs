//! Robustness and comparing, in the window: the image moved by buttons, seams, two nodes at once.
use crate::gui::{model_file, ready, session, window};
use eframe::egui::accesskit::Role;
use eframe::egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polepiece::analysis::{Flip, Movement, Sight};
use polepiece::gui::{App, Pane};
use polepiece::network::Task;
use polepiece::network::architectures::lenet;
use polepiece::session::{Command, CompareCommand, RobustnessCommand, Session, SideChoice};
use tempfile::TempDir;

fn alone(session: Session, pane: Pane) -> Harness<'static, App> {
    let mut harness = window(session);
    harness.state_mut().show_alone(Some(pane));
    harness.run();
    harness
}

#[test]
fn both_panes_say_what_to_do_while_there_is_nothing() {
    let harness = alone(session(), Pane::Robustness);
    assert!(harness.query_by_label("Nothing to move").is_some());
    let harness = alone(session(), Pane::Compare);
    assert!(harness.query_by_label("Nothing to compare").is_some());
}

#[test]
fn the_image_is_mirrored_turned_and_put_back() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(ready(dir.path()), Pane::Robustness);
    assert!(harness.query_by_label("The image is where it was").is_some());
    harness.get_by_label("left-right").click();
    harness.run();
    let movement = harness.state().session.robustness.movement;
    assert_eq!(movement, Movement { flip: Flip::X, ..Movement::default() });
    for picture in ["Moved input", "Answer moved back", "Change"] {
        assert!(harness.query_by_role_and_label(Role::Image, picture).is_some(), "{picture}");
    }
    // Pointing at the moved input marks the place that came to lie there: of 40 px, column 10 was 29.
    let moved = harness.get_by_role_and_label(Role::Image, "Moved input").rect();
    let zoom = ((moved.width() - 8.0) / 40.0).min((moved.height() - 8.0) / 32.0);
    harness.hover_at(moved.center() + vec2(-9.5, 0.5) * zoom);
    harness.run();
    assert!(harness.query_by_label("x 29 y 16").is_some());
    harness.get_by_label("90°").click();
    harness.run();
    assert_eq!(harness.state().session.robustness.movement.degrees, 90.0);
    harness.get_by_label("Every node").click();
    harness.run();
    let nodes = harness.state().session.robustness_now().nodes.expect("every node").report.nodes.len();
    assert_eq!(nodes, harness.state().session.nodes.as_ref().unwrap().len());
    harness.get_by_label("Difference of enc1.conv1").click();
    harness.run();
    assert_eq!(harness.state().session.node.as_deref(), Some("enc1.conv1"));
    assert!(harness.state().session.robustness_now().node.is_some());
    harness.get_by_label("Show the answer's change again").click();
    harness.run();
    assert!(harness.query_by_label("Change of the answer").is_some());
    harness.get_by_label("Back").click();
    harness.run();
    assert!(harness.state().session.robustness.movement.is_still());
}

#[test]
fn seams_are_looked_for_with_a_button() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Robustness(RobustnessCommand::FindSeams(Some(16))));
    let mut harness = alone(session, Pane::Robustness);
    harness.get_by_label("Seams").click();
    harness.run();
    assert!(harness.query_by_label("No seams: only rounding differs").is_some());
    harness.get_by_label("one piece").click();
    harness.run();
    harness.get_by_label("Look for seams").click();
    harness.run();
    assert!(harness.state().session.robustness_now().seams.is_some());
    assert!(harness.query_by_label("Go to the largest").is_some());
}

#[test]
fn two_nodes_are_looked_at_in_every_way() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(ready(dir.path()), Pane::Compare);
    let advice =
        "A and B are the same: choose another model, frame, node or a classical mask for one of them.";
    assert!(harness.query_by_label(advice).is_some(), "A and B are the same");
    for (side, node) in ["enc1.conv1", "pool1"].into_iter().enumerate() {
        let sight = Sight::Feature { node: node.into(), feature: 1 };
        let choice = SideChoice { sight, ..SideChoice::default() };
        harness.state_mut().session.apply(Command::Compare(CompareCommand::Choose(side, choice)));
    }
    harness.run();
    harness.get_by_role_and_label(Role::Button, "Compare").click();
    harness.run();
    assert!(harness.state().session.compared_now().is_some());
    for (show, there) in
        [("A − B", "Difference"), ("Curtain", "Curtain"), ("B", "Sight B"), ("A | B", "Sight A")]
    {
        harness.get_by_role_and_label(Role::Button, show).click();
        harness.run();
        assert!(harness.query_by_role_and_label(Role::Image, there).is_some(), "{show}");
    }
    harness.get_by_label("Numbers").click();
    harness.run();
    assert!(harness.query_by_label("correlation").is_some());
}

#[test]
fn a_node_of_another_model_is_chosen_from_its_own_list() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(ready(dir.path()), Pane::Compare);
    let id = model_file(dir.path(), "kind", Task::Classify, lenet(1, 2, 2, None).unwrap());
    let choice = |sight: Sight, model: Option<String>| SideChoice { model, frame: None, sight };
    let sight = Sight::Feature { node: "enc1.conv1".into(), feature: 1 };
    for (side, choice) in [choice(sight, None), choice(Sight::Answer, Some(id))].into_iter().enumerate() {
        harness.state_mut().session.apply(Command::Compare(CompareCommand::Choose(side, choice)));
    }
    harness.run();
    let why = "An answer and a feature map are different things: choose a node for both, or for neither.";
    assert!(harness.query_by_label(why).is_some());
    harness.get_by_label("What B shows").click();
    harness.run();
    assert!(harness.query_by_label("enc1.conv1").is_none(), "that is a node of the other one");
    harness.get_by_label("conv2").scroll_to_me();
    harness.run();
    harness.get_by_label("conv2").click();
    harness.run();
    let chosen = Sight::Feature { node: "conv2".into(), feature: 0 };
    assert_eq!(harness.state().session.comparing.sides[1].sight, chosen);
    harness.get_by_role_and_label(Role::Button, "Compare").click();
    harness.run();
    let found = harness.state().session.compared_now().expect("a comparison");
    assert!(found.names[1].ends_with(", conv2 0"), "{:?}", found.names);
    for side in ["Sight A", "Sight B"] {
        assert!(harness.query_by_role_and_label(Role::Image, side).is_some(), "{side}");
    }
}
