//! How a value of a network, or a sum of values, hangs on its input or on any node: the gradient, by the way back over the
//! run.

use super::layers::Layer;
use super::run::{input_shape, last_readers};
use super::{Graph, NetworkError, Op, Weights};
use crate::compute::recording;
use crate::monitor::Monitor;
use candle_core::{DType, Device, Result, Tensor, Var};
use std::collections::BTreeSet;

/// A value of a node, or the sum of all its features at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputValue {
    /// `None`: all features together, as Luo et al. (2016) take them.
    pub feature: Option<usize>,
    /// `[y, x]`; of no meaning where the node has no places, such as after a dense layer.
    pub at: [usize; 2],
}

impl Graph {
    /// The network that ends in node `index`: that node and all that it hangs on.
    ///
    /// # Errors
    /// [`NetworkError::Graph`] where there is no such node, or one that no input reaches.
    pub fn up_to(&self, index: usize) -> std::result::Result<Self, NetworkError> {
        let mut needed = BTreeSet::from([index]);
        for place in (0..=index).rev() {
            if needed.contains(&place) {
                needed.extend(self.inputs_of(place));
            }
        }
        let nodes = self.nodes().iter().enumerate().filter(|(place, _)| needed.contains(place));
        Self::new(&self.architecture, nodes.map(|(_, node)| node.clone()).collect())
    }
}

/// What is made one number of the last node's value, `[1, feature, …]`.
#[derive(Debug, Clone, Copy)]
pub enum Objective<'a> {
    /// One value, or all features at a place.
    Value(OutputValue),
    /// A feature summed over its places, each times its number in `[y, x]`; `None`: as they are. Of the class scores of
    /// a segmenter it is what Vinogradova et al. (2020) explain.
    Sum(usize, Option<&'a Tensor>),
}

/// An objective and how it hangs on a node's value.
#[derive(Debug, Clone)]
pub struct NodeGradient {
    pub objective: f64,
    /// Of the node, `[1, feature, …]`.
    pub value: Tensor,
    /// ∂ objective / ∂ value, of the same shape.
    pub gradient: Tensor,
}

/// Gradient of a value of the last node by the input `[1, channel, y, x]`, of the same shape; the network is run as it is
/// after training (running statistics, no dropout). Every value on the way is kept, as in training.
///
/// # Errors
/// Those of [`super::run`], and a value that the node does not have.
pub fn input_gradient(
    graph: &Graph,
    weights: &Weights,
    input: &Tensor,
    value: OutputValue,
    monitor: &Monitor,
) -> std::result::Result<Tensor, NetworkError> {
    Ok(gradient_by(0, (graph, weights), input, Objective::Value(value), monitor)?.gradient)
}

/// Gradient of an objective by the value of node `by` (0: the input itself). The network is run as it is after training,
/// and changed in nothing; of the values, those behind the node are kept until their gradient is known.
///
/// # Errors
/// Those of [`super::run`], and an objective or a node that is not there.
pub fn gradient_by(
    by: usize,
    (graph, weights): (&Graph, &Weights),
    input: &Tensor,
    objective: Objective<'_>,
    monitor: &Monitor,
) -> std::result::Result<NodeGradient, NetworkError> {
    let node = graph.output().map(|node| node.name.clone()).unwrap_or_default();
    let failed = |source| NetworkError::Compute { node: node.clone(), source };
    // Of the work, the way there is a third.
    let there = monitor.part(0, 3);
    let (ran, tape) = recording(|| forward(by, (graph, weights), input, &there));
    let (output, variable) = ran?;
    let recorded = tape.to(output).map_err(failed)?;
    let values = objective.of(recorded.output()).map_err(failed)?;
    let total = sum(&values).map_err(failed)?;
    let loss = values.sum_all().map_err(failed)?;
    let gradients = recorded.gradients_watched(&loss, monitor).map_err(|source| {
        // What stopped it may have been a person.
        monitor.check().map_or_else(NetworkError::from, |()| failed(source))
    })?;
    let gradient = match gradients.get(&variable) {
        Some(gradient) => gradient.clone(),
        // Nothing of the value reaches the objective.
        None => variable.zeros_like().map_err(failed)?,
    };
    Ok(NodeGradient { objective: total, value: variable.as_detached_tensor(), gradient })
}

