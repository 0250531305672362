//! Which lines the table shows: the outline with its groups folded or open, or what a search finds.
use crate::gui::sections::{Section, sections};
use crate::network::{Group, NodeCost, Outline, OutlineEntry};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Title(Section),
    /// Place in the outline: a node or a group.
    Outline(usize),
    /// A node that was searched for, by its whole name.
    Found(usize),
}

/// The outline of the nodes that are shown, what is folded, and the lines that follow; made anew only when one of them
/// changes.
#[derive(Default)]
pub(super) struct Lines {
    nodes: Option<Arc<Vec<NodeCost>>>,
    pub(super) outline: Outline,
    sections: Vec<Option<Section>>,
    folded: BTreeSet<String>,
    search: String,
    shown: Vec<Line>,
    /// Changes with the nodes and with what is folded.
    stamp: u64,
}

impl Lines {
    /// Follows the nodes and the search words. Another image keeps what is folded, another network does not.
    pub(super) fn follow(&mut self, nodes: &Arc<Vec<NodeCost>>, search: &str) {
        let same = self.nodes.as_ref().is_some_and(|before| Arc::ptr_eq(before, nodes));
        if same && self.search == search {
            return;
        }
        if !same {
            let same_names = self.nodes.as_ref().is_some_and(|before| {
                before.len() == nodes.len() && before.iter().zip(&**nodes).all(|(a, b)| a.name == b.name)
            });
            self.nodes = Some(Arc::clone(nodes));
            self.stamp += 1;
            self.sections = sections(nodes);
            // Its numbers are those of the image, whatever is folded.
            self.outline = Outline::of(nodes);
            if !same_names {
                self.folded = self.outline.folded_at_first(nodes.len());
            }
        }
        search.clone_into(&mut self.search);
        self.show();
    }

    pub(super) fn shown(&self) -> &[Line] {
        &self.shown
    }

    pub(super) fn stamp(&self) -> u64 {
        self.stamp
    }

    pub(super) fn is_folded(&self, group: &Group) -> bool {
        self.folded.contains(&group.prefix)
    }

    /// Prefixes of the groups that are folded.
    pub(super) fn folded(&self) -> &BTreeSet<String> {
        &self.folded
    }

    pub(super) fn has_groups(&self) -> bool {
        self.outline.groups().next().is_some()
    }

    /// Folds an open group, opens a folded one.
    pub(super) fn toggle(&mut self, prefix: &str) {
        if !self.folded.remove(prefix) {
            self.folded.insert(prefix.to_owned());
        }
        self.stamp += 1;
        self.show();
    }

    /// Folds all groups, or opens all when all are folded.
    pub(super) fn toggle_all(&mut self) {
        let all: BTreeSet<String> = self.outline.groups().map(|group| group.prefix.clone()).collect();
        self.folded = if self.folded == all { BTreeSet::new() } else { all };
        self.stamp += 1;
        self.show();
    }

    /// Opens the groups around a node, so that it has a line.
    pub(super) fn reveal(&mut self, node: &str) {
        let place = self.nodes.as_ref().and_then(|nodes| nodes.iter().position(|other| other.name == node));
        let Some(place) = place else { return };
        let around: Vec<String> =
            self.outline.groups_of(place).iter().map(|group| group.prefix.clone()).collect();
        // One after the other: all of them must open.
        let opened = around.iter().map(|prefix| self.folded.remove(prefix)).filter(|opened| *opened).count();
        if opened > 0 {
            self.stamp += 1;
            self.show();
        }
    }

    /// The line of a node.
    pub(super) fn place_of(&self, node: &str) -> Option<usize> {
        let nodes = self.nodes.as_ref()?;
        self.shown.iter().position(|line| match *line {
            Line::Title(_) => false,
            Line::Found(place) => nodes[place].name == node,
            Line::Outline(place) => match self.outline.lines.get(place).map(|line| &line.entry) {
                Some(OutlineEntry::Node(place)) => nodes[*place].name == node,
                _ => false,
            },
        })
    }

