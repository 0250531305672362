//! Which nodes of a trained network are computed together, in which order, and when their values are free.
use super::{Graph, Node, Op};

/// Pieces in which a concatenation is read, at most: networks have tens, and doubling again and again has no end.
const MOST_PIECES: usize = 1024;

/// One value that comes into being.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The node whose value it is: the last of those that are computed together.
    pub(super) gives: usize,
    /// The node whose operation is carried out.
    pub(super) node: usize,
    /// A batch-norm that follows a convolution in the same pass.
    pub(super) norm: Option<usize>,
    /// Whether a ReLU follows in the same pass.
    pub(super) relu: bool,
    /// Whether a pooling by two follows in the same pass.
    pub(super) halve: bool,
    /// The nodes whose values are read. Where the operation reads one input, they are that input's pieces along the
    /// channels.
    pub(super) reads: Vec<usize>,
    /// The nodes whose values nobody reads afterwards; what it gives is one of them where nobody reads that at all.
    pub(super) frees: Vec<usize>,
}

/// The steps of a run, as few as those who want values in between allow.
///
/// A convolution takes what follows it into its own pass: a batch-norm, a ReLU, a pooling by two. So does a batch-norm
/// the ReLU after it. Both read the pieces of a concatenation where they are, so that it need not be. Dropout and identity
/// are no steps. None of this happens where a value in between is wanted, or read by anyone else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// For each node whether its value is wanted.
    pub(super) wanted: Vec<bool>,
}

impl Plan {
    pub(super) fn new(graph: &Graph, wants: &dyn Fn(usize, &Node) -> bool) -> Self {
        let values = Values::new(graph, wants);
        let joined = values.joined(graph);
        let mut steps = Vec::new();
        let mut done = vec![false; graph.nodes().len()];
        for (index, node) in graph.nodes().iter().enumerate() {
            let handed_on = values.source[index] != index;
            if done[index] || joined[index] || handed_on && !values.seen[index] {
                continue;
            }
            let mut step = Step {
                gives: index,
                node: index,
                norm: None,
                relu: false,
                halve: false,
                reads: values.pieces(graph, index, &joined),
                frees: Vec::new(),
            };
            while let Some(next) = values.only_reader(step.gives)
                && step.take(&node.op, next, &graph.nodes()[next].op)
            {
                step.gives = next;
                done[next] = true;
            }
            steps.push(step);
        }
        // Taps see values in the graph's order.
        steps.sort_by_key(|step| step.gives);
        free_after_last_reader(&mut steps, graph.nodes().len());
        Self { steps, wanted: values.wanted }
    }
}

impl Step {
    /// The nodes that are computed with the first one, in order.
    pub(super) fn taken(&self, graph: &Graph) -> Vec<usize> {
        let mut taken = Vec::new();
        let mut at = self.gives;
        while at != self.node {
            taken.push(at);
            at = graph.inputs_of(at)[0];
        }
        taken.reverse();
        taken
    }

    /// Takes node `next`, the only reader of what it gives, into the same pass, if that can be.
    fn take(&mut self, op: &Op, next: usize, next_op: &Op) -> bool {
        let convolution = matches!(op, Op::Conv2d { .. } | Op::ConvTranspose2d { .. });
        match next_op {
            Op::BatchNorm2d { .. } if convolution && self.norm.is_none() && !self.relu && !self.halve => {
                self.norm = Some(next);
            }
            Op::Relu if !self.relu && (convolution || matches!(op, Op::BatchNorm2d { .. })) => {
                self.relu = true;
            }
            // The largest of rectified values is the largest, rectified.
            Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }
                if matches!(op, Op::Conv2d { .. }) && !self.halve =>
            {
                self.halve = true;
            }
            _ => return false,
        }
        true
    }
}

/// Who reads what, once nodes that hand their input on are looked through.
struct Values {
    wanted: Vec<bool>,
    /// For each node whose value its own is: itself, unless it hands its input on.
    source: Vec<usize>,
    /// Whether the value of that node must be there by itself: it is wanted, or the answer.
    seen: Vec<bool>,
    readers: Vec<Vec<usize>>,
}