/// The last value, and that of node `by` as a variable which it is made of.
fn forward(
    by: usize,
    (graph, weights): (&Graph, &Weights),
    input: &Tensor,
    monitor: &Monitor,
) -> std::result::Result<(Tensor, Var), NetworkError> {
    graph.shapes_of(input_shape(graph, input)?)?;
    let last_readers = last_readers(graph);
    let mut values: Vec<Option<Tensor>> = vec![None; graph.nodes().len()];
    let mut variable = None;
    let mut output = input.detach();
    for (index, node) in graph.nodes().iter().enumerate() {
        monitor.check()?;
        let from = graph.inputs_of(index);
        let inputs: Vec<&Tensor> = from.iter().filter_map(|&i| values[i].as_ref()).collect();
        let mut value = match node.op {
            Op::Input { .. } | Op::Array { .. } => input.detach(),
            _ => Layer { node, weights, inputs: &inputs, then_relu: false }.forward(None)?,
        };
        if index == by {
            let failed = |source| NetworkError::Compute { node: node.name.clone(), source };
            let made = Var::from_tensor(&value.detach()).map_err(failed)?;
            value = made.as_tensor().clone();
            variable = Some(made);
        }
        for i in from.into_iter().filter(|&i| last_readers[i] == index) {
            values[i] = None;
        }
        monitor.progress(index + 1, graph.nodes().len())?;
        output = value.clone();
        values[index] = Some(value);
    }
    let none = || NetworkError::Graph(format!("The graph has no node {by}"));
    Ok((output, variable.ok_or_else(none)?))
}

impl Objective<'_> {
    /// The values that are summed, of an output `[1, feature, …]`.
    fn of(self, output: &Tensor) -> Result<Tensor> {
        let (feature, places) = match self {
            Self::Value(value) => {
                let mut picked = output.clone();
                if let Some(feature) = value.feature {
                    picked = picked.narrow(1, feature, 1)?;
                }
                if output.rank() == 4 {
                    picked = picked.narrow(2, value.at[0], 1)?.narrow(3, value.at[1], 1)?;
                }
                return Ok(picked);
            }
            Self::Sum(feature, places) => (feature, places),
        };
        let values = output.narrow(1, feature, 1)?;
        match places {
            None => Ok(values),
            Some(places) => values.mul(&places.reshape(values.shape())?),
        }
    }
}

