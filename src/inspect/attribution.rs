//! Why a pixel, or an image, is called what it is: which parts of the input a class's score hangs on.
use ndarray::{Array2, Array3, Axis};
use serde::Serialize;

/// A class's score over the places that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// Places of the answer that are summed; 1 for the answer of an image.
    pub places: u64,
    /// The class's values before the softmax, summed over the places.
    pub logit: f64,
    /// The class's mean probability there; `None` where the answer is no class.
    pub probability: Option<f64>,
}

/// Whether attributions add up to what they explain: their sum against the score's change from the baseline
/// (Sundararajan et al. 2017 call it completeness).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Completeness {
    pub baseline_logit: f64,
    /// Of all attributions.
    pub sum: f64,
    /// What the sum lacks to the change of the logit; more steps make it smaller.
    pub gap: f64,
}

/// What the answer loses when a microscope channel says nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelEffect {
    pub channel: usize,
    pub name: String,
    /// Score without it.
    pub score: Score,
    /// Change of the logit's sum, of the mean probability, and of the class's IoU: without the channel less with it.
    pub logit: f64,
    pub probability: Option<f64>,
    /// Over the whole image, where the truth is known and the class is somewhere.
    pub iou: Option<f64>,
}

/// How the planes of a map become one to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    /// The largest size of the channels' values, as Simonyan et al. (2013) show gradients.
    Largest,
    /// The channels' sum, which keeps the sign.
    Sum,
    /// The first plane.
    First,
}

/// Planes `[channel, y, x]` and where they lie on the micrograph.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributionMap {
    /// One a plane.
    pub names: Vec<String>,
    pub values: Array3<f32>,
    /// Where on the specimen the first value begins, and micrograph pixels from one to the next, `[y, x]`.
    pub origin: [f64; 2],
    pub scale: [f64; 2],
    pub summary: Summary,
    /// Whether what lies between two values is read as their mixture, as of feature maps.
    pub smooth: bool,
}

/// What a method found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// Such as "integrated".
    pub method: String,
    pub class: usize,
    pub class_name: String,
    /// Where the class's score was summed, in words.
    pub over: String,
    pub score: Score,
    /// Of Grad-CAM: the node whose maps were weighted, and each feature's weight.
    pub node: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f32>,
    pub completeness: Option<Completeness>,
    /// The class's IoU with all channels, where the truth is known.
    pub iou: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelEffect>,
    #[serde(skip)]
    pub map: Option<AttributionMap>,
}

impl AttributionMap {
    /// One plane to look at, on the map's own grid.
    #[must_use]
    pub fn plane(&self) -> Array2<f32> {
        match self.summary {
            Summary::Largest => self.values.fold_axis(Axis(0), 0.0_f32, |most, value| most.max(value.abs())),
            Summary::Sum => self.values.sum_axis(Axis(0)),
            Summary::First if self.values.dim().0 > 0 => self.values.index_axis(Axis(0), 0).to_owned(),
            Summary::First => Array2::zeros((0, 0)),
        }
    }

    /// Whether values below zero mean something: evidence against the class.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.summary != Summary::Largest && self.values.iter().any(|value| *value < 0.0)
    }

    /// The size that 99.5 % of the plane's values do not exceed: the end of the colours, so that a few hot pixels do not
    /// darken the rest. 0 where all is 0.
    #[must_use]
    pub fn reach(&self) -> f32 {
        let mut sizes: Vec<f32> =
            self.plane().iter().map(|value| value.abs()).filter(|size| size.is_finite()).collect();
        if sizes.is_empty() {
            return 0.0;
        }
        let place = ((sizes.len() - 1) as f64 * 0.995).round() as usize;
        let reach = *sizes.select_nth_unstable_by(place, f32::total_cmp).1;
        // A map of a few pixels is dark but for those.
        if reach > 0.0 { reach } else { sizes.iter().copied().fold(0.0, f32::max) }
    }

    /// The plane over a specimen of `size` `[y, x]` micrograph pixels.
    #[must_use]
    pub fn on_specimen(&self, size: [usize; 2]) -> Array2<f32> {
        let plane = self.plane();
        let (height, width) = plane.dim();
        if height == 0 || width == 0 {
            return Array2::zeros(size);
        }
        let along = |axis: usize, length: usize| -> Vec<(usize, usize, f32)> {
            let at = |i: usize| (i as f64 + 0.5 - self.origin[axis]) / self.scale[axis];
            let spot = |i: usize| if self.smooth { between(at(i), length) } else { nearest(at(i), length) };
            (0..size[axis]).map(spot).collect()
        };
        let (rows, columns) = (along(0, height), along(1, width));
        Array2::from_shape_fn(size, |(y, x)| {
            let ((top, bottom, down), (left, right, across)) = (rows[y], columns[x]);
            let row = |y: usize| plane[[y, left]] * (1.0 - across) + plane[[y, right]] * across;
            if down == 0.0 && across == 0.0 {
                return plane[[top, left]];
            }
            row(top) * (1.0 - down) + row(bottom) * down
        })
    }
}

/// The two values beside a position in pixels, and the share of the second; the ends reach on.
fn between(position: f64, length: usize) -> (usize, usize, f32) {
    let place = (position - 0.5).clamp(0.0, (length - 1) as f64);
    let first = place.floor() as usize;
    (first, (first + 1).min(length - 1), (place - first as f64) as f32)
}

fn nearest(position: f64, length: usize) -> (usize, usize, f32) {
    let place = (position.floor().max(0.0) as usize).min(length - 1);
    (place, place, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn map(summary: Summary, smooth: bool) -> AttributionMap {
        let values = array![[[1.0, -3.0]], [[-2.0, 1.0]]];
        let names = vec!["Al".into(), "Si".into()];
        AttributionMap { names, values, origin: [0.0, 0.0], scale: [1.0, 2.0], summary, smooth }
    }

    #[test]
    fn planes_become_one_by_size_by_sum_or_as_the_first() {
        assert_eq!(map(Summary::Largest, false).plane(), array![[2.0, 3.0]]);
        assert_eq!(map(Summary::Sum, false).plane(), array![[-1.0, -2.0]]);
        assert_eq!(map(Summary::First, false).plane(), array![[1.0, -3.0]]);
        let signed = [Summary::Largest, Summary::Sum, Summary::First].map(|s| map(s, false).is_signed());
        assert_eq!(signed, [false, true, true]);
    }

    #[test]
    fn colours_reach_as_far_as_all_but_the_hottest_values() {
        let ramp = Array3::from_shape_fn((1, 20, 50), |(_, y, x)| -((y * 50 + x) as f32));
        let ramp = AttributionMap { values: ramp, ..map(Summary::First, false) };
        assert_eq!(ramp.reach(), 994.0);
        let mut one = Array3::zeros((1, 30, 30));
        one[[0, 3, 4]] = -2.0;
        assert_eq!(AttributionMap { values: one, ..map(Summary::First, false) }.reach(), 2.0);
    }

    #[test]
    fn a_map_lies_on_the_specimen_by_its_grid() {
        assert_eq!(map(Summary::First, false).on_specimen([1, 5]), array![[1.0, 1.0, -3.0, -3.0, -3.0]]);
        // The values stand in the middle of two pixels each: at 1 and at 3.
        assert_eq!(map(Summary::First, true).on_specimen([1, 4]), array![[1.0, 0.0, -2.0, -3.0]]);
        let nothing = AttributionMap { values: Array3::zeros((0, 0, 0)), ..map(Summary::First, true) };
        assert_eq!(nothing.on_specimen([2, 1]), array![[0.0], [0.0]]);
    }
}
