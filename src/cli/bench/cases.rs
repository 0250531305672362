//! The convolutions that `polepiece bench layers` times: those of U-Nets, and one of each other kind.

use crate::compute::{ConvKind, ConvSpec};

/// One convolution, by its sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) kind: ConvKind,
    pub(super) spec: ConvSpec,
    /// `[batch, channel, y, x]`
    pub(super) x: [usize; 4],
    /// As [`ConvKind`] says.
    pub(super) weight: [usize; 4],
}

/// A square kernel from and to so many channels on a square image.
const fn square(kernel: usize, [from, to]: [usize; 2], size: usize) -> Case {
    let spec = ConvSpec { stride: [1; 2], padding: [kernel / 2; 2], dilation: [1; 2], groups: 1 };
    Case { kind: ConvKind::Plain, spec, x: [1, from, size, size], weight: [to, from, kernel, kernel] }
}

impl Case {
    const fn batch(mut self, batch: usize) -> Self {
        self.x[0] = batch;
        self
    }

    const fn strided(mut self) -> Self {
        self.spec.stride = [2; 2];
        self
    }

    const fn dilated(mut self) -> Self {
        self.spec.dilation = [2; 2];
        self.spec.padding = [2 * self.spec.padding[0]; 2];
        self
    }

    const fn depthwise(mut self) -> Self {
        self.spec.groups = self.x[1];
        self.weight[1] = 1;
        self
    }

    /// Its adjoint, with weights `[channel in, channel out, …]`.
    const fn transposed(mut self) -> Self {
        self.kind = ConvKind::Transposed { output_padding: [0; 2] };
        self.spec.padding = [0; 2];
        self.weight = [self.weight[1], self.weight[0], self.weight[2], self.weight[3]];
        self
    }

    /// Such as "conv 3×3 stride 2, 64→128 at 256×256".
    pub(super) fn name(&self) -> String {
        let Self { kind, spec, x: [batch, from, height, width], weight: [first, second, ky, kx] } = self;
        let to = if *kind == ConvKind::Plain { *first } else { second * spec.groups };
        let words = [
            (*kind != ConvKind::Plain).then(|| " transposed".to_owned()),
            (spec.groups > 1).then(|| " depthwise".to_owned()),
            (spec.stride[0] > 1).then(|| format!(" stride {}", spec.stride[0])),
            (spec.dilation[0] > 1).then(|| format!(" dilation {}", spec.dilation[0])),
        ];
        let words: String = words.into_iter().flatten().collect();
        let batch = if *batch > 1 { format!(", batch {batch}") } else { String::new() };
        format!("conv {ky}×{kx}{words}, {from}→{to} at {height}×{width}{batch}")
    }

    /// Multiply-adds of the result `[batch, channel, y, x]`; as many for either gradient.
    pub(super) fn multiply_adds(&self, result: [usize; 4]) -> u64 {
        let positions: usize = if self.kind == ConvKind::Plain { result } else { self.x }.iter().product();
        positions as u64 * self.weight[1..].iter().product::<usize>() as u64
    }

    /// The convolution that is the gradient by x of this one, whose result has this size.
    pub(super) fn gradient_by_x(&self, result: [usize; 4]) -> Self {
        let kind = match self.kind {
            ConvKind::Transposed { .. } => ConvKind::Plain,
            ConvKind::Plain => {
                let left_over = [0, 1].map(|i| {
                    let covered = (self.weight[2 + i] - 1) * self.spec.dilation[i] + 1;
                    (self.x[2 + i] + 2 * self.spec.padding[i] - covered) % self.spec.stride[i]
                });
                ConvKind::Transposed { output_padding: left_over }
            }
        };
        Self { kind, x: result, ..*self }
    }
}

pub(super) fn all() -> Vec<Case> {
    vec![
        square(3, [32, 32], 512),
        square(3, [64, 64], 256),
        square(3, [128, 128], 128),
        square(3, [256, 256], 64),
        square(3, [512, 512], 32),
        square(3, [64, 32], 512),
        square(3, [16, 16], 512),
        square(3, [32, 32], 256),
        square(3, [1, 32], 512),
        square(3, [32, 32], 128).batch(4),
        square(3, [64, 64], 128).batch(4),
        square(1, [64, 64], 256),
        square(1, [256, 64], 64),
        square(3, [64, 128], 256).strided(),
        square(3, [64, 64], 128).dilated(),
        square(3, [64, 64], 256).depthwise(),
        square(7, [3, 64], 224).strided(),
        square(7, [1, 32], 512).strided(),
        square(2, [64, 32], 256).strided().transposed(),
        square(2, [256, 128], 64).strided().transposed(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::conv_algorithm;
    use std::collections::HashSet;

    #[test]
    fn names_say_what_is_timed_and_differ() {
        assert_eq!(square(3, [64, 128], 256).strided().name(), "conv 3×3 stride 2, 64→128 at 256×256");
        let up = square(2, [64, 32], 256).strided().transposed();
        assert_eq!(up.name(), "conv 2×2 transposed stride 2, 64→32 at 256×256");
        assert_eq!(
            square(3, [8, 8], 16).depthwise().batch(4).name(),
            "conv 3×3 depthwise, 8→8 at 16×16, batch 4"
        );
        let names: HashSet<String> = all().iter().map(Case::name).collect();
        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn multiply_adds_are_those_of_the_sums() {
        // 4×4 results of 3 channels, each of 2 channels' 3×3 pixels.
        assert_eq!(square(3, [2, 3], 8).strided().multiply_adds([1, 3, 4, 4]), 16 * 3 * 2 * 9);
        // 8×8 pixels of 2 channels, each spread over 2×2 pixels of 3 channels.
        assert_eq!(square(2, [2, 3], 8).strided().transposed().multiply_adds([1, 3, 16, 16]), 64 * 2 * 3 * 4);
        assert_eq!(square(3, [8, 8], 4).depthwise().multiply_adds([1, 8, 4, 4]), 8 * 16 * 9);
    }

    #[test]
    fn every_case_and_its_gradient_is_a_convolution() {
        for case in all() {
            conv_algorithm(case.kind, case.spec, case.x, case.weight).unwrap();
        }
        let case = square(3, [4, 6], 10).strided();
        let back = case.gradient_by_x([1, 6, 5, 5]);
        assert_eq!((back.kind, back.x), (ConvKind::Transposed { output_padding: [1, 1] }, [1, 6, 5, 5]));
        conv_algorithm(back.kind, back.spec, back.x, back.weight).unwrap();
        assert_eq!(back.gradient_by_x([1, 4, 10, 10]), case);
    }
}
