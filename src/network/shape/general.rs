//! Shapes of the operations that take values of any number of axes.

use super::{Mismatch, planes, shape_text};
use crate::network::{Extent, Op, Pooling, ResizeTo, Resizing};

/// The shape an operation gives; for what is not listed, its first input's.
pub(super) fn output_shape(op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let first = inputs.first().copied().unwrap_or_default();
    match op {
        Op::Combine { .. } | Op::Where => {
            inputs.iter().try_fold(Vec::new(), |sum, shape| broadcast(&sum, shape))
        }
        Op::Softmax { axis } | Op::LogSoftmax { axis } => {
            has_axis(first, *axis)?;
            Ok(first.to_vec())
        }
        Op::GroupNorm { channels, .. } => match first {
            [found, ..] if found == channels => Ok(first.to_vec()),
            _ => Err((format!("{channels} channels"), shape_text(first))),
        },
        Op::LayerNorm { shape, .. } if first.ends_with(shape) => Ok(first.to_vec()),
        Op::LayerNorm { shape, .. } => {
            Err((format!("last axes of {}", shape_text(shape)), shape_text(first)))
        }
        Op::LocalResponseNorm { .. } => {
            has_axis(first, 0)?;
            Ok(first.to_vec())
        }
        Op::Pool(pooling) => pooled(pooling, first),
        Op::AdaptiveAvgPool2d { size } => Ok(vec![planes(inputs, None)?[0], size[0], size[1]]),
        Op::Reduce { axes, keep, .. } => reduced(first, axes, *keep),
        Op::ArgMax { axis, keep, .. } | Op::ArgMin { axis, keep, .. } => reduced(first, &[*axis], *keep),
        Op::Resize(resizing) => resized(resizing, inputs),
        Op::MatMul => product(inputs),
        Op::Reshape { shape } => reshaped(shape, inputs),
        Op::Permute { axes } if axes.len() == first.len() => {
            Ok(axes.iter().map(|&axis| first[axis]).collect())
        }
        Op::Permute { axes } => Err((format!("{} axes", axes.len()), shape_text(first))),
        Op::Expand { shape } => broadcast(shape, first),
        Op::Tile { repeats } if repeats.len() == first.len() => {
            first.iter().zip(repeats).map(|(&n, &times)| n.checked_mul(times).ok_or_else(vast)).collect()
        }
        Op::Tile { repeats } => Err((format!("{} axes", repeats.len()), shape_text(first))),
        Op::Slice { axis, start, end, step } => {
            let mut shape = first.to_vec();
            shape[has_axis(first, *axis)?] = slice(first[*axis], *start, *end, *step).1;
            Ok(shape)
        }
        Op::Gather { axis, indices, shape } => gathered(first, *axis, indices, shape),
        Op::Pad { before, after, .. } => padded(first, before, after),
        Op::CenterCrop => cropped(inputs),
        _ => Ok(first.to_vec()),
    }
}

/// The places of an axis of `size` values that a slice takes: the first, and how many (NumPy's rules).
pub(in crate::network) fn slice(size: usize, start: i64, end: i64, step: i64) -> (usize, usize) {
    let size = size as i64;
    let (lowest, highest) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let place = |n: i64| if n < 0 { n.saturating_add(size) } else { n }.clamp(lowest, highest);
    let (first, end) = (place(start), place(end));
    let way = if step > 0 { end - first } else { first - end };
    let count = if way > 0 { (way as u64).div_ceil(step.unsigned_abs()) } else { 0 };
    (first.max(0) as usize, count as usize)
}

/// NumPy's rule: aligned from the right, sizes of 1 repeat.
pub(in crate::network) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let axes = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(axes).map_or(1, |i| shape[i]);
    let joined = |axis: usize| match (size(a, axis), size(b, axis)) {
        (n, m) if n == m || m == 1 => Some(n),
        (1, m) => Some(m),
        _ => None,
    };
    let shape: Option<Vec<usize>> = (0..axes).map(joined).collect();
    shape.ok_or_else(|| (format!("an input that fits {}", shape_text(a)), shape_text(b)))
}

