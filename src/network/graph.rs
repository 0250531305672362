//! The network as a list of named nodes.

use super::order::topological;
use super::{NetworkError, Op};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest name of a node, in bytes.
const MAX_NAME: usize = 120;

/// One named operation and the nodes it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique; letters, digits, `_` and `-` in groups parted by dots: "enc1.conv2".
    pub name: String,
    #[serde(flatten)]
    pub op: Op,
    pub inputs: Vec<String>,
}

/// Nodes in an order in which every input stands before its reader; the first is the input, the last the output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Graph {
    /// Such as "unet".
    pub architecture: String,
    nodes: Vec<Node>,
    /// Indices of each node's inputs.
    #[serde(skip)]
    links: Vec<Vec<usize>>,
}

/// What a file says, before the same checks as [`Graph::new`].
#[derive(Deserialize)]
struct Unchecked {
    architecture: String,
    nodes: Vec<Node>,
}

impl TryFrom<Unchecked> for Graph {
    type Error = NetworkError;
    fn try_from(graph: Unchecked) -> Result<Self, NetworkError> {
        Self::new(&graph.architecture, graph.nodes)
    }
}

impl Graph {
    /// Checks and keeps the nodes (they are sorted topologically when need be).
    ///
    /// # Errors
    /// [`NetworkError::Graph`] for a bad name or one that comes twice, none or several inputs, an input that is not
    /// there, a wrong number of inputs, impossible attributes, a cycle, or a node that leads nowhere.
    pub fn new(architecture: &str, mut nodes: Vec<Node>) -> Result<Self, NetworkError> {
        // The sorting keeps what is in order already; constants could stand before the input too.
        nodes.sort_by_key(|node| !is_input(&node.op));
        let links = link(&nodes)?;
        check_one_input(&nodes)?;
        let order = topological(&links).map_err(|cycle| {
            let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(|&i| &*nodes[i].name).collect();
            NetworkError::Graph(format!("The nodes form a cycle: {}", names.join(" → ")))
        })?;
        check_one_output(&nodes, &links)?;
        let mut place = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        let links = order.iter().map(|&old| links[old].iter().map(|&input| place[input]).collect()).collect();
        let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        let nodes: Vec<Node> = order.iter().filter_map(|&old| nodes[old].take()).collect();
        let graph = Self { architecture: architecture.to_owned(), nodes, links };
        super::stride::check_stride(&graph)?;
        Ok(graph)
    }

    /// All nodes, input first, output last.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Place of the node of that name in [`Graph::nodes`].
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Index of each input of node `index`; none for an index that is not there.
    #[must_use]
    pub fn inputs_of(&self, index: usize) -> Vec<usize> {
        self.links.get(index).cloned().unwrap_or_default()
    }

    /// Channels the image must have; 0 where the input is no image.
    #[must_use]
    pub fn input_channels(&self) -> usize {
        match self.nodes.first().map(|node| &node.op) {
            Some(Op::Input { channels }) => *channels,
            _ => 0,
        }
    }

    /// Shape of the array that the graph takes in an image's stead, the batch apart.
    #[must_use]
    pub fn input_array(&self) -> Option<&[usize]> {
        match self.nodes.first().map(|node| &node.op) {
            Some(Op::Array { shape }) => Some(shape),
            _ => None,
        }
    }

    /// The last node, whose value is the network's answer.
    #[must_use]
    pub fn output(&self) -> Option<&Node> {
        self.nodes.last()
    }
}

/// Checks every node by itself and finds its inputs.
fn link(nodes: &[Node]) -> Result<Vec<Vec<usize>>, NetworkError> {
    let mut index_of = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        check_name(&node.name)?;
        if index_of.insert(node.name.as_str(), index).is_some() {
            return Err(NetworkError::Graph(format!("Two nodes are called {}", node.name)));
        }
        node.op.check().map_err(|what| NetworkError::Graph(format!("Node {}: {what}", node.name)))?;
        check_arity(node)?;
    }
    let find = |node: &Node, input: &String| {
        index_of.get(input.as_str()).copied().ok_or_else(|| {
            NetworkError::Graph(format!("Node {} reads {input:?}, which is not there", node.name))
        })
    };
    nodes.iter().map(|node| node.inputs.iter().map(|input| find(node, input)).collect()).collect()
}

