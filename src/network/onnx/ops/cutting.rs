//! Values joined, cut, picked from and padded.

use super::super::attributes::{Call, axis_of};
use super::super::build::Builder;
use super::super::fold::{count_of_slice, slices, split_sizes};
use super::super::known::Known;
use super::super::size::Size;
use super::super::value::{Live, Value};
use super::super::{Refused, refuse};
use super::{Made, one};
use crate::network::{Op, PadMode, Pairing, Reduction};
use std::rc::Rc;

pub(super) fn concat(builder: &mut Builder, call: &Call<'_>) -> Made {
    let values: Vec<&Value> =
        (0..call.inputs.len()).map(|index| call.needed(index)).collect::<Result<_, _>>()?;
    // What has no values adds nothing.
    let empty = |value: &Value| matches!(value, Value::Known(known) if known.len() == 0);
    let values: Vec<&Value> = values.into_iter().filter(|value| !empty(value)).collect();
    let Some(first) = values.first() else { return refuse("it has no inputs") };
    let rank = first.rank();
    let axis = axis_of(call.int("axis", 1), rank)?;
    if values.iter().any(|value| value.rank() != rank) {
        return refuse("its inputs have different numbers of axes");
    }
    let is_batched = |value: &&&Value| matches!(value, Value::Live(live) if live.batched);
    let batched = axis > 0 && values.iter().any(|value| is_batched(&value));
    let mut lives = Vec::with_capacity(values.len());
    for value in &values {
        lives.push(match value {
            Value::Known(known) if batched && known.shape()[0] == 1 => {
                builder.constant(&Rc::new(known.reshaped(&known.shape()[1..])?))?
            }
            Value::Known(_) if batched => return refuse("it joins images with constants of another batch"),
            Value::Known(known) => builder.constant(known)?,
            Value::Live(live) if batched => builder.batched(live)?,
            Value::Live(live) => builder.flat(live)?,
        });
    }
    if lives.len() == 1 {
        return one(lives.swap_remove(0));
    }
    let mut dims = lives[0].dims.clone();
    if batched {
        dims = values.iter().find(is_batched_value).map_or(dims, |value| value.dims());
    }
    let mut along = Some(Size::from(0_i64));
    for value in &values {
        along = along.and_then(|along| along.plus(&value.dims()[axis]));
    }
    dims[axis] = builder.size(along);
    let own = dims[usize::from(batched)..].to_vec();
    let inputs = lives.iter().map(|live| live.node).collect();
    let node = builder.make("", Op::Concat { axis: axis - usize::from(batched) }, inputs, own)?;
    one(Live { node, dims, batched, element: lives[0].element })
}

fn is_batched_value(value: &&&Value) -> bool {
    matches!(value, Value::Live(live) if live.batched)
}

pub(super) fn slice(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    if let Some(result) = symbolic_slice(builder, call, &input)? {
        return one(result);
    }
    let mut result = input;
    for (axis, start, end, step) in slices(call, result.rank())? {
        result = cut(builder, &result, (axis, start, end, step))?;
    }
    one(result)
}

/// One cut along an axis; cuts that take all are none.
fn cut(builder: &mut Builder, input: &Live, cut: (usize, i64, i64, i64)) -> Result<Live, Refused> {
    let (axis, start, end, step) = cut;
    let from_first = start == 0 || input.dims[axis].number().is_some_and(|n| start <= -n);
    let to_last = match input.dims[axis].number() {
        Some(length) => end >= length,
        None => end > i64::from(i32::MAX) - 1,
    };
    if step == 1 && from_first && to_last {
        return Ok(input.clone());
    }
    let length = match input.dims[axis].count() {
        Some(length) => {
            let (_, count) = count_of_slice(cut, length);
            if count == 0 {
                return refuse("it cuts out nothing");
            }
            Some(Size::from(count))
        }
        None => length_of_cut(&input.dims[axis], (start, end, step), to_last),
    };
    let input = if axis == 0 { builder.flat(input)? } else { input.clone() };
    let Some(own_axis) = input.own_axis(axis) else { return refuse("it mixes the images of a batch") };
    let mut own = input.own().to_vec();
    own[own_axis] = builder.size(length);
    builder.after("", &input, Op::Slice { axis: own_axis, start, end, step }, own)
}

