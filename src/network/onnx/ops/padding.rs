//! Borders.

use super::super::attributes::{Call, axis_of};
use super::super::build::Builder;
use super::super::known::Known;
use super::super::size::Size;
use super::super::value::Live;
use super::super::{Refused, refuse};
use super::{Made, one};
use crate::network::{Op, PadMode};

/// Attributes to opset 10, inputs from 11 on.
pub(super) fn pad(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let rank = input.rank();
    let mode = match call.word("mode") {
        "" | "constant" => PadMode::Constant { value: call.number_of(2, "value")?.unwrap_or(0.0) },
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return refuse(format!("its mode is {other:?}")),
    };
    let axes = match call.ints_of(3, "axes")? {
        Some(axes) => axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let pads = match call.known(1)?.map(Known::as_sizes) {
        Some(Some(sizes)) => sizes.iter().cloned().collect(),
        Some(None) => return refuse("its pads are no whole numbers"),
        None => {
            let attribute = call.ints("pads").or_else(|| call.ints("paddings")).unwrap_or_default();
            attribute.iter().map(|&n| Size::from(n)).collect::<Vec<Size>>()
        }
    };
    if pads.len() != 2 * axes.len() {
        return refuse(format!("{} pads for {} axes", pads.len(), axes.len()));
    }
    let (mut before, mut after) = (vec![Size::from(0_i64); rank], vec![Size::from(0_i64); rank]);
    for (index, &axis) in axes.iter().enumerate() {
        before[axis] = pads[index].clone();
        after[axis] = pads[index + axes.len()].clone();
    }
    one(padded(builder, &input, (before, after), mode)?)
}

/// A border of these sizes along all of ONNX's axes.
fn padded(
    builder: &mut Builder,
    input: &Live,
    (before, after): (Vec<Size>, Vec<Size>),
    mode: PadMode,
) -> Result<Live, Refused> {
    if before.iter().chain(&after).all(|size| size.is(0)) {
        return Ok(input.clone());
    }
    let input = if before[0].is(0) && after[0].is(0) { input.clone() } else { builder.flat(input)? };
    let skip = usize::from(input.batched);
    let grown = |axis: usize| input.dims[axis].plus(&before[axis])?.plus(&after[axis]);
    let own: Vec<Option<Size>> = (skip..input.rank()).map(grown).collect();
    let own: Vec<Size> = own.into_iter().map(|size| builder.size(size)).collect();
    let numbers = |sizes: &[Size]| sizes[skip..].iter().map(Size::number).collect::<Option<Vec<i64>>>();
    if let (Some(before), Some(after)) = (numbers(&before), numbers(&after)) {
        return builder.after("", &input, Op::Pad { before, after, mode }, own);
    }
    fitted(builder, &input, (&before, &after, mode), own)
}

/// Largest difference of sizes that a border is made for when it hangs on the image's size.
const MOST_FITTED: i64 = 64;

/// A border of zeros that makes an image as large as another, half of it before (rounded down): padded amply, then the
/// middle is cut out. With a border of p before and p + 1 behind, the middle begins at p − ⌊d / 2⌋.
fn fitted(
    builder: &mut Builder,
    input: &Live,
    (before, after, mode): (&[Size], &[Size], PadMode),
    own: Vec<Size>,
) -> Result<Live, Refused> {
    let (true, [_, y, x]) = (input.batched && matches!(mode, PadMode::Constant { .. }), &own[..]) else {
        return refuse("its border hangs on the image's size");
    };
    let mut ample = 0;
    for axis in [2, 3] {
        let total = before[axis].plus(&after[axis]);
        let half = total.as_ref().and_then(|total| total.over(2)?.floor());
        let most = total.as_ref().and_then(most_of);
        match (half, most) {
            (Some(half), Some(most)) if half == before[axis] && (0..=MOST_FITTED).contains(&most) => {
                ample = ample.max(most / 2 + 1);
            }
            _ => return refuse("its border hangs on the image's size in a way the network cannot follow"),
        }
    }
    let Some(like) = builder.of_plane(y, x).filter(|_| before[1].is(0) && after[1].is(0)) else {
        return refuse("its border hangs on the image's size, and no other value has the size it makes");
    };
    let grown: Vec<Option<Size>> = input
        .own()
        .iter()
        .enumerate()
        .map(
            |(axis, size)| if axis == 0 { Some(size.clone()) } else { size.plus(&Size::from(2 * ample + 1)) },
        )
        .collect();
    let grown = grown.into_iter().map(|size| builder.size(size)).collect();
    let op = Op::Pad { before: vec![0, ample, ample], after: vec![0, ample + 1, ample + 1], mode };
    let ample = builder.after("border", input, op, grown)?;
    let node = builder.make("", Op::CenterCrop, vec![ample.node, like], own.clone())?;
    Ok(input.with(node, own))
}

/// The largest value of a size among images of 32 to 1100 pixels a side, where it is never negative.
fn most_of(size: &Size) -> Option<i64> {
    let mut most = 0;
    for side in 32..1100 {
        let value = size.value(&[side; 8])?;
        if value < 0 {
            return None;
        }
        most = most.max(value);
    }
    Some(most)
}
