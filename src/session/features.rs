//! Which node and which of its features are looked at.

use super::apply::Answer;
use super::{JobKind, SelectedFeatures, Session};
use crate::analysis::features_of;
use crate::inspect::{FeatureMaps, FeatureStatistics, ReducedMaps, ordered, statistics};
use crate::network::NodeCost;
use std::sync::Arc;

/// Values of kept maps up to which their statistics are quicker than a thread.
const AT_ONCE: usize = 1 << 20;

/// The feature maps of one node and their statistics.
pub(super) struct ComputedFeatures {
    pub(super) maps: Arc<FeatureMaps>,
    statistics: Vec<FeatureStatistics>,
    /// Key of the result they belong to.
    pub(super) result: u64,
}

impl ComputedFeatures {
    pub(super) fn of(maps: Arc<FeatureMaps>, result: u64) -> Self {
        Self { statistics: statistics(&maps), maps, result }
    }
}

impl Session {
    /// Looks at a node of the chosen model, or of the result's; its maps follow when there is a result.
    pub(super) fn select_node(&mut self, name: &str) {
        let in_result = self.result.as_ref().is_some_and(|result| result.model.graph.node(name).is_some());
        let in_model = self.model.as_ref().is_some_and(|model| model.graph.node(name).is_some());
        if !in_result && !in_model {
            return;
        }
        self.node = Some(name.to_owned());
        if in_result {
            self.request_features(name);
        }
    }

    /// One node later or earlier in the graph's order; stops at the ends.
    pub(super) fn step_node(&mut self, step: i32) {
        let Some(model) = self.model.as_ref().or(self.result.as_ref().map(|result| &result.model)) else {
            return;
        };
        let nodes = model.graph.nodes();
        let place = |name: &String| nodes.iter().position(|node| node.name == *name);
        let Some(last) = nodes.len().checked_sub(1) else { return };
        let to = match self.node.as_ref().and_then(place) {
            Some(place) => place.saturating_add_signed(step as isize).min(last),
            None if step < 0 => last,
            None => 0,
        };
        let name = nodes[to].name.clone();
        self.select_node(&name);
    }

    /// Brings the maps of a node of the result: those that were kept, else by running the network up to it again.
    pub(super) fn request_features(&mut self, name: &str) {
        let Some(result) = &self.result else { return };
        let key = result.key;
        let shown = self.features.as_ref().is_some_and(|features| features.maps.node == name);
        if shown && self.features_of == Some(key) {
            self.jobs.cancel(JobKind::Features);
            return;
        }
        let coming = self.sheet.preview.as_ref().is_some_and(|preview| preview.maps.node == name);
        if coming && self.is_busy(JobKind::Features) {
            return;
        }
        let kept = result.features.maps.get(name).map(Arc::clone);
        if kept.is_some() {
            self.sheet.preview = None;
        } else {
            self.preview(name);
        }
        match kept {
            Some(maps) if maps.maps.len() <= AT_ONCE => {
                self.jobs.cancel(JobKind::Features);
                self.take_features(ComputedFeatures::of(maps, key));
            }
            Some(maps) => self
                .jobs
                .start(JobKind::Features, move |_| Ok(Answer::Features(ComputedFeatures::of(maps, key)))),
            None => {
                let Some(result) = &self.result else { return };
                let (result, device, name) = (result.clone(), self.device.clone(), name.to_owned());
                self.jobs.start(JobKind::Features, move |monitor| {
                    let (model, settings) = (&result.model, &result.settings);
                    let maps = features_of(&name, model, &result.micrograph, settings, &device, monitor)?;
                    Ok(Answer::Features(ComputedFeatures::of(Arc::new(maps), key)))
                });
            }
        }
    }

    pub(super) fn take_features(&mut self, computed: ComputedFeatures) {
        let ComputedFeatures { maps, statistics, result } = computed;
        if self.result.as_ref().map(|result| result.key) != Some(result) {
            return;
        }
        let same_node = self.features.as_ref().is_some_and(|before| before.maps.node == maps.node);
        self.sheet.preview = None;
        let there = |feature: &usize| *feature < statistics.len();
        self.feature = self.feature.filter(|feature| same_node && there(feature));
        self.features_of = Some(result);
        self.keep(&maps);
        let key = self.new_key();
        let statistics = Arc::new(statistics);
        self.features = Some(SelectedFeatures { key, maps, statistics, order: Arc::default() });
        self.order_features();
        let first = self.features.as_ref().and_then(|features| features.order.first().copied());
        self.feature = self.feature.or(first);
        self.sheet_follows();
    }

    /// While a node's maps are computed again, its small pictures are shown; the maps of the node before are let go where
    /// both would go beyond the budget.
    fn preview(&mut self, name: &str) {
        let result = self.result.as_ref();
        let Some(reduced) = result.and_then(|result| result.features.reduced.get(name)).cloned() else {
            return;
        };
        let ReducedMaps { maps, shape, statistics } = reduced.as_ref();
        if self.sheet.preview.as_ref().is_none_or(|before| before.maps.node != maps.node) {
            let same_node = self.features.as_ref().is_some_and(|before| before.maps.node == maps.node);
            self.feature = self.feature.filter(|_| same_node);
        }
        (self.features, self.features_of) = (None, None);
        self.make_room(shape.iter().fold(4, |product, &n| product.saturating_mul(n as u64)));
        let order = ordered(statistics, None, self.feature_order, self.hide_dead);
        let (maps, statistics) = (Arc::new(maps.clone()), Arc::new(statistics.clone()));
        let key = self.new_key();
        self.sheet.preview = Some(SelectedFeatures { key, maps, statistics, order: Arc::new(order) });
        self.sheet_follows();
    }

