//! Drawings of every architecture, folded and open: nothing overlaps, no edge is lost, and a U-Net is a U.
use super::measures::{HEIGHT, WIDTH};
use super::*;
use crate::network::architectures::{Architecture, ArchitectureSpec, UnetSpec, build, unet};
use crate::network::{Node, Op, describe};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn network(architecture: Architecture) -> (Graph, Vec<NodeCost>) {
    let spec = ArchitectureSpec { width: Some(0.25), ..architecture.defaults() };
    let graph = build(&spec).or_else(|_| build(&architecture.defaults())).unwrap();
    let [_, height, width] = architecture.about().input;
    let nodes = describe(&graph, [graph.input_channels(), height, width]).unwrap();
    (graph, nodes)
}

fn unet_of(depth: usize) -> (Graph, Vec<NodeCost>) {
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 2, depth, batch_norm: true, upsample: None };
    let graph = unet(spec).unwrap();
    let nodes = describe(&graph, [1, 64, 64]).unwrap();
    (graph, nodes)
}

fn place(drawing: &Drawing, nodes: &[NodeCost], name: &str) -> usize {
    drawing.box_of(nodes.iter().position(|node| node.name == name).unwrap()).unwrap()
}

/// What must hold of every drawing: nothing overlaps, everything is inside, every edge of the graph is there once.
fn check(graph: &Graph, nodes: &[NodeCost], drawing: &Drawing) {
    let whole = Area { left: 0.0, top: 0.0, width: drawing.size[0], height: drawing.size[1] };
    for (place, one) in drawing.boxes.iter().enumerate() {
        assert!(whole.holds(&one.area), "{} lies outside", one.label);
        for other in &drawing.boxes[place + 1..] {
            assert!(!one.area.overlaps(&other.area), "{} lies on {}", one.label, other.label);
        }
    }
    let mut links: Vec<[usize; 2]> = drawing.edges.iter().flat_map(|edge| edge.links.clone()).collect();
    let mut expected = Vec::new();
    for reader in 0..nodes.len() {
        for giver in graph.inputs_of(reader) {
            if drawing.box_of(giver) != drawing.box_of(reader) {
                expected.push([giver, reader]);
            }
        }
    }
    links.sort_unstable();
    expected.sort_unstable();
    assert_eq!(links, expected);
    for edge in &drawing.edges {
        let on_border = |point: [f32; 2], area: &Area| {
            let inside = area.left <= point[0] && point[0] <= area.right();
            inside && area.top <= point[1] && point[1] <= area.bottom()
        };
        let (from, to) = (&drawing.boxes[edge.from], &drawing.boxes[edge.to]);
        assert!(on_border(edge.points[0], &from.area), "{} → {}", from.label, to.label);
        assert!(on_border(edge.points[edge.points.len() - 1], &to.area), "{} → {}", from.label, to.label);
        for pair in edge.points.windows(2) {
            assert!(pair[0][0] == pair[1][0] || pair[0][1] == pair[1][1], "{:?}", edge.points);
        }
    }
    for frame in &drawing.frames {
        for one in &drawing.boxes {
            let inside = nodes.iter().enumerate().any(|(node, of)| {
                drawing.box_of(node).is_some_and(|place| std::ptr::eq(&raw const drawing.boxes[place], one))
                    && of.name.starts_with(&format!("{}.", frame.prefix))
            });
            assert_eq!(inside, frame.area.overlaps(&one.area), "{} and {}", frame.prefix, one.label);
            assert!(!inside || frame.area.holds(&one.area), "{} stands out of {}", one.label, frame.prefix);
        }
    }
}

/// Whether a part of a way runs through the inside of a box whose upper left corner is given.
fn runs_over(points: &[[f32; 2]], [left, top]: [f32; 2]) -> bool {
    points.windows(2).any(|ends| {
        let [x0, y0] = [ends[0][0].min(ends[1][0]), ends[0][1].min(ends[1][1])];
        let [x1, y1] = [ends[0][0].max(ends[1][0]), ends[0][1].max(ends[1][1])];
        x1 > left + 1.0 && x0 < left + WIDTH - 1.0 && y1 > top + 1.0 && y0 < top + HEIGHT - 1.0
    })
}

