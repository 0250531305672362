//! Against PyTorch, and against what must be so.
use super::*;
use crate::analysis::movement::Flip;
use crate::analysis::tests::{card, micrograph, model, segmenter};
use crate::imaging::Calibration;
use crate::network::architectures::lenet;
use crate::network::{Graph, Node, Normalisation, Op, Task, Weights};
use ndarray::Array4;
use serde_json::Value;
use std::path::Path as FilePath;

fn moving(movement: Movement) -> Moving {
    Moving { movement, nodes: Wanted::All { first: None } }
}

fn shift(by: [i64; 2]) -> Movement {
    Movement { shift: by, ..Movement::default() }
}

fn found(asked: &Moving, model: &Model, image: &Micrograph) -> Result<Equivariance, AnalysisError> {
    let settings = RunSettings::default();
    equivariance(asked, model, (image, &settings), &Device::Cpu, &Monitor::silent())
}

fn node<'a>(found: &'a Equivariance, name: &str) -> &'a NodeEquivariance {
    found.nodes.iter().find(|node| node.node == name).unwrap()
}

/// tests/fixtures/analysis/equivariance.safetensors, made by tests/reference/equivariance.py.
fn reference() -> (Model, Micrograph, Vec<Value>) {
    let path =
        FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis/equivariance.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let weights = tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("weight:")?.to_owned(), tensor.clone())));
    let weights = Weights { tensors: weights.collect() };
    let mut card = card(Task::Segment, 3, 1);
    card.normalisation = Normalisation::Fixed { mean: 0.0, std: 1.0 };
    let model = Model::new(serde_json::from_str(&metadata["graph"]).unwrap(), weights, card).unwrap();
    let (channels, height, width) = tensors["image"].dims3().unwrap();
    let pixels = tensors["image"].flatten_all().unwrap().to_vec1().unwrap();
    let pixels = Array4::from_shape_vec((1, channels, height, width), pixels).unwrap();
    let image = Micrograph::from_array("image", pixels, vec!["grey".to_owned()], Calibration::default());
    (model, image, serde_json::from_str(&metadata["cases"]).unwrap())
}

fn movement_of(case: &Value) -> Movement {
    let still = Movement::default();
    match case["move"].as_str().unwrap() {
        "flip x" => Movement { flip: Flip::X, ..still },
        "flip y" => Movement { flip: Flip::Y, ..still },
        "shift" => shift([0, 1].map(|axis| case["by"][axis].as_i64().unwrap())),
        turn => Movement { degrees: turn.strip_prefix("rotate ").unwrap().parse().unwrap(), ..still },
    }
}

fn check_agreement(what: &str, ours: Option<NodeAgreement>, theirs: &Value) {
    let ours = ours.unwrap_or_else(|| panic!("{what} has nothing to compare"));
    assert_eq!(ours.pixels, theirs["pixels"].as_u64().unwrap(), "{what}");
    let relative = theirs["relative"].as_f64().unwrap();
    assert!((ours.relative.unwrap() - relative).abs() < 1e-5, "{what}: {ours:?}, not {relative}");
    let correlation = theirs["correlation"].as_f64().unwrap();
    assert!((ours.correlation.unwrap() - correlation).abs() < 1e-5, "{what}: {ours:?}, not {correlation}");
}

#[test]
fn every_node_and_the_answer_change_as_pytorch_s_do() {
    let (model, image, cases) = reference();
    assert_eq!(cases.len(), 8);
    for case in &cases {
        let movement = movement_of(case);
        let found = found(&moving(movement), &model, &image).unwrap();
        assert_eq!(found.nodes.len(), model.graph.nodes().len());
        let theirs = case["nodes"].as_object().unwrap();
        assert_eq!(theirs.len(), found.nodes.len());
        for (name, theirs) in theirs {
            let what = format!("{name}, {}", movement.words());
            check_agreement(&what, node(&found, name).whole, theirs);
        }
        for (name, theirs) in case["interior"].as_object().into_iter().flatten() {
            let what = format!("the interior of {name}, {}", movement.words());
            check_agreement(&what, node(&found, name).interior, theirs);
        }
        let (ours, theirs) = (found.answer.unwrap().whole, &case["answer"]);
        let near = |ours: f64, key: &str| {
            let theirs = theirs[key].as_f64().unwrap();
            assert!((ours - theirs).abs() < 1e-5, "{key}, {}: {ours}, not {theirs}", movement.words());
        };
        near(f64::from(ours.largest), "largest");
        near(ours.mean, "mean");
        let classes = ours.classes.unwrap();
        near(classes.changed().unwrap(), "changed");
        for (class, iou) in classes.iou.iter().enumerate() {
            assert!((iou.unwrap() - theirs["iou"][class].as_f64().unwrap()).abs() < 1e-9);
        }
    }
}

/// One convolution of stride 1, a ReLU, and a pooling of stride 2 beside them.
fn convolution_and_pooling() -> Model {
    let conv = |from, to| Op::Conv2d {
        in_channels: from,
        out_channels: to,
        kernel: [3; 2],
        stride: [1; 2],
        padding: [1; 2],
        dilation: [1; 2],
        groups: 1,
        bias: true,
    };
    let node = |name: &str, op, input: &[&str]| Node {
        name: name.into(),
        op,
        inputs: input.iter().map(ToString::to_string).collect(),
    };
    let pool = Op::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
    let up = Op::Upsample { scale: 2, resample: crate::network::Resample::Nearest };
    let nodes = vec![
        node("input", Op::Input { channels: 1 }, &[]),
        node("conv", conv(1, 4), &["input"]),
        node("pool", pool, &["conv"]),
        node("up", up, &["pool"]),
        node("head", conv(4, 3), &["up"]),
    ];
    model(Graph::new("test", nodes).unwrap(), card(Task::Segment, 3, 1))
}

