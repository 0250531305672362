//! What is computed together, by what is wanted.
use super::Plan;
use crate::network::architectures::{UnetSpec, unet};
use crate::network::{Graph, Node, Op};

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

fn norm(channels: usize) -> Op {
    Op::BatchNorm2d { channels, eps: 1e-5 }
}

fn pool() -> Op {
    Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }
}

/// Nodes as (name, operation, inputs), names parted by spaces.
fn graph(nodes: Vec<(&str, Op, &str)>) -> Graph {
    let input = Node { name: "input".into(), op: Op::Input { channels: 1 }, inputs: vec![] };
    let node = |(name, op, inputs): (&str, Op, &str)| Node {
        name: name.into(),
        op,
        inputs: inputs.split_whitespace().map(Into::into).collect(),
    };
    Graph::new("test", std::iter::once(input).chain(nodes.into_iter().map(node)).collect()).unwrap()
}

fn chain(ops: Vec<Op>) -> Graph {
    let names: Vec<String> =
        (0..=ops.len()).map(|i| if i == 0 { "input".into() } else { format!("n{i}") }).collect();
    let nodes = ops.into_iter().enumerate().map(|(i, op)| (names[i + 1].as_str(), op, names[i].as_str()));
    graph(nodes.collect())
}

/// One word a step, such as "a+bn+relu+half(b,c)-b": computed together, (what is read), what is freed.
fn words(graph: &Graph, wanted: &[&str]) -> String {
    let plan = Plan::new(graph, &|_, node| wanted.contains(&node.name.as_str()));
    let name = |&index: &usize| graph.nodes()[index].name.clone();
    let names = |list: &[usize]| list.iter().map(name).collect::<Vec<_>>().join(",");
    let word = |step: &super::Step| {
        let mut word = name(&step.node);
        for (taken, what) in [(step.norm.is_some(), "+bn"), (step.relu, "+relu"), (step.halve, "+half")] {
            word.push_str(if taken { what } else { "" });
        }
        if step.gives != step.node {
            word = format!("{word}={}", name(&step.gives));
        }
        let frees = if step.frees.is_empty() { String::new() } else { format!("-{}", names(&step.frees)) };
        format!("{word}({}){frees}", names(&step.reads))
    };
    plan.steps.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_convolution_takes_in_what_follows_it() {
    let graph = chain(vec![conv(1, 2), norm(2), Op::Relu, pool(), Op::Tanh]);
    assert_eq!(words(&graph, &[]), "input() n1+bn+relu+half=n4(input)-input n5(n4)-n4");
    assert_eq!(words(&graph, &["n5"]), words(&graph, &[]), "the answer is there anyway");
    assert_eq!(words(&graph, &["n4"]), words(&graph, &[]), "as is what is computed in the end");
    assert_eq!(words(&graph, &["n3"]), "input() n1+bn+relu=n3(input)-input n4(n3)-n3 n5(n4)-n4");
    assert_eq!(words(&graph, &["n2"]), "input() n1+bn=n2(input)-input n3(n2)-n2 n4(n3)-n3 n5(n4)-n4");
    assert_eq!(words(&graph, &["n1"]), "input() n1(input)-input n2+relu=n3(n1)-n1 n4(n3)-n3 n5(n4)-n4");
}

#[test]
fn only_what_is_the_same_in_one_pass_is_taken_in() {
    let cases = [
        (vec![conv(1, 2), pool(), Op::Relu], "n1+relu+half=n3(input)-input"),
        (vec![conv(1, 2), pool(), norm(2)], "n1+half=n2(input)-input n3(n2)-n2"),
        (vec![conv(1, 2), Op::Relu, norm(2), Op::Relu], "n1+relu=n2(input)-input n3+relu=n4(n2)-n2"),
        (vec![conv(1, 2), norm(2), norm(2)], "n1+bn=n2(input)-input n3(n2)-n2"),
        (vec![norm(1), pool()], "n1(input)-input n2(n1)-n1"),
        (vec![Op::Tanh, Op::Relu], "n1(input)-input n2(n1)-n1"),
        (
            vec![conv(1, 2), Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [1, 0] }],
            "n1(input)-input n2(n1)-n1",
        ),
        (
            vec![conv(1, 2), Op::AvgPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }],
            "n1(input)-input n2(n1)-n1",
        ),
    ];
    for (ops, expected) in cases {
        assert_eq!(words(&chain(ops), &[]), format!("input() {expected}"));
    }
    let up = Op::ConvTranspose2d {
        in_channels: 1,
        out_channels: 2,
        kernel: [2, 2],
        stride: [2, 2],
        padding: [0, 0],
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    let graph = chain(vec![up, norm(2), Op::Relu, pool()]);
    assert_eq!(words(&graph, &[]), "input() n1+bn+relu=n3(input)-input n4(n3)-n3");
}

