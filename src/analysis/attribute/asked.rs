//! A class's score over some places: computed there and back, in pieces that fit into memory.
use crate::analysis::piece::Piece;
use crate::analysis::tiling::{peak_bytes, window as pixels_of};
use crate::analysis::{AnalysisError, RunSettings, memory};
use crate::inspect::Score;
use crate::monitor::Monitor;
use crate::network::{
    Flow, Graph, Model, NetworkError, Node, NodeGradient, Objective, Op, PreparedNetwork, ReceptiveField,
    Scope, Task, gradient_by, receptive_fields, total_stride,
};
use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array3, ArrayView1, ArrayView3, Axis, s};
use std::ops::Range;

/// Which places of the answer are summed.
pub(super) enum Places {
    /// There is one answer for the image.
    Answer,
    /// Pixels of the network's input.
    Mask(Array2<bool>),
}

impl Places {
    fn bounds(&self) -> [Range<usize>; 2] {
        let Self::Mask(mask) = self else { return [0..1, 0..1] };
        [0, 1].map(|axis| {
            let holds = |(index, line): (usize, ArrayView1<'_, bool>)| {
                line.iter().any(|place| *place).then_some(index)
            };
            let mut lines = mask.axis_iter(Axis(axis)).enumerate().filter_map(holds);
            let first = lines.next().unwrap_or(0);
            first..lines.next_back().unwrap_or(first) + 1
        })
    }

    fn count(&self) -> u64 {
        match self {
            Self::Answer => 1,
            Self::Mask(mask) => mask.iter().filter(|place| **place).count() as u64,
        }
    }
}

/// The direction that pieces are cut for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    There,
    Back,
}

/// Rows and columns of the answer, and the piece of the image that decides them.
pub(super) struct Share {
    pub(super) core: [Range<usize>; 2],
    pub(super) piece: Piece,
}

