//! What becomes a box: every node outside of folded groups, and every folded group.

use super::{Drawn, Family};
use crate::network::{Graph, Group, NodeCost, Outline, OutlineEntry, OutlineLine};
use std::collections::BTreeMap;

/// One box to be.
pub(super) struct Item {
    pub(super) content: Drawn,
    pub(super) label: String,
    pub(super) detail: String,
    pub(super) shape: String,
    pub(super) family: Family,
    /// The node whose value it gives.
    pub(super) gives: usize,
    /// The open groups around it, outermost first, as places in [`Items::groups`].
    pub(super) within: Vec<usize>,
}

/// An open group.
pub(super) struct OpenGroup {
    pub(super) prefix: String,
    pub(super) label: String,
    pub(super) depth: usize,
}

/// All boxes in the order of computation, and what flows between them.
pub(super) struct Items {
    pub(super) all: Vec<Item>,
    pub(super) groups: Vec<OpenGroup>,
    /// For each node its item.
    pub(super) owner: Vec<usize>,
    /// By giver and reader.
    pub(super) links: BTreeMap<(usize, usize), Vec<[usize; 2]>>,
    /// For each item those it reads.
    pub(super) reads: Vec<Vec<usize>>,
}

impl Items {
    pub(super) fn of(
        graph: &Graph,
        nodes: &[NodeCost],
        outline: &Outline,
        is_folded: &dyn Fn(&Group) -> bool,
    ) -> Self {
        let (mut found, mut groups) = (Vec::new(), Vec::new());
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut place = 0;
        while let Some(line) = outline.lines.get(place) {
            open.retain(|&(_, end)| end > place);
            let within: Vec<usize> = open.iter().map(|&(group, _)| group).collect();
            match &line.entry {
                OutlineEntry::Group(group) if is_folded(group) => {
                    let members = members(outline, place + 1..group.end);
                    found.push((members, folded(group, line, nodes, within)));
                    place = group.end;
                    continue;
                }
                OutlineEntry::Group(group) => {
                    let (prefix, label) = (group.prefix.clone(), line.label.clone());
                    groups.push(OpenGroup { prefix, label, depth: open.len() });
                    open.push((groups.len() - 1, group.end));
                }
                OutlineEntry::Node(node) => {
                    let item = single(&nodes[*node], Family::of(&graph.nodes()[*node].op), (*node, line));
                    found.push((vec![*node], Item { within, ..item }));
                }
            }
            place += 1;
        }
        // A group's nodes need not stand together.
        found.sort_by_key(|(members, _)| members.iter().min().copied());
        let mut owner = vec![0; nodes.len()];
        for (item, (members, _)) in found.iter().enumerate() {
            for &node in members {
                owner[node] = item;
            }
        }
        let all: Vec<Item> = found.into_iter().map(|(_, item)| item).collect();
        let links = links(graph, &owner);
        let mut reads = vec![Vec::new(); all.len()];
        for &(from, to) in links.keys() {
            reads[to].push(from);
        }
        Self { all, groups, owner, links, reads }
    }

    /// How many frames lie within each other at most.
    pub(super) fn deepest(&self) -> usize {
        self.all.iter().map(|item| item.within.len()).max().unwrap_or(0)
    }
}

fn members(outline: &Outline, lines: std::ops::Range<usize>) -> Vec<usize> {
    let node = |line: &OutlineLine| match line.entry {
        OutlineEntry::Node(node) => Some(node),
        OutlineEntry::Group(_) => None,
    };
    outline.lines.get(lines).unwrap_or_default().iter().filter_map(node).collect()
}

fn folded(group: &Group, line: &OutlineLine, nodes: &[NodeCost], within: Vec<usize>) -> Item {
    Item {
        label: line.label.clone(),
        detail: format!("{} nodes", group.nodes),
        shape: shape_text(&nodes[group.last]),
        family: Family::Group,
        gives: group.last,
        within,
        content: Drawn::Group(group.clone()),
    }
}

fn single(node: &NodeCost, family: Family, (place, line): (usize, &OutlineLine)) -> Item {
    // Of convolutions and poolings the window says most.
    let window = node.attributes.split(',').next().unwrap_or_default();
    let windowed = matches!(family, Family::Convolution | Family::Pooling | Family::Upsampling);
    let detail = if windowed && window.len() <= 6 && window.contains('×') {
        format!("{} {window}", node.kind)
    } else {
        node.kind.clone()
    };
    Item {
        content: Drawn::Node(place),
        label: line.label.clone(),
        detail,
        shape: shape_text(node),
        family,
        gives: place,
        within: Vec::new(),
    }
}

fn shape_text(node: &NodeCost) -> String {
    node.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}

fn links(graph: &Graph, owner: &[usize]) -> BTreeMap<(usize, usize), Vec<[usize; 2]>> {
    let mut links: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for reader in 0..owner.len() {
        for giver in graph.inputs_of(reader) {
            if owner[giver] != owner[reader] {
                links.entry((owner[giver], owner[reader])).or_default().push([giver, reader]);
            }
        }
    }
    links
}
