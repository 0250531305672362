//! The sheet of all features: in which view, held against which class, and which of them are pinned.

use super::apply::Answer;
use super::job::Failure;
use super::pins::{Pin, PinnedMap};
use super::{JobKind, SelectedFeatures, Session};
use crate::analysis::{ClassSource, LabelMap, Prediction, class_plane};
use crate::imaging::Colormap;
use crate::inspect::{
    Clusters, Components, FeatureOrder, FeatureStatistics, clusters, components, correlations,
};
use crate::training::{TrainingError, read_labels};
use std::path::PathBuf;
use std::sync::Arc;

/// Groups are the same every time.
const SEED: u64 = 0;

/// What can be asked of the sheet.
#[derive(Debug, Clone, PartialEq)]
pub enum SheetCommand {
    Show(SheetView),
    /// Order the features by their correlation with a class.
    Correlate(Against),
    /// Keep a feature in sight, beside those of other nodes.
    Pin(String, usize),
    /// By its place among the pins.
    Unpin(usize),
    /// Bytes of feature maps that may be kept; `None`: by what is free.
    SetMemory(Option<u64>),
}

/// How a node's features are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SheetView {
    /// Side by side.
    #[default]
    Maps,
    /// The first three principal components as red, green and blue.
    Components,
    /// The places in so many groups.
    Clusters(usize),
}

/// The class that features are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Its probability.
    Prediction(usize),
    /// Where the label map has it.
    Labels(usize),
}

/// A label map that was read for an image.
#[derive(Debug, Clone)]
pub struct OpenedLabels {
    pub path: PathBuf,
    map: Arc<LabelMap>,
}

/// All features of a node in one picture.
#[derive(Debug, Clone, PartialEq)]
pub enum NodePicture {
    Components(Components),
    Clusters(Clusters),
}

/// What was made of one node of one result.
#[derive(Debug, Clone)]
struct Of<T> {
    result: u64,
    node: String,
    asked: T,
}

/// The sheet's own state.
#[derive(Debug, Clone)]
pub struct SheetState {
    pub view: SheetView,
    pub against: Option<Against>,
    pub labels: Option<OpenedLabels>,
    pub pins: Vec<Pin>,
    /// Small pictures of the chosen node, while its maps are computed again.
    pub preview: Option<SelectedFeatures>,
    /// Colours of nodes without and with values below 0.
    colormaps: [Colormap; 2],
    signed: bool,
    correlations: Option<(Of<Against>, Arc<Vec<f32>>)>,
    picture: Option<(Of<SheetView>, u64, Arc<NodePicture>)>,
    /// Nodes that were looked at, the last at the end.
    pub(super) looked_at: Vec<String>,
}

impl Default for SheetState {
    fn default() -> Self {
        Self {
            view: SheetView::default(),
            against: None,
            labels: None,
            pins: Vec::new(),
            preview: None,
            colormaps: [Colormap::Viridis, Colormap::Signed],
            signed: false,
            correlations: None,
            picture: None,
            looked_at: Vec::new(),
        }
    }
}

/// What the sheet's jobs answer.
pub(super) enum SheetAnswer {
    Labels(OpenedLabels, Against),
    Correlations(CorrelatedFeatures),
    Picture(Box<DrawnNode>),
    Pinned(Vec<PinnedMap>),
}

pub(super) struct CorrelatedFeatures {
    of: Of<Against>,
    values: Vec<f32>,
}

pub(super) struct DrawnNode {
    of: Of<SheetView>,
    picture: NodePicture,
}

impl Session {
    pub(super) fn apply_to_sheet(&mut self, command: SheetCommand) {
        match command {
            SheetCommand::Show(view) => {
                self.sheet.view = match view {
                    SheetView::Clusters(count) => SheetView::Clusters(count.clamp(2, Clusters::MOST)),
                    view => view,
                };
                self.request_picture();
            }
            SheetCommand::Correlate(against) => self.correlate(against),
            SheetCommand::Pin(node, feature) => self.pin(node, feature),
            SheetCommand::Unpin(place) => self.unpin(place),
            SheetCommand::SetMemory(bytes) => self.set_feature_memory(bytes),
        }
    }

