//! Where y and x are among the axes of each value, and how each operation moves the positions along them.

use super::shape::slice;
use super::windows::{Sampling, Slide, Spot};
use super::{Between, Coordinates, Extent, Graph, Nearest, Node, Op, PadMode, Pooling, Resample, Resizing};

/// What an operation does to the positions along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Move {
    /// Every output reads its own position of each input.
    Keep,
    Slide(Slide),
    /// A transposed convolution.
    Spread(Slide),
    Sample(Sampling),
    /// Sampled to the grid of the second input.
    Like(Spot),
    /// The middle of the first input, as long as the second.
    Crop,
    /// Every output may read every position; the grid stays.
    Mix,
}

/// Longer steps leave one value, as a rule.
const MOST_STEP: i64 = 4096;

/// How a node's value lies over the image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Axes of the value, the batch apart.
    rank: usize,
    /// Which of them are y and x, and what the node does along both; `None` where there are no positions.
    pub(super) on_image: Option<([usize; 2], [Move; 2])>,
    /// Whether nothing of the image is in it.
    pub(super) constant: bool,
}

/// One a node. What depends on the image's size is known only where the shapes of all nodes are given: otherwise such a
/// node has no positions.
pub(super) fn layouts(graph: &Graph, shapes: Option<&[Vec<usize>]>) -> Vec<Layout> {
    let mut all: Vec<Layout> = Vec::with_capacity(graph.nodes().len());
    for (index, node) in graph.nodes().iter().enumerate() {
        let from = graph.inputs_of(index);
        let inputs: Vec<&Layout> = from.iter().map(|&input| &all[input]).collect();
        let sizes = shapes.and_then(|shapes| Some([&shapes[*from.first()?][..], &shapes[index][..]]));
        let constant = match node.op {
            Op::Input { .. } | Op::Array { .. } => false,
            _ => inputs.iter().all(|input| input.constant),
        };
        let rank = rank(&node.op, &inputs);
        let on_image = if constant { None } else { moved(node, &inputs, rank, sizes) };
        all.push(Layout { rank, on_image, constant });
    }
    all
}

/// For each node whether its value is planes `[channel, y, x]` of the image.
#[must_use]
pub fn planes_of_image(graph: &Graph) -> Vec<bool> {
    let planes = |layout: Layout| layout.rank == 3 && matches!(layout.on_image, Some(([1, 2], _)));
    layouts(graph, None).into_iter().map(planes).collect()
}

/// Axes of an operation's value.
fn rank(op: &Op, inputs: &[&Layout]) -> usize {
    let first = inputs.first().map_or(0, |input| input.rank);
    match op {
        Op::Input { .. } => 3,
        Op::Array { shape } | Op::Constant { shape } => shape.len(),
        Op::Linear { .. } | Op::Flatten => 1,
        Op::Reduce { axes, keep: false, .. } => (0..first).filter(|axis| !axes.contains(axis)).count(),
        Op::ArgMax { keep: false, .. } | Op::ArgMin { keep: false, .. } => first.saturating_sub(1),
        Op::Reshape { shape } => shape.len(),
        Op::Expand { shape } => first.max(shape.len()),
        Op::Gather { shape, .. } => (first + shape.len()).saturating_sub(1),
        Op::Combine { .. } | Op::Where | Op::Add | Op::MatMul => {
            inputs.iter().map(|input| input.rank).max().unwrap_or(0)
        }
        _ => first,
    }
}

/// Shapes of a node's first input and of its value.
type Sizes<'a> = Option<[&'a [usize]; 2]>;