/// How long a cut of an image's axis is, where all of it lies inside.
fn length_of_cut(size: &Size, (start, end, step): (i64, i64, i64), to_last: bool) -> Option<Size> {
    let at = |bound: i64| match bound {
        bound if bound < 0 => size.plus(&Size::from(bound)),
        bound => Some(Size::from(bound)),
    };
    let end = if to_last { Some(size.clone()) } else { at(end) };
    let length = end?.minus(&at(start)?)?;
    if step < 1 { None } else { length.over(step)?.ceil() }
}

/// A cut whose bounds hang on the image's size: to the middle of another value's size, or at a fixed distance from an
/// end. `None` where all bounds are numbers.
fn symbolic_slice(builder: &mut Builder, call: &Call<'_>, input: &Live) -> Result<Option<Live>, Refused> {
    let list = |index: usize| {
        let known = call.known(index)?.and_then(Known::as_sizes);
        Ok(known.map(|sizes| sizes.iter().cloned().collect::<Vec<Size>>()))
    };
    let (Some(starts), Some(ends)) = (list(1)?, list(2)?) else { return Ok(None) };
    let is_number = |size: &Size| size.number().is_some();
    if starts.iter().chain(&ends).all(is_number) {
        return Ok(None);
    }
    let count = starts.len();
    let axes = call.ints_of(3, "axes")?.unwrap_or_else(|| (0..count as i64).collect());
    let steps = call.ints_of(4, "steps")?.unwrap_or_else(|| vec![1; count]);
    if [ends.len(), axes.len(), steps.len()] != [count; 3] || steps.contains(&0) {
        return refuse("its starts, ends, axes and steps do not fit");
    }
    if let Some(cropped) = centre_crop(builder, input, (&starts, &ends, &axes, &steps))? {
        return Ok(Some(cropped));
    }
    let mut result = input.clone();
    for index in 0..count {
        let axis = axis_of(axes[index], input.rank())?;
        let size = &input.dims[axis];
        // A distance from the end is a negative number; the end itself is beyond all.
        let bound = |bound: &Size, is_end: bool| {
            if let Some(number) = bound.number() {
                return Some(number);
            }
            match bound.minus(size)?.number()? {
                0 if is_end => Some(i64::MAX),
                behind if behind < 0 => Some(behind),
                _ => None,
            }
        };
        let (Some(start), Some(end)) = (bound(&starts[index], false), bound(&ends[index], true)) else {
            return refuse("its bounds hang on the image's size in a way the network cannot follow");
        };
        result = cut(builder, &result, (axis, start, end, steps[index]))?;
    }
    Ok(Some(result))
}

type Bounds<'a> = (&'a [Size], &'a [Size], &'a [i64], &'a [i64]);

/// The middle of an image, as high and wide as another: from ⌊(a − b) / 2⌋ on, b pixels.
fn centre_crop(
    builder: &mut Builder,
    input: &Live,
    (starts, ends, axes, steps): Bounds<'_>,
) -> Result<Option<Live>, Refused> {
    if input.rank() != 4 || steps.iter().any(|&step| step != 1) || !input.batched {
        return Ok(None);
    }
    let mut wanted = [input.dims[2].clone(), input.dims[3].clone()];
    for index in 0..starts.len() {
        let axis = axis_of(axes[index], 4)?;
        let length = ends[index].minus(&starts[index]);
        let Some(length) = length.filter(|_| axis >= 2) else { return Ok(None) };
        let middle = input.dims[axis].minus(&length).and_then(|free| free.over(2)?.floor());
        if middle.as_ref() != Some(&starts[index]) {
            return Ok(None);
        }
        wanted[axis - 2] = length;
    }
    let own = [&input.own()[..1], &wanted[..]].concat();
    // Files cut one axis after the other; the middle of a middle is one cut.
    if let Some(like) = builder.of_plane(&wanted[0], &wanted[1]) {
        let whole = builder.half_cut.get(&input.node).copied().unwrap_or(input.node);
        let node = builder.make("", Op::CenterCrop, vec![whole, like], own.clone())?;
        return Ok(Some(input.with(node, own)));
    }
    let Some(like) = plane_like(builder, &wanted)? else { return Ok(None) };
    let node = builder.make("half", Op::CenterCrop, vec![input.node, like], own.clone())?;
    builder.half_cut.insert(node, input.node);
    Ok(Some(input.with(node, own)))
}

