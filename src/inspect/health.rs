//! How well a network's features are used: dead, saturated and doubled ones, and how its values and weights are spread.
use super::FeatureMaps;
use crate::network::{Function, Graph, Node, Op, Weights};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// Places of each feature map that are kept for correlations and histograms, over all images.
const SAMPLES: usize = 1024;
/// Correlation of two features from which on one of them says nothing new.
const DOUBLED: f64 = 0.99;
/// Share of a feature's values that must lie at the bound of its function for it to be saturated.
const MOSTLY: f64 = 0.95;
/// How near to the bound that is, as a share of the function's range.
const NEAR: f32 = 0.01;
const BINS: usize = 64;

/// How often values fall into equally wide parts of `low`…`high`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    pub low: f32,
    pub high: f32,
    pub counts: Vec<u64>,
}

/// The numbers of one tensor of weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightHealth {
    pub name: String,
    pub values: usize,
    pub mean: f64,
    pub std: f64,
    pub min: f32,
    pub max: f32,
    /// Share of exact zeros.
    pub zeros: f64,
    pub histogram: Spread,
}

/// A node's features over all images that were looked at. Only finite values count.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeHealth {
    pub node: String,
    pub kind: String,
    pub features: usize,
    /// Features that are the same everywhere, on every image; of one value an image: zero on every image.
    pub dead: Vec<usize>,
    /// Features 95 % of whose values lie within 1 % of the bound of a sigmoid, softmax, tanh or clip.
    pub saturated: Vec<usize>,
    /// Features (not dead) whose correlation with an earlier one is beyond ±0.99, and with which.
    pub duplicates: Vec<[usize; 2]>,
    pub mean: f64,
    pub std: f64,
    pub min: f32,
    pub max: f32,
    /// Share of exact zeros.
    pub zeros: f64,
    /// Of the values at about a thousand places of each feature.
    pub histogram: Spread,
    pub weights: Option<WeightHealth>,
}

/// Takes in the feature maps of one image after another.
#[derive(Debug)]
pub struct HealthCheck {
    /// Places of each feature map that an image gives.
    samples: usize,
    tallies: BTreeMap<String, Vec<Tally>>,
}

/// What is known of one feature.
#[derive(Debug, Clone)]
struct Tally {
    count: u64,
    zeros: u64,
    bound: u64,
    sum: f64,
    squares: f64,
    min: f32,
    max: f32,
    /// Whether no map had more than one value.
    single: bool,
    samples: Vec<f32>,
}

impl HealthCheck {
    /// For that many images.
    #[must_use]
    pub fn new(images: usize) -> Self {
        Self { samples: (SAMPLES / images.max(1)).max(16), tallies: BTreeMap::new() }
    }

    /// Adds what `node` gave for one image.
    pub fn add(&mut self, node: &Node, maps: &FeatureMaps) {
        let planes: Vec<_> = maps.maps.axis_iter(Axis(0)).collect();
        let tallies =
            self.tallies.entry(node.name.clone()).or_insert_with(|| vec![Tally::new(); planes.len()]);
        let (bounds, samples) = (bounds(&node.op), self.samples);
        tallies.par_iter_mut().zip(planes).for_each(|(tally, plane)| tally.add(plane, bounds, samples));
    }

    /// What was found, in the graph's order; nodes that were never added are left out.
    #[must_use]
    pub fn finish(self, graph: &Graph, weights: &Weights) -> Vec<NodeHealth> {
        let Self { tallies, .. } = self;
        let health = |node: &Node| Some(node_health(node, tallies.get(&node.name)?, weights));
        graph.nodes().iter().filter_map(health).collect()
    }
}

impl Tally {
    fn new() -> Self {
        let (min, max) = (f32::INFINITY, f32::NEG_INFINITY);
        let samples = Vec::new();
        Self { count: 0, zeros: 0, bound: 0, sum: 0.0, squares: 0.0, min, max, single: true, samples }
    }

    fn add(&mut self, plane: ArrayView2<'_, f32>, bounds: Option<[f32; 2]>, samples: usize) {
        self.single &= plane.len() <= 1;
        for &value in plane.iter().filter(|value| value.is_finite()) {
            self.count += 1;
            self.zeros += u64::from(value == 0.0);
            self.sum += f64::from(value);
            self.squares += f64::from(value) * f64::from(value);
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            if let Some([low, high]) = bounds {
                let near = NEAR * (high - low);
                self.bound += u64::from(value <= low + near || value >= high - near);
            }
        }
        let step = plane.len().div_ceil(samples).max(1);
        self.samples.extend(plane.iter().step_by(step).map(|v| if v.is_finite() { *v } else { 0.0 }));
    }

