//! How one value of a node hangs on every pixel of the network's input: its gradient, by the way back over the run.

use super::{Graph, Mode, NetworkError, Weights, no_tap, run};
use crate::compute::recording;
use crate::monitor::Monitor;
use candle_core::{Result, Tensor, Var};
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

/// Gradient of a value of the last node by the input `[1, channel, y, x]`, of the same shape; the network is run as it is
/// after training (running statistics, no dropout). Every value on the way is kept, as in training.
///
/// # Errors
/// Those of [`run`], and a value that the node does not have.
pub fn input_gradient(
    graph: &Graph,
    weights: &Weights,
    input: &Tensor,
    value: OutputValue,
    monitor: &Monitor,
) -> std::result::Result<Tensor, NetworkError> {
    let node = graph.output().map(|node| node.name.clone()).unwrap_or_default();
    let failed = |source| NetworkError::Compute { node: node.clone(), source };
    let input = Var::from_tensor(&input.detach()).map_err(failed)?;
    // Of the work, the way there is a third.
    let there = monitor.part(0, 3);
    let forward = || run(graph, weights, &input, Mode::Eval, &mut no_tap, &there);
    let (output, tape) = recording(forward);
    let recorded = tape.to(output?).map_err(failed)?;
    let value = picked(recorded.output(), value).map_err(failed)?;
    let gradients = recorded.gradients_watched(&value, monitor).map_err(|source| {
        // What stopped it may have been a person.
        monitor.check().map_or_else(NetworkError::from, |()| failed(source))
    })?;
    match gradients.get(&input) {
        Some(gradient) => Ok(gradient.clone()),
        // Nothing of the input reaches the value.
        None => input.zeros_like().map_err(failed),
    }
}

/// The value itself, of an output `[1, feature, …]`.
fn picked(output: &Tensor, value: OutputValue) -> Result<Tensor> {
    let mut picked = output.clone();
    if let Some(feature) = value.feature {
        picked = picked.narrow(1, feature, 1)?;
    }
    if output.rank() == 4 {
        picked = picked.narrow(2, value.at[0], 1)?.narrow(3, value.at[1], 1)?;
    }
    picked.sum_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, unet};
    use candle_core::Device;

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
            f64::from(picked(&output, value).unwrap().to_scalar::<f32>().unwrap())
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
}
