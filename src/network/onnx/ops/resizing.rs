//! Resizing, by the rules of opset 19, and its older forms.

use super::super::attributes::{Call, axis_of};
use super::super::build::Builder;
use super::super::known::Known;
use super::super::size::{Size, fraction};
use super::super::value::Live;
use super::super::{Refused, refuse};
use super::{Made, one};
use crate::network::{Between, Coordinates, Nearest, Op, Resample, ResizeTo, Resizing};

/// `Upsample` of opsets 7 to 9: pixels or lines from their corners.
pub(super) fn upsample(builder: &mut Builder, call: &Call<'_>) -> Made {
    let input = builder.live(call.needed(0)?)?;
    let scales = match call.known(1)? {
        Some(known) => floats(known)?,
        None => call.floats("scales").unwrap_or_default().iter().map(|&scale| f64::from(scale)).collect(),
    };
    let between = match call.word("mode") {
        "" | "nearest" => Between::Nearest(Nearest::Floor),
        "linear" | "bilinear" => Between::Linear,
        other => return refuse(format!("its mode is {other:?}")),
    };
    let how = How { between, coordinates: Coordinates::Asymmetric, exclude_outside: false, antialias: false };
    one(by_scales(builder, &input, &scales, how)?)
}

/// All of a resizing but its size.
#[derive(Clone)]
struct How {
    between: Between,
    coordinates: Coordinates,
    exclude_outside: bool,
    antialias: bool,
}

impl How {
    fn of(call: &Call<'_>) -> Result<Self, Refused> {
        let nearest = match call.word("nearest_mode") {
            // Opset 10 knew neither nearest modes nor coordinates.
            "" if call.opset < 11 => Nearest::Floor,
            "" | "round_prefer_floor" => Nearest::RoundPreferFloor,
            "round_prefer_ceil" => Nearest::RoundPreferCeil,
            "floor" => Nearest::Floor,
            "ceil" => Nearest::Ceil,
            other => return refuse(format!("its nearest_mode is {other:?}")),
        };
        let between = match call.word("mode") {
            "" | "nearest" => Between::Nearest(nearest),
            "linear" => Between::Linear,
            "cubic" => Between::Cubic { a: super::pointwise::short(call.float("cubic_coeff_a", -0.75)) },
            other => return refuse(format!("its mode is {other:?}")),
        };
        let coordinates = match call.word("coordinate_transformation_mode") {
            "" if call.opset < 11 => Coordinates::Asymmetric,
            "" | "half_pixel" => Coordinates::HalfPixel,
            "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
            "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
            "align_corners" => Coordinates::AlignCorners,
            "asymmetric" => Coordinates::Asymmetric,
            "tf_crop_and_resize" => Coordinates::CropAndResize {
                start: Vec::new(),
                end: Vec::new(),
                outside: call.float("extrapolation_value", 0.0),
            },
            other => return refuse(format!("its coordinate_transformation_mode is {other:?}")),
        };
        let (exclude_outside, antialias) = (call.flag("exclude_outside"), call.flag("antialias"));
        Ok(Self { between, coordinates, exclude_outside, antialias })
    }

    fn op(self, to: ResizeTo) -> Op {
        let Self { between, coordinates, exclude_outside, antialias } = self;
        Op::Resize(Resizing { to, between, coordinates, exclude_outside, antialias })
    }

    /// The plain enlargement that this is, for a whole factor.
    fn plain(&self, factor: usize) -> Option<Resample> {
        use Coordinates::{Asymmetric, HalfPixel, HalfPixelSymmetric, PytorchHalfPixel};
        if self.exclude_outside {
            return None;
        }
        match (&self.coordinates, self.between) {
            (HalfPixel | HalfPixelSymmetric | PytorchHalfPixel, Between::Linear) if factor > 1 => {
                Some(Resample::Bilinear)
            }
            // Places never lie half way between two pixels for whole factors.
            (
                HalfPixel | HalfPixelSymmetric,
                Between::Nearest(Nearest::RoundPreferFloor | Nearest::RoundPreferCeil),
            )
            | (Asymmetric, Between::Nearest(Nearest::Floor)) => Some(Resample::Nearest),
            (Asymmetric, Between::Nearest(Nearest::RoundPreferFloor)) if factor == 2 => {
                Some(Resample::Nearest)
            }
            _ => None,
        }
    }
}

