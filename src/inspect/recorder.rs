//! Keeps the feature maps that were asked for, within a memory budget, stitching tiles into whole planes.
use super::FeatureMaps;
use crate::network::Spent;
use ndarray::{Array3, ArrayView3, s};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which nodes to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Nothing,
    Nodes(Vec<String>),
    /// Every node that fits the budget, in graph order, `first` before all.
    All {
        first: Option<String>,
    },
}

/// A node as the whole image will fill it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedNode {
    pub name: String,
    /// `[channel, y, x]` over the whole image.
    pub shape: [usize; 3],
    /// Source pixels per feature pixel `[y, x]`.
    pub scale: [f64; 2],
    /// Where on the source the first feature pixel begins, `[y, x]`.
    pub origin: [f64; 2],
}

impl PlannedNode {
    /// Memory of its feature maps.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shape.iter().fold(4, |product, &n| product.saturating_mul(n as u64))
    }
}

/// Fills up during a run: [`Recorder::plan`] reserves, [`Recorder::put`] fills tile by tile, [`Recorder::finish`]
/// hands over.
///
/// ```
/// use ndarray::Array3;
/// use polepiece::inspect::{PlannedNode, Recorder, Wanted};
/// let mut recorder = Recorder::new(Wanted::All { first: None }, 1 << 20);
/// recorder.plan(&[PlannedNode { name: "conv".into(), shape: [1, 2, 4], scale: [1.0, 1.0], origin: [0.0; 2] }]);
/// assert!(recorder.wants("conv"));
/// recorder.put("conv", [0, 0], Array3::from_elem((1, 2, 2), 1.0).view());
/// recorder.put("conv", [0, 2], Array3::from_elem((1, 2, 2), 2.0).view());
/// assert_eq!(recorder.finish().maps["conv"].maps[[0, 1, 3]], 2.0);
/// ```
#[derive(Debug)]
pub struct Recorder {
    pub wanted: Wanted,
    pub budget_bytes: u64,
    maps: BTreeMap<String, FeatureMaps>,
    left_out: Vec<String>,
    spent: Spent,
}

/// What was kept.
#[derive(Debug, Clone, Default)]
pub struct Features {
    pub maps: BTreeMap<String, Arc<FeatureMaps>>,
    /// Nodes that did not fit the budget.
    pub left_out: Vec<String>,
    /// Time and memory of every node in this run. Values that are kept are computed each by itself.
    pub spent: Spent,
}

impl Recorder {
    /// `budget_bytes` limits all feature maps together.
    #[must_use]
    pub fn new(wanted: Wanted, budget_bytes: u64) -> Self {
        Self { wanted, budget_bytes, maps: BTreeMap::new(), left_out: Vec::new(), spent: Spent::default() }
    }

