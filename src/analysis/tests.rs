//! Whole runs on small networks with random weights: seams, recording, choosing channels, refusing, cancelling.
use super::*;
use crate::imaging::{Calibration, Micrograph, PixelSize};
use crate::inspect::{Features, Recorder, Wanted};
use crate::monitor::Monitor;
use crate::network::architectures::{UnetSpec, lenet, unet};
use crate::network::{ClassInfo, Graph, Model, ModelCard, Node, Normalisation, Op, Resample, Task, Weights};
use candle_core::Device;
use ndarray::{Array3, Array4};
use std::sync::Arc;

pub(super) fn card(task: Task, classes: usize, inputs: usize) -> ModelCard {
    let names = |stem: &str, count| (0..count).map(move |i| format!("{stem} {i}")).collect::<Vec<_>>();
    ModelCard {
        name: "Toy".into(),
        description: String::new(),
        task,
        classes: names("class", classes).into_iter().map(|name| ClassInfo { name, colour: [0; 3] }).collect(),
        units: None,
        channels: names("input", inputs),
        pixel_size_nm: None,
        normalisation: Normalisation::ZScore,
        input_size: None,
        training_data: Vec::new(),
        licence: String::new(),
        metrics: std::collections::BTreeMap::new(),
        metrics_on: String::new(),
        recipe: String::new(),
        trained_by: String::new(),
    }
}

pub(super) fn model(graph: Graph, card: ModelCard) -> Model {
    let weights = Weights::initialised(&graph, 7, &Device::Cpu).unwrap();
    Model::new(graph, weights, card).unwrap()
}

pub(super) fn segmenter(depth: usize, upsample: Option<Resample>) -> Model {
    let spec =
        UnetSpec { in_channels: 1, classes: 3, base: 4, depth, batch_norm: upsample.is_some(), upsample };
    model(unet(spec).unwrap(), card(Task::Segment, 3, 1))
}

/// A picture without any symmetry.
pub(super) fn micrograph([channels, height, width]: [usize; 3]) -> Micrograph {
    let mut state = 1_u32;
    let values = Array4::from_shape_fn((1, channels, height, width), |(_, c, y, x)| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / (1 << 24) as f32;
        ((x as f32) * 0.3).sin() * 5.0 + ((y + 3 * c) as f32 * 0.17).cos() * 4.0 + noise
    });
    let names = (0..channels).map(|c| format!("channel {c}")).collect();
    let pixel = PixelSize { x_nm: 2.0, y_nm: 2.0, source: "by hand".into() };
    Micrograph::from_array("noise", values, names, Calibration::of_pixel(&pixel))
}

fn all() -> Recorder {
    Recorder::new(Wanted::All { first: None }, u64::MAX)
}

pub(super) fn segmented(
    model: &Model,
    micrograph: &Micrograph,
    settings: &RunSettings,
) -> (Arc<Segmentation>, Features) {
    let mut recorder = all();
    let monitor = Monitor::silent();
    let prediction = run(model, micrograph, settings, &Device::Cpu, &mut recorder, &monitor).unwrap();
    let Prediction::Segmentation(segmentation) = prediction else { panic!("not a segmentation") };
    (segmentation, recorder.finish())
}

fn error_of(model: &Model, micrograph: &Micrograph, settings: &RunSettings) -> AnalysisError {
    let mut recorder = Recorder::nothing();
    run(model, micrograph, settings, &Device::Cpu, &mut recorder, &Monitor::silent()).unwrap_err()
}