fn moved(node: &Node, inputs: &[&Layout], rank: usize, sizes: Sizes<'_>) -> Option<([usize; 2], [Move; 2])> {
    if let Op::Input { .. } = node.op {
        return Some(([1, 2], [Move::Keep; 2]));
    }
    let read = if lends_sizes(&node.op) { 1 } else { inputs.len() };
    let mut place = None;
    for input in inputs.iter().take(read).filter(|input| !input.constant) {
        // Values of fewer axes are aligned from the right.
        let shift = if aligns(&node.op) { rank - input.rank } else { 0 };
        let here = input.on_image.as_ref()?.0.map(|axis| axis + shift);
        if *place.get_or_insert(here) != here {
            return None;
        }
    }
    let place = place?;
    if let Some(moves) = on_planes(&node.op, sizes).filter(|_| place == [1, 2]) {
        return Some(([1, 2], moves?));
    }
    rearranged(&node.op, inputs, place, sizes)
}

/// Whether an operation reads its first input alone, and of the others the sizes.
pub(super) fn lends_sizes(op: &Op) -> bool {
    matches!(op, Op::Reshape { .. } | Op::CenterCrop | Op::Resize(_))
}

fn aligns(op: &Op) -> bool {
    matches!(op, Op::Combine { .. } | Op::Where | Op::Add | Op::MatMul | Op::Expand { .. })
}

/// Operations that take planes `[channel, y, x]`, inner `None` where no positions are left; outer `None`: another one.
fn on_planes(op: &Op, sizes: Sizes<'_>) -> Option<Option<[Move; 2]>> {
    let slides = |kernel: &[usize; 2], stride: &[usize; 2], padding: &[usize; 2], dilation: &[usize; 2]| {
        [0, 1].map(|axis| Slide {
            kernel: kernel[axis] as i64,
            stride: stride[axis] as i64,
            padding: padding[axis] as i64,
            dilation: dilation[axis] as i64,
        })
    };
    Some(match op {
        Op::Conv2d { kernel, stride, padding, dilation, .. } => {
            Some(slides(kernel, stride, padding, dilation).map(Move::Slide))
        }
        Op::ConvTranspose2d { kernel, stride, padding, dilation, .. } => {
            Some(slides(kernel, stride, padding, dilation).map(Move::Spread))
        }
        Op::MaxPool2d { kernel, stride, padding } | Op::AvgPool2d { kernel, stride, padding } => {
            Some(slides(kernel, stride, padding, &[1, 1]).map(Move::Slide))
        }
        Op::BatchNorm2d { .. } => Some([Move::Keep; 2]),
        Op::Upsample { scale, resample } => {
            let spot = match resample {
                Resample::Nearest => Spot::repeated(),
                Resample::Bilinear => Spot { centred: true, rounding: None, reach: 1, widens: false },
            };
            Some([Move::Sample(Sampling { inputs: 1, outputs: *scale as i64, spot }); 2])
        }
        Op::AdaptiveAvgPool2d { size } => sizes.map(|[from, _]| {
            [0, 1].map(|axis| Move::Sample(Sampling::shared(from[axis + 1] as i64, size[axis] as i64)))
        }),
        Op::CenterCrop => match sizes {
            None => Some([Move::Crop; 2]),
            Some([from, to]) => Some([1, 2].map(|axis| {
                let cut = from[axis].saturating_sub(to[axis]) / 2;
                Move::Slide(Slide::shifted(cut as i64))
            })),
        },
        Op::GroupNorm { .. } => Some([Move::Mix; 2]),
        Op::GlobalAvgPool | Op::Linear { .. } | Op::Flatten => None,
        _ => return None,
    })
}

