//! Known numbers cut, joined, turned and repeated.

use super::super::attributes::{Call, axes_of, axis_of};
use super::super::known::{Element, Known, Numbers};
use super::super::{Refused, refuse};
use super::arithmetic::{allowed, broadcast};
use super::{Folded, axis, first, moved, whole_shape};
use ndarray::{ArrayD, Axis, IxDyn};

pub(super) fn fold(call: &Call<'_>) -> Option<Folded> {
    let known = match first(call) {
        Ok(known) => known,
        Err(refused) => return Some(Err(refused)),
    };
    Some(match call.node.op_type.as_str() {
        "Concat" => concat(call).map(one),
        "Gather" => gather(call).map(one),
        "Slice" => slice(call).map(one),
        "Split" => split(call),
        "Reshape" => reshape(call).map(one),
        "Flatten" => flatten(call).map(one),
        "Squeeze" => squeeze(call).map(one),
        "Unsqueeze" => unsqueeze(call).map(one),
        "Transpose" => transpose(call).map(one),
        "Expand" => call
            .needed_known(1)
            .and_then(whole_shape)
            .and_then(|shape| expand(known, &broadcast(known.shape(), &shape)?))
            .map(one),
        "Tile" => tile(call).map(one),
        _ => return None,
    })
}

fn one(known: Known) -> Vec<Known> {
    vec![known]
}

/// Repeated to a shape.
pub(super) fn expand(known: &Known, shape: &[usize]) -> Result<Known, Refused> {
    allowed(shape, known.len())?;
    if broadcast(known.shape(), shape)? != shape {
        return refuse(format!("{:?} cannot be repeated to {shape:?}", known.shape()));
    }
    fn repeat<T: Clone>(array: &ArrayD<T>, shape: &[usize]) -> ArrayD<T> {
        array.broadcast(IxDyn(shape)).map_or_else(|| array.clone(), |view| view.to_owned())
    }
    Ok(moved!(known, array => repeat(array, shape)))
}

fn concat(call: &Call<'_>) -> Result<Known, Refused> {
    let parts: Vec<&Known> =
        (0..call.inputs.len()).map(|index| call.needed_known(index)).collect::<Result<_, _>>()?;
    let axis = axis(call, parts[0], 1)?;
    let fits = |part: &&Known| part.shape().len() == parts[0].shape().len();
    if !parts.iter().all(fits) {
        return refuse("its inputs have different numbers of axes");
    }
    let element = parts[0].element;
    let failed = |error: ndarray::ShapeError| Refused(format!("its inputs do not fit ({error})"));
    if parts.iter().any(|part| matches!(part.numbers, Numbers::Sizes(_))) {
        let Some(arrays) = parts.iter().map(|part| part.as_sizes()).collect::<Option<Vec<_>>>() else {
            return refuse("its arithmetic with the image's size cannot be followed");
        };
        let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
        return Ok(Known::sizes(ndarray::concatenate(Axis(axis), &views).map_err(failed)?, element));
    }
    if element == Element::Float {
        let arrays: Vec<ArrayD<f32>> = parts.iter().filter_map(|part| part.values()).collect();
        let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
        return Ok(Known::floats(ndarray::concatenate(Axis(axis), &views).map_err(failed)?));
    }
    let arrays: Vec<ArrayD<i64>> = parts
        .iter()
        .filter_map(|part| ArrayD::from_shape_vec(IxDyn(part.shape()), part.ints()?).ok())
        .collect();
    let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
    let joined = ndarray::concatenate(Axis(axis), &views).map_err(failed)?;
    Ok(Known { element, numbers: Numbers::Ints(joined) })
}

