//! What the drawing shows now: its layout, kept until nodes or folds change, and what a search finds of it.
use super::lines::Lines;
use crate::network::{Drawing, Drawn, Graph, NodeCost};

/// A layout and what it was made for.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) drawing: Drawing,
    /// For each box whether the search found it, or something in it; all while nothing is searched.
    pub(super) found: Vec<bool>,
    made_for: Option<u64>,
    search: String,
    /// Changes with the layout's size, so that the view can follow.
    pub(super) stamp: u64,
}

impl Plan {
    /// Follows the lines of the table: both fold alike. True when the layout has changed.
    pub(super) fn follow(&mut self, graph: &Graph, nodes: &[NodeCost], lines: &Lines, search: &str) -> bool {
        let stale = self.made_for != Some(lines.stamp());
        if stale {
            let folded = |group: &_| lines.is_folded(group);
            self.drawing = Drawing::of_outline(graph, nodes, &lines.outline, &folded);
            self.made_for = Some(lines.stamp());
            self.stamp += 1;
        }
        if stale || self.search != search {
            search.clone_into(&mut self.search);
            self.found = found(&self.drawing, nodes, search);
        }
        stale
    }

    /// The box that a node is or is in.
    pub(super) fn box_of(&self, nodes: &[NodeCost], name: Option<&str>) -> Option<usize> {
        let place = nodes.iter().position(|node| Some(node.name.as_str()) == name)?;
        self.drawing.box_of(place)
    }
}

/// Whether a node answers to words in lower case.
pub(super) fn matches(node: &NodeCost, words: &str) -> bool {
    node.name.to_lowercase().contains(words) || node.kind.to_lowercase().contains(words)
}

fn found(drawing: &Drawing, nodes: &[NodeCost], search: &str) -> Vec<bool> {
    let words = search.trim().to_lowercase();
    let mut found = vec![words.is_empty(); drawing.boxes.len()];
    if words.is_empty() {
        return found;
    }
    for (place, _) in nodes.iter().enumerate().filter(|(_, node)| matches(node, &words)) {
        if let Some(one) = drawing.box_of(place).and_then(|one| found.get_mut(one)) {
            *one = true;
        }
    }
    found
}

/// The node whose value a box gives.
pub(super) fn node_of(content: &Drawn) -> usize {
    match content {
        Drawn::Node(node) => *node,
        Drawn::Group(group) => group.last,
    }
}

/// The next node that a search finds after the chosen one, beginning again at the end.
pub(super) fn next_match<'a>(nodes: &'a [NodeCost], chosen: Option<&str>, search: &str) -> Option<&'a str> {
    let words = search.trim().to_lowercase();
    if words.is_empty() {
        return None;
    }
    let after = nodes.iter().position(|node| Some(node.name.as_str()) == chosen).map_or(0, |place| place + 1);
    let (before, behind) = nodes.split_at(after);
    let mut in_turn = behind.iter().chain(before);
    in_turn.find(|node| matches(node, &words)).map(|node| node.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, unet};
    use crate::network::describe;
    use std::sync::Arc;

    #[test]
    fn the_layout_is_made_again_only_when_something_folds_and_a_search_looks_into_folds() {
        let spec =
            UnetSpec { in_channels: 1, classes: 2, base: 2, depth: 1, batch_norm: true, upsample: None };
        let graph = unet(spec).unwrap();
        let nodes = Arc::new(describe(&graph, [1, 16, 16]).unwrap());
        let (mut lines, mut plan) = (Lines::default(), Plan::default());
        lines.follow(&nodes, "");
        assert!(plan.follow(&graph, &nodes, &lines, ""));
        assert!(!plan.follow(&graph, &nodes, &lines, "Conv2 "));
        assert_eq!(plan.found.iter().filter(|found| **found).count(), 3);
        lines.toggle("enc1");
        assert!(plan.follow(&graph, &nodes, &lines, "conv2"));
        let folded = plan.box_of(&nodes, Some("enc1.bn1")).unwrap();
        assert!(plan.found[folded], "conv2 is in it");
        assert_eq!(node_of(&plan.drawing.boxes[folded].content), graph.index_of("enc1.relu2").unwrap());
    }

    #[test]
    fn matches_come_in_turn_and_begin_again() {
        let graph = crate::network::architectures::lenet(1, 10, 6, Some([28, 28])).unwrap();
        let nodes = describe(&graph, [1, 28, 28]).unwrap();
        assert_eq!(next_match(&nodes, None, " CONV"), Some("conv1"));
        assert_eq!(next_match(&nodes, Some("conv1"), "conv"), Some("conv2"));
        let last = nodes.iter().rev().find(|node| node.kind == "Conv2d").unwrap();
        assert_eq!(next_match(&nodes, Some(&last.name), "conv"), Some("conv1"));
        assert_eq!(next_match(&nodes, None, "nothing"), None);
        assert_eq!(next_match(&nodes, None, " "), None);
    }
}