/// An image as high as one value and as wide as another, whatever its numbers are; `None` where there are none such.
fn plane_like(builder: &mut Builder, [y, x]: &[Size; 2]) -> Result<Option<usize>, Refused> {
    let with = |axis: usize, size: &Size| {
        builder.nodes.iter().position(|made| made.own.len() == 3 && made.own[axis] == *size)
    };
    let (Some(high), Some(wide)) = (with(1, y), with(2, x)) else { return Ok(None) };
    let one = Size::from(1_i64);
    let most = |axes: Vec<usize>| Op::Reduce { function: Reduction::Max, axes, keep: true };
    let rows =
        builder.make("rows", most(vec![0, 2]), vec![high], vec![one.clone(), y.clone(), one.clone()])?;
    let columns =
        builder.make("columns", most(vec![0, 1]), vec![wide], vec![one.clone(), one.clone(), x.clone()])?;
    let op = Op::Combine { function: Pairing::Add };
    Ok(Some(builder.make("like", op, vec![rows, columns], vec![one, y.clone(), x.clone()])?))
}

pub(super) fn split(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axis = axis_of(call.int("axis", 0), input.rank())?;
    let Some(length) = input.dims[axis].count() else {
        return refuse("it splits an axis of the image, whose size is not known beforehand");
    };
    let mut start = 0;
    let mut parts = Vec::new();
    for (index, size) in split_sizes(call, length)?.into_iter().enumerate() {
        let (from, to) = (start as i64, (start + size) as i64);
        start += size;
        if !call.wanted.get(index).copied().unwrap_or_default() {
            parts.push(Value::from(Known::list(Vec::new())));
            continue;
        }
        if size == 0 {
            let Some(mut shape) = input.dims.iter().map(Size::count).collect::<Option<Vec<usize>>>() else {
                return refuse("it makes a part without values");
            };
            shape[axis] = 0;
            parts.push(Value::from(Known::list(Vec::new()).reshaped(&shape)?));
            continue;
        }
        parts.push(Value::from(cut(builder, &input, (axis, from, to, 1))?));
    }
    Ok(parts)
}

pub(super) fn gather(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axis = axis_of(call.int("axis", 0), input.rank())?;
    let indices = call.needed_known(1)?;
    let Some(places) = indices.ints() else { return refuse("its indices hang on the image's size") };
    if let Some(length) = input.dims[axis].number()
        && let Some(place) = places.iter().find(|&&place| place >= length || place < -length)
    {
        return refuse(format!("there is no place {place} on an axis of {length}"));
    }
    let shape = indices.shape().to_vec();
    let inserted: Vec<Size> = shape.iter().map(|&n| Size::from(n)).collect();
    let dims = [&input.dims[..axis], &inserted[..], &input.dims[axis + 1..]].concat();
    if axis == 0 && input.batched && shape.is_empty() && input.dims[0].is(1) {
        return one(builder.reshape(&input, dims, false)?);
    }
    let input = if axis == 0 { builder.flat(&input)? } else { input };
    let Some(own_axis) = input.own_axis(axis) else { return refuse("it mixes the images of a batch") };
    let own = dims[usize::from(input.batched)..].to_vec();
    one(builder.after("", &input, Op::Gather { axis: own_axis, indices: places, shape }, own)?)
}

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