fn gather(call: &Call<'_>) -> Result<Known, Refused> {
    let known = first(call)?;
    let axis = axis(call, known, 0)?;
    let length = known.shape()[axis];
    let Some(indices) = call.needed_known(1)?.ints() else {
        return refuse("its indices hang on the image's size");
    };
    let places = indices.iter().map(|&index| axis_of(index, length)).collect::<Result<Vec<_>, _>>();
    let Ok(places) = places else {
        return refuse(format!("there is no place {indices:?} on an axis of {length}"));
    };
    let shape = [&known.shape()[..axis], call.needed_known(1)?.shape(), &known.shape()[axis + 1..]].concat();
    allowed(&shape, known.len())?;
    moved!(known, array => array.select(Axis(axis), &places)).reshaped(&shape)
}

/// One cut of `Slice`: axis, start, end and step, as given.
pub(in super::super) type Cut = (usize, i64, i64, i64);

/// First place and number of places of a cut along an axis of that length, by ONNX's rules.
pub(in super::super) fn count_of_slice(cut: Cut, length: usize) -> (usize, usize) {
    let (_, start, end, step) = cut;
    let length = length as i64;
    let counted = |bound: i64| if bound < 0 { bound.saturating_add(length) } else { bound };
    let (start, end) = (counted(start), counted(end));
    let (start, count) = if step > 0 {
        let (start, end) = (start.clamp(0, length), end.clamp(0, length));
        (start, (end - start).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
    } else {
        let (start, end) = (start.clamp(-1, length - 1), end.clamp(-1, length - 1));
        (start, (start - end).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
    };
    (start.max(0) as usize, count as usize)
}

/// The cuts a `Slice` asks for, where they are plain numbers.
pub(in super::super) fn slices(call: &Call<'_>, rank: usize) -> Result<Vec<Cut>, Refused> {
    let (Some(starts), Some(ends)) = (call.ints_of(1, "starts")?, call.ints_of(2, "ends")?) else {
        return refuse("it does not say where to cut");
    };
    let count = starts.len();
    let axes = call.ints_of(3, "axes")?.unwrap_or_else(|| (0..count as i64).collect());
    let steps = call.ints_of(4, "steps")?.unwrap_or_else(|| vec![1; count]);
    if [ends.len(), axes.len(), steps.len()] != [count; 3] || steps.contains(&0) {
        return refuse("its starts, ends, axes and steps do not fit");
    }
    let cut = |i: usize| Ok((axis_of(axes[i], rank)?, starts[i], ends[i], steps[i]));
    (0..count).map(cut).collect()
}

fn slice(call: &Call<'_>) -> Result<Known, Refused> {
    let mut known = first(call)?.clone();
    for cut in slices(call, known.shape().len())? {
        let (start, count) = count_of_slice(cut, known.shape()[cut.0]);
        let places: Vec<usize> =
            (0..count as i64).map(|i| (start as i64 + i * cut.3).max(0) as usize).collect();
        known = moved!(&known, array => array.select(Axis(cut.0), &places));
    }
    Ok(known)
}

fn split(call: &Call<'_>) -> Folded {
    let known = first(call)?;
    let axis = axis(call, known, 0)?;
    let sizes = split_sizes(call, known.shape()[axis])?;
    let mut start = 0;
    let mut parts = Vec::with_capacity(sizes.len());
    for size in sizes {
        let places: Vec<usize> = (start..start + size).collect();
        parts.push(moved!(known, array => array.select(Axis(axis), &places)));
        start += size;
    }
    Ok(parts)
}

/// How long each part of a `Split` is; equal ones where it does not say.
pub(in super::super) fn split_sizes(call: &Call<'_>, length: usize) -> Result<Vec<usize>, Refused> {
    let outputs = call.node.output.len().max(1);
    let sizes = match call.ints_of(1, "split")? {
        Some(sizes) => {
            let sizes: Option<Vec<usize>> = sizes.iter().map(|&n| usize::try_from(n).ok()).collect();
            sizes.unwrap_or_default()
        }
        None => {
            let part = length.div_ceil(outputs);
            (0..outputs).map(|i| part.min(length.saturating_sub(i * part))).collect()
        }
    };
    let sum = sizes.iter().try_fold(0_usize, |sum, &n| sum.checked_add(n));
    if sum != Some(length) || sizes.len() < outputs {
        return refuse(format!("parts of {sizes:?} do not make an axis of {length}"));
    }
    Ok(sizes)
}

fn reshape(call: &Call<'_>) -> Result<Known, Refused> {
    let known = first(call)?;
    let Some(target) = call.ints_of(1, "shape")? else { return refuse("it has no shape") };
    let mut shape = Vec::with_capacity(target.len());
    for (axis, &size) in target.iter().enumerate() {
        shape.push(match size {
            0 if !call.flag("allowzero") => known.shape().get(axis).copied().unwrap_or(0),
            size => usize::try_from(size).unwrap_or(1),
        });
    }
    if let Some(rest) = target.iter().position(|&size| size == -1) {
        let others: usize = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)).unwrap_or(0);
        shape[rest] = known.len().checked_div(others).unwrap_or(0);
    }
    known.reshaped(&shape)
}

