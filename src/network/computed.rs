//! How each node is computed in a run of which nothing in between is wanted: by which algorithm, and together with what.
use super::plan::{Plan, Step};
use super::{Graph, NetworkError, Op};
use crate::compute::{Algorithm, ConvKind, ConvSpec, conv_algorithm};
use serde::Serialize;

/// How a node is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Computed {
    /// Of a convolution, on the CPU.
    pub algorithm: Option<Algorithm>,
    /// What follows in the same pass: "batch-norm", "ReLU", "pooling".
    pub with: Vec<&'static str>,
    /// The node in whose pass it is computed.
    pub within: Option<String>,
    /// All that in a few words, such as "direct, with batch-norm and ReLU"; empty where there is nothing to say.
    pub words: String,
}

/// One answer a node, in the graph's order, for an input `[c, y, x]`.
///
/// # Errors
/// Those of [`Graph::shapes`].
pub fn computed(graph: &Graph, input: [usize; 3]) -> Result<Vec<Computed>, NetworkError> {
    let shapes = graph.shapes(input)?;
    let plan = Plan::new(graph, &|_, _| false);
    let mut answers: Vec<Computed> = graph.nodes().iter().map(|node| Computed::not(&node.op)).collect();
    for step in &plan.steps {
        let node = &graph.nodes()[step.node];
        let algorithm = Convolution::of(graph, step.node, &shapes).map(|conv| conv.algorithm());
        let algorithm = algorithm
            .transpose()
            .map_err(|source| NetworkError::Compute { node: node.name.clone(), source })?;
        answers[step.node] = Computed::first(step, algorithm);
        for taken in step.taken(graph) {
            answers[taken] = Computed::within(&node.name);
        }
    }
    Ok(answers)
}

impl Computed {
    /// A node that is no step of the plan.
    fn not(op: &Op) -> Self {
        let words = match op {
            Op::Concat { .. } => "read in pieces",
            _ => "handed on",
        };
        Self { algorithm: None, with: Vec::new(), within: None, words: words.into() }
    }

    /// A node whose operation a step carries out.
    fn first(step: &Step, algorithm: Option<Algorithm>) -> Self {
        let taken = [(step.norm.is_some(), "batch-norm"), (step.relu, "ReLU"), (step.halve, "pooling")];
        let with: Vec<_> = taken.into_iter().filter(|(taken, _)| *taken).map(|(_, what)| what).collect();
        let list = match with.split_last() {
            None => String::new(),
            Some((last, [])) => format!("with {last}"),
            Some((last, others)) => format!("with {} and {last}", others.join(", ")),
        };
        let words = match algorithm {
            Some(algorithm) if list.is_empty() => algorithm.to_string(),
            Some(algorithm) => format!("{algorithm}, {list}"),
            None => list,
        };
        Self { algorithm, with, within: None, words }
    }

    fn within(node: &str) -> Self {
        let words = format!("with {node}");
        Self { algorithm: None, with: Vec::new(), within: Some(node.to_owned()), words }
    }
}

/// The sizes of a convolution for one input.
pub(super) struct Convolution {
    pub(super) kind: ConvKind,
    pub(super) spec: ConvSpec,
    pub(super) x: [usize; 4],
    pub(super) weight: [usize; 4],
}

impl Convolution {
    /// Node `index`, if it is one, given the shapes of all nodes.
    pub(super) fn of(graph: &Graph, index: usize, shapes: &[Vec<usize>]) -> Option<Self> {
        let node = &graph.nodes()[index];
        let (kind, spec) = node.op.convolution()?;
        let &[channels, height, width] = shapes[*graph.inputs_of(index).first()?].as_slice() else {
            return None;
        };
        let weight = node.parameters().first()?.shape.as_slice().try_into().ok()?;
        Some(Self { kind, spec, x: [1, channels, height, width], weight })
    }

    fn algorithm(&self) -> candle_core::Result<Algorithm> {
        conv_algorithm(self.kind, self.spec, self.x, self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, unet};

    #[test]
    fn every_node_says_how_it_is_computed() {
        let spec =
            UnetSpec { in_channels: 1, classes: 2, base: 2, depth: 1, batch_norm: true, upsample: None };
        let graph = unet(spec).unwrap();
        let answers = computed(&graph, [1, 16, 16]).unwrap();
        let answer = |name: &str| &answers[graph.index_of(name).unwrap()];
        let first = answer("enc1.conv1");
        let algorithm = first.algorithm.unwrap();
        assert_eq!(first.words, format!("{algorithm}, with batch-norm and ReLU"));
        assert_eq!(first.with, ["batch-norm", "ReLU"]);
        assert_eq!(answer("enc1.relu1").within.as_deref(), Some("enc1.conv1"));
        assert_eq!(answer("enc1.bn1").words, "with enc1.conv1");
        assert_eq!(answer("dec1.concat").words, "read in pieces");
        assert_eq!((answer("pool1").words.as_str(), answer("input").words.as_str()), ("", ""));
        assert_eq!(answer("head").words, answer("head").algorithm.unwrap().to_string());
        assert!(computed(&graph, [1, 15, 16]).is_err());
    }
}
