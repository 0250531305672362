//! Equivariance, measured: does the answer follow when the image is shifted, rotated or mirrored?
//!
//! A network f is equivariant to a movement T when f(T x) = T f(x): it finds the same things in the moved image, at the
//! places they moved to (Lenc and Vedaldi 2015, arXiv:1411.5908). A convolution of stride 1 is so for shifts; pooling of
//! stride 2 only for even ones, which is where networks lose it (Zhang 2019, arXiv:1904.11486). Here the network is run on
//! x and on T x, what it says of T x is moved back, and the two are compared pixel by pixel: T⁻¹ f(T x) with f(x).
//!
//! Near the border both differ for a good reason: other pixels come into sight, and the network's own padding. So all
//! numbers are given twice: of all pixels that are in both images (`whole`), and of those whose receptive field lies
//! within the specimen in both (`interior`).
mod answer;
mod nodes;

pub use answer::{AnswerChange, ChangeNumbers};
pub use nodes::{NodeAgreement, NodeDifference, NodeEquivariance};

use super::answer::AnswerView;
use super::movement::{Affine, Movement};
use super::predict::Frame;
use super::run::{Prepared, read};
use super::walk::check_wanted;
use super::{AnalysisError, Prediction, RunSettings, memory};
use crate::imaging::Micrograph;
use crate::inspect::{Features, Recorder, Wanted};
use crate::monitor::Monitor;
use crate::network::{Model, ReceptiveField, receptive_fields_on};
use candle_core::Device;
use ndarray::{Array2, Axis};
use serde::Serialize;

/// Bytes of feature maps that are held at once, of each of the two images.
const BUDGET: u64 = 256 << 20;

/// What to move, and where to look.
#[derive(Debug, Clone, PartialEq)]
pub struct Moving {
    pub movement: Movement,
    /// Nodes whose feature maps are compared; of those that are named the maps of the difference are kept.
    pub nodes: Wanted,
}

/// What became of the answer and of every node when the image was moved.
#[derive(Debug, Clone, Serialize)]
pub struct Equivariance {
    pub model: String,
    pub image: String,
    pub movement: Movement,
    /// Size `[y, x]` of the network's input, not padded; all places are in its pixels.
    pub size: [usize; 2],
    /// `None` of a model that promises no answer.
    pub answer: Option<AnswerChange>,
    /// In the graph's order.
    pub nodes: Vec<NodeEquivariance>,
    /// Nodes whose feature maps alone take more memory than there is.
    pub left_out: Vec<String>,
    /// The first channel of the moved input `[y, x]`, to look at.
    #[serde(skip)]
    pub moved: Array2<f32>,
}

impl Equivariance {
    /// Where a place `[y, x]` of the input lies in the moved input; it may lie beyond its border.
    #[must_use]
    pub fn moved_place(&self, place: [f64; 2]) -> [f64; 2] {
        self.movement.of_positions(self.size).at(place)
    }

    /// Where a place `[y, x]` of the moved input lay before.
    #[must_use]
    pub fn place_before(&self, place: [f64; 2]) -> [f64; 2] {
        self.movement.of_positions(self.size).back().at(place)
    }
}

/// What a model says of the input that is not moved, so that another movement takes one run in place of two.
#[derive(Debug, Clone)]
pub struct Unmoved(Prediction);

impl Unmoved {
    /// Memory of the answer.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bytes = |view: AnswerView<'_>| 4 * view.values.len() + 2 * view.labels.map_or(0, |of| of.len());
        AnswerView::of(&self.0).map_or(0, bytes) as u64
    }
}

/// Runs a model on a frame and on the moved frame, and compares.
///
/// The movement is made on the network's input, after normalising, so that the same grey values are seen. An input that
/// is resampled to a fixed size is moved by px of that size.
///
/// # Errors
/// [`AnalysisError::Place`] where nothing of the image would be left, [`AnalysisError::Mismatch`] for a node that is not
/// there or a network that does not take the rotated image's format, and those of running.
pub fn equivariance(
    asked: &Moving,
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    device: &Device,
    monitor: &Monitor,
) -> Result<Equivariance, AnalysisError> {
    Ok(equivariance_from((asked, None), model, (micrograph, settings), device, monitor)?.0)
}