/// Names become parts of file names and of weight names, so they hold nothing that means something there.
fn check_name(name: &str) -> Result<(), NetworkError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= MAX_NAME && name.split('.').all(|part| !part.is_empty() && part.chars().all(plain)) {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME).collect();
    Err(NetworkError::Graph(format!(
        "{shown:?} cannot name a node: up to {MAX_NAME} letters, digits, _ and - in groups parted by dots can"
    )))
}

fn check_arity(node: &Node) -> Result<(), NetworkError> {
    let ((least, most), found) = (node.op.arity(), node.inputs.len());
    if (least..=most).contains(&found) {
        return Ok(());
    }
    let expected = match (least, most) {
        (0, _) => "no input".to_owned(),
        (1, 1) => "one input".to_owned(),
        _ => format!("{least} or more inputs"),
    };
    let (name, kind) = (&node.name, node.op.kind());
    Err(NetworkError::Graph(format!("Node {name}: {kind} takes {expected}, found {found}")))
}

fn check_one_input(nodes: &[Node]) -> Result<(), NetworkError> {
    let mut inputs = nodes.iter().filter(|node| is_input(&node.op));
    match (inputs.next(), inputs.next()) {
        (Some(_), None) => Ok(()),
        (None, _) => Err(NetworkError::Graph("The graph has no Input node".into())),
        (Some(a), Some(b)) => Err(NetworkError::Graph(format!(
            "A graph has one Input node, found both {} and {}",
            a.name, b.name
        ))),
    }
}

/// Where an image or array enters.
fn is_input(op: &Op) -> bool {
    matches!(op, Op::Input { .. } | Op::Array { .. })
}

