//! The main job without a window: the sample (or the given files) through the shipped segmenter, everything written.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::analysis::{self, Prediction, RunSettings};
use crate::compute::{self, DeviceChoice, OpenDevice};
use crate::export::{self, ExportJob, Format, Paint};
use crate::files;
use crate::imaging::{self, Micrograph};
use crate::inspect::{Recorder, Wanted};
use crate::network::{self, Model, Task};

use super::args::{PartArgs, WindowArgs};
use super::context::{for_each_frame, load_model};
use super::terminal::{Finished, Outcome, complain, exit_code, say, with_progress};

/// Where the results go.
const OUT: &str = "polepiece-out";
/// The segmenter and the sample that belong together.
const MODEL: &str = "sem-precipitates";
/// All feature maps of one frame may take this much memory; nodes beyond it are named.
const FEATURE_BUDGET: u64 = 1 << 30;

/// Whether this machine has a display to open a window on.
#[must_use]
pub fn display_is_there() -> bool {
    if cfg!(any(target_os = "windows", target_os = "macos")) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Says in one line why there is no window, and does its first job without it.
#[must_use]
pub fn without_window(window: &WindowArgs, reason: &str) -> ExitCode {
    complain(&format!("{reason}; doing the same job without a window, results in {OUT}/"));
    exit_code(run(window))
}

fn run(window: &WindowArgs) -> Outcome {
    let device = compute::open_device(DeviceChoice::Auto)?;
    if let Some(note) = &device.note {
        complain(note);
    }
    // As in the window, a model file among the files is the model.
    let (models, mut files): (Vec<PathBuf>, Vec<PathBuf>) =
        window.files.iter().cloned().partition(|path| network::is_model_file(path));
    let chosen = models.last().map_or_else(|| MODEL.to_owned(), |path| path.display().to_string());
    let model = load_model(&chosen, &device, Some(Task::Segment))?;
    if files.is_empty() {
        files.push(sample()?);
    }
    let failures = for_each_frame(&files, &PartArgs::default(), |micrograph, settings, label| {
        one_frame(&model, micrograph, settings, &device, label)
    });
    Ok(Finished { failures })
}

/// The shipped sample micrograph.
fn sample() -> anyhow::Result<PathBuf> {
    let folders = files::program_folders("sample_data");
    let first_openable = |folder: &PathBuf| {
        let wanted = folder.join(format!("{MODEL}.tif"));
        imaging::open(&wanted).is_ok().then_some(wanted)
    };
    folders.iter().find_map(first_openable).with_context(|| {
        format!("No sample found: start the program in its own folder, where sample_data/{MODEL}.tif is")
    })
}

fn one_frame(
    model: &Model,
    micrograph: &Micrograph,
    settings: &RunSettings,
    device: &OpenDevice,
    label: &str,
) -> anyhow::Result<()> {
    let mut recorder = Recorder::new(Wanted::All { first: None }, FEATURE_BUDGET);
    let prediction = with_progress(label, |monitor| {
        analysis::run(model, micrograph, settings, &device.device, &mut recorder, monitor)
    })?;
    let Prediction::Segmentation(segmentation) = prediction else {
        bail!("{} is no segmenter and gives no mask", model.card.name)
    };
    let formats = [Format::Label, Format::Palette, Format::Overlay, Format::Csv];
    let job = ExportJob {
        micrograph,
        model,
        settings,
        device: &device.name,
        threads: rayon::current_num_threads(),
        segmentation: &segmentation,
        formats: &formats,
        paint: Paint::default(),
    };
    let out = Path::new(OUT);
    let mut written = export::write_results(&job, out)?;
    let features = recorder.finish();
    let sheets = out.join(format!("{}.features", export::result_stem(micrograph, settings.frame)));
    for maps in features.maps.values() {
        written.push(export::write_feature_sheet(maps, &sheets)?);
    }
    for node in &features.left_out {
        complain(&format!("no sheet for {node}: its feature maps go beyond {} MB", FEATURE_BUDGET >> 20));
    }
    for path in &written {
        say(&path.display().to_string());
    }
    Ok(())
}
