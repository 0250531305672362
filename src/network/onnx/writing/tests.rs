//! Files that were written, read back.
use super::*;
use crate::network::architectures::{Architecture, ArchitectureSpec, UnetSpec, build, lenet, unet};
use crate::network::model::tests::tiny;
use crate::network::onnx::{Answer, Wish, lower, read};
use crate::network::{ClassInfo, Graph, Mode, Task, Weights, no_tap, run};
use candle_core::{Device, Tensor};
use prost::Message;
use std::collections::BTreeSet;

fn written(model: &Model, settings: OnnxSettings) -> Result<(ModelProto, OnnxWritten), NetworkError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.onnx");
    let written = write_onnx(model, &path, settings, &Monitor::silent())?;
    Ok((ModelProto::decode(std::fs::read(path).unwrap().as_slice()).unwrap(), written))
}

/// A classifier of random weights.
fn classifier(graph: Graph, input_size: Option<[usize; 2]>) -> Model {
    let mut card = tiny().card;
    let classes = graph.shapes([1, 28, 28]).unwrap().last().unwrap()[0];
    card.task = Task::Classify;
    card.input_size = input_size;
    card.classes = (0..classes).map(|i| ClassInfo { name: format!("{i}"), colour: [0; 3] }).collect();
    let weights = Weights::initialised(&graph, 1, &Device::Cpu).unwrap();
    Model::new(graph, weights, card).unwrap()
}

fn node(name: &str, op: Op, inputs: &[&str]) -> Node {
    Node { name: name.into(), op, inputs: inputs.iter().map(|&input| input.into()).collect() }
}

fn pool(size: [usize; 2]) -> Vec<Node> {
    vec![
        node("input", Op::Input { channels: 1 }, &[]),
        node("pool", Op::AdaptiveAvgPool2d { size }, &["input"]),
        node("flatten", Op::Flatten, &["pool"]),
    ]
}

fn dims(value: &ValueInfoProto) -> Vec<String> {
    let shape = value.r#type.clone().and_then(|t| t.tensor_type).and_then(|t| t.shape).unwrap();
    let text = |dim: DimensionProto| dim.dim_param.unwrap_or_else(|| dim.dim_value.unwrap().to_string());
    shape.dim.into_iter().map(text).collect()
}

/// Every value is made before it is read, and none twice.
fn check_order(graph: &GraphProto) {
    let mut made: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    made.extend(graph.input.iter().map(|value| value.name.as_str()));
    for node in &graph.node {
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            assert!(made.contains(input.as_str()), "{} reads {input}", node.name);
        }
        for output in &node.output {
            assert!(made.insert(output), "{output} is made twice");
        }
    }
    assert!(graph.output.iter().all(|value| made.contains(value.name.as_str())));
}

