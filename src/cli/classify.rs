//! `polepiece classify`: what kind each micrograph is.

use serde::Serialize;

use crate::analysis::{self, Classification, Prediction};
use crate::inspect::Recorder;
use crate::network::Task;

use super::args::ClassifyArgs;
use super::context::{for_each_frame, load_model, open_device};
use super::terminal::{Finished, Outcome, say, say_json, with_progress};

#[derive(Serialize)]
struct Done<'a> {
    path: String,
    series: usize,
    frame: usize,
    model: &'a str,
    class: &'a str,
    probabilities: serde_json::Map<String, serde_json::Value>,
}

pub(super) fn run(args: &ClassifyArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, Some(Task::Classify))?;
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        let prediction = with_progress(label, |monitor| {
            analysis::run(&model, micrograph, settings, &device.device, &mut Recorder::nothing(), monitor)
        })?;
        let Prediction::Classification(result) = prediction else {
            anyhow::bail!("{} gives no class", model.card.name)
        };
        let ranked = ranked(&result);
        let path = micrograph.path().map_or_else(String::new, |p| p.display().to_string());
        if args.json {
            return say_json(&Done {
                path,
                series: micrograph.series(),
                frame: settings.frame,
                model: &model.card.name,
                class: ranked.first().map_or("", |(name, _)| name),
                probabilities: ranked
                    .iter()
                    .map(|&(name, p)| (name.to_owned(), f64::from(p).into()))
                    .collect(),
            });
        }
        let bars: Vec<String> = ranked.iter().map(|(name, p)| format!("{name} {:.1} %", p * 100.0)).collect();
        let frame =
            if micrograph.frames() > 1 { format!(" frame {}", settings.frame) } else { String::new() };
        say(&format!("{path}{frame}: {}", bars.join(", ")));
        Ok(())
    });
    Ok(Finished { failures })
}

/// Class names with their probabilities, the likeliest first.
fn ranked(result: &Classification) -> Vec<(&str, f32)> {
    let names = result.classes.iter().map(|class| class.name.as_str());
    let mut ranked: Vec<_> = names.zip(result.probabilities.iter().copied()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}
