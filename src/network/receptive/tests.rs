//! Receptive fields by hand, of known networks, and where gradients are not zero.
use super::*;
use crate::network::architectures::{UnetSpec, lenet, unet};
use crate::network::{
    Between, Coordinates, Extent, Nearest, Node, Op, PadMode, PoolKind, Pooling, Resample, ResizeTo, Resizing,
};

fn node(name: &str, op: Op, inputs: &[&str]) -> Node {
    Node { name: name.into(), op, inputs: inputs.iter().map(|&s| s.into()).collect() }
}

fn conv(kernel: usize, stride: usize, padding: usize) -> Op {
    Op::Conv2d {
        in_channels: 1,
        out_channels: 1,
        kernel: [kernel, 1],
        stride: [stride, 1],
        padding: [padding, 0],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    }
}

fn pool() -> Op {
    Op::MaxPool2d { kernel: [2, 1], stride: [2, 1], padding: [0, 0] }
}

fn chain(ops: Vec<Op>) -> Graph {
    let mut nodes = vec![node("n0", Op::Input { channels: 1 }, &[])];
    for (i, op) in ops.into_iter().enumerate() {
        nodes.push(node(&format!("n{}", i + 1), op, &[&format!("n{i}")]));
    }
    Graph::new("test", nodes).unwrap()
}

/// Start, size, widest and jump of the last node along y.
fn last(graph: &Graph) -> [f64; 4] {
    let field = receptive_fields(graph).pop().unwrap().unwrap();
    [field.start[0], field.size[0], field.widest[0], field.jump[0]]
}

#[test]
fn hand_worked_stacks() {
    // 3×3: 3 · 3×3: 5 · pool: 5 + 1 = 6, jump 2 · 3×3: 6 + 2·2 = 10. Starts: −1, −2, −2, −4.
    let graph = chain(vec![conv(3, 1, 1), conv(3, 1, 1), pool(), conv(3, 1, 1)]);
    assert_eq!(last(&graph), [-4.0, 10.0, 10.0, 2.0]);
    let field = receptive_fields(&graph).pop().unwrap().unwrap();
    assert_eq!((field.start[1], field.size[1], field.jump[1]), (0.0, 1.0, 1.0));
    // AlexNet's first layers: 11/4 pad 2, pool 3/2, 5 pad 2: 11, 11 + 2·4 = 19, 19 + 4·8 = 51 at jump 8.
    let pool3 = Op::MaxPool2d { kernel: [3, 1], stride: [2, 1], padding: [0, 0] };
    let graph = chain(vec![conv(11, 4, 2), pool3, conv(5, 1, 2)]);
    assert_eq!(last(&graph), [-18.0, 51.0, 51.0, 8.0]);
}

#[test]
fn branches_give_the_union() {
    let graph = |a: Op, b: Op| {
        let nodes = vec![
            node("input", Op::Input { channels: 1 }, &[]),
            node("a", a, &["input"]),
            node("b", b, &["input"]),
            node("sum", Op::Add, &["a", "b"]),
        ];
        Graph::new("test", nodes).unwrap()
    };
    assert_eq!(last(&graph(conv(7, 1, 3), conv(3, 1, 1))), [-3.0, 7.0, 7.0, 1.0]);
    // One looks back, the other ahead.
    assert_eq!(last(&graph(conv(5, 1, 4), conv(5, 1, 0))), [-4.0, 9.0, 9.0, 1.0]);
    // Branches of different stride drift apart.
    assert_eq!(receptive_fields(&graph(conv(2, 2, 0), conv(1, 1, 0))).pop().unwrap(), None);
}

#[test]
fn what_follows_global_pooling_or_flattening_sees_everything() {
    let graph = lenet(1, 2, 6, None).unwrap();
    let fields = receptive_fields(&graph);
    // conv1 5, pool 6, conv2 6 + 4·2 = 14, pool 16, conv3 16 + 4·4 = 32; starts −2, −2, −2, −2, −10.
    let conv3 = fields[graph.index_of("relu3").unwrap()].unwrap();
    assert_eq!((conv3.size, conv3.jump, conv3.start), ([32.0; 2], [4.0; 2], [-10.0; 2]));
    for name in ["gap", "flatten", "fc1", "head"] {
        let index = graph.index_of(name).unwrap();
        assert_eq!(fields[index], None, "{name}");
        assert_eq!(receptive_window(&graph, index, [0, 0]), None);
    }
}

