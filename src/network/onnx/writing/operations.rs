//! One node of ours as operators of ONNX.

use super::builder::{Builder, flag, float, int, ints, text, with_batch};
use super::functions::reduce;
use super::sizes::Sizes;
use crate::network::{Coordinates, Graph, NetworkError, Node, Op, PadMode, PoolKind, Resample, ResizeTo};

/// A node with all that is known around it.
pub(super) struct Site<'a> {
    pub(super) graph: &'a Graph,
    pub(super) sizes: &'a Sizes,
    pub(super) index: usize,
    pub(super) node: &'a Node,
    /// Indices of the nodes it reads.
    pub(super) inputs: Vec<usize>,
    /// For each node so far whether it has a value for every image of the batch.
    pub(super) batched: &'a [bool],
}

/// What a node's value is called in the file.
pub(super) fn value_name(node: &Node) -> String {
    match node.op {
        Op::Constant { .. } => format!("{}.value", node.name),
        _ => node.name.clone(),
    }
}

/// The version of ONNX's operators in which one is first there as we mean it.
pub(super) fn least_opset(op: &Op) -> i64 {
    match op {
        Op::Pad { mode: PadMode::Wrap, .. } => 19,
        Op::Pool(pooling) if pooling.kind == PoolKind::Average && pooling.dilation.iter().any(|&n| n > 1) => {
            19
        }
        Op::Resize(resizing) if resizing.coordinates == Coordinates::HalfPixelSymmetric => 19,
        Op::Resize(resizing)
            if resizing.antialias
                || matches!(resizing.to, ResizeTo::NotLarger(_) | ResizeTo::NotSmaller(_)) =>
        {
            18
        }
        _ => 17,
    }
}

impl Site<'_> {
    /// Adds the operators.
    pub(super) fn write(&self, builder: &mut Builder) -> Result<(), NetworkError> {
        let names = self.names();
        let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
        let x = inputs.first().copied().unwrap_or_default();
        match &self.node.op {
            Op::Input { .. } | Op::Array { .. } | Op::Constant { .. } => {}
            Op::Conv2d { .. }
            | Op::ConvTranspose2d { .. }
            | Op::Linear { .. }
            | Op::BatchNorm2d { .. }
            | Op::GroupNorm { .. }
            | Op::LayerNorm { .. }
            | Op::LocalResponseNorm { .. } => self.layer(builder, x),
            Op::MaxPool2d { .. } | Op::AvgPool2d { .. } | Op::Pool(_) | Op::AdaptiveAvgPool2d { .. } => {
                self.pooling(builder, x)?;
            }
            Op::Upsample { scale, resample } => upsample(builder, x, *scale, *resample),
            Op::Resize(resizing) => self.resize(builder, &inputs, resizing),
            Op::Relu
            | Op::LeakyRelu { .. }
            | Op::Sigmoid
            | Op::Tanh
            | Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::GlobalAvgPool
            | Op::Dropout { .. }
            | Op::Flatten
            | Op::Identity => alike(builder, x, &self.node.op),
            Op::Gelu | Op::Silu | Op::Map { .. } => self.map(builder, x),
            Op::Combine { function } => self.combine(builder, *function),
            Op::Where => self.choose(builder),
            Op::Add if inputs.len() == 2 => builder.result("Add", &inputs, Vec::new()),
            Op::Add => builder.result("Sum", &inputs, Vec::new()),
            Op::MatMul => {
                let aligned = self.aligned(builder);
                let inputs: Vec<&str> = aligned.iter().map(String::as_str).collect();
                builder.result("MatMul", &inputs, Vec::new());
            }
            Op::Concat { axis } => self.concat(builder, *axis),
            Op::Reduce { function, axes, keep } => reduce(builder, x, (*function, axes, *keep)),
            Op::ArgMax { axis, keep, last } => best(builder, "ArgMax", x, (*axis, *keep, *last)),
            Op::ArgMin { axis, keep, last } => best(builder, "ArgMin", x, (*axis, *keep, *last)),
            Op::Permute { axes } => {
                let order: Vec<usize> = std::iter::once(0).chain(axes.iter().map(|axis| axis + 1)).collect();
                builder.result("Transpose", &[x], vec![ints("perm", &order)]);
            }
            Op::Reshape { .. }
            | Op::Expand { .. }
            | Op::Tile { .. }
            | Op::Slice { .. }
            | Op::Gather { .. }
            | Op::Pad { .. }
            | Op::CenterCrop => self.reshaping(builder, &inputs),
        }
        Ok(())
    }

    /// The names of the values that are read.
    pub(super) fn names(&self) -> Vec<String> {
        self.inputs.iter().map(|&input| value_name(&self.graph.nodes()[input])).collect()
    }

    /// Shape of an input, the batch not counted.
    pub(super) fn shape_of(&self, input: usize) -> &[usize] {
        self.inputs.get(input).map_or(&[], |&node| self.sizes.shapes[node].as_slice())
    }

    /// The node's own shape, the batch not counted.
    pub(super) fn shape(&self) -> &[usize] {
        &self.sizes.shapes[self.index]
    }

    /// Whether an axis of an input depends on the image's size.
    pub(super) fn varies(&self, input: usize, axis: usize) -> bool {
        self.inputs.get(input).is_some_and(|&node| self.sizes.varies(node, axis))
    }

    /// A weight's name.
    pub(super) fn weight(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.node.name)
    }

    /// The inputs with as many axes as the longest, so that aligning them from the right, as ONNX does, brings batch to
    /// batch.
    pub(super) fn aligned(&self, builder: &mut Builder) -> Vec<String> {
        let most = (0..self.inputs.len()).map(|input| self.shape_of(input).len()).max().unwrap_or_default();
        let align = |(input, name): (usize, String)| {
            let missing = most - self.shape_of(input).len();
            if missing == 0 {
                return name;
            }
            let axes: Vec<i64> = (1..=missing as i64).collect();
            let axes = builder.numbers(&axes);
            builder.part("Unsqueeze", &[&name, &axes], Vec::new())
        };
        self.names().into_iter().enumerate().map(align).collect()
    }

    /// Inputs side by side; constants among them are repeated for every image of the batch.
    fn concat(&self, builder: &mut Builder, axis: usize) {
        let mut names = self.names();
        let batched = |input: usize| self.batched[self.inputs[input]];
        if let Some(whole) = (0..names.len()).find(|&input| batched(input)) {
            let count = names[whole].clone();
            for input in (0..names.len()).filter(|&input| !batched(input)) {
                let batch = builder.lengths(&count, 0, 1);
                let ones = builder.numbers(&vec![1; self.shape_of(input).len()]);
                let shape = builder.part("Concat", &[&batch, &ones], vec![int("axis", 0)]);
                names[input] = builder.part("Expand", &[&names[input], &shape], Vec::new());
            }
        }
        let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
        builder.result("Concat", &inputs, vec![int("axis", axis as i64 + 1)]);
    }
}

