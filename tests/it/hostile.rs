//! Model files made to harm: one message and exit code 2, no memory that they claim, no other file touched.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use polepiece::network::onnx::proto::{
    DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};
use prost::Message as _;

use crate::common::{Ran, polepiece, run_in, write_segmenter};

/// Memory that a process may ask for where the system can hold it to that, in KiB.
const MOST_KIB: u32 = 4_000_000;

/// Imports `model.NAME` in a folder of its own.
fn import(dir: &Path, name: &str, more: &[&str]) -> Ran {
    let args = [&["import", name, "--out", "out.safetensors"], more].concat();
    if !cfg!(target_os = "linux") {
        return run_in(dir, &args);
    }
    let program = polepiece(&args);
    let mut limited = std::process::Command::new("sh");
    let script = format!("ulimit -v {MOST_KIB}; exec \"$0\" \"$@\"");
    limited.arg("-c").arg(script).arg(program.get_program()).args(program.get_args());
    limited.env("POLEPIECE_HOME", dir).env_remove("DISPLAY").current_dir(dir).output().unwrap().into()
}

/// The file is refused, in one line that names it and says so, and nothing else is there afterwards.
fn check_refused(name: &str, bytes: &[u8], more: &[&str], says: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), bytes).unwrap();
    let ran = import(dir.path(), name, more);
    assert_eq!(ran.code, 2, "{says}: {}", ran.err);
    assert!(ran.err.contains(says) && ran.err.contains(name), "{says}: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert_eq!(fs::read(dir.path().join(name)).unwrap(), bytes, "the input is untouched");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is there");
}

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&n: &i64| DimensionProto { dim_value: Some(n), dim_param: None };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) };
    let r#type = Some(TypeProto { tensor_type: Some(tensor) });
    ValueInfoProto { name: name.into(), r#type, ..ValueInfoProto::default() }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|&input| input.into()).collect(),
        output: vec![output.into()],
        name: output.into(),
        op_type: op.into(),
        ..NodeProto::default()
    }
}

/// A file that adds `w` to the image.
fn adding(weight: TensorProto, nodes: Vec<NodeProto>) -> Vec<u8> {
    let graph = GraphProto {
        node: nodes,
        name: "hostile".into(),
        initializer: vec![weight],
        input: vec![value("x", &[1, 1, 8, 8])],
        output: vec![value("y", &[1, 1, 8, 8])],
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    ModelProto { ir_version: 8, graph: Some(graph), opset_import, ..ModelProto::default() }.encode_to_vec()
}

fn add() -> Vec<NodeProto> {
    vec![node("Add", &["x", "w"], "y")]
}

fn weight(dims: &[i64]) -> TensorProto {
    TensorProto { name: "w".into(), data_type: data_type::FLOAT, dims: dims.into(), ..TensorProto::default() }
}

#[test]
fn onnx_files_cut_anywhere_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    assert_eq!(run_in(dir.path(), &["export", "net.safetensors", "--onnx", "net.onnx"]).code, 0);
    let whole = fs::read(dir.path().join("net.onnx")).unwrap();
    for cut in (0..whole.len() - 1).step_by(whole.len() / 9) {
        check_refused("cut.onnx", &whole[..cut], &[], "");
    }
    check_refused("text.onnx", b"This is a letter, not a network.", &[], "");
}

#[test]
fn numbers_that_are_not_there_take_no_memory() {
    let raw = Some(vec![0_u8; 16].into());
    for dims in
        [&[1_i64 << 60][..], &[1 << 31, 1 << 31], &[i64::MAX, i64::MAX], &[-4], &[1, 1, 1 << 20, 1 << 20]]
    {
        check_refused(
            "vast.onnx",
            &adding(TensorProto { raw_data: raw.clone(), ..weight(dims) }, add()),
            &[],
            "w",
        );
    }
    // No numbers at all for many.
    check_refused("empty.onnx", &adding(weight(&[1 << 40]), add()), &[], "w");
}

#[test]
fn weights_in_other_files_stay_inside_of_the_model_s_folder() {
    let outside = |location: &str, offset: &str, length: &str| {
        let entry = |key: &str, value: &str| StringStringEntryProto { key: key.into(), value: value.into() };
        let external_data =
            vec![entry("location", location), entry("offset", offset), entry("length", length)];
        adding(TensorProto { external_data, data_location: 1, ..weight(&[1, 1, 1, 1]) }, add())
    };
    check_refused("up.onnx", &outside("../secret.bin", "0", "4"), &[], "leads out of the model's folder");
    for location in ["/etc/passwd", "a/../../secret.bin", "/dev/zero", "missing.bin", ""] {
        check_refused("outside.onnx", &outside(location, "0", "4"), &[], "");
    }
    // The file itself is as good as any, but not beyond its end.
    check_refused("itself.onnx", &outside("itself.onnx", "1152921504606846976", "4"), &[], "");
    check_refused("itself.onnx", &outside("itself.onnx", "-1", "4"), &[], "");
}

#[test]
fn cycles_and_unknown_operators_are_named() {
    let cycle = vec![node("Add", &["x", "b"], "a"), node("Add", &["a", "w"], "b"), node("Relu", &["b"], "y")];
    let number = TensorProto { raw_data: Some(vec![0_u8; 4].into()), ..weight(&[1, 1, 1, 1]) };
    check_refused("cycle.onnx", &adding(number.clone(), cycle), &[], "cycle");
    let unknown = vec![node("Summon", &["x", "w"], "a"), node("Banish", &["a"], "y")];
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("unknown.onnx"), adding(number, unknown)).unwrap();
    let ran = import(dir.path(), "unknown.onnx", &[]);
    assert!(ran.code == 2 && ran.err.contains("Summon") && ran.err.contains("Banish"), "{}", ran.err);
}

#[test]
fn pickles_that_call_code_call_none() {
    let call = |text: &str| {
        let text = [&[b'X'][..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        [b"\x80\x02cposix\nsystem\n".as_slice(), &text, b"\x85R."].concat()
    };
    let archive = |pickle: &[u8]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in [("net/data.pkl", pickle), ("net/version", b"3\n"), ("../net/data/0", b"1234")] {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    // The folder is looked at after each: "touched" would be there.
    let (pickle, arch) = (call("touch touched"), ["--arch", "lenet"]);
    check_refused("net.pt", &archive(&pickle), &arch, "posix.system");
    check_refused("net.pth", &pickle, &arch, "net.pth");
    for cut in (0..200).step_by(23) {
        check_refused("cut.pt", &archive(&pickle)[..cut], &arch, "cut.pt");
    }
}

#[test]
fn safetensors_of_others_that_lie_are_refused() {
    let file =
        |header: &str| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 16]].concat();
    let arch = ["--arch", "lenet"];
    let vast =
        r#"{"w":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4611686018427387904]}}"#;
    for header in [vast, "{", "[]", r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[8,4]}}"#] {
        check_refused("weights.safetensors", &file(header), &arch, "weights.safetensors");
    }
    let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    check_refused("weights.safetensors", &long, &arch, "weights.safetensors");
}
