//! Is the network worth it? Thresholds and classical filters on the same image, beside the network's own answer.

mod filters;
mod method;

#[cfg(test)]
mod reference;

pub use method::{Method, Polarity};

use super::{AnalysisError, IGNORE, RunSettings, Segmentation, memory};
use crate::imaging::Micrograph;
use crate::monitor::Monitor;
use ndarray::{Array2, ArrayView2, s};
use serde::Serialize;
use std::sync::Arc;

/// The network and the classical methods on one image, each against labels, or the methods against the network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baselines {
    pub model: String,
    /// Whether the numbers are against labels; else against the network's mask.
    pub labelled: bool,
    /// What the two sides are called: class 0, and all others together.
    pub sides: [String; 2],
    /// The network first, then the methods in their order.
    pub rows: Vec<BaselineRow>,
}

/// What one of them made of the image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineRow {
    /// `None`: the network.
    pub method: Option<Method>,
    pub name: String,
    /// The better of the two, as the scores say; `None`: the network.
    pub polarity: Option<Polarity>,
    /// Intersection over union of background and foreground; of the network without labels nothing.
    pub iou: [Option<f64>; 2],
    pub mean_iou: Option<f64>,
    /// With labels and more than two classes: the network's IoU of each class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(String, Option<f64>)>,
    /// Share of the specimen that is foreground.
    pub foreground: f64,
    /// Foreground 1, `[y, x]` over the whole picture; 0 in the info bar.
    #[serde(skip)]
    pub mask: Arc<Array2<u16>>,
}

/// Runs the classical methods on the grey values that the network saw (its one channel, else the picture's grey) and
/// scores them; every class but 0 is foreground. Of the two polarities of a method the one with the higher mean IoU is
/// taken, which flatters the method where there are labels. `labels` `[y, x]` are the model's classes, 255 where nothing
/// is said.
///
/// # Errors
/// Labels of another size, memory that is not there, an image that cannot be read, and cancelling.
pub fn baselines(
    (model, segmentation): (&str, &Segmentation),
    (micrograph, settings): (&Micrograph, &RunSettings),
    labels: Option<ArrayView2<'_, u8>>,
    monitor: &Monitor,
) -> Result<Baselines, AnalysisError> {
    let (height, width) = segmentation.labels.0.dim();
    if let Some((found_height, found_width)) =
        labels.map(|labels| labels.dim()).filter(|dim| *dim != (height, width))
    {
        let what =
            format!("The labels are {found_width} × {found_height} px and the image {width} × {height} px");
        return Err(AnalysisError::Mismatch(what));
    }
    check_room([height, width])?;
    let rows = segmentation.specimen_rows.min(height);
    let grey = grey_of(micrograph, settings, rows)?;
    let network = segmentation.labels.0.mapv(|label| label > 0);
    let truth = match labels {
        Some(labels) => labels.mapv(|label| (label != IGNORE).then_some(label > 0)),
        None => network.mapv(Some),
    };
    let truth = truth.slice(s![..rows, ..]);
    let mut found = vec![network_row(model, segmentation, network, labels.map(|_| truth), labels)];
    for (place, method) in Method::ALL.into_iter().enumerate() {
        monitor.progress(place, Method::ALL.len())?;
        monitor.stage(method.name());
        let mut best: Option<BaselineRow> = None;
        for polarity in [Polarity::Bright, Polarity::Dark] {
            let row = method_row(method, polarity, grey.view(), truth, height);
            if best.as_ref().is_none_or(|best| row.mean_iou > best.mean_iou) {
                best = Some(row);
            }
            monitor.check()?;
        }
        found.extend(best);
    }
    monitor.progress(Method::ALL.len(), Method::ALL.len())?;
    Ok(Baselines {
        model: model.to_owned(),
        labelled: labels.is_some(),
        sides: sides(&segmentation.classes),
        rows: found,
    })
}

/// A mask that a classical method made of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassicalMask {
    pub method: Method,
    pub polarity: Polarity,
    /// Foreground 1, `[y, x]` over the whole picture; 0 in the info bar.
    pub mask: Arc<Array2<u16>>,
    pub specimen_rows: usize,
}

/// One classical method alone, on the grey values that a network with these settings sees.
///
/// # Errors
/// Memory that is not there, an image that cannot be read, and cancelling.
pub fn classical_mask(
    (method, polarity): (Method, Polarity),
    (micrograph, settings): (&Micrograph, &RunSettings),
    monitor: &Monitor,
) -> Result<ClassicalMask, AnalysisError> {
    let (height, width) = (micrograph.height(), micrograph.width());
    let specimen_rows = micrograph.specimen_rows().len().min(height);
    check_room([height, width])?;
    monitor.stage(method.name());
    let grey = grey_of(micrograph, settings, specimen_rows)?;
    monitor.check()?;
    let mask = Arc::new(over_picture(method.mask(grey.view(), polarity).view(), height));
    Ok(ClassicalMask { method, polarity, mask, specimen_rows })
}

