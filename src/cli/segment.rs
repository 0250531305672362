//! `polepiece segment`: masks, pictures, tables and manifests for any number of files.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;
use serde::Serialize;

use crate::analysis::{self, Object, Prediction, RunSettings, Segmentation};
use crate::compute::OpenDevice;
use crate::export::{self, ExportJob, Format, Paint};
use crate::imaging::{Contrast, Micrograph, Percentiles, Tone};
use crate::inspect::Recorder;
use crate::monitor::Monitor;
use crate::network::{Model, Task};

use super::args::{LookArgs, SegmentArgs};
use super::context::{for_each_frame, load_model, open_device, refuse_to_overwrite};
use super::terminal::{Finished, Outcome, complain, say, say_json, with_progress};

/// One finished frame, as `--json` prints it.
#[derive(Serialize)]
struct Done {
    path: String,
    series: usize,
    frame: usize,
    model: String,
    device: String,
    seconds: f64,
    objects: usize,
    /// Rows of text below the image, which count as nothing.
    info_bar_rows: usize,
    /// Share of the specimen's pixels, by class name.
    area_fraction: serde_json::Map<String, serde_json::Value>,
    files: Vec<String>,
}

pub(super) fn run(args: &SegmentArgs) -> Outcome {
    let paint = paint(&args.look)?;
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, Some(Task::Segment))?;
    let formats: Vec<Format> = args.formats.iter().map(|&format| format.into()).collect();
    let mut writers = HashMap::new();
    let failures = for_each_frame(&args.files, &args.part, |micrograph, settings, label| {
        refuse_to_overwrite(&mut writers, micrograph, settings)?;
        let started = Instant::now();
        let segment = |monitor: &Monitor| segment(&model, micrograph, settings, &device, monitor);
        let segmentation = with_progress(label, segment)?;
        let job = ExportJob {
            micrograph,
            model: &model,
            settings,
            device: &device.name,
            threads: rayon::current_num_threads(),
            segmentation: &segmentation,
            formats: &formats,
            paint,
        };
        let files = export::write_results(&job, &args.out)?;
        let objects = analysis::measure(&segmentation.labels, segmentation.pixel.as_ref());
        report(args.json, &job, &objects, started.elapsed().as_secs_f64(), &files)
    });
    Ok(Finished { failures })
}

/// Runs a segmenter on one frame, without keeping feature maps.
pub(super) fn segment(
    model: &Model,
    micrograph: &Micrograph,
    settings: &RunSettings,
    device: &OpenDevice,
    monitor: &Monitor,
) -> anyhow::Result<std::sync::Arc<Segmentation>> {
    match analysis::run(model, micrograph, settings, &device.device, &mut Recorder::nothing(), monitor)? {
        Prediction::Segmentation(segmentation) => Ok(segmentation),
        _ => bail!("{} is no segmenter and gives no mask", model.card.name),
    }
}

/// How the micrograph looks, of what was asked for.
pub(super) fn paint(args: &LookArgs) -> anyhow::Result<Paint> {
    let mut paint = Paint { colormap: args.colormap, ..Paint::default() };
    if let Some(opacity) = args.opacity {
        if !(0.0..=1.0).contains(&opacity) {
            bail!("The opacity goes from 0 to 1: --opacity {opacity}");
        }
        paint.opacity = opacity;
    }
    match args.contrast.as_deref() {
        None => {}
        Some(&[low, high]) if low < high => paint.contrast = Some(Contrast { low, high }),
        Some(_) => bail!("The contrast is two grey values, the lower first: --contrast LOW,HIGH"),
    }
    match args.percentiles.as_deref() {
        None => {}
        Some(&[low, high]) if 0.0 <= low && low < high && high <= 100.0 => {
            paint.percentiles = Percentiles { low, high };
        }
        Some(_) => bail!("The percentiles go from 0 to 100, the lower first: --percentiles LOW,HIGH"),
    }
    paint.tone = Tone { gamma: args.gamma.unwrap_or(1.0), logarithmic: args.log, inverted: args.invert };
    if paint.tone.in_range() != paint.tone {
        let (least, most) = Tone::GAMMAS.into_inner();
        bail!("The gamma goes from {least} to {most}: --gamma {}", paint.tone.gamma);
    }
    Ok(paint)
}

fn report(
    json: bool,
    job: &ExportJob<'_>,
    objects: &[Object],
    seconds: f64,
    files: &[PathBuf],
) -> anyhow::Result<()> {
    let classes = &job.segmentation.classes;
    let path =
        job.micrograph.path().map_or_else(|| job.micrograph.name().into(), |p| p.display().to_string());
    let shares = classes.iter().zip(job.segmentation.area_fractions());
    let shares = shares.map(|(class, share)| (class.name.clone(), share));
    if json {
        return say_json(&Done {
            path,
            series: job.micrograph.series(),
            frame: job.settings.frame,
            model: job.model.card.name.clone(),
            device: job.device.to_owned(),
            seconds,
            objects: objects.len(),
            info_bar_rows: job.micrograph.info_bar().map_or(0, |bar| bar.rows),
            area_fraction: shares.map(|(name, share)| (name, share.into())).collect(),
            files: files.iter().map(|p| p.display().to_string()).collect(),
        });
    }
    let shares: Vec<String> =
        shares.skip(1).map(|(name, share)| format!("{name} {:.2} %", share * 100.0)).collect();
    let frame =
        if job.micrograph.frames() > 1 { format!(" frame {}", job.settings.frame) } else { String::new() };
    say(&format!("{path}{frame}: {} objects, {}, {seconds:.2} s", objects.len(), shares.join(", ")));
    if job.segmentation.pixel.is_none() && job.formats.contains(&Format::Csv) {
        complain(&format!("the file names no pixel size, so the table is in pixels only: {path}"));
    }
    Ok(())
}
