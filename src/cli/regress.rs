//! `polepiece regress`: numbers of every pixel, or of whole micrographs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::analysis::{self, OutputStatistics, Prediction, Regression};
use crate::export::{self, RegressionJob};
use crate::inspect::Recorder;
use crate::network::Task;

use super::args::RegressArgs;
use super::context::{for_each_frame, load_model, open_device, refuse_to_overwrite};
use super::terminal::{Finished, Outcome, say, say_json, with_progress};

/// One finished frame, as `--json` prints it.
#[derive(Serialize)]
struct Done<'a> {
    path: String,
    series: usize,
    frame: usize,
    model: &'a str,
    device: &'a str,
    seconds: f64,
    units: Option<&'a str>,
    outputs: Vec<Output<'a>>,
    files: Vec<String>,
}

/// An output over the specimen; an image's own number is its mean.
#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    #[serde(flatten)]
    statistics: &'a OutputStatistics,
}

pub(super) fn run(args: &RegressArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, Some(Task::Regress))?;
    let mut writers = HashMap::new();
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        refuse_to_overwrite(&mut writers, micrograph, settings)?;
        let started = Instant::now();
        let prediction = with_progress(label, |monitor| {
            analysis::run(&model, micrograph, settings, &device.device, &mut Recorder::nothing(), monitor)
        })?;
        let Prediction::Regression(regression) = prediction else {
            anyhow::bail!("{} gives no numbers", model.card.name)
        };
        let job = RegressionJob {
            micrograph,
            model: &model,
            settings,
            device: &device.name,
            threads: rayon::current_num_threads(),
            regression: &regression,
        };
        let files = export::write_regression(&job, &args.out)?;
        report(args.json, &job, started.elapsed().as_secs_f64(), &files)
    });
    Ok(Finished { failures })
}

fn report(json: bool, job: &RegressionJob<'_>, seconds: f64, files: &[PathBuf]) -> anyhow::Result<()> {
    let micrograph = job.micrograph;
    let path = micrograph.path().map_or_else(|| micrograph.name().into(), |p| p.display().to_string());
    if json {
        let outputs = job.regression.outputs.iter().zip(&job.regression.statistics);
        return say_json(&Done {
            path,
            series: micrograph.series(),
            frame: job.settings.frame,
            model: &job.model.card.name,
            device: job.device,
            seconds,
            units: job.regression.units.as_deref(),
            outputs: outputs.map(|(output, statistics)| Output { name: &output.name, statistics }).collect(),
            files: files.iter().map(|p| p.display().to_string()).collect(),
        });
    }
    let frame =
        if micrograph.frames() > 1 { format!(" frame {}", job.settings.frame) } else { String::new() };
    say(&format!("{path}{frame}: {}, {seconds:.2} s", numbers(job.regression)));
    Ok(())
}

/// Such as "Fe 0.612 ± 0.041, Ni 0.102 ± 0.012 atomic fraction"; an image's numbers have no deviation.
fn numbers(regression: &Regression) -> String {
    let maps = regression.maps().is_some();
    let one = |(name, of): (&str, &OutputStatistics)| match maps {
        true => format!("{name} {:.4} ± {:.4}", of.mean, of.sd),
        false => format!("{name} {:.4}", of.mean),
    };
    let names = regression.outputs.iter().map(|output| output.name.as_str());
    let all: Vec<String> = names.zip(&regression.statistics).map(one).collect();
    let units = regression.units.as_deref().map(|units| format!(" {units}")).unwrap_or_default();
    format!("{}{units}", all.join(", "))
}
