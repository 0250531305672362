//! Single operations and their gradients against PyTorch and ONNX: tests/fixtures/network/further.safetensors, made by
//! tests/reference/further.py.
use super::Layer;
use crate::compute::as_elsewhere;
use crate::network::shape::shape_behind;
use crate::network::{
    Between, Coordinates, Extent, Nearest, Node, Op, PadMode, PoolKind, Pooling, Reduction, ResizeTo,
    Resizing, Weights,
};
use candle_core::{Device, Tensor, Var};
use proptest::prelude::*;
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

/// An operation of each kind in turn, with attributes made of six numbers.
fn operation(kind: usize, n: [usize; 6]) -> Op {
    let (axis, few) = (n[0] % 3, |i: usize| n[i] % 4 + 1);
    let place = |i: usize| n[i] as i64 - 4;
    match kind {
        0 => Op::Pool(Pooling {
            kind: if n[5] % 2 == 0 { PoolKind::Max } else { PoolKind::Average },
            kernel: vec![few(0), few(1)],
            stride: vec![few(2), few(3)],
            before: vec![n[4] % few(0), n[5] % few(1)],
            after: vec![n[5] % few(0), n[4] % few(1)],
            dilation: vec![1, 1],
            ceil: n[2] % 2 == 0,
            count_padding: n[3] % 2 == 0,
        }),
        1 => Op::Resize(Resizing {
            to: match n[0] % 3 {
                0 => ResizeTo::Scales(vec![1.0, few(1) as f64 / 2.5, few(2) as f64 * 0.7]),
                1 => ResizeTo::Sizes(vec![few(3), few(1), n[2] + 1]),
                _ => ResizeTo::NotSmaller(vec![few(1), n[2] + 1]),
            },
            between: match n[3] % 3 {
                0 => Between::Linear,
                1 => Between::Cubic { a: -0.75 },
                _ => Between::Nearest(Nearest::Ceil),
            },
            coordinates: match n[4] % 5 {
                0 => Coordinates::HalfPixel,
                1 => Coordinates::HalfPixelSymmetric,
                2 => Coordinates::PytorchHalfPixel,
                3 => Coordinates::AlignCorners,
                _ => Coordinates::Asymmetric,
            },
            exclude_outside: n[5] % 2 == 0,
            antialias: n[5] % 3 == 0,
        }),
        2 => Op::Slice { axis, start: place(1), end: place(2), step: if n[3] == 4 { 1 } else { place(3) } },
        3 => Op::Pad {
            before: vec![place(0), place(1), place(2)],
            after: vec![place(3), place(4), place(5)],
            mode: [PadMode::Constant { value: 2.0 }, PadMode::Reflect, PadMode::Edge, PadMode::Wrap]
                [n[0] % 4],
        },
        4 => Op::Reduce {
            function: [Reduction::Mean, Reduction::Max, Reduction::L2][n[1] % 3],
            axes: (0..3).filter(|axis| n[2] >> axis & 1 == 1).collect(),
            keep: n[3] % 2 == 0,
        },
        5 => Op::ArgMax { axis, keep: n[1] % 2 == 0, last: n[2] % 2 == 0 },
        6 => Op::Permute { axes: [[0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 2, 1]][n[0] % 4].to_vec() },
        7 => Op::Reshape { shape: vec![Extent::Rest, Extent::Of { input: 0, axis }] },
        8 => Op::Tile { repeats: vec![few(0), few(1), few(2)] },
        9 => Op::Expand { shape: vec![few(0), 1, 1, 1] },
        10 => Op::Gather { axis, indices: vec![place(1), place(2)], shape: vec![2, 1] },
        11 => Op::AdaptiveAvgPool2d { size: [n[0] + 1, n[1] + 1] },
        12 => Op::Softmax { axis },
        _ => Op::LocalResponseNorm { size: few(0), alpha: 0.5, beta: 0.75, k: 1.0 },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]
    #[test]
    fn what_is_computed_has_the_shape_that_was_told(
        kind in 0..14_usize,
        numbers in prop::array::uniform6(0..9_usize),
        shape in prop::array::uniform3(1..8_usize),
    ) {
        let node = Node { name: "n".into(), op: operation(kind, numbers), inputs: Vec::new() };
        let told = shape_behind(&node.op, &[&shape]).ok().filter(|shape| !shape.contains(&0));
        prop_assume!(node.op.check().is_ok() && told.is_some());
        let dims = [&[2], &shape[..]].concat();
        let values = (0..dims.iter().product::<usize>()).map(|i| (i as f32).sin());
        let x = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(dims).unwrap();
        let layer = Layer { node: &node, weights: &Weights::default(), inputs: &[&x], then_relu: false };
        let here = layer.forward(None);
        let there = as_elsewhere(|| layer.forward(None));
        match (here, there) {
            (Ok(here), Ok(there)) => {
                prop_assert_eq!(&here.dims()[1..], &told.unwrap()[..]);
                prop_assert!(difference(&here, &there, "elsewhere") < 1e-5, "{:?}", node.op);
            }
            // A window that sees nothing but padding, or a border around nothing.
            (Err(here), Err(there)) => {
                for error in [here, there] {
                    let told = error.to_string();
                    let known = told.contains("nothing but padding") || told.contains("leaves nothing");
                    prop_assert!(known, "{} {:?}", told, node.op);
                }
            }
            (here, there) => prop_assert!(false, "{:?}: {here:?}, elsewhere {there:?}", node.op),
        }
    }
}
