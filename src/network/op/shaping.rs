//! Attributes of the operations that move values rather than compute them: resizing, pooling, padding, reshaping.

use serde::{Deserialize, Serialize};

/// What a pooling keeps of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    Max,
    Average,
}

/// Pooling over the last axes, one number of each list an axis; semantics are those of ONNX's `MaxPool` and
/// `AveragePool`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pooling {
    pub kind: PoolKind,
    pub kernel: Vec<usize>,
    pub stride: Vec<usize>,
    /// Border before the first value.
    pub before: Vec<usize>,
    /// Border behind the last value.
    pub after: Vec<usize>,
    pub dilation: Vec<usize>,
    /// Whether a last window may reach beyond the border (but begins within the image or the border before it).
    pub ceil: bool,
    /// Whether the border counts in the mean; what lies beyond it never does.
    pub count_padding: bool,
}

/// One axis of a shape to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    Size(usize),
    /// Whatever is left; once at most.
    Rest,
    /// As long as that axis of that input (both counted from 0, the batch apart).
    Of {
        input: usize,
        axis: usize,
    },
}

/// What stands beyond a border.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    Constant {
        value: f64,
    },
    /// The image mirrored about its outermost values, which are not repeated.
    Reflect,
    /// The outermost value again and again.
    Edge,
    /// The image once more.
    Wrap,
}

/// How large a resized image is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeTo {
    /// A factor an axis, all axes but the batch; sizes are rounded down.
    Scales(Vec<f64>),
    /// A size an axis, all axes but the batch.
    Sizes(Vec<usize>),
    /// As large along the last axes as these sizes allow with one scale for all of them: not larger than any.
    NotLarger(Vec<usize>),
    /// The same, not smaller than any.
    NotSmaller(Vec<usize>),
    /// As high and wide as the second input.
    Like,
}

/// Which neighbour stands for a place between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nearest {
    /// The nearer, of two equally near ones the first.
    RoundPreferFloor,
    /// The nearer, of two equally near ones the second.
    RoundPreferCeil,
    Floor,
    Ceil,
}

/// How values between places are found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    Nearest(Nearest),
    Linear,
    /// Keys' cubic convolution with that coefficient: −0.5 and −0.75 are usual.
    Cubic {
        a: f64,
    },
}

/// Which place of the image a place of the result stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// (x + 0.5) / scale − 0.5: pixels are areas.
    HalfPixel,
    /// The same, about the centre where rounding changed the size.
    HalfPixelSymmetric,
    /// As half pixel, but 0 where the result is one pixel.
    PytorchHalfPixel,
    /// Corners upon corners: x · (n − 1) / (m − 1).
    AlignCorners,
    /// x / scale.
    Asymmetric,
    /// A region given by its ends as shares of each axis, all axes but the batch; beyond the image stands `outside`.
    CropAndResize { start: Vec<f64>, end: Vec<f64>, outside: f64 },
}

/// Resizing by the rules of ONNX's operator `Resize` (opset 19).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resizing {
    pub to: ResizeTo,
    pub between: Between,
    pub coordinates: Coordinates,
    /// Whether weights of places outside the image are given to those inside.
    #[serde(default)]
    pub exclude_outside: bool,
    /// Whether the kernel widens where the image shrinks.
    #[serde(default)]
    pub antialias: bool,
}
