//! ResNet-18, VGG-11 and DenseNet-121 at full width against torchvision's own code:
//! tests/fixtures/network/torchvision_*.safetensors, made by `tests/reference/torchvision_networks.py`, which says how
//! weights and image are made of names.
use super::{Architecture, build, torchvision_names};
use crate::monitor::Monitor;
use crate::network::{Flow, Graph, Mode, Node, PreparedNetwork, Weights, run};
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

const SAMPLES: usize = 16;
/// Of the largest magnitude of a stage.
const TOLERANCE: f32 = 1e-4;

struct Reference {
    /// A row a module of torchvision's.
    rows: HashMap<String, Vec<f32>>,
    input: Vec<usize>,
}

fn reference(name: &str) -> Reference {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/network");
    let bytes = std::fs::read(folder.join(format!("torchvision_{name}.safetensors"))).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let rows: Vec<Vec<f32>> = tensors["rows"].to_vec2().unwrap();
    Reference {
        rows: metadata["names"].lines().map(str::to_owned).zip(rows).collect(),
        input: serde_json::from_str(&metadata["input"]).unwrap(),
    }
}

/// Numbers from −1 to 1: `SplitMix64` from the name's FNV-1a hash, 24 bits of each draw.
fn uniform(name: &str, count: usize, map: impl Fn(f64) -> f64 + Sync) -> Vec<f32> {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let draw = |place: usize| {
        let mut z = hash.wrapping_add((place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        map((z >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    };
    (0..count).into_par_iter().map(draw).collect()
}

fn weight(name: &str, shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    let values = if shape.len() > 1 {
        let bound = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
        uniform(name, count, |u| u * bound)
    } else if name.ends_with("running_var") {
        uniform(name, count, |u| 1.0 + 0.5 * u)
    } else if name.ends_with("weight") {
        uniform(name, count, |u| 1.0 + 0.25 * u)
    } else {
        uniform(name, count, |u| 0.1 * u)
    };
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The row of a value, as the script makes it.
fn row(value: &Tensor) -> Vec<f32> {
    let flat: Vec<f32> = value.flatten_all().unwrap().to_vec1().unwrap();
    let places = (0..SAMPLES).map(|j| (j * 2_654_435_761 + 12_345) % flat.len());
    let mut row: Vec<f32> = places.map(|place| flat[place]).collect();
    let count = flat.len() as f64;
    let mean = flat.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let variance = flat.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
    let largest = flat.iter().fold(0.0, |largest: f32, v| largest.max(v.abs()));
    row.extend([mean as f32, variance.sqrt() as f32, largest]);
    row
}

fn check_row(found: &[f32], expected: &[f32], stage: &str) {
    let largest = expected[SAMPLES + 2];
    for (found, expected) in found.iter().zip(expected) {
        let off = (found - expected).abs() / largest;
        assert!(off < TOLERANCE, "{stage}: {found} for {expected}, off by {off} of the largest");
    }
}

fn weights_of(graph: &Graph, modules: &BTreeMap<String, String>) -> Weights {
    let mut tensors = BTreeMap::new();
    for node in graph.nodes() {
        for spec in node.parameters() {
            let suffix = spec.name.rsplit('.').next().unwrap();
            let theirs = format!("{}.{suffix}", modules[&node.name]);
            tensors.insert(spec.name, weight(&theirs, &spec.shape));
        }
    }
    Weights { tensors }
}

/// Every module's output, by the plain walk and by the one that runs trained networks.
fn check(architecture: Architecture) {
    let reference = reference(architecture.name());
    let graph = build(&architecture.defaults()).unwrap();
    let modules: BTreeMap<String, String> = torchvision_names(&graph).into_iter().collect();
    assert_eq!(modules.len(), reference.rows.len(), "every module has its node");
    let weights = weights_of(&graph, &modules);
    let count = reference.input.iter().product();
    let input = Tensor::from_vec(uniform("image", count, |u| u), &*reference.input, &Device::Cpu).unwrap();
    let mut seen = 0;
    let mut tap = |_: usize, node: &Node, value: &Tensor| {
        if let Some(module) = modules.get(&node.name) {
            check_row(
                &row(value),
                &reference.rows[module],
                &format!("{} {}", architecture.name(), node.name),
            );
            seen += 1;
        }
        Ok(Flow::Continue)
    };
    let monitor = Monitor::silent();
    run(&graph, &weights, &input, Mode::Eval, &mut tap, &monitor).unwrap();
    let prepared = PreparedNetwork::new(&graph, &weights);
    prepared.run(&input, &|_, node| modules.contains_key(&node.name), &mut tap, &monitor).unwrap();
    assert_eq!(seen, 2 * modules.len());
}

#[test]
fn a_resnet_18_equals_torchvisions_at_every_layer() {
    check(Architecture::Resnet18);
}

#[test]
fn a_vgg_11_equals_torchvisions_at_every_layer() {
    check(Architecture::Vgg11);
}

#[test]
fn a_densenet_121_equals_torchvisions_at_every_layer() {
    check(Architecture::Densenet121);
}
