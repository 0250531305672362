//! From a network's last node to classes: of every pixel, or of the image.
use super::walk::Walk;
use super::{AnalysisError, Classification, LabelMap, Segmentation, memory};
use crate::imaging::PixelSize;
use crate::inspect::Recorder;
use crate::network::{Model, Op, Task};
use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

/// What a mask must know of the picture besides what the network sees.
pub(super) struct Frame {
    /// With the info bar.
    pub(super) height: usize,
    pub(super) specimen_rows: usize,
    pub(super) pixel: Option<PixelSize>,
}

/// Stitches the tiles' class scores to probabilities and labels; the info bar stays 0.
pub(super) fn segment(
    walk: &Walk<'_>,
    recorder: &mut Recorder,
    frame: &Frame,
) -> Result<Segmentation, AnalysisError> {
    let classes = &walk.model.card.classes;
    let (_, height, width) = walk.image.dim();
    check_output(walk, &[classes.len(), walk.tiling.padded[0], walk.tiling.padded[1]])?;
    memory::check_free("The result", memory::f32_bytes([classes.len(), frame.height, width]))?;
    let scores = Scores::of(walk.model);
    let mut probabilities = Array3::zeros((classes.len(), frame.height, width));
    let mut labels = Array2::zeros((frame.height, width));
    walk.run(recorder, |tile, output| {
        let [rows, columns] = tile.inside([height, width]);
        let inside = output.slice(s![.., ..rows.len(), ..columns.len()]);
        let mut probabilities = probabilities.slice_mut(s![.., rows.clone(), columns.clone()]);
        let mut labels = labels.slice_mut(s![rows, columns]);
        let lines = inside.axis_iter(Axis(1)).zip(probabilities.axis_iter_mut(Axis(1)));
        let lines: Vec<_> = lines.zip(labels.axis_iter_mut(Axis(0))).collect();
        lines
            .into_par_iter()
            .for_each(|((line, probability), label)| scores.decide(line, probability, label));
        Ok(())
    })?;
    Ok(Segmentation {
        labels: LabelMap(labels),
        probabilities,
        classes: classes.clone(),
        specimen_rows: height,
        pixel: frame.pixel.clone(),
        tile: walk.tiling.side,
    })
}

/// The probabilities of an image's classes.
pub(super) fn classify(walk: &Walk<'_>, recorder: &mut Recorder) -> Result<Classification, AnalysisError> {
    let classes = &walk.model.card.classes;
    check_output(walk, &[classes.len()])?;
    let scores = Scores::of(walk.model);
    let mut probabilities = Array2::zeros((classes.len(), 1));
    walk.run(recorder, |_, output| {
        let mut label = Array2::zeros((1, 1));
        scores.decide(output.index_axis(Axis(1), 0), probabilities.view_mut(), label.row_mut(0));
        Ok(())
    })?;
    Ok(Classification { probabilities: probabilities.into_iter().collect(), classes: classes.clone() })
}

/// The network's output must be one number per class: `[class, y, x]` over the padded image, or `[class]`.
pub(super) fn check_output(walk: &Walk<'_>, expected: &[usize]) -> Result<(), AnalysisError> {
    let model = walk.model;
    let shapes = super::tiling::shapes(&model.graph, walk.tiling.padded)?;
    let found = shapes.last().map_or(&[][..], Vec::as_slice);
    let same = match (found, expected) {
        (&[channels, 1, 1], &[classes]) => channels == classes,
        _ => found == expected,
    };
    if same && expected[0] <= usize::from(u16::MAX) + 1 {
        return Ok(());
    }
    let words = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    Err(AnalysisError::Mismatch(format!(
        "{} names {} {} and should give {}, but its last node gives {}",
        model.card.name,
        expected[0],
        if model.card.task == Task::Regress { "outputs" } else { "classes" },
        words(expected),
        words(found)
    )))
}

/// What the last node's numbers are.
#[derive(Clone, Copy)]
enum Scores {
    Logits,
    Probabilities,
}

impl Scores {
    fn of(model: &Model) -> Self {
        match model.graph.nodes().last().map(|node| &node.op) {
            Some(Op::Softmax { .. }) => Self::Probabilities,
            _ => Self::Logits,
        }
    }

    /// Probabilities `[class, x]` and the likeliest class of each pixel of a line (of equal ones the first).
    fn decide(
        self,
        scores: ArrayView2<'_, f32>,
        mut probabilities: ArrayViewMut2<'_, f32>,
        mut labels: ArrayViewMut1<'_, u16>,
    ) {
        let mut best = vec![f32::NEG_INFINITY; labels.len()];
        for (class, row) in (0_u16..).zip(scores.outer_iter()) {
            for ((&score, best), label) in row.iter().zip(&mut best).zip(&mut labels) {
                if score > *best {
                    (*best, *label) = (score, class);
                }
            }
        }
        probabilities.assign(&scores);
        if let Self::Probabilities = self {
            return;
        }
        let mut sums = vec![0.0_f32; best.len()];
        for mut row in probabilities.outer_iter_mut() {
            for ((value, best), sum) in row.iter_mut().zip(&best).zip(&mut sums) {
                *value = (*value - best).exp();
                *sum += *value;
            }
        }
        for mut row in probabilities.outer_iter_mut() {
            row.iter_mut().zip(&sums).for_each(|(value, sum)| *value /= sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};

    fn decided(how: Scores, scores: &Array2<f32>) -> (Array2<f32>, Array1<u16>) {
        let (mut probabilities, mut labels) = (Array2::zeros(scores.dim()), Array1::zeros(scores.ncols()));
        how.decide(scores.view(), probabilities.view_mut(), labels.view_mut());
        (probabilities, labels)
    }

    #[test]
    fn logits_become_probabilities_and_the_largest_is_the_label() {
        // Softmax of (0, ln 3) is (1/4, 3/4); large numbers must not overflow; of equal ones the first wins.
        let (probabilities, labels) =
            decided(Scores::Logits, &array![[0.0, 1000.0, 2.0], [3.0_f32.ln(), 0.0, 2.0]]);
        assert_eq!(labels, array![1, 0, 0]);
        let expected = array![[0.25, 1.0, 0.5], [0.75, 0.0, 0.5]];
        assert!(probabilities.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{probabilities}");
    }

    #[test]
    fn probabilities_stay_what_they_are() {
        let scores = array![[0.2, 0.9], [0.8, 0.1]];
        assert_eq!(decided(Scores::Probabilities, &scores), (scores, array![1, 0]));
    }
}