/// Windows of outputs 64, 65… of a U-Net's head, less 64, along x, as first and last.
fn unet_windows(depth: usize, upsample: Option<Resample>) -> (Vec<(i64, i64)>, [f64; 3]) {
    let spec = UnetSpec { in_channels: 1, classes: 1, base: 1, depth, batch_norm: false, upsample };
    let graph = unet(spec).unwrap();
    let head = graph.nodes().len() - 1;
    let windows = (0..1 << depth).map(|i| {
        let [y, x] = receptive_window(&graph, head, [64 + i, 64 + i]).unwrap();
        assert_eq!(y, x);
        (x.start - 64, x.end - 1 - 64)
    });
    let field = receptive_fields(&graph)[head].unwrap();
    assert_eq!(field.jump, [1.0, 1.0]);
    (windows.collect(), [field.widest[1], field.start[1], field.size[1]])
}

#[test]
fn a_unets_windows_are_where_its_gradient_is_not_zero() {
    // PyTorch: the same U-Net in float64 with base 1, every weight positive, no ReLU cutting and average instead of
    // max pooling (same support); columns of the input where the gradient of head[c, c + i] is not zero, less c,
    // c a multiple of 2^depth in the middle of the image. Widest, start and size follow from these windows.
    let bilinear = Some(Resample::Bilinear);
    let (early, late) = ((-22, 21), (-18, 25));
    assert_eq!(unet_windows(1, None), (vec![(-8, 9), (-8, 9)], [18.0, -9.0, 19.0]));
    assert_eq!(unet_windows(2, None), (vec![early, early, late, late], [44.0, -23.0, 47.0]));
    assert_eq!(unet_windows(2, Some(Resample::Nearest)), unet_windows(2, None));
    let windows = vec![(-26, 25), (-22, 25), (-22, 25), (-22, 29)];
    assert_eq!(unet_windows(2, bilinear), (windows, [52.0, -26.0, 53.0]));
    let [a, b, c] = [(-46, 45), (-46, 53), (-38, 53)];
    assert_eq!(unet_windows(3, None), (vec![a, a, b, b, b, b, c, c], [100.0, -51.0, 103.0]));
    let [a, b, c] = [(-54, 53), (-54, 61), (-46, 61)];
    assert_eq!(unet_windows(3, bilinear), (vec![a, a, a, b, b, c, c, c], [116.0, -58.0, 117.0]));
}

#[test]
fn every_output_sees_only_inside_the_field() {
    for (depth, upsample) in [(2, None), (3, Some(Resample::Bilinear)), (6, None)] {
        let spec = UnetSpec { in_channels: 1, classes: 2, base: 1, depth, batch_norm: true, upsample };
        let graph = unet(spec).unwrap();
        let fields = receptive_fields(&graph);
        for (index, field) in fields.iter().enumerate().step_by(5) {
            let field = field.unwrap();
            for output in 0..70 {
                let [y, _] = receptive_window(&graph, index, [output, 0]).unwrap();
                let start = field.start[0] + output as f64 * field.jump[0];
                let size = (y.end - y.start) as f64;
                assert!(start <= y.start as f64 && y.end as f64 <= start + field.size[0]);
                assert!(size <= field.widest[0] && field.widest[0] <= field.size[0]);
            }
        }
    }
}

/// Both sides alike.
fn square(kernel: usize, stride: usize, padding: usize) -> Op {
    Op::Conv2d {
        in_channels: 1,
        out_channels: 1,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [1; 2],
        groups: 1,
        bias: true,
    }
}

#[test]
fn alexnet_sees_195_pixels() {
    // 11, 19 at jump 8, 51, 67 at jump 16, 99, 131, 163, 195 at jump 32.
    let pool = || {
        Op::Pool(Pooling {
            kind: PoolKind::Max,
            kernel: vec![3, 3],
            stride: vec![2, 2],
            before: vec![0, 0],
            after: vec![0, 0],
            dilation: vec![1, 1],
            ceil: true,
            count_padding: false,
        })
    };
    let mut ops = vec![square(11, 4, 2), pool(), square(5, 1, 2), pool()];
    ops.extend([square(3, 1, 1), square(3, 1, 1), square(3, 1, 1), pool()]);
    assert_eq!(last(&chain(ops)), [-66.0, 195.0, 195.0, 32.0]);
}

