//! `polepiece describe MODEL --profile IMAGE`: time and memory of every node in a run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use crate::analysis::{self, RunSettings};
use crate::inspect::Recorder;
use crate::network::{Graph, Spent};

use super::args::{DeviceArgs, PartArgs};
use super::context::{load_model, open_device, series_of};
use super::terminal::{Finished, Outcome, grouped, say, say_json, table, with_progress};

#[derive(Debug, Args)]
#[command(next_help_heading = "Time and memory")]
pub struct SpentArgs {
    /// Run the model on this image and tell what each node took; nodes computed in one pass have their time at the
    /// first and their memory at the last
    #[arg(long, value_name = "IMAGE", group = "image")]
    pub profile: Option<PathBuf>,
    /// Side of a tile in pixels of that run (default: the whole image where memory allows)
    #[arg(long, value_name = "PX", requires = "profile")]
    pub tile: Option<usize>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// As `--json` prints it.
#[derive(Serialize)]
struct Profiled<'a> {
    model: &'a str,
    image: String,
    device: &'a str,
    tiles: usize,
    /// Of the whole run: reading, normalising and putting the answer together too.
    run_seconds: f64,
    /// Of all nodes.
    node_seconds: f64,
    nodes: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    kind: &'a str,
    seconds: f64,
    /// Of the time of all nodes, from 0 to 1.
    share: f64,
    /// Of its value, in the tile where it was largest; 0 where it never was.
    bytes: u64,
    /// The node in whose pass it was computed.
    within: Option<&'a str>,
    /// Whether anything was computed for it, by itself or in the pass of another.
    computed: bool,
}

/// Profiles a run on one frame.
pub(super) fn run(model: &str, (path, args): (&Path, &SpentArgs), frame: usize, json: bool) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(model, &device, None)?;
    if args.tile == Some(0) {
        bail!("A tile needs at least one pixel: --tile 0");
    }
    let micrograph = series_of(path, &PartArgs::default())?.into_iter().next();
    let micrograph = micrograph.with_context(|| format!("There is no image: {}", path.display()))?;
    if frame >= micrograph.frames() {
        bail!("There is no frame {frame}, only 0 to {}: {}", micrograph.frames() - 1, path.display());
    }
    let settings = RunSettings { frame, tile: args.tile, ..RunSettings::default() };
    let mut recorder = Recorder::nothing();
    let began = Instant::now();
    with_progress(micrograph.name(), |monitor| {
        analysis::run(&model, &micrograph, &settings, &device.device, &mut recorder, monitor)
    })?;
    let run_seconds = began.elapsed().as_secs_f64();
    let spent = recorder.finish().spent;
    let profiled = Profiled {
        model: &model.card.name,
        image: path.display().to_string(),
        device: &device.name,
        tiles: spent.passes,
        run_seconds,
        node_seconds: spent.seconds(),
        nodes: lines(&model.graph, &spent),
    };
    if json {
        say_json(&profiled)?;
    } else {
        print(&profiled);
    }
    Ok(Finished::default())
}

fn lines<'a>(graph: &'a Graph, spent: &Spent) -> Vec<Line<'a>> {
    let all = spent.seconds().max(f64::MIN_POSITIVE);
    let nodes = graph.nodes();
    let line = |(place, of)| {
        let of: &crate::network::NodeSpent = of;
        let node: &crate::network::Node = &nodes[place];
        Line {
            name: &node.name,
            kind: node.op.kind(),
            seconds: of.seconds,
            share: of.seconds / all,
            bytes: of.bytes,
            within: of.within.and_then(|first| nodes.get(first)).map(|node| node.name.as_str()),
            computed: spent.is_computed(place),
        }
    };
    spent.nodes.iter().enumerate().take(nodes.len()).map(line).collect()
}

fn print(profiled: &Profiled) {
    let heading = ["node", "kind", "ms", "share", "bytes", "computed"].map(str::to_owned).to_vec();
    let row = |line: &Line| {
        let words = match line.within {
            Some(first) => format!("with {first}"),
            None if line.computed => String::new(),
            None => "not by itself".to_owned(),
        };
        let took = line.within.is_none() && line.computed;
        vec![
            line.name.to_owned(),
            line.kind.to_owned(),
            if took { format!("{:.2}", line.seconds * 1e3) } else { "–".to_owned() },
            if took { format!("{:.1} %", line.share * 100.0) } else { "–".to_owned() },
            if line.bytes > 0 { grouped(line.bytes) } else { "–".to_owned() },
            words,
        ]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(profiled.nodes.iter().map(row)).collect();
    say(&table(&rows));
    let tiles =
        if profiled.tiles == 1 { "in one piece".to_owned() } else { format!("in {} tiles", profiled.tiles) };
    say(&format!(
        "{} on {} {tiles}, on {}: the nodes took {:.3} s of the run's {:.3} s ({:.0} %); the rest is reading, \
         normalising and putting the answer together",
        profiled.model,
        profiled.image,
        profiled.device,
        profiled.node_seconds,
        profiled.run_seconds,
        profiled.node_seconds / profiled.run_seconds.max(f64::MIN_POSITIVE) * 100.0
    ));
}
