//! Names for the network's nodes: the exporter's own, made fit for files, in groups parted by dots.

use super::proto::{GraphProto, NodeProto};
use std::collections::{BTreeMap, BTreeSet};

/// Longest name that is made; a network's nodes may have longer ones.
const MAX_NAME: usize = 100;

/// The names that are taken, and the modules that other modules stand in.
pub(super) struct Names {
    taken: BTreeMap<String, usize>,
    groups: BTreeSet<Vec<String>>,
}

impl Names {
    pub(super) fn of(graph: &GraphProto) -> Self {
        let mut groups = BTreeSet::new();
        for node in &graph.node {
            let mut path = module(node).unwrap_or_else(|| {
                let mut path = parts(&node.name);
                path.pop();
                path
            });
            while path.pop().is_some() && !path.is_empty() && groups.insert(path.clone()) {}
        }
        Self { taken: BTreeMap::new(), groups }
    }

    /// What the node is called: after its weights' module where it has some, else after itself.
    pub(super) fn for_node(&self, node: &NodeProto) -> String {
        if let Some(module) = module(node) {
            return module.join(".");
        }
        let own = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
        let mut path = own.map(|name| parts(name)).unwrap_or_default();
        // "/enc1/relu/Relu_1" is the module enc1.relu, run a second time.
        if let Some(last) = path.last()
            && let Some(number) = last.strip_prefix(&node.op_type)
            && number.chars().all(|c| c == '_' || c.is_ascii_digit())
            && path.len() > 1
            && !self.groups.contains(&path[..path.len() - 1])
        {
            let number = number.to_owned();
            path.pop();
            if let Some(module) = path.last_mut() {
                module.push_str(&number);
            }
        }
        if path.is_empty() { node.op_type.to_lowercase() } else { path.join(".") }
    }

    /// The name, with a number where it is taken already.
    pub(super) fn unique(&mut self, name: &str) -> String {
        let mut name = fit(name);
        loop {
            let count = self.taken.entry(name.clone()).or_insert(0);
            *count += 1;
            if *count == 1 {
                return name;
            }
            name = format!("{name}_{count}");
        }
    }
}

/// The module whose weights a node reads: "enc1.conv1" of "enc1.conv1.weight".
fn module(node: &NodeProto) -> Option<Vec<String>> {
    let weight = node.input.iter().skip(1).find_map(|input| input.strip_suffix(".weight"))?;
    let path = parts(weight);
    (!path.is_empty()).then_some(path)
}

/// The parts of a name between dots, slashes and colons, each of letters, digits, `_` and `-`.
fn parts(name: &str) -> Vec<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let part = |part: &str| part.chars().map(plain).collect::<String>().trim_matches('_').to_owned();
    name.split(['/', '.', ':', ';']).map(part).filter(|part| !part.is_empty()).collect()
}

/// Shortened from the front to what can name a node.
fn fit(name: &str) -> String {
    let mut path = parts(name);
    while path.len() > 1 && path.iter().map(|part| part.len() + 1).sum::<usize>() > MAX_NAME {
        path.remove(0);
    }
    let name = path.join(".");
    // Parts are ASCII.
    let name = name.get(name.len().saturating_sub(MAX_NAME)..).unwrap_or_default().trim_matches('.');
    if name.is_empty() { "node".into() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, op: &str, inputs: &[&str]) -> NodeProto {
        NodeProto {
            name: name.into(),
            op_type: op.into(),
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec!["out.1".into()],
            ..Default::default()
        }
    }

    #[test]
    fn names_follow_the_modules() {
        let nodes = vec![
            node("/enc1/conv1/Conv", "Conv", &["x", "enc1.conv1.weight", "enc1.conv1.bias"]),
            node("/enc1/relu/Relu_1", "Relu", &["x"]),
            node("/enc1/Relu", "Relu", &["x"]),
            node("", "Relu", &["x"]),
            node("model/conv2d/Conv2D:0", "Conv", &["x", "w"]),
        ];
        let graph = GraphProto { node: nodes, ..Default::default() };
        let names = Names::of(&graph);
        let found: Vec<String> = graph.node.iter().map(|node| names.for_node(node)).collect();
        assert_eq!(found, ["enc1.conv1", "enc1.relu_1", "enc1.Relu", "out.1", "model.conv2d.Conv2D.0"]);
    }

    #[test]
    fn names_are_unique_and_fit() {
        let mut names = Names::of(&GraphProto::default());
        assert_eq!(names.unique("a/b c.d"), "a.b_c.d");
        assert_eq!(names.unique("a.b_c.d"), "a.b_c.d_2");
        assert_eq!(names.unique("a.b_c.d_2"), "a.b_c.d_2_2");
        assert_eq!(names.unique("…/./"), "node");
        assert_eq!(names.unique(&"x".repeat(500)).len(), 100);
        let long = format!("{}.last", vec!["module"; 50].join("."));
        let short = names.unique(&long);
        assert!(short.len() <= 100 && short.ends_with("module.last"), "{short}");
    }
}
