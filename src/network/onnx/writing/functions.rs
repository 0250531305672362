//! Functions of single values, of pairs and along axes.

use super::builder::{Builder, flag, float, int, ints, text, with_batch};
use super::operations::Site;
use crate::network::{Function, Op, Pairing, Reduction};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

impl Site<'_> {
    /// A function of every value by itself.
    pub(super) fn map(&self, builder: &mut Builder, x: &str) {
        match self.node.op {
            Op::Gelu => gelu(builder, x),
            Op::Silu => {
                let gate = builder.part("Sigmoid", &[x], Vec::new());
                builder.result("Mul", &[x, &gate], Vec::new());
            }
            Op::Map { function } => map(builder, x, function),
            _ => {}
        }
    }

    /// A function of two values.
    pub(super) fn combine(&self, builder: &mut Builder, function: Pairing) {
        let aligned = self.aligned(builder);
        let [a, b] = aligned.as_slice() else { return };
        let (a, b) = (a.as_str(), b.as_str());
        let plain = match function {
            Pairing::Add => "Add",
            Pairing::Subtract => "Sub",
            Pairing::Multiply => "Mul",
            Pairing::Divide => "Div",
            Pairing::Power => "Pow",
            Pairing::Minimum => "Min",
            Pairing::Maximum => "Max",
            Pairing::Prelu if self.shape_of(0) == self.shape() => "PRelu",
            Pairing::Prelu => {
                let zero = builder.scalar(0.0);
                let above = builder.part("Greater", &[a, &zero], Vec::new());
                let sloped = builder.part("Mul", &[a, b], Vec::new());
                return builder.result("Where", &[&above, a, &sloped], Vec::new());
            }
            Pairing::Remainder => return remainder(builder, a, b),
            Pairing::And | Pairing::Or => {
                let (a, b) = (builder.truth(a), builder.truth(b));
                let op = if function == Pairing::And { "And" } else { "Or" };
                let both = builder.part(op, &[&a, &b], Vec::new());
                return builder.result_from(&both);
            }
            Pairing::Equal
            | Pairing::Less
            | Pairing::LessOrEqual
            | Pairing::Greater
            | Pairing::GreaterOrEqual => {
                // The names of both are the same.
                let compared = builder.part(&format!("{function:?}"), &[a, b], Vec::new());
                return builder.result_from(&compared);
            }
        };
        builder.result(plain, &[a, b], Vec::new());
    }

    /// One of two values, by a third.
    pub(super) fn choose(&self, builder: &mut Builder) {
        let aligned = self.aligned(builder);
        if let [condition, a, b] = aligned.as_slice() {
            let condition = builder.truth(condition);
            builder.result("Where", &[&condition, a, b], Vec::new());
        }
    }
}

/// A function of all values along some axes.
pub(super) fn reduce(builder: &mut Builder, x: &str, (function, axes, keep): (Reduction, &[usize], bool)) {
    let op = match function {
        Reduction::Mean => "ReduceMean",
        Reduction::Sum => "ReduceSum",
        Reduction::Max => "ReduceMax",
        Reduction::Min => "ReduceMin",
        Reduction::Product => "ReduceProd",
        Reduction::L1 => "ReduceL1",
        Reduction::L2 => "ReduceL2",
        Reduction::SumSquare => "ReduceSumSquare",
        Reduction::LogSum => "ReduceLogSum",
        Reduction::LogSumExp => "ReduceLogSumExp",
    };
    // Up to version 17 only the sum has its axes as an input; no axes there would mean all of them.
    if axes.is_empty() {
        return none_reduced(builder, x, function);
    }
    let axes = with_batch(axes);
    if builder.opset >= 18 || function == Reduction::Sum {
        let axes = builder.numbers(&axes);
        builder.result(op, &[x, &axes], vec![flag("keepdims", keep)]);
    } else {
        let axes: Vec<usize> = axes.iter().map(|&axis| axis as usize).collect();
        builder.result(op, &[x], vec![ints("axes", &axes), flag("keepdims", keep)]);
    }
}

/// What a reduction of single values is.
fn none_reduced(builder: &mut Builder, x: &str, function: Reduction) {
    match function {
        Reduction::L1 | Reduction::L2 => builder.result("Abs", &[x], Vec::new()),
        Reduction::SumSquare => builder.result("Mul", &[x, x], Vec::new()),
        Reduction::LogSum => builder.result("Log", &[x], Vec::new()),
        _ => builder.result("Identity", &[x], Vec::new()),
    }
}

