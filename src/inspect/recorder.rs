//! Keeps the feature maps that were asked for, within a memory budget, stitching tiles into whole planes; of those that do
//! not fit, small pictures and exact numbers on request.
use super::reduced::{Reducing, reduced_bytes, step_for};
use super::{FeatureMaps, ReducedMaps};
use crate::network::Spent;
use ndarray::{Array3, ArrayView3, s};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Longest side of a node's small pictures, in feature pixels; the first that fits the budget is taken.
const LONGEST: [usize; 4] = [64, 32, 16, 8];

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
    with_pictures: bool,
    maps: BTreeMap<String, FeatureMaps>,
    reducing: BTreeMap<String, Reducing>,
    left_out: Vec<String>,
    spent: Spent,
}

/// What was kept.
#[derive(Debug, Clone, Default)]
pub struct Features {
    pub maps: BTreeMap<String, Arc<FeatureMaps>>,
    /// Of wanted nodes with larger maps, whether they are kept or not, when small pictures were asked for.
    pub reduced: BTreeMap<String, Arc<ReducedMaps>>,
    /// Nodes whose maps did not fit the budget.
    pub left_out: Vec<String>,
    /// Time and memory of every node in this run. Values that are kept are computed each by itself.
    pub spent: Spent,
}

impl Features {
    /// Bytes of all maps that are kept whole.
    #[must_use]
    pub fn whole_bytes(&self) -> u64 {
        self.maps.values().map(|maps| maps.bytes()).sum()
    }

    /// Bytes of all small pictures.
    #[must_use]
    pub fn reduced_bytes(&self) -> u64 {
        self.reduced.values().map(|reduced| reduced.maps.bytes()).sum()
    }
}

impl Recorder {
    /// `budget_bytes` limits all feature maps together.
    #[must_use]
    pub fn new(wanted: Wanted, budget_bytes: u64) -> Self {
        let (maps, reducing, left_out) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let spent = Spent::default();
        Self { wanted, budget_bytes, with_pictures: false, maps, reducing, left_out, spent }
    }

    /// Also makes small pictures and statistics of every wanted node, within the same budget. The node that is wanted first
    /// is kept whole before them.
    #[must_use]
    pub fn with_pictures(self) -> Self {
        Self { with_pictures: true, ..self }
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
        self.reducing.clear();
        self.left_out.clear();
        self.spent = Spent::default();
        let named = |name: &String| nodes.iter().find(|node| node.name == *name);
        let mut candidates: Vec<&PlannedNode> = match &self.wanted {
            Wanted::Nothing => Vec::new(),
            Wanted::Nodes(names) => names.iter().filter_map(named).collect(),
            Wanted::All { first } => first.iter().filter_map(named).chain(nodes).collect(),
        };
        let mut seen = BTreeSet::new();
        candidates.retain(|node| seen.insert(&node.name));
        let mut free = self.budget_bytes;
        let mut rest = candidates.as_slice();
        if let (true, Some((first, others))) = (self.with_pictures, candidates.split_first()) {
            self.keep(first, &mut free);
            self.reduce(&candidates, &mut free);
            rest = others;
        }
        for node in rest {
            self.keep(node, &mut free);
        }
    }

    /// Keeps a node's maps if they fit.
    fn keep(&mut self, node: &PlannedNode, free: &mut u64) {
        if node.bytes() > *free {
            self.left_out.push(node.name.clone());
            return;
        }
        *free -= node.bytes();
        let (scale, origin) = (node.scale, node.origin);
        let maps = FeatureMaps { node: node.name.clone(), maps: Array3::zeros(node.shape), scale, origin };
        self.maps.insert(node.name.clone(), maps);
    }

    /// Makes small pictures of all nodes that are larger, at the largest size that fits.
    fn reduce(&mut self, nodes: &[&PlannedNode], free: &mut u64) {
        let larger = |node: &&&PlannedNode, longest| step_for(node.shape, longest) > 1;
        let size = |longest: usize| -> u64 {
            let large = nodes.iter().filter(|node| larger(node, longest));
            large.map(|node| reduced_bytes(node.shape, longest)).sum()
        };
        let Some(longest) = LONGEST.into_iter().find(|&longest| size(longest) <= *free) else { return };
        *free -= size(longest);
        for node in nodes.iter().filter(|node| larger(node, longest)) {
            self.reducing.insert(node.name.clone(), Reducing::new(node, longest));
        }
    }