/// How many edges run over a box.
fn crossings(drawing: &Drawing) -> usize {
    let over = |edge: &&DrawnEdge| {
        drawing.boxes.iter().enumerate().any(|(place, one)| {
            let own = place == edge.from || place == edge.to;
            !own && runs_over(&edge.points, [one.area.left, one.area.top])
        })
    };
    drawing.edges.iter().filter(over).count()
}

#[test]
fn a_folded_u_net_is_a_u_whose_skips_go_straight_across() {
    let (graph, nodes) = unet_of(4);
    let drawing = Drawing::new(&graph, &nodes, &|_| true);
    check(&graph, &nodes, &drawing);
    assert_eq!((drawing.bands.len(), drawing.boxes.len()), (5, 15));
    assert_eq!((drawing.bands[2].label.as_str(), drawing.bands[2].share.as_str()), ("16×16", "1/4"));
    for level in 1..=4 {
        let encoder = place(&drawing, &nodes, &format!("enc{level}.conv1"));
        let decoder = place(&drawing, &nodes, &format!("dec{level}.conv1"));
        let skip = drawing.edges.iter().find(|edge| (edge.from, edge.to) == (encoder, decoder)).unwrap();
        let [[x0, y0], [x1, y1]] = skip.points[..] else { panic!("{:?}", skip.points) };
        assert!(y0 == y1 && x0 < x1, "{:?}", skip.points);
        let (encoder, decoder) = (&drawing.boxes[encoder], &drawing.boxes[decoder]);
        assert_eq!((encoder.band, decoder.band), (level - 1, level - 1));
        assert!(encoder.area.right() < decoder.area.left && encoder.area.top == decoder.area.top);
    }
    assert_eq!(crossings(&drawing), 0);
}

#[test]
fn an_open_u_net_too() {
    let (graph, nodes) = unet_of(4);
    let drawing = Drawing::new(&graph, &nodes, &|_| false);
    check(&graph, &nodes, &drawing);
    assert_eq!(drawing.frames.len(), 9);
    for level in 1..=4 {
        let from = place(&drawing, &nodes, &format!("enc{level}.relu2"));
        let to = place(&drawing, &nodes, &format!("dec{level}.concat"));
        let skip = drawing.edges.iter().find(|edge| (edge.from, edge.to) == (from, to)).unwrap();
        assert_eq!(skip.points.len(), 2, "level {level}: {:?}", skip.points);
        assert_eq!(skip.points[0][1], skip.points[1][1]);
    }
    let up = place(&drawing, &nodes, "dec1.up");
    let concat = place(&drawing, &nodes, "dec1.concat");
    assert!(drawing.boxes[concat].area.top < drawing.boxes[up].area.top, "the way up goes up");
    assert_eq!(crossings(&drawing), 0);
}

#[test]
fn every_architecture_is_drawn_folded_and_open_without_running_over_boxes() {
    for architecture in Architecture::ALL {
        let (graph, nodes) = network(architecture);
        for folded in [true, false] {
            let drawing = Drawing::new(&graph, &nodes, &|_| folded);
            check(&graph, &nodes, &drawing);
            assert_eq!(crossings(&drawing), 0, "{architecture:?}, folded: {folded}");
            // In a classifier computation goes down; a box is read by none above it.
            let falls = drawing.boxes.iter().all(|one| one.column == 0);
            assert!(falls || graph.architecture.starts_with("unet"), "{architecture:?}");
        }
    }
}

#[test]
fn a_residual_block_has_its_shortcut_beside_it() {
    let (graph, nodes) = network(Architecture::Resnet18);
    let drawing = Drawing::new(&graph, &nodes, &|_| false);
    let at = |name: &str| &drawing.boxes[place(&drawing, &nodes, name)].area;
    assert_eq!(at("layer2.0.conv1").top, at("layer2.0.downsample.0").top, "both read the same");
    assert!(at("layer2.0.downsample.0").left > at("layer2.0.conv1").right());
    assert_eq!(at("layer2.0.add").left, at("layer2.0.conv1").left, "the long way stays straight");
    let shortcut = (place(&drawing, &nodes, "maxpool"), place(&drawing, &nodes, "layer1.0.add"));
    let shortcut = drawing.edges.iter().find(|edge| (edge.from, edge.to) == shortcut).unwrap();
    assert_eq!(shortcut.points.len(), 4, "out, down the lane, and in again: {:?}", shortcut.points);
}

