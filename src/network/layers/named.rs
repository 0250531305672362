//! What the kernels call the functions that nodes name.
use crate::compute::{self, Filter, Mapping, Pair, Reducing, Rounding};
use crate::network::{Between, Coordinates, Function, Nearest, Pairing, Reduction};

pub(super) fn mapping(function: &Function) -> Mapping {
    match *function {
        Function::Abs => Mapping::Abs,
        Function::Neg => Mapping::Neg,
        Function::Exp => Mapping::Exp,
        Function::Log => Mapping::Log,
        Function::Sqrt => Mapping::Sqrt,
        Function::Reciprocal => Mapping::Reciprocal,
        Function::Floor => Mapping::Floor,
        Function::Ceil => Mapping::Ceil,
        Function::Round => Mapping::Round,
        Function::Trunc => Mapping::Trunc,
        Function::Sign => Mapping::Sign,
        Function::Sin => Mapping::Sin,
        Function::Cos => Mapping::Cos,
        Function::Erf => Mapping::Erf,
        Function::Not => Mapping::Not,
        Function::Softplus => Mapping::Softplus,
        Function::Softsign => Mapping::Softsign,
        Function::Mish => Mapping::Mish,
        Function::HardSwish => Mapping::HardSwish,
        Function::GeluTanh => Mapping::GeluTanh,
        Function::HardSigmoid { alpha, beta } => Mapping::HardSigmoid { alpha, beta },
        Function::Elu { alpha } => Mapping::Elu { alpha },
        Function::Celu { alpha } => Mapping::Celu { alpha },
        Function::Selu { alpha, gamma } => Mapping::Selu { alpha, gamma },
        Function::ThresholdedRelu { alpha } => Mapping::ThresholdedRelu { alpha },
        Function::Clip { min, max } => {
            Mapping::Clip { min: min.unwrap_or(f64::NEG_INFINITY), max: max.unwrap_or(f64::INFINITY) }
        }
    }
}

pub(super) fn pair(function: Pairing) -> Pair {
    match function {
        Pairing::Add => Pair::Add,
        Pairing::Subtract => Pair::Subtract,
        Pairing::Multiply => Pair::Multiply,
        Pairing::Divide => Pair::Divide,
        Pairing::Power => Pair::Power,
        Pairing::Minimum => Pair::Minimum,
        Pairing::Maximum => Pair::Maximum,
        Pairing::Remainder => Pair::Remainder,
        Pairing::Equal => Pair::Equal,
        Pairing::Less => Pair::Less,
        Pairing::LessOrEqual => Pair::LessOrEqual,
        Pairing::Greater => Pair::Greater,
        Pairing::GreaterOrEqual => Pair::GreaterOrEqual,
        Pairing::And => Pair::And,
        Pairing::Or => Pair::Or,
        Pairing::Prelu => Pair::Prelu,
    }
}

pub(super) fn reducing(function: Reduction) -> Reducing {
    match function {
        Reduction::Mean => Reducing::Mean,
        Reduction::Sum => Reducing::Sum,
        Reduction::Max => Reducing::Max,
        Reduction::Min => Reducing::Min,
        Reduction::Product => Reducing::Product,
        Reduction::L1 => Reducing::L1,
        Reduction::L2 => Reducing::L2,
        Reduction::SumSquare => Reducing::SumSquare,
        Reduction::LogSum => Reducing::LogSum,
        Reduction::LogSumExp => Reducing::LogSumExp,
    }
}

pub(super) fn filter(between: Between) -> Filter {
    match between {
        Between::Nearest(nearest) => Filter::Nearest(match nearest {
            Nearest::RoundPreferFloor => Rounding::PreferFloor,
            Nearest::RoundPreferCeil => Rounding::PreferCeil,
            Nearest::Floor => Rounding::Floor,
            Nearest::Ceil => Rounding::Ceil,
        }),
        Between::Linear => Filter::Linear,
        Between::Cubic { a } => Filter::Cubic { a },
    }
}

pub(super) fn place(coordinates: &Coordinates) -> compute::Coordinates {
    match *coordinates {
        Coordinates::HalfPixel => compute::Coordinates::HalfPixel,
        Coordinates::HalfPixelSymmetric => compute::Coordinates::HalfPixelSymmetric,
        Coordinates::PytorchHalfPixel => compute::Coordinates::PytorchHalfPixel,
        Coordinates::AlignCorners => compute::Coordinates::AlignCorners,
        Coordinates::Asymmetric => compute::Coordinates::Asymmetric,
        Coordinates::CropAndResize { outside, .. } => {
            compute::Coordinates::CropAndResize { extrapolation: outside }
        }
    }
}
