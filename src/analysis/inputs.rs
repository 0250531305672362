//! From a frame of a micrograph to the numbers a network is given.
use super::{AnalysisError, normalise, resample};
use crate::imaging::Micrograph;
use crate::network::{ModelCard, Normalisation};
use ndarray::{Array2, Array3, Axis, s};

/// The network's input `[channel, y, x]`: the chosen microscope channels, normalised plane by plane as the card says
/// and, where the card has such a size, resampled to it. Training and running both come through here. The rows of
/// an info bar are left out before anything is computed, so that they decide no percentile and feed no network.
///
/// `inputs` is the number of channels the network takes. With `channels` `None` a network of one input sees the grey
/// values (the luminance of a colour picture), any other the first channels.
pub fn network_input(
    card: &ModelCard,
    inputs: usize,
    micrograph: &Micrograph,
    frame: usize,
    channels: Option<&[usize]>,
) -> Result<Array3<f32>, AnalysisError> {
    if let Normalisation::Fixed { mean, std } = card.normalisation
        && !(mean.is_finite() && std.is_normal())
    {
        let what =
            format!("{} cannot be normalised with mean {mean} and standard deviation {std}", card.name);
        return Err(AnalysisError::Mismatch(what));
    }
    let size = card.resampled_to();
    let mut stack: Option<Array3<f32>> = None;
    for (index, source) in sources(card, inputs, micrograph, channels)?.into_iter().enumerate() {
        let mut plane = match source {
            Source::Grey => micrograph.grey(frame)?,
            Source::Channel(channel) => micrograph.plane(frame, channel)?.to_f32(),
        };
        if !micrograph.specimen_rows().contains(&plane.nrows().wrapping_sub(1)) {
            plane = plane.slice_move(s![micrograph.specimen_rows(), ..]);
        }
        if plane.is_empty() {
            return Err(AnalysisError::Mismatch(format!("{} has no pixels", micrograph.name())));
        }
        normalise(&mut plane, card.normalisation);
        if let Some(size) = size {
            plane = resample(plane.view(), size);
        }
        put(&mut stack, inputs, index, &plane);
    }
    Ok(stack.unwrap_or_default())
}

fn put(stack: &mut Option<Array3<f32>>, count: usize, index: usize, plane: &Array2<f32>) {
    let (height, width) = plane.dim();
    let stack = stack.get_or_insert_with(|| Array3::zeros((count, height, width)));
    stack.index_axis_mut(Axis(0), index).assign(plane);
}

/// What feeds one input of a network.
enum Source {
    Grey,
    Channel(usize),
}

fn sources(
    card: &ModelCard,
    inputs: usize,
    micrograph: &Micrograph,
    channels: Option<&[usize]>,
) -> Result<Vec<Source>, AnalysisError> {
    let there = micrograph.channels();
    let wants = wanted(card, inputs);
    let mismatch = |what: String| Err(AnalysisError::Mismatch(what));
    match channels {
        Some(chosen) if chosen.len() != inputs => {
            mismatch(format!("{wants}; the choice names {}", chosen.len()))
        }
        Some(chosen) => match chosen.iter().find(|&&channel| channel >= there) {
            Some(channel) => mismatch(format!(
                "There is no channel {} in {}, which has {}",
                channel + 1,
                micrograph.name(),
                count(there, "channel")
            )),
            None => Ok(chosen.iter().map(|&channel| Source::Channel(channel)).collect()),
        },
        None if inputs == 1 => Ok(vec![Source::Grey]),
        None if there < inputs => {
            mismatch(format!("{wants}; {} has {}", micrograph.name(), count(there, "channel")))
        }
        None => Ok((0..inputs).map(Source::Channel).collect()),
    }
}

/// Such as "EDS phases wants 2 channels (Al, Si)".
fn wanted(card: &ModelCard, inputs: usize) -> String {
    let names = if card.channels.len() == inputs && inputs > 1 {
        format!(" ({})", card.channels.join(", "))
    } else {
        String::new()
    };
    format!("{} wants {}{names}", card.name, count(inputs, "channel"))
}

fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
