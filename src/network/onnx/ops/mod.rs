//! How each of ONNX's operators becomes nodes of the network. The semantics are those of the operator pages at
//! onnx.ai/onnx/operators, of the operator set that the file names.

mod convolution;
mod cutting;
mod dense;
mod normalising;
mod pairing;
mod pointwise;
mod pooling;
mod reducing;
mod resizing;
mod shaping;
mod transposed;

use super::attributes::Call;
use super::build::Builder;
use super::value::Value;
use super::{Refused, refuse};

type Made = Result<Vec<Value>, Refused>;
pub(super) type Operator = fn(&mut Builder, &Call<'_>) -> Made;

/// How an operator is built; `None` for one that there is no way for.
pub(super) fn operator(op: &str) -> Option<Operator> {
    Some(match op {
        "Conv" => convolution::conv,
        "ConvTranspose" => transposed::conv_transpose,
        "MaxPool" | "AveragePool" => pooling::pool,
        "GlobalAveragePool" | "GlobalMaxPool" => pooling::global_pool,
        "BatchNormalization" => normalising::batch_norm,
        "InstanceNormalization" => normalising::instance_norm,
        "GroupNormalization" => normalising::group_norm,
        "LayerNormalization" => normalising::layer_norm,
        "LRN" => normalising::local_response_norm,
        "MeanVarianceNormalization" => normalising::mean_variance,
        "Gemm" => dense::gemm,
        "MatMul" => dense::matmul,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "Min" | "Max" | "Sum" | "Mean" | "Equal" | "Less"
        | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "And" | "Or" | "Xor" | "PRelu" => pairing::pair,
        "Where" => pairing::choose,
        "Clip" => pairing::clip,
        "Softmax" | "LogSoftmax" => reducing::softmax,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2"
        | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reducing::reduce,
        "ArgMax" | "ArgMin" => reducing::extreme,
        "Resize" => resizing::resize,
        "Upsample" => resizing::upsample,
        "Reshape" => shaping::reshape,
        "Flatten" => shaping::flatten,
        "Squeeze" => shaping::squeeze,
        "Unsqueeze" => shaping::unsqueeze,
        "Transpose" => shaping::transpose,
        "DepthToSpace" => shaping::depth_to_space,
        "SpaceToDepth" => shaping::space_to_depth,
        "Expand" => shaping::expand,
        "Tile" => shaping::tile,
        "Shape" => shaping::shape,
        "Size" => shaping::size,
        "Concat" => cutting::concat,
        "Slice" => cutting::slice,
        "Split" => cutting::split,
        "Gather" => cutting::gather,
        "Pad" => cutting::pad,
        "Constant" | "ConstantOfShape" | "Range" => never,
        "Dropout" => pointwise::dropout,
        other => return pointwise::named(other).then_some(pointwise::map as Operator),
    })
}

/// What is computed while the file is read, or not at all.
fn never(_: &mut Builder, _: &Call<'_>) -> Made {
    refuse("it makes numbers of numbers that the network computes")
}

fn one(value: impl Into<Value>) -> Made {
    Ok(vec![value.into()])
}