fn floats(known: &Known) -> Result<Vec<f64>, Refused> {
    match known.values() {
        Some(values) => Ok(values.iter().map(|&value| f64::from(value)).collect()),
        None => refuse("its scales hang on the image's size"),
    }
}

pub(super) fn resize(builder: &mut Builder, call: &Call<'_>) -> Made {
    let mut input = builder.live(call.needed(0)?)?;
    let rank = input.rank();
    let mut how = How::of(call)?;
    let axes: Vec<usize> = match call.ints("axes") {
        Some(axes) => axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    let (scales_at, sizes_at) = if call.opset < 11 { (1, 4) } else { (2, 3) };
    let given = |index: usize| Ok(call.known(index)?.filter(|known| known.len() > 0));
    if let Coordinates::CropAndResize { start, end, .. } = &mut how.coordinates {
        let Some(roi) = given(1)? else { return refuse("it cuts out a region but names none") };
        region(&floats(roi)?, &axes, rank, (start, end))?;
    }
    let (scales, sizes) = (given(scales_at)?, given(sizes_at)?);
    if let Some(scales) = scales {
        let given = floats(scales)?;
        if given.len() != axes.len() {
            return refuse(format!("{} scales for {} axes", given.len(), axes.len()));
        }
        let mut all = vec![1.0; rank];
        for (&axis, scale) in axes.iter().zip(given) {
            all[axis] = scale;
        }
        return one(by_scales(builder, &input, &all, how)?);
    }
    let Some(sizes) = sizes else { return refuse("it says neither scales nor sizes") };
    let Some(given) = sizes.as_sizes().filter(|sizes| sizes.len() == axes.len()) else {
        return refuse(format!("{} sizes for {} axes", sizes.len(), axes.len()));
    };
    let policy = call.word("keep_aspect_ratio_policy");
    let mut all = input.dims.clone();
    for (&axis, size) in axes.iter().zip(&given) {
        all[axis] = size.clone();
    }
    if !matches!(policy, "" | "stretch") {
        return one(by_aspect(builder, &input, &axes, &all, (how, policy == "not_larger"))?);
    }
    if input.batched && all[0] != input.dims[0] {
        input = builder.flat(&input)?;
    }
    one(by_sizes(builder, &input, &all, how)?)
}

/// A region given for some axes, for all axes but the batch.
fn region(
    roi: &[f64],
    axes: &[usize],
    rank: usize,
    (start, end): (&mut Vec<f64>, &mut Vec<f64>),
) -> Result<(), Refused> {
    if roi.len() != 2 * axes.len() {
        return refuse(format!("its region has {} numbers for {} axes", roi.len(), axes.len()));
    }
    (*start, *end) = (vec![0.0; rank], vec![1.0; rank]);
    for (index, &axis) in axes.iter().enumerate() {
        (start[axis], end[axis]) = (roi[index], roi[index + axes.len()]);
    }
    Ok(())
}

/// What counts the batch in a region is taken off.
fn without_batch(how: How, batched: bool) -> How {
    match how.coordinates {
        Coordinates::CropAndResize { start, end, outside } if batched => {
            let rest = |list: Vec<f64>| list.into_iter().skip(1).collect();
            How {
                coordinates: Coordinates::CropAndResize { start: rest(start), end: rest(end), outside },
                ..how
            }
        }
        _ => how,
    }
}

fn by_scales(builder: &mut Builder, input: &Live, scales: &[f64], how: How) -> Result<Live, Refused> {
    if scales.len() != input.rank() {
        return refuse(format!("{} scales for {} axes", scales.len(), input.rank()));
    }
    let input = if input.batched && scales[0] != 1.0 { builder.flat(input)? } else { input.clone() };
    let own_scales = &scales[usize::from(input.batched)..];
    let how = without_batch(how, input.batched);
    let grown = |(size, &scale): (&Size, &f64)| scaled(size, scale);
    let own: Vec<Option<Size>> = input.own().iter().zip(own_scales).map(grown).collect();
    let own: Vec<Size> = own.into_iter().map(|size| builder.size(size)).collect();
    if let [1.0, y, x] = *own_scales
        && input.batched
        && y == x
        && y.fract() == 0.0
        && (1.0..=65_535.0).contains(&y)
        && let Some(resample) = how.plain(y as usize)
    {
        return builder.after("", &input, Op::Upsample { scale: y as usize, resample }, own);
    }
    builder.after("", &input, how.op(ResizeTo::Scales(own_scales.to_vec())), own)
}

/// ⌊size · scale⌋.
fn scaled(size: &Size, scale: f64) -> Option<Size> {
    if let Some(count) = size.number() {
        return Some(Size::from((count as f64 * scale).floor() as i64));
    }
    let (whole, over) = fraction(scale)?;
    size.times(&Size::from(whole))?.over(over)?.floor()
}

fn by_sizes(builder: &mut Builder, input: &Live, dims: &[Size], how: How) -> Result<Live, Refused> {
    let own = dims[usize::from(input.batched)..].to_vec();
    // A size that is a multiple of the image's own is a scale, which fits images of other sizes too.
    let factor = |(to, from): (&Size, &Size)| {
        if to == from {
            return Some(1.0);
        }
        let factor = to.divided(from)?.number()?;
        (factor >= 1).then_some(factor as f64)
    };
    if !matches!(how.coordinates, Coordinates::CropAndResize { .. })
        && let Some(factors) = own.iter().zip(input.own()).map(factor).collect::<Option<Vec<f64>>>()
    {
        let batch = input.batched.then_some(1.0);
        let scales: Vec<f64> = batch.into_iter().chain(factors).collect();
        return by_scales(builder, input, &scales, how);
    }
    let how = without_batch(how, input.batched);
    if let Some(sizes) = own.iter().map(Size::count).collect::<Option<Vec<usize>>>() {
        return builder.after("", input, how.op(ResizeTo::Sizes(sizes)), own);
    }
    let ([channels, y, x], true) = (&own[..], input.batched) else {
        return refuse("its sizes hang on the image's size");
    };
    if Some(channels) != input.own().first() {
        return refuse("it makes other numbers of channels");
    }
    match builder.of_plane(y, x) {
        Some(like) => {
            let node = builder.make("", how.op(ResizeTo::Like), vec![input.node, like], own.clone())?;
            Ok(input.with(node, own))
        }
        None => refuse("its sizes hang on the image's size, and no other value has them"),
    }
}

/// One scale for all axes, so that none (or each) becomes larger than its size.
fn by_aspect(
    builder: &mut Builder,
    input: &Live,
    axes: &[usize],
    dims: &[Size],
    (how, not_larger): (How, bool),
) -> Result<Live, Refused> {
    let first = axes.iter().copied().min().unwrap_or(0);
    let behind = (first..input.rank()).all(|axis| axes.contains(&axis));
    let last: Option<Vec<usize>> = dims[first..].iter().map(Size::count).collect();
    let (Some(sizes), true) = (last, behind && first >= usize::from(input.batched)) else {
        return refuse(
            "it keeps the aspect ratio of other axes than the last, or to sizes not known beforehand",
        );
    };
    let own_first = first - usize::from(input.batched);
    let mut own = input.own().to_vec();
    let ratio = |(from, &to): (&Size, &usize)| from.count().map(|from| to as f64 / from as f64);
    let ratios: Option<Vec<f64>> = own[own_first..].iter().zip(&sizes).map(ratio).collect();
    let scale = ratios.map(|ratios| {
        let best = if not_larger { f64::min } else { f64::max };
        ratios.into_iter().reduce(best).unwrap_or(1.0)
    });
    for size in &mut own[own_first..] {
        let grown = scale.and_then(|scale| Some((size.count()? as f64 * scale + 0.5).floor() as i64));
        *size = builder.size(grown.map(Size::from));
    }
    let how = without_batch(how, input.batched);
    let to = if not_larger { ResizeTo::NotLarger(sizes) } else { ResizeTo::NotSmaller(sizes) };
    builder.after("", input, how.op(to), own)
}
