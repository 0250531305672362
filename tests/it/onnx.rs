//! ONNX's own test cases: every one gives the numbers that stand beside it, or is refused by the operator's name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use ndarray::ArrayD;
use polepiece::monitor::Monitor;
use polepiece::network::onnx::proto::{ModelProto, TensorProto};
use polepiece::network::onnx::{Answer, OnnxError, OnnxFile, Reading, Wish, array_of, lower, read};
use polepiece::network::{Mode, no_tap, run};
use prost::Message;

use crate::common::{home, shared_data};

/// Set to write the table instead of holding it against the one that is kept.
const WRITE: &str = "POLEPIECE_WRITE_ONNX_TABLE";

/// What became of a case.
#[derive(Debug, PartialEq)]
enum Outcome {
    Matches,
    Refused(String),
    Differs(String),
}

/// A test case: its file, the numbers of its inputs in order, and those that its outputs must be.
struct Case {
    name: String,
    file: OnnxFile,
    operators: Vec<String>,
    inputs: Vec<TensorProto>,
    outputs: Vec<TensorProto>,
}

impl Case {
    fn open(folder: &Path) -> Self {
        let model = folder.join("model.onnx");
        let bytes = std::fs::read(&model).unwrap();
        let graph = ModelProto::decode(bytes.as_slice()).unwrap().graph.unwrap();
        let tensors = |what: &str| {
            let path = |i: usize| folder.join(format!("test_data_set_0/{what}_{i}.pb"));
            let decode = |path: PathBuf| TensorProto::decode(std::fs::read(path).unwrap().as_slice());
            // What is no tensor (an optional value) has no numbers.
            (0..1000).map(path).take_while(|p| p.is_file()).map(|p| decode(p).unwrap_or_default()).collect()
        };
        Self {
            name: folder.file_name().unwrap().to_string_lossy().trim_start_matches("test_").to_owned(),
            file: read(&model).unwrap(),
            operators: graph.node.iter().map(|node| node.op_type.clone()).collect(),
            inputs: tensors("input"),
            outputs: tensors("output"),
        }
    }

    /// All outputs in turn; the worst counts.
    fn outcome(&self) -> Outcome {
        let mut refused = None;
        for (name, expected) in self.file.outputs().into_iter().zip(&self.outputs) {
            match self.output(name, &array_of(expected).unwrap_or_default()) {
                Outcome::Matches => {}
                Outcome::Refused(what) => refused = Some(what),
                differs @ Outcome::Differs(_) => return differs,
            }
        }
        refused.map_or(Outcome::Matches, Outcome::Refused)
    }

