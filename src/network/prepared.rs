//! A trained network made ready to run again and again, as fast as what is wanted of it allows.
use super::layers::Layer;
use super::plan::{Plan, Step};
use super::run::input_shape;
use super::{Flow, Graph, NetworkError, Node, Op, Spent, Tap, Weights, cost};
use crate::compute::{PreparedConv, PreparedNorm};
use crate::monitor::Monitor;
use candle_core::{Tensor, TensorId};
use std::sync::OnceLock;
use std::time::Instant;

/// What writing one value costs, in multiply-adds; for progress alone.
const MULTIPLY_ADDS_PER_VALUE: u64 = 32;

/// A graph and its weights, which are brought into the kernels' order when first used, and kept so. May be used from
/// several threads at once.
///
/// A [`Plan`] says what is computed together: batch-norm, ReLU and pooling in the pass of the convolution before them,
/// concatenations not at all. Whatever is wanted, the values are those of [`super::run`], and the answer is the same to
/// the last bit.
#[derive(Debug)]
pub struct PreparedNetwork {
    graph: Graph,
    weights: Weights,
    /// The tensors it was made of.
    made_of: Vec<TensorId>,
    /// By node.
    ready: Vec<Ready>,
}

/// What a node's weights have become.
#[derive(Debug, Default)]
struct Ready {
    conv: OnceLock<PreparedConv>,
    /// The same with the batch-norm after it.
    normed: OnceLock<PreparedConv>,
    norm: OnceLock<PreparedNorm>,
}

/// Which nodes' values are wanted, by place.
pub(super) type Wants<'a> = &'a dyn Fn(usize, &Node) -> bool;

