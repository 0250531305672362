//! A mask that matches, and those whose values a person says.
use super::super::testing::{ready, texts};
use super::super::{AttributeCommand, Command, LabelsCommand, Session};
use crate::analysis::{Ablating, AttributionMethod, AttributionRequest, Over};
use crate::session::{Against, TrustCommand};

#[test]
fn one_mask_serves_the_sheet_the_scores_and_the_ablation() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::SelectNode("input".into()));
    session.apply(Command::Trust(TrustCommand::Compare));
    let mask = dir.path().join("mask.png");
    image::GrayImage::from_fn(10, 12, |x, _| image::Luma([u8::from(x > 4)])).save(&mask).unwrap();
    session.apply(Command::SetLabels(Some(mask)));
    assert_eq!(session.sheet.against, Some(Against::Labels(1)), "{:?}", texts(&session));
    assert!(session.baselines_now().unwrap().baselines.labelled);
    let ablation = |session: &mut Session| {
        let method = AttributionMethod::Ablation { by: Ablating::Mean };
        let request = AttributionRequest { method, class: 1, over: Over::Whole, labels: None };
        session.apply(Command::Attribute(AttributeCommand::Explain(request)));
        session.explained_now().unwrap().found.clone()
    };
    let found = ablation(&mut session);
    // Of the network's own mask and the half that is labelled, by hand.
    let crate::analysis::Prediction::Segmentation(own) = &session.result.as_ref().unwrap().prediction else {
        panic!("a segmenter")
    };
    let pairs = || own.labels.0.indexed_iter().map(|((_, x), label)| (x > 4, *label == 1));
    let both = pairs().filter(|(truth, own)| *truth && *own).count();
    let either = pairs().filter(|(truth, own)| *truth || *own).count();
    assert!((found.iou.unwrap() - both as f64 / either as f64).abs() < 1e-12);
    session.apply(Command::SetLabels(None));
    assert_eq!(session.sheet.against, Some(Against::Prediction(1)));
    assert!(!session.baselines_now().unwrap().baselines.labelled);
    assert!(ablation(&mut session).iou.is_none());
}

/// A mask of the test image's size: 40 at the left, 90 in a stripe, 200 at the right.
fn foreign(dir: &std::path::Path) -> std::path::PathBuf {
    let path = dir.join("foreign.png");
    let value = |x: u32| {
        if x < 5 {
            40
        } else if x < 6 {
            90
        } else {
            200
        }
    };
    image::GrayImage::from_fn(10, 12, |x, _| image::Luma([value(x)])).save(&path).unwrap();
    path
}

fn say(session: &mut Session, command: LabelsCommand) {
    session.apply(Command::Labels(command));
}

#[test]
fn what_a_foreign_masks_values_mean_is_asked_and_what_is_not_said_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::SetLabels(Some(foreign(dir.path()))));
    let asked = session.labelling.asked.clone().expect("a question");
    let values: Vec<(&str, Option<usize>)> =
        asked.values.iter().map(|value| (value.text.as_str(), value.class)).collect();
    assert_eq!(values, [("40", None), ("90", None), ("200", None)]);
    assert!((asked.values[0].share - 0.5).abs() < 1e-12 && asked.others == 0.0);
    assert!(session.labels.is_none() && texts(&session).iter().all(|text| !text.contains("foreign")));
    say(&mut session, LabelsCommand::Say(vec![Some(0), None, Some(1)]));
    assert!(session.labelling.asked.is_none() && session.labels.is_some());
    let words = "In foreign.png: 40 is matrix (50.0 %), 200 is particle (40.0 %); 90 is ignored (10.0 %)";
    assert_eq!(session.labelling.words.as_deref(), Some(words));
    assert!(texts(&session).contains(&words), "{:?}", texts(&session));
    // Scored against the labels, the stripe left out: IoU by hand.
    let row = session.baselines_now().unwrap().baselines.rows[0].clone();
    let crate::analysis::Prediction::Segmentation(own) = &session.result.as_ref().unwrap().prediction else {
        panic!("a segmenter")
    };
    let pairs =
        || own.labels.0.indexed_iter().filter(|((_, x), _)| *x != 5).map(|((_, x), l)| (x > 5, *l == 1));
    let both = pairs().filter(|(truth, own)| *truth && *own).count();
    let either = pairs().filter(|(truth, own)| *truth || *own).count();
    assert!((row.iou[1].unwrap() - both as f64 / either as f64).abs() < 1e-12);
    // Asked again, what was said stands there.
    say(&mut session, LabelsCommand::Ask);
    let again = session.labelling.asked.clone().unwrap();
    assert_eq!(again.values.iter().map(|value| value.class).collect::<Vec<_>>(), [Some(0), None, Some(1)]);
    say(&mut session, LabelsCommand::Forget);
    assert!(session.labelling.asked.is_none() && session.labels.is_some());
    session.apply(Command::SetLabels(None));
    assert!(session.labels.is_none() && session.labelling.words.is_none());
}

#[test]
fn a_scheme_file_says_it_or_it_is_said_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::Run);
    session.apply(Command::SetLabels(Some(foreign(dir.path()))));
    let scheme = dir.path().join("scheme.toml");
    let class =
        |name: &str, values: &str| format!("[[class]]\nname='{name}'\ncolour=[1,1,1]\nvalues={values}\n");
    for (text, why) in [
        ("nonsense".to_owned(), "Not a label scheme"),
        (class("matrix", "[40]") + &class("particle", "[200]"), "The value 90"),
        (class("ferrite", "[[0, 255]]"), "is none of the network's"),
    ] {
        std::fs::write(&scheme, text).unwrap();
        say(&mut session, LabelsCommand::UseScheme(scheme.clone()));
        let complaint = session.labelling.asked.as_ref().and_then(|asked| asked.complaint.clone()).unwrap();
        assert!(complaint.contains(why), "{complaint}");
    }
    std::fs::write(&scheme, class("particle", "[[90, 255]]") + &class("matrix", "[40]")).unwrap();
    say(&mut session, LabelsCommand::UseScheme(scheme));
    let words = "In foreign.png: 40 is matrix (50.0 %), 90, 200 is particle (50.0 %)";
    assert_eq!(session.labelling.words.as_deref(), Some(words), "{:?}", texts(&session));
    // The scheme's own order of classes does not count: 1 is the model's particle.
    assert_eq!(session.sheet.against, Some(Against::Labels(1)));
    assert!(session.baselines_now().unwrap().baselines.labelled);
}

#[test]
fn what_is_said_by_hand_can_be_taken_to_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = ready(dir.path());
    session.apply(Command::SetLabels(Some(foreign(dir.path()))));
    let asked = session.labelling.asked.clone().unwrap();
    let text = asked.scheme_text(&[Some(0), None, Some(1)]);
    let scheme = crate::training::LabelScheme::parse(&text, std::path::Path::new("s.toml")).unwrap();
    let classes = &session.model.as_ref().unwrap().card.classes;
    let labels = crate::training::read_labels(&asked.path, Some(&scheme), classes).unwrap();
    assert_eq!([labels[[0, 0]], labels[[0, 5]], labels[[0, 9]]], [0, 255, 1]);
}