impl Values {
    fn new(graph: &Graph, wants: &dyn Fn(usize, &Node) -> bool) -> Self {
        let nodes = graph.nodes();
        let wanted: Vec<bool> = nodes.iter().enumerate().map(|(index, node)| wants(index, node)).collect();
        let mut seen = wanted.clone();
        if let Some(answer) = seen.last_mut() {
            *answer = true;
        }
        let mut source: Vec<usize> = Vec::with_capacity(nodes.len());
        let mut readers = vec![Vec::new(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            let inputs = graph.inputs_of(index);
            let handed_on = matches!(node.op, Op::Identity | Op::Dropout { .. });
            source.push(if handed_on { source[inputs[0]] } else { index });
            if handed_on {
                let source = source[index];
                seen[source] |= seen[index];
            } else {
                for input in inputs {
                    readers[source[input]].push(index);
                }
            }
        }
        Self { wanted, source, seen, readers }
    }

    /// The one node that reads a value which nobody needs to see.
    fn only_reader(&self, index: usize) -> Option<usize> {
        match self.readers[index][..] {
            [reader] if !self.seen[index] => Some(reader),
            _ => None,
        }
    }

    /// For each node whether it is a concatenation that all its readers read in pieces, and not in too many. Pieces must
    /// have one batch: constants, which have none, are repeated by the concatenation.
    fn joined(&self, graph: &Graph) -> Vec<bool> {
        let in_pieces = |&reader: &usize| {
            let op = &graph.nodes()[reader].op;
            matches!(
                op,
                Op::Conv2d { .. }
                    | Op::ConvTranspose2d { .. }
                    | Op::BatchNorm2d { .. }
                    | Op::Concat { axis: 0 }
            )
        };
        let constant = constants(graph);
        let mut pieces = vec![1_usize; graph.nodes().len()];
        let mut joined = vec![false; graph.nodes().len()];
        for index in
            (0..joined.len()).filter(|&index| matches!(graph.nodes()[index].op, Op::Concat { axis: 0 }))
        {
            let inputs = graph.inputs_of(index);
            let count = inputs.iter().map(|&input| pieces[self.source[input]]).sum();
            if inputs.iter().any(|&input| constant[input]) {
                continue;
            }
            if count <= MOST_PIECES && !self.seen[index] && self.readers[index].iter().all(in_pieces) {
                (joined[index], pieces[index]) = (true, count);
            }
        }
        joined
    }

    /// The nodes whose values a node reads, concatenations in pieces.
    fn pieces(&self, graph: &Graph, index: usize, joined: &[bool]) -> Vec<usize> {
        let mut pieces = Vec::new();
        for input in graph.inputs_of(index) {
            let input = self.source[input];
            if joined[input] {
                pieces.extend(self.pieces(graph, input, joined));
            } else {
                pieces.push(input);
            }
        }
        pieces
    }
}

/// For each node whether it is a constant or made of nothing else.
fn constants(graph: &Graph) -> Vec<bool> {
    let mut constant: Vec<bool> = Vec::with_capacity(graph.nodes().len());
    for (index, node) in graph.nodes().iter().enumerate() {
        let inputs = graph.inputs_of(index);
        let of_constants = !inputs.is_empty() && inputs.iter().all(|&input| constant[input]);
        constant.push(of_constants || matches!(node.op, Op::Constant { .. }));
    }
    constant
}

fn free_after_last_reader(steps: &mut [Step], nodes: usize) {
    let mut read_later = vec![false; nodes];
    for step in steps.iter_mut().rev() {
        // The answer stays.
        if step.gives + 1 < nodes && !read_later[step.gives] {
            step.frees.push(step.gives);
        }
        for &value in &step.reads {
            if !std::mem::replace(&mut read_later[value], true) {
                step.frees.push(value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