impl PreparedNetwork {
    /// Takes both as they are now: what is changed in them later is not seen. The tensors are shared.
    #[must_use]
    pub fn new(graph: &Graph, weights: &Weights) -> Self {
        let tensors = weights.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.detach())).collect();
        let ready = graph.nodes().iter().map(|_| Ready::default()).collect();
        let made_of = weights.tensors.values().map(Tensor::id).collect();
        Self { graph: graph.clone(), weights: Weights { tensors }, made_of, ready }
    }

    /// Whether it was made of this graph and these weights, as they are now. Never of weights in training, which change
    /// in their place.
    pub(super) fn is_of(&self, graph: &Graph, weights: &Weights) -> bool {
        let same = |(name, tensor): (&String, &Tensor), (kept, id): (&String, &TensorId)| {
            name == kept && tensor.id() == *id && !tensor.is_variable()
        };
        let kept = self.weights.tensors.keys().zip(&self.made_of);
        weights.tensors.len() == self.made_of.len()
            && weights.tensors.iter().zip(kept).all(|(now, kept)| same(now, kept))
            && *graph == self.graph
    }

    /// Runs the network on `input` `[batch, channel, y, x]`; gives the last computed node's output (the graph's output
    /// unless the tap stopped). The tap sees the nodes that `wants` says yes to, in the graph's order. Cancellable
    /// between nodes.
    ///
    /// # Errors
    /// An input that does not fit, a weight that is not there, what the tap says, or [`NetworkError::Cancelled`].
    pub fn run(
        &self,
        input: &Tensor,
        wants: &dyn Fn(usize, &Node) -> bool,
        tap: Tap<'_>,
        monitor: &Monitor,
    ) -> Result<Tensor, NetworkError> {
        self.run_spending(input, (wants, tap), &mut Spent::default(), monitor)
    }

    /// The same, which also adds to `spent` what every node took.
    ///
    /// # Errors
    /// Those of [`PreparedNetwork::run`].
    pub fn run_spending(
        &self,
        input: &Tensor,
        (wants, tap): (Wants<'_>, Tap<'_>),
        spent: &mut Spent,
        monitor: &Monitor,
    ) -> Result<Tensor, NetworkError> {
        let shapes = self.graph.shapes_of(input_shape(&self.graph, input)?)?;
        let plan = Plan::new(&self.graph, wants);
        let costs = self.costs(&plan, &shapes);
        let (mut done, total) = (0, costs.iter().sum());
        let mut values: Vec<Option<Tensor>> = vec![None; shapes.len()];
        spent.begin(self.graph.nodes());
        for (step, cost) in plan.steps.iter().zip(costs) {
            monitor.check()?;
            let inputs: Vec<&Tensor> = step.reads.iter().filter_map(|&i| values[i].as_ref()).collect();
            let began = Instant::now();
            let value = match self.graph.nodes()[step.node].op {
                Op::Input { .. } | Op::Array { .. } => input.detach(),
                _ => self.compute(step, &inputs)?,
            };
            spent.note(&self.graph, step, &value, began.elapsed());
            for &free in &step.frees {
                values[free] = None;
            }
            done += cost;
            monitor.progress(done, total)?;
            let (gives, node) = (step.gives, &self.graph.nodes()[step.gives]);
            let stopped = plan.wanted[gives] && tap(gives, node, &value)? == Flow::Stop;
            if stopped || gives + 1 == shapes.len() {
                return Ok(value);
            }
            if !step.frees.contains(&gives) {
                values[gives] = Some(value);
            }
        }
        Ok(input.clone())
    }

    /// What each step takes, for the progress.
    fn costs(&self, plan: &Plan, shapes: &[Vec<usize>]) -> Vec<usize> {
        let values = |node: usize| shapes[node].iter().map(|&n| n as u64).product::<u64>();
        let cost = |step: &Step| {
            let inputs = self.graph.inputs_of(step.node);
            let inputs: Vec<&[usize]> = inputs.iter().map(|&input| shapes[input].as_slice()).collect();
            let products =
                cost::multiply_adds(&self.graph.nodes()[step.node].op, &inputs, &shapes[step.node]);
            products.saturating_add(values(step.gives).saturating_mul(MULTIPLY_ADDS_PER_VALUE)) as usize
        };
        plan.steps.iter().map(cost).collect()
    }

    fn compute(&self, step: &Step, inputs: &[&Tensor]) -> Result<Tensor, NetworkError> {
        let node = &self.graph.nodes()[step.node];
        let value = match node.op {
            Op::Conv2d { .. } | Op::ConvTranspose2d { .. } => {
                let conv = self.conv(step)?;
                let conv = if step.relu { conv.then_relu() } else { conv };
                if step.halve { conv.then_halved() } else { conv }.run(inputs)
            }
            Op::BatchNorm2d { .. } => {
                let norm = self.norm(step.node)?.clone();
                if step.relu { norm.then_relu() } else { norm }.run(inputs)
            }
            _ => return self.layer(step.node, inputs).forward(None),
        };
        value.map_err(|source| NetworkError::Compute { node: node.name.clone(), source })
    }

    /// The convolution of a step, with the batch-norm after it.
    fn conv(&self, step: &Step) -> Result<PreparedConv, NetworkError> {
        let ready = &self.ready[step.node];
        let conv = kept(&ready.conv, || self.layer(step.node, &[]).prepared_conv())?;
        let Some(norm) = step.norm else { return Ok(conv.clone()) };
        let with_norm = || {
            let [scale, shift] = self.norm(norm)?.scale_and_shift();
            let node = &self.graph.nodes()[norm];
            let failed = |source| NetworkError::Compute { node: node.name.clone(), source };
            conv.clone().scaled(scale, shift).map_err(failed)
        };
        kept(&ready.normed, with_norm).cloned()
    }

    fn norm(&self, node: usize) -> Result<&PreparedNorm, NetworkError> {
        kept(&self.ready[node].norm, || self.layer(node, &[]).prepared_norm())
    }

    fn layer<'a>(&'a self, node: usize, inputs: &'a [&'a Tensor]) -> Layer<'a> {
        Layer { node: &self.graph.nodes()[node], weights: &self.weights, inputs, then_relu: false }
    }
}

/// What is in the cell, made now if it is not there yet.
fn kept<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, NetworkError>) -> Result<&T, NetworkError> {
    if let Some(there) = cell.get() {
        return Ok(there);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

#[cfg(test)]
mod tests;
