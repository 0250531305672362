//! The forecast against sums by hand.
use super::{Forecast, forecast, forecast_wanting, workspace_elsewhere};
use crate::compute::{ConvKind, ConvSpec, conv_packed_bytes, scratch_bytes};
use crate::network::architectures::{UnetSpec, unet};
use crate::network::{Graph, NetworkError, Node, Op};

fn node(name: &str, op: Op, inputs: &[&str]) -> Node {
    Node { name: name.into(), op, inputs: inputs.iter().map(|&i| i.into()).collect() }
}

fn conv(from: usize, to: usize) -> Op {
    Op::Conv2d {
        in_channels: from,
        out_channels: to,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
        dilation: [1, 1],
        groups: 1,
        bias: false,
    }
}

fn packed(from: usize, to: usize) -> u64 {
    let spec = ConvSpec { padding: [1, 1], ..ConvSpec::default() };
    conv_packed_bytes(ConvKind::Plain, spec, [1, from, 10, 10], [to, from, 3, 3]).unwrap()
}

/// A skip, a wide convolution with what follows it, and both together.
fn graph() -> Graph {
    let nodes = vec![
        node("input", Op::Input { channels: 1 }, &[]),
        node("skip", conv(1, 2), &["input"]),
        node("wide", conv(2, 8), &["skip"]),
        node("same", Op::Identity, &["wide"]),
        node("relu", Op::Relu, &["same"]),
        node("narrow", conv(8, 2), &["relu"]),
        node("both", Op::Concat { axis: 0 }, &["skip", "narrow"]),
        node("last", conv(4, 1), &["both"]),
    ];
    Graph::new("test", nodes).unwrap()
}

/// Planes of 10 × 10 f32 that are there at the peak.
fn planes(forecast: &Forecast) -> u64 {
    let values = forecast.peak_bytes - forecast.weight_bytes - forecast.packed_bytes - scratch_bytes();
    assert!(values.is_multiple_of(400), "{values}");
    values / 400
}

#[test]
fn the_peak_is_what_lives_at_the_worst_step() {
    let forecast = forecast(&graph(), [1, 10, 10]).unwrap();
    assert_eq!(forecast.weight_bytes, 4 * 9 * (2 + 16 + 16 + 4));
    assert_eq!(forecast.packed_bytes, packed(1, 2) + packed(2, 8) + packed(8, 2) + packed(4, 1));
    assert_eq!(forecast.worst_node, "narrow");
    // The input, which the caller holds, skip's 2, the rectified 8 (the convolution's own never exist), narrow's 2.
    assert_eq!(planes(&forecast), 1 + 2 + 8 + 2);
}

#[test]
fn what_is_wanted_comes_into_being() {
    let wanting = |names: &[&str]| {
        let wants = |_: usize, node: &Node| names.contains(&node.name.as_str());
        forecast_wanting(&graph(), [1, 10, 10], &wants).unwrap()
    };
    // Convolution, its rectified values, and the tap's copy of them.
    let wide = wanting(&["wide", "relu"]);
    assert_eq!((wide.worst_node.as_str(), planes(&wide)), ("relu", 1 + 2 + 8 + 8 + 8));
    // An identity's value is the convolution's.
    assert_eq!(planes(&wanting(&["same"])), 1 + 2 + 8 + 8);
    let both = wanting(&["both"]);
    assert_eq!((both.worst_node.as_str(), planes(&both)), ("narrow", 13));
}

#[test]
fn an_input_that_does_not_fit_has_no_forecast() {
    let error = forecast(&graph(), [2, 8, 8]).unwrap_err();
    assert!(matches!(error, NetworkError::Shape { ref node, .. } if node == "input"), "{error}");
}

#[test]
fn where_candle_computes_the_hungriest_convolution_comes_on_top() {
    // The second convolution: 9 · 4 columns a pixel, its image and its map twice, and 4 bytes a value.
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 1, batch_norm: false, upsample: None };
    let graph = unet(spec).unwrap();
    let pixels = 64 * 64;
    // The first after the joining reads eight channels.
    assert_eq!(workspace_elsewhere(&graph, [1, 64, 64]).unwrap(), 4 * pixels * (9 * 8 + 2 * 8 + 2 * 4));
}
