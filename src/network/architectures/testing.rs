//! What the tests of all architectures ask of a graph.
use crate::network::Graph;

/// Trainable numbers.
pub(super) fn trainable(graph: &Graph) -> usize {
    let specs = graph.parameters().into_iter().filter(|spec| spec.trainable);
    specs.map(|spec| spec.shape.iter().product::<usize>()).sum()
}

/// Shape of a node for an input `[c, y, x]`.
pub(super) fn shape(graph: &Graph, input: [usize; 3], node: &str) -> Vec<usize> {
    let index = graph.index_of(node).unwrap_or_else(|| panic!("there is no node {node}"));
    graph.shapes(input).unwrap().swap_remove(index)
}