#[test]
fn what_two_read_stays_and_lives_until_the_second_has_read_it() {
    let graph = graph(vec![
        ("a", conv(1, 1), "input"),
        ("b", Op::Relu, "a"),
        ("c", conv(1, 1), "b"),
        ("d", Op::Add, "a c"),
    ]);
    assert_eq!(words(&graph, &[]), "input() a(input)-input b(a) c(b)-b d(a,c)-a,c");
}

#[test]
fn dropout_and_identity_are_looked_through_unless_wanted() {
    let graph = chain(vec![conv(1, 2), Op::Dropout { p: 0.5 }, Op::Relu, Op::Identity]);
    assert_eq!(words(&graph, &[]), "input() n1+relu=n3(input)-input n4(n3)-n3", "the answer is a step");
    assert_eq!(words(&graph, &["n2"]), "input() n1(input)-input n2(n1)-n2 n3(n1)-n1 n4(n3)-n3");
    assert_eq!(words(&graph, &["n4"]), words(&graph, &[]));
}

#[test]
fn concatenations_are_read_in_pieces_where_all_readers_can() {
    let skip = |reader: Op| {
        graph(vec![
            ("a", conv(1, 2), "input"),
            ("b", conv(2, 3), "a"),
            ("ab", Op::Concat { axis: 0 }, "a b"),
            ("c", conv(5, 1), "ab"),
            ("abc", Op::Concat { axis: 0 }, "ab c"),
            ("d", reader, "abc"),
        ])
    };
    assert_eq!(
        words(&skip(norm(6)), &[]),
        "input() a(input)-input b(a) c(a,b) d(a,b,c)-a,b,c",
        "nested, and the parts live on"
    );
    assert_eq!(words(&skip(norm(6)), &["ab"]), "input() a(input)-input b(a) ab(a,b)-a,b c(ab) d(ab,c)-ab,c");
    assert_eq!(
        words(&skip(Op::Tanh), &[]),
        "input() a(input)-input b(a) c(a,b) abc(a,b,c)-a,b,c d(abc)-abc",
        "a tanh cannot, but the concatenation it reads can"
    );
}

#[test]
fn doubling_again_and_again_ends() {
    let mut nodes = vec![("d0".to_owned(), "input input".to_owned())];
    for i in 1..40 {
        nodes.push((format!("d{i}"), format!("d{} d{}", i - 1, i - 1)));
    }
    let graph = graph(
        nodes.iter().map(|(name, inputs)| (name.as_str(), Op::Concat { axis: 0 }, inputs.as_str())).collect(),
    );
    let longest = Plan::new(&graph, &|_, _| false).steps.iter().map(|step| step.reads.len()).max();
    assert!(longest <= Some(2 * super::MOST_PIECES), "{longest:?}");
}

#[test]
fn a_unet_is_one_step_a_convolution() {
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 2, depth: 1, batch_norm: true, upsample: None };
    let graph = unet(spec).unwrap();
    let expected = "input() enc1.conv1+bn+relu=enc1.relu1(input)-input \
        enc1.conv2+bn+relu=enc1.relu2(enc1.relu1)-enc1.relu1 pool1(enc1.relu2) \
        mid.conv1+bn+relu=mid.relu1(pool1)-pool1 mid.conv2+bn+relu=mid.relu2(mid.relu1)-mid.relu1 \
        dec1.up(mid.relu2)-mid.relu2 dec1.conv1+bn+relu=dec1.relu1(enc1.relu2,dec1.up)-enc1.relu2,dec1.up \
        dec1.conv2+bn+relu=dec1.relu2(dec1.relu1)-dec1.relu1 head(dec1.relu2)-dec1.relu2";
    assert_eq!(words(&graph, &[]), expected);
    let every: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
    let plan = Plan::new(&graph, &|_, _| true);
    assert!(plan.steps.iter().map(|step| step.gives).eq(0..graph.nodes().len()));
    assert!(words(&graph, &every).split(' ').all(|word| !word.contains('+')), "{}", words(&graph, &every));
}
