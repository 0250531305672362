//! What the network made of a piece of a frame, kept, so that value after value is taken apart without running it again.
use super::kernel::Kernel;
use super::{HandProbe, followers, is_image};
use crate::analysis::attribute::{channel_names, planes};
use crate::analysis::piece::Piece;
use crate::analysis::tiling::{peak_bytes, window as pixels_of};
use crate::analysis::{AnalysisError, RunSettings, memory, network_input};
use crate::imaging::Micrograph;
use crate::inspect::ByHand;
use crate::monitor::Monitor;
use crate::network::{
    Flow, Graph, Model, NetworkError, Node, PreparedNetwork, Scope, describe, receptive_window, total_stride,
};
use candle_core::{Device, Tensor};
use ndarray::{Array3, ArrayView3};
use std::collections::BTreeMap;
use std::ops::Range;

/// Pixels of the input around what a value sees that are looked at with it, the first that is not too much.
const MARGINS: [usize; 3] = [256, 128, 64];
/// Multiply-adds up to which more than the least is computed: a second or so.
const QUICK: u64 = 20_000_000_000;

/// The values that a node reads, its own and those that follow, on the whole frame where that is little work, else on a
/// piece of it.
#[derive(Debug, Clone)]
pub struct HandRun {
    node: String,
    placed: Placed,
    piece: Piece,
    /// By node; on the piece.
    values: BTreeMap<String, Array3<f32>>,
    /// The microscope's, where the node reads the image.
    names: Option<Vec<String>>,
}

/// The node, the part of the network up to what follows it, and the size of its output.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) index: usize,
    pub(super) part: Graph,
    /// Nodes that make something of the value next.
    pub(super) then: Vec<usize>,
    features: usize,
    /// Of the output, `[y, x]`.
    size: [usize; 2],
    /// Of the padded input, `[y, x]`.
    input: [usize; 2],
}

/// `[y, x]` of the node's output, in the whole image and in the piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) at: [usize; 2],
    pub(super) here: [usize; 2],
}

impl HandRun {
    /// Runs the network up to the probe's node, and as far around its place as takes at most `budget` bytes to keep and
    /// little time; 0: only on what the value sees.
    ///
    /// # Errors
    /// As [`super::by_hand`].
    pub fn of(
        probe: &HandProbe,
        model: &Model,
        (micrograph, settings): (&Micrograph, &RunSettings),
        (device, budget): (&Device, u64),
        monitor: &Monitor,
    ) -> Result<Self, AnalysisError> {
        let graph = &model.graph;
        let index = graph.index_of(&probe.node).ok_or_else(|| {
            let known: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
            AnalysisError::Place(format!(
                "{} has no node {}; it has {}",
                model.card.name,
                probe.node,
                known.join(", ")
            ))
        })?;
        Kernel::of(&graph.nodes()[index], &model.weights)?;
        let device = model.weights.tensors.values().next().map_or(device, |tensor| tensor.device());
        monitor.stage(&format!("Reading {}", micrograph.name()));
        let inputs = graph.input_channels();
        let image =
            network_input(&model.card, inputs, micrograph, settings.frame, settings.channels.as_deref())?;
        monitor.check()?;
        monitor.stage(&format!("Taking {} apart", probe.node));
        let placed = Placed::of(model, index, &image)?;
        let at = placed.place(probe)?;
        let piece = placed.piece(graph, at, budget)?;
        let values = placed.run((model, &piece), image.view(), device, monitor)?;
        let names = is_image(graph, placed.read(graph)).then(|| channel_names(model, micrograph, settings));
        Ok(Self { node: probe.node.clone(), placed, piece, values, names })
    }

    /// Whether the value was computed here, so that the network need not run again.
    #[must_use]
    pub fn serves(&self, probe: &HandProbe, model: &Model) -> bool {
        probe.node == self.node
            && self.placed.place(probe).is_ok_and(|at| self.sees(at, &model.graph) && self.holds(at))
    }

    /// Patch, kernel, products and sums of a value. `model` is the one that was run.
    ///
    /// # Errors
    /// [`AnalysisError::Place`] for a feature or place that is not there or that this run does not serve.
    pub fn take_apart(&self, probe: &HandProbe, model: &Model) -> Result<ByHand, AnalysisError> {
        let graph = &model.graph;
        let at = self.placed.place(probe)?;
        if probe.node != self.node || !self.sees(at, graph) {
            let [y, x] = at;
            let what = format!("{} at {y},{x} lies outside of what was run of {}", probe.node, self.node);
            return Err(AnalysisError::Place(what));
        }
        let kernel = Kernel::of(&graph.nodes()[self.placed.index], &model.weights)?;
        let spot = Spot { at, here: self.piece.place(at) };
        let values = (&self.values, self.names.as_deref());
        kernel.take_apart((probe.feature, spot), &self.placed, values, model)
    }

    /// Memory of the values.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.values.values().map(|values| values.len() as u64 * size_of::<f32>() as u64).sum()
    }

    /// Whether all that a value sees of the image lies on the piece.
    fn sees(&self, at: [usize; 2], graph: &Graph) -> bool {
        if self.piece == Piece::whole(self.placed.input) {
            return true;
        }
        let Some(window) = receptive_window(graph, self.placed.index, at) else { return false };
        (0..2).all(|axis: usize| {
            let (seen, part) = (within(&window[axis], self.placed.input[axis]), &self.piece.part[axis]);
            !seen.is_empty() && seen.start >= part.start && seen.end <= part.end
        })
    }

    /// Whether the piece has the value.
    fn holds(&self, at: [usize; 2]) -> bool {
        let [y, x] = self.piece.place(at);
        self.values.get(&self.node).is_some_and(|maps| y < maps.dim().1 && x < maps.dim().2)
    }
}

