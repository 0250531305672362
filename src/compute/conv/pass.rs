//! A convolution, or its adjoint, as shifts of planes: which source pixel each tap of the kernel reads.
//!
//! Forward, output row `m` reads source row `m·stride + k·dilation − padding`. Writing `k·dilation = shift·stride +
//! phase`, every tap reads plane `phase` of the source (every stride-th pixel, beginning at `phase`) shifted by whole
//! rows. The adjoint (the gradient by the input, and the transposed convolution) fills the pixels of each residue
//! modulo the stride from the taps of that phase alone, again by whole shifts. Both are the one [`Pass`].

/// The sizes of a convolution. `image` is the side it reads from and `map` the side it writes to; a transposed
/// convolution goes the other way. Pairs are `[y, x]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) batch: usize,
    pub(super) groups: usize,
    /// Channels of one group.
    pub(super) image_channels: usize,
    pub(super) map_channels: usize,
    pub(super) image: [usize; 2],
    pub(super) map: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
}

/// One tap of the kernel: where it is in the kernel, and which pixel it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tap {
    /// Index into `ky · kx`.
    pub(super) index: usize,
    pub(super) phase: [usize; 2],
    pub(super) shift: [usize; 2],
}

/// The target pixels `at` modulo [`Pass::spread`], and the taps that make them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Residue {
    pub(super) at: [usize; 2],
    pub(super) taps: Vec<Tap>,
}

/// A convolution or its adjoint over a grid of positions. Grid position `m` with tap (`phase`, `shift`) reads source
/// pixel `(m + shift)·step + phase + origin` and makes target pixel `m·spread + residue + start`, in y and in x; pixels
/// outside read as zero and are not written.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) batch: usize,
    pub(super) groups: usize,
    pub(super) source_channels: usize,
    pub(super) target_channels: usize,
    pub(super) source: [usize; 2],
    pub(super) target: [usize; 2],
    pub(super) step: [usize; 2],
    pub(super) origin: [isize; 2],
    pub(super) spread: [usize; 2],
    pub(super) start: [isize; 2],
    pub(super) grid: [usize; 2],
    pub(super) residues: Vec<Residue>,
    /// How far apart in the weights lie two groups, two target channels, two source channels.
    pub(super) weight_strides: [usize; 3],
}

impl Pass {
    /// Where the weights of a group's target and source channel begin; a tap's index comes on top.
    pub(super) fn weight_at(&self, group: usize, target: usize, source: usize) -> usize {
        let [by_group, by_target, by_source] = self.weight_strides;
        group * by_group + target * by_target + source * by_source
    }

    /// The same pass over rows joined to one, where each pixel is made of the one at its place: a 1×1 kernel.
    pub(super) fn flattened(&self) -> Option<Self> {
        let [Residue { taps, .. }] = &self.residues[..] else { return None };
        let [Tap { phase: [0, 0], shift: [0, 0], .. }] = taps[..] else { return None };
        let in_place = self.step == [1, 1] && self.origin == [0, 0] && self.can_halve();
        let row = [1, self.source[0] * self.source[1]];
        (in_place && self.source == self.target).then(|| Self {
            source: row,
            target: row,
            grid: row,
            ..self.clone()
        })
    }

    /// Whether pooling by two can follow in the same pass: grid positions are target pixels.
    pub(super) fn can_halve(&self) -> bool {
        self.spread == [1, 1] && self.start == [0, 0] && self.grid == self.target
    }
}

impl Geometry {
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub(super) fn weight_len(&self) -> usize {
        self.groups * self.map_channels * self.image_channels * self.taps()
    }

    /// From image to map: the convolution.
    pub(super) fn forward(&self) -> Pass {
        let tap = |ky: usize, kx: usize| {
            let reach = [ky * self.dilation[0], kx * self.dilation[1]];
            Tap {
                index: ky * self.kernel[1] + kx,
                phase: [reach[0] % self.stride[0], reach[1] % self.stride[1]],
                shift: [reach[0] / self.stride[0], reach[1] / self.stride[1]],
            }
        };
        let taps =
            (0..self.kernel[0]).flat_map(|ky| (0..self.kernel[1]).map(move |kx| tap(ky, kx))).collect();
        Pass {
            batch: self.batch,
            groups: self.groups,
            source_channels: self.image_channels,
            target_channels: self.map_channels,
            source: self.image,
            target: self.map,
            step: self.stride,
            origin: self.padding.map(|p| -(p as isize)),
            spread: [1, 1],
            start: [0, 0],
            grid: self.map,
            residues: vec![Residue { at: [0, 0], taps }],
            weight_strides: [
                self.map_channels * self.image_channels * self.taps(),
                self.image_channels * self.taps(),
                self.taps(),
            ],
        }
    }

    /// From map to image: the gradient by the image, and the transposed convolution.
    pub(super) fn adjoint(&self) -> Pass {
        let axis = |i: usize| {
            let (stride, padding) = (self.stride[i], self.padding[i]);
            let furthest = (self.kernel[i] - 1) * self.dilation[i] / stride;
            let first = padding / stride;
            let count = (padding + self.image[i] - 1) / stride - first + 1;
            (
                first as isize - furthest as isize,
                (first * stride) as isize - padding as isize,
                count,
                furthest,
            )
        };
        let ([y, x], [sy, sx]) = ([axis(0), axis(1)], self.stride);
        let residues = (0..sy).flat_map(|ry| (0..sx).map(move |rx| [ry, rx])).map(|at| {
            let hits = |i: usize| {
                let reach = move |k: &usize| k * self.dilation[i] % self.stride[i] == at[i];
                (0..self.kernel[i]).filter(reach)
            };
            let shift =
                |i: usize, k: usize, furthest: usize| furthest - k * self.dilation[i] / self.stride[i];
            let mut taps = Vec::new();
            for ky in hits(0) {
                for kx in hits(1) {
                    let index = ky * self.kernel[1] + kx;
                    taps.push(Tap { index, phase: [0, 0], shift: [shift(0, ky, y.3), shift(1, kx, x.3)] });
                }
            }
            Residue { at, taps }
        });
        Pass {
            batch: self.batch,
            groups: self.groups,
            source_channels: self.map_channels,
            target_channels: self.image_channels,
            source: self.map,
            target: self.image,
            step: [1, 1],
            origin: [y.0, x.0],
            spread: self.stride,
            start: [y.1, x.1],
            grid: [y.2, x.2],
            residues: residues.collect(),
            weight_strides: [
                self.map_channels * self.image_channels * self.taps(),
                self.taps(),
                self.image_channels * self.taps(),
            ],
        }
    }
}