    /// With axis 0 as the batch, or else as one sample.
    fn output(&self, name: &str, expected: &ArrayD<f32>) -> Outcome {
        let mut refused = None;
        for reading in [Reading::Batch, Reading::Sample] {
            let bound = self.file.inputs().into_iter().zip(&self.inputs).skip(1);
            let bound: BTreeMap<String, TensorProto> =
                bound.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
            let wish = Wish { output: Some(name), bound, reading, strict: true };
            match lower(&self.file, &wish, &Monitor::silent()) {
                Ok(Answer::Constant(found)) => {
                    return compare(found.shape(), &found.iter().copied().collect::<Vec<_>>(), expected);
                }
                Ok(Answer::Network(network)) => {
                    let input = array_of(&self.inputs[0]).unwrap();
                    let mut shape = input.shape().to_vec();
                    if reading == Reading::Sample {
                        shape.insert(0, 1);
                    }
                    let input =
                        Tensor::from_vec(input.iter().copied().collect(), shape, &Device::Cpu).unwrap();
                    let found = run(
                        &network.graph,
                        &network.weights,
                        &input,
                        Mode::Eval,
                        &mut no_tap,
                        &Monitor::silent(),
                    );
                    return match found {
                        Ok(found) => {
                            let values: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
                            compare(found.dims(), &values, expected)
                        }
                        Err(error) => Outcome::Differs(format!("does not run: {error}")),
                    };
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        let error: OnnxError = refused.unwrap();
        let text = error.to_string();
        assert!(
            self.operators.iter().any(|operator| text.contains(operator.as_str())),
            "{}: {text} names no operator",
            self.name
        );
        Outcome::Refused(text)
    }
}

/// ONNX's tolerances: 10⁻³ of the value and 10⁻⁵.
fn compare(shape: &[usize], found: &[f32], expected: &ArrayD<f32>) -> Outcome {
    // One sample has a batch of one before it.
    let bare = shape == expected.shape() || (shape.first() == Some(&1) && &shape[1..] == expected.shape());
    if !bare {
        return Outcome::Differs(format!("shape {shape:?}, expected {:?}", expected.shape()));
    }
    let wrong = found.iter().zip(expected).find(|(found, expected)| {
        let near = (*found - *expected).abs() <= 1e-5 + 1e-3 * expected.abs();
        !(near || found == expected || (found.is_nan() && expected.is_nan()))
    });
    match wrong {
        Some((found, expected)) => Outcome::Differs(format!("{found}, expected {expected}")),
        None => Outcome::Matches,
    }
}

fn table(outcomes: &[(Case, Outcome)]) -> String {
    let matching = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Matches).count();
    let mut text = format!(
        "# ONNX's own test cases\n\n\
         Written by `{WRITE}=1 cargo test --release --test it onnx::`; the same test holds it against the program.\n\n\
         {matching} of {} cases give the numbers that stand beside them (to 10⁻³ of the value and 10⁻⁵); the others are refused.\n\n\
         | case | operators | outcome |\n|---|---|---|\n",
        outcomes.len()
    );
    for (case, outcome) in outcomes {
        let operators: BTreeSet<&str> = case.operators.iter().map(String::as_str).collect();
        let operators = operators.into_iter().collect::<Vec<_>>().join(", ");
        let outcome = match outcome {
            Outcome::Matches => "matches".to_owned(),
            Outcome::Refused(what) => format!("refused: {what}"),
            Outcome::Differs(what) => format!("DIFFERS: {what}"),
        };
        writeln!(text, "| {} | {operators} | {} |", case.name, outcome.replace('|', "\\|")).unwrap();
    }
    text
}

#[test]
fn onnx_cases_match_or_are_refused_by_name() {
    let Some(data) = shared_data() else { return };
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(data.join("onnx/node")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let outcomes: Vec<(Case, Outcome)> = folders
        .iter()
        .map(|folder| {
            let case = Case::open(folder);
            let outcome = case.outcome();
            (case, outcome)
        })
        .collect();
    let text = table(&outcomes);
    println!("{text}");
    let kept = home().join("tests/ONNX.md");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&kept, &text).unwrap();
    }
    let differing: Vec<&str> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Differs(_)))
        .map(|(case, _)| case.name.as_str())
        .collect();
    assert!(differing.is_empty(), "{} cases differ: {}", differing.len(), differing.join(", "));
    let matching = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Matches).count();
    assert!(matching * 100 >= outcomes.len() * 95, "{matching} of {} match", outcomes.len());
    let same = std::fs::read_to_string(&kept).is_ok_and(|kept| kept == text);
    assert!(same, "{} is out of date; its first lines say how it is written", kept.display());
}

/// The i-th value of the input that the reference script makes.
fn input_value(i: usize) -> f32 {
    (((i * 7919) % 1009) as f64 / 504.5 - 1.0) as f32
}

fn sizes(text: &str) -> Vec<usize> {
    text.split('x').map(|n| n.parse().unwrap()).collect()
}

#[test]
fn networks_that_pytorch_exported_answer_as_in_onnx_runtime_at_two_sizes() {
    let folder = home().join("tests/fixtures/onnx");
    let mut worst = Vec::new();
    for line in std::fs::read_to_string(folder.join("answers.tsv")).unwrap().lines() {
        let [model, answer, x, y] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let file = read(&folder.join(model).with_extension("onnx")).unwrap();
        let network = match lower(&file, &Wish::default(), &Monitor::silent()) {
            Ok(Answer::Network(network)) => network,
            other => {
                worst.push(format!("{model}: {other:?}"));
                continue;
            }
        };
        let shape = sizes(x);
        let values: Vec<f32> = (0..shape.iter().product()).map(input_value).collect();
        let input = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        let found =
            run(&network.graph, &network.weights, &input, Mode::Eval, &mut no_tap, &Monitor::silent());
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                worst.push(format!("{model} of {x}: {error}"));
                continue;
            }
        };
        let bytes = std::fs::read(folder.join(answer).with_extension("f32")).unwrap();
        let expected: Vec<f32> =
            bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
        let shape = found.dims().to_vec();
        let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
        let error = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4);
        if shape != sizes(y) || found.len() != expected.len() || !near {
            worst.push(format!("{model} of {x}: shape {shape:?} (expected {y}), differs by {error}"));
        }
    }
    assert!(worst.is_empty(), "{}", worst.join("\n"));
}
