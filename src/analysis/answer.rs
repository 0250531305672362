//! A prediction as planes of numbers, whatever its kind, for comparing two of them.
use super::{Numbers, Prediction};
use crate::network::ClassInfo;
use ndarray::{ArrayView2, ArrayView3, s};

/// Probabilities or a regressor's numbers, `[class or output, y, x]`, of the specimen alone; those of an image are
/// planes of one pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnswerView<'a> {
    pub(super) values: ArrayView3<'a, f32>,
    /// Classes or outputs.
    pub(super) classes: &'a [ClassInfo],
    /// Of a segmenter.
    pub(super) labels: Option<ArrayView2<'a, u16>>,
    /// Whether the numbers are probabilities.
    pub(super) probabilities: bool,
    /// Whether it is of the image as a whole.
    pub(super) per_image: bool,
}

impl<'a> AnswerView<'a> {
    /// `None` of a model that promises no answer.
    pub(super) fn of(prediction: &'a Prediction) -> Option<Self> {
        let of_image = |values: &'a [f32], classes: &'a [ClassInfo], probabilities| {
            let values = ArrayView3::from_shape((values.len(), 1, 1), values).ok()?;
            Some(Self { values, classes, labels: None, probabilities, per_image: true })
        };
        match prediction {
            Prediction::Segmentation(found) => {
                let rows = found.specimen_rows.min(found.labels.height());
                Some(Self {
                    values: found.probabilities.slice(s![.., ..rows, ..]),
                    classes: &found.classes,
                    labels: Some(found.labels.0.slice(s![..rows, ..])),
                    probabilities: true,
                    per_image: false,
                })
            }
            Prediction::Classification(found) => of_image(&found.probabilities, &found.classes, true),
            Prediction::Regression(found) => match &found.numbers {
                Numbers::Image(values) => of_image(values, &found.outputs, false),
                Numbers::Maps(maps) => Some(Self {
                    values: maps.slice(s![.., ..found.specimen_rows.min(maps.dim().1), ..]),
                    classes: &found.outputs,
                    labels: None,
                    probabilities: false,
                    per_image: false,
                }),
            },
            Prediction::Nothing => None,
        }
    }
}
