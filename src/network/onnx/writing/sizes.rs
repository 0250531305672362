//! Which lengths a file may leave open: a graph is tried with several image sizes, and what differs depends on the image.

use crate::network::{Graph, ModelCard, NetworkError, Op, total_stride};

/// Sides of images that are tried where the card names none, before all others.
const USUAL_SIDES: [usize; 5] = [512, 224, 256, 1024, 572];
/// Largest side that is tried.
const LARGEST_SIDE: usize = 1024;

/// Shapes of all nodes for an image that fits the network, and for others that do.
pub(super) struct Sizes {
    pub(super) shapes: Vec<Vec<usize>>,
    others: Vec<Vec<Vec<usize>>>,
}

impl Sizes {
    /// `fixed` is the one size the file is to be for, where it is not for all that fit.
    ///
    /// # Errors
    /// When no image fits, or the network has a node that ONNX has only for a known size, and none is known.
    pub(super) fn of(
        graph: &Graph,
        card: &ModelCard,
        fixed: Option<[usize; 2]>,
    ) -> Result<Self, NetworkError> {
        if let Some(shape) = graph.input_array() {
            return Ok(Self { shapes: graph.shapes_of(shape)?, others: Vec::new() });
        }
        if let Some(size) = fixed {
            return Ok(Self { shapes: shapes(graph, size)?, others: Vec::new() });
        }
        let size = fitting(graph, card)?;
        let mut sizes = Self { shapes: shapes(graph, size)?, others: others(graph, size) };
        if let Some(node) = sizes.unknown(graph) {
            if card.input_size.is_none() {
                return Err(NetworkError::Graph(format!(
                    "Node {node}: ONNX pools to a given size only images whose size is known; name one with --size"
                )));
            }
            sizes.others.clear();
        }
        Ok(sizes)
    }

    /// A node that must know how large its image is, and does not.
    fn unknown<'a>(&self, graph: &'a Graph) -> Option<&'a str> {
        let mut nodes = graph.nodes().iter().enumerate();
        let found = nodes.find(|(index, node)| {
            let from = graph.inputs_of(*index).first().copied().unwrap_or_default();
            matches!(node.op, Op::AdaptiveAvgPool2d { size } if size != [1, 1])
                && (0..self.shapes[from].len()).any(|axis| self.varies(from, axis))
        });
        found.map(|(_, node)| node.name.as_str())
    }

    /// Whether a node's axis, the batch not counted, depends on the image's size.
    pub(super) fn varies(&self, node: usize, axis: usize) -> bool {
        self.others.iter().any(|shapes| shapes[node].get(axis) != self.shapes[node].get(axis))
    }

    /// A node's shape with the batch, a number an axis or the name of one that is known when the network runs.
    pub(super) fn dimensions(&self, node: usize) -> Vec<Result<usize, String>> {
        let axis = |axis: usize| {
            if !self.varies(node, axis) {
                return Ok(self.shapes[node][axis]);
            }
            let is = |of_input: usize| {
                let same = |shapes: &Vec<Vec<usize>>| shapes[node].get(axis) == shapes[0].get(of_input);
                same(&self.shapes) && self.others.iter().all(same)
            };
            Err(if is(1) {
                "height".to_owned()
            } else if is(2) {
                "width".to_owned()
            } else {
                format!("output_axis{}", axis + 1)
            })
        };
        std::iter::once(Err("batch".to_owned())).chain((0..self.shapes[node].len()).map(axis)).collect()
    }
}

/// An image size that the network takes: the card's, a usual one, or the first of all squares.
fn fitting(graph: &Graph, card: &ModelCard) -> Result<[usize; 2], NetworkError> {
    if let Some(size) = card.input_size {
        return shapes(graph, size).map(|_| size);
    }
    let stride = total_stride(graph);
    let usual = USUAL_SIDES.map(|side| stride.map(|stride| side.next_multiple_of(stride)));
    let squares = (1..=LARGEST_SIDE).map(|side| [side, side]);
    let fits = |size: &[usize; 2]| shapes(graph, *size).is_ok();
    match usual.into_iter().chain(squares).find(fits) {
        Some(size) => Ok(size),
        // Says what does not fit.
        None => shapes(graph, usual[0]).map(|_| usual[0]),
    }
}

/// Shapes for a higher and for a wider image, where the network takes them.
fn others(graph: &Graph, [y, x]: [usize; 2]) -> Vec<Vec<Vec<usize>>> {
    let stride = total_stride(graph);
    let more = |axis: usize| {
        let grown = |step: usize| if axis == 0 { [y + step, x] } else { [y, x + step] };
        let steps = [stride[axis], 2 * stride[axis], 32, 64];
        steps.into_iter().find_map(|step| shapes(graph, grown(step)).ok())
    };
    [more(0), more(1)].into_iter().flatten().collect()
}

fn shapes(graph: &Graph, [y, x]: [usize; 2]) -> Result<Vec<Vec<usize>>, NetworkError> {
    graph.shapes([graph.input_channels(), y, x])
}
