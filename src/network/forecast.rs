//! How much memory a run will take, from shapes alone.
use super::run::last_readers;
use super::{Graph, NetworkError, Op};
use crate::compute;

/// Bytes a run needs at its worst moment, weights included, and at which node that is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Forecast {
    pub peak_bytes: u64,
    pub weight_bytes: u64,
    pub worst_node: String,
}

/// For a batch of one of input `[c, y, x]`, without taps.
///
/// Values live from the node that makes them to their last reader, as in [`super::run`]; nodes that hand their input on
/// (Flatten, Identity, Dropout) make no new one. What an operation takes beside its result is added while it runs.
///
/// # Errors
/// An input that does not fit the graph.
pub fn forecast(graph: &Graph, input: [usize; 3]) -> Result<Forecast, NetworkError> {
    let shapes = graph.shapes(input)?;
    let bytes_of = |shape: &[usize]| 4 * shape.iter().map(|&n| n as u64).product::<u64>();
    let bytes: Vec<u64> = shapes.iter().map(|shape| bytes_of(shape)).collect();
    let weight_bytes: u64 = graph.parameters().iter().map(|p| bytes_of(&p.shape)).sum();
    let owners = owners(graph);
    let freed_after = lifetimes(graph, &owners);

    let (mut alive, mut peak, mut worst) = (0, 0, "");
    for (index, node) in graph.nodes().iter().enumerate() {
        if owners[index] == index {
            alive += bytes[index];
        }
        let now = alive + beside(graph, index, bytes[index]);
        if now > peak {
            (peak, worst) = (now, &node.name);
        }
        let freed = (0..=index).filter(|&i| owners[i] == i && freed_after[i] == index);
        alive -= freed.map(|i| bytes[i]).sum::<u64>();
    }
    let peak_bytes = peak + weight_bytes + compute::scratch_bytes();
    Ok(Forecast { peak_bytes, weight_bytes, worst_node: worst.to_owned() })
}

/// For each node the one whose memory its value lies in.
fn owners(graph: &Graph) -> Vec<usize> {
    let mut owners: Vec<usize> = Vec::with_capacity(graph.nodes().len());
    for (index, node) in graph.nodes().iter().enumerate() {
        let handed_on = matches!(node.op, Op::Flatten | Op::Identity | Op::Dropout { .. });
        let input = graph.inputs_of(index).first().copied().filter(|_| handed_on);
        owners.push(input.map_or(index, |input| owners[input]));
    }
    owners
}

/// For each owner the node after which its memory is free. The caller holds the input, and the output stays.
fn lifetimes(graph: &Graph, owners: &[usize]) -> Vec<usize> {
    let mut until: Vec<usize> = (0..owners.len()).collect();
    for (node, last) in last_readers(graph).into_iter().enumerate() {
        until[owners[node]] = until[owners[node]].max(last);
    }
    for (node, until) in until.iter_mut().enumerate() {
        let held = matches!(graph.nodes()[node].op, Op::Input { .. });
        if held || Some(node) == owners.last().copied() {
            *until = usize::MAX;
        }
    }
    until
}

/// Bytes an operation takes beside its inputs and its result: the weights of a convolution in the order its kernels
/// read them, what lies on the way of joining or adding more than two.
fn beside(graph: &Graph, index: usize, result: u64) -> u64 {
    let node = &graph.nodes()[index];
    match node.op {
        Op::Conv2d { .. } | Op::ConvTranspose2d { .. } => {
            node.parameters().iter().map(|p| 4 * p.shape.iter().map(|&n| n as u64).product::<u64>()).sum()
        }
        Op::Add | Op::Concat if node.inputs.len() > 2 => result,
        Op::Linear { bias: true, .. } => result,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
