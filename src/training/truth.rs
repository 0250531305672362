//! What is true of an image: its label map, its class, its numbers or maps of them, from where a recipe says.
use super::TrainingError;
use super::held_out::Truth;
use super::plan::{Labels, open_first};
use crate::analysis::IGNORE;
use crate::imaging::Micrograph;
use crate::synth::Sample;
use ndarray::{Array2, Array3, Axis, s};
use std::path::Path;

/// Of a synthetic image, in the network's classes or outputs.
pub(super) fn synthetic_truth(sample: &Sample, labels: &Labels) -> Result<Truth, TrainingError> {
    Ok(match labels {
        Labels::Class(class) => Truth::Class(*class),
        Labels::Synthetic(classes) | Labels::Masks { classes, .. } => {
            Truth::Map(renamed(&sample.labels, classes))
        }
        Labels::Maps(outputs) => Truth::Maps(shares(sample, outputs)?),
        Labels::Numbers(numbers) => Truth::Numbers(numbers.clone()),
    })
}

/// Labels in other classes; what has no class there is ignored.
fn renamed(labels: &Array2<u16>, classes: &[u8]) -> Array2<u8> {
    labels.mapv(|label| classes.get(usize::from(label)).copied().unwrap_or(IGNORE))
}

/// A synthetic sample's composition of the elements that the outputs are named after.
fn shares(sample: &Sample, outputs: &[String]) -> Result<Array3<f32>, TrainingError> {
    let none = || TrainingError::Data("This kind of synthetic image has no composition".to_owned());
    let composition = sample.composition.as_ref().ok_or_else(none)?;
    let place = |name: &String| sample.channel_names.iter().position(|element| element == name);
    let places: Vec<usize> = outputs.iter().map(place).collect::<Option<_>>().ok_or_else(none)?;
    Ok(composition.select(Axis(0), &places))
}

/// The maps of a frame, one an output, checked against its image: by the channels' names where those are the outputs',
/// else in their order. Of the info bar nothing is said.
fn read_maps(
    outputs: &[String],
    path: &Path,
    image: &Micrograph,
    frame: usize,
) -> Result<Truth, TrainingError> {
    let maps = open_first(path)?;
    check_same_size("The map of numbers", &maps, image, path)?;
    let place = |name: &String| maps.channel_names().iter().position(|channel| channel == name);
    let named: Option<Vec<usize>> = outputs.iter().map(place).collect();
    let places = match named {
        Some(places) => places,
        None if maps.channels() == outputs.len() => (0..outputs.len()).collect(),
        None => {
            let (found, wanted) = (maps.channels(), outputs.len());
            let what = format!("The map of numbers has {found} channels for {wanted} outputs");
            return Err(TrainingError::Bad { path: path.to_path_buf(), what });
        }
    };
    let mut values = Array3::zeros((outputs.len(), image.height(), image.width()));
    for (mut plane, channel) in values.axis_iter_mut(Axis(0)).zip(places) {
        plane.assign(&maps.plane(frame, channel)?.to_f32());
    }
    values.slice_mut(s![.., image.specimen_rows().end.., ..]).fill(f32::NAN);
    Ok(Truth::Maps(values))
}

/// The mask of a frame in the network's classes, checked against its image. Of the info bar nothing is said.
pub(super) fn read_truth(
    labels: &Labels,
    mask: Option<&Path>,
    image: &Micrograph,
    frame: usize,
) -> Result<Truth, TrainingError> {
    let (scheme, classes, path) = match (labels, mask) {
        (Labels::Class(class), _) => return Ok(Truth::Class(*class)),
        (Labels::Numbers(numbers), _) => return Ok(Truth::Numbers(numbers.clone())),
        (Labels::Maps(outputs), Some(path)) => return read_maps(outputs, path, image, frame),
        (Labels::Masks { scheme, classes }, Some(path)) => (scheme, classes, path),
        _ => return Err(TrainingError::Data(format!("No mask for {}", image.name()))),
    };
    let mask = open_first(path)?;
    check_mask(&mask, image, path)?;
    let mut map = renamed(&scheme.read_frame(&mask, frame, path)?.0, classes);
    map.slice_mut(s![image.specimen_rows().end.., ..]).fill(IGNORE);
    Ok(Truth::Map(map))
}

/// A mask has its image's size and frames.
pub(super) fn check_mask(mask: &Micrograph, image: &Micrograph, path: &Path) -> Result<(), TrainingError> {
    check_same_size("The mask", mask, image, path)
}

fn check_same_size(
    what: &str,
    mask: &Micrograph,
    image: &Micrograph,
    path: &Path,
) -> Result<(), TrainingError> {
    let bad = |what: String| Err(TrainingError::Bad { path: path.to_path_buf(), what });
    if (mask.height(), mask.width()) != (image.height(), image.width()) {
        return bad(format!(
            "{what} is {} × {} px and its image {} × {} px",
            mask.width(),
            mask.height(),
            image.width(),
            image.height()
        ));
    }
    if mask.frames() != image.frames() {
        return bad(format!("{what} has {} frames and its image {}", mask.frames(), image.frames()));
    }
    Ok(())
}
