//! Keeps the feature maps that were asked for, within a memory budget, stitching tiles into whole planes.
use super::FeatureMaps;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which nodes to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Nothing,
    Nodes(Vec<String>),
    /** every node that fits the budget, in graph order, `first` before all */
    All {
        first: Option<String>,
    },
}

/// Fills up during a run.
#[derive(Debug)]
pub struct Recorder {
    pub wanted: Wanted,
    pub budget_bytes: u64,
}

/// What was kept.
#[derive(Debug, Clone, Default)]
pub struct Features {
    pub maps: BTreeMap<String, Arc<FeatureMaps>>,
    /** nodes that did not fit the budget */
    pub left_out: Vec<String>,
}

impl Recorder {
    #[must_use]
    pub fn new(_wanted: Wanted, _budget_bytes: u64) -> Self {
        todo!()
    }
    /// A recorder that keeps nothing.
    #[must_use]
    pub fn nothing() -> Self {
        todo!()
    }
    #[must_use]
    pub fn finish(self) -> Features {
        todo!()
    }
}
