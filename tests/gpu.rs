//! The graphics card against the CPU, to 1e-3: every node, every gradient, the shipped models, and a full card.
//!
//! Where there is no card, and in a build without the feature `cuda`, each test says so and passes. `.ci/gpu` runs them
//! and asks for a card.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test that skips says so")]

use candle_core::{Device, Tensor, Var};
use polepiece::analysis::{Numbers, Prediction, RunSettings, features_of, run as run_model};
use polepiece::compute::{DeviceChoice, memory_of, open_device};
use polepiece::imaging::{self, Calibration, Micrograph};
use polepiece::inspect::Recorder;
use polepiece::monitor::Monitor;
use polepiece::network::architectures::{Architecture, UnetSpec, build, lenet, mlp, unet};
use polepiece::network::{
    self, Flow, Graph, Mode, Model, Node, PreparedNetwork, Resample, Task, TrainState, Weights, installed,
    no_tap,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Largest difference over the largest value.
const TOLERANCE: f32 = 1e-3;

/// One test at a time on the card, since one of them fills it.
static CARD: Mutex<()> = Mutex::new(());

/// The card, or `None` with a printed word where there is none.
fn card() -> Option<(Device, MutexGuard<'static, ()>)> {
    let alone = CARD.lock().unwrap_or_else(PoisonError::into_inner);
    match open_device(DeviceChoice::Cuda) {
        Ok(opened) => {
            println!("on {}", opened.name);
            Some((opened.device, alone))
        }
        Err(error) if std::env::var_os("POLEPIECE_TEST_GPU").is_some() => panic!("{error}"),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

fn values(x: &Tensor) -> Vec<f32> {
    x.to_device(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn check(what: &str, on_card: &Tensor, on_cpu: &Tensor) {
    assert_eq!(on_card.dims(), on_cpu.dims(), "{what}");
    let (found, expected) = (values(on_card), values(on_cpu));
    let largest = expected.iter().fold(1e-3, |largest: f32, value| largest.max(value.abs()));
    let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / largest);
    // NaN must not hide behind a comparison.
    let worst = apart.fold(0.0, |worst: f32, apart| if apart <= worst { worst } else { apart });
    assert!(worst <= TOLERANCE, "{what}: off by {worst} of the largest");
}

/// Numbers between −1 and 1 that look like nothing.
fn noise(dims: &[usize]) -> Tensor {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let count = dims.iter().product();
    Tensor::from_vec(std::iter::repeat_with(next).take(count).collect::<Vec<_>>(), dims, &Device::Cpu)
        .unwrap()
}

/// Small networks of every operation that trains, with an input `[batch, channel, y, x]`.
fn small_networks() -> Vec<(String, Graph, [usize; 4])> {
    let mut all = Vec::new();
    for batch_norm in [false, true] {
        for upsample in [None, Some(Resample::Nearest), Some(Resample::Bilinear)] {
            let graph =
                unet(UnetSpec { in_channels: 2, classes: 3, base: 8, depth: 3, batch_norm, upsample })
                    .unwrap();
            all.push((format!("U-Net, batch-norm {batch_norm}, {upsample:?}"), graph, [2, 2, 72, 56]));
        }
    }
    all.push(("LeNet".to_owned(), lenet(1, 4, 6, None).unwrap(), [3, 1, 64, 48]));
    all.push(("LeNet of one size".to_owned(), lenet(1, 4, 6, Some([32, 32])).unwrap(), [2, 1, 32, 32]));
    all.push(("MLP".to_owned(), mlp([1, 12, 10], &[16, 8], 3).unwrap(), [2, 1, 12, 10]));
    all.push(("every operation".to_owned(), every_operation(), every_operation_input()));
    all
}

/// Every architecture that is built by name, narrow, with an image of the size that it was published for.
fn architectures() -> Vec<(String, Graph, [usize; 4])> {
    let narrow = |architecture: Architecture| {
        let mut spec = architecture.defaults();
        spec.width = spec.width.map(|_| 0.05);
        let [channels, height, width] = architecture.about().input;
        (architecture.name().to_owned(), build(&spec).unwrap(), [1, channels, height, width])
    };
    Architecture::ALL.into_iter().map(narrow).collect()
}

fn fixture() -> Vec<u8> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/network/every_operation.safetensors");
    std::fs::read(path).unwrap()
}

fn every_operation() -> Graph {
    let bytes = fixture();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    serde_json::from_str(&header.metadata().as_ref().unwrap()["graph"]).unwrap()
}

fn every_operation_input() -> [usize; 4] {
    let bytes = fixture();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    tensors.tensor("node:input").unwrap().shape().try_into().unwrap()
}

fn on(device: &Device, weights: &Weights) -> Weights {
    let moved = |(name, tensor): (&String, &Tensor)| (name.clone(), tensor.to_device(device).unwrap());
    Weights { tensors: weights.tensors.iter().map(moved).collect() }
}

/// The values of all nodes by name, of a plain run.
fn every_node(graph: &Graph, weights: &Weights, input: &Tensor) -> BTreeMap<String, Tensor> {
    let mut seen = BTreeMap::new();
    let mut tap = |_: usize, node: &Node, value: &Tensor| {
        seen.insert(node.name.clone(), value.clone());
        Ok(Flow::Continue)
    };
    network::run(graph, weights, input, Mode::Eval, &mut tap, &Monitor::silent()).unwrap();
    seen
}

#[test]
fn every_node_of_every_architecture_is_what_the_cpu_computes() {
    let Some((card, _alone)) = card() else { return };
    for (name, graph, dims) in small_networks().into_iter().chain(architectures()) {
        let weights = Weights::initialised(&graph, 7, &Device::Cpu).unwrap();
        let (input, there) = (noise(&dims), on(&card, &weights));
        let expected = every_node(&graph, &weights, &input);
        let input = input.to_device(&card).unwrap();
        for (node, value) in every_node(&graph, &there, &input) {
            check(&format!("{name}, node {node}"), &value, &expected[&node]);
        }
        // Prepared, with all in between wanted and with nothing.
        let prepared = PreparedNetwork::new(&graph, &there);
        let last = &expected[&graph.nodes().last().unwrap().name];
        let mut tap = |_: usize, node: &Node, value: &Tensor| {
            check(&format!("{name} prepared, node {}", node.name), value, &expected[&node.name]);
            Ok(Flow::Continue)
        };
        prepared.run(&input, &|_, _| true, &mut tap, &Monitor::silent()).unwrap();
        let output = prepared.run(&input, &|_, _| false, &mut no_tap, &Monitor::silent()).unwrap();
        check(&format!("{name} prepared"), &output, last);
    }
}

/// Gradients of a training step by name, and what the batch-norms saw.
fn step(graph: &Graph, weights: &Weights, input: &Tensor) -> BTreeMap<String, Tensor> {
    let vars: BTreeMap<String, Var> = weights
        .tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), Var::from_tensor(tensor).unwrap()))
        .collect();
    let tensors = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
    let mut state = TrainState::new(3);
    let mode = Mode::Train(&mut state);
    let logits =
        network::run(graph, &Weights { tensors }, input, mode, &mut no_tap, &Monitor::silent()).unwrap();
    let gradients = logits.sqr().unwrap().mean_all().unwrap().backward().unwrap();
    let by_name = vars.iter().filter_map(|(name, var)| Some((name.clone(), gradients.get(var)?.clone())));
    let mut all: BTreeMap<String, Tensor> = by_name.collect();
    for seen in state.batch_statistics {
        all.insert(format!("mean at {}", seen.node), seen.mean);
        all.insert(format!("variance at {}", seen.node), seen.var);
    }
    all
}

