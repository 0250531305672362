//! Values with other axes: reshaped, turned, repeated; and what a value's shape is.

use super::super::attributes::{Call, axes_of, axis_of};
use super::super::build::{Builder, broadcast};
use super::super::fold::{order_of, shape_part};
use super::super::known::{Element, Known};
use super::super::size::Size;
use super::super::value::{Live, Value};
use super::super::{Refused, refuse};
use super::{Made, one};
use crate::network::{Between, Coordinates, Nearest, Op, ResizeTo, Resizing};
use ndarray::{ArrayD, IxDyn};

/// The sizes of some of a value's axes.
pub(super) fn shape(_: &mut Builder, call: &Call<'_>) -> Made {
    let dims = call.needed(0)?.dims();
    let part = dims[shape_part(call, dims.len())].to_vec();
    let array =
        ArrayD::from_shape_vec(IxDyn(&[part.len()]), part).map_err(|error| Refused(error.to_string()))?;
    one(Known::sizes(array, Element::Int))
}

/// How many values there are.
pub(super) fn size(_: &mut Builder, call: &Call<'_>) -> Made {
    match product(&call.needed(0)?.dims()) {
        Some(size) => one(Known::sizes(ArrayD::from_elem(IxDyn(&[]), size), Element::Int)),
        None => refuse("its number of values cannot be followed"),
    }
}

fn product(dims: &[Size]) -> Option<Size> {
    dims.iter().try_fold(Size::from(1_i64), |product, size| product.times(size))
}

pub(super) fn reshape(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let target = match call.known(1)? {
        Some(known) => known.as_sizes().map(|sizes| sizes.iter().cloned().collect::<Vec<Size>>()),
        None => call.ints("shape").map(|ints| ints.iter().map(|&n| Size::from(n)).collect()),
    };
    let Some(mut target) = target else { return refuse("it has no shape") };
    if !call.flag("allowzero") {
        for (axis, size) in target.iter_mut().enumerate().filter(|(_, size)| size.is(0)) {
            match input.dims.get(axis) {
                Some(own) => *size = own.clone(),
                None => return refuse(format!("it copies axis {axis}, which its input lacks")),
            }
        }
    }
    let dims = resolved(builder, &input, target)?;
    one(to_dims(builder, &input, dims)?)
}

/// The target with the size that is left in the place of −1.
fn resolved(builder: &mut Builder, input: &Live, mut target: Vec<Size>) -> Result<Vec<Size>, Refused> {
    let whole = product(&input.dims);
    let rest = target.iter().position(|size| size.is(-1));
    let others: Vec<Size> = target
        .iter()
        .enumerate()
        .filter(|(axis, _)| Some(*axis) != rest)
        .map(|(_, size)| size.clone())
        .collect();
    let made = product(&others);
    if let Some(rest) = rest {
        let left = whole.and_then(|whole| whole.divided(&made?));
        target[rest] = builder.size(left);
        return Ok(target);
    }
    if whole == made {
        return Ok(target);
    }
    // Sizes that were divided come out whole where an axis is split.
    let exact: Option<Vec<Size>> = target.iter().map(Size::exact).collect();
    match (exact, &whole, &made) {
        (Some(exact), Some(whole), _) if product(&exact).as_ref() == Some(whole) => Ok(exact),
        (_, Some(whole), Some(made)) => match (whole.number(), made.number()) {
            (Some(had), Some(wanted)) => refuse(format!("its shape has {wanted} values, its input {had}")),
            _ => Ok(target),
        },
        _ => Ok(target),
    }
}

/// Reshapes, and finds out whether the first axis is the batch still.
fn to_dims(builder: &mut Builder, input: &Live, dims: Vec<Size>) -> Result<Live, Refused> {
    let keeps_batch = input.batched && dims.first() == input.dims.first();
    if input.batched && !keeps_batch {
        // A batch of one adds no values, so that its axis may go.
        if !input.dims[0].is(1) {
            return refuse("it mixes the images of a batch");
        }
    }
    builder.reshape(input, dims, keeps_batch)
}