    fn is_dead(&self) -> bool {
        if self.single { self.zeros == self.count } else { self.count == 0 || self.min == self.max }
    }

    fn is_saturated(&self) -> bool {
        self.count > 0 && self.bound as f64 >= MOSTLY * self.count as f64
    }
}

/// The range of what cannot leave one. Half-bounded functions such as ReLU are none: resting at 0 is what they do.
fn bounds(op: &Op) -> Option<[f32; 2]> {
    match op {
        Op::Sigmoid | Op::Softmax { .. } | Op::Map { function: Function::HardSigmoid { .. } } => {
            Some([0.0, 1.0])
        }
        Op::Tanh => Some([-1.0, 1.0]),
        Op::Map { function: Function::Clip { min: Some(min), max: Some(max) } } if min < max => {
            Some([*min as f32, *max as f32])
        }
        _ => None,
    }
}

fn node_health(node: &Node, tallies: &[Tally], weights: &Weights) -> NodeHealth {
    let which = |is: &dyn Fn(&Tally) -> bool| {
        tallies.iter().enumerate().filter(|(_, tally)| is(tally)).map(|(index, _)| index).collect()
    };
    let sum = |of: &dyn Fn(&Tally) -> f64| tallies.iter().map(of).sum::<f64>();
    let count = sum(&|tally| tally.count as f64);
    let mean = sum(&|tally| tally.sum) / count;
    let variance = sum(&|tally| tally.squares) / count - mean * mean;
    let min = tallies.iter().map(|tally| tally.min).fold(f32::INFINITY, f32::min);
    let max = tallies.iter().map(|tally| tally.max).fold(f32::NEG_INFINITY, f32::max);
    NodeHealth {
        node: node.name.clone(),
        kind: node.op.kind().to_owned(),
        features: tallies.len(),
        dead: which(&Tally::is_dead),
        saturated: which(&Tally::is_saturated),
        duplicates: duplicates(tallies),
        mean,
        std: variance.max(0.0).sqrt(),
        min,
        max,
        zeros: sum(&|tally| tally.zeros as f64) / count,
        histogram: spread(min, max, tallies.iter().flat_map(|tally| &tally.samples).copied()),
        weights: weight_health(node, weights),
    }
}

/// Pairs of features that say the same: the later one, and the first one it is like.
fn duplicates(tallies: &[Tally]) -> Vec<[usize; 2]> {
    let living: Vec<usize> = (0..tallies.len()).filter(|&index| !tallies[index].is_dead()).collect();
    let places = living.iter().map(|&index| tallies[index].samples.len()).min().unwrap_or(0);
    // Few places are alike by chance.
    if places < 16 {
        return Vec::new();
    }
    let mut scaled = Array2::<f64>::zeros((living.len(), places));
    for (mut row, &index) in scaled.axis_iter_mut(Axis(0)).zip(&living) {
        let samples = &tallies[index].samples[..places];
        let mean = samples.iter().map(|&v| f64::from(v)).sum::<f64>() / places as f64;
        row.iter_mut().zip(samples).for_each(|(to, &from)| *to = f64::from(from) - mean);
        let length = row.dot(&row).sqrt();
        row.mapv_inplace(|value| if length > 0.0 { value / length } else { 0.0 });
    }
    let correlation = scaled.dot(&scaled.t());
    let like = |later: usize| {
        let earlier = (0..later).find(|&earlier| correlation[[later, earlier]].abs() > DOUBLED)?;
        Some([living[later], living[earlier]])
    };
    (0..living.len()).filter_map(like).collect()
}

fn weight_health(node: &Node, weights: &Weights) -> Option<WeightHealth> {
    let name = format!("{}.weight", node.name);
    let values: Vec<f32> = weights.tensors.get(&name)?.flatten_all().ok()?.to_vec1().ok()?;
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let zeros = values.iter().filter(|value| **value == 0.0).count() as f64 / count;
    let histogram = spread(min, max, values.iter().copied());
    Some(WeightHealth { name, values: values.len(), mean, std: variance.sqrt(), min, max, zeros, histogram })
}

