//! A network's nodes in groups within groups, by the dots in their names, as an outline that can be folded.

use super::NodeCost;
use std::collections::{BTreeMap, BTreeSet};

/// Networks of more nodes are shown with their groups folded at first.
const FOLDED_FROM: usize = 48;

/// Lines of the outline: every group before its members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub lines: Vec<OutlineLine>,
}

/// A node or a group, as deep as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineLine {
    pub depth: usize,
    /// What it is called within its group: "conv1" of "enc1.conv1".
    pub label: String,
    pub entry: OutlineEntry,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutlineEntry {
    /// Place in the graph's order.
    Node(usize),
    Group(Group),
}

/// Nodes whose names begin alike, up to a dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Without the dot: "denseblock1.layer2".
    pub prefix: String,
    /// The line after its last member's.
    pub end: usize,
    pub nodes: usize,
    pub parameters: u64,
    pub multiply_adds: u64,
    pub activation_bytes: u64,
    /// Its last node in the graph's order, whose output is the group's.
    pub last: usize,
}

impl Outline {
    /// Nodes keep the graph's order; a group stands where its first node does, and holds all that bear its prefix. A
    /// prefix of one node makes no group, and a group that holds nothing but another group is shown as one with it.
    #[must_use]
    pub fn of(nodes: &[NodeCost]) -> Self {
        let mut outline = Self::default();
        let all: Vec<usize> = (0..nodes.len()).collect();
        outline.add(nodes, &all, "", 0);
        outline
    }

    /// The groups that a node's line stands in, outermost first.
    #[must_use]
    pub fn groups_of(&self, node: usize) -> Vec<&Group> {
        let is_node = |line: &OutlineLine| line.entry == OutlineEntry::Node(node);
        let Some(place) = self.lines.iter().position(is_node) else { return Vec::new() };
        let around = self.lines[..place].iter().filter_map(|line| match &line.entry {
            OutlineEntry::Group(group) if group.end > place => Some(group),
            _ => None,
        });
        around.collect()
    }

    /// What a network of so many nodes is shown with folded: every group of a large one but those that hold most of it.
    #[must_use]
    pub fn folded_at_first(&self, nodes: usize) -> BTreeSet<String> {
        let folds = |group: &&Group| nodes > FOLDED_FROM && group.nodes * 2 < nodes;
        self.groups().filter(folds).map(|group| group.prefix.clone()).collect()
    }

    /// The groups that lie within so many others, or deeper.
    #[must_use]
    pub fn groups_within(&self, depth: usize) -> BTreeSet<String> {
        let deep = self.lines.iter().filter(|line| line.depth >= depth);
        let groups = deep.filter_map(|line| match &line.entry {
            OutlineEntry::Group(group) => Some(group.prefix.clone()),
            OutlineEntry::Node(_) => None,
        });
        groups.collect()
    }

    /// All groups, in order.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.lines.iter().filter_map(|line| match &line.entry {
            OutlineEntry::Group(group) => Some(group),
            OutlineEntry::Node(_) => None,
        })
    }

    /// Adds the lines of `members`, whose names all begin with `before`.
    fn add(&mut self, nodes: &[NodeCost], members: &[usize], before: &str, depth: usize) {
        let mut parts: Vec<(String, Vec<usize>)> = Vec::new();
        let mut place_of: BTreeMap<&str, usize> = BTreeMap::new();
        for &member in members {
            let rest = nodes[member].name.get(before.len()..).unwrap_or_default();
            match rest.split_once('.') {
                Some((head, _)) => {
                    let place = *place_of.entry(head).or_insert(parts.len());
                    if place == parts.len() {
                        parts.push((format!("{before}{head}"), Vec::new()));
                    }
                    parts[place].1.push(member);
                }
                None => parts.push((nodes[member].name.clone(), vec![member])),
            }
        }
        for (prefix, members) in parts {
            match members[..] {
                [only] => self.add_node(nodes, only, before, depth),
                _ => self.add_group(nodes, &members, (before, prefix), depth),
            }
        }
    }

    fn add_node(&mut self, nodes: &[NodeCost], node: usize, before: &str, depth: usize) {
        let label = nodes[node].name.get(before.len()..).unwrap_or_default().to_owned();
        self.lines.push(OutlineLine { depth, label, entry: OutlineEntry::Node(node) });
    }

    fn add_group(
        &mut self,
        nodes: &[NodeCost],
        members: &[usize],
        (before, prefix): (&str, String),
        depth: usize,
    ) {
        // As long as all members go the same way.
        let mut prefix = prefix;
        while let Some(longer) = shared(nodes, members, &prefix) {
            prefix = longer;
        }
        let label = prefix.get(before.len()..).unwrap_or_default().to_owned();
        let place = self.lines.len();
        let sum = |value: fn(&NodeCost) -> u64| {
            members.iter().fold(0_u64, |sum, &member| sum.saturating_add(value(&nodes[member])))
        };
        let group = Group {
            end: 0,
            nodes: members.len(),
            parameters: sum(|node| node.parameters as u64),
            multiply_adds: sum(|node| node.multiply_adds),
            activation_bytes: sum(|node| node.activation_bytes),
            last: members.iter().copied().max().unwrap_or(0),
            prefix: prefix.clone(),
        };
        self.lines.push(OutlineLine { depth, label, entry: OutlineEntry::Group(group) });
        self.add(nodes, members, &format!("{prefix}."), depth + 1);
        let end = self.lines.len();
        if let Some(OutlineLine { entry: OutlineEntry::Group(group), .. }) = self.lines.get_mut(place) {
            group.end = end;
        }
    }
}

