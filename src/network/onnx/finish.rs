//! What was built, made into a graph: nodes that lead nowhere left out, some that belong together joined.

use super::OnnxError;
use super::build::{Builder, Made};
use super::value::Live;
use crate::network::{Graph, NetworkError, Node, Op, Pairing, Weights};
use candle_core::{Device, Tensor};
use ndarray::ArrayD;

/// The graph that ends in that value, and its weights.
pub(super) fn network(mut builder: Builder, answer: &Live) -> Result<(Graph, Weights), OnnxError> {
    let mut output = answer.node;
    if matches!(builder.nodes[output].op, Op::Input { .. } | Op::Array { .. } | Op::Constant { .. }) {
        let own = builder.nodes[output].own.clone();
        let made = Made {
            name: builder.names.unique("output"),
            op: Op::Identity,
            inputs: vec![output],
            weights: Vec::new(),
            own,
        };
        builder.nodes.push(made);
        output = builder.nodes.len() - 1;
    }
    let mut nodes: Vec<Option<Made>> = builder.nodes.into_iter().map(Some).collect();
    keep_needed(&mut nodes, output);
    join_biases(&mut nodes);
    join_silu(&mut nodes);
    keep_needed(&mut nodes, output);
    graph(nodes)
}

/// Leaves out what does not lead to the output.
fn keep_needed(nodes: &mut [Option<Made>], output: usize) {
    let mut needed = vec![false; nodes.len()];
    needed[output] = true;
    // Every node stands behind those it reads.
    for index in (0..nodes.len()).rev() {
        match &nodes[index] {
            Some(made) if needed[index] => made.inputs.iter().for_each(|&input| needed[input] = true),
            _ => nodes[index] = None,
        }
    }
}

/// How many nodes read each.
fn readers(nodes: &[Option<Made>]) -> Vec<usize> {
    let mut readers = vec![0; nodes.len()];
    for &input in nodes.iter().flatten().flat_map(|made| &made.inputs) {
        readers[input] += 1;
    }
    readers
}

/// A constant added to each channel or feature behind a layer without a bias is its bias.
fn join_biases(nodes: &mut [Option<Made>]) {
    let readers = readers(nodes);
    for index in 0..nodes.len() {
        let Some((layer, constant)) = bias_behind(nodes, index).filter(|(layer, _)| readers[*layer] == 1)
        else {
            continue;
        };
        let Some(values) = nodes[constant].as_ref().and_then(|made| made.weights.first()) else { continue };
        let count = values.1.len();
        let Ok(values) = ArrayD::from_shape_vec(vec![count], values.1.iter().copied().collect()) else {
            continue;
        };
        let (Some(mut made), Some(sum)) = (nodes[layer].take(), nodes[index].take()) else { continue };
        if let Op::Linear { bias, .. } | Op::Conv2d { bias, .. } | Op::ConvTranspose2d { bias, .. } =
            &mut made.op
        {
            *bias = true;
        }
        made.weights.push(("bias", values));
        made.own = sum.own;
        nodes[index] = Some(made);
    }
}

/// The layer and the constant that node `index` adds, where they may be joined.
fn bias_behind(nodes: &[Option<Made>], index: usize) -> Option<(usize, usize)> {
    let made = nodes[index].as_ref()?;
    let (Op::Combine { function: Pairing::Add }, [a, b]) = (&made.op, made.inputs.as_slice()) else {
        return None;
    };
    [(*a, *b), (*b, *a)].into_iter().find(|&(layer, constant)| {
        let (Some(layer), Some(constant)) = (nodes[layer].as_ref(), nodes[constant].as_ref()) else {
            return false;
        };
        let Op::Constant { shape } = &constant.op else { return false };
        match layer.op {
            Op::Linear { out_features, bias: false, .. } => *shape == [out_features],
            Op::Conv2d { out_channels, bias: false, .. }
            | Op::ConvTranspose2d { out_channels, bias: false, .. } => *shape == [out_channels, 1, 1],
            _ => false,
        }
    })
}

/// x · sigmoid(x) is `SiLU`.
fn join_silu(nodes: &mut [Option<Made>]) {
    for index in 0..nodes.len() {
        let Some(made) = &nodes[index] else { continue };
        let (Op::Combine { function: Pairing::Multiply }, &[a, b]) = (&made.op, made.inputs.as_slice())
        else {
            continue;
        };
        let is_sigmoid_of = |sigmoid: usize, x: usize| {
            nodes[sigmoid].as_ref().is_some_and(|made| made.op == Op::Sigmoid && made.inputs == [x])
        };
        let x = if is_sigmoid_of(b, a) {
            a
        } else if is_sigmoid_of(a, b) {
            b
        } else {
            continue;
        };
        if let Some(made) = &mut nodes[index] {
            made.op = Op::Silu;
            made.inputs = vec![x];
        }
    }
}

fn graph(nodes: Vec<Option<Made>>) -> Result<(Graph, Weights), OnnxError> {
    let names: Vec<String> =
        nodes.iter().map(|made| made.as_ref().map(|made| made.name.clone()).unwrap_or_default()).collect();
    let mut weights = Weights::default();
    let mut list = Vec::new();
    for made in nodes.into_iter().flatten() {
        for (suffix, values) in made.weights {
            let name = format!("{}.{suffix}", made.name);
            let shape = values.shape().to_vec();
            let values = values.as_standard_layout().into_owned().into_raw_vec_and_offset().0;
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(OnnxError::File(format!(
                    "Weight {name}: expected finite numbers, found {value}"
                )));
            }
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu)
                .map_err(|source| NetworkError::Compute { node: made.name.clone(), source })?;
            weights.tensors.insert(name, tensor);
        }
        let inputs = made.inputs.iter().map(|&input| names[input].clone()).collect();
        list.push(Node { name: made.name, op: made.op, inputs });
    }
    Ok((Graph::new("onnx", list)?, weights))
}