fn gelu(builder: &mut Builder, x: &str) {
    if builder.opset >= 20 {
        return builder.result("Gelu", &[x], Vec::new());
    }
    let (half, one, root) = (builder.scalar(0.5), builder.scalar(1.0), builder.scalar(FRAC_1_SQRT_2));
    let inner = builder.part("Mul", &[x, &root], Vec::new());
    let inner = builder.part("Erf", &[&inner], Vec::new());
    let share = builder.part("Add", &[&inner, &one], Vec::new());
    let share = builder.part("Mul", &[&share, &half], Vec::new());
    builder.result("Mul", &[x, &share], Vec::new());
}

fn gelu_tanh(builder: &mut Builder, x: &str) {
    if builder.opset >= 20 {
        return builder.result("Gelu", &[x], vec![text("approximate", "tanh")]);
    }
    let [half, one, three] = [0.5, 1.0, 3.0].map(|value| builder.scalar(value));
    let [cubic, root] = [0.044_715, FRAC_2_PI.sqrt()].map(|value| builder.scalar(value));
    let cube = builder.part("Pow", &[x, &three], Vec::new());
    let cube = builder.part("Mul", &[&cube, &cubic], Vec::new());
    let inner = builder.part("Add", &[x, &cube], Vec::new());
    let inner = builder.part("Mul", &[&inner, &root], Vec::new());
    let inner = builder.part("Tanh", &[&inner], Vec::new());
    let share = builder.part("Add", &[&inner, &one], Vec::new());
    let share = builder.part("Mul", &[&share, &half], Vec::new());
    builder.result("Mul", &[x, &share], Vec::new());
}

fn map(builder: &mut Builder, x: &str, function: Function) {
    let (op, attributes) = match function {
        Function::Abs
        | Function::Neg
        | Function::Exp
        | Function::Log
        | Function::Sqrt
        | Function::Reciprocal
        | Function::Floor
        | Function::Ceil
        | Function::Round
        | Function::Sign
        | Function::Sin
        | Function::Cos
        | Function::Erf
        | Function::Softplus
        | Function::Softsign
        // The names of both are the same.
        | Function::HardSwish => (format!("{function:?}"), Vec::new()),
        Function::HardSigmoid { alpha, beta } => {
            ("HardSigmoid".into(), vec![float("alpha", alpha), float("beta", beta)])
        }
        Function::Elu { alpha } => ("Elu".into(), vec![float("alpha", alpha)]),
        Function::Celu { alpha } => ("Celu".into(), vec![float("alpha", alpha)]),
        Function::Selu { alpha, gamma } => {
            ("Selu".into(), vec![float("alpha", alpha), float("gamma", gamma)])
        }
        Function::ThresholdedRelu { alpha } => ("ThresholdedRelu".into(), vec![float("alpha", alpha)]),
        Function::GeluTanh => return gelu_tanh(builder, x),
        Function::Trunc => {
            let sign = builder.part("Sign", &[x], Vec::new());
            let size = builder.part("Abs", &[x], Vec::new());
            let size = builder.part("Floor", &[&size], Vec::new());
            return builder.result("Mul", &[&sign, &size], Vec::new());
        }
        Function::Not => {
            let zero = builder.scalar(0.0);
            let not = builder.part("Equal", &[x, &zero], Vec::new());
            return builder.result_from(&not);
        }
        Function::Mish => {
            let soft = builder.part("Softplus", &[x], Vec::new());
            let gate = builder.part("Tanh", &[&soft], Vec::new());
            return builder.result("Mul", &[x, &gate], Vec::new());
        }
        Function::Clip { min, max } => {
            let mut bound = |bound: Option<f64>| bound.map(|b| builder.scalar(b)).unwrap_or_default();
            let (min, max) = (bound(min), bound(max));
            return builder.result("Clip", &[x, &min, &max], Vec::new());
        }
    };
    builder.result(&op, &[x], attributes);
}

/// ONNX's remainder of floating-point numbers has the dividend's sign; where that is not the divisor's, one divisor more
/// has it.
fn remainder(builder: &mut Builder, a: &str, b: &str) {
    let left = builder.part("Mod", &[a, b], vec![int("fmod", 1)]);
    let signs = builder.part("Mul", &[&left, b], Vec::new());
    let zero = builder.scalar(0.0);
    let against = builder.part("Less", &[&signs, &zero], Vec::new());
    let more = builder.part("Add", &[&left, b], Vec::new());
    builder.result("Where", &[&against, &more, &left], Vec::new());
}