#[test]
fn broken_groups_and_constants_are_drawn_too() {
    let node = |name: &str, op: Op, inputs: &[&str]| Node {
        name: name.into(),
        op,
        inputs: inputs.iter().map(|&s| s.into()).collect(),
    };
    // Folded, a reads b and b reads a.
    let graph = Graph::new(
        "test",
        vec![
            node("input", Op::Input { channels: 1 }, &[]),
            node("weights", Op::Constant { shape: vec![1, 8, 8] }, &[]),
            node("a.first", Op::Relu, &["input"]),
            node("b.first", Op::Relu, &["a.first"]),
            node("a.second", Op::Add, &["b.first", "weights"]),
            node("b.second", Op::Relu, &["a.second"]),
            node("sum", Op::Add, &["b.second", "b.second"]),
        ],
    )
    .unwrap();
    let nodes = describe(&graph, [1, 8, 8]).unwrap();
    for folded in [true, false] {
        let drawing = Drawing::new(&graph, &nodes, &|_| folded);
        check(&graph, &nodes, &drawing);
    }
    let empty = Drawing::new(&graph, &[], &|_| true);
    assert!(empty.boxes.is_empty() && empty.box_of(0).is_none());
}

#[test]
fn the_largest_network_is_laid_out_within_a_few_frames() {
    let (graph, nodes) = network(Architecture::Densenet201);
    let began = std::time::Instant::now();
    let drawing = Drawing::new(&graph, &nodes, &|_| false);
    let took = began.elapsed();
    assert_eq!(drawing.boxes.len(), nodes.len());
    assert!(drawing.size[1] > HEIGHT * nodes.len() as f32);
    // Not optimised, on a busy machine.
    assert!(took.as_millis() < 1000, "{} nodes took {took:?}", nodes.len());
}

#[test]
fn time_grows_with_the_network_and_not_with_its_square() {
    let node = |name: String, op: Op, inputs: Vec<String>| Node { name, op, inputs };
    let took = |blocks: usize| {
        let mut nodes = vec![node("input".into(), Op::Input { channels: 1 }, vec![])];
        let mut before = "input".to_owned();
        for block in 0..blocks {
            let [a, b, sum] = ["a", "b", "sum"].map(|name| format!("block{block}.{name}"));
            nodes.push(node(a.clone(), Op::Relu, vec![before.clone()]));
            nodes.push(node(b.clone(), Op::Tanh, vec![a]));
            nodes.push(node(sum.clone(), Op::Add, vec![b, before]));
            before = sum;
        }
        let graph = Graph::new("test", nodes).unwrap();
        let nodes = describe(&graph, [1, 4, 4]).unwrap();
        let began = std::time::Instant::now();
        let drawing = Drawing::new(&graph, &nodes, &|_| false);
        assert_eq!((drawing.boxes.len(), drawing.frames.len()), (3 * blocks + 1, blocks));
        began.elapsed().as_secs_f64()
    };
    let (small, large) = (took(250), took(2000));
    println!("751 nodes took {:.1} ms, 6001 nodes {:.1} ms", small * 1e3, large * 1e3);
    assert!(large < small.max(0.002) * 40.0, "eight times as large took {} times as long", large / small);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn whatever_is_folded_nothing_overlaps_and_no_edge_is_lost(
        which in 0..Architecture::ALL.len(),
        chosen in proptest::collection::vec(any::<bool>(), 64),
    ) {
        let (graph, nodes) = network(Architecture::ALL[which]);
        let outline = Outline::of(&nodes);
        let groups = outline.groups().enumerate();
        let folded: BTreeSet<String> =
            groups.filter(|(n, _)| chosen[n % chosen.len()]).map(|(_, group)| group.prefix.clone()).collect();
        let drawing = Drawing::new(&graph, &nodes, &|group| folded.contains(&group.prefix));
        check(&graph, &nodes, &drawing);
    }
}