/// The largest of the methods holds about eight planes of f64; each mask stays with a byte a pixel.
fn check_room([height, width]: [usize; 2]) -> Result<(), AnalysisError> {
    let bytes = (height as u64).saturating_mul(width as u64).saturating_mul(8 * 8 + 8);
    memory::check_free("Running classical methods", bytes)
}

/// The specimen's mask over the whole picture.
fn over_picture(specimen: ArrayView2<'_, bool>, height: usize) -> Array2<u16> {
    let mut mask = Array2::zeros((height, specimen.ncols()));
    mask.slice_mut(s![..specimen.nrows(), ..]).assign(&specimen.mapv(u16::from));
    mask
}

/// What the two sides of a mask are called by a model's classes: class 0, and all others together.
pub(super) fn sides(classes: &[crate::network::ClassInfo]) -> [String; 2] {
    let first = classes.first().map_or("background", |class| class.name.as_str());
    let other = match classes {
        [_, only] => only.name.clone(),
        _ => format!("not {first}"),
    };
    [first.to_owned(), other]
}

/// The specimen's grey values, holes filled with the mean of the others.
fn grey_of(
    micrograph: &Micrograph,
    settings: &RunSettings,
    rows: usize,
) -> Result<Array2<f32>, AnalysisError> {
    let mut grey = match settings.channels.as_deref() {
        Some([channel]) => micrograph.plane(settings.frame, *channel)?.to_f32(),
        _ => micrograph.grey(settings.frame)?,
    };
    grey = grey.slice_move(s![..rows, ..]);
    let finite = || grey.iter().filter(|value| value.is_finite());
    let count = finite().count();
    if count < grey.len() {
        let mean = finite().map(|&value| f64::from(value)).sum::<f64>() / count.max(1) as f64;
        grey.mapv_inplace(|value| if value.is_finite() { value } else { mean as f32 });
    }
    Ok(grey)
}

fn method_row(
    method: Method,
    polarity: Polarity,
    grey: ArrayView2<'_, f32>,
    truth: ArrayView2<'_, Option<bool>>,
    height: usize,
) -> BaselineRow {
    let specimen = method.mask(grey, polarity);
    let counts = Counts::of(truth, specimen.view());
    BaselineRow {
        method: Some(method),
        name: method.name().to_owned(),
        polarity: Some(polarity),
        iou: counts.iou(),
        mean_iou: counts.mean_iou(),
        classes: Vec::new(),
        foreground: share(specimen.view()),
        mask: Arc::new(over_picture(specimen.view(), height)),
    }
}

fn network_row(
    model: &str,
    segmentation: &Segmentation,
    mask: Array2<bool>,
    truth: Option<ArrayView2<'_, Option<bool>>>,
    labels: Option<ArrayView2<'_, u8>>,
) -> BaselineRow {
    let rows = segmentation.specimen_rows.min(mask.nrows());
    let specimen = mask.slice(s![..rows, ..]);
    let counts = truth.map(|truth| Counts::of(truth, specimen));
    let classes = match labels {
        Some(labels) if segmentation.classes.len() > 2 => class_ious(segmentation, labels, rows),
        _ => Vec::new(),
    };
    BaselineRow {
        method: None,
        name: model.to_owned(),
        polarity: None,
        iou: counts.as_ref().map_or([None; 2], Counts::iou),
        mean_iou: counts.as_ref().and_then(Counts::mean_iou),
        classes,
        foreground: share(specimen),
        mask: Arc::new(mask.mapv(u16::from)),
    }
}

/// Intersection over union of each class; `None` where it is neither in the labels nor in the mask.
fn class_ious(
    segmentation: &Segmentation,
    labels: ArrayView2<'_, u8>,
    rows: usize,
) -> Vec<(String, Option<f64>)> {
    let pairs = || labels.iter().zip(&segmentation.labels.0).take(rows * labels.ncols());
    let iou = |(index, class): (usize, &crate::network::ClassInfo)| {
        let (mut both, mut either) = (0_u64, 0_u64);
        for (&label, &found) in pairs().filter(|(label, _)| **label != IGNORE) {
            let (label, found) = (usize::from(label) == index, usize::from(found) == index);
            both += u64::from(label && found);
            either += u64::from(label || found);
        }
        (class.name.clone(), (either > 0).then(|| both as f64 / either as f64))
    };
    segmentation.classes.iter().enumerate().map(iou).collect()
}

fn share(mask: ArrayView2<'_, bool>) -> f64 {
    mask.iter().filter(|value| **value).count() as f64 / mask.len().max(1) as f64
}

/// Pixels by what is true (first) and what was found.
#[derive(Debug, Default)]
struct Counts([[u64; 2]; 2]);

