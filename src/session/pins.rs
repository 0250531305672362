//! Features that stay in sight whichever node is looked at.

use super::apply::Answer;
use super::job::Failure;
use super::sheet::SheetAnswer;
use super::{JobKind, RunResult, Session, Severity};
use crate::analysis::features_of;
use crate::inspect::{FeatureMaps, FeatureStatistics, statistics};
use crate::monitor::Monitor;
use candle_core::Device;
use ndarray::s;
use std::sync::Arc;

/// Features that may be pinned.
const MOST: usize = 12;

/// A pinned feature.
#[derive(Debug, Clone)]
pub struct Pin {
    pub node: String,
    pub feature: usize,
    /// Its map; the one of the run before stays until the new one is there.
    pub map: Option<PinnedMap>,
}

/// The map of a pinned feature.
#[derive(Debug, Clone)]
pub struct PinnedMap {
    /// Of the result that it belongs to.
    pub result: u64,
    /// One plane.
    pub maps: Arc<FeatureMaps>,
    pub statistics: FeatureStatistics,
    feature: usize,
}

impl PinnedMap {
    /// Copies a feature out of a node's maps.
    fn of(maps: &FeatureMaps, feature: usize, result: u64) -> Option<Self> {
        let (count, _, _) = maps.maps.dim();
        let plane = (feature < count).then(|| maps.maps.slice(s![feature..=feature, .., ..]).to_owned())?;
        let (node, scale, origin) = (maps.node.clone(), maps.scale, maps.origin);
        let maps = FeatureMaps { node, maps: plane, scale, origin };
        let statistics = statistics(&maps).pop()?;
        Some(Self { result, maps: Arc::new(maps), statistics, feature })
    }
}

impl Session {
    /// Whether a feature is pinned.
    #[must_use]
    pub fn is_pinned(&self, node: &str, feature: usize) -> bool {
        self.sheet.pins.iter().any(|pin| pin.node == node && pin.feature == feature)
    }

    pub(super) fn pin(&mut self, node: String, feature: usize) {
        let known = self.result.as_ref().is_some_and(|result| result.model.graph.node(&node).is_some());
        if !known || self.is_pinned(&node, feature) {
            return;
        }
        if self.sheet.pins.len() == MOST {
            self.say(Severity::Warning, format!("{MOST} features are pinned already; unpin one first"));
            return;
        }
        self.sheet.pins.push(Pin { node, feature, map: None });
        self.request_pins();
    }

    pub(super) fn unpin(&mut self, place: usize) {
        if place < self.sheet.pins.len() {
            self.sheet.pins.remove(place);
        }
    }

    /// Brings the maps that are missing or of a result before: out of what is kept, else by running the network again.
    /// Pins of nodes that the result's model does not have go.
    pub(super) fn request_pins(&mut self) {
        let Some(result) = self.result.clone() else { return };
        self.sheet.pins.retain(|pin| result.model.graph.node(&pin.node).is_some());
        let of_now = |pin: &&Pin| pin.map.as_ref().is_none_or(|map| map.result != result.key);
        let wanted: Vec<(String, usize)> =
            self.sheet.pins.iter().filter(of_now).map(|pin| (pin.node.clone(), pin.feature)).collect();
        if wanted.is_empty() {
            self.jobs.cancel(JobKind::Pins);
            return;
        }
        let shown = self.features.as_ref().filter(|_| self.features_of == Some(result.key));
        let shown = shown.map(|features| Arc::clone(&features.maps));
        let device = self.device.clone();
        self.jobs.start(JobKind::Pins, move |monitor| {
            let maps = pinned(&wanted, (&result, shown.as_deref()), &device, monitor)?;
            Ok(Answer::Sheet(Box::new(SheetAnswer::Pinned(maps))))
        });
    }

