//! Prepared networks against the plain walk of the graph, at every node, whatever is wanted.
use super::PreparedNetwork;
use crate::monitor::Monitor;
use crate::network::architectures::{UnetSpec, lenet, mlp, unet};
use crate::network::{Flow, Graph, Mode, Model, NetworkError, Node, Op, Resample, Weights, no_tap, run};
use candle_core::{Device, Tensor};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;
use std::path::Path;

fn conv([from, to]: [usize; 2], kernel: usize, stride: usize, groups: usize) -> Op {
    Op::Conv2d {
        in_channels: from,
        out_channels: to,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        dilation: [1; 2],
        groups,
        bias: groups == 1,
    }
}

fn up([from, to]: [usize; 2], groups: usize) -> Op {
    Op::ConvTranspose2d {
        in_channels: from,
        out_channels: to,
        kernel: [3, 2],
        stride: [2, 2],
        padding: [1, 0],
        output_padding: [1, 0],
        dilation: [1, 1],
        groups,
        bias: groups > 1,
    }
}

fn norm(channels: usize) -> Op {
    Op::BatchNorm2d { channels, eps: 1e-3 }
}

fn pool(padding: usize) -> Op {
    Op::MaxPool2d { kernel: [2 + padding; 2], stride: [2; 2], padding: [padding; 2] }
}

/// Nodes as (name, operation, inputs), names parted by spaces.
fn graph(name: &str, channels: usize, nodes: Vec<(&str, Op, &str)>) -> Graph {
    let input = Node { name: "input".into(), op: Op::Input { channels }, inputs: vec![] };
    let node = |(name, op, inputs): (&str, Op, &str)| Node {
        name: name.into(),
        op,
        inputs: inputs.split_whitespace().map(Into::into).collect(),
    };
    Graph::new(name, std::iter::once(input).chain(nodes.into_iter().map(node)).collect()).unwrap()
}

/// Batch-norm and ReLU before each convolution, each block reading all before it (Huang et al. 2017).
fn dense() -> Graph {
    let nodes = vec![
        ("stem", conv([2, 6], 7, 2, 1), "input"),
        ("a.bn", norm(6), "stem"),
        ("a.relu", Op::Relu, "a.bn"),
        ("a.conv", conv([6, 4], 3, 1, 1), "a.relu"),
        ("a.cat", Op::Concat { axis: 0 }, "stem a.conv"),
        ("b.bn", norm(10), "a.cat"),
        ("b.relu", Op::Relu, "b.bn"),
        ("b.conv", conv([10, 4], 3, 1, 1), "b.relu"),
        ("b.cat", Op::Concat { axis: 0 }, "a.cat b.conv"),
        ("c.conv", conv([14, 4], 1, 1, 1), "b.cat"),
        ("c.cat", Op::Concat { axis: 0 }, "b.cat c.conv"),
        ("bn", norm(18), "c.cat"),
        ("mean", Op::AvgPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] }, "bn"),
        ("both", Op::Concat { axis: 0 }, "c.cat c.cat"),
        ("tanh", Op::Tanh, "both"),
        ("small", pool(0), "tanh"),
        ("end", Op::Concat { axis: 0 }, "mean small"),
    ];
    graph("dense", 2, nodes)
}

/// Residual blocks with grouped and depthwise convolutions, and every way a pooling may stand.
fn residual() -> Graph {
    let nodes = vec![
        ("stem", conv([1, 8], 3, 1, 1), "input"),
        ("stem.pool", pool(0), "stem"),
        ("stem.relu", Op::Relu, "stem.pool"),
        ("wide", conv([8, 16], 1, 1, 1), "stem.relu"),
        ("wide.bn", norm(16), "wide"),
        ("wide.leaky", Op::LeakyRelu { slope: 0.1 }, "wide.bn"),
        ("depth", conv([16, 16], 3, 1, 16), "wide.leaky"),
        ("depth.bn", norm(16), "depth"),
        ("depth.drop", Op::Dropout { p: 0.3 }, "depth.bn"),
        ("depth.relu", Op::Relu, "depth.drop"),
        ("narrow", conv([16, 8], 1, 1, 2), "depth.relu"),
        ("sum", Op::Add, "stem.relu narrow"),
        ("sum.relu", Op::Relu, "sum"),
        ("same", Op::Identity, "sum.relu"),
        ("padded", pool(1), "same"),
        ("once", conv([8, 4], 3, 1, 1), "padded"),
        ("once.relu", Op::Relu, "once"),
        ("once.twice", Op::Relu, "once.relu"),
        ("grow", up([4, 6], 2), "once.twice"),
        ("grow.bn", norm(6), "grow"),
        ("grow.relu", Op::Relu, "grow.bn"),
        ("grow.pool", pool(0), "grow.relu"),
        ("plain", up([6, 3], 1), "grow.pool"),
        ("plain.relu", Op::Relu, "plain"),
        ("silu", Op::Silu, "plain.relu"),
        ("gelu", Op::Gelu, "silu"),
        ("soft", Op::Softmax { axis: 0 }, "gelu"),
        ("last", Op::Dropout { p: 0.1 }, "soft"),
    ];
    graph("residual", 1, nodes)
}

