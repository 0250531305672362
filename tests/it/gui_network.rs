//! The truth about a layer in the window: folded groups, what a pixel can see and really sees, new networks.
use crate::gui::{press, ready, session, window};
use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polepiece::gui::{App, Pane};
use polepiece::network::architectures::{Architecture, ArchitectureSpec, build};
use polepiece::network::untrained;
use polepiece::session::{Command, Session};
use tempfile::TempDir;

fn alone(session: Session) -> Harness<'static, App> {
    let mut harness = window(session);
    harness.state_mut().show_alone(Some(Pane::Network));
    harness.run();
    harness
}

fn table(session: Session) -> Harness<'static, App> {
    let mut harness = alone(session);
    harness.get_by_label("Table").click();
    harness.run();
    harness
}

#[test]
fn groups_fold_with_their_sums_and_open_for_a_chosen_node() {
    let dir = TempDir::new().unwrap();
    let mut harness = table(ready(dir.path()));
    assert!(harness.query_by_label("enc1.conv1").is_some(), "a small network opens whole");
    harness.get_by_label("Fold enc1").click();
    harness.run();
    assert!(harness.query_by_label("enc1.conv1").is_none());
    let nodes = harness.state().session.nodes.clone().unwrap();
    let members: Vec<_> = nodes.iter().filter(|node| node.name.starts_with("enc1.")).collect();
    let parameters: usize = members.iter().map(|node| node.parameters).sum();
    assert!(harness.query_all_by_label(&parameters.to_string()).count() >= 1, "{parameters}");
    assert!(harness.query_all_by_label(&format!("{} nodes", members.len())).count() >= 1);
    harness.state_mut().session.apply(Command::SelectNode("enc1.relu1".into()));
    harness.run();
    assert!(harness.query_by_label("enc1.conv1").is_some(), "the chosen node's group opened");
    harness.get_by_label("Fold").click();
    harness.run();
    assert!(harness.query_by_label("dec1.conv1").is_none());
    harness.get_by_label("Open dec1").click();
    harness.run();
    assert!(harness.query_by_label("dec1.conv1").is_some());
}

#[test]
fn a_chosen_node_says_what_its_pixel_can_see_and_what_it_really_sees() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::SelectNode("enc1.conv2".into()));
    let mut harness = window(session);
    // Two 3 × 3 convolutions behind each other, in the middle of 32 × 40 outputs.
    let words = "At y 16, x 20 it can see rows 14 to 18 and columns 18 to 22: 5 × 5 px";
    assert!(harness.query_by_label(words).is_some());
    press(&mut harness, Modifiers::NONE, Key::E);
    let field = harness.state().session.effective_now().expect("a field").field.clone();
    assert_eq!((field.node.as_str(), field.at), ("enc1.conv2", [16, 20]));
    assert!(harness.query_by_label_contains("The sum of all features really sees").is_some());
    harness.state_mut().session.apply(Command::SelectNode("dec1.conv1".into()));
    harness.run();
    let field = harness.state().session.effective_now().expect("the next node's field").field.clone();
    assert_eq!(field.node, "dec1.conv1");
    press(&mut harness, Modifiers::NONE, Key::E);
    assert!(harness.state().session.effective_now().is_none());
}

