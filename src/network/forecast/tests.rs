//! The forecast against sums by hand.
use super::forecast;
use crate::compute::scratch_bytes;
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

#[test]
fn the_peak_is_what_lives_at_the_worst_node() {
    let nodes = vec![
        node("input", Op::Input { channels: 1 }, &[]),
        node("skip", conv(1, 2), &["input"]),
        node("wide", conv(2, 8), &["skip"]),
        node("same", Op::Identity, &["wide"]),
        node("narrow", conv(8, 2), &["same"]),
        node("both", Op::Concat, &["skip", "narrow"]),
    ];
    let forecast = forecast(&Graph::new("test", nodes).unwrap(), [1, 10, 10]).unwrap();
    assert_eq!(forecast.weight_bytes, 4 * 9 * (2 + 16 + 16));
    assert_eq!(forecast.worst_node, "narrow");
    // Planes alive there: the input, which the caller holds, skip's 2, wide's 8 (also same's), narrow's 2.
    let alive = 4 * 100 * (1 + 2 + 8 + 2);
    assert_eq!(forecast.peak_bytes, alive + 4 * 9 * 16 + forecast.weight_bytes + scratch_bytes());
}

#[test]
fn an_input_that_does_not_fit_has_no_forecast() {
    let graph = Graph::new(
        "test",
        vec![node("input", Op::Input { channels: 1 }, &[]), node("c", conv(1, 1), &["input"])],
    );
    let error = forecast(&graph.unwrap(), [2, 8, 8]).unwrap_err();
    assert!(matches!(error, NetworkError::Shape { ref node, .. } if node == "input"), "{error}");
}
