//! What a run spent at every node: time, and memory for its value.

use super::plan::Step;
use super::{Graph, Node};
use candle_core::Tensor;
use serde::Serialize;
use std::time::Duration;

/// Of one node. What is computed in one pass, such as a convolution with its batch-norm and ReLU, has its time at the
/// first of these nodes and its memory at the last, for the values in between never come into being.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct NodeSpent {
    /// Over all tiles. On another device than the CPU, until the work was handed over.
    pub seconds: f64,
    /// Of its value, in the tile where it was largest; 0 where there was none.
    pub bytes: u64,
    /// Place of the node in whose pass it was computed.
    pub within: Option<usize>,
}

/// What runs of one network spent together; one entry a node in the graph's order, none before the first run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spent {
    pub nodes: Vec<NodeSpent>,
    /// How many times the network was run: once for each tile.
    pub passes: usize,
}

impl Spent {
    /// Seconds at all nodes together.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.nodes.iter().map(|node| node.seconds).sum()
    }

    /// The same at some nodes.
    #[must_use]
    pub fn seconds_of(&self, nodes: impl IntoIterator<Item = usize>) -> f64 {
        nodes.into_iter().filter_map(|node| self.nodes.get(node)).map(|node| node.seconds).sum()
    }

    /// Whether a node was computed: by itself, or in the pass of another. What only hands its input on, and a
    /// concatenation that is read in pieces, was not.
    #[must_use]
    pub fn is_computed(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.bytes > 0 || node.seconds > 0.0 || node.within.is_some())
    }

    /// Adds another run's, tile by tile: times are summed, of memory the larger counts.
    pub fn add(&mut self, other: &Self) {
        self.nodes.resize(self.nodes.len().max(other.nodes.len()), NodeSpent::default());
        for (node, more) in self.nodes.iter_mut().zip(&other.nodes) {
            node.seconds += more.seconds;
            node.bytes = node.bytes.max(more.bytes);
            node.within = node.within.or(more.within);
        }
        self.passes += other.passes;
    }

    /// A run begins.
    pub(super) fn begin(&mut self, nodes: &[Node]) {
        self.nodes.resize(nodes.len(), NodeSpent::default());
        self.passes += 1;
    }

    /// A step was carried out.
    pub(super) fn note(&mut self, graph: &Graph, step: &Step, value: &Tensor, took: Duration) {
        if let Some(first) = self.nodes.get_mut(step.node) {
            first.seconds += took.as_secs_f64();
        }
        for taken in step.taken(graph) {
            if let Some(taken) = self.nodes.get_mut(taken) {
                taken.within = Some(step.node);
            }
        }
        let bytes = (value.elem_count() * value.dtype().size_in_bytes()) as u64;
        if let Some(last) = self.nodes.get_mut(step.gives) {
            last.bytes = last.bytes.max(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Monitor;
    use crate::network::architectures::{UnetSpec, unet};
    use crate::network::{PreparedNetwork, Weights, no_tap};
    use candle_core::{DType, Device};
    use std::time::Instant;

    fn spent_on(side: usize, wanted: bool) -> (Graph, Spent, f64) {
        let spec =
            UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 1, batch_norm: true, upsample: None };
        let graph = unet(spec).unwrap();
        let weights = Weights::initialised(&graph, 1, &Device::Cpu).unwrap();
        let prepared = PreparedNetwork::new(&graph, &weights);
        let input = Tensor::zeros((1, 1, side, side), DType::F32, &Device::Cpu).unwrap();
        let (mut spent, began) = (Spent::default(), Instant::now());
        let wants = |_: usize, _: &Node| wanted;
        prepared.run_spending(&input, (&wants, &mut no_tap), &mut spent, &Monitor::silent()).unwrap();
        (graph, spent, began.elapsed().as_secs_f64())
    }

    #[test]
    fn nodes_in_one_pass_say_whose_pass_and_only_the_last_has_a_value() {
        let (graph, spent, whole) = spent_on(16, false);
        let at = |name: &str| graph.index_of(name).unwrap();
        let of = |name: &str| spent.nodes[at(name)];
        assert_eq!(
            (of("enc1.bn1").within, of("enc1.relu1").within),
            (Some(at("enc1.conv1")), Some(at("enc1.conv1")))
        );
        assert_eq!(
            (of("enc1.conv1").bytes, of("enc1.bn1").bytes, of("enc1.relu1").bytes),
            (0, 0, 4 * 4 * 256)
        );
        assert!(of("enc1.conv1").seconds > 0.0 && of("enc1.relu1").seconds == 0.0);
        assert!(!spent.is_computed(at("dec1.concat")) && spent.is_computed(at("enc1.bn1")));
        assert!(spent.seconds() <= whole, "{} of {whole}", spent.seconds());
        assert_eq!(spent.passes, 1);
    }

    #[test]
    fn where_every_value_is_wanted_every_node_has_its_own_time_and_memory() {
        let (graph, spent, _) = spent_on(16, true);
        let shapes = graph.shapes([1, 16, 16]).unwrap();
        for (index, node) in graph.nodes().iter().enumerate() {
            let of = spent.nodes[index];
            assert_eq!(of.bytes, 4 * shapes[index].iter().product::<usize>() as u64, "{}", node.name);
            assert_eq!(of.within, None, "{}", node.name);
        }
    }

    #[test]
    fn tiles_sum_their_times_and_the_largest_memory_counts() {
        let (_, mut spent, _) = spent_on(16, false);
        let (_, larger, _) = spent_on(32, false);
        let seconds = spent.seconds() + larger.seconds();
        spent.add(&larger);
        assert!((spent.seconds() - seconds).abs() < 1e-9);
        assert_eq!(spent.passes, 2);
        let bytes = |spent: &Spent| spent.nodes.iter().map(|node| node.bytes).collect::<Vec<_>>();
        assert_eq!(bytes(&spent), bytes(&larger));
        let mut none = Spent::default();
        none.add(&spent);
        assert_eq!(none, spent);
    }
}