/// Two axes: those before `axis` together, and the others.
pub(super) fn flatten(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axis = call.int("axis", 1);
    let axis = if axis == input.rank() as i64 { input.rank() } else { axis_of(axis, input.rank())? };
    let (rows, columns) = input.dims.split_at(axis);
    let (rows, columns) = (product(rows), product(columns));
    let dims = vec![builder.size(rows), builder.size(columns)];
    one(to_dims(builder, &input, dims)?)
}

pub(super) fn squeeze(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axes = match call.ints_of(1, "axes")? {
        Some(axes) => axes_of(&axes, input.rank())?,
        None => (0..input.rank()).filter(|&axis| input.dims[axis].is(1)).collect(),
    };
    if let Some(axis) = axes.iter().find(|&&axis| input.dims[axis].number().is_some_and(|n| n != 1)) {
        return refuse(format!("its axis {axis} has more than one value"));
    }
    let left = input.dims.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    let dims = left.map(|(_, size)| size.clone()).collect();
    if input.batched && axes.contains(&0) {
        if !input.dims[0].is(1) {
            return refuse("it mixes the images of a batch");
        }
        return one(builder.reshape(&input, dims, false)?);
    }
    one(builder.reshape(&input, dims, input.batched)?)
}

pub(super) fn unsqueeze(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let axes = call.ints_of(1, "axes")?.unwrap_or_default();
    let axes = axes_of(&axes, input.rank() + axes.len())?;
    let mut dims = input.dims.clone();
    for &axis in &axes {
        dims.insert(axis, Size::from(1_i64));
    }
    // A new first axis is a batch of one.
    if axes.contains(&0) && input.batched {
        let input = builder.flat(&input)?;
        return one(builder.reshape(&input, dims, true)?);
    }
    one(builder.reshape(&input, dims, input.batched || axes.contains(&0))?)
}

pub(super) fn transpose(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let order = order_of(call, input.rank())?;
    one(permuted(builder, &input, &order)?)
}

/// The axes in another order; of two turns one after the other, one is made.
pub(super) fn permuted(builder: &mut Builder, input: &Live, order: &[usize]) -> Result<Live, Refused> {
    let input = if input.batched && order.first() != Some(&0) { builder.flat(input)? } else { input.clone() };
    let mut axes: Vec<usize> = order.iter().filter_map(|&axis| input.own_axis(axis)).collect();
    let own: Vec<Size> = axes.iter().map(|&axis| input.own()[axis].clone()).collect();
    let mut source = input.node;
    if let Op::Permute { axes: before } = &builder.nodes[source].op {
        axes = axes.iter().map(|&axis| before[axis]).collect();
        source = builder.nodes[source].inputs[0];
    }
    if axes.iter().enumerate().all(|(place, &axis)| place == axis) {
        return Ok(input.with(source, own));
    }
    let node = builder.make("", Op::Permute { axes }, vec![source], own.clone())?;
    Ok(input.with(node, own))
}

/// Blocks of channels become blocks of pixels.
pub(super) fn depth_to_space(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.planes(call.needed(0)?)?;
    let block = call.sizes_one("blocksize", 1)?;
    let Some(channels) = input.own()[0].count().filter(|channels| channels.is_multiple_of(block * block))
    else {
        return refuse(format!("its channels are no multiple of {block}²"));
    };
    let (batch, y, x) = (input.dims[0].clone(), input.dims[2].clone(), input.dims[3].clone());
    let (b, c) = (Size::from(block), Size::from(channels / (block * block)));
    // Which of the three parts of the channel axis are channel, y and x.
    let columns_last = call.word("mode") == "CRD";
    let parts =
        if columns_last { [c.clone(), b.clone(), b.clone()] } else { [b.clone(), b.clone(), c.clone()] };
    let [p, q, r] = parts;
    let split = builder.reshape(&input, vec![batch.clone(), p, q, r, y.clone(), x.clone()], true)?;
    let order = if columns_last { [0, 1, 4, 2, 5, 3] } else { [0, 3, 4, 1, 5, 2] };
    let turned = permuted(builder, &split, &order)?;
    let (high, wide) = (y.times(&b), x.times(&b));
    let dims = vec![batch, c, builder.size(high), builder.size(wide)];
    one(builder.reshape(&turned, dims, true)?)
}

