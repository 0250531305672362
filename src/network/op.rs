//! The operations a node can be. Semantics and defaults are PyTorch's.
use serde::{Deserialize, Serialize};

/// How an upsampling fills the pixels between (align_corners = false).
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
    /// Over the channel (or feature) axis.
    Softmax,
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
    /// `[c, y, x]` to `[c, 1, 1]`.
    GlobalAvgPool,
    Upsample {
        scale: usize,
        resample: Resample,
    },
    /// Along channels.
    Concat,
    Add,
    Flatten,
    Dropout {
        p: f64,
    },
    Identity,
}

impl Op {
    /// The kind as people write it: "Conv2d", "ReLU", "MaxPool2d"….
    #[must_use]
    pub fn kind(&self) -> &'static str {
        todo!()
    }
    /// One line of its attributes: "3×3, stride 1, padding 1".
    #[must_use]
    pub fn attributes(&self) -> String {
        todo!()
    }
}
