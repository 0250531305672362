//! Files made by hand: what is refused, and what becomes of small networks.

use super::proto::{
    AttributeProto, DimensionProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};
use super::{Answer, ImportOptions, Lowered, OnnxError, Wish, from_bytes, import, lower};
use crate::monitor::Monitor;
use crate::network::{Function, Mode, Op, Task, no_tap, run};
use candle_core::{Device, Tensor};
use prost::Message;
use prost::bytes::Bytes;

fn node(op: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto {
        op_type: op.into(),
        name: name.into(),
        input: list(inputs),
        output: list(outputs),
        ..Default::default()
    }
}

fn with(mut node: NodeProto, name: &str, value: i64) -> NodeProto {
    node.attribute.push(AttributeProto { name: name.into(), i: value, r#type: 2, ..Default::default() });
    node
}

fn with_ints(mut node: NodeProto, name: &str, values: &[i64]) -> NodeProto {
    let ints = values.to_vec();
    node.attribute.push(AttributeProto { name: name.into(), ints, r#type: 7, ..Default::default() });
    node
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: data_type::FLOAT,
        float_data: values.to_vec(),
        ..Default::default()
    }
}

fn ints(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: data_type::INT64,
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

/// A value of these sizes; 0 is any.
fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&n: &i64| DimensionProto { dim_value: (n > 0).then_some(n), dim_param: None };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }), ..Default::default() }
}

/// From the image "x" of these sizes to "y".
fn model(dims: &[i64], nodes: Vec<NodeProto>, numbers: Vec<TensorProto>, opset: i64) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        initializer: numbers,
        input: vec![value("x", dims)],
        output: vec![value("y", &[])],
        ..Default::default()
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: opset };
    ModelProto { ir_version: 8, graph: Some(graph), opset_import: vec![opset], ..Default::default() }
}

fn lowered(model: &ModelProto) -> Result<Lowered, OnnxError> {
    match lower(&from_bytes(model.encode_to_vec())?, &Wish::default(), &Monitor::silent())? {
        Answer::Network(network) => Ok(*network),
        Answer::Constant(values) => Err(OnnxError::File(format!("constant {values}"))),
    }
}

fn refuse(model: &ModelProto, expected: &str) {
    let message = lowered(model).unwrap_err().to_string();
    assert!(message.contains(expected), "{message:?} does not say {expected:?}");
}

fn answer(network: &Lowered, shape: &[usize], values: &[f32]) -> (Vec<usize>, Vec<f32>) {
    let input = Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
    let monitor = Monitor::silent();
    let found = run(&network.graph, &network.weights, &input, Mode::Eval, &mut no_tap, &monitor).unwrap();
    (found.dims().to_vec(), found.flatten_all().unwrap().to_vec1().unwrap())
}

const IMAGE: [i64; 4] = [0, 1, 0, 0];

#[test]
fn every_operator_that_there_is_no_way_for_is_named_with_its_nodes() {
    let nodes = vec![
        node("GridSample", "warp1", &["x"], &["a"]),
        node("Relu", "relu", &["a"], &["b"]),
        node("GridSample", "warp2", &["b"], &["c"]),
        node("LSTM", "rnn", &["c"], &["y"]),
        node("Einsum", "elsewhere", &["x"], &["unread"]),
    ];
    let message = lowered(&model(&IMAGE, nodes, vec![], 17)).unwrap_err().to_string();
    assert_eq!(message, "No way to run GridSample (warp1, warp2); LSTM (rnn)");
}

