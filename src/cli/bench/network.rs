//! `polepiece bench network`: any model, run on numbers made up.

use anyhow::bail;
use candle_core::Tensor;
use serde::Serialize;

use crate::cli::context::{load_model, open_device};
use crate::cli::terminal::{Finished, Outcome, say, say_json, with_progress};
use crate::network::{self, Graph, Model, ModelCard, no_tap};

use super::args::NetworkArgs;
use super::timing::{Times, noise};

#[derive(Serialize)]
struct Report {
    model: String,
    input: Vec<usize>,
    median_ms: f64,
    min_ms: f64,
    runs: usize,
    /// 10^9 operations a second by the median, a multiply-add being two.
    gflops: f64,
    multiply_adds: u64,
    device: String,
    threads: usize,
}

pub(super) fn run(args: &NetworkArgs) -> Outcome {
    let device = open_device(&args.how.on(args.device))?;
    let model = load_model(&args.model, &device, None)?;
    let Some(image) = args.input.or_else(|| size_of(&model.graph, &model.card)) else {
        bail!("{} takes arrays that are no images; only images can be made up", model.card.name);
    };
    let nodes = network::describe(&model.graph, image)?;
    let multiply_adds: u64 = nodes.iter().map(|node| node.multiply_adds).sum();
    let input = noise(&[1, image[0], image[1], image[2]], &device.device)?;
    let times = with_progress(&model.card.name, |monitor| time(&model, &input, args.how.runs, monitor))?;
    let report = Report {
        input: input.dims().to_vec(),
        median_ms: times.median_ms(),
        min_ms: times.min_ms(),
        runs: args.how.runs,
        gflops: 2.0 * multiply_adds as f64 / (times.median_ms() * 1e6),
        multiply_adds,
        device: device.name,
        threads: rayon::current_num_threads(),
        model: model.card.name,
    };
    if args.how.json {
        say_json(&report)?;
    } else {
        let Report { model, median_ms, min_ms, runs, gflops, device, .. } = &report;
        let [channels, height, width] = image;
        say(&format!("{model}: {channels}×{height}×{width}"));
        say(&format!(
            "median {median_ms:.1} ms, least {min_ms:.1} ms of {runs} runs, {gflops:.0} GFLOP/s, {device}"
        ));
    }
    Ok(Finished::default())
}

/// As the window and `segment` run a network of which no feature maps are wanted.
fn time(
    model: &Model,
    input: &Tensor,
    runs: usize,
    monitor: &crate::monitor::Monitor,
) -> anyhow::Result<Times> {
    let network = model.prepared();
    Times::of(runs, input.device(), |run| {
        network.run(input, &|_, _| false, &mut no_tap, &monitor.part(run, runs + 1))?;
        Ok(())
    })
}

/// The card's size, else 224 pixels in either direction; `None` where the network takes no image.
fn size_of(graph: &Graph, card: &ModelCard) -> Option<[usize; 3]> {
    let stride = network::total_stride(graph);
    let [height, width] = card.input_size.unwrap_or(stride.map(|stride| 224_usize.next_multiple_of(stride)));
    graph.input_array().is_none().then_some([graph.input_channels(), height, width])
}
