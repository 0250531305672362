//! Images of another size: nearest, linear and cubic interpolation by the rules of ONNX's operator Resize.
//!
//! Interpolation along several axes is interpolation along one after the other, so that all of it is weights along an
//! axis: where an output lies among the inputs, and how much of each neighbour it takes.
use super::along::{Taps, along};
use candle_core::{Result, Tensor, bail};

/// How an axis is resized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResizeAxis {
    /// Of the tensor.
    pub axis: usize,
    /// Outputs along it.
    pub size: usize,
    /// Outputs an input, where it was given; else the quotient of the sizes.
    pub scale: Option<f64>,
    /// Which part of the axis is looked at, for [`Coordinates::CropAndResize`]: 0 is the first input's centre, 1 the
    /// last one's.
    pub crop: [f64; 2],
}

/// Where an output lies among the inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coordinates {
    /// The image's borders fall on each other.
    HalfPixel,
    /// The same from the middle outwards, where the scale gives no whole size.
    HalfPixelSymmetric,
    /// As [`Coordinates::HalfPixel`]; a single output lies on the first input.
    PytorchHalfPixel,
    /// The corners' centres fall on each other.
    AlignCorners,
    /// The first pixels fall on each other.
    Asymmetric,
    /// A part of the image; outside of it stands a value.
    CropAndResize { extrapolation: f64 },
}

/// Which of two neighbours is nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// The lower of two equally near.
    PreferFloor,
    /// The higher of two equally near.
    PreferCeil,
    Floor,
    Ceil,
}

/// How much of each neighbour an output takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Filter {
    Nearest(Rounding),
    Linear,
    /// Keys' cubic convolution (1981), most often with `a` −0.5 or −0.75.
    Cubic {
        a: f64,
    },
}

/// How an image is resized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResizeSpec {
    pub filter: Filter,
    pub coordinates: Coordinates,
    /// Neighbours beyond the border count nothing, instead of being the border's.
    pub exclude_outside: bool,
    /// The filter grows when the image shrinks, so that every input counts.
    pub antialias: bool,
}

/// `x` with other sizes along some of its axes. Differentiable.
pub fn resize(x: &Tensor, axes: &[ResizeAxis], spec: ResizeSpec) -> Result<Tensor> {
    let mut y = x.clone();
    let mut beyond: Vec<(usize, Vec<bool>)> = Vec::new();
    // From the last axis on: where the image grows, the longest lines come last.
    let mut axes = axes.to_vec();
    axes.sort_by_key(|axis| std::cmp::Reverse(axis.axis));
    for to in axes {
        let len = y.dims().get(to.axis).copied().unwrap_or(0);
        let scale = to.scale.unwrap_or(to.size as f64 / len as f64);
        if len == 0 || to.size == 0 || !(scale.is_finite() && scale > 0.0) {
            bail!("Resizing axis {} of {:?} to {} by {scale}", to.axis, x.dims(), to.size)
        }
        let whole = !matches!(spec.coordinates, Coordinates::CropAndResize { .. }) || to.crop == [0.0, 1.0];
        if to.size == len && whole && (scale - 1.0).abs() < 1e-9 {
            continue;
        }
        let line = Line { len, to, scale, spec };
        let taps = Taps::new(len, (0..to.size).map(|output| line.taps(output)));
        if let Coordinates::CropAndResize { .. } = spec.coordinates {
            beyond.push((to.axis, (0..to.size).map(|output| line.place(output).is_none()).collect()));
        }
        y = along(&y, to.axis, taps)?;
    }
    match spec.coordinates {
        Coordinates::CropAndResize { extrapolation } => filled(&y, &beyond, extrapolation as f32),
        _ => Ok(y),
    }
}

/// `x`, which is 0 wherever it lies beyond along any of the axes, with `value` there.
pub(super) fn filled(x: &Tensor, beyond: &[(usize, Vec<bool>)], value: f32) -> Result<Tensor> {
    if value == 0.0 || beyond.iter().all(|(_, beyond)| !beyond.contains(&true)) {
        return Ok(x.clone());
    }
    let mut dims = vec![1; x.rank()];
    beyond.iter().for_each(|(axis, beyond)| dims[*axis] = beyond.len());
    let count: usize = dims.iter().product();
    let mut values = vec![0.0; count];
    for (axis, beyond) in beyond {
        let behind: usize = dims[axis + 1..].iter().product();
        for (at, to) in values.iter_mut().enumerate() {
            if beyond[at / behind % beyond.len()] {
                *to = value;
            }
        }
    }
    x.broadcast_add(&Tensor::from_vec(values, dims, x.device())?)
}