/// The U-Net of 2015: nothing padded, skips cut to size.
fn unpadded_unet() -> Graph {
    let mut nodes = vec![node("input", Op::Input { channels: 1 }, &[])];
    let add = |nodes: &mut Vec<Node>, name: String, op: Op, more: &[&str]| {
        let before = nodes[nodes.len() - 1].name.clone();
        let inputs: Vec<&str> = more.iter().copied().chain(more.is_empty().then_some(&*before)).collect();
        nodes.push(node(&name, op, &inputs));
    };
    let block = |nodes: &mut Vec<Node>, name: &str| {
        (1..=2).for_each(|i| add(nodes, format!("{name}.conv{i}"), square(3, 1, 0), &[]));
    };
    let halving = Op::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
    for level in 1..=4 {
        block(&mut nodes, &format!("enc{level}"));
        add(&mut nodes, format!("pool{level}"), halving.clone(), &[]);
    }
    block(&mut nodes, "mid");
    for level in (1..=4).rev() {
        let (skip, up) = (format!("enc{level}.conv2"), format!("dec{level}.up"));
        let (crop, sum) = (format!("dec{level}.crop"), format!("dec{level}.sum"));
        add(&mut nodes, up.clone(), Op::Upsample { scale: 2, resample: Resample::Nearest }, &[]);
        add(&mut nodes, crop.clone(), Op::CenterCrop, &[&skip, &up]);
        add(&mut nodes, sum, Op::Add, &[&crop, &up]);
        block(&mut nodes, &format!("dec{level}"));
    }
    Graph::new("unpadded", nodes).unwrap()
}

#[test]
fn an_output_of_the_first_unet_sees_188_or_204_pixels_by_its_place() {
    let graph = unpadded_unet();
    let (image, output) = ([1, 572, 572], graph.nodes().len() - 1);
    assert_eq!(graph.shapes(image).unwrap()[output], [1, 388, 388]);
    let sizes: Vec<i64> = (0..16)
        .map(|i| {
            let [y, x] = receptive_window(&graph, output, [i, i + 16]).unwrap();
            let on_image = receptive_window_on(&graph, image, output, [i, i + 16]).unwrap().unwrap();
            assert_eq!(on_image, [y.clone(), x.clone()]);
            assert_eq!((x.start, x.end), (y.start + 16, y.end + 16));
            y.end - y.start
        })
        .collect();
    assert!(sizes.iter().all(|size| [188, 204].contains(size)), "{sizes:?}");
    assert!(sizes.contains(&188) && sizes.contains(&204));
    // The first output sees the first pixel, the last the last.
    assert_eq!(receptive_window(&graph, output, [0, 0]).unwrap()[0].start, 0);
    assert_eq!(receptive_window(&graph, output, [387, 387]).unwrap()[0].end, 572);
    // Each skip lies where the shapes say.
    let fields = receptive_fields(&graph);
    let start = |name: &str| fields[graph.index_of(name).unwrap()].unwrap().start[0];
    let expected = [("dec4.crop", 4 * 8), ("dec3.crop", 16 * 4), ("dec2.crop", 40 * 2), ("dec1.crop", 88)];
    for (name, moved) in expected {
        let skip = name.replace("dec", "enc").replace("crop", "conv2");
        assert_eq!(start(name) - start(&skip), f64::from(moved), "{name}");
    }
}

#[test]
fn slices_and_borders_move_the_windows() {
    let slice = Op::Slice { axis: 1, start: 1, end: i64::MAX, step: 2 };
    let pad = |mode| Op::Pad { before: vec![0, 3, 0], after: vec![0, -1, 0], mode };
    assert_eq!(last(&chain(vec![slice.clone()])), [1.0, 1.0, 1.0, 2.0]);
    assert_eq!(last(&chain(vec![pad(PadMode::Edge), slice])), [-2.0, 1.0, 1.0, 2.0]);
    assert_eq!(receptive_fields(&chain(vec![pad(PadMode::Wrap)])).pop().unwrap(), None);
    // What counts from the end depends on the size.
    let tail = chain(vec![Op::Slice { axis: 1, start: -4, end: i64::MAX, step: 1 }]);
    assert_eq!(receptive_fields(&tail).pop().unwrap(), None);
    let on_image = receptive_fields_on(&tail, [1, 10, 6]).unwrap().pop().unwrap().unwrap();
    assert_eq!((on_image.start, on_image.size), ([6.0, 0.0], [1.0, 1.0]));
}

fn resize(to: ResizeTo, between: Between, coordinates: Coordinates) -> Op {
    Op::Resize(Resizing { to, between, coordinates, exclude_outside: false, antialias: false })
}