impl Counts {
    fn of(truth: ArrayView2<'_, Option<bool>>, found: ArrayView2<'_, bool>) -> Self {
        let mut counts = Self::default();
        for (truth, found) in truth.iter().zip(found) {
            if let Some(truth) = truth {
                counts.0[usize::from(*truth)][usize::from(*found)] += 1;
            }
        }
        counts
    }

    /// Of background and foreground; `None` where there is neither in truth nor in the answer.
    fn iou(&self) -> [Option<f64>; 2] {
        [0, 1].map(|side: usize| {
            let other = 1 - side;
            let both = self.0[side][side];
            let either = both + self.0[side][other] + self.0[other][side];
            (either > 0).then(|| both as f64 / either as f64)
        })
    }

    /// Over the sides that are there.
    fn mean_iou(&self) -> Option<f64> {
        let known: Vec<f64> = self.iou().into_iter().flatten().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::LabelMap;
    use crate::imaging::Calibration;
    use crate::network::ClassInfo;
    use ndarray::{Array3, Array4};

    /// A bright square of 4 × 4 px in 12 × 12 px; the network calls one column more of it class 1 or 2.
    fn case(classes: usize) -> (Micrograph, Segmentation) {
        let inside = |y: usize, x: usize| (4..8).contains(&y) && (4..8).contains(&x);
        let values =
            Array4::from_shape_fn((1, 1, 12, 12), |(_, _, y, x)| f32::from(u8::from(inside(y, x))) * 50.0);
        let micrograph = Micrograph::from_array("square", values, Vec::new(), Calibration::default());
        let labels = Array2::from_shape_fn((12, 12), |(y, x)| {
            u16::from(inside(y, x) || inside(y, x.saturating_sub(1))) * (1 + u16::from(classes > 2 && y > 5))
        });
        let class = |name: &str| ClassInfo { name: name.to_owned(), colour: [0; 3] };
        let names = ["matrix", "particle", "pore"];
        let segmentation = Segmentation {
            labels: LabelMap(labels),
            probabilities: Array3::zeros((classes, 12, 12)),
            classes: names[..classes].iter().map(|name| class(name)).collect(),
            specimen_rows: 12,
            pixel: None,
            tile: None,
        };
        (micrograph, segmentation)
    }

    fn found(classes: usize, labels: Option<&Array2<u8>>) -> Baselines {
        let (micrograph, segmentation) = case(classes);
        let on = (&micrograph, &RunSettings::default());
        let labels = labels.map(|labels| labels.view());
        baselines(("Net", &segmentation), on, labels, &Monitor::silent()).unwrap()
    }

    #[test]
    fn without_labels_methods_are_held_against_the_network() {
        let found = found(2, None);
        assert_eq!((found.rows.len(), found.labelled), (8, false));
        assert_eq!((found.rows[0].mean_iou, found.rows[0].iou), (None, [None; 2]));
        // Otsu finds the 16 px of 20 that the network calls particle: 16 / 20, and 124 / 128 of the matrix.
        let otsu = &found.rows[1];
        assert_eq!((otsu.polarity, otsu.iou), (Some(Polarity::Bright), [Some(124.0 / 128.0), Some(0.8)]));
        assert_eq!(found.sides, ["matrix", "particle"]);
        assert_eq!((otsu.foreground, otsu.mask[[5, 5]], otsu.mask[[0, 0]]), (16.0 / 144.0, 1, 0));
    }

    #[test]
    fn with_labels_the_network_is_judged_too_and_what_is_not_labelled_counts_for_nobody() {
        let mut labels =
            Array2::from_shape_fn((12, 12), |(y, x)| u8::from((4..8).contains(&y) && (4..8).contains(&x)));
        let all = found(2, Some(&labels));
        assert_eq!((all.rows[0].iou[1], all.rows[1].iou[1]), (Some(0.8), Some(1.0)));
        labels.slice_mut(s![.., 8]).fill(255);
        let less = found(2, Some(&labels));
        assert_eq!(less.rows[0].iou, [Some(1.0), Some(1.0)]);
        let three = found(3, Some(&labels));
        assert_eq!(three.sides[1], "not matrix");
        assert_eq!(three.rows[0].classes[1], ("particle".to_owned(), Some(0.5)));
        assert_eq!(three.rows[0].classes[2], ("pore".to_owned(), Some(0.0)));
    }

    #[test]
    fn labels_of_another_size_are_refused() {
        let (micrograph, segmentation) = case(2);
        let labels = Array2::zeros((3, 4));
        let on = (&micrograph, &RunSettings::default());
        let error =
            baselines(("Net", &segmentation), on, Some(labels.view()), &Monitor::silent()).unwrap_err();
        assert_eq!(error.to_string(), "The labels are 4 × 3 px and the image 12 × 12 px");
    }
}