/// Operations that ONNX has under nearly the same name.
fn alike(builder: &mut Builder, x: &str, op: &Op) {
    let of_axis = |axis: usize| vec![int("axis", axis as i64 + 1)];
    let (name, attributes) = match op {
        Op::Relu => ("Relu", Vec::new()),
        Op::LeakyRelu { slope } => ("LeakyRelu", vec![float("alpha", *slope)]),
        Op::Sigmoid => ("Sigmoid", Vec::new()),
        Op::Tanh => ("Tanh", Vec::new()),
        Op::Softmax { axis } => ("Softmax", of_axis(*axis)),
        Op::LogSoftmax { axis } => ("LogSoftmax", of_axis(*axis)),
        Op::GlobalAvgPool => ("GlobalAveragePool", Vec::new()),
        Op::Flatten => ("Flatten", vec![int("axis", 1)]),
        Op::Dropout { p } => {
            let share = builder.scalar(*p);
            return builder.result("Dropout", &[x, &share], Vec::new());
        }
        _ => ("Identity", Vec::new()),
    };
    builder.result(name, &[x], attributes);
}

fn upsample(builder: &mut Builder, x: &str, scale: usize, resample: Resample) {
    let scales = builder.floats(&[1.0, 1.0, scale as f32, scale as f32], vec![4]);
    let how = match resample {
        Resample::Nearest => [("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric")],
        Resample::Bilinear => [("mode", "linear"), ("coordinate_transformation_mode", "half_pixel")],
    };
    let mut attributes: Vec<_> = how.iter().map(|(name, value)| text(name, value)).collect();
    if resample == Resample::Nearest {
        attributes.push(text("nearest_mode", "floor"));
    }
    builder.result("Resize", &[x, "", &scales], attributes);
}

/// Where the largest or smallest value stands; ONNX says it in whole numbers.
fn best(builder: &mut Builder, op: &str, x: &str, (axis, keep, last): (usize, bool, bool)) {
    let axis = with_batch(&[axis])[0];
    let attributes = vec![int("axis", axis), flag("keepdims", keep), flag("select_last_index", last)];
    let place = builder.part(op, &[x], attributes);
    builder.result_from(&place);
}
