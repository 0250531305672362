//! Two at once: what two models, two nodes or two frames say of the same image, and how far apart that is.
mod masks;
mod values;

pub use values::{DifferenceMap, ValueAgreement};

use super::agreement::{ClassAgreement, partners};
use super::answer::AnswerView;
use super::{
    AnalysisError, ClassicalMask, MatchedBy, Method, Polarity, Prediction, RunSettings, classical_mask,
    features_of, memory, run,
};
use crate::imaging::Micrograph;
use crate::inspect::{FeatureMaps, Recorder};
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;
use ndarray::{ArrayView2, Axis};
use serde::Serialize;
use std::sync::Arc;

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sight {
    /// The model's answer.
    Answer,
    /// One feature map of a node.
    Feature { node: String, feature: usize },
    /// The mask of a classical method, which needs no model.
    Classical { method: Method, polarity: Polarity },
}

impl Sight {
    /// Whose it is in a few words: of this model, on that frame (counted from 0; `None` where there is but one).
    #[must_use]
    pub fn words(&self, model: &str, frame: Option<usize>) -> String {
        let what = match self {
            Self::Answer => model.to_owned(),
            Self::Feature { node, feature } => format!("{model}, {node} {feature}"),
            Self::Classical { method, polarity } => format!("{}, {}", method.name(), polarity.name()),
        };
        // As the window counts: from 1.
        frame.map_or(what.clone(), |frame| format!("{what}, frame {}", frame + 1))
    }
}

/// What a model was seen to say.
#[derive(Debug, Clone)]
pub enum Seen {
    Answer(Prediction),
    Feature(Arc<FeatureMaps>, usize),
    Classical(ClassicalMask),
}

/// How two sights of the same image differ.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Of probabilities (of the classes that both have), of a regressor's numbers, or of feature values.
    pub values: Option<ValueAgreement>,
    /// Of two segmenters; of a segmenter and a classical mask with all classes but the first as one.
    pub classes: Option<ClassAgreement>,
    /// Where they differ; `None` of answers about the image as a whole.
    #[serde(skip)]
    pub difference: Option<DifferenceMap>,
}

/// Runs a model on a frame and gives what is looked at.
///
/// # Errors
/// [`AnalysisError::Place`] for a feature that the node does not have, [`AnalysisError::Mismatch`] for a node that the
/// model does not have or a model that promises no answer, and those of running.
pub fn see(
    sight: &Sight,
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    device: &Device,
    monitor: &Monitor,
) -> Result<Seen, AnalysisError> {
    match sight {
        Sight::Answer => {
            let answer = run(model, micrograph, settings, device, &mut Recorder::nothing(), monitor)?;
            if let Prediction::Nothing = answer {
                let what = format!("{} promises no answer; compare its feature maps", model.card.name);
                return Err(AnalysisError::Mismatch(what));
            }
            Ok(Seen::Answer(answer))
        }
        Sight::Feature { node, feature } => {
            let maps = features_of(node, model, micrograph, settings, device, monitor)?;
            Seen::feature(Arc::new(maps), *feature)
        }
        Sight::Classical { method, polarity } => {
            Ok(Seen::Classical(classical_mask((*method, *polarity), (micrograph, settings), monitor)?))
        }
    }
}

impl Seen {
    /// One of a node's feature maps.
    ///
    /// # Errors
    /// [`AnalysisError::Place`] where there is no such feature.
    pub fn feature(maps: Arc<FeatureMaps>, feature: usize) -> Result<Self, AnalysisError> {
        let count = maps.maps.dim().0;
        if feature < count {
            return Ok(Self::Feature(maps, feature));
        }
        let last = count.saturating_sub(1);
        Err(AnalysisError::Place(format!("{} has no feature {feature}, only 0 to {last}", maps.node)))
    }
}

/// How far apart two sights of one image are. A is the first, B the second; differences are A − B.
///
/// # Errors
/// [`AnalysisError::Mismatch`] for sights that cannot be compared: an answer and a feature map, a classical mask and what
/// is no mask, a segmenter and a regressor, an answer about the image and one about its pixels, or models without a common class.
pub fn compare_sights([a, b]: [&Seen; 2]) -> Result<Comparison, AnalysisError> {
    match (a, b) {
        (Seen::Feature(a, of_a), Seen::Feature(b, of_b)) => {
            let difference = values::of_features([(a, *of_a), (b, *of_b)])?;
            Ok(Comparison { values: difference.1, classes: None, difference: Some(difference.0) })
        }
        (Seen::Answer(a), Seen::Answer(b)) => match (AnswerView::of(a), AnswerView::of(b)) {
            (Some(a), Some(b)) => answers(&a, &b),
            _ => mismatch("A model that promises no answer has none to compare"),
        },
        (Seen::Classical(_), _) | (_, Seen::Classical(_)) => masks::compare([a, b]),
        _ => mismatch(
            "An answer and a feature map are different things: compare two answers, or two feature maps",
        ),
    }
}

fn mismatch<T>(what: &str) -> Result<T, AnalysisError> {
    Err(AnalysisError::Mismatch(what.to_owned()))
}

fn answers(a: &AnswerView<'_>, b: &AnswerView<'_>) -> Result<Comparison, AnalysisError> {
    if a.probabilities != b.probabilities || a.labels.is_some() != b.labels.is_some() {
        return mismatch(
            "One model names classes and the other gives numbers: their answers cannot be compared",
        );
    }
    let ((_, height, width), (_, other_height, other_width)) = (a.values.dim(), b.values.dim());
    if [height, width] != [other_height, other_width] || a.per_image != b.per_image {
        return mismatch("One answer is of pixels and the other of the image, or of another size");
    }
    let (by, partners) = partners(a.classes, b.classes);
    if by == MatchedBy::Nothing {
        let names = |of: &AnswerView<'_>| {
            of.classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>().join(", ")
        };
        return mismatch(&format!(
            "The models have no class in common ({}; {}), and not equally many",
            names(a),
            names(b)
        ));
    }
    memory::check_free("The map of the difference", memory::f32_bytes([1, height, width]))?;
    let pairs: Vec<[ArrayView2<'_, f32>; 2]> = partners
        .iter()
        .enumerate()
        .filter_map(|(class, partner)| {
            Some([a.values.index_axis(Axis(0), class), b.values.index_axis(Axis(0), (*partner)?)])
        })
        .collect();
    let (map, values) = values::of_planes(&pairs);
    let classes = a.labels.zip(b.labels).map(|(in_a, in_b)| {
        ClassAgreement::of([a.classes, b.classes], in_a.iter().copied().zip(in_b.iter().copied()))
    });
    Ok(Comparison { values, classes, difference: (!a.per_image).then_some(map) })
}

#[cfg(test)]
mod tests;
