//! Functions of single numbers, of pairs and of many; semantics are ONNX's, which for most are PyTorch's too.

use serde::{Deserialize, Serialize};

/// A function that is applied to every value by itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    Abs,
    Neg,
    Exp,
    Log,
    Sqrt,
    Reciprocal,
    Floor,
    Ceil,
    /// To the nearest whole number, halves to the even one.
    Round,
    /// Towards zero.
    Trunc,
    /// −1, 0 or 1.
    Sign,
    Sin,
    Cos,
    Erf,
    /// 1 for 0, 0 for all else.
    Not,
    /// ln(1 + eˣ).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x · tanh(softplus(x)) (Misra 2019, arXiv:1908.08681).
    Mish,
    /// x · clip(x / 6 + 1/2, 0, 1) (Howard et al. 2019, arXiv:1905.02244).
    HardSwish,
    /// GELU by tanh instead of the error function (Hendrycks and Gimpel 2016, arXiv:1606.08415).
    GeluTanh,
    /// clip(alpha · x + beta, 0, 1).
    HardSigmoid {
        alpha: f64,
        beta: f64,
    },
    /// alpha · (eˣ − 1) below 0 (Clevert et al. 2015, arXiv:1511.07289).
    Elu {
        alpha: f64,
    },
    /// alpha · (exp(x / alpha) − 1) below 0 (Barron 2017, arXiv:1704.07483).
    Celu {
        alpha: f64,
    },
    /// gamma · x above 0, gamma · alpha · (eˣ − 1) below (Klambauer et al. 2017, arXiv:1706.02515).
    Selu {
        alpha: f64,
        gamma: f64,
    },
    /// x above alpha, else 0.
    ThresholdedRelu {
        alpha: f64,
    },
    /// Not less than `min`, not more than `max`, where they are given.
    Clip {
        min: Option<f64>,
        max: Option<f64>,
    },
}

impl Function {
    /// As people write it, with its numbers: "HardSigmoid(0.2, 0.5)".
    #[must_use]
    pub fn text(&self) -> String {
        let bound = |bound: Option<f64>, none: &str| bound.map_or(none.to_owned(), |n| n.to_string());
        match self {
            Self::Neg => "−x".into(),
            Self::Reciprocal => "1/x".into(),
            Self::GeluTanh => "GELU (tanh)".into(),
            Self::HardSigmoid { alpha, beta } => format!("HardSigmoid({alpha}, {beta})"),
            Self::Elu { alpha } => format!("ELU({alpha})"),
            Self::Celu { alpha } => format!("CELU({alpha})"),
            Self::Selu { alpha, gamma } => format!("SELU({alpha}, {gamma})"),
            Self::ThresholdedRelu { alpha } => format!("ThresholdedReLU({alpha})"),
            Self::Clip { min, max } => format!("clip to {}…{}", bound(*min, "−∞"), bound(*max, "∞")),
            plain => format!("{plain:?}"),
        }
    }

    /// The numbers it is given; all must be finite.
    pub(in crate::network) fn numbers(&self) -> Vec<f64> {
        match *self {
            Self::HardSigmoid { alpha, beta } => vec![alpha, beta],
            Self::Elu { alpha } | Self::Celu { alpha } | Self::ThresholdedRelu { alpha } => vec![alpha],
            Self::Selu { alpha, gamma } => vec![alpha, gamma],
            Self::Clip { min, max } => min.into_iter().chain(max).collect(),
            _ => Vec::new(),
        }
    }
}

/// A function of two values. Comparisons and logic give 1 for true and 0 for false, and take all but 0 for true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Minimum,
    Maximum,
    /// What a division leaves, with the divisor's sign (Python's `%`).
    Remainder,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    /// The first where it is above 0, else the first times the second, a slope.
    Prelu,
}

impl Pairing {
    /// As people write it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "a + b",
            Self::Subtract => "a − b",
            Self::Multiply => "a · b",
            Self::Divide => "a / b",
            Self::Power => "a to the power b",
            Self::Minimum => "the smaller",
            Self::Maximum => "the larger",
            Self::Remainder => "a mod b",
            Self::Equal => "a = b",
            Self::Less => "a < b",
            Self::LessOrEqual => "a ≤ b",
            Self::Greater => "a > b",
            Self::GreaterOrEqual => "a ≥ b",
            Self::And => "a and b",
            Self::Or => "a or b",
            Self::Prelu => "slope b below 0",
        }
    }
}

/// A function of all values along some axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    Mean,
    Sum,
    Max,
    Min,
    Product,
    /// Sum of magnitudes.
    L1,
    /// Root of the sum of squares.
    L2,
    SumSquare,
    /// ln of the sum.
    LogSum,
    /// ln of the sum of eˣ.
    LogSumExp,
}

impl Reduction {
    /// As people write it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
            Self::Product => "product",
            Self::L1 => "L1 norm",
            Self::L2 => "L2 norm",
            Self::SumSquare => "sum of squares",
            Self::LogSum => "log of sum",
            Self::LogSumExp => "log-sum-exp",
        }
    }
}
