//! How much memory feature maps may take, and which of them are kept.
//!
//! What is looked at is kept whole. Of the other nodes as many are kept as fit the budget, and of all larger ones small
//! pictures and exact statistics, which are shown at once while their maps are computed again.

use super::Session;
use crate::compute::available_memory;
use crate::inspect::FeatureMaps;
use std::cmp::Reverse;
use std::sync::Arc;

/// Most bytes of feature maps kept with a result, unless a person says otherwise: as many as 32 features of a 2048 × 2048
/// micrograph take.
const USUAL: u64 = 512 << 20;
/// The least and the most that can be chosen.
const RANGE: [u64; 2] = [64 << 20, 64 << 30];

impl Session {
    /// Bytes of feature maps that may be kept: what was chosen, else a quarter of what is free, at most 512 MiB.
    #[must_use]
    pub fn feature_memory(&self) -> u64 {
        let usual = || available_memory().map_or(USUAL, |free| USUAL.min(free / 4));
        self.preferences.feature_memory.unwrap_or_else(usual)
    }

    /// Bytes that may be kept for each of the panes that look closer at one node or one answer.
    pub(super) fn memory_beside(&self) -> u64 {
        self.feature_memory() / 4
    }

    /// What these panes keep now.
    fn bytes_beside(&self) -> u64 {
        self.attributing.kept_bytes() + self.robustness.kept_bytes()
    }

    /// Bytes that are kept now: whole feature maps and what panes keep beside them, and small pictures.
    #[must_use]
    pub fn kept_bytes(&self) -> [u64; 2] {
        let Some(result) = &self.result else { return [self.bytes_beside(), 0] };
        let shown =
            self.features.as_ref().filter(|shown| !result.features.maps.contains_key(&shown.maps.node));
        let pinned = self.sheet.pins.iter().filter_map(|pin| Some(pin.map.as_ref()?.maps.bytes()));
        let beside = shown.map_or(0, |shown| shown.maps.bytes()) + pinned.sum::<u64>();
        let whole = result.features.whole_bytes() + beside + self.bytes_beside();
        [whole, result.features.reduced_bytes()]
    }

    pub(super) fn set_feature_memory(&mut self, bytes: Option<u64>) {
        self.preferences.feature_memory = bytes.map(|bytes| bytes.clamp(RANGE[0], RANGE[1]));
        self.save_preferences();
        self.make_room(0);
        self.describe_nodes();
    }

    /// Keeps maps that were computed again, in place of others where they do not all fit.
    pub(super) fn keep(&mut self, maps: &Arc<FeatureMaps>) {
        self.sheet.looked_at.retain(|node| *node != maps.node);
        self.sheet.looked_at.push(maps.node.clone());
        let Some(result) = &mut self.result else { return };
        if result.features.maps.contains_key(&maps.node) {
            return;
        }
        self.make_room(maps.bytes());
        let Some(result) = &mut self.result else { return };
        Arc::make_mut(&mut result.features).maps.insert(maps.node.clone(), Arc::clone(maps));
    }

    /// Lets go of maps until `bytes` more fit the budget: nodes that nobody looked at before those looked at long ago, and
    /// large ones before small ones. The chosen node stays.
    pub(super) fn make_room(&mut self, bytes: u64) {
        let budget = self.feature_memory().saturating_sub(self.bytes_beside());
        let (looked_at, chosen) = (&self.sheet.looked_at, &self.node);
        let Some(result) = &mut self.result else { return };
        let taken = |whole: u64| whole.saturating_add(result.features.reduced_bytes()).saturating_add(bytes);
        let mut whole = result.features.whole_bytes();
        if taken(whole) <= budget {
            return;
        }
        let mut candidates: Vec<&Arc<FeatureMaps>> =
            result.features.maps.values().filter(|maps| Some(&maps.node) != chosen.as_ref()).collect();
        let last_look = |node: &String| looked_at.iter().position(|other| other == node);
        candidates.sort_by_key(|maps| (last_look(&maps.node), Reverse(maps.bytes())));
        let mut let_go = Vec::new();
        for maps in candidates {
            if taken(whole) <= budget {
                break;
            }
            whole -= maps.bytes();
            let_go.push(maps.node.clone());
        }
        let features = Arc::make_mut(&mut result.features);
        features.maps.retain(|node, _| !let_go.contains(node));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TinyModel, grey_png, ready, texts};
    use super::super::{Command, SheetCommand};
    use super::*;

    #[test]
    fn the_budget_is_what_was_chosen_within_bounds() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        assert!(session.feature_memory() <= USUAL);
        for (asked, got) in [(1, RANGE[0]), (100 << 20, 100 << 20), (u64::MAX, RANGE[1])] {
            session.apply(Command::Sheet(SheetCommand::SetMemory(Some(asked))));
            assert_eq!((session.feature_memory(), session.preferences.feature_memory), (got, Some(got)));
        }
        session.apply(Command::Sheet(SheetCommand::SetMemory(None)));
        assert_eq!(session.preferences.feature_memory, None);
    }

    #[test]
    fn what_does_not_fit_is_shown_small_and_computed_again_when_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Open(vec![grey_png(dir.path(), "large.png", 200, 150)]));
        session.apply(Command::ChooseModel(TinyModel::segmenter().save(dir.path(), "again")));
        // Two features of 150 × 200 px are 240 000 bytes; small pictures of all nodes come to about as much.
        session.preferences.feature_memory = Some(600_000);
        session.apply(Command::SelectNode("enc1.relu1".into()));
        session.apply(Command::Run);
        let kept = |session: &Session| session.result.as_ref().unwrap().features.clone();
        assert!(kept(&session).maps.contains_key("enc1.relu1"), "{:?}", texts(&session));
        assert!(
            !kept(&session).maps.contains_key("dec1.conv1")
                && kept(&session).reduced.contains_key("dec1.conv1")
        );
        let small = kept(&session).reduced["dec1.conv1"].clone();
        session.apply(Command::SelectNode("dec1.conv1".into()));
        let features = session.features.as_ref().unwrap();
        assert_eq!((features.maps.maps.dim(), session.sheet.preview.is_none()), ((2, 150, 200), true));
        for (whole, small) in features.statistics.iter().zip(&small.statistics) {
            assert_eq!((whole.min, whole.max, whole.dead), (small.min, small.max, small.dead));
            assert!((whole.mean - small.mean).abs() < 1e-5 && (whole.variance - small.variance).abs() < 1e-5);
        }
        assert!(kept(&session).maps.contains_key("dec1.conv1"), "what was computed again is kept");
        let [whole, reduced] = session.kept_bytes();
        assert!(whole + reduced <= 600_000, "{whole} and {reduced}");
        session.apply(Command::SelectNode("enc1.relu1".into()));
        assert_eq!(session.features.as_ref().unwrap().maps.maps.dim(), (2, 150, 200));
    }
}
