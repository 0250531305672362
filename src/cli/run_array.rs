//! `polepiece run`: a model on an array, without a micrograph around it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ndarray::ArrayD;
use serde::Serialize;

use crate::analysis::{self, ArrayRun};
use crate::export::{self, ExportError};
use crate::imaging;

use super::args::RunArgs;
use super::context::{load_model, open_device};
use super::terminal::{Finished, Outcome, complain, say, say_json, with_progress};

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    node: &'a str,
    shape: &'a [usize],
}

pub(super) fn run(args: &RunArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let input = imaging::read_array(&args.input)?;
    if !args.normalise {
        complain("the values go in as they are; --normalise prepares them as the model's card says");
    }
    let answer = model.graph.output().map(|node| node.name.clone()).unwrap_or_default();
    let nodes = if args.all.is_some() { None } else { Some(vec![args.node.clone().unwrap_or(answer)]) };
    let array =
        ArrayRun { model: &model, input: &input, normalise: args.normalise, nodes, device: &device.device };
    let mut failed = None;
    let mut keep = |node: &str, value: ArrayD<f32>| {
        let done = write(args, node, &value);
        let goes_on = done.is_ok();
        failed = done.err();
        goes_on
    };
    if let Some(folder) = &args.all {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("The folder cannot be made: {}", folder.display()))?;
    }
    with_progress(&model.card.name, |monitor| analysis::run_array(&array, &mut keep, monitor))
        .with_context(|| args.input.display().to_string())?;
    match failed {
        Some(error) => Err(error),
        None => Ok(Finished::default()),
    }
}

/// Writes one node's value and says so.
fn write(args: &RunArgs, node: &str, value: &ArrayD<f32>) -> anyhow::Result<()> {
    let path = path_of(args, node);
    export::write_array(value, &path).map_err(|error: ExportError| anyhow::Error::new(error))?;
    let file = path.to_string_lossy();
    if args.json {
        return say_json(&Line { file: &file, node, shape: value.shape() });
    }
    let lengths: Vec<String> = value.shape().iter().map(ToString::to_string).collect();
    say(&format!("{file}: {node}, {}", lengths.join("×")));
    Ok(())
}

fn path_of(args: &RunArgs, node: &str) -> PathBuf {
    let folder = args.all.as_deref().unwrap_or(Path::new("."));
    match &args.out {
        Some(file) => file.clone(),
        None => folder.join(format!("{}.npy", export::file_name(node))),
    }
}
