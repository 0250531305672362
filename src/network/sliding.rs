//! The window that an operation slides over its input, as numbers.

use super::Op;
use serde::Serialize;

/// One number an axis, y before x; `None` where the operation slides nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sliding {
    pub kernel: Option<Vec<usize>>,
    /// Of a transposed convolution in its output.
    pub stride: Option<Vec<usize>>,
    /// On both sides alike; where they differ, that before on every axis and then that behind.
    pub padding: Option<Vec<usize>>,
    pub dilation: Option<Vec<usize>>,
}

impl Op {
    /// Kernel, stride, padding and dilation.
    #[must_use]
    pub fn sliding(&self) -> Sliding {
        let of = |kernel: &[usize], stride: &[usize], padding: &[usize], dilation: &[usize]| Sliding {
            kernel: Some(kernel.to_vec()),
            stride: Some(stride.to_vec()),
            padding: Some(padding.to_vec()),
            dilation: Some(dilation.to_vec()),
        };
        match self {
            Self::Conv2d { kernel, stride, padding, dilation, .. }
            | Self::ConvTranspose2d { kernel, stride, padding, dilation, .. } => {
                of(kernel, stride, padding, dilation)
            }
            Self::MaxPool2d { kernel, stride, padding } | Self::AvgPool2d { kernel, stride, padding } => {
                of(kernel, stride, padding, &[1, 1])
            }
            Self::Pool(pool) => {
                let both = [pool.before.as_slice(), &pool.after].concat();
                let padding = if pool.before == pool.after { &pool.before } else { &both };
                of(&pool.kernel, &pool.stride, padding, &pool.dilation)
            }
            _ => Sliding::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{PoolKind, Pooling};

    #[test]
    fn windows_are_told_as_numbers_and_other_operations_have_none() {
        let pool = Op::MaxPool2d { kernel: [3, 2], stride: [2, 1], padding: [1, 0] };
        let found = serde_json::to_value(pool.sliding()).unwrap();
        let expected =
            serde_json::json!({"kernel": [3, 2], "stride": [2, 1], "padding": [1, 0], "dilation": [1, 1]});
        assert_eq!(found, expected);
        assert_eq!(Op::Relu.sliding(), Sliding::default());
        let uneven = Op::Pool(Pooling {
            kind: PoolKind::Max,
            kernel: vec![2, 2],
            stride: vec![1, 1],
            before: vec![0, 1],
            after: vec![1, 0],
            dilation: vec![1, 1],
            ceil: false,
            count_padding: false,
        });
        assert_eq!(uneven.sliding().padding, Some(vec![0, 1, 1, 0]));
    }
}