#[test]
fn every_gradient_of_a_training_step_is_what_the_cpu_computes() {
    let Some((card, _alone)) = card() else { return };
    for (name, graph, dims) in small_networks() {
        let weights = Weights::initialised(&graph, 8, &Device::Cpu).unwrap();
        let input = noise(&dims);
        let expected = step(&graph, &weights, &input);
        let found = step(&graph, &on(&card, &weights), &input.to_device(&card).unwrap());
        assert!(found.keys().eq(expected.keys()) && !found.is_empty(), "{name}");
        for (what, gradient) in &found {
            check(&format!("{name}, {what}"), gradient, &expected[what]);
        }
    }
}

fn sample(model: &Path) -> Option<Micrograph> {
    let file = match model.file_stem()?.to_str()? {
        "stem-columns" => "stem-columns.tif",
        "eds-composition" => "eds-map.tif",
        _ => "sem-precipitates.tif",
    };
    imaging::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data").join(file))
        .ok()?
        .into_iter()
        .next()
}

/// The probabilities, or the numbers of a regressor, and the side of the tiles.
fn answer(model: &Model, micrograph: &Micrograph, settings: &RunSettings) -> (Tensor, Option<usize>) {
    let tensor = |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
    let device = model.weights.tensors.values().next().unwrap().device();
    let mut recorder = Recorder::nothing();
    match run_model(model, micrograph, settings, device, &mut recorder, &Monitor::silent()).unwrap() {
        Prediction::Segmentation(result) => {
            let values = result.probabilities.iter().copied().collect();
            (tensor(values, result.probabilities.shape()), result.tile)
        }
        Prediction::Classification(result) => {
            (tensor(result.probabilities.clone(), &[result.probabilities.len()]), None)
        }
        Prediction::Regression(result) => match &result.numbers {
            Numbers::Maps(maps) => (tensor(maps.iter().copied().collect(), maps.shape()), result.tile),
            Numbers::Image(numbers) => (tensor(numbers.clone(), &[numbers.len()]), None),
        },
        Prediction::Nothing => panic!("{} answers nothing", model.card.name),
    }
}