/// Operations on values with y and x at any place.
fn rearranged(
    op: &Op,
    inputs: &[&Layout],
    place: [usize; 2],
    sizes: Sizes<'_>,
) -> Option<([usize; 2], [Move; 2])> {
    let rank = inputs.first()?.rank;
    let keep = |place: [usize; 2]| Some((place, [Move::Keep; 2]));
    let unless = |touched: bool| if touched { Some((place, [Move::Mix; 2])) } else { keep(place) };
    let each = |f: &dyn Fn(usize) -> Option<Move>| Some((place, [f(place[0])?, f(place[1])?]));
    match op {
        Op::Softmax { axis } | Op::LogSoftmax { axis } => unless(place.contains(axis)),
        Op::LayerNorm { shape, .. } => unless(place.iter().any(|&axis| axis + shape.len() >= rank)),
        Op::LocalResponseNorm { .. } => unless(place.contains(&0)),
        Op::Pool(pooling) => each(&|axis| Some(pooling_move(pooling, axis, rank))),
        Op::Resize(resizing) => each(&|axis| resizing_move(resizing, axis, sizes)),
        Op::Slice { axis, start, end, step } => each(&|at| {
            let first = match sizes {
                _ if at != *axis => return Some(Move::Keep),
                Some([from, _]) => slice(from[at], *start, *end, *step).0 as i64,
                None => (*start >= 0).then_some(*start)?,
            };
            (1..=MOST_STEP)
                .contains(step)
                .then_some(Move::Slide(Slide { stride: *step, ..Slide::shifted(first) }))
        }),
        Op::Pad { before, mode, after } => each(&|axis| match (mode, before.get(axis)?, after.get(axis)?) {
            (_, 0, 0) => Some(Move::Keep),
            (PadMode::Wrap, ..) => Some(Move::Mix),
            (_, before, _) => Some(Move::Slide(Slide::shifted(-before))),
        }),
        Op::Concat { axis } if place.contains(axis) => None,
        Op::Reduce { axes, keep: stays, .. } => reduced(place, axes, *stays).and_then(keep),
        Op::ArgMax { axis, keep: stays, .. } | Op::ArgMin { axis, keep: stays, .. } => {
            reduced(place, &[*axis], *stays).and_then(keep)
        }
        Op::Permute { axes } => {
            let to = |axis: usize| axes.iter().position(|&from| from == axis);
            keep([to(place[0])?, to(place[1])?])
        }
        Op::Tile { repeats } if place.iter().any(|&axis| repeats.get(axis) != Some(&1)) => None,
        Op::Gather { axis, shape, .. } if !place.contains(axis) => {
            keep(place.map(|at| if at > *axis { at + shape.len() - 1 } else { at }))
        }
        Op::Reshape { shape } => reshaped(shape, rank, place, sizes).and_then(keep),
        Op::MatMul => multiplied(inputs, place).then_some((place, [Move::Keep; 2])),
        // What takes planes, and is given something else.
        Op::Conv2d { .. }
        | Op::ConvTranspose2d { .. }
        | Op::MaxPool2d { .. }
        | Op::AvgPool2d { .. }
        | Op::AdaptiveAvgPool2d { .. }
        | Op::GlobalAvgPool
        | Op::BatchNorm2d { .. }
        | Op::GroupNorm { .. }
        | Op::Upsample { .. }
        | Op::CenterCrop
        | Op::Linear { .. }
        | Op::Flatten
        | Op::Gather { .. } => None,
        _ => keep(place),
    }
}

fn pooling_move(pooling: &Pooling, axis: usize, rank: usize) -> Move {
    let Some(at) = (axis + pooling.kernel.len()).checked_sub(rank) else { return Move::Keep };
    Move::Slide(Slide {
        kernel: pooling.kernel[at] as i64,
        stride: pooling.stride[at] as i64,
        padding: pooling.before[at] as i64,
        dilation: pooling.dilation[at] as i64,
    })
}

