//! Otsu's threshold on the same images and masks: what a network must beat.
use super::metrics::Confusion;
use super::pairs::{Pairs, image_files};
use super::plan::{open_first, open_image};
use super::{Evaluation, EvaluationData, LabelScheme, SchemeClass, TrainingError};
use crate::analysis::{IGNORE, otsu_threshold};
use crate::imaging::InfoBarChoice;
use crate::monitor::Monitor;
use ndarray::{Array2, ArrayView2};
use std::path::Path;

/// Counts for both answers: the bright side is class 1, or the dark side is.
pub(super) struct Sides {
    bright: Confusion,
    dark: Confusion,
}

impl Sides {
    pub(super) fn new() -> Self {
        Self { bright: Confusion::new(2), dark: Confusion::new(2) }
    }

    /// Thresholds the rows of an image that show the specimen; every class but 0 is class 1.
    pub(super) fn count(&mut self, grey: ArrayView2<'_, f32>, truth: &Array2<u8>) {
        let threshold = otsu_threshold(grey);
        for (value, truth) in grey.iter().zip(truth).filter(|(_, truth)| **truth != IGNORE) {
            let (truth, bright) = (usize::from(*truth > 0), usize::from(*value > threshold));
            self.bright.add(truth, bright);
            self.dark.add(truth, 1 - bright);
        }
    }

    /// The asked side, or the better one.
    pub(super) fn choose(self, bright: Option<bool>) -> Confusion {
        if bright.unwrap_or(self.bright.mean_iou() >= self.dark.mean_iou()) { self.bright } else { self.dark }
    }
}

/// The same numbers for Otsu's threshold, one an image. Class 0 of the scheme is one side, all others the other; with
/// `bright` the bright side is class 1, else the dark, `None`: whichever scores better over all images.
pub fn evaluate_otsu(
    data: &EvaluationData,
    bright: Option<bool>,
    monitor: &Monitor,
) -> Result<Evaluation, TrainingError> {
    let scheme = data.scheme.clone().unwrap_or_else(zero_and_rest);
    let files = image_files(&data.images, None, None)?;
    let Pairs { pairs, mut failures } = Pairs::of(&files, &image_files(&data.masks, None, None)?);
    let (mut sides, mut images) = (Sides::new(), 0);
    for (index, (image, mask)) in pairs.iter().enumerate() {
        monitor.progress(index, pairs.len())?;
        match count_file(&mut sides, &scheme, (image, data.info_bar), mask) {
            Ok(frames) => images += frames,
            Err(e) if e.is_cancelled() => return Err(e),
            Err(e) => failures.push(e.to_string()),
        }
    }
    let background = scheme.classes[0].name.clone();
    let other = match scheme.classes.as_slice() {
        [_, only] => only.name.clone(),
        _ => format!("not {background}"),
    };
    sides.choose(bright).evaluation(&[background, other], images, failures)
}

/// Counts all frames of a file and says how many those are.
fn count_file(
    sides: &mut Sides,
    scheme: &LabelScheme,
    (image, info_bar): (&Path, InfoBarChoice),
    mask: &Path,
) -> Result<usize, TrainingError> {
    let (micrograph, masks) = (open_image(image, info_bar)?, open_first(mask)?);
    super::truth::check_mask(&masks, &micrograph, mask)?;
    for frame in 0..micrograph.frames() {
        let truth = scheme.read_frame(&masks, frame, mask)?;
        sides.count(micrograph.specimen_grey(frame)?.view(), &truth.0.mapv(|class| u8::from(class > 0)));
    }
    Ok(micrograph.frames())
}

/// Without a scheme 0 is the background and everything else is not.
fn zero_and_rest() -> LabelScheme {
    let class = |name: &str, values, rest| SchemeClass {
        name: name.to_owned(),
        colour: [0; 3],
        values,
        rgb: Vec::new(),
        rest,
    };
    let classes = vec![class("background", vec![[0, 0]], false), class("foreground", Vec::new(), true)];
    LabelScheme { classes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-image 0.26: `threshold_otsu` of the Rec. 601 luminance of each validation image, counts of a set together,
    /// the better side: dark for NASA's superalloy (mean IoU 0.7317), bright for AMPIS (0.7336).
    #[test]
    fn real_images_score_as_with_scikit_image() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let data = root.join("../shared/data/seg");
        if !data.exists() {
            println!("skipped: no ../shared/data");
            return;
        }
        let sets = [
            ("nasa-super/val", "nasa-super/val_annot", "nasa-super-binary", 0.731_674, false),
            ("ampis-spheroidite/images/valid_*", "ampis-spheroidite/masks", "ampis", 0.733_616, true),
        ];
        for (images, masks, scheme, expected, bright) in sets {
            let scheme = LabelScheme::load(&root.join(format!("models/schemes/{scheme}.toml"))).unwrap();
            let data = EvaluationData {
                images: data.join(images),
                masks: data.join(masks),
                scheme: Some(scheme),
                info_bar: InfoBarChoice::Auto,
            };
            let better = evaluate_otsu(&data, None, &Monitor::silent()).unwrap();
            assert!((better.mean_iou - expected).abs() < 2e-3, "{}", better.mean_iou);
            assert_eq!((better.images, better.failures.len()), (2, 0));
            let side = evaluate_otsu(&data, Some(bright), &Monitor::silent()).unwrap();
            assert_eq!(side, better);
        }
    }
}
