//! Networks with operations from elsewhere: in tiles where that is possible, and whole where it is not.
use super::tests::{card, micrograph, model, segmented};
use super::*;
use crate::inspect::Recorder;
use crate::monitor::Monitor;
use crate::network::{
    Between, Coordinates, Function, Graph, Model, Nearest, Node, Op, PadMode, Pairing, PoolKind, Pooling,
    ResizeTo, Resizing, Task,
};
use candle_core::Device;

fn conv([from, to]: [usize; 2], kernel: usize, stride: usize) -> Op {
    Op::Conv2d {
        in_channels: from,
        out_channels: to,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        dilation: [1; 2],
        groups: 1,
        bias: true,
    }
}

fn resize(to: ResizeTo, between: Between) -> Op {
    let coordinates = Coordinates::HalfPixel;
    Op::Resize(Resizing { to, between, coordinates, exclude_outside: false, antialias: false })
}

/// A segmenter that ends in three classes; nodes as (name, operation, inputs), inputs parted by spaces.
fn segmenter(nodes: Vec<(&str, Op, &str)>) -> Model {
    let node = |(name, op, inputs): (&str, Op, &str)| Node {
        name: name.into(),
        op,
        inputs: inputs.split_whitespace().map(Into::into).collect(),
    };
    let input = ("input", Op::Input { channels: 1 }, "");
    let graph = Graph::new("imported", std::iter::once(input).chain(nodes).map(node).collect()).unwrap();
    model(graph, card(Task::Segment, 3, 1))
}

/// Down by 2 and by 2, up by both ways of resizing, with borders, pooling and constants of elsewhere.
fn imported() -> Model {
    let pool = Op::Pool(Pooling {
        kind: PoolKind::Average,
        kernel: vec![3, 3],
        stride: vec![2, 2],
        before: vec![0, 0],
        after: vec![1, 1],
        dilation: vec![1, 1],
        ceil: false,
        count_padding: true,
    });
    let border = Op::Pad { before: vec![0, 1, 1], after: vec![0, 1, 1], mode: PadMode::Reflect };
    let unpadded = |axis| Op::Slice { axis, start: 1, end: -1, step: 1 };
    segmenter(vec![
        ("stem", conv([1, 4], 3, 1), "input"),
        ("swish", Op::Map { function: Function::HardSwish }, "stem"),
        ("down", conv([4, 4], 3, 2), "swish"),
        ("pool", pool, "down"),
        ("border", border, "pool"),
        ("rows", unpadded(1), "border"),
        ("columns", unpadded(2), "rows"),
        ("scale", Op::Constant { shape: vec![4, 1, 1] }, ""),
        ("scaled", Op::Combine { function: Pairing::Add }, "columns scale"),
        ("up", resize(ResizeTo::Scales(vec![1.0, 2.0, 2.0]), Between::Cubic { a: -0.75 }), "scaled"),
        ("like", resize(ResizeTo::Like, Between::Nearest(Nearest::RoundPreferFloor)), "up swish"),
        ("response", Op::LocalResponseNorm { size: 3, alpha: 0.5, beta: 0.75, k: 1.0 }, "like"),
        ("both", Op::Concat { axis: 0 }, "response swish"),
        ("head", conv([8, 3], 1, 1), "both"),
    ])
}

#[test]
fn networks_from_elsewhere_are_the_same_whole_and_in_tiles() {
    let (model, micrograph) = (imported(), micrograph([1, 61, 90]));
    let (whole, whole_features) = segmented(&model, &micrograph, &RunSettings::default());
    let settings = RunSettings { tile: Some(24), ..RunSettings::default() };
    let (tiled, features) = segmented(&model, &micrograph, &settings);
    assert_eq!((whole.tile, tiled.tile), (None, Some(24)));
    assert_eq!(whole.labels, tiled.labels);
    for (node, maps) in &whole_features.maps {
        let off = maps.maps.iter().zip(&features.maps[node].maps).map(|(a, b)| (a - b).abs());
        let off = off.fold(0.0, f32::max);
        assert!(off < 1e-4, "{node}: {off}");
    }
}

#[test]
fn a_network_that_sees_the_whole_image_is_run_whole_or_refused_with_that_reason() {
    let norm = Op::GroupNorm { channels: 4, groups: 2, eps: 1e-5 };
    let down = conv([4, 4], 3, 2);
    let up = resize(ResizeTo::Scales(vec![1.0, 2.0, 2.0]), Between::Linear);
    let model = segmenter(vec![
        ("stem", conv([1, 4], 3, 1), "input"),
        ("norm", norm, "stem"),
        ("down", down, "norm"),
        ("up", up, "down"),
        ("head", conv([4, 3], 1, 1), "up"),
    ]);
    let micrograph = micrograph([1, 31, 40]);
    let tiles = RunSettings { tile: Some(16), ..RunSettings::default() };
    let (found, _) = segmented(&model, &micrograph, &tiles);
    assert_eq!((found.tile, found.labels.0.dim()), (None, (31, 40)));
    let little = RunSettings { memory_limit: Some(1000), ..RunSettings::default() };
    let mut recorder = Recorder::nothing();
    let error =
        run(&model, &micrograph, &little, &Device::Cpu, &mut recorder, &Monitor::silent()).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("This image in one piece, as this network must see it, needs"), "{text}");
}