#[test]
fn graphs_that_are_none_are_refused() {
    let cyclic = vec![
        node("Add", "a", &["x", "c"], &["b"]),
        node("Relu", "r", &["b"], &["c"]),
        node("Relu", "s", &["c"], &["y"]),
    ];
    refuse(&model(&IMAGE, cyclic, vec![], 17), "The nodes form a cycle: ");
    let twice = vec![node("Relu", "a", &["x"], &["y"]), node("Relu", "b", &["x"], &["y"])];
    refuse(&model(&IMAGE, twice, vec![], 17), "Two nodes make y");
    refuse(
        &model(&IMAGE, vec![node("Add", "a", &["x", "w"], &["y"])], vec![], 17),
        "reads w, which nothing makes",
    );
    refuse(&model(&IMAGE, vec![node("Relu", "a", &["x"], &["z"])], vec![], 17), "Nothing makes the output y");
    refuse(&model(&IMAGE, vec![node("Relu", "a", &["x"], &["y"])], vec![], 6), "operator set 6");
    let mut two = model(&IMAGE, vec![node("Add", "a", &["x", "z"], &["y"])], vec![], 17);
    two.graph.as_mut().unwrap().input.push(value("z", &IMAGE));
    refuse(&two, "several inputs, z beside x");
    let strange = model(&[0, 0, 0, 0], vec![node("Relu", "a", &["x"], &["y"])], vec![], 17);
    refuse(&strange, "does not say how many channels");
}

#[test]
fn lying_numbers_are_refused_without_taking_the_memory_they_claim() {
    let conv = || vec![node("Conv", "c", &["x", "w"], &["y"])];
    let huge = TensorProto {
        dims: vec![1 << 30, 1 << 30],
        raw_data: Some(Bytes::from_static(&[0; 8])),
        ..floats("w", &[], &[])
    };
    refuse(&model(&IMAGE, conv(), vec![huge], 17), "must have 4611686018427387904 bytes, the file has 8");
    let vast = floats("w", &[1 << 40, 1 << 40], &[1.0]);
    refuse(&model(&IMAGE, conv(), vec![vast], 17), "impossible shape");
    refuse(&model(&IMAGE, conv(), vec![floats("w", &[-1], &[])], 17), "impossible shape");
    refuse(
        &model(&IMAGE, conv(), vec![floats("w", &[1, 1, 3, 3], &[1.0])], 17),
        "must have 9 numbers, the file has 1",
    );
    let outside = TensorProto { data_location: 1, ..floats("w", &[1], &[]) };
    refuse(&model(&IMAGE, conv(), vec![outside], 17), "stand in another file");
    let fill = vec![node("ConstantOfShape", "f", &["s"], &["c"]), node("Add", "a", &["x", "c"], &["y"])];
    refuse(&model(&IMAGE, fill, vec![ints("s", &[1 << 40])], 17), "Node f (ConstantOfShape): it would make");
    let steps = vec![node("Range", "r", &["a", "b", "c"], &["d"]), node("Add", "a", &["x", "d"], &["y"])];
    let numbers = vec![ints("a", &[0]), ints("b", &[1 << 60]), ints("c", &[1])];
    refuse(&model(&IMAGE, steps, numbers, 17), "it would make 1152921504606847000 numbers");
    let repeated = vec![node("Tile", "t", &["s", "s"], &["c"]), node("Add", "a", &["x", "c"], &["y"])];
    refuse(&model(&IMAGE, repeated, vec![ints("s", &[1 << 50])], 17), "it would make an array");
}

#[test]
fn files_of_countless_parts_and_cut_files_are_refused() {
    // A field of two bytes each: two million empty nodes.
    let graph = [0x0a, 0].repeat(2_000_000);
    let mut bytes = vec![0x3a];
    prost::encode_length_delimiter(graph.len(), &mut bytes).unwrap();
    bytes.extend(graph);
    let message = from_bytes(bytes).err().unwrap().to_string();
    assert!(message.contains("more than 1048576 parts"), "{message}");
    let conv = with_ints(node("Conv", "c", &["x", "w"], &["y"]), "kernel_shape", &[1, 1]);
    let whole = model(&IMAGE, vec![conv], vec![floats("w", &[2, 1, 1, 1], &[1.0, 2.0])], 17).encode_to_vec();
    for length in 0..whole.len() {
        // Cut between two fields it may still be a file; it is never a network.
        if let Ok(file) = from_bytes(whole[..length].to_vec()) {
            assert!(lower(&file, &Wish::default(), &Monitor::silent()).is_err(), "{length}");
        }
    }
    for text in [&b""[..], b"text", b"\x08", &[0xff; 64]] {
        assert!(from_bytes(text.to_vec()).is_err());
    }
}