#[test]
fn a_model_reads_back_with_our_names_its_numbers_and_its_card() {
    let model = tiny();
    let (file, said) = written(&model, OnnxSettings::default()).unwrap();
    assert_eq!((file.ir_version, file.opset_import[0].version, said.opset), (8, 18, 18));
    assert_eq!(file.producer_name, "Polepiece");
    let graph = file.graph.unwrap();
    check_order(&graph);
    let names: Vec<&str> = graph.node.iter().map(|node| node.name.as_str()).collect();
    let ours: Vec<&str> = model.graph.nodes().iter().skip(1).map(|node| node.name.as_str()).collect();
    assert_eq!(names, ours);
    let of = |name: &str| graph.node.iter().find(|node| node.name == name).unwrap();
    assert_eq!(of("enc1.conv1").op_type, "Conv");
    assert_eq!(of("enc1.conv1").input, ["input", "enc1.conv1.weight"], "there is no bias");
    assert_eq!(of("dec1.concat").input, ["enc1.relu2", "dec1.up"]);
    for (name, tensor) in &model.weights.tensors {
        let there = graph.initializer.iter().find(|there| there.name == *name).unwrap();
        let dims: Vec<usize> = there.dims.iter().map(|&n| n as usize).collect();
        assert_eq!(dims, tensor.dims(), "{name}");
        let numbers = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(there.raw_data.as_deref(), Some(bytes.as_slice()), "{name}");
    }
    let entry = |key: &str| file.metadata_props.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    assert_eq!(entry("licence"), Some("MIT"));
    assert_eq!(entry("class_names"), Some(r#"["matrix","γ′"]"#));
    assert_eq!(entry("pixel_size_nm"), Some("0.30000000000000004"));
    assert_eq!(entry("input_size_yx"), None);
    let card = serde_json::from_str(entry(metadata::CARD).unwrap()).unwrap();
    assert_eq!(model.card, card);
}

#[test]
fn sizes_are_open_where_the_network_takes_any() {
    let (file, said) = written(&tiny(), OnnxSettings::default()).unwrap();
    let graph = file.graph.unwrap();
    assert_eq!(dims(&graph.input[0]), ["batch", "1", "height", "width"]);
    assert_eq!(dims(&graph.output[0]), ["batch", "2", "height", "width"]);
    assert_eq!((said.input.as_str(), said.output.as_str()), ("batch×1×height×width", "batch×2×height×width"));
    let size = Some([32, 64]);
    let (_, said) = written(&tiny(), OnnxSettings { size, ..OnnxSettings::default() }).unwrap();
    assert_eq!(said.output, "batch×2×32×64");
    // Dense layers fix the size; no card and no usual size says 28.
    let fixed = classifier(lenet(1, 3, 6, Some([28, 28])).unwrap(), Some([28, 28]));
    assert_eq!(written(&fixed, OnnxSettings::default()).unwrap().1.input, "batch×1×28×28");
    let any = classifier(lenet(1, 3, 6, None).unwrap(), None);
    let (_, said) = written(&any, OnnxSettings::default()).unwrap();
    assert_eq!((said.input.as_str(), said.output.as_str()), ("batch×1×height×width", "batch×3"));
}

#[test]
fn pooling_to_a_size_needs_to_know_the_image_s() {
    let model = |input_size| classifier(Graph::new("pool", pool([3, 2])).unwrap(), input_size);
    let message = written(&model(None), OnnxSettings::default()).unwrap_err().to_string();
    assert!(message.starts_with("Node pool: ONNX pools to a given size only images whose"), "{message}");
    let kinds = |model: &Model, size| {
        let (file, _) = written(model, OnnxSettings { size, ..OnnxSettings::default() }).unwrap();
        let graph = file.graph.unwrap();
        check_order(&graph);
        graph.node.into_iter().map(|node| node.op_type).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&model(Some([9, 4])), None), ["AveragePool", "Flatten"]);
    assert_eq!(kinds(&model(None), Some([3, 2])), ["Identity", "Flatten"]);
    assert_eq!(kinds(&model(None), Some([5, 4])), ["MatMul", "MatMul", "Flatten"]);
}

#[test]
fn versions_that_lack_something_are_refused_with_the_node() {
    let mut nodes = pool([1, 1]);
    let mode = crate::network::PadMode::Wrap;
    let pad = Op::Pad { before: vec![0, 1, 1], after: vec![0, 1, 1], mode };
    nodes.insert(1, node("pad", pad, &["input"]));
    nodes[2].inputs = vec!["pad".into()];
    let model = classifier(Graph::new("wrap", nodes).unwrap(), None);
    let opset = |opset| written(&model, OnnxSettings { opset, size: None }).map(|(_, said)| said.opset);
    assert_eq!(opset(None).unwrap(), 19);
    assert_eq!(opset(Some(21)).unwrap(), 21);
    let message = opset(Some(18)).unwrap_err().to_string();
    assert_eq!(message, "Node pad: Pad as it is needs version 19 of ONNX's operators, not 18");
    let message = opset(Some(99)).unwrap_err().to_string();
    assert_eq!(message, "Version 99 of ONNX's operators cannot be written; 17 to 22 can");
}

#[test]
fn what_is_cancelled_or_stands_in_the_way_leaves_nothing_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let (watch, monitor) = Monitor::watched();
    watch.cancel();
    let path = dir.path().join("model.onnx");
    let cancelled = write_onnx(&tiny(), &path, OnnxSettings::default(), &monitor);
    assert!(matches!(cancelled, Err(NetworkError::Cancelled(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let own = dir.path().join("tiny.safetensors");
    tiny().save(&own).unwrap();
    let model = Model::load(&own, &Device::Cpu).unwrap();
    let refused = write_onnx(&model, &own, OnnxSettings::default(), &Monitor::silent()).unwrap_err();
    assert!(refused.to_string().starts_with("The model itself stands there"), "{refused}");
    assert!(Model::load(&own, &Device::Cpu).is_ok());
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let spec = UnetSpec {
        in_channels: 2,
        classes: 2,
        base: 2,
        depth: 1,
        batch_norm: false,
        upsample: Some(crate::network::Resample::Bilinear),
    };
    let graph = unet(spec).unwrap();
    let mut card = tiny().card;
    card.channels.push("second".into());
    let weights = Weights::initialised(&graph, 1, &Device::Cpu).unwrap();
    let model = Model::new(graph, weights, card).unwrap();
    let once = written(&model, OnnxSettings::default()).unwrap().0;
    assert_eq!(once, written(&model, OnnxSettings::default()).unwrap().0);
}

/// A narrow network with random weights, for an image smaller than usual where it takes one.
fn narrow(architecture: Architecture) -> (Model, [usize; 3]) {
    let usual = architecture.defaults();
    let of_size = |image: [usize; 2]| {
        let spec = ArchitectureSpec {
            classes: 3,
            width: usual.width.map(|_| 0.06),
            base: usual.base.map(|_| 4),
            image: Some(image),
            ..usual.clone()
        };
        let (graph, input) = (build(&spec).ok()?, [spec.in_channels, image[0], image[1]]);
        graph.shapes(input).is_ok().then_some((graph, input))
    };
    let (graph, input) = of_size([96, 64]).or_else(|| usual.image.and_then(of_size)).unwrap();
    let weights = Weights::initialised(&graph, 5, &Device::Cpu).unwrap();
    let classes = graph.shapes(input).unwrap().pop().unwrap()[0];
    let mut card = tiny().card;
    // An unpadded network answers for fewer pixels than the image has, which no task promises.
    card.task = Task::Any;
    card.input_size = (architecture.task() != Task::Segment).then_some([input[1], input[2]]);
    card.channels = (0..input[0]).map(|i| format!("channel {i}")).collect();
    card.classes = (0..classes).map(|i| ClassInfo { name: format!("{i}"), colour: [0; 3] }).collect();
    (Model::new(graph, weights, card).unwrap(), input)
}

#[test]
fn every_architecture_comes_back_as_a_network_that_computes_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.onnx");
    for architecture in Architecture::ALL {
        let (model, [channels, height, width]) = narrow(architecture);
        write_onnx(&model, &path, OnnxSettings::default(), &Monitor::silent()).unwrap();
        let file = read(&path).unwrap();
        let Answer::Network(back) = lower(&file, &Wish::default(), &Monitor::silent()).unwrap() else {
            panic!("{architecture:?} came back as numbers");
        };
        let values = (0..channels * height * width).map(|i| ((i * 7919) % 1013) as f32 / 500.0 - 1.0);
        let shape = (1, channels, height, width);
        let image = Tensor::from_vec(values.collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap();
        let answer = |graph: &Graph, weights: &Weights| {
            let value = run(graph, weights, &image, Mode::Eval, &mut no_tap, &Monitor::silent()).unwrap();
            value.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let (ours, theirs) = (answer(&model.graph, &model.weights), answer(&back.graph, &back.weights));
        let most = ours.iter().fold(1e-6_f32, |most, value| most.max(value.abs()));
        let off = ours.iter().zip(&theirs).fold(0.0_f32, |off, (a, b)| off.max((a - b).abs()));
        assert!(
            ours.len() == theirs.len() && off <= 1e-5 * most,
            "{architecture:?} is off by {off} of {most}"
        );
    }
}
