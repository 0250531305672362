//! Segmenters and classifiers give logits, one a class: what stands behind them in a file is taken off, in words.

use crate::network::{Graph, NetworkError, Node, Op, Pairing, Task, Weights};
use candle_core::Tensor;

/// A network that ends in logits where its task promises them.
pub(super) struct Logits {
    pub(super) graph: Graph,
    pub(super) weights: Weights,
    /// Whether one answer of yes or no became two classes.
    pub(super) was_one: bool,
}

impl Logits {
    pub(super) fn of(
        graph: Graph,
        mut weights: Weights,
        (task, input): (Task, &[usize]),
        notes: &mut Vec<String>,
    ) -> Result<Self, NetworkError> {
        if !matches!(task, Task::Segment | Task::Classify) {
            return Ok(Self { graph, weights, was_one: false });
        }
        let mut nodes = graph.nodes().to_vec();
        // Every node but the last is read, so that the one before is the last without it.
        while nodes.len() > 1
            && let Some(word) = nodes.last().and_then(|node| taken_off(&node.op))
        {
            notes.push(format!("its last node, {word}, is taken off: cards promise logits"));
            nodes.pop();
        }
        let trial = Graph::new(&graph.architecture, nodes.clone())?;
        let is_one = trial.shapes_of(input)?.pop().is_some_and(|shape| shape.first() == Some(&1));
        if is_one {
            two_of_one(&mut nodes, &mut weights)?;
            notes.push("its one logit z became two classes with the logits 0 and z".into());
        }
        Ok(Self { graph: Graph::new(&graph.architecture, nodes)?, weights, was_one: is_one })
    }
}

/// What makes probabilities or labels of logits.
fn taken_off(op: &Op) -> Option<&'static str> {
    match op {
        Op::Softmax { axis: 0 } => Some("Softmax"),
        Op::Sigmoid => Some("Sigmoid"),
        Op::ArgMax { axis: 0, .. } => Some("ArgMax"),
        Op::Identity => Some("Identity"),
        _ => None,
    }
}

/// A layer of one output gets another before it that is always 0; behind anything else stand nodes that make it.
fn two_of_one(nodes: &mut Vec<Node>, weights: &mut Weights) -> Result<(), NetworkError> {
    let Some(last) = nodes.last_mut() else { return Ok(()) };
    let name = last.name.clone();
    match &mut last.op {
        Op::Conv2d { out_channels: outputs, groups: 1, .. } | Op::Linear { out_features: outputs, .. } => {
            *outputs = 2;
            for suffix in ["weight", "bias"] {
                if let Some(tensor) = weights.tensors.get_mut(&format!("{name}.{suffix}")) {
                    let doubled = tensor.zeros_like().and_then(|zero| Tensor::cat(&[&zero, &*tensor], 0));
                    *tensor =
                        doubled.map_err(|source| NetworkError::Compute { node: name.clone(), source })?;
                }
            }
        }
        _ => {
            let free = |wanted: &str| {
                let taken = |name: &str| nodes.iter().any(|node| node.name == name);
                (1..)
                    .map(|i| if i == 1 { wanted.to_owned() } else { format!("{wanted}_{i}") })
                    .find(|name| !taken(name))
            };
            let (Some(zero), Some(both)) = (free("zero"), free("logits")) else { return Ok(()) };
            let op = Op::Combine { function: Pairing::Subtract };
            nodes.push(Node { name: zero.clone(), op, inputs: vec![name.clone(), name.clone()] });
            nodes.push(Node { name: both, op: Op::Concat { axis: 0 }, inputs: vec![zero, name] });
        }
    }
    Ok(())
}
