//! What the drawing shows now: its layout, kept until nodes or folds change, and what a search finds of it.
use super::lines::Lines;
use crate::network::{Drawing, Drawn, Graph, NodeCost};
use crate::session::{LaidOut, LayOut};
use std::sync::Arc;

/// Lines of the table whose drawing is laid out within a frame: hundreds of boxes take tens of milliseconds.
const AT_ONCE: usize = 120;

/// A layout and what it was made for.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) drawing: Arc<Drawing>,
    /// For each box whether the search found it, or something in it; all while nothing is searched.
    pub(super) found: Vec<bool>,
    made_for: Option<u64>,
    /// The layout that was asked for and is not there yet; until then the one before stays.
    asked: Option<u64>,
    search: String,
    /// Changes with the layout's size, so that the view can follow.
    pub(super) stamp: u64,
}

impl Plan {
    /// Follows the lines of the table: both fold alike. A small layout is made at once; a large one is taken from
    /// `laid_out` where it is there, else given back as what is to be asked for.
    pub(super) fn follow(
        &mut self,
        (graph, nodes): (&Graph, &[NodeCost]),
        (lines, search): (&Lines, &str),
        laid_out: Option<&LaidOut>,
    ) -> Option<LayOut> {
        let stamp = lines.stamp();
        let mut wanted = None;
        let stale = self.made_for != Some(stamp);
        let mut changed = false;
        if stale && lines.shown().len() <= AT_ONCE {
            let folded = |group: &_| lines.is_folded(group);
            let drawing = Drawing::of_outline(graph, nodes, &lines.outline, &folded);
            (self.drawing, changed) = (Arc::new(drawing), true);
        } else if let Some(laid_out) = laid_out.filter(|laid_out| stale && laid_out.answers(stamp, nodes)) {
            (self.drawing, changed) = (Arc::clone(&laid_out.drawing), true);
        } else if stale && self.asked != Some(stamp) {
            self.asked = Some(stamp);
            wanted = Some(LayOut { stamp, folded: lines.folded().clone() });
        }
        if changed {
            (self.made_for, self.asked) = (Some(stamp), None);
            self.stamp += 1;
        }
        if changed || self.search != search {
            search.clone_into(&mut self.search);
            self.found = found(&self.drawing, nodes, search);
        }
        wanted
    }

    /// Whether a layout is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Another network: nothing of the drawing before is true of it.
    pub(super) fn forget(&mut self) {
        *self = Self { stamp: self.stamp + 1, ..Self::default() };
    }

    /// The box that a node is or is in.
    pub(super) fn box_of(&self, nodes: &[NodeCost], name: Option<&str>) -> Option<usize> {
        let place = nodes.iter().position(|node| Some(node.name.as_str()) == name)?;
        self.drawing.box_of(place)
    }
}

impl Plan {
    /// The group that a double click on a box folds or opens: its own, or the innermost around it.
    pub(super) fn group_of(&self, nodes: &[NodeCost], content: &Drawn) -> Option<String> {
        let node = match content {
            Drawn::Group(group) => return Some(group.prefix.clone()),
            Drawn::Node(node) => nodes.get(*node)?,
        };
        let around = self.drawing.frames.iter().filter(|frame| {
            node.name.strip_prefix(frame.prefix.as_str()).is_some_and(|rest| rest.starts_with('.'))
        });
        around.max_by_key(|frame| frame.depth).map(|frame| frame.prefix.clone())
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
        let mut stamps = Vec::new();
        for search in ["", "ReLU2 "] {
            assert!(plan.follow((&graph, &nodes), (&lines, search), None).is_none());
            stamps.push(plan.stamp);
        }
        assert_eq!(stamps, [1, 1]);
        assert_eq!(plan.found.iter().filter(|found| **found).count(), 3);
        lines.toggle("enc1");
        assert!(plan.follow((&graph, &nodes), (&lines, "relu2"), None).is_none());
        assert_eq!(plan.stamp, 2);
        let folded = plan.box_of(&nodes, Some("enc1.bn1")).unwrap();
        assert!(plan.found[folded], "relu2 is in it");
        assert_eq!(node_of(&plan.drawing.boxes[folded].content), graph.index_of("enc1.relu2").unwrap());
    }

    #[test]
    fn a_large_layout_is_asked_for_once_and_the_one_before_stays() {
        use crate::network::architectures::{Architecture, build};
        let graph = build(&Architecture::Densenet121.defaults()).unwrap();
        let nodes = Arc::new(describe(&graph, [graph.input_channels(), 64, 64]).unwrap());
        let (mut lines, mut plan) = (Lines::default(), Plan::default());
        lines.follow(&nodes, "");
        for _ in 0..2 {
            if lines.shown().len() <= AT_ONCE {
                lines.toggle_all();
            }
        }
        assert!(lines.shown().len() > AT_ONCE, "{}", lines.shown().len());
        let wanted = plan.follow((&graph, &nodes), (&lines, ""), None).expect("a question");
        assert_eq!((wanted.stamp, plan.is_waiting()), (lines.stamp(), true));
        assert!(plan.follow((&graph, &nodes), (&lines, ""), None).is_none(), "once");
        assert!(plan.drawing.boxes.is_empty());
        // A small network after it is there at once.
        let small = crate::network::architectures::lenet(1, 10, 6, Some([28, 28])).unwrap();
        let nodes = Arc::new(describe(&small, [1, 28, 28]).unwrap());
        plan.forget();
        lines.follow(&nodes, "");
        assert!(plan.follow((&small, &nodes), (&lines, ""), None).is_none());
        assert!(!plan.is_waiting() && !plan.drawing.boxes.is_empty());
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
