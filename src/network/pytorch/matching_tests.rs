//! Names of torchvision's networks (tests/fixtures/pytorch/names.txt) and of nobody's find their places, or are named.

use super::matching::*;
use crate::network::architectures::{Architecture, ArchitectureSpec, build};
use crate::network::{Graph, Node, Op};
use std::path::Path;

type Named = Vec<(String, Vec<usize>)>;

/// Names and shapes of a state dict of torchvision.
fn torchvision(network: &str) -> Named {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch/names.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split("# ").find(|section| section.starts_with(&format!("{network}\n"))).unwrap();
    let line = |line: &str| {
        let (name, shape) = line.split_once(' ').unwrap_or((line, ""));
        (name.to_owned(), shape.split('x').filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect())
    };
    section.lines().skip(1).filter(|l| !l.is_empty()).map(line).collect()
}

fn resnet() -> Graph {
    build(&Architecture::Resnet18.defaults()).unwrap()
}

#[test]
fn every_weight_of_torchvisions_resnet_18_finds_its_place_by_name() {
    let (graph, weights) = (resnet(), torchvision("resnet18"));
    assert_eq!(weights.len(), 122);
    let matching = match_weights(&graph, &weights, &[], true);
    assert_eq!((matching.matched.len(), matching.missing()), (102, 0));
    assert!(matching.matched.iter().all(|(place, weight)| place == weight));
    // The other 20 count batches, which is not worth a word.
    assert_eq!((matching.misfits(), &matching.notes), (vec![], &vec![]));
}

#[test]
fn prefixes_are_taken_off_in_words() {
    let graph = resnet();
    for prefix in ["module.", "model.", "_orig_mod.module.", "encoder.backbone."] {
        let weights: Named = torchvision("resnet18")
            .into_iter()
            .map(|(name, shape)| (format!("{prefix}{name}"), shape))
            .collect();
        let matching = match_weights(&graph, &weights, &[], true);
        assert_eq!((matching.matched.len(), matching.misfits().len()), (102, 0));
        assert_eq!(matching.notes, [format!("The weights are those whose names begin with {prefix:?}")]);
    }
    let twice: Named = ["student.", "teacher."]
        .into_iter()
        .flat_map(|prefix| torchvision("resnet18").into_iter().map(move |(n, s)| (format!("{prefix}{n}"), s)))
        .collect();
    let matching = match_weights(&graph, &twice, &[], true);
    assert_eq!(matching.matched[0].1, "student.conv1.weight");
    assert_eq!(matching.notes[1], "The weights below \"teacher.\" would fit as well; choose with --key");
}

#[test]
fn torchvisions_modules_are_known_by_a_table() {
    let node = |name: &str, inputs: &[&str], op| Node {
        name: name.into(),
        op,
        inputs: inputs.iter().map(|&s| s.into()).collect(),
    };
    let dense = |from, to| Op::Linear { in_features: from, out_features: to, bias: true };
    let nodes = vec![
        node("input", &[], Op::Array { shape: vec![4] }),
        node("head.fc1", &["input"], dense(4, 4)),
        node("head.fc2", &["head.fc1"], dense(4, 4)),
    ];
    let graph = Graph::new("test", nodes).unwrap();
    let weights: Named = [
        ("classifier.3.bias", vec![4]),
        ("classifier.0.weight", vec![4, 4]),
        ("classifier.0.bias", vec![4]),
        ("classifier.3.weight", vec![4, 4, 1, 1]),
    ]
    .map(|(n, s)| (n.to_owned(), s))
    .into();
    let table = [("head.fc1", "classifier.0"), ("head.fc2", "classifier.3")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()));
    let matching = match_weights(&graph, &weights, &table, false);
    let reshaped = "Weights whose shape differs in axes of one index alone: 1";
    assert_eq!(matching.notes, ["The weights have torchvision's names", reshaped]);
    let found = |place: &str| matching.matched.iter().find(|(p, _)| p == place).map(|(_, w)| w.as_str());
    assert_eq!(found("head.fc2.weight"), Some("classifier.3.weight"), "a 1×1 convolution is a dense layer");
    assert_eq!(found("head.fc1.bias"), Some("classifier.0.bias"));
    // Without the table the two layers look alike, and only their order tells them apart.
    let without = match_weights(
        &graph,
        &weights[..2].iter().chain(&weights[2..3]).cloned().collect::<Named>(),
        &[],
        false,
    );
    assert_eq!((without.matched.len(), without.empty.len(), without.unused.len()), (0, 4, 3));
}

#[test]
fn other_classes_other_widths_and_strangers_are_named() {
    let spec = ArchitectureSpec { classes: 10, ..Architecture::Resnet18.defaults() };
    let mut weights = torchvision("resnet18");
    weights.retain(|(name, _)| name != "bn1.bias");
    weights.push(("extra.weight".into(), vec![3, 3]));
    let matching = match_weights(&build(&spec).unwrap(), &weights, &[], true);
    assert_eq!((matching.matched.len(), matching.missing()), (99, 3));
    let expected = [
        "Place bn1.bias has no weight: expected [64]",
        "Place fc.weight has another shape: expected 10×512, found 1000×512",
        "Place fc.bias has another shape: expected [10], found [1000]",
        "Weight extra.weight (3×3) has no place",
    ];
    assert_eq!(matching.misfits(), expected);
}

#[test]
fn layers_without_a_common_name_are_matched_by_order_and_shape() {
    let graph = build(&ArchitectureSpec { classes: 4, ..Architecture::Lenet5.defaults() }).unwrap();
    let weights: Named = graph
        .parameters()
        .into_iter()
        .map(|place| {
            let (node, kind) = place.name.rsplit_once('.').unwrap();
            let module = match node {
                "conv1" => "net.0",
                "conv2" => "net.3",
                "fc1" => "net.7",
                "fc2" => "net.9",
                _ => "net.11",
            };
            (format!("{module}.{kind}"), place.shape)
        })
        .collect();
    let matching = match_weights(&graph, &weights, &[], true);
    assert_eq!((matching.matched.len(), matching.missing()), (10, 0));
    assert!(matching.matched.contains(&("conv2.weight".into(), "net.3.weight".into())));
    let note = &matching.notes[0];
    assert!(note.starts_with("Layers matched by shape and order, not by name: 5 ("), "{note}");
    assert!(note.ends_with("; check the result"), "{note}");
}

#[test]
fn layers_that_look_alike_are_matched_only_in_an_ordered_file() {
    let node = |name: &str, input: &str, op| Node { name: name.into(), op, inputs: vec![input.into()] };
    let dense = Op::Linear { in_features: 4, out_features: 4, bias: false };
    let input = Node { name: "input".into(), op: Op::Array { shape: vec![4] }, inputs: vec![] };
    let nodes = vec![input, node("first", "input", dense.clone()), node("second", "first", dense)];
    let graph = Graph::new("test", nodes).unwrap();
    let named =
        |names: &[&str]| -> Named { names.iter().map(|n| (format!("{n}.weight"), vec![4, 4])).collect() };
    let ordered = match_weights(&graph, &named(&["b", "a"]), &[], true);
    assert_eq!(
        ordered.matched,
        [
            ("first.weight".to_owned(), "b.weight".to_owned()),
            ("second.weight".to_owned(), "a.weight".to_owned())
        ]
    );
    assert_eq!(match_weights(&graph, &named(&["b", "a"]), &[], false).missing(), 2);
    assert_eq!(match_weights(&graph, &named(&["c", "b", "a"]), &[], true).missing(), 2);
    assert_eq!(match_weights(&graph, &named(&["a"]), &[], true).missing(), 2);
}