/// Graphs with the input size they are run on.
fn zoo() -> Vec<(Graph, [usize; 3])> {
    let mut zoo = vec![
        (dense(), [2, 19, 22]),
        (residual(), [1, 22, 17]),
        (lenet(1, 4, 6, Some([28, 28])).unwrap(), [1, 28, 28]),
        (lenet(2, 3, 4, None).unwrap(), [2, 28, 30]),
        (mlp([1, 6, 5], &[9, 7], 3).unwrap(), [1, 6, 5]),
    ];
    for batch_norm in [false, true] {
        for upsample in [None, Some(Resample::Nearest), Some(Resample::Bilinear)] {
            let spec = UnetSpec { in_channels: 1, classes: 3, base: 3, depth: 2, batch_norm, upsample };
            zoo.push((unet(spec).unwrap(), [1, 20, 36]));
        }
    }
    zoo
}

/// Weights without a pattern: norms that shift and turn signs around, biases.
fn weights(graph: &Graph) -> Weights {
    let mut rng = StdRng::seed_from_u64(5);
    let tensor = |name: &str, shape: &[usize]| {
        let count: usize = shape.iter().product();
        let fan_in = (count / shape[0]) as f32;
        let range = if name.ends_with("running_var") {
            0.1..2.0
        } else if shape.len() > 1 {
            -(6.0 / fan_in).sqrt()..(6.0 / fan_in).sqrt()
        } else {
            -1.0..1.0_f32
        };
        let values: Vec<f32> = (0..count).map(|_| rng.random_range(range.clone())).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    let mut tensor = tensor;
    let tensors =
        graph.parameters().into_iter().map(|p| (p.name.clone(), tensor(&p.name, &p.shape))).collect();
    Weights { tensors }
}

fn image(batch: usize, [channels, height, width]: [usize; 3]) -> Tensor {
    let mut rng = StdRng::seed_from_u64(8);
    let values: Vec<f32> =
        (0..batch * channels * height * width).map(|_| rng.random_range(-1.5..1.5)).collect();
    Tensor::from_vec(values, (batch, channels, height, width), &Device::Cpu).unwrap()
}

fn bits(x: &Tensor) -> Vec<u32> {
    x.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

fn largest(x: &Tensor) -> f32 {
    x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

fn check_close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let error = largest(&(found - expected).unwrap()) / largest(expected).max(1e-3);
    assert!(error < 1e-4, "{what}: off by {error} of the largest");
}

/// Nothing, everything and each node by itself wanted: what the tap sees is what the plain walk gives, and the answer
/// is always the same.
fn check(graph: &Graph, weights: &Weights, input: &Tensor) {
    let (mut plain, silent) = (BTreeMap::new(), Monitor::silent());
    let mut keep = |index: usize, _: &Node, value: &Tensor| {
        plain.insert(index, value.clone());
        Ok(Flow::Continue)
    };
    let answer = run(graph, weights, input, Mode::Eval, &mut keep, &silent).unwrap();
    let prepared = PreparedNetwork::new(graph, weights);
    let first = prepared.run(input, &|_, _| false, &mut no_tap, &silent).unwrap();
    check_close(&first, &answer, &graph.architecture);
    let all: Vec<usize> = (0..graph.nodes().len()).collect();
    for wanted in std::iter::once(&all[..]).chain(all.chunks(1)).chain(std::iter::once(&[][..])) {
        let mut seen = Vec::new();
        let mut tap = |index: usize, node: &Node, value: &Tensor| {
            check_close(value, &plain[&index], &format!("{}, {}", graph.architecture, node.name));
            seen.push(index);
            Ok(Flow::Continue)
        };
        let again = prepared.run(input, &|index, _| wanted.contains(&index), &mut tap, &silent).unwrap();
        assert_eq!(seen, wanted);
        assert!(
            bits(&again) == bits(&first),
            "{}: another answer with {wanted:?} wanted",
            graph.architecture
        );
    }
}

#[test]
fn fused_and_unfused_agree_at_every_node_of_every_architecture() {
    for (graph, size) in zoo() {
        check(&graph, &weights(&graph), &image(2, size));
    }
}

#[test]
fn fused_and_unfused_agree_at_every_node_of_every_shipped_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = 0;
    for path in files.filter(|path| path.extension().is_some_and(|e| e == "safetensors")) {
        let model = Model::load(&path, &Device::Cpu).unwrap();
        let [height, width] = model.card.input_size.unwrap_or([32, 48]);
        check(&model.graph, &model.weights, &image(1, [model.graph.input_channels(), height, width]));
        found += 1;
    }
    assert!(found >= 3);
}

#[test]
fn a_tap_may_stop_the_run() {
    let graph = residual();
    let prepared = PreparedNetwork::new(&graph, &weights(&graph));
    let stop = graph.index_of("depth.bn").unwrap();
    let mut seen = 0;
    let mut tap = |index: usize, _: &Node, _: &Tensor| {
        seen += 1;
        Ok(if index == stop { Flow::Stop } else { Flow::Continue })
    };
    let wants = |index: usize, _: &Node| index == 1 || index >= stop;
    let value = prepared.run(&image(1, [1, 8, 8]), &wants, &mut tap, &Monitor::silent()).unwrap();
    assert_eq!((value.dims(), seen), (&[1, 16, 4, 4][..], 2));
}

#[test]
fn a_cancelled_run_stops_before_the_next_step_and_progress_is_by_cost() {
    let nodes =
        vec![("a", conv([1, 1], 1, 1, 1), "input"), ("b", Op::Tanh, "a"), ("c", conv([1, 8], 9, 1, 1), "b")];
    let graph = graph("uneven", 1, nodes);
    let prepared = PreparedNetwork::new(&graph, &weights(&graph));
    let (watch, monitor) = Monitor::watched();
    let mut tap = |_: usize, node: &Node, _: &Tensor| {
        if node.name == "b" {
            // All but the last of four steps, and a small part of the work.
            assert!(watch.fraction() > 0.0 && watch.fraction() < 0.3, "{}", watch.fraction());
            watch.cancel();
        }
        Ok(Flow::Continue)
    };
    let result = prepared.run(&image(1, [1, 9, 9]), &|_, _| true, &mut tap, &monitor);
    assert!(matches!(result, Err(NetworkError::Cancelled(_))));

    let (watch, monitor) = Monitor::watched();
    prepared.run(&image(1, [1, 9, 9]), &|_, _| false, &mut no_tap, &monitor).unwrap();
    assert_eq!(watch.fraction(), 1.0);
}

#[test]
fn threads_share_one_prepared_network() {
    let graph = dense();
    let prepared = PreparedNetwork::new(&graph, &weights(&graph));
    let run = || {
        let wants = |_: usize, _: &Node| false;
        bits(&prepared.run(&image(1, [2, 12, 12]), &wants, &mut no_tap, &Monitor::silent()).unwrap())
    };
    let values = std::thread::scope(|scope| {
        let threads = [scope.spawn(run), scope.spawn(run)];
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(values[0] == values[1] && values[0] == run());
}

/// To be run by itself: `cargo test --release two_hundred -- --ignored`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "its number is the whole process's"]
fn two_hundred_runs_take_no_more_memory_than_ten() {
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 16, depth: 3, batch_norm: true, upsample: None };
    let graph = unet(spec).unwrap();
    let prepared = PreparedNetwork::new(&graph, &weights(&graph));
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let mut after_ten = 0;
    for run in 1..=200 {
        prepared.run(&image(1, [1, 128, 128]), &|_, _| false, &mut no_tap, &Monitor::silent()).unwrap();
        if run == 10 {
            after_ten = resident();
        }
    }
    assert!(resident() < after_ten + 4096, "{} kB after 200 runs, {after_ten} kB after 10", resident());
}

#[test]
fn what_does_not_fit_is_said_with_its_node() {
    let graph = residual();
    let run = |weights: &Weights, input: &Tensor| {
        let prepared = PreparedNetwork::new(&graph, weights);
        prepared.run(input, &|_, _| false, &mut no_tap, &Monitor::silent()).unwrap_err().to_string()
    };
    let good = weights(&graph);
    assert!(run(&good, &image(1, [2, 8, 8])).starts_with("Node input: expected 1 channel"));
    let missing = |name: &str| {
        let mut weights = good.clone();
        weights.tensors.remove(name);
        run(&weights, &image(1, [1, 8, 8]))
    };
    assert!(missing("wide.weight").starts_with("Weight wide.weight: expected a tensor"));
    assert!(missing("grow.bn.running_var").starts_with("Weight grow.bn.running_var: expected a tensor"));
    let mut wrong = good.clone();
    wrong.tensors.insert("wide.bn.bias".into(), wrong.tensors["stem.bias"].clone());
    let said = run(&wrong, &image(1, [1, 8, 8]));
    assert!(said.contains("wide.bn") && said.contains("four vectors of one length"), "{said}");
}
