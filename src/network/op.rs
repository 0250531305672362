//! The operations a node can be. Semantics and defaults are PyTorch's.

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
    /// The kind as people write it: `Conv2d`, `ReLU`, `MaxPool2d`….
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input { .. } => "Input",
            Self::Conv2d { .. } => "Conv2d",
            Self::ConvTranspose2d { .. } => "ConvTranspose2d",
            Self::Linear { .. } => "Linear",
            Self::BatchNorm2d { .. } => "BatchNorm2d",
            Self::Relu => "ReLU",
            Self::LeakyRelu { .. } => "LeakyReLU",
            Self::Gelu => "GELU",
            Self::Silu => "SiLU",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Softmax => "Softmax",
            Self::MaxPool2d { .. } => "MaxPool2d",
            Self::AvgPool2d { .. } => "AvgPool2d",
            Self::GlobalAvgPool => "GlobalAvgPool",
            Self::Upsample { .. } => "Upsample",
            Self::Concat => "Concat",
            Self::Add => "Add",
            Self::Flatten => "Flatten",
            Self::Dropout { .. } => "Dropout",
            Self::Identity => "Identity",
        }
    }

    /// One line of its attributes: "3×3, stride 1, padding 1". What is off or 1 and rarely used is left out.
    #[must_use]
    pub fn attributes(&self) -> String {
        match self {
            Self::Input { channels: 1 } => "1 channel".into(),
            Self::Input { channels } | Self::BatchNorm2d { channels, .. } => format!("{channels} channels"),
            Self::Conv2d { kernel, stride, padding, dilation, groups, bias, .. } => {
                window(*kernel, *stride, *padding) + &extras([0, 0], *dilation, *groups, *bias)
            }
            Self::ConvTranspose2d {
                kernel, stride, padding, output_padding, dilation, groups, bias, ..
            } => window(*kernel, *stride, *padding) + &extras(*output_padding, *dilation, *groups, *bias),
            Self::Linear { in_features, out_features, bias } => {
                format!("{in_features} → {out_features}{}", if *bias { "" } else { ", no bias" })
            }
            Self::LeakyRelu { slope } => format!("slope {slope}"),
            Self::MaxPool2d { kernel, stride, padding } | Self::AvgPool2d { kernel, stride, padding } => {
                window(*kernel, *stride, *padding)
            }
            Self::Upsample { scale, resample } => match resample {
                Resample::Nearest => format!("×{scale}, nearest"),
                Resample::Bilinear => format!("×{scale}, bilinear"),
            },
            Self::Dropout { p } => format!("p {p}"),
            _ => String::new(),
        }
    }

    /// True for what only looks at one pixel (or feature) at a time and keeps the shape.
    #[must_use]
    pub fn is_pointwise(&self) -> bool {
        matches!(
            self,
            Self::BatchNorm2d { .. }
                | Self::Relu
                | Self::LeakyRelu { .. }
                | Self::Gelu
                | Self::Silu
                | Self::Sigmoid
                | Self::Tanh
                | Self::Softmax
                | Self::Dropout { .. }
                | Self::Identity
        )
    }
}

fn window(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> String {
    format!("{}×{}, stride {}, padding {}", kernel[0], kernel[1], pair(stride), pair(padding))
}

fn extras(output_padding: [usize; 2], dilation: [usize; 2], groups: usize, bias: bool) -> String {
    let parts = [
        (output_padding != [0, 0]).then(|| format!(", output padding {}", pair(output_padding))),
        (dilation != [1, 1]).then(|| format!(", dilation {}", pair(dilation))),
        (groups != 1).then(|| format!(", {groups} groups")),
        (!bias).then(|| ", no bias".to_owned()),
    ];
    parts.into_iter().flatten().collect()
}

fn pair([y, x]: [usize; 2]) -> String {
    if y == x { y.to_string() } else { format!("{y}×{x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_read_like_a_sentence_and_leave_out_defaults() {
        let conv = Op::Conv2d {
            in_channels: 4,
            out_channels: 8,
            kernel: [3, 5],
            stride: [1, 2],
            padding: [1, 1],
            dilation: [2, 2],
            groups: 4,
            bias: false,
        };
        assert_eq!(conv.attributes(), "3×5, stride 1×2, padding 1, dilation 2, 4 groups, no bias");
        let pool = Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
        assert_eq!(pool.attributes(), "2×2, stride 2, padding 0");
        let up = Op::ConvTranspose2d {
            in_channels: 8,
            out_channels: 4,
            kernel: [3, 3],
            stride: [2, 2],
            padding: [1, 1],
            output_padding: [1, 1],
            dilation: [1, 1],
            groups: 1,
            bias: true,
        };
        assert_eq!(up.attributes(), "3×3, stride 2, padding 1, output padding 1");
        assert_eq!(Op::Input { channels: 1 }.attributes(), "1 channel");
        assert_eq!(Op::Linear { in_features: 400, out_features: 120, bias: true }.attributes(), "400 → 120");
        assert_eq!(Op::Upsample { scale: 2, resample: Resample::Bilinear }.attributes(), "×2, bilinear");
        assert_eq!(Op::Relu.attributes(), "");
        assert_eq!(Op::Relu.kind(), "ReLU");
    }
}
