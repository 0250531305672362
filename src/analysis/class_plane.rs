//! What is said of one class at every pixel of the specimen, to hold feature maps against.
use super::{AnalysisError, IGNORE, LabelMap, Prediction};
use ndarray::{Array2, Axis, s};

/// Who says which class a pixel has.
#[derive(Debug, Clone, Copy)]
pub enum ClassSource<'a> {
    /// The network: its probabilities.
    Prediction(&'a Prediction),
    /// Somebody who looked: 1 where the class is, 0 elsewhere, NaN where nothing is said.
    Labels(&'a LabelMap),
}

/// The plane `[y, x]` of a class over the specimen, for an image of `size` `[y, x]` px of which the first `specimen_rows`
/// rows are specimen.
///
/// # Errors
/// An answer that has no classes per pixel, a class it does not know, or labels of another size.
pub fn class_plane(
    source: ClassSource<'_>,
    class: usize,
    size: [usize; 2],
    specimen_rows: usize,
) -> Result<Array2<f32>, AnalysisError> {
    let rows = specimen_rows.min(size[0]);
    match source {
        ClassSource::Prediction(Prediction::Segmentation(found)) => {
            let planes = found.probabilities.len_of(Axis(0));
            if class >= planes {
                let what = format!("There is no class {class}, only 0 to {}", planes.saturating_sub(1));
                return Err(AnalysisError::Mismatch(what));
            }
            let rows = rows.min(found.probabilities.len_of(Axis(1)));
            Ok(found.probabilities.slice(s![class, ..rows, ..]).to_owned())
        }
        ClassSource::Prediction(_) => Err(AnalysisError::Mismatch(
            "This model says no class of every pixel, so there is nothing that features could go with"
                .to_owned(),
        )),
        ClassSource::Labels(labels) => {
            if [labels.height(), labels.width()] != size {
                let what = format!(
                    "The labels are {} × {} px and the image {} × {} px",
                    labels.width(),
                    labels.height(),
                    size[1],
                    size[0]
                );
                return Err(AnalysisError::Mismatch(what));
            }
            let own = |label: &u16| match usize::from(*label) {
                label if label == class => 1.0,
                label if label == usize::from(IGNORE) => f32::NAN,
                _ => 0.0,
            };
            Ok(labels.0.slice(s![..rows, ..]).map(own))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Classification, Segmentation};
    use ndarray::{Array3, array};
    use std::sync::Arc;

    fn prediction() -> Prediction {
        Prediction::Segmentation(Arc::new(Segmentation {
            labels: LabelMap(array![[0, 1], [1, 0], [0, 0]]),
            probabilities: Array3::from_shape_fn((2, 3, 2), |(class, y, x)| {
                (class * 6 + y * 2 + x) as f32 / 12.0
            }),
            classes: Vec::new(),
            specimen_rows: 2,
            pixel: None,
            tile: None,
        }))
    }

    #[test]
    fn a_class_is_a_probability_or_where_its_label_is() {
        let prediction = prediction();
        let plane = class_plane(ClassSource::Prediction(&prediction), 1, [3, 2], 2).unwrap();
        assert_eq!(plane, array![[6.0, 7.0], [8.0, 9.0]].mapv(|value: f32| value / 12.0));
        let labels = LabelMap(array![[0, 1], [1, 2], [1, 1]]);
        let plane = class_plane(ClassSource::Labels(&labels), 1, [3, 2], 2).unwrap();
        assert_eq!(plane, array![[0.0, 1.0], [1.0, 0.0]]);
    }

    #[test]
    fn what_has_no_such_class_is_refused_in_words() {
        let prediction = prediction();
        let refused = |source, class, size| class_plane(source, class, size, 2).unwrap_err().to_string();
        let found = refused(ClassSource::Prediction(&prediction), 2, [3, 2]);
        assert_eq!(found, "There is no class 2, only 0 to 1");
        let labels = LabelMap(array![[0, 1]]);
        let found = refused(ClassSource::Labels(&labels), 0, [3, 2]);
        assert_eq!(found, "The labels are 2 × 1 px and the image 2 × 3 px");
        let whole = Classification { probabilities: vec![1.0], classes: Vec::new() };
        let whole = Prediction::Classification(Arc::new(whole));
        assert!(refused(ClassSource::Prediction(&whole), 0, [3, 2]).contains("no class of every pixel"));
    }
}