    /// A recorder that keeps nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new(Wanted::Nothing, 0)
    }

    /// Chooses among the run's nodes (in graph order) and reserves their memory, so that nothing is thrown away later.
    /// Forgets an earlier run. Names that the run does not have are ignored.
    pub fn plan(&mut self, nodes: &[PlannedNode]) {
        self.maps.clear();
        self.left_out.clear();
        self.spent = Spent::default();
        let named = |name: &String| nodes.iter().find(|node| node.name == *name);
        let candidates: Vec<&PlannedNode> = match &self.wanted {
            Wanted::Nothing => Vec::new(),
            Wanted::Nodes(names) => names.iter().filter_map(named).collect(),
            Wanted::All { first } => first.iter().filter_map(named).chain(nodes).collect(),
        };
        let mut free = self.budget_bytes;
        for node in candidates {
            if self.maps.contains_key(&node.name) || self.left_out.contains(&node.name) {
                continue;
            }
            if node.bytes() > free {
                self.left_out.push(node.name.clone());
                continue;
            }
            free -= node.bytes();
            let (scale, origin) = (node.scale, node.origin);
            let maps =
                FeatureMaps { node: node.name.clone(), maps: Array3::zeros(node.shape), scale, origin };
            self.maps.insert(node.name.clone(), maps);
        }
    }

    /// Whether this node is being kept.
    #[must_use]
    pub fn wants(&self, node: &str) -> bool {
        self.maps.contains_key(node)
    }

    /// Copies a part `[channel, y, x]` of a node's output to `at` `[y, x]` of its whole planes; what lies outside of
    /// them (padding) is dropped, and so is a node that is not wanted.
    pub fn put(&mut self, node: &str, at: [usize; 2], part: ArrayView3<'_, f32>) {
        let Some(FeatureMaps { maps: whole, .. }) = self.maps.get_mut(node) else { return };
        let (channels, height, width) = whole.dim();
        let channels = channels.min(part.dim().0);
        let rows = part.dim().1.min(height.saturating_sub(at[0]));
        let columns = part.dim().2.min(width.saturating_sub(at[1]));
        if rows == 0 || columns == 0 {
            return;
        }
        whole.slice_mut(s![..channels, at[0]..at[0] + rows, at[1]..at[1] + columns]).assign(&part.slice(s![
            ..channels,
            ..rows,
            ..columns
        ]));
    }

    /// Adds what a tile took.
    pub fn spend(&mut self, spent: &Spent) {
        self.spent.add(spent);
    }

    /// What was kept, and what did not fit.
    #[must_use]
    pub fn finish(self) -> Features {
        let maps = self.maps.into_iter().map(|(name, maps)| (name, Arc::new(maps))).collect();
        Features { maps, left_out: self.left_out, spent: self.spent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, array};

    /// Three nodes of 64, 32 and 16 bytes.
    fn nodes() -> Vec<PlannedNode> {
        [("a", [4, 2, 2]), ("b", [2, 2, 2]), ("c", [4, 1, 1])]
            .map(|(name, shape)| PlannedNode {
                name: name.into(),
                shape,
                scale: [1.0, 1.0],
                origin: [0.0; 2],
            })
            .to_vec()
    }

    fn kept(wanted: Wanted, budget: u64) -> (String, String) {
        let mut recorder = Recorder::new(wanted, budget);
        recorder.plan(&nodes());
        let features = recorder.finish();
        (features.maps.keys().cloned().collect(), features.left_out.concat())
    }

    #[test]
    fn the_budget_is_given_out_in_graph_order_after_the_first() {
        let all = |first: Option<&str>| Wanted::All { first: first.map(Into::into) };
        let named = |names: &[&str]| Wanted::Nodes(names.iter().map(ToString::to_string).collect());
        let cases = [
            (Wanted::Nothing, 1000, "", ""),
            (all(None), 1000, "abc", ""),
            (all(None), 96, "ab", "c"),
            (all(None), 95, "ac", "b"),
            (all(Some("b")), 63, "bc", "a"),
            (all(Some("nowhere")), 63, "bc", "a"),
            (named(&["c"]), 16, "c", ""),
            (named(&["c", "a", "c"]), 16, "c", "a"),
            (named(&["nowhere"]), 16, "", ""),
        ];
        for (wanted, budget, maps, left_out) in cases {
            assert_eq!(
                kept(wanted.clone(), budget),
                (maps.into(), left_out.into()),
                "{wanted:?} in {budget}"
            );
        }
    }

    #[test]
    fn parts_are_stitched_and_padding_is_dropped() {
        let mut recorder = Recorder::new(Wanted::Nodes(vec!["n".into()]), 1000);
        recorder.plan(&[PlannedNode {
            name: "n".into(),
            shape: [1, 2, 3],
            scale: [2.0, 2.0],
            origin: [0.0; 2],
        }]);
        let part =
            |start: f32| Array::linspace(start, start + 3.0, 4).into_shape_with_order((1, 2, 2)).unwrap();
        recorder.put("n", [0, 0], part(1.0).view());
        recorder.put("n", [0, 2], part(10.0).view());
        recorder.put("n", [2, 0], part(100.0).view());
        recorder.put("other", [0, 0], part(1000.0).view());
        let features = recorder.finish();
        assert_eq!(features.maps["n"].maps, array![[[1.0, 2.0, 10.0], [3.0, 4.0, 12.0]]]);
        assert_eq!(features.maps["n"].scale, [2.0, 2.0]);
    }

    #[test]
    fn a_second_plan_forgets_the_first() {
        let mut recorder = Recorder::new(Wanted::All { first: None }, 64);
        recorder.plan(&nodes());
        recorder.plan(&nodes()[2..]);
        let features = recorder.finish();
        assert_eq!(features.maps.into_keys().collect::<Vec<_>>(), ["c"]);
        assert!(features.left_out.is_empty());
    }
}
