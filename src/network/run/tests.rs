//! Taps, freeing, cancelling, dropout, and what a run says when something does not fit.
use super::{BatchStatistics, Flow, Mode, TrainState, no_tap, run, update_running_statistics};
use crate::monitor::Monitor;
use crate::network::{Graph, NetworkError, Node, Op, Pairing, Weights};
use candle_core::{DType, Device, Tensor};

fn graph(ops: Vec<(&str, Op)>) -> Graph {
    let mut nodes = vec![Node { name: "input".into(), op: Op::Input { channels: 1 }, inputs: vec![] }];
    for (name, op) in ops {
        let inputs = vec![nodes[nodes.len() - 1].name.clone()];
        nodes.push(Node { name: name.into(), op, inputs });
    }
    Graph::new("chain", nodes).unwrap()
}

fn ones(dims: &[usize]) -> Tensor {
    Tensor::ones(dims, DType::F32, &Device::Cpu).unwrap()
}

fn eval(graph: &Graph, input: &Tensor) -> Result<Tensor, NetworkError> {
    run(graph, &Weights::default(), input, Mode::Eval, &mut no_tap, &Monitor::silent())
}

fn numbers(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_tap_sees_every_node_until_it_stops() {
    let graph = graph(vec![("a", Op::Relu), ("b", Op::Identity), ("c", Op::Tanh)]);
    let mut seen = Vec::new();
    let mut tap = |index: usize, node: &Node, _: &Tensor| {
        seen.push((index, node.name.clone()));
        Ok(if node.name == "b" { Flow::Stop } else { Flow::Continue })
    };
    let input = ones(&[1, 1, 1, 2]);
    let value = run(&graph, &Weights::default(), &input, Mode::Eval, &mut tap, &Monitor::silent()).unwrap();
    assert_eq!(seen, [(0, "input".into()), (1, "a".into()), (2, "b".into())]);
    assert_eq!(numbers(&value), [1.0, 1.0], "the value of b, before the tanh");
}

#[test]
fn a_cancelled_run_stops_at_the_next_node() {
    let graph = graph(vec![("a", Op::Relu), ("b", Op::Relu)]);
    let (watch, monitor) = Monitor::watched();
    let mut last = 0;
    let mut tap = |index: usize, _: &Node, _: &Tensor| {
        last = index;
        if index == 1 {
            watch.cancel();
        }
        Ok(Flow::Continue)
    };
    let result = run(&graph, &Weights::default(), &ones(&[1, 1, 2, 2]), Mode::Eval, &mut tap, &monitor);
    assert!(matches!(result, Err(NetworkError::Cancelled(_))));
    assert_eq!(last, 1);
}

#[test]
fn progress_is_told_in_eval_and_not_in_training() {
    let graph = graph(vec![("a", Op::Relu)]);
    let (watch, monitor) = Monitor::watched();
    let (weights, input) = (Weights::default(), ones(&[1, 1, 2, 2]));
    run(&graph, &weights, &input, Mode::Train(&mut TrainState::new(0)), &mut no_tap, &monitor).unwrap();
    assert_eq!(watch.fraction(), 0.0);
    run(&graph, &weights, &input, Mode::Eval, &mut no_tap, &monitor).unwrap();
    assert_eq!(watch.fraction(), 1.0);
}

#[test]
fn dropout_falls_by_its_seed_in_training_alone() {
    let graph = graph(vec![("drop", Op::Dropout { p: 0.25 })]);
    let input = ones(&[1, 1, 100, 100]);
    assert!(numbers(&eval(&graph, &input).unwrap()).iter().all(|&v| v == 1.0));
    let train = |seed| {
        let mut state = TrainState::new(seed);
        let mode = Mode::Train(&mut state);
        numbers(&run(&graph, &Weights::default(), &input, mode, &mut no_tap, &Monitor::silent()).unwrap())
    };
    let values = train(5);
    assert!(values.iter().all(|&v| v == 0.0 || v == 4.0 / 3.0));
    let dropped = values.iter().filter(|&&v| v == 0.0).count();
    assert!((2300..2700).contains(&dropped), "{dropped} of 10000");
    assert!(values == train(5) && values != train(6));
}

#[test]
fn running_statistics_move_by_the_momentum() {
    let vector = |value: f32| Tensor::new(&[value], &Device::Cpu).unwrap();
    let mut weights = Weights::default();
    weights.tensors.insert("bn.running_mean".into(), vector(1.0));
    weights.tensors.insert("bn.running_var".into(), vector(2.0));
    let mut state = TrainState::new(0);
    state.batch_statistics.push(BatchStatistics { node: "bn".into(), mean: vector(5.0), var: vector(10.0) });
    update_running_statistics(&mut weights, &state, 0.25).unwrap();
    assert_eq!(numbers(&weights.tensors["bn.running_mean"]), [2.0]);
    assert_eq!(numbers(&weights.tensors["bn.running_var"]), [4.0]);
    let error = update_running_statistics(&mut Weights::default(), &state, 0.25).unwrap_err();
    assert_eq!(error.to_string(), "Weight bn.running_mean: expected a tensor, found none");
}

#[test]
fn what_does_not_fit_is_named() {
    let linear = Op::Linear { in_features: 4, out_features: 2, bias: false };
    let graph = graph(vec![("flat", Op::Flatten), ("fc", linear)]);
    let error = |input: &Tensor| eval(&graph, input).unwrap_err().to_string();
    assert_eq!(error(&ones(&[1, 2, 2])), "Node input: expected [batch, channel, y, x], found [1, 2, 2]");
    assert!(error(&ones(&[1, 3, 2, 2])).starts_with("Node input: expected 1 channel"));
    assert_eq!(error(&ones(&[1, 1, 2, 3])), "Node fc: expected 4 features, found 6 features");
    assert_eq!(error(&ones(&[1, 1, 2, 2])), "Weight fc.weight: expected a tensor, found none");
    let mut weights = Weights::default();
    weights.tensors.insert("fc.weight".into(), ones(&[2, 5]));
    let input = ones(&[1, 1, 2, 2]);
    let error = run(&graph, &weights, &input, Mode::Eval, &mut no_tap, &Monitor::silent()).unwrap_err();
    assert!(matches!(error, NetworkError::Compute { ref node, .. } if node == "fc"), "{error}");
}

#[test]
fn an_array_that_is_no_image_runs_with_its_shape() {
    let node = |name: &str, op: Op, inputs: &[&str]| Node {
        name: name.into(),
        op,
        inputs: inputs.iter().map(|&input| input.into()).collect(),
    };
    let nodes = vec![
        node("bias", Op::Constant { shape: vec![3] }, &[]),
        node("array", Op::Array { shape: vec![2, 3] }, &[]),
        node("sum", Op::Combine { function: Pairing::Add }, &["array", "bias"]),
    ];
    let graph = Graph::new("array", nodes).unwrap();
    let mut weights = Weights::default();
    weights.tensors.insert("bias.value".into(), Tensor::new(&[1f32, 2., 3.], &Device::Cpu).unwrap());
    let run = |input: &Tensor| run(&graph, &weights, input, Mode::Eval, &mut no_tap, &Monitor::silent());
    let value = run(&ones(&[2, 2, 3])).unwrap();
    assert_eq!((value.dims(), &numbers(&value)[..3]), (&[2, 2, 3][..], &[2.0, 3.0, 4.0][..]));
    let error = run(&ones(&[1, 1, 2, 3])).unwrap_err().to_string();
    assert_eq!(error, "Node array: expected a batch of [2, 3], found [1, 1, 2, 3]");
}