/// The prefix with one part more, if all members' names have it.
fn shared(nodes: &[NodeCost], members: &[usize], prefix: &str) -> Option<String> {
    let next = |member: &usize| {
        let rest = nodes[*member].name.get(prefix.len() + 1..)?;
        rest.split_once('.').map(|(head, _)| head)
    };
    let (first, others) = members.split_first()?;
    let head = next(first)?;
    others.iter().all(|other| next(other) == Some(head)).then(|| format!("{prefix}.{head}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(names: &[&str]) -> Vec<NodeCost> {
        let node = |(place, name): (usize, &&str)| NodeCost {
            name: (*name).to_owned(),
            kind: String::new(),
            attributes: String::new(),
            shape: vec![1],
            parameters: 1 << place,
            multiply_adds: place as u64,
            activation_bytes: 4,
            receptive_field: None,
        };
        names.iter().enumerate().map(node).collect()
    }

    /// Lines as text: groups end with a slash and their number of nodes.
    fn text(names: &[&str]) -> Vec<String> {
        let line = |line: &OutlineLine| {
            let indent = "  ".repeat(line.depth);
            match &line.entry {
                OutlineEntry::Node(_) => format!("{indent}{}", line.label),
                OutlineEntry::Group(group) => format!("{indent}{}/{}", line.label, group.nodes),
            }
        };
        Outline::of(&nodes(names)).lines.iter().map(line).collect()
    }

    #[test]
    fn dots_make_groups_within_groups() {
        let names = ["input", "b1.l1.conv", "b1.l1.relu", "b1.l2.conv", "b1.l2.relu", "b1.out", "head.fc"];
        let expected = [
            "input", "b1/5", "  l1/2", "    conv", "    relu", "  l2/2", "    conv", "    relu", "  out",
            "head.fc",
        ];
        assert_eq!(text(&names), expected);
        assert_eq!(text(&[]), [""; 0]);
    }

    #[test]
    fn groups_that_hold_nothing_else_are_one_and_parted_ones_are_brought_together() {
        assert_eq!(text(&["m.net.a", "m.net.b", "c"]), ["m.net/2", "  a", "  b", "c"]);
        assert_eq!(text(&["a.x", "b", "a.y"]), ["a/2", "  x", "  y", "b"]);
        assert_eq!(text(&["a", "a.x", "a.y"]), ["a", "a/2", "  x", "  y"]);
    }

    #[test]
    fn a_group_s_costs_are_the_sum_of_its_nodes_and_its_output_that_of_the_last() {
        let outline = Outline::of(&nodes(&["in", "a.x.1", "a.x.2", "b", "a.y"]));
        let group = outline.groups().next().unwrap();
        assert_eq!((group.prefix.as_str(), group.nodes, group.last, group.end), ("a", 3, 4, 6));
        assert_eq!((group.parameters, group.multiply_adds, group.activation_bytes), (2 + 4 + 16, 7, 12));
        let around: Vec<&str> = outline.groups_of(2).iter().map(|group| group.prefix.as_str()).collect();
        assert_eq!(around, ["a", "a.x"]);
        assert!(outline.groups_of(3).is_empty() && outline.groups_of(99).is_empty());
    }
}