fn spread(low: f32, high: f32, values: impl Iterator<Item = f32>) -> Spread {
    let mut counts = vec![0; BINS];
    if low.is_finite() && high.is_finite() {
        let width = (f64::from(high) - f64::from(low)) / BINS as f64;
        for value in values {
            let place = if width > 0.0 { (f64::from(value) - f64::from(low)) / width } else { 0.0 };
            counts[(place.max(0.0) as usize).min(BINS - 1)] += 1;
        }
    }
    Spread { low, high, counts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};
    use ndarray::Array3;

    fn graph(op: Op) -> Graph {
        let node = |name: &str, op, inputs: &[&str]| Node {
            name: name.into(),
            op,
            inputs: inputs.iter().map(ToString::to_string).collect(),
        };
        Graph::new("test", vec![node("input", Op::Input { channels: 1 }, &[]), node("n", op, &["input"])])
            .unwrap()
    }

    fn health(op: Op, images: &[Array3<f32>]) -> NodeHealth {
        let graph = graph(op);
        let mut check = HealthCheck::new(images.len());
        for maps in images {
            let (scale, origin) = ([1.0; 2], [0.0; 2]);
            let maps = FeatureMaps { node: "n".into(), maps: maps.clone(), scale, origin };
            check.add(&graph.nodes()[1], &maps);
        }
        check.finish(&graph, &Weights::default()).pop().unwrap()
    }

    /// Features by formula over 8×8 pixels.
    fn maps(features: &[&dyn Fn(f32) -> f32]) -> Array3<f32> {
        Array3::from_shape_fn((features.len(), 8, 8), |(feature, y, x)| {
            features[feature](((y * 8 + x) * 37 % 64) as f32)
        })
    }

    #[test]
    fn dead_features_are_the_same_on_every_image() {
        let image = |level: f32| maps(&[&|_| 0.0, &move |_| level, &|i| i]);
        let once = health(Op::Relu, &[image(1.0)]);
        assert_eq!(once.dead, [0, 1]);
        let twice = health(Op::Relu, &[image(1.0), image(2.0)]);
        assert_eq!((twice.dead, twice.features), (vec![0], 3));
        // Zeros: all of the first, one of 64 in the third.
        assert_eq!(once.zeros, 65.0 / 192.0);
        assert_eq!((once.min, once.max), (0.0, 63.0));
    }

    #[test]
    fn duplicates_are_found_with_either_sign_and_dead_ones_are_none() {
        let found = health(
            Op::Relu,
            &[maps(&[&|_| 3.0, &|i| i, &|i| 5.0 - 2.0 * i, &|i| (i * 0.7).sin(), &|_| 3.0])],
        );
        assert_eq!((found.duplicates, found.dead), (vec![[2, 1]], vec![0, 4]));
    }

    #[test]
    fn saturated_features_rest_at_the_bounds_of_their_function() {
        let edge = |i: f32| if i < 62.0 { 0.995 } else { 0.5 };
        let found = health(Op::Sigmoid, &[maps(&[&edge, &|i| i / 64.0])]);
        assert_eq!(found.saturated, [0]);
        let free = health(Op::Relu, &[maps(&[&edge])]);
        assert!(free.saturated.is_empty());
    }

    #[test]
    fn histograms_count_every_value_once() {
        let found = health(Op::Relu, &[maps(&[&|i| i])]);
        assert_eq!(found.histogram, Spread { low: 0.0, high: 63.0, counts: vec![1; 64] });
        assert_eq!((found.mean, (found.std - 18.472_953).abs() < 1e-5), (31.5, true));
    }

    #[test]
    fn weights_are_told_with_their_node() {
        let op = Op::Linear { in_features: 4, out_features: 1, bias: false };
        let graph = graph(op);
        let mut weights = Weights::default();
        let values = Tensor::new(&[[0.0_f32, 1.0, 2.0, 5.0]], &Device::Cpu).unwrap();
        weights.tensors.insert("n.weight".into(), values);
        let found = weight_health(&graph.nodes()[1], &weights).unwrap();
        assert_eq!((found.values, found.mean, found.zeros), (4, 2.0, 0.25));
        assert_eq!((found.std, found.min, found.max), (3.5_f64.sqrt(), 0.0, 5.0));
    }
}
