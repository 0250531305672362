//! What several commands need before they start: the device, the model, and the frames to work on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::analysis::{AnalysisError, RunSettings, resampled};
use crate::compute::{self, OpenDevice};
use crate::export::{self, ExportError};
use crate::imaging::{self, InfoBarChoice, Micrograph};
use crate::network::{self, Model, Task};

use super::args::{DeviceArgs, PartArgs};
use super::terminal::{complain, one_line, with_progress};

/// Sets the threads and opens the device; says in one line why it is not the one asked for.
pub(super) fn open_device(args: &DeviceArgs) -> anyhow::Result<OpenDevice> {
    compute::set_threads(args.threads)?;
    let device = compute::open_device(args.device.into())?;
    if let Some(note) = &device.note {
        complain(note);
    }
    Ok(device)
}

/// Loads a model for a task by path or name.
pub(super) fn load_model(name: &str, device: &OpenDevice, task: Option<Task>) -> anyhow::Result<Model> {
    let path = network::find_model(name)?;
    let loaded = with_progress(&path.display().to_string(), |monitor| {
        network::load_model(&path, &device.device, monitor)
    });
    let (model, notes) = loaded?;
    for note in notes {
        complain(&format!("{note}: {}", path.display()));
    }
    if task.is_none_or(|task| task == model.card.task) {
        return Ok(model);
    }
    let (what, command) = match model.card.task {
        Task::Segment => ("segmenter", "segment"),
        Task::Classify => ("classifier", "classify"),
        Task::Regress => ("regressor", "regress"),
        Task::Any => ("network whose card does not say what its answer means", "features"),
    };
    bail!("{} is a {what}; use `polepiece {command}`", model.card.name)
}

/// The series of a file that were asked for, with the info bar and the scale that were.
pub(super) fn series_of(path: &Path, part: &PartArgs) -> anyhow::Result<Vec<Micrograph>> {
    let mut all = imaging::open(path)?;
    for note in all.iter().flat_map(Micrograph::notes) {
        complain(&format!("{note}: {}", path.display()));
    }
    if let Some(wanted) = part.series {
        if wanted >= all.len() {
            bail!("There is no series {wanted}, only 0 to {}: {}", all.len() - 1, path.display());
        }
        all = vec![all.swap_remove(wanted)];
    }
    if let InfoBarChoice::Rows(rows) = part.info_bar
        && let Some(low) = all.iter().find(|m| rows > 0 && rows >= m.height())
    {
        bail!("An info bar of {rows} rows leaves nothing of {}, which has {}", low.name(), low.height());
    }
    let asked = |m: &Micrograph| m.choosing_info_bar(part.info_bar).with_scale(part.pixel_size.as_ref());
    let asked = all.iter().map(asked);
    match &part.resample {
        None => Ok(asked.collect()),
        Some(length) => asked
            .map(|m| {
                let label = format!("{} to {length}", m.name());
                Ok(with_progress(&label, |monitor| resampled(&m, length.nm(), monitor))?)
            })
            .collect(),
    }
}

/// The settings for every frame that was asked for.
pub(super) fn frames_of(micrograph: &Micrograph, part: &PartArgs) -> anyhow::Result<Vec<RunSettings>> {
    if part.tile == Some(0) {
        bail!("A tile needs at least one pixel: --tile 0");
    }
    let frames = match part.frame {
        Some(frame) if frame >= micrograph.frames() => {
            bail!("There is no frame {frame}, only 0 to {}: {}", micrograph.frames() - 1, micrograph.name())
        }
        Some(frame) => frame..frame + 1,
        None => 0..micrograph.frames(),
    };
    let settings = |frame| RunSettings {
        frame,
        channels: part.channels.clone(),
        tile: part.tile,
        ..RunSettings::default()
    };
    Ok(frames.map(settings).collect())
}

/// Calls `work` for every frame asked for of every file, goes on after a failure and names it, and gives how many
/// there were. Cancelling ends the batch.
pub(super) fn for_each_frame(
    files: &[PathBuf],
    part: &PartArgs,
    mut work: impl FnMut(&Micrograph, &RunSettings, &str) -> anyhow::Result<()>,
) -> usize {
    let mut failures = 0;
    let mut fail = |error: &anyhow::Error| {
        complain(&one_line(error));
        failures += 1;
        is_cancelled(error)
    };
    'files: for (number, path) in files.iter().enumerate() {
        let series = match series_of(path, part) {
            Ok(series) => series,
            Err(error) => {
                fail(&error);
                continue;
            }
        };
        for micrograph in &series {
            let frames = match frames_of(micrograph, part) {
                Ok(frames) => frames,
                Err(error) => {
                    fail(&error);
                    continue;
                }
            };
            for settings in frames {
                let label = label(micrograph, settings.frame, number, files.len());
                let done = work(micrograph, &settings, &label)
                    .with_context(|| format!("{} frame {}", path.display(), settings.frame));
                if let Err(error) = done
                    && fail(&error)
                {
                    break 'files;
                }
            }
        }
    }
    failures
}

/// Two inputs of one name would write the same files; the second is refused rather than the first lost.
pub(super) fn refuse_to_overwrite(
    writers: &mut HashMap<(String, usize, usize), PathBuf>,
    micrograph: &Micrograph,
    settings: &RunSettings,
) -> anyhow::Result<()> {
    let path = micrograph.path().map(PathBuf::from).unwrap_or_default();
    let stem = export::result_stem(micrograph, settings.frame);
    let before = writers.entry((stem, micrograph.series(), settings.frame)).or_insert_with(|| path.clone());
    if *before != path {
        bail!(
            "Its results would take the place of those of {}; give it a folder of its own",
            before.display()
        );
    }
    Ok(())
}

/// What the progress bar calls the frame under way.
fn label(micrograph: &Micrograph, frame: usize, number: usize, files: usize) -> String {
    let file = if files > 1 { format!("[{}/{files}] ", number + 1) } else { String::new() };
    let frame = if micrograph.frames() > 1 { format!(" {frame}") } else { String::new() };
    format!("{file}{}{frame}", micrograph.name())
}

/// True when a person stopped the work.
pub(super) fn is_cancelled(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<crate::monitor::Cancelled>()
            || cause.downcast_ref::<AnalysisError>().is_some_and(AnalysisError::is_cancelled)
            || cause.downcast_ref::<ExportError>().is_some_and(ExportError::is_cancelled)
    })
}