/// Places beyond it are counted as lying there.
const FAR: f64 = 1e12;

/// One axis that is resized.
struct Line {
    len: usize,
    to: ResizeAxis,
    scale: f64,
    spec: ResizeSpec,
}

impl Line {
    /// Where an output lies, in inputs; `None`: beyond what was cropped.
    fn place(&self, output: usize) -> Option<f64> {
        let (at, len, size) = (output as f64, self.len as f64, self.to.size as f64);
        // The quotient of two sizes is not rounded before it is used.
        let inputs = |outputs: f64| match self.to.scale {
            Some(scale) => outputs / scale,
            None => outputs * len / size,
        };
        let by_centre = inputs(at + 0.5) - 0.5;
        let place = match self.spec.coordinates {
            Coordinates::HalfPixel => by_centre,
            Coordinates::HalfPixelSymmetric => len / 2.0 * (1.0 - size / (self.scale * len)) + by_centre,
            Coordinates::PytorchHalfPixel if self.to.size == 1 => 0.0,
            Coordinates::PytorchHalfPixel => by_centre,
            Coordinates::AlignCorners if self.to.size == 1 => 0.0,
            Coordinates::AlignCorners => at * (len - 1.0) / (size - 1.0),
            Coordinates::Asymmetric => inputs(at),
            Coordinates::CropAndResize { .. } => {
                let [start, end] = self.to.crop.map(|part| part * (len - 1.0));
                let place = if self.to.size == 1 {
                    f64::midpoint(start, end)
                } else {
                    start + at * (end - start) / (size - 1.0)
                };
                return (0.0..=len - 1.0).contains(&place).then_some(place);
            }
        };
        // Far beyond the border all places are alike.
        Some(place.clamp(-FAR, FAR))
    }

    /// What an output is made of.
    fn taps(&self, output: usize) -> Vec<(usize, f32)> {
        let Some(place) = self.place(output) else { return Vec::new() };
        let last = self.len as i64 - 1;
        let (first, mut weights) = match self.spec.filter {
            Filter::Nearest(rounding) => (nearest(place, rounding), vec![1.0]),
            Filter::Linear => self.weights(place, 1.0, |x| (1.0 - x).max(0.0)),
            Filter::Cubic { a } => self.weights(place, 2.0, |x| cubic(x, a)),
        };
        let inside = |tap: usize| (0..=last).contains(&(first + tap as i64));
        if self.spec.exclude_outside && !matches!(self.spec.filter, Filter::Nearest(_)) {
            weights.iter_mut().enumerate().for_each(|(tap, weight)| {
                if !inside(tap) {
                    *weight = 0.0;
                }
            });
            let sum: f64 = weights.iter().sum();
            if sum != 0.0 {
                weights.iter_mut().for_each(|weight| *weight /= sum);
            }
        }
        let mut taps: Vec<(usize, f64)> = Vec::new();
        for (tap, weight) in weights.into_iter().enumerate().filter(|(_, weight)| *weight != 0.0) {
            let at = (first + tap as i64).clamp(0, last) as usize;
            match taps.last_mut().filter(|(last, _)| *last == at) {
                Some((_, sum)) => *sum += weight,
                None => taps.push((at, weight)),
            }
        }
        taps.into_iter().map(|(at, weight)| (at, weight as f32)).collect()
    }

    /// The first neighbour within `reach` of a place, and the weights from there on, by their distance.
    fn weights(&self, place: f64, reach: f64, filter: impl Fn(f64) -> f64) -> (i64, Vec<f64>) {
        let narrow = if self.spec.antialias { self.scale.min(1.0) } else { 1.0 };
        // No more of them than there are inputs on both sides of the border.
        let reach = (reach / narrow).min(2.0 * self.len as f64 + 2.0);
        let first = (place - reach).floor() as i64 + 1;
        let last = (place + reach).ceil() as i64 - 1;
        let mut weights: Vec<f64> =
            (first..=last).map(|at| filter((at as f64 - place).abs() * narrow)).collect();
        if self.spec.antialias {
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        (first, weights)
    }
}

fn nearest(place: f64, rounding: Rounding) -> i64 {
    let place = match rounding {
        Rounding::PreferFloor => (place - 0.5).ceil(),
        Rounding::PreferCeil => (place + 0.5).floor(),
        Rounding::Floor => place.floor(),
        Rounding::Ceil => place.ceil(),
    };
    place as i64
}

/// The kernel of cubic convolution at a distance.
fn cubic(x: f64, a: f64) -> f64 {
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}
