//! `polepiece export`: a model for other programs.

use candle_core::Device;
use serde::Serialize;

use crate::network::{self, Model, OnnxSettings};

use super::args::ExportArgs;
use super::terminal::{Finished, Outcome, say, say_json, with_progress};

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    opset: i64,
    input: &'a str,
    output: &'a str,
}

pub(super) fn run(args: &ExportArgs) -> Outcome {
    let path = network::find_model(&args.model)?;
    let model = Model::load(&path, &Device::Cpu)?;
    let settings = OnnxSettings { opset: args.opset, size: args.size };
    let written = with_progress(&model.card.name, |monitor| {
        network::write_onnx(&model, &args.onnx, settings, monitor)
    })?;
    let (file, opset) = (args.onnx.to_string_lossy(), written.opset);
    let (input, output) = (written.input.as_str(), written.output.as_str());
    if args.json {
        say_json(&Line { file: &file, opset, input, output })?;
    } else {
        say(&format!("{file}: opset {opset}, {input} to {output}"));
    }
    Ok(Finished::default())
}