fn far(a: &Array3<f32>, b: &Array3<f32>) -> f32 {
    assert_eq!(a.dim(), b.dim());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn tiled_and_whole_agree_in_every_pixel_of_every_node() {
    let cases = [
        (3, None, [37, 53], 8),
        (3, Some(Resample::Bilinear), [75, 131], 24),
        (2, Some(Resample::Nearest), [64, 40], 20),
        (1, None, [1, 90], 1),
    ];
    for (depth, upsample, [height, width], tile) in cases {
        let (model, micrograph) = (segmenter(depth, upsample), micrograph([1, height, width]));
        let (whole, whole_features) = segmented(&model, &micrograph, &RunSettings::default());
        let settings = RunSettings { tile: Some(tile), ..RunSettings::default() };
        let (tiled, features) = segmented(&model, &micrograph, &settings);
        let case = format!("depth {depth}, {upsample:?}, {height} × {width} in tiles of {tile}");
        assert_eq!((whole.tile, tiled.tile), (None, Some(tile.next_multiple_of(1 << depth))), "{case}");
        assert_eq!(whole.labels.0.dim(), (height, width), "{case}");
        assert_eq!(whole.labels, tiled.labels, "{case}");
        assert!(far(&whole.probabilities, &tiled.probabilities) < 1e-4, "{case}");
        assert_eq!(features.maps.len(), model.graph.nodes().len(), "{case}");
        for (node, maps) in &whole_features.maps {
            assert_eq!(maps.scale, features.maps[node].scale, "{case}, {node}");
            let largest = maps.maps.iter().fold(1.0_f32, |max, value| max.max(value.abs()));
            assert!(far(&maps.maps, &features.maps[node].maps) < 1e-4 * largest, "{case}, {node}");
        }
    }
}

/// A convolution that adds a border of two pixels, and one that takes it off again.
fn growing_and_shrinking() -> Model {
    let conv = |from, to, kernel: usize, padding: usize| Op::Conv2d {
        in_channels: from,
        out_channels: to,
        kernel: [kernel; 2],
        stride: [1; 2],
        padding: [padding; 2],
        dilation: [1; 2],
        groups: 1,
        bias: true,
    };
    let node = |name: &str, op, inputs: &[&str]| Node {
        name: name.into(),
        op,
        inputs: inputs.iter().map(ToString::to_string).collect(),
    };
    let nodes = vec![
        node("input", Op::Input { channels: 1 }, &[]),
        node("grow", conv(1, 4, 3, 3), &["input"]),
        node("shrink", conv(4, 3, 5, 0), &["grow"]),
    ];
    model(Graph::new("test", nodes).unwrap(), card(Task::Segment, 3, 1))
}

#[test]
fn tiles_agree_where_nodes_add_and_lose_borders() {
    let (model, micrograph) = (growing_and_shrinking(), micrograph([1, 37, 53]));
    let (whole, whole_features) = segmented(&model, &micrograph, &RunSettings::default());
    let settings = RunSettings { tile: Some(9), ..RunSettings::default() };
    let (tiled, features) = segmented(&model, &micrograph, &settings);
    assert_eq!((whole.tile, tiled.tile), (None, Some(9)));
    assert!(far(&whole.probabilities, &tiled.probabilities) < 1e-5);
    let (grown, tiled) = (&whole_features.maps["grow"], &features.maps["grow"]);
    assert_eq!((grown.origin, grown.maps.dim()), ([-2.0; 2], (4, 39, 55)));
    assert!(far(&grown.maps, &tiled.maps) < 1e-5);
}

#[test]
fn a_large_image_has_the_same_mask_in_tiles() {
    let (model, micrograph) = (segmenter(2, None), micrograph([1, 1000, 1500]));
    let mask = |tile| {
        let settings = RunSettings { tile, ..RunSettings::default() };
        let mut recorder = Recorder::nothing();
        let monitor = Monitor::silent();
        match run(&model, &micrograph, &settings, &Device::Cpu, &mut recorder, &monitor).unwrap() {
            Prediction::Segmentation(segmentation) => segmentation,
            _ => panic!("not a segmentation"),
        }
    };
    let (whole, tiled) = (mask(None), mask(Some(256)));
    assert_eq!((whole.tile, tiled.tile), (None, Some(256)));
    assert_eq!(whole.labels, tiled.labels);
    assert!(far(&whole.probabilities, &tiled.probabilities) < 1e-4);
    let counts = whole.labels.counts(3);
    assert!(
        counts.iter().filter(|&&count| count > 1000).count() >= 2,
        "one class alone proves nothing: {counts:?}"
    );
}

#[test]
fn features_cover_the_picture_at_their_scale() {
    let (_, features) = segmented(&segmenter(3, None), &micrograph([1, 37, 53]), &RunSettings::default());
    let size = |node: &str| (features.maps[node].maps.dim(), features.maps[node].scale);
    assert_eq!(size("input"), ((1, 37, 53), [1.0, 1.0]));
    assert_eq!(size("pool1"), ((4, 19, 27), [2.0, 2.0]));
    assert_eq!(size("pool3"), ((16, 5, 7), [8.0, 8.0]));
    assert_eq!(size("head"), ((3, 37, 53), [1.0, 1.0]));
    assert!(features.left_out.is_empty());
}

#[test]
fn an_image_of_one_pixel_has_a_mask_too() {
    let (found, features) = segmented(&segmenter(3, None), &micrograph([1, 1, 1]), &RunSettings::default());
    assert_eq!(found.labels.0.dim(), (1, 1));
    assert!((found.probabilities.sum() - 1.0).abs() < 1e-6);
    assert_eq!(features.maps["pool3"].maps.dim(), (16, 1, 1));
    assert_eq!(found.pixel.as_ref().map(|pixel| pixel.x_nm), Some(2.0));
}

#[test]
fn the_features_of_one_node_are_those_of_a_full_run() {
    let (model, micrograph) = (segmenter(2, None), micrograph([1, 30, 41]));
    let (_, features) = segmented(&model, &micrograph, &RunSettings::default());
    for tile in [None, Some(12)] {
        let settings = RunSettings { tile, ..RunSettings::default() };
        for node in ["input", "enc2.conv1", "dec1.conv1", "head"] {
            let found =
                features_of(node, &model, &micrograph, &settings, &Device::Cpu, &Monitor::silent()).unwrap();
            assert_eq!(found.scale, features.maps[node].scale, "{node}");
            assert!(far(&found.maps, &features.maps[node].maps) < 1e-4, "{node}");
        }
    }
    let settings = RunSettings::default();
    let unknown =
        features_of("enc9", &model, &micrograph, &settings, &Device::Cpu, &Monitor::silent()).unwrap_err();
    assert!(unknown.to_string().starts_with("Toy has no node enc9; it has input, enc1.conv1,"), "{unknown}");
}

#[test]
fn little_memory_means_tiles_and_too_little_a_number() {
    let (model, micrograph) = (segmenter(1, None), micrograph([1, 200, 200]));
    let peak = |size| crate::network::forecast(&model.graph, [1, size, size]).unwrap().peak_bytes;
    let limited = |bytes| RunSettings { memory_limit: Some(bytes), ..RunSettings::default() };
    let (whole, _) = segmented(&model, &micrograph, &limited(peak(200)));
    assert_eq!(whole.tile, None);
    let (tiled, _) = segmented(&model, &micrograph, &limited(peak(120)));
    let side = tiled.tile.unwrap();
    assert!((80..120).contains(&side), "the halo comes on top of {side}");
    assert_eq!(tiled.labels, whole.labels);
    for tile in [None, Some(100), Some(1000)] {
        let settings = RunSettings { tile, ..limited(1000) };
        let AnalysisError::Memory(text) = error_of(&model, &micrograph, &settings) else { panic!() };
        assert!(text.contains("needs") && text.contains("1000 bytes may be used"), "{text}");
    }
}

#[test]
fn a_classifier_sees_the_image_at_its_own_size() {
    let mut card = card(Task::Classify, 4, 1);
    card.input_size = Some([28, 28]);
    let model = model(lenet(1, 4, 4, Some([28, 28])).unwrap(), card);
    let mut recorder = all();
    let (micrograph, settings) = (micrograph([1, 91, 64]), RunSettings::default());
    let prediction =
        run(&model, &micrograph, &settings, &Device::Cpu, &mut recorder, &Monitor::silent()).unwrap();
    let Prediction::Classification(found) = prediction else { panic!("not a classification") };
    assert_eq!((found.probabilities.len(), found.classes.len()), (4, 4));
    assert!((found.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    let features = recorder.finish();
    assert_eq!(features.maps["input"].maps.dim(), (1, 28, 28));
    assert_eq!(features.maps["input"].scale, [91.0 / 28.0, 64.0 / 28.0]);
    // Behind a pooling by 2 a 5×5 convolution without padding begins two of its pixels inside.
    let second = &features.maps["conv2"];
    assert_eq!((second.maps.dim(), second.scale[0], second.origin[0]), ((11, 10, 10), 6.5, 13.0));
    let last = &model.graph.nodes().last().unwrap().name;
    assert_eq!(features.maps[last].maps.dim(), (4, 1, 1));
    assert_eq!(features.maps[last].pixel_at([90.5, 63.5]), Some([0, 0]));
}

#[test]
fn an_image_too_small_for_a_classifier_is_named() {
    let model = model(lenet(1, 2, 4, None).unwrap(), card(Task::Classify, 2, 1));
    let error = error_of(&model, &micrograph([1, 3, 2]), &RunSettings::default());
    assert!(matches!(error, AnalysisError::Mismatch(_)), "{error:?}");
    assert!(error.to_string().starts_with("This network cannot take an image of 2 × 3 px. Node "), "{error}");
}

/// One 1×1 convolution.
fn tiny(task: Task, inputs: usize, outputs: usize) -> Graph {
    let conv = Op::Conv2d {
        in_channels: inputs,
        out_channels: outputs,
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    let node = |name: &str, op, inputs: &[&str]| Node {
        name: name.into(),
        op,
        inputs: inputs.iter().map(ToString::to_string).collect(),
    };
    let mut nodes = vec![node("input", Op::Input { channels: inputs }, &[]), node("conv", conv, &["input"])];
    if task == Task::Classify {
        nodes.push(node("mean", Op::GlobalAvgPool, &["conv"]));
    }
    Graph::new("tiny", nodes).unwrap()
}

#[test]
fn channels_are_chosen_or_refused_by_name() {
    let model = model(tiny(Task::Segment, 2, 2), card(Task::Segment, 2, 2));
    let chosen =
        |channels: &[usize]| RunSettings { channels: Some(channels.to_vec()), ..RunSettings::default() };
    let cases = [
        (1, RunSettings::default(), "Toy wants 2 channels (input 0, input 1); noise has 1 channel"),
        (3, chosen(&[1]), "Toy wants 2 channels (input 0, input 1); the choice names 1"),
        (3, chosen(&[1, 3]), "There is no channel 4 in noise, which has 3 channels"),
    ];
    for (channels, settings, expected) in cases {
        let error = error_of(&model, &micrograph([channels, 4, 4]), &settings);
        assert_eq!(error.to_string(), expected);
    }
    let picture = micrograph([3, 4, 4]);
    let input = |channels| network_input(&model.card, 2, &picture, 0, channels).unwrap();
    assert_eq!(input(None), input(Some(&[0, 1])));
    let (forth, back) = (input(Some(&[0, 2])), input(Some(&[2, 0])));
    assert_eq!(forth.index_axis(ndarray::Axis(0), 0), back.index_axis(ndarray::Axis(0), 1));
    assert_ne!(forth, back);
    assert!(network_input(&model.card, 2, &picture, 1, None).is_err(), "there is one frame");
}

#[test]
fn models_that_contradict_themselves_are_refused() {
    let picture = micrograph([1, 4, 4]);
    let mut fixed = card(Task::Segment, 2, 1);
    fixed.normalisation = Normalisation::Fixed { mean: 0.0, std: 0.0 };
    let weights = |graph: &Graph| Weights::initialised(graph, 7, &Device::Cpu).unwrap();
    let build = |graph: Graph, card_that_lies| {
        let mut model = model(tiny(Task::Segment, 1, 1), card(Task::Segment, 1, 1));
        (model.weights, model.graph, model.card) = (weights(&graph), graph, card_that_lies);
        model
    };
    let cases = [
        (build(tiny(Task::Segment, 1, 2), fixed), "Toy cannot be normalised with mean 0 and standard"),
        (
            build(tiny(Task::Segment, 1, 3), card(Task::Segment, 2, 1)),
            "Toy names 2 classes and should give 2 × 4 × 4,",
        ),
        (
            build(tiny(Task::Classify, 1, 3), card(Task::Classify, 2, 1)),
            "Toy names 2 classes and should give 2, but",
        ),
        (
            build(tiny(Task::Segment, 1, 2), card(Task::Classify, 2, 1)),
            "Toy names 2 classes and should give 2, but",
        ),
    ];
    for (model, expected) in cases {
        let error = error_of(&model, &picture, &RunSettings::default());
        assert!(matches!(error, AnalysisError::Mismatch(_)));
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn cancelled_work_stops_and_says_so() {
    let (model, micrograph) = (segmenter(1, None), micrograph([1, 16, 16]));
    let (watch, monitor) = Monitor::watched();
    watch.cancel();
    let mut recorder = Recorder::nothing();
    let settings = RunSettings::default();
    let stopped = run(&model, &micrograph, &settings, &Device::Cpu, &mut recorder, &monitor).unwrap_err();
    assert!(stopped.is_cancelled());
    let stopped = features_of("head", &model, &micrograph, &settings, &Device::Cpu, &monitor).unwrap_err();
    assert!(stopped.is_cancelled());
}

#[test]
fn progress_ends_at_one() {
    let (model, micrograph) = (segmenter(1, None), micrograph([1, 40, 40]));
    for tile in [None, Some(16)] {
        let (watch, monitor) = Monitor::watched();
        let settings = RunSettings { tile, ..RunSettings::default() };
        let mut recorder = Recorder::nothing();
        run(&model, &micrograph, &settings, &Device::Cpu, &mut recorder, &monitor).unwrap();
        assert_eq!(watch.fraction(), 1.0);
        assert!(watch.stage().starts_with("Running Toy"), "{}", watch.stage());
    }
}
