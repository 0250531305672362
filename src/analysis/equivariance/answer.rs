//! What became of the answer.
use super::Between;
use crate::analysis::agreement::ClassAgreement;
use crate::analysis::answer::AnswerView;
use crate::analysis::movement::{Grid, Path, between, clamped};
use crate::analysis::{AnalysisError, Prediction, memory};
use crate::network::{ClassInfo, ReceptiveField};
use ndarray::{Array2, Axis};
use serde::Serialize;

/// A label where nothing is known: no class has it.
const UNKNOWN: u16 = u16::MAX;

/// The answer to the image and the one to the moved image, moved back.
#[derive(Debug, Clone, Serialize)]
pub struct AnswerChange {
    /// Names of the classes or outputs.
    pub classes: Vec<String>,
    /// Whether the numbers are probabilities; else they are a regressor's, in its units.
    pub probabilities: bool,
    /// Of all pixels that are in both images.
    pub whole: ChangeNumbers,
    /// Of those whose receptive field lies within the specimen in both; `None` where there are none.
    pub interior: Option<ChangeNumbers>,
    /// Of an answer about the image as a whole: before and after, one a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_image: Option<[Vec<f32>; 2]>,
    /// At each pixel of the input the largest change of any class, `[y, x]`; NaN where only one image shows it.
    #[serde(skip)]
    pub change: Array2<f32>,
    /// Class of each pixel before, and after moved back (`u16::MAX` where the moved image does not show it).
    #[serde(skip)]
    pub labels: Option<[Array2<u16>; 2]>,
    #[serde(skip)]
    pub colours: Vec<ClassInfo>,
}

/// How much an answer changed, over some pixels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeNumbers {
    pub pixels: u64,
    /// The largest change of any class anywhere, and where, `[y, x]`.
    pub largest: f32,
    pub at: [usize; 2],
    /// Mean over the pixels of the largest change of any class.
    pub mean: f64,
    /// Of a segmenter: the label maps, the image's in rows, the moved one's in columns.
    pub classes: Option<ClassAgreement>,
}

impl AnswerChange {
    pub(super) fn between(
        [still, moved]: &[Prediction; 2],
        field: Option<ReceptiveField>,
        pair: &Between,
    ) -> Result<Option<Self>, AnalysisError> {
        let (Some(still), Some(moved)) = (AnswerView::of(still), AnswerView::of(moved)) else {
            return Ok(None);
        };
        let (_, height, width) = still.values.dim();
        memory::check_free("The map of the change", memory::f32_bytes([2, height, width]))?;
        let path = Path::between(pair.there, Grid::PIXELS, Grid::PIXELS);
        let mut change = Array2::from_elem((height, width), f32::NAN);
        let mut inner = Array2::from_elem((height, width), false);
        let mut labels =
            still.labels.map(|labels| [labels.to_owned(), Array2::from_elem((height, width), UNKNOWN)]);
        for ((y, x), change) in change.indexed_iter_mut() {
            let (shown, there) = if still.per_image {
                (true, [0.0; 2])
            } else {
                (pair.is_shown(Grid::PIXELS.middle([y, x])), path.at([y, x]))
            };
            if !shown {
                continue;
            }
            *change = largest_change((&still, &moved), [y, x], there);
            let sees = |field: &ReceptiveField| pair.is_interior(field, [y, x], there);
            inner[[y, x]] = !still.per_image && field.as_ref().is_some_and(sees);
            if let (Some([_, after]), Some(there_is)) = (&mut labels, moved.labels) {
                let near = [0, 1].map(|axis: usize| there[axis].round() as i64);
                after[[y, x]] =
                    there_is[[clamped(near[0], there_is.nrows()), clamped(near[1], there_is.ncols())]];
            }
        }
        let numbers = |only_inner: bool| {
            let counts = |at: &[usize; 2]| !change[*at].is_nan() && (!only_inner || inner[*at]);
            ChangeNumbers::of(&change, labels.as_ref().map(|labels| (labels, still.classes)), counts)
        };
        let Some(whole) = numbers(false) else { return Ok(None) };
        let of_image = still.per_image.then(|| [still, moved].map(|of| of.values.iter().copied().collect()));
        Ok(Some(Self {
            classes: still.classes.iter().map(|class| class.name.clone()).collect(),
            probabilities: still.probabilities,
            interior: numbers(true),
            whole,
            of_image,
            colours: still.classes.to_vec(),
            change,
            labels,
        }))
    }
}

/// Of any class, from a pixel to a place in the moved answer. What is no number on one side is as far as can be.
fn largest_change(
    (still, moved): (&AnswerView<'_>, &AnswerView<'_>),
    at: [usize; 2],
    there: [f64; 2],
) -> f32 {
    let planes = still.values.axis_iter(Axis(0)).zip(moved.values.axis_iter(Axis(0)));
    let changes = planes.map(|(still, moved)| {
        let (before, after) = (still[at], between(moved, there, clamped));
        if before.is_nan() && after.is_nan() { 0.0 } else { (after - before).abs() }
    });
    changes.fold(0.0, |most: f32, change| if change.is_nan() { f32::INFINITY } else { most.max(change) })
}

impl ChangeNumbers {
    /// Over the pixels that count; `None` where none does.
    pub(in crate::analysis) fn of(
        change: &Array2<f32>,
        labels: Option<(&[Array2<u16>; 2], &[ClassInfo])>,
        counts: impl Fn(&[usize; 2]) -> bool,
    ) -> Option<Self> {
        let (mut pixels, mut largest, mut at, mut sum) = (0_u64, f32::NEG_INFINITY, [0; 2], 0.0);
        for ((y, x), &value) in change.indexed_iter().filter(|((y, x), _)| counts(&[*y, *x])) {
            pixels += 1;
            sum += f64::from(value);
            if value > largest {
                (largest, at) = (value, [y, x]);
            }
        }
        let classes = labels.map(|([before, after], classes)| {
            let pairs = before.indexed_iter().zip(after).filter(|(((y, x), _), _)| counts(&[*y, *x]));
            ClassAgreement::of([classes, classes], pairs.map(|((_, before), after)| (*before, *after)))
        });
        (pixels > 0).then(|| Self { pixels, largest, at, mean: sum / pixels as f64, classes })
    }
}
