//! The operations a node can be. Semantics and defaults are PyTorch's, and ONNX's where PyTorch has none.
//!
//! Axes count without the batch: axis 0 is the channel.

mod attributes;
mod functions;
mod shaping;

pub use functions::{Function, Pairing, Reduction};
pub use shaping::{Between, Coordinates, Extent, Nearest, PadMode, PoolKind, Pooling, ResizeTo, Resizing};

use serde::{Deserialize, Serialize};

/// How an upsampling fills the pixels between (`align_corners = false`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    Nearest,
    Bilinear,
}

/// One operation. Pairs are `[y, x]`; channels are the network's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Where the image enters: `[channels, y, x]`.
    Input {
        channels: usize,
    },
    /// Where an array that is no image enters.
    Array {
        shape: Vec<usize>,
    },
    /// Numbers of the model, the same for every image of a batch.
    Constant {
        shape: Vec<usize>,
    },
    Conv2d {
        in_channels: usize,
        out_channels: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        groups: usize,
        bias: bool,
    },
    ConvTranspose2d {
        in_channels: usize,
        out_channels: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
        dilation: [usize; 2],
        groups: usize,
        bias: bool,
    },
    Linear {
        in_features: usize,
        out_features: usize,
        bias: bool,
    },
    BatchNorm2d {
        channels: usize,
        eps: f64,
    },
    Relu,
    LeakyRelu {
        slope: f64,
    },
    Gelu,
    Silu,
    Sigmoid,
    Tanh,
    Softmax {
        #[serde(default, skip_serializing_if = "is_first")]
        axis: usize,
    },
    LogSoftmax {
        #[serde(default, skip_serializing_if = "is_first")]
        axis: usize,
    },
    Map {
        function: Function,
    },
    /// Two inputs, repeated along axes where one has size 1 (NumPy's broadcasting, aligned from the right).
    Combine {
        function: Pairing,
    },
    /// The second input where the first is not 0, else the third; repeated as in `Combine`.
    Where,
    /// Each image by its own statistics over groups of channels (Wu and He 2018, arXiv:1803.08494); a group a channel is
    /// instance norm.
    GroupNorm {
        channels: usize,
        groups: usize,
        eps: f64,
    },
    /// Over the last axes, which have this shape (Ba et al. 2016, arXiv:1607.06450).
    LayerNorm {
        shape: Vec<usize>,
        eps: f64,
    },
    /// Across `size` channels (Krizhevsky et al. 2012): x / (k + alpha / size · Σx²)^beta.
    LocalResponseNorm {
        size: usize,
        alpha: f64,
        beta: f64,
        k: f64,
    },
    MaxPool2d {
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    },
    /// Padding counts in the mean (`count_include_pad = true`).
    AvgPool2d {
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    },
    /// What the two above do not say: borders on one side, dilation, other numbers of axes.
    Pool(Pooling),
    /// To `size` means of windows that share the image evenly.
    AdaptiveAvgPool2d {
        size: [usize; 2],
    },
    /// `[c, y, x]` to `[c, 1, 1]`.
    GlobalAvgPool,
    Reduce {
        function: Reduction,
        axes: Vec<usize>,
        /// Whether the axes stay, with size 1.
        keep: bool,
    },
    /// Where the largest value stands along an axis, the first (or `last`) of several.
    ArgMax {
        axis: usize,
        keep: bool,
        last: bool,
    },
    ArgMin {
        axis: usize,
        keep: bool,
        last: bool,
    },
    Upsample {
        scale: usize,
        resample: Resample,
    },
    Resize(Resizing),
    Concat {
        #[serde(default, skip_serializing_if = "is_first")]
        axis: usize,
    },
    Add,
    /// Matrix products over the last two axes, the others repeated as in `Combine`.
    MatMul,
    Flatten,
    /// Further inputs only lend their sizes.
    Reshape {
        shape: Vec<Extent>,
    },
    /// The axes in another order: axis i of the result is axis `axes[i]`.
    Permute {
        axes: Vec<usize>,
    },
    /// Repeated along axes of size 1, and before the first, until it has this shape or a larger one.
    Expand {
        shape: Vec<usize>,
    },
    /// That many copies along each axis.
    Tile {
        repeats: Vec<usize>,
    },
    /// Every `step`-th value from `start` up to `end`, which is not among them; negative ones count from the end, ends
    /// beyond the axis are taken as its ends.
    Slice {
        axis: usize,
        start: i64,
        end: i64,
        step: i64,
    },
    /// The values of an axis at these places, which stand in its stead with this shape; negative ones count from the end.
    Gather {
        axis: usize,
        indices: Vec<i64>,
        shape: Vec<usize>,
    },
    /// Before and behind, a number an axis; negative ones cut off.
    Pad {
        before: Vec<i64>,
        after: Vec<i64>,
        mode: PadMode,
    },
    /// The middle of the first input, as high and wide as the second.
    CenterCrop,
    Dropout {
        p: f64,
    },
    Identity,
}

/// Whether an axis is the channel's, which needs no word.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference
fn is_first(axis: &usize) -> bool {
    *axis == 0
}