    pub(super) fn section_of(&self, node: usize) -> Option<Section> {
        self.sections.get(node).copied().flatten()
    }

    /// Makes the lines anew.
    fn show(&mut self) {
        let Some(nodes) = self.nodes.clone() else { return };
        self.shown.clear();
        let words = self.search.trim().to_lowercase();
        let mut section = None;
        if !words.is_empty() {
            let found = |node: &NodeCost| {
                node.name.to_lowercase().contains(&words) || node.kind.to_lowercase().contains(&words)
            };
            for place in (0..nodes.len()).filter(|place| found(&nodes[*place])) {
                self.title(place, &mut section);
                self.shown.push(Line::Found(place));
            }
            return;
        }
        let mut place = 0;
        while let Some(line) = self.outline.lines.get(place) {
            let (first, next) = match &line.entry {
                OutlineEntry::Node(node) => (*node, place + 1),
                OutlineEntry::Group(group) => {
                    let next = if self.is_folded(group) { group.end } else { place + 1 };
                    (self.first_node(place), next)
                }
            };
            if line.depth == 0 {
                self.title(first, &mut section);
            }
            self.shown.push(Line::Outline(place));
            place = next;
        }
    }

    /// A section's title before its first line.
    fn title(&mut self, node: usize, section: &mut Option<Section>) {
        let now = self.section_of(node);
        if now != *section {
            *section = now;
            self.shown.extend(now.map(Line::Title));
        }
    }

    /// The node that stands first in a group.
    pub(super) fn first_node(&self, place: usize) -> usize {
        let mut after = self.outline.lines.iter().skip(place);
        let node = after.find_map(|line| match line.entry {
            OutlineEntry::Node(node) => Some(node),
            OutlineEntry::Group(_) => None,
        });
        node.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, unet};
    use crate::network::describe;

    fn unet_nodes(depth: usize, size: usize) -> Arc<Vec<NodeCost>> {
        let spec = UnetSpec { in_channels: 1, classes: 2, base: 2, depth, batch_norm: true, upsample: None };
        Arc::new(describe(&unet(spec).unwrap(), [1, size, size]).unwrap())
    }

    #[test]
    fn a_large_network_opens_folded_and_a_chosen_node_is_revealed() {
        let nodes = unet_nodes(4, 64);
        let mut lines = Lines::default();
        lines.follow(&nodes, "");
        // input, four times level and pool, mid, four levels up, head, and three titles.
        assert_eq!(lines.shown().len(), 1 + 8 + 1 + 4 + 1 + 3);
        assert_eq!(lines.place_of("enc2.conv1"), None);
        lines.reveal("enc2.conv1");
        let place = lines.place_of("enc2.conv1").unwrap();
        assert_eq!(lines.shown().len(), 18 + 6);
        lines.follow(&unet_nodes(4, 128), "");
        assert_eq!(lines.place_of("enc2.conv1"), Some(place), "another image keeps what is open");
        lines.toggle("enc2");
        assert_eq!(lines.place_of("enc2.conv1"), None);
        lines.toggle_all();
        assert_eq!(lines.shown().len(), nodes.len() + 9 + 3, "all were folded, so all open");
        lines.toggle_all();
        assert_eq!(lines.shown().len(), 18);
    }

    #[test]
    fn a_small_network_opens_whole_and_a_search_looks_into_folded_groups() {
        let nodes = unet_nodes(1, 8);
        let mut lines = Lines::default();
        lines.follow(&nodes, "");
        assert!(lines.place_of("enc1.conv1").is_some() && lines.has_groups());
        lines.toggle_all();
        assert!(lines.place_of("enc1.conv1").is_none());
        lines.follow(&nodes, " Conv1 ");
        assert!(lines.place_of("enc1.conv1").is_some() && lines.place_of("enc1.bn1").is_none());
        lines.follow(&nodes, "");
        assert!(lines.place_of("enc1.conv1").is_none());
    }
}