/// Sizes after a resizing, all axes but the batch.
pub(in crate::network) fn resized(resizing: &Resizing, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let first = inputs.first().copied().unwrap_or_default();
    let one_an_axis = |found: usize| {
        if found == first.len() { Ok(()) } else { Err((format!("{found} axes"), shape_text(first))) }
    };
    match &resizing.to {
        ResizeTo::Scales(scales) => {
            one_an_axis(scales.len())?;
            Ok(first.iter().zip(scales).map(|(&n, scale)| (n as f64 * scale).floor() as usize).collect())
        }
        ResizeTo::Sizes(sizes) => {
            one_an_axis(sizes.len())?;
            Ok(sizes.clone())
        }
        ResizeTo::NotLarger(sizes) | ResizeTo::NotSmaller(sizes) => {
            let kept = first.len().checked_sub(sizes.len());
            let kept = kept.ok_or_else(|| (format!("{} axes", sizes.len()), shape_text(first)))?;
            let size = |(axis, &n): (usize, &usize)| {
                let scale = resizing.to.scale(first, axis).filter(|_| axis >= kept);
                scale.map_or(n, |scale| (scale * n as f64 + 0.5).floor() as usize)
            };
            Ok(first.iter().enumerate().map(size).collect())
        }
        ResizeTo::Like => match inputs {
            [[channels, _, _], [.., y, x]] => Ok(vec![*channels, *y, *x]),
            _ => Err(("two inputs of planes".into(), shape_text(first))),
        },
    }
}

impl ResizeTo {
    /// The scale along an axis of an input of sizes `from`, where it is more than the quotient of two sizes.
    pub(in crate::network) fn scale(&self, from: &[usize], axis: usize) -> Option<f64> {
        match self {
            Self::Scales(scales) => scales.get(axis).copied(),
            Self::NotLarger(sizes) | Self::NotSmaller(sizes) => {
                let kept = from.len().checked_sub(sizes.len()).filter(|&kept| axis >= kept)?;
                let scales = from[kept..].iter().zip(sizes).map(|(&from, &to)| to as f64 / from as f64);
                Some(match self {
                    Self::NotLarger(_) => scales.fold(f64::INFINITY, f64::min),
                    _ => scales.fold(0.0, f64::max),
                })
            }
            Self::Sizes(_) | Self::Like => None,
        }
    }
}

fn vast() -> Mismatch {
    ("an output this machine can address".into(), "more than can be counted".into())
}

fn has_axis(shape: &[usize], axis: usize) -> Result<usize, Mismatch> {
    if axis < shape.len() {
        Ok(axis)
    } else {
        Err((format!("an input with an axis {axis}"), shape_text(shape)))
    }
}

fn pooled(pooling: &Pooling, first: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let Some(kept) = first.len().checked_sub(pooling.kernel.len()) else {
        return Err((format!("at least {} axes", pooling.kernel.len()), shape_text(first)));
    };
    let mut shape = first.to_vec();
    for (axis, size) in shape[kept..].iter_mut().enumerate() {
        *size = pooling.positions(axis, *size).ok_or_else(|| {
            (format!("at least {} values along each pooled axis", pooling.reach(axis)), shape_text(first))
        })?;
    }
    Ok(shape)
}

impl Pooling {
    /// How many values wide a window is, gaps included.
    #[must_use]
    pub fn reach(&self, axis: usize) -> usize {
        self.dilation[axis] * (self.kernel[axis] - 1) + 1
    }

    /// Positions of the window along an axis of `size` values; `None` where there is none.
    #[must_use]
    pub fn positions(&self, axis: usize, size: usize) -> Option<usize> {
        let (before, after, stride) = (self.before[axis], self.after[axis], self.stride[axis]);
        let padded = size.checked_add(before + after)?;
        let free = padded.checked_sub(self.reach(axis))?;
        if !self.ceil {
            return Some(free / stride + 1);
        }
        let positions = free.div_ceil(stride) + 1;
        // A last window that would begin behind the image is none.
        Some(if (positions - 1) * stride >= size + before { positions - 1 } else { positions })
    }
}