/// What is asked of a network.
pub(super) struct Asked<'a> {
    pub(super) model: &'a Model,
    /// As far as the scores: the final softmax is left out.
    pub(super) graph: Graph,
    prepared: PreparedNetwork,
    pub(super) device: &'a Device,
    pub(super) scope: Scope,
    pub(super) class: usize,
    pub(super) class_name: String,
    pub(super) places: Places,
    bounds: [Range<usize>; 2],
    count: u64,
    /// Of the network's input, `[y, x]`, and padded to its grid.
    pub(super) size: [usize; 2],
    pub(super) padded: [usize; 2],
    pub(super) field: Option<ReceptiveField>,
    limit: u64,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        model: &'a Model,
        class: usize,
        places: Places,
        image: &Array3<f32>,
        (settings, device): (&RunSettings, &'a Device),
    ) -> Result<Self, AnalysisError> {
        let scope = model.card.scope(&model.graph)?;
        let graph = scores_of(&model.graph)?;
        let (channels, height, width) = image.dim();
        let size = [height, width];
        let stride = if scope == Scope::PerImage { [1, 1] } else { total_stride(&graph) };
        let padded = [0, 1].map(|axis| size[axis].next_multiple_of(stride[axis].max(1)));
        let shape = graph.shapes([channels, padded[0], padded[1]])?.pop().unwrap_or_default();
        let fits = match scope {
            Scope::PerImage => shape.iter().skip(1).all(|&n| n == 1),
            Scope::PerPixel => shape.get(1..) == Some(&padded[..]),
        };
        if !fits {
            let what = format!("{} gives no score a class: its answer is {shape:?}", model.card.name);
            return Err(AnalysisError::Mismatch(what));
        }
        let classes = shape.first().copied().unwrap_or(0);
        if class >= classes {
            let last = classes.saturating_sub(1);
            return Err(AnalysisError::Place(format!(
                "{} has no class {class}, only 0 to {last}",
                model.card.name
            )));
        }
        let named = model.card.classes.get(class).map(|class| class.name.clone());
        let prepared = PreparedNetwork::new(&graph, &model.weights);
        let field = receptive_fields(&graph).pop().flatten().filter(|_| scope == Scope::PerPixel);
        let class_name = named.unwrap_or_else(|| format!("feature {class}"));
        let limit = memory::limit(settings, device);
        let (bounds, count) = (places.bounds(), places.count());
        Ok(Self {
            model,
            graph,
            prepared,
            device,
            scope,
            class,
            class_name,
            places,
            bounds,
            count,
            size,
            padded,
            field,
            limit,
        })
    }

    /// The rows and columns that hold all places.
    pub(super) fn bounds(&self) -> [Range<usize>; 2] {
        self.bounds.clone()
    }

    /// How many places there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Rows and columns of the answer in pieces that fit into memory, as far as they can be cut.
    pub(super) fn shares(&self, core: [Range<usize>; 2], way: Way) -> Result<Vec<Share>, AnalysisError> {
        let mut shares = Vec::new();
        self.cut(core, way, &mut shares)?;
        let mut most = 0;
        for share in &shares {
            most = most.max(self.bytes(&share.piece, way)?);
        }
        memory::check_free("Explaining the score", most)?;
        Ok(shares)
    }

    fn cut(&self, core: [Range<usize>; 2], way: Way, into: &mut Vec<Share>) -> Result<(), AnalysisError> {
        let piece = self.piece(&core);
        let axis = usize::from(core[1].len() > core[0].len());
        let halo = self.field.map_or(usize::MAX, |field| (field.size[axis] / 2.0) as usize).max(16);
        if core[axis].len() <= halo || self.bytes(&piece, way)? <= self.limit {
            into.push(Share { core, piece });
            return Ok(());
        }
        let middle = core[axis].start.midpoint(core[axis].end);
        for half in [core[axis].start..middle, middle..core[axis].end] {
            let mut part = core.clone();
            part[axis] = half;
            self.cut(part, way, into)?;
        }
        Ok(())
    }

    /// The piece of the image that decides these rows and columns of the answer.
    pub(super) fn piece(&self, core: &[Range<usize>; 2]) -> Piece {
        let Some(field) = self.field else { return Piece::whole(self.padded) };
        let window = [0, 1].map(|axis| {
            let at = |index: usize| field.start[axis] + index as f64 * field.jump[axis];
            let last = core[axis].end.saturating_sub(1);
            at(core[axis].start).floor() as i64..(at(last) + field.size[axis]).ceil() as i64
        });
        let last = [0, 1].map(|axis| core[axis].end.saturating_sub(1));
        let piece = Piece::around(&self.graph, Some(&window), self.padded, last);
        // What sees nothing but the border is decided by the whole image as well.
        piece.unwrap_or_else(|_| Piece::whole(self.padded))
    }

    fn bytes(&self, piece: &Piece, way: Way) -> Result<u64, AnalysisError> {
        match way {
            Way::There => peak_bytes(&self.graph, piece.size(), self.device),
            Way::Back => piece.way_back_bytes(&self.graph),
        }
    }

    /// Scores `[class, y, x]` of rows and columns of the answer; of one answer `[class, 1, 1]`.
    pub(super) fn scores(
        &self,
        image: ArrayView3<'_, f32>,
        share: &Share,
        monitor: &Monitor,
    ) -> Result<Array3<f32>, AnalysisError> {
        let input = self.tensor(image, &share.piece)?;
        let last = self.graph.nodes().len() - 1;
        let mut tap = |_: usize, _: &Node, _: &Tensor| Ok(Flow::Continue);
        let output = self.prepared.run(&input, &|index, _| index == last, &mut tap, monitor)?;
        let all = array(&output)?;
        if let Places::Answer = self.places {
            return Ok(all);
        }
        let [top, left] = share.piece.place([share.core[0].start, share.core[1].start]);
        let (rows, columns) = (top..top + share.core[0].len(), left..left + share.core[1].len());
        Ok(all.slice(s![.., rows, columns]).to_owned())
    }

    /// The score over all places.
    pub(super) fn score(&self, image: &Array3<f32>, monitor: &Monitor) -> Result<Score, AnalysisError> {
        let (mut logit, mut probability) = (0.0, 0.0);
        let shares = self.shares(self.bounds(), Way::There)?;
        for (index, share) in shares.iter().enumerate() {
            let scores = self.scores(image.view(), share, &monitor.part(index, shares.len()))?;
            let (part, likely) = self.sums(scores.view(), &share.core);
            (logit, probability) = (logit + part, probability + likely);
        }
        Ok(self.score_of(logit, probability))
    }

    /// The score that these sums make.
    pub(super) fn score_of(&self, logit: f64, probability: f64) -> Score {
        let places = self.count();
        let classes = matches!(self.model.card.task, Task::Segment | Task::Classify);
        Score { places, logit, probability: classes.then(|| probability / places.max(1) as f64) }
    }

    /// The class's logits and probabilities summed over the places among scores `[class, y, x]` of a core.
    pub(super) fn sums(&self, scores: ArrayView3<'_, f32>, core: &[Range<usize>; 2]) -> (f64, f64) {
        let (mut logit, mut probability) = (0.0, 0.0);
        for (y, rows) in scores.axis_iter(Axis(1)).enumerate() {
            for (x, values) in rows.axis_iter(Axis(1)).enumerate() {
                if self.is_asked(core[0].start + y, core[1].start + x) {
                    let own = f64::from(values[self.class]);
                    logit += own;
                    probability +=
                        1.0 / values.iter().map(|&value| (f64::from(value) - own).exp()).sum::<f64>();
                }
            }
        }
        (logit, probability)
    }

    fn is_asked(&self, y: usize, x: usize) -> bool {
        match &self.places {
            Places::Answer => true,
            Places::Mask(mask) => mask.get((y, x)).copied().unwrap_or(false),
        }
    }

    /// The gradient of the score by node `by`, piece by piece; gives the score's logit.
    pub(super) fn way_back(
        &self,
        image: ArrayView3<'_, f32>,
        by: usize,
        monitor: &Monitor,
        mut take: impl FnMut(&Piece, &NodeGradient) -> Result<(), AnalysisError>,
    ) -> Result<f64, AnalysisError> {
        let shares = self.shares(self.bounds(), Way::Back)?;
        let mut logit = 0.0;
        for (index, share) in shares.iter().enumerate() {
            let input = self.tensor(image, &share.piece)?;
            let places = self.places_in(share)?;
            let objective = Objective::Sum(self.class, places.as_ref());
            let part = monitor.part(index, shares.len());
            let network = (&self.graph, &self.model.weights);
            let found = gradient_by(by, network, &input, objective, &part)?;
            logit += found.objective;
            take(&share.piece, &found)?;
        }
        Ok(logit)
    }

    /// The score's gradient by the padded input `[channel, y, x]`, and the logit.
    pub(super) fn input_gradient(
        &self,
        image: &Array3<f32>,
        monitor: &Monitor,
    ) -> Result<(Array3<f32>, f64), AnalysisError> {
        let [height, width] = self.padded;
        let mut sum = Array3::zeros((image.dim().0, height, width));
        let logit = self.way_back(image.view(), 0, monitor, |piece, found| {
            let [rows, columns] = piece.part.clone();
            let mut part = sum.slice_mut(s![.., rows, columns]);
            part += &array(&found.gradient)?;
            Ok(())
        })?;
        Ok((sum, logit))
    }

    /// Ones where the answer of a piece is asked for and belongs to the share, over the piece's answer `[y, x]`.
    fn places_in(&self, share: &Share) -> Result<Option<Tensor>, AnalysisError> {
        let Places::Mask(mask) = &self.places else { return Ok(None) };
        let size = share.piece.size();
        let mut ones = Array2::<f32>::zeros(size);
        for (y, x) in share.core[0].clone().flat_map(|y| share.core[1].clone().map(move |x| (y, x))) {
            if mask.get((y, x)) == Some(&true) {
                ones[share.piece.place([y, x])] = 1.0;
            }
        }
        let shape = (size[0], size[1]);
        let tensor = Tensor::from_vec(ones.into_raw_vec_and_offset().0, shape, self.device);
        Ok(Some(tensor.map_err(failed)?))
    }

    pub(super) fn tensor(&self, image: ArrayView3<'_, f32>, piece: &Piece) -> Result<Tensor, AnalysisError> {
        let pixels = pixels_of(image, &piece.part);
        let shape = pixels.dim();
        Ok(Tensor::from_vec(pixels.into_raw_vec_and_offset().0, shape, self.device).map_err(failed)?)
    }
}

/// `[1, channel, …]` as planes.
pub(super) fn array(value: &Tensor) -> Result<Array3<f32>, AnalysisError> {
    planes(value).map_err(|source| failed(source).into())
}

/// `[1, channel, y, x]`, or `[1, channel]` as planes of one pixel.
pub(in crate::analysis) fn planes(value: &Tensor) -> candle_core::Result<Array3<f32>> {
    let shape = match *value.dims() {
        [_, channels, height, width] => (channels, height, width),
        _ => (value.elem_count(), 1, 1),
    };
    let values: Vec<f32> = value.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
    Array3::from_shape_vec(shape, values).map_err(|error| candle_core::Error::Msg(error.to_string()))
}

fn failed(source: candle_core::Error) -> NetworkError {
    NetworkError::Compute { node: "score".into(), source }
}

/// The network as far as its class scores: without softmax and what else at its end only hands them on.
fn scores_of(graph: &Graph) -> Result<Graph, AnalysisError> {
    let mut last = graph.nodes().len().saturating_sub(1);
    while let Op::Softmax { axis: 0 } | Op::LogSoftmax { axis: 0 } | Op::Identity = graph.nodes()[last].op {
        last = graph.inputs_of(last)[0];
    }
    Ok(graph.up_to(last)?)
}
