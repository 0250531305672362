//! Every kind of kernel against what the network says of it.
use super::*;
use crate::analysis::attribute::planes;
use crate::analysis::features_of;
use crate::analysis::tests::{card, micrograph, segmenter};
use crate::imaging::Calibration;
use crate::network::{Normalisation, Task, Weights};
use ndarray::Axis;

fn ask(probe: &HandProbe, model: &Model, image: &Micrograph) -> Result<ByHand, AnalysisError> {
    by_hand(probe, model, (image, &RunSettings::default()), &Device::Cpu, &Monitor::silent())
}

/// A network of tests/fixtures/network, whose values are checked against PyTorch elsewhere, and its first image.
fn fixture(name: &str, classes: usize) -> (Model, Micrograph) {
    let path = format!("{}/tests/fixtures/network/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let graph: Graph = serde_json::from_str(&header.metadata().as_ref().unwrap()["graph"]).unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let weights = tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("weight:")?.to_owned(), tensor.clone())));
    let weights = Weights { tensors: weights.collect() };
    let (_, channels, height, width) = tensors["node:input"].dims4().unwrap();
    let mut card = card(Task::Any, classes, channels);
    card.normalisation = Normalisation::Fixed { mean: 0.0, std: 1.0 };
    card.input_size = Some([height, width]);
    let pixels = planes(&tensors["node:input"].narrow(0, 0, 1).unwrap()).unwrap();
    let names = (0..channels).map(|c| format!("element {c}")).collect();
    let image = Micrograph::from_array("image", pixels.insert_axis(Axis(0)), names, Calibration::default());
    (Model::new(graph, weights, card).unwrap(), image)
}

/// Takes every value of a node apart.
fn check(model: &Model, image: &Micrograph, node: &str) {
    let settings = RunSettings::default();
    let maps = features_of(node, model, image, &settings, &Device::Cpu, &Monitor::silent()).unwrap().maps;
    for ((feature, y, x), value) in maps.indexed_iter() {
        let probe = HandProbe { node: node.into(), feature, at: Some([y, x]) };
        let found = ask(&probe, model, image).unwrap();
        let sums: f64 = found.channels.iter().map(|part| f64::from(part.products().sum())).sum();
        let near = |a: f64, b: f64| (a - b).abs() <= 2e-5 * (1.0 + b.abs());
        assert!(near(found.total, f64::from(*value)), "{node} {feature} {y} {x}: {} {value}", found.total);
        assert!(
            found.network.to_bits() == value.to_bits() || near(f64::from(found.network), f64::from(*value))
        );
        assert!(found.error() < 1e-4 && near(sums + f64::from(found.bias.unwrap_or(0.0)), found.total));
        for then in &found.then {
            assert!(then.by_hand.is_none_or(|hand| near(hand, f64::from(then.network))), "{then:?}");
        }
    }
}

#[test]
fn convolutions_of_every_kind_and_dense_layers_are_the_sum_of_their_products() {
    let (model, image) = fixture("every_operation", 0);
    for node in ["odd", "depthwise", "up", "out"] {
        check(&model, &image, node);
    }
    let (model, image) = fixture("lenet", 0);
    for node in ["conv1", "conv2", "fc1", "fc2"] {
        check(&model, &image, node);
    }
}

#[test]
fn the_weightiest_channel_comes_first_and_what_follows_is_worked_out() {
    let (model, image) = fixture("unet", 0);
    let probe = HandProbe { node: "enc2.conv1".into(), feature: 2, at: Some([3, 1]) };
    let found = ask(&probe, &model, &image).unwrap();
    let sums: Vec<f64> = found.channels.iter().map(|part| part.sum.abs()).collect();
    assert!(sums.windows(2).all(|pair| pair[0] >= pair[1]) && sums.len() == 3);
    let names: Vec<&str> = found.then.iter().map(|then| then.node.as_str()).collect();
    assert_eq!(names, ["enc2.bn1", "enc2.relu1"]);
    let [norm, relu] = [0, 1].map(|i| found.then[i].by_hand.unwrap());
    assert!((norm - f64::from(found.then[0].network)).abs() < 1e-5 && (relu - norm.max(0.0)).abs() < 1e-12);
    assert!(found.channels.iter().all(|part| part.name.is_none()));
    let first = HandProbe { node: "enc1.conv1".into(), feature: 0, at: Some([0, 0]) };
    let first = ask(&first, &model, &image).unwrap();
    assert_eq!(first.channels[0].name.as_deref(), Some("input 0"));
    // The corner: a row and a column of the kernel lie beyond the image.
    assert_eq!(first.there.iter().filter(|there| **there).count(), 4);
    assert_eq!((first.kind.as_str(), first.input.as_str()), ("Conv2d 3×3", "input"));
}

#[test]
fn a_value_of_a_large_image_is_taken_apart_on_a_piece() {
    let (model, image) = (segmenter(2, None), micrograph([1, 130, 118]));
    let settings = RunSettings::default();
    for (node, at) in [("dec1.conv1", [77, 64]), ("mid.conv2", [20, 11]), ("dec2.up", [64, 58])] {
        let maps = features_of(node, &model, &image, &settings, &Device::Cpu, &Monitor::silent()).unwrap();
        let probe = HandProbe { node: node.into(), feature: 1, at: Some(at) };
        let found = ask(&probe, &model, &image).unwrap();
        let value = maps.maps[[1, at[0], at[1]]];
        assert!((found.total - f64::from(value)).abs() < 1e-4 * (1.0 + f64::from(value.abs())), "{node}");
    }
}

/// A run that keeps at most `budget` bytes.
fn kept(node: &str, at: [usize; 2], (model, image): (&Model, &Micrograph), budget: u64) -> HandRun {
    let probe = HandProbe { node: node.into(), feature: 0, at: Some(at) };
    let settings = RunSettings::default();
    HandRun::of(&probe, model, (image, &settings), (&Device::Cpu, budget), &Monitor::silent()).unwrap()
}

#[test]
fn one_run_serves_every_value_of_a_node_and_gives_what_a_run_of_its_own_gives() {
    let (model, image) = fixture("unet", 0);
    let run = kept("enc2.conv1", [0, 0], (&model, &image), u64::MAX);
    let settings = RunSettings::default();
    let maps =
        features_of("enc2.conv1", &model, &image, &settings, &Device::Cpu, &Monitor::silent()).unwrap().maps;
    for (feature, y, x) in ndarray::indices_of(&maps) {
        let probe = HandProbe { node: "enc2.conv1".into(), feature, at: Some([y, x]) };
        assert!(run.serves(&probe, &model));
        let (one, own) = (run.take_apart(&probe, &model).unwrap(), ask(&probe, &model, &image).unwrap());
        let near = |a: f64, b: f64| (a - b).abs() <= 2e-5 * (1.0 + b.abs());
        assert!(near(one.total, own.total) && near(one.total, f64::from(maps[[feature, y, x]])));
        assert_eq!((one.at, &one.there, one.then.len()), (own.at, &own.there, own.then.len()));
    }
    let wrong = HandProbe { node: "enc2.conv1".into(), feature: 99, at: None };
    assert!(!run.serves(&wrong, &model));
    assert!(run.take_apart(&wrong, &model).unwrap_err().to_string().contains("has no feature 99"));
    assert!(!run.serves(&HandProbe { node: "enc1.conv1".into(), feature: 0, at: None }, &model));
}

#[test]
fn on_a_large_image_a_piece_is_kept_and_says_which_values_it_serves() {
    let (model, image) = (segmenter(2, None), micrograph([1, 700, 40]));
    // The whole of dec1.conv1 takes 8 + 4 + 4 + 4 features, 2.2 MB; a margin of 64 px less than a third of that.
    let run = kept("dec1.conv1", [300, 20], (&model, &image), 1_000_000);
    assert!(run.bytes() <= 1_000_000 && run.bytes() > 100_000, "{}", run.bytes());
    let settings = RunSettings::default();
    let maps =
        features_of("dec1.conv1", &model, &image, &settings, &Device::Cpu, &Monitor::silent()).unwrap().maps;
    let mut served = Vec::new();
    for y in (0..700).step_by(7) {
        let probe = HandProbe { node: "dec1.conv1".into(), feature: 2, at: Some([y, 11]) };
        if !run.serves(&probe, &model) {
            assert!(run.take_apart(&probe, &model).is_err(), "{y}");
            continue;
        }
        served.push(y);
        let (found, value) = (run.take_apart(&probe, &model).unwrap(), f64::from(maps[[2, y, 11]]));
        assert!((found.total - value).abs() < 1e-4 * (1.0 + value.abs()), "{y}: {} {value}", found.total);
        assert!(found.error() < 1e-4);
    }
    assert!(served.len() > 10 && served[0] > 7 && *served.last().unwrap() < 693, "{served:?}");
    let whole = kept("dec1.conv1", [300, 20], (&model, &image), u64::MAX);
    assert!(whole.serves(&HandProbe { node: "dec1.conv1".into(), feature: 0, at: Some([699, 0]) }, &model));
}

#[test]
fn first_kernels_are_labelled_and_what_has_no_kernel_is_refused() {
    let (model, image) = (segmenter(1, None), micrograph([1, 20, 16]));
    let kernels = first_kernels(&model, &["Al".to_owned()]).unwrap().unwrap();
    assert_eq!((kernels.node.as_str(), kernels.kernels.dim()), ("enc1.conv1", (4, 1, 3, 3)));
    assert_eq!(kernels.channels, ["Al"]);
    let says = |node: &str, feature, at| {
        ask(&HandProbe { node: node.into(), feature, at }, &model, &image).unwrap_err().to_string()
    };
    let text = says("pool1", 0, None);
    assert_eq!(text, "pool1 is MaxPool2d, which has no kernel: choose a convolution or a dense layer");
    assert_eq!(says("head", 9, None), "head has no feature 9, only 0 to 2");
    assert_eq!(says("head", 0, Some([20, 0])), "head has no place 20,0: its output has 20×16 (y×x)");
    assert!(says("enc9", 0, None).starts_with("Toy has no node enc9; it has input"));
}