/// The output is the last node that nobody reads; any other such node is work for nothing.
fn check_one_output(nodes: &[Node], links: &[Vec<usize>]) -> Result<(), NetworkError> {
    let mut read = vec![false; nodes.len()];
    for &input in links.iter().flatten() {
        read[input] = true;
    }
    let mut ends = nodes.iter().zip(&read).filter(|(_, read)| !**read).map(|(node, _)| &node.name);
    match (ends.next(), ends.next_back()) {
        (Some(unused), Some(output)) => {
            Err(NetworkError::Graph(format!("Node {unused} is read by nobody, and the output is {output}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, op: Op, inputs: &[&str]) -> Node {
        Node { name: name.into(), op, inputs: inputs.iter().map(|&s| s.into()).collect() }
    }

    fn input() -> Node {
        node("input", Op::Input { channels: 1 }, &[])
    }

    fn check(nodes: Vec<Node>, expected: &str) {
        let message = Graph::new("test", nodes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }

    #[test]
    fn every_broken_graph_is_refused_with_the_node_it_is_about() {
        check(vec![], "no Input node");
        check(vec![input(), node("input", Op::Relu, &["input"])], "Two nodes are called input");
        check(vec![input(), node("in2", Op::Input { channels: 1 }, &[])], "both input and in2");
        check(vec![input(), node("a", Op::Relu, &["b"])], "Node a reads \"b\", which is not there");
        check(vec![input(), node("a", Op::Relu, &[])], "Node a: ReLU takes one input, found 0");
        check(vec![input(), node("a", Op::Add, &["input"])], "Node a: Add takes 2 or more inputs, found 1");
        check(vec![node("i", Op::Input { channels: 1 }, &["i"])], "Node i: Input takes no input, found 1");
        let unused = vec![input(), node("a", Op::Relu, &["input"]), node("b", Op::Relu, &["input"])];
        check(unused, "Node a is read by nobody, and the output is b");
        let cyclic = vec![
            input(),
            node("a", Op::Add, &["input", "c"]),
            node("b", Op::Relu, &["a"]),
            node("c", Op::Relu, &["b"]),
            node("d", Op::Relu, &["c"]),
        ];
        check(cyclic, "The nodes form a cycle: ");
        check(vec![input(), node("a", Op::Add, &["input", "a"])], "cycle: a → a");
    }

    #[test]
    fn names_that_would_leave_their_folder_are_refused() {
        for name in ["", "a/b", "..", "../a", "a..b", ".a", "a b", "é", &"x".repeat(121)] {
            check(vec![input(), node(name, Op::Relu, &["input"])], "cannot name a node");
        }
    }

    #[test]
    fn impossible_attributes_are_refused() {
        let conv = |key: &str, value: serde_json::Value, says: &str| {
            let mut op = serde_json::json!({
                "op": "conv2d", "in_channels": 4, "out_channels": 4, "kernel": [3, 3], "stride": [1, 1],
                "padding": [1, 1], "dilation": [1, 1], "groups": 1, "bias": true,
            });
            op[key] = value;
            check(vec![input(), node("c", serde_json::from_value(op).unwrap(), &["input"])], says);
        };
        conv("kernel", [0, 3].into(), "Node c: kernel must lie between 1 and 65535, found 0");
        conv("stride", [1, 0].into(), "Node c: stride must");
        conv("dilation", [0, 1].into(), "Node c: dilation must");
        conv("padding", [1_u64 << 60, 1].into(), "Node c: padding must");
        conv("groups", 3.into(), "Node c: 3 groups must divide 4 input and 4 output channels");
        conv("out_channels", 0.into(), "Node c: output channels must");
        let one = |op: Op, says: &str| check(vec![input(), node("n", op, &["input"])], says);
        one(Op::Upsample { scale: 0, resample: crate::network::Resample::Nearest }, "scale must");
        one(Op::Dropout { p: 1.5 }, "p must");
        one(Op::LeakyRelu { slope: f64::NAN }, "slope must");
        one(Op::BatchNorm2d { channels: 1, eps: -1.0 }, "eps must");
        one(
            Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [2, 0] },
            "padding must be at most half",
        );
        let vast = Op::Linear { in_features: 1 << 31, out_features: 1 << 31, bias: true };
        one(vast, "Node n: its weight would be larger than 4 TiB");
        one(Op::Linear { in_features: 0, out_features: 1, bias: true }, "input features must");
        let transposed = Op::ConvTranspose2d {
            in_channels: 1,
            out_channels: 1,
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
            output_padding: [2, 0],
            dilation: [1, 1],
            groups: 1,
            bias: true,
        };
        one(transposed, "output padding must be less");
    }

    #[test]
    fn nodes_in_any_order_are_sorted() {
        let graph =
            Graph::new("test", vec![node("b", Op::Relu, &["a"]), node("a", Op::Tanh, &["input"]), input()])
                .unwrap();
        let names: Vec<&str> = graph.nodes().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["input", "a", "b"]);
        assert_eq!(graph.inputs_of(2), [1]);
        assert_eq!(graph.index_of("b"), Some(2));
        assert_eq!(graph.node("a").unwrap().op, Op::Tanh);
        assert_eq!(graph.output().unwrap().name, "b");
    }

    #[test]
    fn json_goes_there_and_back_and_through_the_same_checks() {
        let graph =
            Graph::new("test", vec![input(), node("a", Op::LeakyRelu { slope: 0.1 }, &["input"])]).unwrap();
        let json = serde_json::to_string(&graph).unwrap();
        assert_eq!(
            json,
            r#"{"architecture":"test","nodes":[{"name":"input","op":"input","channels":1,"inputs":[]},{"name":"a","op":"leaky_relu","slope":0.1,"inputs":["input"]}]}"#
        );
        assert_eq!(serde_json::from_str::<Graph>(&json).unwrap(), graph);
        let says = |json: &str, expected: &str| {
            let message = serde_json::from_str::<Graph>(json).unwrap_err().to_string();
            assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        };
        says(&json.replace("\"inputs\":[\"input\"]", "\"inputs\":[\"a\"]"), "cycle: a → a");
        says(&json.replace("leaky_relu", "warp"), "unknown variant `warp`");
        says(&json.replace("\"slope\"", "\"slop\""), "unknown field `slop`");
        says(r#"{"architecture":"x"}"#, "missing field `nodes`");
    }
}