#[test]
fn the_shipped_models_see_the_same() {
    let Some((card, _alone)) = card() else { return };
    let models = installed();
    assert!(!models.is_empty());
    for entry in models {
        let [here, there] = [&Device::Cpu, &card].map(|device| Model::load(&entry.path, device).unwrap());
        let micrograph = sample(&entry.path).unwrap();
        let settings = RunSettings::default();
        let (expected, _) = answer(&here, &micrograph, &settings);
        let (found, _) = answer(&there, &micrograph, &settings);
        check(&here.card.name, &found, &expected);
        if here.card.task == Task::Segment {
            let node = &here.graph.nodes()[here.graph.nodes().len() / 2].name;
            let maps = |model, device| {
                let maps = features_of(node, model, &micrograph, &settings, device, &Monitor::silent())
                    .unwrap()
                    .maps;
                Tensor::from_vec(maps.iter().copied().collect::<Vec<_>>(), maps.shape(), &Device::Cpu)
                    .unwrap()
            };
            check(&format!("{} at {node}", here.card.name), &maps(&there, &card), &maps(&here, &Device::Cpu));
        }
    }
}

#[test]
fn a_full_card_makes_smaller_tiles() {
    let Some((card, _alone)) = card() else { return };
    let path = network::find_model("sem-precipitates").unwrap();
    let [here, there] = [&Device::Cpu, &card].map(|device| Model::load(&path, device).unwrap());
    let pixels = noise(&[1, 1, 1024, 1024]).flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let pixels = ndarray::Array4::from_shape_vec((1, 1, 1024, 1024), pixels).unwrap();
    let micrograph = Micrograph::from_array("noise", pixels, vec!["grey".to_owned()], Calibration::default());
    let before = memory_of(&card).unwrap();
    assert!(before.free <= before.total && before.total > 1 << 30, "{before:?}");
    // Filled in pieces of 256 MiB; what is left is less than the image in one piece needs.
    let mut taken = Vec::new();
    while memory_of(&card).unwrap().free > 600_000_000 {
        taken.push(Tensor::zeros(64 * 1024 * 1024, candle_core::DType::F32, &card).unwrap());
    }
    let settings = RunSettings { memory_limit: Some(u64::MAX), ..RunSettings::default() };
    let (found, tile) = answer(&there, &micrograph, &settings);
    drop(taken);
    assert!(tile.is_some_and(|side| side < 1024), "{tile:?}");
    let (expected, _) = answer(&here, &micrograph, &RunSettings::default());
    check("in smaller tiles", &found, &expected);
}