/// The part of a window that is image.
fn within(window: &Range<i64>, length: usize) -> Range<usize> {
    window.start.max(0) as usize..(window.end.max(0) as usize).min(length)
}

impl Placed {
    fn of(model: &Model, index: usize, image: &Array3<f32>) -> Result<Self, AnalysisError> {
        let graph = &model.graph;
        let own = [image.dim().1, image.dim().2];
        let per_image = model.card.scope(graph)? == Scope::PerImage;
        let stride = if per_image { [1, 1] } else { total_stride(graph) };
        let input = [0, 1].map(|axis| own[axis].next_multiple_of(stride[axis].max(1)));
        let then = followers(graph, index);
        let part = graph.up_to(then.last().copied().unwrap_or(index))?;
        let shapes = graph.shapes([image.dim().0, input[0], input[1]])?;
        let (features, size) = match *shapes[index].as_slice() {
            [features, y, x] => (features, [y, x]),
            [features, ..] => (features, [1, 1]),
            [] => (1, [1, 1]),
        };
        Ok(Self { index, part, then, features, size, input })
    }

    /// The node that is read.
    pub(super) fn read(&self, graph: &Graph) -> usize {
        graph.inputs_of(self.index)[0]
    }

    /// Where the probe looks, `[y, x]`.
    fn place(&self, probe: &HandProbe) -> Result<[usize; 2], AnalysisError> {
        let wrong = |what: String| Err(AnalysisError::Place(what));
        let (node, feature) = (&probe.node, probe.feature);
        if feature >= self.features {
            let last = self.features.saturating_sub(1);
            return wrong(format!("{node} has no feature {feature}, only 0 to {last}"));
        }
        let [height, width] = self.size;
        let at = probe.at.unwrap_or([height / 2, width / 2]);
        if at[0] >= height || at[1] >= width {
            let [y, x] = at;
            return wrong(format!("{node} has no place {y},{x}: its output has {height}×{width} (y×x)"));
        }
        Ok(at)
    }

    /// What to run for a value, and for those around it as far as that is little.
    fn piece(&self, graph: &Graph, at: [usize; 2], budget: u64) -> Result<Piece, AnalysisError> {
        let whole = Piece::whole(self.input);
        let window = receptive_window(graph, self.index, at);
        // A value that sees nothing but the border is taken of the whole image.
        let around = |window: Option<&[Range<i64>; 2]>| {
            Piece::around(&self.part, window, self.input, at).unwrap_or_else(|_| whole.clone())
        };
        let least = around(window.as_ref());
        let wider = window.iter().flat_map(|window| {
            MARGINS.map(|margin| {
                let margin = margin as i64;
                around(Some(&window.clone().map(|seen| seen.start - margin..seen.end + margin)))
            })
        });
        let enough = 2 * self.work(&least)?;
        for piece in std::iter::once(whole.clone()).chain(wider) {
            let work = self.work(&piece)?;
            if self.kept_bytes(graph, &piece)? <= budget && work <= enough.max(QUICK) {
                return Ok(piece);
            }
        }
        Ok(least)
    }

    /// Multiply-adds on a piece.
    fn work(&self, piece: &Piece) -> Result<u64, AnalysisError> {
        let [y, x] = piece.size();
        let nodes = describe(&self.part, [self.part.input_channels(), y, x])?;
        Ok(nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(node.multiply_adds)))
    }

    /// Bytes of the values that are kept of a piece.
    fn kept_bytes(&self, graph: &Graph, piece: &Piece) -> Result<u64, AnalysisError> {
        let [y, x] = piece.size();
        let shapes = self.part.shapes([self.part.input_channels(), y, x])?;
        let wanted = self.wanted(graph);
        let kept =
            self.part.nodes().iter().zip(&shapes).filter(|(node, _)| wanted.contains(&node.name.as_str()));
        let values =
            |shape: &Vec<usize>| shape.iter().fold(4_u64, |n, &length| n.saturating_mul(length as u64));
        Ok(kept.fold(0, |sum: u64, (_, shape)| sum.saturating_add(values(shape))))
    }

    /// Names of the node, of those it reads and of those that follow.
    fn wanted<'a>(&self, graph: &'a Graph) -> Vec<&'a str> {
        let read = graph.inputs_of(self.index);
        let all = self.then.iter().chain([&self.index]).chain(&read);
        all.map(|&index| graph.nodes()[index].name.as_str()).collect()
    }

    /// Values of the node that is read, of the node, and of those that follow, on the piece.
    fn run(
        &self,
        (model, piece): (&Model, &Piece),
        image: ArrayView3<'_, f32>,
        device: &Device,
        monitor: &Monitor,
    ) -> Result<BTreeMap<String, Array3<f32>>, AnalysisError> {
        let bytes = peak_bytes(&self.part, piece.size(), device)?;
        memory::check_free("Taking a value apart", bytes)?;
        let wanted = self.wanted(&model.graph);
        let pixels = pixels_of(image, &piece.part);
        let shape = pixels.dim();
        let node = &model.graph.nodes()[self.index].name;
        let failed = |source| NetworkError::Compute { node: node.clone(), source };
        let input = Tensor::from_vec(pixels.into_raw_vec_and_offset().0, shape, device).map_err(failed)?;
        let mut values = BTreeMap::new();
        let mut tap = |_: usize, node: &Node, value: &Tensor| {
            values.insert(node.name.clone(), planes(value).map_err(failed)?);
            Ok(Flow::Continue)
        };
        let network = PreparedNetwork::new(&self.part, &model.weights);
        let wants = |_: usize, node: &Node| wanted.contains(&node.name.as_str());
        network.run(&input, &wants, &mut tap, monitor)?;
        Ok(values)
    }
}