#[test]
fn a_convolution_follows_every_shift_and_pooling_only_even_ones() {
    let (model, image) = (convolution_and_pooling(), micrograph([1, 40, 32]));
    for (by, pooled_follows) in [([1, 0], false), ([2, 0], true), ([3, -5], false), ([-4, 6], true)] {
        let found = found(&moving(shift(by)), &model, &image).unwrap();
        let relative = |name: &str| node(&found, name).interior.unwrap().relative.unwrap();
        // Winograd's transforms round within their tiles, which do not shift.
        assert!(relative("conv") < 1e-5, "{by:?}: {}", relative("conv"));
        let pool = relative("pool");
        assert_eq!(pool < 1e-5, pooled_follows, "{by:?}: {pool}");
        assert_eq!((node(&found, "conv").on_grid, node(&found, "pool").on_grid), (true, pooled_follows));
        let answer = found.answer.unwrap();
        let interior = answer.interior.unwrap();
        assert_eq!(interior.largest < 1e-5, pooled_follows, "{by:?}");
        assert!(answer.whole.largest > 1e-3, "the border is another one: {by:?}");
        // Rows 0 to 39 − |by| can be compared.
        let pixels = (40 - by[0].unsigned_abs()) * (32 - by[1].unsigned_abs());
        assert_eq!(answer.whole.pixels, pixels);
    }
}

#[test]
fn a_named_node_shows_where_it_differs() {
    let (model, image) = (convolution_and_pooling(), micrograph([1, 40, 32]));
    let asked = Moving { movement: shift([2, 0]), nodes: Wanted::Nodes(vec!["conv".into(), "pool".into()]) };
    let found = found(&asked, &model, &image).unwrap();
    assert_eq!(found.nodes.len(), 2);
    let map = node(&found, "conv").difference.as_ref().unwrap();
    assert_eq!((map.values.dim(), map.scale), ((40, 32), [1.0; 2]));
    // The last two rows have left the picture; the one before sees its border.
    assert!(map.values[[38, 5]].is_nan() && map.values[[39, 5]].is_nan());
    assert!(map.values[[37, 5]] > 1e-3 && map.values[[0, 5]] > 1e-3 && map.values[[20, 16]] < 1e-5);
    assert_eq!(node(&found, "pool").difference.as_ref().unwrap().scale, [2.0; 2]);
}

#[test]
fn what_does_not_move_does_not_change_and_other_angles_only_resample() {
    let (model, image) = (segmenter(1, None), micrograph([1, 32, 32]));
    let still = found(&moving(Movement::default()), &model, &image).unwrap();
    assert!(
        still.nodes.iter().all(|node| node.on_grid && node.whole.unwrap().relative.unwrap_or(0.0) == 0.0)
    );
    assert_eq!(still.answer.unwrap().whole.largest, 0.0);
    let turned = Movement { degrees: 30.0, ..Movement::default() };
    let found = found(&moving(turned), &model, &image).unwrap();
    let input = node(&found, "input");
    assert!(!input.on_grid && input.whole.unwrap().pixels < 32 * 32);
    // There and back by interpolation: the noise of the picture is smoothed, no more.
    assert!((0.01..0.5).contains(&input.whole.unwrap().relative.unwrap()), "{input:?}");
    assert!(input.interior.unwrap().pixels > 500);
}

#[test]
fn a_classifier_s_numbers_are_compared_as_they_are() {
    let mut card = card(Task::Classify, 4, 1);
    card.input_size = Some([28, 28]);
    let model = model(lenet(1, 4, 3, Some([28, 28])).unwrap(), card);
    let found = found(&moving(shift([3, 0])), &model, &micrograph([1, 56, 84])).unwrap();
    assert_eq!(found.size, [28, 28]);
    let answer = found.answer.as_ref().unwrap();
    let [before, after] = answer.of_image.clone().unwrap();
    let largest = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert_eq!((before.len(), answer.whole.largest, answer.whole.pixels), (4, largest, 1));
    assert!(answer.interior.is_none() && answer.labels.is_none());
    let head = node(&found, "head");
    assert!(head.on_grid && head.interior.is_none() && head.whole.unwrap().pixels == 1);
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    let (model, image) = (segmenter(1, None), micrograph([1, 20, 16]));
    let says = |asked: Moving| found(&asked, &model, &image).unwrap_err().to_string();
    assert!(says(moving(shift([20, 0]))).contains("leaves nothing"));
    assert!(says(moving(Movement { degrees: f64::INFINITY, ..shift([0, 0]) })).contains("cannot be rotated"));
    let asked = Moving { movement: shift([1, 0]), nodes: Wanted::Nodes(vec!["dec9".into()]) };
    assert!(says(asked).starts_with("Toy has no node dec9"));
    let (watch, monitor) = Monitor::watched();
    watch.cancel();
    let settings = RunSettings::default();
    let asked = moving(shift([1, 0]));
    let stopped = equivariance(&asked, &model, (&image, &settings), &Device::Cpu, &monitor).unwrap_err();
    assert!(stopped.is_cancelled());
}