    pub(super) fn take_sheet(&mut self, answer: SheetAnswer) {
        match answer {
            SheetAnswer::Labels(labels, against) => {
                self.sheet.labels = Some(labels);
                self.sheet.correlations = None;
                self.correlate(against);
            }
            SheetAnswer::Correlations(CorrelatedFeatures { of, values }) => {
                self.sheet.correlations = Some((of, Arc::new(values)));
                self.order_features();
            }
            SheetAnswer::Picture(drawn) => {
                let DrawnNode { of, picture } = *drawn;
                let key = self.new_key();
                self.sheet.picture = Some((of, key, Arc::new(picture)));
            }
            SheetAnswer::Pinned(maps) => self.take_pinned(maps),
        }
    }

    /// The correlations of the shown features with the chosen class, once they are there: one a feature, NaN for those that
    /// go with nothing.
    #[must_use]
    pub fn correlations_now(&self) -> Option<&Arc<Vec<f32>>> {
        let (of, values) = self.sheet.correlations.as_ref()?;
        (Some(of.asked) == self.sheet.against && self.is_of_shown(of)).then_some(values)
    }

    /// The picture of the shown node in the chosen view, once it is there, and its key.
    #[must_use]
    pub fn node_picture_now(&self) -> Option<(u64, &Arc<NodePicture>)> {
        let (of, key, picture) = self.sheet.picture.as_ref()?;
        (of.asked == self.sheet.view && self.is_of_shown(of)).then_some((*key, picture))
    }

    fn is_of_shown<T>(&self, of: &Of<T>) -> bool {
        let node = self.features.as_ref().map(|features| &features.maps.node);
        self.features_of == Some(of.result) && node == Some(&of.node)
    }

    /// New features are shown: what is shown of them all follows.
    pub(super) fn sheet_follows(&mut self) {
        let statistics =
            self.features.as_ref().or(self.sheet.preview.as_ref()).map(|shown| &shown.statistics);
        if let Some(statistics) = statistics {
            self.sheet.signed = has_negative(statistics);
            self.feature_colormap = self.sheet.colormaps[usize::from(self.sheet.signed)];
        }
        self.request_picture();
        if self.feature_order == FeatureOrder::Correlation {
            self.request_correlations();
        }
    }

    /// Nodes with values below 0 and those without keep their own colours.
    pub(super) fn set_feature_colormap(&mut self, colormap: Colormap) {
        self.feature_colormap = colormap;
        self.sheet.colormaps[usize::from(self.sheet.signed)] = colormap;
    }

    pub(super) fn set_feature_order(&mut self, order: FeatureOrder) {
        self.feature_order = order;
        self.order_features();
        if order == FeatureOrder::Correlation {
            self.request_correlations();
        }
    }

    fn correlate(&mut self, against: Against) {
        self.sheet.against = Some(against);
        self.set_feature_order(FeatureOrder::Correlation);
    }

    /// Without a class of its own the last one is taken: what is looked for, where the first is what is around it.
    fn request_correlations(&mut self) {
        let (Some(features), Some(result), Some(of)) = (&self.features, &self.result, self.features_of)
        else {
            return;
        };
        let Prediction::Segmentation(found) = &result.prediction else { return };
        let classes = found.classes.len();
        let against = self.sheet.against.unwrap_or(Against::Prediction(classes.saturating_sub(1)));
        self.sheet.against = Some(against);
        if self.correlations_now().is_some() {
            self.jobs.cancel(JobKind::Correlate);
            return;
        }
        let (maps, prediction) = (Arc::clone(&features.maps), result.prediction.clone());
        let size = [result.micrograph.height(), result.micrograph.width()];
        let rows = result.micrograph.specimen_rows().len();
        let labels = self.sheet.labels.as_ref().map(|labels| Arc::clone(&labels.map));
        self.jobs.start(JobKind::Correlate, move |monitor| {
            let (source, class) = match (against, &labels) {
                (Against::Prediction(class), _) => (ClassSource::Prediction(&prediction), class),
                (Against::Labels(class), Some(labels)) => (ClassSource::Labels(labels), class),
                (Against::Labels(_), None) => {
                    return Err(Failure::Message("Open a label map first".to_owned()));
                }
            };
            let plane = class_plane(source, class, size, rows)?;
            let values = correlations(&maps, plane.view(), monitor)?;
            let of = Of { result: of, node: maps.node.clone(), asked: against };
            Ok(Answer::Sheet(Box::new(SheetAnswer::Correlations(CorrelatedFeatures { of, values }))))
        });
    }