fn flatten(call: &Call<'_>) -> Result<Known, Refused> {
    let known = first(call)?;
    let rank = known.shape().len();
    let axis = call.int("axis", 1);
    let axis = if axis == rank as i64 { rank } else { axis_of(axis, rank)? };
    let (rows, columns) = known.shape().split_at(axis);
    known.reshaped(&[rows.iter().product(), columns.iter().product()])
}

fn squeeze(call: &Call<'_>) -> Result<Known, Refused> {
    let known = first(call)?;
    let axes = match call.ints_of(1, "axes")? {
        Some(axes) => axes_of(&axes, known.shape().len())?,
        None => (0..known.shape().len()).filter(|&axis| known.shape()[axis] == 1).collect(),
    };
    let left = known.shape().iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    let shape: Vec<usize> = left.map(|(_, &size)| size).collect();
    known.reshaped(&shape)
}

fn unsqueeze(call: &Call<'_>) -> Result<Known, Refused> {
    let known = first(call)?;
    let axes = call.ints_of(1, "axes")?.unwrap_or_default();
    let axes = axes_of(&axes, known.shape().len() + axes.len())?;
    let mut shape = known.shape().to_vec();
    for axis in axes {
        shape.insert(axis, 1);
    }
    known.reshaped(&shape)
}

fn transpose(call: &Call<'_>) -> Result<Known, Refused> {
    let known = first(call)?;
    let order = order_of(call, known.shape().len())?;
    fn turn<T: Clone>(array: &ArrayD<T>, order: &[usize]) -> ArrayD<T> {
        array.view().permuted_axes(IxDyn(order)).as_standard_layout().into_owned()
    }
    Ok(moved!(known, array => turn(array, &order)))
}

/// The order of axes that a `Transpose` makes: the reverse where it does not say.
pub(in super::super) fn order_of(call: &Call<'_>, rank: usize) -> Result<Vec<usize>, Refused> {
    let Some(order) = call.ints("perm") else { return Ok((0..rank).rev().collect()) };
    let order = order.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return refuse(format!("{order:?} is no order of {rank} axes"));
    }
    Ok(order)
}

fn tile(call: &Call<'_>) -> Result<Known, Refused> {
    let mut known = first(call)?.clone();
    let repeats = whole_shape(call.needed_known(1)?)?;
    if repeats.len() != known.shape().len() {
        return refuse(format!("{} repeats for {} axes", repeats.len(), known.shape().len()));
    }
    for (axis, repeats) in repeats.into_iter().enumerate() {
        let length = known.shape()[axis];
        let mut shape = known.shape().to_vec();
        shape[axis] = length.saturating_mul(repeats);
        allowed(&shape, known.len())?;
        let places: Vec<usize> = (0..repeats).flat_map(|_| 0..length).collect();
        known = moved!(&known, array => array.select(Axis(axis), &places));
    }
    Ok(known)
}