fn reduced(first: &[usize], axes: &[usize], keep: bool) -> Result<Vec<usize>, Mismatch> {
    for &axis in axes {
        has_axis(first, axis)?;
    }
    let left = first
        .iter()
        .enumerate()
        .filter_map(|(axis, &size)| if axes.contains(&axis) { keep.then_some(1) } else { Some(size) });
    Ok(left.collect())
}

fn product(inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let [[a @ .., rows, inner], [b @ .., inner_too, columns]] = inputs else {
        let shape = inputs.iter().find(|shape| shape.len() < 2).copied().unwrap_or_default();
        return Err(("two matrices".into(), shape_text(shape)));
    };
    if inner != inner_too {
        return Err((format!("a matrix of {inner} rows"), format!("{inner_too} rows")));
    }
    let mut shape = broadcast(a, b)?;
    shape.extend([*rows, *columns]);
    Ok(shape)
}

fn reshaped(shape: &[Extent], inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let first = inputs.first().copied().unwrap_or_default();
    let size = |extent: &Extent| match *extent {
        Extent::Size(size) => Ok(Some(size)),
        Extent::Rest => Ok(None),
        Extent::Of { input, axis } => match inputs.get(input).and_then(|shape| shape.get(axis)) {
            Some(&size) => Ok(Some(size)),
            None => Err((format!("an input {input} with an axis {axis}"), shape_text(first))),
        },
    };
    let sizes: Vec<Option<usize>> = shape.iter().map(size).collect::<Result<_, _>>()?;
    let known = sizes.iter().flatten().try_fold(1_usize, |product, &n| product.checked_mul(n));
    let (known, values) = (known.ok_or_else(vast)?, first.iter().product::<usize>());
    let rest = values.checked_div(known).unwrap_or_default();
    let full: Vec<usize> = sizes.iter().map(|size| size.unwrap_or(rest)).collect();
    let fits = if sizes.contains(&None) { known > 0 && rest * known == values } else { known == values };
    if fits { Ok(full) } else { Err((format!("as many values as {}", shape_text(&full)), shape_text(first))) }
}

fn gathered(first: &[usize], axis: usize, indices: &[i64], shape: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let size = first[has_axis(first, axis)?] as i64;
    match indices.iter().find(|&&index| !(-size..size).contains(&index)) {
        Some(index) => Err((format!("places of an axis of {size} values"), index.to_string())),
        None => Ok([&first[..axis], shape, &first[axis + 1..]].concat()),
    }
}

fn padded(first: &[usize], before: &[i64], after: &[i64]) -> Result<Vec<usize>, Mismatch> {
    if before.len() != first.len() {
        return Err((format!("{} axes", before.len()), shape_text(first)));
    }
    let size = |((&n, &before), &after): ((&usize, &i64), &i64)| {
        usize::try_from(n as i64 + before + after).ok().filter(|&n| n > 0)
    };
    let shape: Option<Vec<usize>> = first.iter().zip(before).zip(after).map(size).collect();
    shape.ok_or_else(|| ("an input that cutting does not use up".into(), shape_text(first)))
}

