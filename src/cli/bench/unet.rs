//! `polepiece bench unet`: a whole U-Net, run or trained for a step.

use std::collections::BTreeMap;

use anyhow::bail;
use candle_core::{Device, Tensor, Var};
use serde::Serialize;

use crate::cli::context::open_device;
use crate::cli::terminal::{Finished, Outcome, say, say_json, with_progress};
use crate::compute;
use crate::monitor::Monitor;
use crate::network::architectures::{UnetSpec, unet};
use crate::network::{self, Graph, Mode, PreparedNetwork, TrainState, Weights, no_tap};

use super::args::UnetArgs;
use super::timing::{Times, noise, peak_rss_mb};

#[derive(Serialize)]
struct Report {
    median_ms: f64,
    min_ms: f64,
    runs: usize,
    /// Null where the system does not say.
    peak_rss_mb: Option<f64>,
    /// 10^9 operations a second by the median, a multiply-add being two; a training step is counted as three runs.
    gflops: f64,
    device: String,
    base: usize,
    depth: usize,
    size: usize,
    in_channels: usize,
    classes: usize,
    train: bool,
    batch: usize,
    threads: usize,
}

pub(super) fn run(args: &UnetArgs) -> Outcome {
    let &UnetArgs { base, depth, size, in_channels, classes, train, .. } = args;
    let batch = if train { args.batch } else { 1 };
    let device = open_device(&args.how.on(args.device))?;
    let graph = unet(UnetSpec { in_channels, classes, base, depth, batch_norm: false, upsample: None })?;
    let image = [in_channels, size, size];
    check(args, &graph, batch)?;
    check_memory(&graph, image, train.then_some(batch), &device.device)?;
    let weights = Weights::initialised(&graph, 0, &device.device)?;
    let input = noise(&[batch, in_channels, size, size], &device.device)?;
    let job = Job { graph, weights, input };
    let times = with_progress("U-Net", |monitor| {
        if train { job.training(args.how.runs, monitor) } else { job.inference(args.how.runs, monitor) }
    })?;
    let multiply_adds: u64 = network::describe(&job.graph, image)?.iter().map(|n| n.multiply_adds).sum();
    let operations = 2.0 * multiply_adds as f64 * batch as f64 * if train { 3.0 } else { 1.0 };
    let report = Report {
        median_ms: times.median_ms(),
        min_ms: times.min_ms(),
        runs: args.how.runs,
        peak_rss_mb: peak_rss_mb(),
        gflops: operations / (times.median_ms() * 1e6),
        device: device.name,
        base,
        depth,
        size,
        in_channels,
        classes,
        train,
        batch,
        threads: rayon::current_num_threads(),
    };
    if args.how.json {
        say_json(&report)?;
    } else {
        print(&report);
    }
    Ok(Finished::default())
}

fn print(report: &Report) {
    let Report { base, depth, in_channels, classes, batch, size, .. } = report;
    let what = if report.train { "a training step" } else { "a run" };
    say(&format!(
        "U-Net of base {base}, depth {depth}, {classes} classes: {what} on {batch}×{in_channels}×{size}×{size}"
    ));
    let Report { median_ms, min_ms, runs, gflops, device, .. } = report;
    say(&format!(
        "median {median_ms:.1} ms, least {min_ms:.1} ms of {runs} runs, {gflops:.0} GFLOP/s, {device}"
    ));
    if let Some(peak) = report.peak_rss_mb {
        say(&format!("at most {peak:.0} MB of memory"));
    }
}

fn check(args: &UnetArgs, graph: &Graph, batch: usize) -> anyhow::Result<()> {
    let stride = network::total_stride(graph)[0];
    if args.size == 0 || !args.size.is_multiple_of(stride) {
        bail!(
            "A U-Net of depth {} takes sizes that are multiples of {stride}: --size {}",
            args.depth,
            args.size
        );
    }
    if batch == 0 {
        bail!("A training step takes at least one image: --batch 0");
    }
    Ok(())
}

/// Refuses what would not fit into memory, with the forecast. Training keeps every value, and its gradient beside it.
fn check_memory(
    graph: &Graph,
    image: [usize; 3],
    batch: Option<usize>,
    device: &Device,
) -> anyhow::Result<()> {
    let forecast = network::forecast(graph, image)?;
    let bytes = match batch {
        None => forecast.peak_bytes,
        Some(batch) => {
            let values =
                network::describe(graph, image)?.iter().map(|node| node.activation_bytes).sum::<u64>();
            values.saturating_mul(2 * batch as u64).saturating_add(2 * forecast.weight_bytes)
        }
    };
    match compute::available_memory() {
        Some(free) if device.is_cpu() && bytes > free => bail!(
            "It would take about {:.1} GB of memory, and {:.1} GB are free",
            bytes as f64 / 1e9,
            free as f64 / 1e9
        ),
        _ => Ok(()),
    }
}

/// What is timed.
struct Job {
    graph: Graph,
    weights: Weights,
    input: Tensor,
}

impl Job {
    /// As the window and `segment` run a network of which no feature maps are wanted.
    fn inference(&self, runs: usize, monitor: &Monitor) -> anyhow::Result<Times> {
        let network = PreparedNetwork::new(&self.graph, &self.weights);
        Times::of(runs, self.input.device(), |run| {
            network.run(&self.input, &|_, _| false, &mut no_tap, &monitor.part(run, runs + 1))?;
            Ok(())
        })
    }

    /// Forward, the mean of the logits' squares, and the gradients of all weights; no step of an optimiser.
    fn training(&self, runs: usize, monitor: &Monitor) -> anyhow::Result<Times> {
        let vars =
            self.weights.tensors.iter().map(|(name, weight)| Ok((name.clone(), Var::from_tensor(weight)?)));
        let vars: BTreeMap<String, Var> = vars.collect::<candle_core::Result<_>>()?;
        let tensors = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        let (weights, mut state) = (Weights { tensors }, TrainState::new(0));
        Times::of(runs, self.input.device(), |run| {
            monitor.progress(run, runs + 1)?;
            let mode = Mode::Train(&mut state);
            let (logits, tape) = compute::recording(|| {
                network::run(&self.graph, &weights, &self.input, mode, &mut no_tap, monitor)
            });
            let recorded = tape.to(logits?)?;
            let loss = recorded.output().sqr()?.mean_all()?;
            let gradients = recorded.gradients(&loss)?;
            if let Some(name) =
                vars.iter().find(|(_, var)| gradients.get(var).is_none()).map(|(name, _)| name)
            {
                bail!("{name} has no gradient");
            }
            Ok(())
        })
    }
}
