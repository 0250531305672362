//! Whole networks against PyTorch: tests/fixtures/network/*.safetensors, made by tests/reference/network.py.
use super::{Flow, Mode, TrainState, run, update_running_statistics};
use crate::compute::{as_elsewhere, recording};
use crate::monitor::Monitor;
use crate::network::architectures::{UnetSpec, unet};
use crate::network::{Graph, PreparedNetwork, Resample, Weights};
use candle_core::{Device, Tensor, Var};
use std::collections::{BTreeMap, HashMap};

struct Reference {
    graph: Graph,
    tensors: HashMap<String, Tensor>,
    training: bool,
}

fn reference(name: &str) -> Reference {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/network");
    let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    Reference {
        graph: serde_json::from_str(&metadata["graph"]).unwrap(),
        tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap(),
        training: metadata["mode"] == "train",
    }
}

impl Reference {
    /// Tensors whose names begin with `prefix:`, by the rest.
    fn group(&self, prefix: &str) -> BTreeMap<String, Tensor> {
        let named = |(name, tensor): (&String, &Tensor)| {
            Some((name.strip_prefix(prefix)?.strip_prefix(':')?.to_owned(), tensor.clone()))
        };
        self.tensors.iter().filter_map(named).collect()
    }
}

fn largest(x: &Tensor) -> f32 {
    x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

fn check_close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let error = largest(&(found - expected).unwrap()) / largest(expected).max(1e-3);
    assert!(error < 1e-4, "{what}: off by {error} of the largest");
}

/// Every node's value and every gradient.
fn check(name: &str) {
    let reference = reference(name);
    let vars: BTreeMap<String, Var> = reference
        .group("weight")
        .into_iter()
        .map(|(name, t)| (name, Var::from_tensor(&t).unwrap()))
        .collect();
    let tensors = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
    let mut weights = Weights { tensors };
    weights.check(&reference.graph).unwrap();
    let nodes = reference.group("node");
    let input = Var::from_tensor(&nodes["input"]).unwrap();

    let mut state = TrainState::new(0);
    let mut seen = Vec::new();
    let mut tap = |_: usize, node: &crate::network::Node, value: &Tensor| {
        check_close(value, &nodes[&node.name], &format!("{name}, node {}", node.name));
        seen.push(node.name.clone());
        Ok(Flow::Continue)
    };
    let mode = if reference.training { Mode::Train(&mut state) } else { Mode::Eval };
    let forward = || run(&reference.graph, &weights, &input, mode, &mut tap, &Monitor::silent());
    let (output, tape) = recording(forward);
    let output = output.unwrap();
    let all = reference.graph.nodes().iter().map(|node| &node.name);
    // In training these are computed in one with their ReLU.
    let shown = all.filter(|name| !(reference.training && name.contains(".bn")));
    assert!(shown.eq(&seen), "{seen:?}");

    let loss = |output: &Tensor| (output * &reference.tensors["upstream"]).unwrap().sum_all().unwrap();
    let recorded = tape.to(output.clone()).unwrap();
    let recorded_loss = loss(recorded.output());
    let by_candle = loss(&output).backward().unwrap();
    for grads in [by_candle, recorded.gradients(&recorded_loss).unwrap()] {
        for (weight, expected) in reference.group("gradient") {
            let var = if weight == "input" { &input } else { &vars[&weight] };
            check_close(grads.get(var).unwrap(), &expected, &format!("{name}, gradient of {weight}"));
        }
    }
    update_running_statistics(&mut weights, &state, 0.1).unwrap();
    for (running, expected) in reference.group("after") {
        check_close(&weights.tensors[&running], &expected, &format!("{name}, {running}"));
    }
    assert_eq!(reference.training, !reference.group("after").is_empty());
}

#[test]
fn a_unet_equals_pytorch_at_every_node() {
    check("unet");
}

#[test]
fn a_unet_in_training_equals_pytorch_with_its_running_statistics() {
    check("unet_training");
}

#[test]
fn a_bilinear_unet_equals_pytorch_at_every_node() {
    check("unet_bilinear");
}

#[test]
fn a_lenet_equals_pytorch_at_every_node() {
    check("lenet");
}

#[test]
fn an_mlp_equals_pytorch_at_every_node() {
    check("mlp");
}

#[test]
fn every_operation_equals_pytorch_at_every_node() {
    check("every_operation");
}

#[test]
fn on_other_devices_networks_equal_pytorch_at_every_node() {
    for name in ["unet", "unet_training", "unet_bilinear", "lenet", "mlp", "every_operation"] {
        as_elsewhere(|| check(name));
    }
}

#[test]
fn on_other_devices_prepared_networks_equal_pytorch_at_every_node() {
    for name in ["unet", "unet_bilinear", "lenet", "mlp", "every_operation"] {
        let reference = reference(name);
        let (nodes, weights) = (reference.group("node"), Weights { tensors: reference.group("weight") });
        let prepared = PreparedNetwork::new(&reference.graph, &weights);
        let run = |wanted: bool| {
            let mut tap = |_: usize, node: &crate::network::Node, value: &Tensor| {
                check_close(value, &nodes[&node.name], &format!("{name} prepared, node {}", node.name));
                Ok(Flow::Continue)
            };
            prepared.run(&nodes["input"], &|_, _| wanted, &mut tap, &Monitor::silent()).unwrap()
        };
        let last = &reference.graph.nodes()[reference.graph.nodes().len() - 1].name;
        for output in as_elsewhere(|| [true, false].map(run)) {
            check_close(&output, &nodes[last], &format!("{name} prepared"));
        }
    }
}

#[test]
fn the_unets_checked_are_the_unets_built() {
    let built = |in_channels, classes, depth, batch_norm, upsample| {
        unet(UnetSpec { in_channels, classes, base: 3, depth, batch_norm, upsample }).unwrap()
    };
    assert_eq!(reference("unet").graph, built(1, 3, 2, true, None));
    assert_eq!(reference("unet_training").graph, built(1, 2, 1, true, None));
    assert_eq!(reference("unet_bilinear").graph, built(2, 2, 1, false, Some(Resample::Bilinear)));
}