fn cropped(inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    match inputs {
        [[channels, y, x], [.., to_y, to_x]] if to_y <= y && to_x <= x => Ok(vec![*channels, *to_y, *to_x]),
        [[_, y, x], [.., to_y, to_x]] => {
            Err((format!("planes of {to_y}×{to_x} pixels or more"), format!("{y}×{x}")))
        }
        _ => Err(("two inputs of planes".into(), shape_text(inputs.first().copied().unwrap_or_default()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Between, Coordinates, Nearest, PoolKind};

    fn check(op: &Op, inputs: &[&[usize]], expected: &[usize]) {
        assert_eq!(output_shape(op, inputs), Ok(expected.to_vec()), "{op:?}");
    }

    #[test]
    fn slices_take_what_numpy_takes() {
        // len(range(9)[a:b:c]) and its first element, by Python.
        let all = i64::MAX;
        let cases = [(2, 7, 2, (2, 3)), (-3, all, 1, (6, 3)), (8, 1, -3, (8, 3)), (all, -all, -1, (8, 9))];
        for (start, end, step, expected) in cases {
            assert_eq!(slice(9, start, end, step), expected);
        }
        assert_eq!(slice(9, 5, 2, 1).1, 0);
        assert_eq!(slice(9, -20, 20, 4), (0, 3));
    }

    #[test]
    fn broadcasting_aligns_from_the_right() {
        assert_eq!(broadcast(&[3, 4, 5], &[5]), Ok(vec![3, 4, 5]));
        assert_eq!(broadcast(&[4, 1], &[2, 1, 7]), Ok(vec![2, 4, 7]));
        assert_eq!(broadcast(&[], &[2]), Ok(vec![2]));
        assert!(broadcast(&[3], &[4]).is_err());
    }

    #[test]
    fn pooling_rounds_up_where_told_but_never_begins_behind_the_image() {
        let pool = |ceil, before: usize, after: usize| {
            let (before, after) = (vec![before], vec![after]);
            let (kernel, stride, dilation) = (vec![2], vec![2], vec![1]);
            Op::Pool(Pooling {
                kind: PoolKind::Max,
                kernel,
                stride,
                before,
                after,
                dilation,
                ceil,
                count_padding: false,
            })
        };
        check(&pool(false, 0, 0), &[&[3, 5]], &[3, 2]);
        check(&pool(true, 0, 0), &[&[3, 5]], &[3, 3]);
        // The third window would begin at 4, behind 3 values and a border of 1.
        check(&pool(true, 1, 1), &[&[3, 3]], &[3, 2]);
        check(&pool(false, 1, 1), &[&[3, 2]], &[3, 2]);
    }

    #[test]
    fn reshaping_resizing_and_products_give_their_shapes() {
        let reshape = |shape: Vec<Extent>| Op::Reshape { shape };
        let of = |input, axis| Extent::Of { input, axis };
        check(&reshape(vec![Extent::Size(2), Extent::Rest]), &[&[4, 3, 5]], &[2, 30]);
        check(&reshape(vec![of(0, 0), Extent::Rest]), &[&[4, 3, 5]], &[4, 15]);
        check(&reshape(vec![Extent::Rest, of(1, 1)]), &[&[6, 2], &[1, 4]], &[3, 4]);
        assert!(output_shape(&reshape(vec![Extent::Size(7), Extent::Rest]), &[&[4, 3]]).is_err());
        let resize = |to| {
            Op::Resize(Resizing {
                to,
                between: Between::Nearest(Nearest::Floor),
                coordinates: Coordinates::Asymmetric,
                exclude_outside: false,
                antialias: false,
            })
        };
        check(&resize(ResizeTo::Scales(vec![1.0, 0.6, 2.0])), &[&[3, 4, 4]], &[3, 2, 8]);
        check(&resize(ResizeTo::Like), &[&[3, 4, 4], &[1, 9, 7]], &[3, 9, 7]);
        // ONNX's own cases: 2×4 to 7×8 with one scale.
        check(&resize(ResizeTo::NotLarger(vec![7, 8])), &[&[1, 2, 4]], &[1, 4, 8]);
        check(&resize(ResizeTo::NotSmaller(vec![7, 8])), &[&[1, 2, 4]], &[1, 7, 14]);
        check(&Op::MatMul, &[&[5, 2, 3], &[3, 4]], &[5, 2, 4]);
        check(&Op::CenterCrop, &[&[64, 136, 136], &[128, 104, 104]], &[64, 104, 104]);
        let gather = Op::Gather { axis: 1, indices: vec![0, -1], shape: vec![2] };
        check(&gather, &[&[3, 4, 5]], &[3, 2, 5]);
        assert!(output_shape(&gather, &[&[3]]).is_err());
    }
}