/// In double precision.
fn sum(values: &Tensor) -> Result<f64> {
    let values: Vec<f32> = values.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
    Ok(values.into_iter().map(f64::from).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, unet};
    use crate::network::{Mode, no_tap, run};

    fn small() -> (Graph, Weights, Tensor) {
        let spec =
            UnetSpec { in_channels: 2, classes: 3, base: 2, depth: 2, batch_norm: true, upsample: None };
        let graph = unet(spec).unwrap();
        let weights = Weights::initialised(&graph, 5, &Device::Cpu).unwrap();
        let values: Vec<f32> = (0..2 * 16 * 12).map(|i| ((i * 37 % 101) as f32 / 50.0) - 1.0).collect();
        (graph, weights, Tensor::from_vec(values, (1, 2, 16, 12), &Device::Cpu).unwrap())
    }

    #[test]
    fn a_part_of_a_network_computes_what_the_whole_does() {
        let (graph, weights, input) = small();
        let index = graph.index_of("dec1.concat").unwrap();
        let part = graph.up_to(index).unwrap();
        assert_eq!(part.output().unwrap().name, "dec1.concat");
        assert!(part.node("head").is_none() && part.node("enc1.conv1").is_some());
        let mut whole = None;
        let mut tap = |place: usize, _: &crate::network::Node, value: &Tensor| {
            if place == index {
                whole = Some(value.clone());
            }
            Ok(crate::network::Flow::Continue)
        };
        run(&graph, &weights, &input, Mode::Eval, &mut tap, &Monitor::silent()).unwrap();
        let alone = run(&part, &weights, &input, Mode::Eval, &mut no_tap, &Monitor::silent()).unwrap();
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(&whole.unwrap()), values(&alone));
        assert!(graph.up_to(graph.nodes().len()).is_err());
    }

    #[test]
    fn the_gradient_is_what_a_small_change_of_a_pixel_does() {
        let (graph, weights, input) = small();
        let value = OutputValue { feature: Some(1), at: [9, 5] };
        let gradient = input_gradient(&graph, &weights, &input, value, &Monitor::silent()).unwrap();
        let answer = |input: &Tensor| -> f64 {
            let output = run(&graph, &weights, input, Mode::Eval, &mut no_tap, &Monitor::silent()).unwrap();
            sum(&Objective::Value(value).of(&output).unwrap()).unwrap()
        };
        let gradient = gradient.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let pixels = input.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for at in [9 * 12 + 5, 192 + 8 * 12 + 6, 10 * 12 + 4] {
            let moved = |by: f32| {
                let mut pixels = pixels.clone();
                pixels[at] += by;
                answer(&Tensor::from_vec(pixels, input.shape(), &Device::Cpu).unwrap())
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!((slope - f64::from(gradient[at])).abs() < 2e-3, "{slope} is not {}", gradient[at]);
        }
    }

    #[test]
    fn a_value_that_is_not_there_is_refused_and_a_stopped_run_is_cancelled() {
        let (graph, weights, input) = small();
        let of = |value, monitor: &Monitor| input_gradient(&graph, &weights, &input, value, monitor);
        for value in [
            OutputValue { feature: Some(3), at: [0, 0] },
            OutputValue { feature: None, at: [16, 0] },
            OutputValue { feature: None, at: [0, 12] },
        ] {
            assert!(matches!(of(value, &Monitor::silent()), Err(NetworkError::Compute { .. })), "{value:?}");
        }
        let (watch, monitor) = Monitor::watched();
        watch.cancel();
        let stopped = of(OutputValue { feature: None, at: [0, 0] }, &monitor);
        assert!(matches!(stopped, Err(NetworkError::Cancelled(_))));
    }

    #[test]
    fn a_node_s_gradient_is_what_the_sum_over_a_region_loses_by_it() {
        let (graph, weights, input) = small();
        let mut mask = vec![0.0_f32; 16 * 12];
        mask[3 * 12 + 4..3 * 12 + 9].fill(1.0);
        mask[100] = 0.5;
        let places = Tensor::from_vec(mask.clone(), (16, 12), &Device::Cpu).unwrap();
        let of = |by: &str, feature, places| {
            let by = graph.index_of(by).unwrap();
            gradient_by(by, (&graph, &weights), &input, Objective::Sum(feature, places), &Monitor::silent())
                .unwrap()
        };
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // By the answer itself: the mask, in the class's plane.
        let own = of("head", 2, Some(&places));
        assert_eq!(values(&own.gradient)[2 * 192..], mask);
        let logits = values(&own.value);
        let expected: f64 = (0..192).map(|i| f64::from(logits[2 * 192 + i] * mask[i])).sum();
        assert!((own.objective - expected).abs() < 1e-5);
        // The head is 1 × 1: each feature before it counts by its weight, everywhere.
        let before = of("dec1.relu2", 1, None);
        let weight = values(&weights.tensors["head.weight"]);
        let gradient = values(&before.gradient);
        for feature in 0..2 {
            assert!(gradient[feature * 192..][..192].iter().all(|g| (g - weight[2 + feature]).abs() < 1e-6));
        }
        assert_eq!(before.value.dims(), before.gradient.dims());
        let missing =
            gradient_by(99, (&graph, &weights), &input, Objective::Sum(0, None), &Monitor::silent());
        assert!(missing.is_err());
    }
}