    pub(super) fn select_feature(&mut self, feature: Option<usize>) {
        let count = self.features.as_ref().map_or(0, |features| features.statistics.len());
        if feature.is_none_or(|feature| feature < count) {
            self.feature = feature;
        }
    }

    /// Orders the features anew; a picture of all of them has to be made again, so they get a new key.
    pub(super) fn order_features(&mut self) {
        let key = self.new_key();
        let (by, hide_dead) = (self.feature_order, self.hide_dead);
        let correlations = self.correlations_now().cloned();
        if let Some(features) = &mut self.features {
            let correlations = correlations.as_ref().map(|all| all.as_slice());
            features.order = Arc::new(ordered(&features.statistics, correlations, by, hide_dead));
            features.key = key;
        } else if let Some(features) = &mut self.sheet.preview {
            features.order = Arc::new(ordered(&features.statistics, None, by, hide_dead));
            features.key = key;
        }
    }
}

/// The node worth looking at first: the last one with more maps than classes, which is where a decoder has put
/// together what it found; else the last that still is an image, before the output.
pub(super) fn default_node(nodes: &[NodeCost]) -> Option<String> {
    let (output, inner) = nodes.split_last()?;
    let classes = output.shape.first().copied().unwrap_or(0);
    let is_image = |node: &&NodeCost| matches!(node.shape[..], [_, y, x] if y * x > 1);
    let wide = inner.iter().rev().filter(is_image).find(|node| node.shape[0] > classes);
    let node = wide.or_else(|| inner.iter().rev().find(is_image)).unwrap_or(output);
    Some(node.name.clone())
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{ready, texts};
    use super::*;
    use crate::inspect::{FeatureOrder, Features};

    fn node(name: &str, shape: &[usize]) -> NodeCost {
        NodeCost {
            name: name.to_owned(),
            kind: String::new(),
            attributes: String::new(),
            shape: shape.to_vec(),
            parameters: 0,
            multiply_adds: 0,
            activation_bytes: 0,
            receptive_field: None,
        }
    }

    #[test]
    fn the_first_look_is_at_the_end_of_the_decoder() {
        let unet = [node("input", &[1, 8, 8]), node("dec1.relu2", &[16, 8, 8]), node("head", &[3, 8, 8])];
        assert_eq!(default_node(&unet).as_deref(), Some("dec1.relu2"));
        let thin = [node("input", &[1, 8, 8]), node("relu", &[2, 8, 8]), node("head", &[2, 8, 8])];
        assert_eq!(default_node(&thin).as_deref(), Some("relu"));
        let lenet =
            [node("relu2", &[16, 5, 5]), node("gap", &[16, 1, 1]), node("flat", &[16]), node("fc", &[4])];
        assert_eq!(default_node(&lenet).as_deref(), Some("relu2"));
        assert_eq!(default_node(&[node("fc", &[4])]).as_deref(), Some("fc"));
        assert_eq!(default_node(&[]), None);
    }

    #[test]
    fn any_node_shows_its_maps_and_steps_stop_at_the_ends() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        let names: Vec<_> = session.nodes.as_ref().unwrap().iter().map(|node| node.name.clone()).collect();
        for name in &names {
            session.apply(Command::SelectNode(name.clone()));
            let features = session.features.as_ref().unwrap();
            assert_eq!(&features.maps.node, name);
            assert_eq!(features.statistics.len(), features.maps.maps.dim().0);
        }
        session.apply(Command::StepNode(1));
        assert_eq!(session.node.as_ref(), names.last());
        session.apply(Command::StepNode(-1));
        assert_eq!(session.node.as_ref(), names.get(names.len() - 2));
        session.apply(Command::StepNode(i32::MIN));
        assert_eq!(session.node.as_ref(), names.first());
        session.apply(Command::SelectNode("no such node".into()));
        assert_eq!(session.node.as_ref(), names.first());
        assert!(session.messages.len() <= 1, "{:?}", texts(&session));
    }

    #[test]
    fn maps_that_were_not_kept_are_computed_again_with_the_same_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session.apply(Command::SelectNode("enc1.conv1".into()));
        let kept = session.features.as_ref().unwrap().maps.clone();
        session.apply(Command::SelectNode("head".into()));
        session.result.as_mut().unwrap().features = Arc::new(Features::default());
        session.apply(Command::SelectNode("enc1.conv1".into()));
        let again = session.features.as_ref().unwrap().maps.clone();
        assert!(!Arc::ptr_eq(&kept, &again));
        assert_eq!(kept, again);
    }

    #[test]
    fn the_order_changes_and_the_feature_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session.apply(Command::SelectFeature(Some(1)));
        let before = session.features.clone().unwrap();
        session.apply(Command::SetFeatureOrder(FeatureOrder::Variance));
        let after = session.features.clone().unwrap();
        assert_ne!(before.key, after.key);
        assert_eq!(*after.order, ordered(&after.statistics, None, FeatureOrder::Variance, false));
        session.apply(Command::SelectFeature(Some(99)));
        assert_eq!(session.feature, Some(1));
        session.apply(Command::Run);
        assert_eq!(session.feature, Some(1), "the same node keeps its feature");
        session.apply(Command::SelectFeature(None));
        assert_eq!(session.feature, None);
    }

    #[test]
    fn maps_of_an_older_result_are_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        let shown = session.features.clone().unwrap();
        session.take_features(ComputedFeatures::of(shown.maps.clone(), 0));
        assert_eq!(session.features.unwrap().key, shown.key);
    }
}