#[test]
fn a_new_network_is_drafted_made_and_says_that_it_is_untrained() {
    let dir = TempDir::new().unwrap();
    let session = ready(dir.path());
    let before = session.model_choice.clone();
    let mut harness = window(session);
    press(&mut harness, Modifiers::COMMAND, Key::N);
    let spec = harness.state().session.draft.as_ref().expect("a draft at once").spec.clone();
    assert_eq!(spec.architecture, Architecture::Unet);
    harness.get_by_role_and_label(Role::Button, "LeNet-5").scroll_to_me();
    harness.run();
    harness.get_by_role_and_label(Role::Button, "LeNet-5").click();
    harness.run();
    let draft = harness.state().session.draft.clone().unwrap();
    assert_eq!(draft.spec.architecture, Architecture::Lenet5);
    assert_eq!(draft.found.unwrap().parameters, 61_706);
    assert!(harness.query_by_label("61.7 k").is_some());
    harness.get_by_label("Create").click();
    harness.run();
    assert!(harness.query_by_label("Create").is_none(), "the window has closed");
    let model = harness.state().session.model.clone().unwrap();
    assert!(model.card.is_untrained() && model.graph.architecture == "lenet5");
    press(&mut harness, Modifiers::NONE, Key::F5);
    assert!(harness.query_by_label_contains("untrained: random weights").is_some());
    harness.get_by_label_contains("Model: LeNet-5, untrained").click();
    harness.run();
    harness.get_by_label("Back to tiny").click();
    harness.run();
    assert_eq!(harness.state().session.model_choice, before);
}

#[test]
fn what_cannot_be_built_is_said_in_words_and_not_made() {
    let mut harness = window(session());
    press(&mut harness, Modifiers::COMMAND, Key::N);
    harness.get_by_role_and_label(Role::Button, "U-Net").click();
    harness.run();
    harness.get_by_role_and_label(Role::SpinButton, "Image height").click();
    harness.run();
    harness.event(Event::Text("513".into()));
    harness.key_press(Key::Enter);
    harness.run();
    let draft = harness.state().session.draft.clone().unwrap();
    // Odd sizes do not meet again in the decoder.
    assert_eq!(draft.size, [513, 512]);
    assert!(draft.found.unwrap_err().contains("expected"));
    assert!(harness.query_by_label("This cannot be built").is_some());
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("As published").is_none());
    assert!(harness.state().session.model.is_none());
}

#[test]
fn every_architecture_can_be_chosen_and_drawn() {
    let mut harness = window(session());
    press(&mut harness, Modifiers::COMMAND, Key::N);
    for architecture in Architecture::ALL {
        let title = architecture.about().title;
        // Some are below the list's lower edge.
        harness.get_by_role_and_label(Role::Button, title).click_accesskit();
        harness.run();
        let draft = harness.state().session.draft.clone().unwrap();
        assert_eq!(draft.spec.architecture, architecture);
        assert!(draft.found.is_ok(), "{title}: {:?}", draft.found);
    }
}

#[test]
fn a_large_network_is_drawn_within_a_frame_s_time() {
    let deepest = Architecture::ALL
        .into_iter()
        .max_by_key(|architecture| build(&architecture.defaults()).map_or(0, |graph| graph.nodes().len()));
    let spec = ArchitectureSpec { width: Some(0.1), ..deepest.unwrap().defaults() };
    let [_, height, width] = spec.architecture.about().input;
    if untrained(&spec, [height, width], 0, &candle_core::Device::Cpu).is_err() {
        return;
    }
    let mut session = session();
    session.apply(Command::CreateNetwork(spec, [height, width], 0));
    let nodes = session.nodes.clone().unwrap().len();
    let mut harness = table(session);
    harness.get_by_label("Fold").click();
    harness.run();
    let began = std::time::Instant::now();
    for _ in 0..20 {
        harness.step();
    }
    let each = began.elapsed() / 20;
    println!("{nodes} nodes: {:.1} ms a frame", each.as_secs_f64() * 1e3);
    let last = harness.state().session.nodes.clone().unwrap().last().unwrap().name.clone();
    harness.state_mut().session.apply(Command::SelectNode(last.clone()));
    harness.run();
    assert!(harness.query_all_by_label(&last).count() >= 1, "the last node came into view");
}

