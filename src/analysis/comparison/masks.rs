//! Two masks, of which at least one is a classical method's: foreground against background.
use super::{Comparison, DifferenceMap, Seen, mismatch};
use crate::analysis::baselines::sides;
use crate::analysis::{AnalysisError, ClassAgreement, Prediction, memory};
use crate::network::ClassInfo;
use ndarray::{Array2, ArrayView2, s};

/// One side: labels of the whole picture of which 0 is background, and the rows that show the specimen.
struct Mask<'a> {
    labels: ArrayView2<'a, u16>,
    rows: usize,
    classes: Option<&'a [ClassInfo]>,
}

impl<'a> Mask<'a> {
    fn of(seen: &'a Seen) -> Option<Self> {
        match seen {
            Seen::Classical(found) => {
                Some(Self { labels: found.mask.view(), rows: found.specimen_rows, classes: None })
            }
            Seen::Answer(Prediction::Segmentation(answer)) => Some(Self {
                labels: answer.labels.0.view(),
                rows: answer.specimen_rows,
                classes: Some(&answer.classes),
            }),
            _ => None,
        }
    }
}

/// The specimen's pixels that both take for foreground, or one of them. The map is A − B: 1 where A alone has foreground,
/// −1 where B alone has it, 0 where they agree.
pub(super) fn compare([a, b]: [&Seen; 2]) -> Result<Comparison, AnalysisError> {
    let (Some(a), Some(b)) = (Mask::of(a), Mask::of(b)) else {
        return mismatch("A classical mask is compared with a segmenter's answer, or with another mask");
    };
    let (height, width) = a.labels.dim();
    if b.labels.dim() != (height, width) {
        return mismatch("The two masks are not of the same size");
    }
    memory::check_free("The map of the difference", memory::f32_bytes([1, height, width]))?;
    let rows = a.rows.min(b.rows).min(height);
    let names = sides(a.classes.or(b.classes).unwrap_or_default());
    let both = names.map(|name| ClassInfo { name, colour: [0; 3] });
    let part = |mask: &Mask<'_>| mask.labels.slice(s![..rows, ..]).mapv(|label| u16::from(label > 0));
    let (of_a, of_b) = (part(&a), part(&b));
    let pairs = || of_a.iter().copied().zip(of_b.iter().copied());
    let difference = |(a, b): (&u16, &u16)| f32::from(*a) - f32::from(*b);
    let values = of_a.iter().zip(&of_b).map(difference).collect();
    let values = Array2::from_shape_vec((rows, width), values).unwrap_or_default();
    Ok(Comparison {
        values: None,
        classes: Some(ClassAgreement::of([&both, &both], pairs())),
        difference: Some(DifferenceMap { values, origin: [0.0; 2], scale: [1.0; 2], signed: true }),
    })
}
