//! Kinds of operations that look alike in a drawing.

use crate::network::Op;

/// What a box's colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Input, array or constant.
    Source,
    /// Convolutions and transposed convolutions.
    Convolution,
    /// Linear layers and matrix products.
    Dense,
    Norm,
    Activation,
    /// What makes the image smaller.
    Pooling,
    /// What makes the image larger.
    Upsampling,
    /// Additions, concatenations and other meetings.
    Joining,
    /// What only moves values.
    Shaping,
    /// A folded group.
    Group,
}

impl Family {
    pub const ALL: [Self; 10] = [
        Self::Source,
        Self::Convolution,
        Self::Dense,
        Self::Norm,
        Self::Activation,
        Self::Pooling,
        Self::Upsampling,
        Self::Joining,
        Self::Shaping,
        Self::Group,
    ];

    #[must_use]
    pub fn of(op: &Op) -> Self {
        match op {
            Op::Input { .. } | Op::Array { .. } | Op::Constant { .. } => Self::Source,
            Op::Conv2d { .. } => Self::Convolution,
            Op::ConvTranspose2d { .. } | Op::Upsample { .. } | Op::Resize(_) => Self::Upsampling,
            Op::Linear { .. } | Op::MatMul => Self::Dense,
            Op::BatchNorm2d { .. }
            | Op::GroupNorm { .. }
            | Op::LayerNorm { .. }
            | Op::LocalResponseNorm { .. } => Self::Norm,
            Op::Relu
            | Op::LeakyRelu { .. }
            | Op::Gelu
            | Op::Silu
            | Op::Sigmoid
            | Op::Tanh
            | Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::Map { .. } => Self::Activation,
            Op::MaxPool2d { .. }
            | Op::AvgPool2d { .. }
            | Op::Pool(_)
            | Op::AdaptiveAvgPool2d { .. }
            | Op::GlobalAvgPool
            | Op::Reduce { .. }
            | Op::ArgMax { .. }
            | Op::ArgMin { .. } => Self::Pooling,
            Op::Concat { .. } | Op::Add | Op::Combine { .. } | Op::Where => Self::Joining,
            _ => Self::Shaping,
        }
    }

    /// A word for legends.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "input",
            Self::Convolution => "convolution",
            Self::Dense => "dense",
            Self::Norm => "norm",
            Self::Activation => "activation",
            Self::Pooling => "pooling",
            Self::Upsampling => "upsampling",
            Self::Joining => "joining",
            Self::Shaping => "shaping",
            Self::Group => "group",
        }
    }
}