/// The same from what was found before of the same model, frame and settings; gives that, too. Feature maps are not kept,
/// so where nodes are compared both images are run.
///
/// # Errors
/// As [`equivariance`].
pub fn equivariance_from(
    (asked, unmoved): (&Moving, Option<Unmoved>),
    model: &Model,
    (micrograph, settings): (&Micrograph, &RunSettings),
    device: &Device,
    monitor: &Monitor,
) -> Result<(Equivariance, Unmoved), AnalysisError> {
    check_wanted(&asked.nodes, model)?;
    let image = read(model, micrograph, settings, monitor)?;
    let size = [image.dim().1, image.dim().2];
    let movement = asked.movement;
    movement.check(size)?;
    memory::check_free("The moved image", memory::f32_bytes([image.dim().0, size[0], size[1]]))?;
    let moved = movement.of_image(image.view());
    let shown = moved.index_axis(Axis(0), 0).to_owned();
    let after = movement.moved_size(size);
    let still = Prepared::of(model, image, size, settings, device)?;
    let moved = Prepared::of(model, moved, after, settings, device)?;
    let padded = still.tiling.padded;
    let fields = receptive_fields_on(&model.graph, [model.graph.input_channels(), padded[0], padded[1]])?;
    let pair = Pair { model, still, moved, fields, there: Between::new(movement, size), monitor };

    let mut recorders = [0, 1].map(|_| Recorder::new(asked.nodes.clone(), BUDGET));
    let unmoved = unmoved.filter(|_| asked.nodes == Wanted::Nothing);
    let predictions = pair.predict(&mut recorders, unmoved)?;
    let [still, moved] = recorders.map(Recorder::finish);
    monitor.stage("Comparing");
    let answer = AnswerChange::between(&predictions, pair.fields.last().copied().flatten(), &pair.there)?;
    let [unmoved, _] = predictions;
    let (mut nodes, left_out) = pair.compare_nodes(asked, still, moved)?;
    let place = |name: &str| model.graph.index_of(name);
    nodes.sort_by_key(|node| place(&node.node));
    let found = Equivariance {
        model: model.card.name.clone(),
        image: micrograph.name().to_owned(),
        movement,
        size,
        answer,
        nodes,
        left_out,
        moved: shown,
    };
    Ok((found, Unmoved(unmoved)))
}

/// The two images and how their places belong together.
struct Between {
    /// From places in the image to places in the moved one.
    there: Affine,
    size: [usize; 2],
    moved_size: [usize; 2],
}

impl Between {
    fn new(movement: Movement, size: [usize; 2]) -> Self {
        Self { there: movement.of_positions(size), size, moved_size: movement.moved_size(size) }
    }

    /// Whether a place of the image is in the moved image, too.
    fn is_shown(&self, place: [f64; 2]) -> bool {
        inside(self.there.at(place), self.moved_size)
    }

    /// Whether all that output `at` of the image and outputs around `there` of the moved one can see is specimen, and
    /// the same.
    fn is_interior(&self, field: &ReceptiveField, at: [usize; 2], there: [f64; 2]) -> bool {
        let seen = |first: f64, last: f64, axis: usize| {
            let from = field.start[axis] + first * field.jump[axis];
            [from, from + (last - first) * field.jump[axis] + field.size[axis]]
        };
        let here = [0, 1].map(|axis: usize| seen(at[axis] as f64, at[axis] as f64, axis));
        let moved = [0, 1].map(|axis: usize| seen(there[axis].floor(), there[axis].ceil(), axis));
        let back = self.there.back();
        let corners = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let whole = |window: [[f64; 2]; 2], size: [usize; 2]| {
            corners.iter().all(|&(y, x)| inside([window[0][y], window[1][x]], size))
        };
        let same = corners.iter().all(|&(y, x)| inside(back.at([moved[0][y], moved[1][x]]), self.size));
        whole(here, self.size) && whole(moved, self.moved_size) && same
    }
}

/// Whether a position lies in an image of `size`, its border included.
fn inside(position: [f64; 2], size: [usize; 2]) -> bool {
    [0, 1].into_iter().all(|axis| position[axis] > -1e-6 && position[axis] < size[axis] as f64 + 1e-6)
}