    pub(super) fn open_labels(&mut self, path: PathBuf) {
        let Some(model) = self.result.as_ref().map(|result| &result.model).or(self.model.as_ref()) else {
            return;
        };
        let (classes, scheme) = (model.card.classes.clone(), self.label_scheme());
        let class = match self.sheet.against {
            Some(Against::Prediction(class) | Against::Labels(class)) => class,
            None => model.card.classes.len().saturating_sub(1),
        };
        self.jobs.start(JobKind::Correlate, move |_| {
            let labels = read_labels(&path, scheme.as_deref(), &classes)?;
            let map = Arc::new(LabelMap(labels.mapv(u16::from)));
            let labels = OpenedLabels { path, map };
            Ok(Answer::Sheet(Box::new(SheetAnswer::Labels(labels, Against::Labels(class)))))
        });
    }

    /// Holds features against the prediction again.
    pub(super) fn forget_labels(&mut self) {
        self.sheet.labels = None;
        if let Some(Against::Labels(class)) = self.sheet.against {
            self.correlate(Against::Prediction(class));
        }
    }

    fn request_picture(&mut self) {
        let view = self.sheet.view;
        let (Some(features), Some(result)) = (&self.features, self.features_of) else { return };
        if view == SheetView::Maps {
            // A picture of a large node takes as much memory as three of its features.
            self.sheet.picture = None;
        }
        if view == SheetView::Maps || self.node_picture_now().is_some() {
            self.jobs.cancel(JobKind::NodePicture);
            return;
        }
        let maps = Arc::clone(&features.maps);
        self.jobs.start(JobKind::NodePicture, move |monitor| {
            let picture = match view {
                SheetView::Clusters(count) => NodePicture::Clusters(clusters(&maps, count, SEED, monitor)?),
                SheetView::Components | SheetView::Maps => {
                    NodePicture::Components(components(&maps, monitor)?)
                }
            };
            let of = Of { result, node: maps.node.clone(), asked: view };
            let drawn = Box::new(DrawnNode { of, picture });
            Ok(Answer::Sheet(Box::new(SheetAnswer::Picture(drawn))))
        });
    }
}

/// Whether a signed scale says more: something that lives goes below zero.
fn has_negative(statistics: &[FeatureStatistics]) -> bool {
    statistics.iter().any(|statistics| !statistics.dead && statistics.min < 0.0)
}