    pub(super) fn take_pinned(&mut self, maps: Vec<PinnedMap>) {
        for map in maps {
            let own = |pin: &&mut Pin| pin.node == map.maps.node && pin.feature == map.feature;
            if let Some(pin) = self.sheet.pins.iter_mut().find(own) {
                pin.map = Some(map);
            }
        }
        // What has none now is a feature that its node does not have.
        self.sheet.pins.retain(|pin| pin.map.is_some());
    }
}

/// The maps of some features; each node that is not kept is computed once.
fn pinned(
    wanted: &[(String, usize)],
    (result, shown): (&RunResult, Option<&FeatureMaps>),
    device: &Device,
    monitor: &Monitor,
) -> Result<Vec<PinnedMap>, Failure> {
    let mut nodes: Vec<&String> = wanted.iter().map(|(node, _)| node).collect();
    nodes.sort();
    nodes.dedup();
    let mut found = Vec::new();
    for (place, &node) in nodes.iter().enumerate() {
        let part = monitor.part(place, nodes.len());
        let kept = result.features.maps.get(node).map(AsRef::as_ref);
        let kept = kept.or(shown.filter(|shown| shown.node == *node));
        let computed = if kept.is_some() {
            None
        } else {
            let (model, settings) = (&result.model, &result.settings);
            Some(features_of(node, model, &result.micrograph, settings, device, &part)?)
        };
        let Some(maps) = kept.or(computed.as_ref()) else { continue };
        let own = wanted.iter().filter(|(other, _)| other == node);
        found.extend(own.filter_map(|(_, feature)| PinnedMap::of(maps, *feature, result.key)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TinyModel, grey_png, ready};
    use super::super::{Command, SheetCommand};
    use super::*;
    use crate::inspect::Features;

    #[test]
    fn pins_of_different_nodes_survive_a_new_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        let pin = |session: &mut Session, node: &str, feature| {
            session.apply(Command::Sheet(SheetCommand::Pin(node.into(), feature)));
        };
        pin(&mut session, "input", 0);
        assert!(session.sheet.pins.is_empty(), "there is nothing to pin before a run");
        session.apply(Command::Run);
        pin(&mut session, "enc1.conv1", 1);
        pin(&mut session, "input", 0);
        pin(&mut session, "input", 0);
        pin(&mut session, "nowhere", 0);
        assert_eq!(session.sheet.pins.len(), 2);
        session.apply(Command::SelectNode("enc1.conv1".into()));
        let whole = session.features.as_ref().unwrap().maps.clone();
        let map = session.sheet.pins[0].map.clone().unwrap();
        assert_eq!(map.maps.maps.index_axis(ndarray::Axis(0), 0), whole.maps.index_axis(ndarray::Axis(0), 1));
        assert_eq!(map.statistics, statistics(&whole)[1]);
        session.apply(Command::Open(vec![grey_png(dir.path(), "other.png", 6, 8)]));
        session.apply(Command::Run);
        let result = session.result.as_ref().unwrap().key;
        for pin in &session.sheet.pins {
            let map = pin.map.as_ref().unwrap();
            assert_eq!((map.result, map.maps.maps.dim()), (result, (1, 8, 6)), "{}", pin.node);
        }
        session.apply(Command::Sheet(SheetCommand::Unpin(0)));
        session.apply(Command::Sheet(SheetCommand::Unpin(7)));
        assert_eq!(session.sheet.pins[0].node, "input");
        assert!(session.is_pinned("input", 0) && !session.is_pinned("enc1.conv1", 1));
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "kind")));
        pin(&mut session, "enc1.conv1", 1);
        session.apply(Command::Run);
        assert_eq!(session.sheet.pins.len(), 1, "the classifier has an input, too");
    }

    #[test]
    fn a_pin_of_maps_that_are_not_kept_is_computed() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session.apply(Command::SelectNode("head".into()));
        session.result.as_mut().unwrap().features = Arc::new(Features::default());
        session.apply(Command::Sheet(SheetCommand::Pin("enc1.conv1".into(), 0)));
        assert!(session.sheet.pins[0].map.is_some());
        assert_eq!(session.features.as_ref().unwrap().maps.node, "head", "the chosen node stays");
    }
}