    /// Whether this node is being kept, whole or as small pictures.
    #[must_use]
    pub fn wants(&self, node: &str) -> bool {
        self.maps.contains_key(node) || self.reducing.contains_key(node)
    }

    /// Copies a part `[channel, y, x]` of a node's output to `at` `[y, x]` of its whole planes; what lies outside of
    /// them (padding) is dropped, and so is a node that is not wanted.
    pub fn put(&mut self, node: &str, at: [usize; 2], part: ArrayView3<'_, f32>) {
        let (whole, reducing) = (self.maps.get_mut(node), self.reducing.get_mut(node));
        let shape = match (&whole, &reducing) {
            (Some(whole), _) => <[usize; 3]>::from(whole.maps.dim()),
            (None, Some(reducing)) => reducing.shape(),
            (None, None) => return,
        };
        let channels = shape[0].min(part.dim().0);
        let rows = part.dim().1.min(shape[1].saturating_sub(at[0]));
        let columns = part.dim().2.min(shape[2].saturating_sub(at[1]));
        if rows == 0 || columns == 0 {
            return;
        }
        let part = part.slice_move(s![..channels, ..rows, ..columns]);
        if let Some(FeatureMaps { maps: whole, .. }) = whole {
            whole.slice_mut(s![..channels, at[0]..at[0] + rows, at[1]..at[1] + columns]).assign(&part);
        }
        if let Some(reducing) = reducing {
            reducing.add(at, part);
        }
    }

    /// Adds what a tile took.
    pub fn spend(&mut self, spent: &Spent) {
        self.spent.add(spent);
    }

    /// What was kept, and what did not fit.
    #[must_use]
    pub fn finish(self) -> Features {
        let maps = self.maps.into_iter().map(|(name, maps)| (name, Arc::new(maps))).collect();
        let reduced = self.reducing.into_iter().map(|(name, node)| (name, Arc::new(node.finish()))).collect();
        Features { maps, reduced, left_out: self.left_out, spent: self.spent }
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

    #[test]
    fn large_nodes_leave_small_pictures_whether_they_are_kept_or_not() {
        let planned = |name: &str, side: usize| PlannedNode {
            name: name.into(),
            shape: [1, side, side],
            scale: [1.0, 1.0],
            origin: [0.0; 2],
        };
        let nodes = [planned("small", 64), planned("large", 128), planned("other", 130)];
        let run = |budget: u64| {
            let wanted = Wanted::All { first: Some("large".into()) };
            let mut recorder = Recorder::new(wanted, budget).with_pictures();
            recorder.plan(&nodes);
            for node in &nodes {
                let [_, height, width] = node.shape;
                let values = Array3::from_shape_fn((1, height, width), |(_, y, x)| (y * width + x) as f32);
                assert!(recorder.wants(&node.name));
                recorder.put(&node.name, [0, 0], values.view());
            }
            recorder.finish()
        };
        // The chosen one, 64 KiB, comes first; then pictures; then what is left.
        let pictures: u64 = reduced_bytes([1, 128, 128], 64) + reduced_bytes([1, 130, 130], 64);
        let found = run((64 << 10) + pictures + (16 << 10));
        assert_eq!(found.maps.keys().collect::<Vec<_>>(), ["large", "small"]);
        assert_eq!(found.reduced.keys().collect::<Vec<_>>(), ["large", "other"]);
        assert_eq!(found.left_out, ["other"]);
        assert_eq!(found.reduced["large"].maps.maps.dim(), (1, 64, 64));
        assert_eq!(found.reduced["other"].statistics[0].max, (130 * 130 - 1) as f32);
        assert_eq!(found.reduced["large"].maps.maps[[0, 0, 0]], (0.0 + 1.0 + 128.0 + 129.0) / 4.0);
        // Less memory: smaller pictures, and nothing whole.
        let found = run(14 << 10);
        assert_eq!((found.maps.len(), found.reduced["large"].maps.maps.dim()), (0, (1, 32, 32)));
        assert_eq!(found.reduced["small"].statistics[0].max, 4095.0);
    }
}