#[test]
fn resizing_sees_what_upsampling_sees() {
    let scales = || ResizeTo::Scales(vec![1.0, 2.0, 2.0]);
    let windows = |op: Op| all_windows(&chain(vec![op]), None).pop().unwrap().windows().cloned().unwrap();
    let up = |resample| windows(Op::Upsample { scale: 2, resample });
    let linear = windows(resize(scales(), Between::Linear, Coordinates::HalfPixel));
    assert_eq!(linear, up(Resample::Bilinear));
    let nearest = Between::Nearest(Nearest::Floor);
    assert_eq!(windows(resize(scales(), nearest, Coordinates::Asymmetric)), up(Resample::Nearest));
    // To the size of what was there before the pooling.
    let halving = Op::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
    let nodes = |op: Op, inputs: &[&str]| {
        let nodes = vec![
            node("input", Op::Input { channels: 1 }, &[]),
            node("pool", halving.clone(), &["input"]),
            node("up", op, inputs),
            node("sum", Op::Add, &["input", "up"]),
        ];
        receptive_fields(&Graph::new("test", nodes).unwrap()).pop().unwrap()
    };
    let like = resize(ResizeTo::Like, Between::Linear, Coordinates::HalfPixel);
    let up = Op::Upsample { scale: 2, resample: Resample::Bilinear };
    assert!(nodes(up.clone(), &["pool"]).is_some());
    assert_eq!(nodes(like, &["pool", "input"]), nodes(up, &["pool"]));
    // To a size in pixels: by how much depends on the image.
    let sized = chain(vec![resize(ResizeTo::Sizes(vec![1, 12, 6]), Between::Linear, Coordinates::HalfPixel)]);
    assert_eq!(receptive_fields(&sized).pop().unwrap(), None);
    let on_image = receptive_fields_on(&sized, [1, 18, 6]).unwrap().pop().unwrap().unwrap();
    assert_eq!((on_image.jump, on_image.size[1]), ([1.5, 1.0], 1.0));
}

#[test]
fn norms_over_pixels_see_everything_and_norms_over_channels_do_not() {
    let channels_last = |norm: Op| {
        chain(vec![
            square(3, 1, 1),
            Op::Permute { axes: vec![1, 2, 0] },
            norm,
            Op::Permute { axes: vec![2, 0, 1] },
            square(3, 1, 1),
        ])
    };
    let over_channels = channels_last(Op::LayerNorm { shape: vec![1], eps: 1e-5 });
    assert_eq!(last(&over_channels), [-2.0, 5.0, 5.0, 1.0]);
    let over_rows = channels_last(Op::LayerNorm { shape: vec![6, 1], eps: 1e-5 });
    assert_eq!(receptive_fields(&over_rows).pop().unwrap(), None);
    let group =
        chain(vec![square(3, 2, 1), Op::GroupNorm { channels: 1, groups: 1, eps: 1e-5 }, square(3, 2, 1)]);
    assert_eq!(receptive_fields(&group).pop().unwrap(), None);
    assert_eq!(crate::network::total_stride(&group), [4, 4], "the grid is known");
    let mean = |axes: Vec<usize>| Op::Reduce { function: crate::network::Reduction::Mean, axes, keep: true };
    assert_eq!(last(&chain(vec![square(3, 1, 1), mean(vec![0])])), [-1.0, 3.0, 3.0, 1.0]);
    assert_eq!(receptive_fields(&chain(vec![mean(vec![2])])).pop().unwrap(), None);
}

#[test]
fn shuffled_channels_keep_their_windows() {
    let of = |axis| Extent::Of { input: 0, axis };
    let (apart, together) =
        (vec![Extent::Size(1), Extent::Rest, of(1), of(2)], vec![Extent::Rest, of(2), of(3)]);
    let ops = vec![
        square(3, 1, 1),
        Op::Reshape { shape: apart },
        Op::Permute { axes: vec![1, 0, 2, 3] },
        Op::Reshape { shape: together },
        square(3, 1, 1),
    ];
    assert_eq!(last(&chain(ops)), [-2.0, 5.0, 5.0, 1.0]);
}

#[test]
fn a_constant_sees_nothing_and_changes_no_window() {
    let nodes = vec![
        node("input", Op::Input { channels: 1 }, &[]),
        node("c", Op::Constant { shape: vec![1, 1] }, &[]),
        node("conv", square(3, 2, 1), &["input"]),
        node("sum", Op::Combine { function: crate::network::Pairing::Add }, &["c", "conv"]),
    ];
    let graph = Graph::new("test", nodes).unwrap();
    assert_eq!(last(&graph), [-1.0, 3.0, 3.0, 2.0]);
    let constant = receptive_fields(&graph)[graph.index_of("c").unwrap()].unwrap();
    assert_eq!((constant.size, constant.widest), ([0.0; 2], [0.0; 2]));
}
