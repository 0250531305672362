//! Walks a network over the tiles of an image: feeds the recorder on the way and hands over what comes out.
use super::tiling::{Tile, Tiling, window};
use super::{AnalysisError, tiling};
use crate::compute::with_planes;
use crate::inspect::{PlannedNode, Recorder, Wanted};
use crate::monitor::Monitor;
use crate::network::{
    Flow, Graph, Model, NetworkError, Node, PreparedNetwork, ReceptiveField, Spent, receptive_fields,
};
use candle_core::{Device, Result as TensorResult, Tensor};
use ndarray::{Array3, ArrayView3};
use std::sync::Arc;

/// Input pixels between a node's pixels, `[y, x]`; `None` where it sees the whole image.
type Jump = Option<[f64; 2]>;

/// One image on its way through a network.
pub(super) struct Walk<'a> {
    pub(super) model: &'a Model,
    pub(super) prepared: Arc<PreparedNetwork>,
    pub(super) device: &'a Device,
    /// The network's input `[channel, y, x]`, not padded.
    pub(super) image: ArrayView3<'a, f32>,
    pub(super) tiling: &'a Tiling,
    /// Whether the device was too full for larger tiles.
    pub(super) smaller: bool,
    /// Index of the last node that is wanted; `None`: all.
    pub(super) stop: Option<usize>,
    pub(super) monitor: &'a Monitor,
}

impl Walk<'_> {
    /// Runs every tile; `take` gets each tile's output over its core `[channel, y, x]`.
    pub(super) fn run(
        &self,
        recorder: &mut Recorder,
        mut take: impl FnMut(&Tile, Array3<f32>) -> Result<(), AnalysisError>,
    ) -> Result<(), AnalysisError> {
        let count = self.tiling.tiles.len();
        let jumps: Vec<Jump> =
            receptive_fields(&self.model.graph).into_iter().map(|f| Some(f?.jump)).collect();
        for (index, tile) in self.tiling.tiles.iter().enumerate() {
            self.monitor.progress(index, count)?;
            let why = if self.smaller { " (smaller tiles: the GPU's memory was full)" } else { "" };
            self.monitor.stage(&match count {
                1 => format!("Running {}{why}", self.model.card.name),
                _ => format!("Running {}, tile {} of {count}{why}", self.model.card.name, index + 1),
            });
            let output = self.run_tile(tile, &jumps, recorder, &self.monitor.part(index, count))?;
            if self.stop.is_none() {
                let last = self.model.graph.nodes().last().map_or("output", |node| node.name.as_str());
                let jump = jumps.last().copied().flatten();
                let core = with_part(last, &output, (tile, jump), |_, core| core.to_owned())?;
                take(tile, core)?;
            }
        }
        Ok(self.monitor.progress(count, count)?)
    }

    fn run_tile(
        &self,
        tile: &Tile,
        jumps: &[Jump],
        recorder: &mut Recorder,
        monitor: &Monitor,
    ) -> Result<Tensor, NetworkError> {
        let pixels = window(self.image, &tile.window);
        let shape = pixels.dim();
        let input = Tensor::from_vec(pixels.into_raw_vec_and_offset().0, shape, self.device)
            .map_err(|source| NetworkError::Compute { node: "input".into(), source })?;
        let kept: Vec<bool> = self.model.graph.nodes().iter().map(|n| recorder.wants(&n.name)).collect();
        let wants = |index: usize, _: &Node| kept[index] || self.stop == Some(index);
        let mut tap = |index: usize, node: &Node, value: &Tensor| {
            if kept[index] {
                let place = (tile, jumps[index]);
                with_part(&node.name, value, place, |at, part| recorder.put(&node.name, at, part))?;
            }
            Ok(if self.stop == Some(index) { Flow::Stop } else { Flow::Continue })
        };
        let mut spent = Spent::default();
        let output = self.prepared.run_spending(&input, (&wants, &mut tap), &mut spent, monitor)?;
        recorder.spend(&spent);
        Ok(output)
    }
}

