//! The effective receptive field of a value, measured on a frame of a micrograph.
//!
//! Outside its theoretical window nothing changes a value, so the network is run on a [`Piece`] of the image that holds
//! the window.
use super::piece::Piece;
use super::tiling::window as pixels_of;
use super::{AnalysisError, RunSettings, memory, network_input};
use crate::imaging::Micrograph;
use crate::inspect::{EffectiveField, Extent};
use crate::monitor::Monitor;
use crate::network::{
    Model, NetworkError, OutputValue, Scope, input_gradient, receptive_window, total_stride,
};
use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array3, Axis};

/// Which value to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub node: String,
    /// `None`: all features together.
    pub feature: Option<usize>,
    /// `[y, x]` of the node's output; `None`: its middle.
    pub at: Option<[usize; 2]>,
}

/// How strongly each pixel of the network's input moves one value of a node, on one frame of a micrograph.
///
/// # Errors
/// [`AnalysisError::Place`] for a node, feature or place that is not there, [`AnalysisError::Memory`] where the way back
/// takes more than is free, and those of reading and running.
pub fn effective_field(
    probe: &Probe,
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    device: &Device,
    monitor: &Monitor,
) -> Result<EffectiveField, AnalysisError> {
    let device = model.weights.tensors.values().next().map_or(device, |tensor| tensor.device());
    monitor.stage(&format!("Reading {}", micrograph.name()));
    let inputs = model.graph.input_channels();
    let channels = settings.channels.as_deref();
    let image = network_input(&model.card, inputs, micrograph, settings.frame, channels)?;
    monitor.check()?;
    monitor.stage(&format!("Measuring what {} sees", probe.node));
    let mut field = field_on(probe, model, &image, device, monitor)?;
    if model.card.scope(&model.graph)? == Scope::PerImage {
        let source = [micrograph.specimen_rows().len(), micrograph.width()];
        field.scale = [0, 1].map(|axis| source[axis] as f64 / field.input[axis].max(1) as f64);
    }
    Ok(field)
}

/// The same on a network's input `[channel, y, x]`.
fn field_on(
    probe: &Probe,
    model: &Model,
    image: &Array3<f32>,
    device: &Device,
    monitor: &Monitor,
) -> Result<EffectiveField, AnalysisError> {
    let graph = &model.graph;
    let Some(index) = graph.index_of(&probe.node) else {
        let known: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
        let what = format!("{} has no node {}; it has {}", model.card.name, probe.node, known.join(", "));
        return Err(AnalysisError::Place(what));
    };
    let size = [image.dim().1, image.dim().2];
    let per_image = model.card.scope(graph)? == Scope::PerImage;
    let stride = if per_image { [1, 1] } else { total_stride(graph) };
    let input = [0, 1].map(|axis| size[axis].next_multiple_of(stride[axis].max(1)));
    let part = graph.up_to(index)?;
    let shapes = part.shapes([image.dim().0, input[0], input[1]])?;
    let value = value_of(probe, shapes.last().map_or(&[], Vec::as_slice))?;
    let window = receptive_window(graph, index, value.at);
    let piece = Piece::around(&part, window.as_ref(), input, value.at)?;
    memory::check_free(&format!("Measuring what {} sees", probe.node), piece.way_back_bytes(&part)?)?;

    let pixels = pixels_of(image.view(), &piece.part);
    let shape = pixels.dim();
    let compute = |source| NetworkError::Compute { node: probe.node.clone(), source };
    let pixels = Tensor::from_vec(pixels.into_raw_vec_and_offset().0, shape, device).map_err(compute)?;
    let there = OutputValue { at: piece.place(value.at), ..value };
    let gradient = input_gradient(&part, &model.weights, &pixels, there, monitor)?;
    let values = strengths(&gradient, shape).map_err(compute)?;
    let origin = [piece.part[0].start, piece.part[1].start];
    let extent = Extent::of(values.view(), origin, window.as_ref());
    let (node, feature, at) = (probe.node.clone(), value.feature, value.at);
    Ok(EffectiveField { node, feature, at, input, window, origin, values, extent, scale: [1.0, 1.0] })
}

/// The value that is meant, of a node of this shape.
fn value_of(probe: &Probe, shape: &[usize]) -> Result<OutputValue, AnalysisError> {
    let (features, size) = match *shape {
        [features, y, x] => (features, [y, x]),
        [features, ..] => (features, [1, 1]),
        [] => (1, [1, 1]),
    };
    let wrong = |what: String| Err(AnalysisError::Place(what));
    let node = &probe.node;
    if let Some(feature) = probe.feature.filter(|feature| *feature >= features) {
        return wrong(format!("{node} has no feature {feature}, only 0 to {}", features.saturating_sub(1)));
    }
    let at = probe.at.unwrap_or(size.map(|length| length / 2));
    if at[0] >= size[0] || at[1] >= size[1] {
        let [y, x] = at;
        return wrong(format!("{node} has no place {y},{x}: its output has {}×{} (y×x)", size[0], size[1]));
    }
    Ok(OutputValue { feature: probe.feature, at })
}

/// The sum over channels of a gradient's size.
fn strengths(
    gradient: &Tensor,
    (batch, channels, height, width): (usize, usize, usize, usize),
) -> candle_core::Result<Array2<f32>> {
    let values: Vec<f32> =
        gradient.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
    let values = Array3::from_shape_vec((batch * channels, height, width), values)
        .map_err(|error| candle_core::Error::Msg(error.to_string()))?;
    Ok(values.mapv(f32::abs).sum_axis(Axis(0)))
}

#[cfg(test)]
mod tests;