/// Blocks of pixels become blocks of channels.
pub(super) fn space_to_depth(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.planes(call.needed(0)?)?;
    let block = call.sizes_one("blocksize", 1)?;
    let Some(channels) = input.own()[0].count() else { return refuse("it has no fixed number of channels") };
    let (batch, b) = (input.dims[0].clone(), Size::from(block));
    let part = |size: &Size| size.over(block as i64);
    let (y, x) = (part(&input.dims[2]), part(&input.dims[3]));
    let (y, x) = (builder.size(y), builder.size(x));
    let (c, b2) = (Size::from(channels), b.clone());
    let dims = vec![batch.clone(), c, y.clone(), b, x.clone(), b2];
    let split = builder.reshape(&input, dims, true)?;
    let turned = permuted(builder, &split, &[0, 3, 5, 1, 2, 4])?;
    one(builder.reshape(&turned, vec![batch, Size::from(channels * block * block), y, x], true)?)
}

/// Repeated along axes of size 1 until it has the shape.
pub(super) fn expand(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let Some(target) = call.needed_known(1)?.as_sizes() else { return refuse("it has no shape") };
    let target: Vec<Size> = target.iter().cloned().collect();
    let dims = broadcast(&input.dims, &target)?;
    if dims == input.dims {
        return one(input);
    }
    let keeps_batch = input.batched && dims.len() == input.rank() && dims[0] == input.dims[0];
    let input = if input.batched && !keeps_batch { builder.flat(&input)? } else { input };
    let own = dims[usize::from(keeps_batch)..].to_vec();
    if let Some(shape) = own.iter().map(Size::count).collect::<Option<Vec<usize>>>() {
        let node = builder.make("", Op::Expand { shape }, vec![input.node], own)?;
        return one(Live { node, dims, batched: keeps_batch, element: input.element });
    }
    // One pixel over a whole image is the image's nearest.
    let single = |size: &Size| size.is(1);
    if let ([_, y, x], [_, from_y, from_x]) = (&own[..], input.own())
        && single(from_y)
        && single(from_x)
        && let Some(like) = builder.of_plane(y, x)
    {
        let resizing = Resizing {
            to: ResizeTo::Like,
            between: Between::Nearest(Nearest::Floor),
            coordinates: Coordinates::Asymmetric,
            exclude_outside: false,
            antialias: false,
        };
        let node = builder.make("", Op::Resize(resizing), vec![input.node, like], own)?;
        return one(Live { node, dims, batched: keeps_batch, element: input.element });
    }
    refuse("its shape hangs on the image's size")
}

pub(super) fn tile(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let repeats = call.needed_known(1)?.ints().unwrap_or_default();
    let repeats: Option<Vec<usize>> = repeats.iter().map(|&n| usize::try_from(n).ok()).collect();
    let Some(repeats) = repeats.filter(|repeats| repeats.len() == input.rank()) else {
        return refuse(format!("its repeats do not fit {} axes", input.rank()));
    };
    if repeats.iter().all(|&n| n == 1) {
        return one(input);
    }
    let input = if input.batched && repeats[0] != 1 { builder.flat(&input)? } else { input };
    let repeats = repeats[usize::from(input.batched)..].to_vec();
    let own: Vec<Option<Size>> =
        input.own().iter().zip(&repeats).map(|(size, &times)| size.times(&Size::from(times))).collect();
    let own = own.into_iter().map(|size| builder.size(size)).collect();
    one(builder.after("", &input, Op::Tile { repeats }, own)?)
}

impl From<&Live> for Value {
    fn from(live: &Live) -> Self {
        Self::Live(live.clone())
    }
}