/// Calls `f` with where `[y, x]` the core's share of a node's output on a tile's window belongs in the node's planes of the
/// whole image, and with that share, `[channel, y, x]`.
fn with_part<R>(
    node: &str,
    value: &Tensor,
    (tile, jump): (&Tile, Jump),
    f: impl FnOnce([usize; 2], ArrayView3<'_, f32>) -> R,
) -> Result<R, NetworkError> {
    let compute = |source| NetworkError::Compute { node: node.to_owned(), source };
    let value = if value.rank() == 4 { value.clone() } else { as_planes(value).map_err(compute)? };
    let (_, _, height, width) = value.dims4().map_err(compute)?;
    let [rows, columns] = [(0, height), (1, width)]
        .map(|(axis, size)| Share::of(tile, axis, size, jump.map(|jump| jump[axis])));
    let at = [rows.place, columns.place];
    let core = [rows, columns].map(|share| share.start..share.start + share.length);
    with_planes(&value, core, |part| f(at, part)).map_err(compute)
}

/// Dense features `[1, n]` as planes of one pixel `[1, n, 1, 1]`.
fn as_planes(value: &Tensor) -> TensorResult<Tensor> {
    value.reshape((1, value.elem_count(), 1, 1))
}

/// Which of a node's rows (or columns) on a window belong to the core, and where they stand in the whole image.
struct Share {
    start: usize,
    length: usize,
    place: usize,
}

impl Share {
    /// Of a node with `size` pixels on the tile's window. The last tile of a row takes all that is left: fewer where the
    /// node loses borders, more where it adds some.
    fn of(tile: &Tile, axis: usize, size: usize, jump: Option<f64>) -> Self {
        let (core, window) = (&tile.core[axis], &tile.window[axis]);
        // Where there is no jump there is one tile.
        let Some(jump) = jump else { return Self { start: 0, length: size, place: 0 } };
        let feature = |pixels: usize| (pixels as f64 / jump).round() as usize;
        let start = feature(core.start - window.start).min(size);
        let left = size - start;
        let length = if core.end == window.end { left } else { feature(core.len()).min(left) };
        Self { start, length, place: feature(core.start) }
    }
}

/// What every node gives for the whole image. `extent` is what the network's input covers and `source` the micrograph,
/// both `[y, x]` in source pixels; feature pixels beyond the micrograph are left out.
pub(super) fn planned_nodes(
    graph: &Graph,
    input: [usize; 2],
    extent: [usize; 2],
    source: [usize; 2],
) -> Result<Vec<PlannedNode>, AnalysisError> {
    let shapes = tiling::shapes(graph, input)?;
    let planned = |((node, shape), field): ((&Node, Vec<usize>), Option<ReceptiveField>)| {
        let shape = match *shape.as_slice() {
            [channels, height, width] => [channels, height, width],
            _ => [shape.iter().product(), 1, 1],
        };
        let place = |axis: usize| {
            let per_input = extent[axis] as f64 / input[axis] as f64;
            let (origin, scale) = match field {
                Some(field) => (middle(field, axis) * per_input, field.jump[axis] * per_input),
                None => (0.0, extent[axis] as f64 / shape[axis + 1] as f64),
            };
            let inside = ((source[axis] as f64 - origin) / scale).ceil().max(1.0) as usize;
            (origin, scale, inside.min(shape[axis + 1]))
        };
        let (y, x) = (place(0), place(1));
        let (scale, origin) = ([y.1, x.1], [y.0, x.0]);
        PlannedNode { name: node.name.clone(), shape: [shape[0], y.2, x.2], scale, origin }
    };
    let fields = receptive_fields(graph);
    Ok(graph.nodes().iter().zip(shapes).zip(fields).map(planned).collect())
}

/// Where on the input a node's first pixel begins, which is one jump wide and in the middle of what it sees.
fn middle(field: ReceptiveField, axis: usize) -> f64 {
    field.start[axis] + (field.size[axis] - field.jump[axis]) / 2.0
}

/// An error when a recorder asks for a node that the model does not have.
pub(super) fn check_wanted(wanted: &Wanted, model: &Model) -> Result<(), AnalysisError> {
    let Wanted::Nodes(names) = wanted else { return Ok(()) };
    let nodes = model.graph.nodes();
    let Some(unknown) = names.iter().find(|name| !nodes.iter().any(|node| node.name == **name)) else {
        return Ok(());
    };
    let known: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let what = format!("{} has no node {unknown}; it has {}", model.card.name, known.join(", "));
    Err(AnalysisError::Mismatch(what))
}
