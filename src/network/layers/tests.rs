//! Single operations and their gradients against PyTorch and ONNX: tests/fixtures/network/further.safetensors, made by
//! tests/reference/further.py.
use super::Layer;
use crate::compute::as_elsewhere;
use crate::network::shape::shape_behind;
use crate::network::{Node, Op, Weights};
use candle_core::{Device, Tensor, Var};
use serde_json::Value;
use std::collections::HashMap;

struct Reference {
    tensors: HashMap<String, Tensor>,
    cases: Vec<Value>,
}

fn reference() -> Reference {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/network/further.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let cases = serde_json::from_str(&header.metadata().as_ref().unwrap()["cases"]).unwrap();
    Reference { tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap(), cases }
}

fn largest(x: &Tensor) -> f32 {
    x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

/// Largest difference over the largest value (at least 1).
fn difference(found: &Tensor, expected: &Tensor, what: &str) -> f32 {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    largest(&(found - expected).unwrap()) / largest(expected).max(1.0)
}

/// What is off in a case.
fn off(case: &Value, tensors: &HashMap<String, Tensor>) -> Vec<String> {
    let name = case["name"].as_str().unwrap();
    let of = |key: &str| tensors.get(&format!("{name}.{key}"));
    let op: Op = serde_json::from_value(case["op"].clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let var = |key: String| (Var::from_tensor(of(&key).unwrap()).unwrap(), key);
    let inputs: Vec<(Var, String)> =
        (0..case["inputs"].as_u64().unwrap()).map(|i| var(i.to_string())).collect();
    let named = case["weights"].as_array().unwrap().iter().map(|key| var(key.as_str().unwrap().to_owned()));
    let named: Vec<(Var, String)> = named.collect();
    let tensors = named.iter().map(|(var, key)| (format!("n.{key}"), var.as_tensor().clone())).collect();
    let node = Node { name: "n".into(), op, inputs: Vec::new() };
    let given: Vec<&Tensor> = inputs.iter().map(|(var, _)| var.as_tensor()).collect();
    let layer = Layer { node: &node, weights: &Weights { tensors }, inputs: &given, then_relu: false };
    let y = match layer.forward(None) {
        Ok(y) => y,
        Err(error) => return vec![format!("{name}: {error}")],
    };
    let shapes: Vec<&[usize]> = given.iter().map(|x| &x.dims()[1..]).collect();
    assert_eq!(shape_behind(&node.op, &shapes).unwrap(), y.dims()[1..], "{name}");
    let mut off = Vec::new();
    let error = difference(&y, of("y").unwrap(), name);
    if error.is_nan() || error > 3e-6 {
        off.push(format!("result of {name}: {error}"));
    }
    let Some(g) = of("g") else { return off };
    let grads = (&y * g).unwrap().sum_all().unwrap().backward().unwrap();
    for (var, key) in inputs.iter().chain(&named) {
        let Some(expected) = of(&format!("d{key}")) else { continue };
        let Some(found) = grads.get(var) else {
            off.push(format!("{name} has no gradient by {key}"));
            continue;
        };
        let error = difference(found, expected, name);
        if error.is_nan() || error > 1e-5 {
            off.push(format!("gradient of {name} by {key}: {error}"));
        }
    }
    off
}

fn check_all() {
    let Reference { tensors, cases } = reference();
    let off: Vec<String> = cases.iter().flat_map(|case| off(case, &tensors)).collect();
    assert!(cases.len() > 200 && off.is_empty(), "{} of {}:\n{}", off.len(), cases.len(), off.join("\n"));
}

#[test]
fn every_further_operation_and_its_gradients_equal_pytorch_and_onnx() {
    check_all();
}

#[test]
fn on_other_devices_every_further_operation_and_its_gradients_equal_pytorch_and_onnx() {
    as_elsewhere(check_all);
}
