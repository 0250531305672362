//! How operations are named and described to people.

use super::{Between, Extent, Op, PadMode, PoolKind, Pooling, Resample, ResizeTo, Resizing};

impl Op {
    /// The kind as people write it: `Conv2d`, `ReLU`, `MaxPool2d`….
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input { .. } => "Input",
            Self::Array { .. } => "Array",
            Self::Constant { .. } => "Constant",
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
            Self::Softmax { .. } => "Softmax",
            Self::LogSoftmax { .. } => "LogSoftmax",
            Self::Map { .. } => "Map",
            Self::Combine { .. } => "Combine",
            Self::Where => "Where",
            Self::GroupNorm { channels, groups, .. } if channels == groups => "InstanceNorm",
            Self::GroupNorm { .. } => "GroupNorm",
            Self::LayerNorm { .. } => "LayerNorm",
            Self::LocalResponseNorm { .. } => "LocalResponseNorm",
            Self::MaxPool2d { .. } => "MaxPool2d",
            Self::AvgPool2d { .. } => "AvgPool2d",
            Self::Pool(Pooling { kind: PoolKind::Max, .. }) => "MaxPool",
            Self::Pool(Pooling { kind: PoolKind::Average, .. }) => "AvgPool",
            Self::AdaptiveAvgPool2d { .. } => "AdaptiveAvgPool2d",
            Self::Reduce { .. } => "Reduce",
            Self::ArgMax { .. } => "ArgMax",
            Self::ArgMin { .. } => "ArgMin",
            Self::GlobalAvgPool => "GlobalAvgPool",
            Self::Upsample { .. } => "Upsample",
            Self::Resize(_) => "Resize",
            Self::Concat { .. } => "Concat",
            Self::Add => "Add",
            Self::MatMul => "MatMul",
            Self::Reshape { .. } => "Reshape",
            Self::Permute { .. } => "Permute",
            Self::Expand { .. } => "Expand",
            Self::Tile { .. } => "Tile",
            Self::Slice { .. } => "Slice",
            Self::Gather { .. } => "Gather",
            Self::Pad { .. } => "Pad",
            Self::CenterCrop => "CenterCrop",
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
            other => other.further_attributes(),
        }
    }

    fn further_attributes(&self) -> String {
        match self {
            Self::Array { shape } | Self::Constant { shape } | Self::Expand { shape } => times(shape),
            Self::Softmax { axis } | Self::LogSoftmax { axis } | Self::Concat { axis } if *axis > 0 => {
                format!("along axis {axis}")
            }
            Self::Map { function } => function.text(),
            Self::Combine { function } => function.text().into(),
            Self::GroupNorm { channels, groups, .. } if channels == groups => format!("{channels} channels"),
            Self::GroupNorm { channels, groups, .. } => format!("{channels} channels in {groups} groups"),
            Self::LayerNorm { shape, .. } => format!("over {}", times(shape)),
            Self::LocalResponseNorm { size, .. } => format!("across {size} channels"),
            Self::AdaptiveAvgPool2d { size } => format!("to {}", times(size)),
            Self::Reduce { function, axes, .. } => format!("{} along {}", function.text(), axes_text(axes)),
            Self::ArgMax { axis, .. } | Self::ArgMin { axis, .. } => format!("along axis {axis}"),
            Self::Reshape { shape } => format!("to {}", extents(shape)),
            Self::Permute { axes } => axes.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
            Self::Tile { repeats } => format!("{} copies", times(repeats)),
            Self::Slice { axis, start, end, step } => slice(*axis, *start, *end, *step),
            Self::Gather { axis, indices, .. } => format!("{} of axis {axis}", indices.len()),
            Self::Pad { before, after, mode } => padding(before, after, *mode),
            Self::Pool(pooling) => pooling.text(),
            Self::Resize(resizing) => resizing.text(),
            _ => String::new(),
        }
    }
}

fn times(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

fn axes_text(axes: &[usize]) -> String {
    let list: Vec<String> = axes.iter().map(usize::to_string).collect();
    format!("{} {}", if list.len() == 1 { "axis" } else { "axes" }, list.join(", "))
}

fn extents(shape: &[Extent]) -> String {
    let text = |extent: &Extent| match extent {
        Extent::Size(n) => n.to_string(),
        Extent::Rest => "rest".into(),
        Extent::Of { axis, .. } => format!("[{axis}]"),
    };
    shape.iter().map(text).collect::<Vec<_>>().join("×")
}

fn slice(axis: usize, start: i64, end: i64, step: i64) -> String {
    let bound = |n: i64| if n.unsigned_abs() > i64::MAX as u64 / 2 { String::new() } else { n.to_string() };
    let step = if step == 1 { String::new() } else { format!(":{step}") };
    format!("[{}:{}{step}] of axis {axis}", bound(start), bound(end))
}

fn padding(before: &[i64], after: &[i64], mode: PadMode) -> String {
    let sides: Vec<String> = before.iter().zip(after).map(|(a, b)| format!("{a}+{b}")).collect();
    let mode = match mode {
        PadMode::Constant { value } => format!("of {value}"),
        PadMode::Reflect => "mirrored".into(),
        PadMode::Edge => "of the edge".into(),
        PadMode::Wrap => "wrapped".into(),
    };
    format!("{} {mode}", sides.join(", "))
}

impl Pooling {
    fn text(&self) -> String {
        let border = self.before.iter().chain(&self.after).any(|&n| n > 0);
        let parts = [
            Some(times(&self.kernel)),
            Some(format!("stride {}", times(&self.stride))),
            border.then(|| format!("padding {}+{}", times(&self.before), times(&self.after))),
            self.dilation.iter().any(|&n| n > 1).then(|| format!("dilation {}", times(&self.dilation))),
            self.ceil.then(|| "rounded up".into()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Resizing {
    fn text(&self) -> String {
        let scales = |scales: &[f64]| scales.iter().map(f64::to_string).collect::<Vec<_>>().join("×");
        let to = match &self.to {
            ResizeTo::Scales(factors) => format!("by {}", scales(factors)),
            ResizeTo::Sizes(sizes) => format!("to {}", times(sizes)),
            ResizeTo::NotLarger(sizes) => format!("to {} at most", times(sizes)),
            ResizeTo::NotSmaller(sizes) => format!("to {} at least", times(sizes)),
            ResizeTo::Like => "to the second input's size".into(),
        };
        let between = match self.between {
            Between::Nearest(_) => "nearest",
            Between::Linear => "linear",
            Between::Cubic { .. } => "cubic",
        };
        format!("{to}, {between}")
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