impl From<TrainingError> for Failure {
    fn from(error: TrainingError) -> Self {
        Self::Message(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{TinyModel, ready, texts};
    use super::*;
    use crate::inspect::ordered;

    fn send(session: &mut Session, command: SheetCommand) {
        session.apply(Command::Sheet(command));
    }

    #[test]
    fn features_are_ordered_by_how_they_go_with_a_class_also_of_the_next_node() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        assert!(session.correlations_now().is_none());
        session.apply(Command::SetFeatureOrder(FeatureOrder::Correlation));
        assert_eq!(session.sheet.against, Some(Against::Prediction(1)));
        for node in ["enc1.conv1", "head"] {
            session.apply(Command::SelectNode(node.into()));
            let found = session.correlations_now().unwrap().clone();
            let features = session.features.as_ref().unwrap();
            assert_eq!(found.len(), features.statistics.len());
            let expected = ordered(&features.statistics, Some(&found), FeatureOrder::Correlation, false);
            assert_eq!(*features.order, expected);
        }
        // Of two classes the second's logit rises with its probability, and the first's falls.
        let head = session.correlations_now().unwrap().clone();
        send(&mut session, SheetCommand::Correlate(Against::Prediction(0)));
        let other = session.correlations_now().unwrap().clone();
        assert!(head.iter().zip(other.iter()).all(|(a, b)| (a + b).abs() < 1e-4), "{head:?} {other:?}");
        assert_eq!(session.messages.len(), 1, "{:?}", texts(&session));
    }

    #[test]
    fn labels_of_a_person_are_held_against_the_features() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        session.apply(Command::SelectNode("input".into()));
        let mask = dir.path().join("mask.png");
        image::GrayImage::from_fn(10, 12, |x, y| image::Luma([u8::from(x * 20 + y * 7 > 120)]))
            .save(&mask)
            .unwrap();
        session.apply(Command::SetLabels(Some(mask)));
        assert_eq!(session.sheet.against, Some(Against::Labels(1)), "{:?}", texts(&session));
        let bright = session.correlations_now().unwrap()[0];
        assert!((0.5..1.0).contains(&bright), "the labels are where it is bright: {bright}");
        let wrong = dir.path().join("wrong.png");
        image::GrayImage::new(3, 3).save(&wrong).unwrap();
        session.apply(Command::SetLabels(Some(wrong)));
        assert!(session.correlations_now().is_none());
        assert!(
            texts(&session).last().unwrap().starts_with("The labels are 3 × 3 px"),
            "{:?}",
            texts(&session)
        );
    }

    #[test]
    fn a_node_is_one_picture_in_the_chosen_view() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        send(&mut session, SheetCommand::Show(SheetView::Components));
        session.apply(Command::Run);
        let (key, picture) = session.node_picture_now().unwrap();
        let NodePicture::Components(found) = picture.as_ref() else { panic!("no components") };
        assert_eq!(Some(&found.node), session.node.as_ref());
        session.apply(Command::SelectNode("enc1.conv1".into()));
        assert_ne!(session.node_picture_now().unwrap().0, key);
        send(&mut session, SheetCommand::Show(SheetView::Clusters(99)));
        assert_eq!(session.sheet.view, SheetView::Clusters(Clusters::MOST));
        let (_, picture) = session.node_picture_now().unwrap();
        assert!(matches!(picture.as_ref(), NodePicture::Clusters(found) if found.node == "enc1.conv1"));
        send(&mut session, SheetCommand::Show(SheetView::Maps));
        assert!(session.node_picture_now().is_none());
    }

    #[test]
    fn nodes_with_negative_values_have_signed_colours_until_others_are_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::Run);
        let mut look = |node: &str, colormap: Option<Colormap>| {
            session.apply(Command::SelectNode(node.into()));
            session.apply(colormap.map_or(Command::SelectNode(node.into()), Command::SetFeatureColormap));
            session.feature_colormap
        };
        assert_eq!(look("input", None), Colormap::Signed);
        assert_eq!(look("enc1.relu1", None), Colormap::Viridis);
        assert_eq!(look("enc1.relu1", Some(Colormap::Magma)), Colormap::Magma);
        assert_eq!([look("input", None), look("enc1.relu1", None)], [Colormap::Signed, Colormap::Magma]);
    }

    #[test]
    fn a_classifier_says_nothing_of_single_pixels() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        session.apply(Command::ChooseModel(TinyModel::classifier().save(dir.path(), "kind")));
        session.apply(Command::Run);
        session.apply(Command::SetFeatureOrder(FeatureOrder::Correlation));
        assert!(session.correlations_now().is_none() && session.sheet.against.is_none());
        assert_eq!(session.features.as_ref().unwrap().order.first(), Some(&0));
    }
}
