//! The effective receptive field of a value, measured on a frame of a micrograph.
//!
//! Outside its theoretical window nothing changes a value, so the network is run on a piece of the image that holds the
//! window: the answer is that of the whole image. The piece begins on the network's stride grid and ends as far from the
//! image's end as a whole number of strides, so that pooling and cropping see the same pixels.
use super::tiling::window as pixels_of;
use super::{AnalysisError, RunSettings, memory, network_input};
use crate::imaging::Micrograph;
use crate::inspect::{EffectiveField, Extent};
use crate::monitor::Monitor;
use crate::network::{
    Graph, Model, NetworkError, OutputValue, Scope, describe, input_gradient, receptive_fields,
    receptive_window, total_stride,
};
use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array3, Axis};
use std::ops::Range;

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
    check_memory(&part, image.dim().0, &piece, &probe.node)?;

    let pixels = pixels_of(image.view(), &piece.part);
    let shape = pixels.dim();
    let compute = |source| NetworkError::Compute { node: probe.node.clone(), source };
    let pixels = Tensor::from_vec(pixels.into_raw_vec_and_offset().0, shape, device).map_err(compute)?;
    let there = OutputValue { at: piece.at, ..value };
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

/// A part of the network's input, rows and columns, and where the value is when the network sees only that.
struct Piece {
    part: [Range<usize>; 2],
    at: [usize; 2],
}

impl Piece {
    /// Around a window, by the rules of this file; everything where the value sees everything, or where a node does not
    /// take so small an image.
    fn around(
        graph: &Graph,
        window: Option<&[Range<i64>; 2]>,
        input: [usize; 2],
        at: [usize; 2],
    ) -> Result<Self, AnalysisError> {
        let whole = Self { part: input.map(|length| 0..length), at };
        let field = receptive_fields(graph).pop().flatten();
        let (Some(window), Some(field)) = (window, field) else { return Ok(whole) };
        let sees = |axis: usize| window[axis].start < input[axis] as i64 && window[axis].end > 0;
        if window.iter().any(Range::is_empty) || !(sees(0) && sees(1)) {
            return Err(AnalysisError::Place("That place sees nothing of the image".to_owned()));
        }
        let stride = total_stride(graph);
        let part = [0, 1].map(|axis| {
            let (stride, length) = (stride[axis].max(1), input[axis]);
            let start = window[axis].start.max(0) as usize / stride * stride;
            let end = (window[axis].end as usize).min(length);
            start..length - (length - end) / stride * stride
        });
        let before = [0, 1].map(|axis| (part[axis].start as f64 / field.jump[axis]).round() as usize);
        let piece = Self { at: [at[0].saturating_sub(before[0]), at[1].saturating_sub(before[1])], part };
        Ok(if piece.fits(graph) { piece } else { whole })
    }

    /// Whether the network takes an image of this size, and has the value there.
    fn fits(&self, graph: &Graph) -> bool {
        let [y, x] = [self.part[0].len(), self.part[1].len()];
        let shapes = graph.shapes([graph.input_channels(), y, x]);
        let last = shapes.ok().and_then(|mut shapes| shapes.pop());
        matches!(last.as_deref(), Some([_, y, x]) if self.at[0] < *y && self.at[1] < *x)
    }
}

/// Refuses a way back whose values would not fit into the memory that is free.
fn check_memory(graph: &Graph, channels: usize, piece: &Piece, node: &str) -> Result<(), AnalysisError> {
    let nodes = describe(graph, [channels, piece.part[0].len(), piece.part[1].len()])?;
    let all = nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(node.activation_bytes));
    let most = nodes.iter().map(|node| node.activation_bytes).max().unwrap_or(0);
    // Every value is kept until its gradient is known; besides those there are at most a few gradients.
    memory::check_free(&format!("Measuring what {node} sees"), all.saturating_add(most.saturating_mul(4)))
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