#[test]
fn functions_of_the_file_are_written_out_and_those_without_end_refused() {
    let call = |name: &str| NodeProto { domain: "own".into(), ..node("Twice", name, &["x"], &["y"]) };
    let function = |nodes: Vec<NodeProto>| FunctionProto {
        name: "Twice".into(),
        domain: "own".into(),
        input: vec!["in".into()],
        output: vec!["out".into()],
        node: nodes,
        ..Default::default()
    };
    let mut file = model(&IMAGE, vec![call("f")], vec![], 17);
    file.functions =
        vec![function(vec![node("Add", "a", &["in", "in"], &["mid"]), node("Neg", "n", &["mid"], &["out"])])];
    let network = lowered(&file).unwrap();
    assert_eq!(answer(&network, &[1, 1, 1, 2], &[1.0, -3.0]), (vec![1, 1, 1, 2], vec![-2.0, 6.0]));
    let itself = NodeProto { domain: "own".into(), ..node("Twice", "again", &["in"], &["out"]) };
    file.functions = vec![function(vec![itself])];
    refuse(&file, "is called too deep");
}

#[test]
fn softmax_of_old_is_over_all_that_follows_the_axis() {
    // exp(ln 1 … ln 4) / 10, the four values together; from opset 13 on along the last axis alone: 1/3, 2/3, 3/7, 4/7.
    let x = [1.0_f32, 2.0, 3.0, 4.0].map(f32::ln);
    let found = |opset: i64| {
        let file = model(&[0, 1, 2, 2], vec![node("Softmax", "s", &["x"], &["y"])], vec![], opset);
        answer(&lowered(&file).unwrap(), &[1, 1, 2, 2], &x).1
    };
    let near = |found: Vec<f32>, expected: [f32; 4]| {
        assert!(
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{found:?} is not {expected:?}"
        );
    };
    near(found(11), [0.1, 0.2, 0.3, 0.4]);
    near(found(13), [1.0 / 3.0, 2.0 / 3.0, 3.0 / 7.0, 4.0 / 7.0]);
}

#[test]
fn a_bias_of_its_own_node_joins_its_layer_and_a_swish_is_one() {
    let nodes = vec![
        node("Conv", "/enc/conv/Conv", &["x", "enc.conv.weight"], &["a"]),
        node("Add", "/enc/conv/Add", &["a", "b"], &["c"]),
        node("Sigmoid", "/enc/Sigmoid", &["c"], &["d"]),
        node("Mul", "/enc/Mul", &["c", "d"], &["y"]),
    ];
    let numbers =
        vec![floats("enc.conv.weight", &[2, 1, 1, 1], &[1.0, 2.0]), floats("b", &[1, 2, 1, 1], &[0.5, 0.25])];
    let network = lowered(&model(&IMAGE, nodes, numbers, 17)).unwrap();
    let ops: Vec<&str> = network.graph.nodes().iter().map(|node| node.op.kind()).collect();
    assert_eq!(ops, ["Input", "Conv2d", "SiLU"]);
    let names: Vec<&str> = network.weights.tensors.keys().map(String::as_str).collect();
    assert_eq!(names, ["enc.conv.bias", "enc.conv.weight"]);
}