/// Both runs.
struct Pair<'a> {
    model: &'a Model,
    still: Prepared<'a>,
    moved: Prepared<'a>,
    /// One a node.
    fields: Vec<Option<ReceptiveField>>,
    there: Between,
    monitor: &'a Monitor,
}

impl Pair<'_> {
    /// The answers to both, in the first half of the progress.
    fn predict(
        &self,
        recorders: &mut [Recorder; 2],
        unmoved: Option<Unmoved>,
    ) -> Result<[Prediction; 2], AnalysisError> {
        let frame = |size: [usize; 2]| Frame { height: size[0], specimen_rows: size[0], pixel: None };
        let (still, moved) = (frame(self.there.size), frame(self.there.moved_size));
        let [first, second] = recorders;
        if let Some(Unmoved(still)) = unmoved {
            let moved = self.moved.predict(self.model, &moved, second, &self.monitor.part(0, 2))?;
            return Ok([still, moved]);
        }
        let of = |index| self.monitor.part(index, 4);
        Ok([
            self.still.predict(self.model, &still, first, &of(0))?,
            self.moved.predict(self.model, &moved, second, &of(1))?,
        ])
    }

    /// Compares what was recorded, then what did not fit beside it, in further runs.
    fn compare_nodes(
        &self,
        asked: &Moving,
        still: Features,
        moved: Features,
    ) -> Result<(Vec<NodeEquivariance>, Vec<String>), AnalysisError> {
        let keep = matches!(asked.nodes, Wanted::Nodes(_));
        let (mut found, mut left_out, mut pair) = (Vec::new(), Vec::new(), [still, moved]);
        let total = self.model.graph.nodes().len().max(1);
        loop {
            let [still, moved] = &pair;
            for (name, maps) in &still.maps {
                self.monitor.part(1, 2).progress(found.len(), total)?;
                let Some(after) = moved.maps.get(name) else { continue };
                let field = self.model.graph.index_of(name).and_then(|index| self.fields[index]);
                found.push(NodeEquivariance::between((maps, after), field.as_ref(), &self.there, keep));
            }
            // What fits on one side alone is compared in the next round.
            let done = |name: &String| found.iter().any(|node: &NodeEquivariance| node.node == *name);
            let mut wanted: Vec<String> = still.left_out.iter().chain(&moved.left_out).cloned().collect();
            wanted.retain(|name| !done(name) && !left_out.contains(name));
            wanted.dedup();
            if wanted.is_empty() {
                return Ok((found, left_out));
            }
            drop(pair);
            let (budget, too_large) = self.budget(&wanted);
            wanted.retain(|name| !too_large.contains(name));
            left_out.extend(too_large);
            pair = self.record(wanted, budget, found.len() as f64 / total as f64)?;
        }
    }

    /// How much the next round may hold: the usual, or the first node alone where that is larger; and which nodes are
    /// too large even so.
    fn budget(&self, wanted: &[String]) -> (u64, Vec<String>) {
        let nodes = self.still.nodes.iter().zip(&self.moved.nodes);
        let bytes = |name: &String| {
            let both = nodes.clone().find(|(node, _)| node.name == *name);
            both.map_or(0, |(still, moved)| still.bytes().max(moved.bytes()))
        };
        let fits = |name: &&String| memory::check_free("", bytes(name).saturating_mul(2)).is_ok();
        let too_large = wanted.iter().filter(|name| !fits(name)).cloned().collect();
        let first = wanted.iter().find(fits).map_or(0, bytes);
        (first.max(BUDGET), too_large)
    }

    /// The maps of these nodes, as many as fit.
    fn record(&self, wanted: Vec<String>, budget: u64, done: f64) -> Result<[Features; 2], AnalysisError> {
        let last = wanted.iter().filter_map(|name| self.model.graph.index_of(name)).max();
        let mut recorders = [0, 1].map(|_| Recorder::new(Wanted::Nodes(wanted.clone()), budget));
        let from = 500 + (done.clamp(0.0, 1.0) * 499.0) as usize;
        let [first, second] = &mut recorders;
        self.still.record(self.model, last, first, &self.monitor.part(from, 1000))?;
        self.moved.record(self.model, last, second, &self.monitor.part(from, 1000))?;
        Ok(recorders.map(Recorder::finish))
    }
}

#[cfg(test)]
mod tests;
