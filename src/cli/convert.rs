//! `polepiece convert`: micrographs in another format.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::export::{self, ConvertRequest, Converted, Rendering, Target};
use crate::imaging::{Contrast, Micrograph};

use super::args::{ConvertArgs, PartArgs};
use super::context::{is_cancelled, series_of};
use super::terminal::{Finished, Outcome, complain, one_line, say, say_json, with_progress};

/// One file written, as `--json` prints it.
#[derive(Serialize)]
struct Done {
    path: String,
    series: usize,
    format: &'static str,
    files: Vec<String>,
    axes: String,
    shape: Vec<usize>,
    dtype: &'static str,
    notes: Vec<String>,
}

pub(super) fn run(args: &ConvertArgs) -> Outcome {
    let target = target(args)?;
    let request = request(args, target)?;
    let folder = is_folder(args);
    if args.files.len() > 1 && !folder {
        bail!("Several files need a folder, not one file: --out {}", args.out.display());
    }
    if folder {
        std::fs::create_dir_all(&args.out)
            .with_context(|| format!("The folder cannot be made: {}", args.out.display()))?;
    }
    let mut writers = HashMap::new();
    let mut failures = 0;
    'files: for (number, path) in args.files.iter().enumerate() {
        let series = match chosen_series(path, args, folder) {
            Ok(series) => series,
            Err(error) => {
                complain(&one_line(&error));
                failures += 1;
                continue;
            }
        };
        for micrograph in &series {
            let out = if folder { args.out.join(copy_name(micrograph, target)) } else { args.out.clone() };
            let batch = if args.files.len() > 1 {
                format!("[{}/{}] ", number + 1, args.files.len())
            } else {
                String::new()
            };
            let label = format!("{batch}{}", micrograph.name());
            let done = refuse_to_overwrite(&mut writers, &out, path)
                .and_then(|()| one(micrograph, args, &request, &out, &label));
            if let Err(error) = done {
                complain(&one_line(&error));
                failures += 1;
                if is_cancelled(&error) {
                    break 'files;
                }
            }
        }
    }
    Ok(Finished { failures })
}

/// The format, by its name or by the ending of the file.
fn target(args: &ConvertArgs) -> anyhow::Result<Target> {
    if let Some(target) = args.to {
        return Ok(target.into());
    }
    Target::of_path(&args.out).with_context(|| {
        let names = Target::ALL.map(Target::name).join(", ");
        format!(
            "The ending does not say which format to write, so --to has to ({names}): {}",
            args.out.display()
        )
    })
}

fn request(args: &ConvertArgs, target: Target) -> anyhow::Result<ConvertRequest> {
    let rendering = match args.contrast.as_deref() {
        None => args.percentiles.then_some(Rendering::Percentiles),
        Some(&[low, high]) if low < high => Some(Rendering::Window(Contrast { low, high })),
        Some(_) => bail!("The contrast is two grey values, the lower first: --contrast LOW,HIGH"),
    };
    if rendering.is_some() && target != Target::Png {
        bail!("--contrast and --percentiles render a PNG; the other formats keep the values");
    }
    if args.compression.is_some() && !matches!(target, Target::OmeTiff | Target::Tiff) {
        bail!("--compression is for TIFFs, not for {}", target.name());
    }
    Ok(ConvertRequest {
        channels: args.channels.clone(),
        compression: args.compression.map(Into::into),
        crop_info_bar: args.crop_info_bar,
        rendering,
        ..ConvertRequest::new(target)
    })
}

/// A folder is one that is there, or a name that ends like one or has no ending of a file.
fn is_folder(args: &ConvertArgs) -> bool {
    let ends = args.out.to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
    args.out.is_dir() || ends || (Target::of_path(&args.out).is_none() && args.out.extension().is_none())
}

/// The series to write: into a file the one that was asked for or the first.
fn chosen_series(path: &Path, args: &ConvertArgs, folder: bool) -> anyhow::Result<Vec<Micrograph>> {
    let mut series = series_of(path, &PartArgs { series: args.series, ..PartArgs::default() })?;
    if !folder && series.len() > 1 {
        complain(&format!(
            "the first of {} series is written; --series N takes another, a folder takes all: {}",
            series.len(),
            path.display()
        ));
        series.truncate(1);
    }
    Ok(series)
}

fn copy_name(micrograph: &Micrograph, target: Target) -> String {
    format!("{}.{}", export::copy_stem(micrograph), target.endings()[0])
}

/// Two inputs of one name would write the same file; the second is refused rather than the first lost.
fn refuse_to_overwrite(
    writers: &mut HashMap<PathBuf, PathBuf>,
    out: &Path,
    input: &Path,
) -> anyhow::Result<()> {
    if let Some(before) = writers.insert(out.to_path_buf(), input.to_path_buf()) {
        bail!(
            "Its copy would take the place of that of {}; give it a folder of its own: {}",
            before.display(),
            input.display()
        );
    }
    Ok(())
}

fn one(
    micrograph: &Micrograph,
    args: &ConvertArgs,
    request: &ConvertRequest,
    out: &Path,
    label: &str,
) -> anyhow::Result<()> {
    let frames = args.frame.map(|frame| frame..frame.saturating_add(1));
    let frames = frames.or_else(|| args.frames.map(|frames| frames.of(micrograph.frames())));
    let request = ConvertRequest { frames, ..request.clone() };
    let input = micrograph.path().map_or_else(|| micrograph.name().to_owned(), |p| p.display().to_string());
    let done = with_progress(label, |monitor| export::convert(micrograph, &request, out, monitor));
    let done = done.with_context(|| format!("{input} as {}", request.target.name()))?;
    report(args.json, &request, &input, micrograph.series(), done)
}

fn report(
    json: bool,
    request: &ConvertRequest,
    input: &str,
    series: usize,
    done: Converted,
) -> anyhow::Result<()> {
    let files: Vec<String> = done.files.iter().map(|file| file.display().to_string()).collect();
    if json {
        return say_json(&Done {
            path: input.to_owned(),
            series,
            format: request.target.name(),
            files,
            axes: done.axes,
            shape: done.shape,
            dtype: done.sample_type.name(),
            notes: done.notes,
        });
    }
    let shape = done.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    say(&format!("{}: {} {shape}, {}", files.join(" and "), done.axes, done.sample_type.name()));
    for note in &done.notes {
        say(&format!("  note: {note}"));
    }
    Ok(())
}