#[test]
fn the_drawing_chooses_folds_and_opens() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(ready(dir.path()));
    harness.get_by_role_and_label(Role::Button, "enc1.conv2").click();
    harness.run();
    assert_eq!(harness.state().session.node.as_deref(), Some("enc1.conv2"));
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(harness.state().session.node.as_deref(), Some("enc1.bn2"));
    harness.get_by_label("Fold enc1").click();
    harness.run();
    assert!(harness.query_by_label("enc1.conv2").is_none());
    // A folded group stands for its last node, and stays folded when it is chosen.
    harness.get_by_role_and_label(Role::Button, "enc1").click();
    harness.run();
    assert_eq!(harness.state().session.node.as_deref(), Some("enc1.relu2"));
    assert!(harness.query_by_label("enc1.conv2").is_none());
    harness.get_by_label("Open enc1").click();
    harness.run();
    assert!(harness.query_by_label("enc1.conv2").is_some());
    harness.get_by_label("Fold").click();
    harness.run();
    assert!(harness.query_by_label("dec1.conv1").is_none());
    // Stepping opens what the next node is in.
    harness.state_mut().session.apply(Command::SelectNode("dec1.conv1".into()));
    harness.run();
    assert!(harness.query_by_role_and_label(Role::Button, "dec1.conv1").is_some());
}

#[test]
fn enter_in_the_search_goes_from_match_to_match() {
    let dir = TempDir::new().unwrap();
    let mut harness = alone(ready(dir.path()));
    let field = harness.get_by_role(Role::TextInput);
    field.focus();
    field.type_text("relu2");
    harness.run();
    assert!(harness.query_by_label("enc1.conv1").is_some(), "the drawing stays whole");
    for expected in ["enc1.relu2", "mid.relu2", "dec1.relu2", "enc1.relu2"] {
        harness.key_press(Key::Enter);
        harness.run();
        assert_eq!(harness.state().session.node.as_deref(), Some(expected));
    }
}

#[test]
fn a_run_tells_the_time_of_every_node() {
    let dir = TempDir::new().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    let spent = session.result.as_ref().unwrap().features.spent.clone();
    let nodes = session.nodes.clone().unwrap();
    assert_eq!((spent.nodes.len(), spent.passes), (nodes.len(), 1));
    let place = nodes.iter().position(|node| node.name == "enc1.conv2").unwrap();
    assert!(spent.nodes[place].seconds > 0.0);
    assert!(spent.seconds() <= session.result.as_ref().unwrap().seconds);
    let mut harness = alone(session);
    harness.get_by_label("Colour of the boxes").click();
    harness.run();
    harness.get_by_label("time").click();
    harness.run();
    assert!(harness.query_by_label_contains("in all").is_some());
    harness.get_by_role_and_label(Role::Button, "enc1.conv2").hover();
    // A tip comes after a moment.
    harness.run_steps(6);
    assert!(harness.query_by_label("Time of the last run").is_some());
    assert!(harness.query_by_label_contains("of the network's").is_some());
}

#[test]
fn the_largest_network_is_drawn_open_and_folded_within_a_frame_s_time() {
    let spec = ArchitectureSpec { width: Some(0.25), ..Architecture::Densenet201.defaults() };
    let mut session = session();
    session.apply(Command::CreateNetwork(spec, [64, 64], 0));
    if session.nodes.is_err() {
        return;
    }
    let nodes = session.nodes.clone().unwrap();
    let mut harness = alone(session);
    assert!(harness.query_by_label("Open denseblock3").is_some());
    harness.get_by_label("Fold").click();
    harness.run();
    harness.get_by_label("Fold").click();
    harness.run();
    assert!(nodes.len() > 500);
    let began = std::time::Instant::now();
    for _ in 0..20 {
        harness.step();
    }
    let each = began.elapsed() / 20;
    println!("{} nodes drawn: {:.1} ms a frame", nodes.len(), each.as_secs_f64() * 1e3);
    let last = nodes.last().unwrap().name.clone();
    harness.state_mut().session.apply(Command::SelectNode(last.clone()));
    harness.run();
    harness.state_mut().session.apply(Command::StepNode(-1));
    harness.run();
    assert!(harness.query_all_by_label(&last).count() >= 1, "the drawing went to the last node");
}