#[test]
fn shapes_of_any_image_are_followed() {
    // Shape → Slice → Concat → Resize: as large as the image; Reshape to [batch, 2, −1] and back.
    let nodes = vec![
        with_ints(node("MaxPool", "pool", &["x"], &["p"]), "kernel_shape", &[2, 2]),
        node("Shape", "s", &["x"], &["shape"]),
        node("Slice", "yx", &["shape", "two", "four"], &["size"]),
        node("Concat", "all", &["front", "size"], &["sizes"]),
        node("Resize", "up", &["p", "", "", "sizes"], &["u"]),
        node("Reshape", "r", &["u", "flat"], &["f"]),
        node("Reshape", "back", &["f", "shape"], &["y"]),
    ];
    let mut nodes = nodes;
    nodes[0] = with_ints(nodes[0].clone(), "strides", &[2, 2]);
    nodes[3] = with(nodes[3].clone(), "axis", 0);
    let numbers =
        vec![ints("two", &[2]), ints("four", &[4]), ints("front", &[1, 1]), ints("flat", &[1, 1, -1])];
    let network = lowered(&model(&IMAGE, nodes, numbers, 17)).unwrap();
    let (shape, values) = answer(&network, &[1, 1, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!((shape, values), (vec![1, 1, 2, 3], vec![5.0; 6]));
}

#[test]
fn relu6_is_a_clip_and_dropout_and_identity_are_nothing() {
    let nodes = vec![
        node("Dropout", "d", &["x"], &["a"]),
        node("Identity", "i", &["a"], &["b"]),
        node("Clip", "c", &["b", "low", "high"], &["y"]),
    ];
    let numbers = vec![floats("low", &[], &[0.0]), floats("high", &[], &[6.0])];
    let network = lowered(&model(&IMAGE, nodes, numbers, 13)).unwrap();
    let function = Function::Clip { min: Some(0.0), max: Some(6.0) };
    assert_eq!(network.graph.nodes()[1].op, Op::Map { function });
    assert_eq!(network.graph.nodes().len(), 2);
}

#[test]
fn one_answer_of_yes_or_no_becomes_two_classes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pores.onnx");
    let nodes = vec![node("Conv", "head", &["x", "w", "b"], &["z"]), node("Sigmoid", "s", &["z"], &["y"])];
    let numbers = vec![floats("w", &[1, 1, 1, 1], &[3.0]), floats("b", &[1], &[-1.0])];
    std::fs::write(&path, model(&IMAGE, nodes, numbers, 17).encode_to_vec()).unwrap();
    let options = ImportOptions { classes: Some(vec!["pore".into()]), ..ImportOptions::default() };
    let imported = import(&path, &options, &Monitor::silent()).unwrap();
    let card = &imported.model.card;
    let names: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!((card.task, names), (Task::Segment, vec!["not pore", "pore"]));
    assert_eq!((card.licence.as_str(), card.pixel_size_nm, card.training_data.len()), ("unknown", None, 0));
    let said = imported.notes.join("; ");
    assert!(said.contains("Sigmoid, is taken off") && said.contains("the logits 0 and z"), "{said}");
    assert!(said.contains("does not say how images are normalised"), "{said}");
    let input = Tensor::new(&[[[[2.0_f32, 0.0]]]], &Device::Cpu).unwrap();
    let (graph, weights) = (&imported.model.graph, &imported.model.weights);
    let found = run(graph, weights, &input, Mode::Eval, &mut no_tap, &Monitor::silent()).unwrap();
    assert_eq!(found.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.0, 0.0, 5.0, -1.0]);
}

#[test]
fn what_nobody_can_know_is_a_network_of_any_kind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("denoise.onnx");
    let nodes = vec![with_ints(node("Conv", "c", &["x", "w"], &["y"]), "pads", &[1, 1, 1, 1])];
    let numbers = vec![floats("w", &[1, 1, 3, 3], &[0.1; 9])];
    std::fs::write(&path, model(&IMAGE, nodes, numbers, 17).encode_to_vec()).unwrap();
    let imported = import(&path, &ImportOptions::default(), &Monitor::silent()).unwrap();
    assert_eq!((imported.model.card.task, imported.model.card.classes.len()), (Task::Any, 0));
    let saved = dir.path().join("denoise.safetensors");
    imported.model.save(&saved).unwrap();
    let loaded = crate::network::Model::load(&saved, &Device::Cpu).unwrap();
    assert_eq!((loaded.graph, loaded.card), (imported.model.graph, imported.model.card));
    let options = ImportOptions { output: Some("z".into()), ..ImportOptions::default() };
    let message = import(&path, &options, &Monitor::silent()).unwrap_err().to_string();
    assert_eq!(message, format!("There is no output z, only y: {}", path.display()));
}