/// `None` where the scale depends on a size that is not known.
fn resizing_move(resizing: &Resizing, axis: usize, sizes: Sizes<'_>) -> Option<Move> {
    let (rounding, reach) = match resizing.between {
        Between::Nearest(nearest) => (Some(nearest), 0),
        Between::Linear => (None, 1),
        Between::Cubic { .. } => (None, 2),
    };
    let centred = !matches!(resizing.coordinates, Coordinates::Asymmetric | Coordinates::AlignCorners);
    let spot = Spot { centred, rounding, reach, widens: resizing.antialias };
    let scale = match sizes {
        Some([from, _]) => resizing.to.scale(from, axis),
        None => resizing.to.scale(&[], axis),
    };
    let (inputs, outputs) = match (scale, sizes, &resizing.to) {
        (Some(scale), ..) => fraction(scale)?,
        (None, Some([from, to]), _) => (from[axis] as i64, to[axis] as i64),
        (None, None, super::ResizeTo::Like) => return centred_only(resizing).then_some(Move::Like(spot)),
        (None, None, _) => return None,
    };
    match (&resizing.coordinates, sizes) {
        (Coordinates::CropAndResize { start, end, .. }, _) => {
            let whole = start.get(axis) == Some(&0.0) && end.get(axis) == Some(&1.0) && inputs == outputs;
            Some(if whole { Move::Keep } else { Move::Mix })
        }
        _ if inputs == outputs => Some(Move::Keep),
        (Coordinates::AlignCorners, Some([from, to])) if to[axis] > 1 => {
            Some(Move::Sample(Sampling { inputs: from[axis] as i64 - 1, outputs: to[axis] as i64 - 1, spot }))
        }
        (Coordinates::AlignCorners, _) => Some(Move::Mix),
        // In the middle of the image, which is elsewhere where the size is rounded.
        (Coordinates::HalfPixelSymmetric, _) if inputs != 1 => Some(Move::Mix),
        _ => Some(Move::Sample(Sampling { inputs, outputs, spot })),
    }
}

fn centred_only(resizing: &Resizing) -> bool {
    matches!(
        resizing.coordinates,
        Coordinates::HalfPixel | Coordinates::PytorchHalfPixel | Coordinates::Asymmetric
    )
}

/// A scale as inputs for outputs, if it is one of small numbers.
fn fraction(scale: f64) -> Option<(i64, i64)> {
    const MOST: i64 = 1024;
    // Scales are often stored in single precision.
    (1..=MOST).find_map(|inputs| {
        let outputs = (scale * inputs as f64).round();
        let near = (outputs / inputs as f64 / scale - 1.0).abs() < 1e-7;
        (near && outputs >= 1.0 && outputs <= (MOST * MOST) as f64).then_some((inputs, outputs as i64))
    })
}

/// Where y and x are once some axes are one value; `None` where they are among those.
fn reduced(place: [usize; 2], axes: &[usize], keep: bool) -> Option<[usize; 2]> {
    if place.iter().any(|axis| axes.contains(axis)) {
        return None;
    }
    if keep {
        return Some(place);
    }
    Some(place.map(|at| at - (0..at).filter(|axis| axes.contains(axis)).count()))
}

/// A new shape leaves y and x where they are the last axes before and behind.
fn reshaped(shape: &[Extent], rank: usize, place: [usize; 2], sizes: Sizes<'_>) -> Option<[usize; 2]> {
    let first = shape.len().checked_sub(2)?;
    let same = |at: usize| match (shape[first + at], sizes) {
        (Extent::Of { input: 0, axis }, _) if axis == place[at] => true,
        (_, Some([from, to])) => from[place[at]] == to[first + at],
        _ => false,
    };
    (rank >= 2 && place == [rank - 2, rank - 1] && same(0) && same(1)).then_some([first, first + 1])
}

/// Whether a product with constants mixes other axes than y and x.
fn multiplied(inputs: &[&Layout], place: [usize; 2]) -> bool {
    let [a, b] = inputs else { return false };
    let rank = a.rank.max(b.rank);
    let mixed = match (a.constant, b.constant) {
        (false, true) => 1,
        (true, false) => 2,
        _ => return false,
    };
    !place.contains(&(rank - mixed))
}

impl Spot {
    /// Every input is repeated.
    fn repeated() -> Self {
        Self { centred: false, rounding: Some(Nearest::Floor), reach: 0, widens: false }
    }
}
