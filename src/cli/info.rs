//! `polepiece info`: what a file holds, and where each number came from.

use std::path::Path;

use serde::Serialize;

use crate::imaging::{self, AxisScale, InfoBarChoice, Micrograph, format_length};
use crate::monitor::Monitor;

use super::args::InfoArgs;
use super::terminal::{Finished, Outcome, complain, say, say_json, with_progress};

/// One series of a file, as `--json` prints it.
#[derive(Serialize)]
struct SeriesInfo {
    path: String,
    series: usize,
    format: String,
    shape: Vec<usize>,
    axes: String,
    dtype: &'static str,
    frames: usize,
    channels: usize,
    channel_names: Vec<String>,
    pixel_size_nm: Option<f64>,
    pixel_size_y_nm: Option<f64>,
    pixel_size_source: Option<String>,
    frame_step_nm: Option<f64>,
    calibration: Vec<AxisScale>,
    /// Rows of text below the image, 0 where there are none.
    info_bar_rows: usize,
    info_bar_source: Option<String>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256_le: Option<String>,
    /// Fields beside the samples that there are, whether printed or not.
    #[serde(skip)]
    fields: usize,
    /// Names and values, as a list because a name may come more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Vec<(String, String)>>,
}

/// Channel names that are printed; those of a spectrum are thousands.
const MOST_NAMES: usize = 16;

/// The first series at the top, further ones below it, so that a file is one object.
#[derive(Serialize)]
struct FileInfo {
    #[serde(flatten)]
    first: SeriesInfo,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more_series: Vec<SeriesInfo>,
}

pub(super) fn run(args: &InfoArgs) -> Outcome {
    let mut failures = 0;
    for path in &args.files {
        match with_progress("Reading", |monitor| file_info(path, args, monitor)) {
            Ok(info) if args.json => say_json(&info)?,
            Ok(info) => std::iter::once(&info.first).chain(&info.more_series).for_each(print),
            Err(error) => {
                complain(&error.to_string());
                failures += 1;
            }
        }
    }
    Ok(Finished { failures })
}

fn file_info(path: &Path, args: &InfoArgs, monitor: &Monitor) -> anyhow::Result<FileInfo> {
    let series = imaging::open(path)?;
    let count = series.len();
    let each = series.iter().map(|m| m.choosing_info_bar(InfoBarChoice::Auto)).enumerate();
    let infos = each.map(|(i, micrograph)| series_info(path, &micrograph, args, &monitor.part(i, count)));
    let mut infos = infos.collect::<anyhow::Result<Vec<_>>>()?.into_iter();
    let first = infos.next().ok_or_else(|| anyhow::anyhow!("No image in the file: {}", path.display()))?;
    Ok(FileInfo { first, more_series: infos.collect() })
}

fn series_info(
    path: &Path,
    m: &Micrograph,
    args: &InfoArgs,
    monitor: &Monitor,
) -> anyhow::Result<SeriesInfo> {
    let calibration = m.calibration();
    let pixel = calibration.pixel();
    Ok(SeriesInfo {
        path: path.display().to_string(),
        series: m.series(),
        format: m.format().to_owned(),
        shape: m.stored_shape().to_vec(),
        axes: m.stored_axes().to_owned(),
        dtype: m.sample_type().name(),
        frames: m.frames(),
        channels: m.channels(),
        channel_names: m.channel_names().to_vec(),
        pixel_size_nm: pixel.as_ref().map(|p| p.x_nm),
        pixel_size_y_nm: pixel.as_ref().map(|p| p.y_nm),
        pixel_size_source: pixel.map(|p| p.source.clone()),
        frame_step_nm: calibration.frame_step_nm(),
        calibration: calibration.axes().to_vec(),
        info_bar_rows: m.info_bar().map_or(0, |bar| bar.rows),
        info_bar_source: m.info_bar().map(|bar| bar.source.clone()),
        notes: m.notes().to_vec(),
        sha256_le: if args.hash { Some(m.sha256_le(monitor)?) } else { None },
        fields: m.metadata().fields().len(),
        metadata: args.metadata.as_deref().map(|words| m.metadata().matching(words).cloned().collect()),
    })
}

fn print(info: &SeriesInfo) {
    let shape = info.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    let series = if info.series > 0 { format!(" (series {})", info.series) } else { String::new() };
    say(&format!("{}{series}", info.path));
    say(&format!("  {}, {} {shape}, {}", info.format, info.axes, info.dtype));
    if info.channels > 1 {
        say(&format!("  channels: {}", listed(&info.channel_names)));
    }
    match (info.pixel_size_nm, &info.pixel_size_source) {
        (Some(nm), Some(source)) => say(&format!("  pixel {}, from {source}", format_length(nm))),
        _ => say("  uncalibrated: the file names no pixel size"),
    }
    for axis in &info.calibration {
        say(&format!("  axis {}: {axis}", axis.axis));
    }
    if let Some(source) = &info.info_bar_source {
        say(&format!("  info bar: the last {} rows, {source}", info.info_bar_rows));
    }
    for note in &info.notes {
        say(&format!("  note: {note}"));
    }
    if let Some(hash) = &info.sha256_le {
        say(&format!("  sha256_le {hash}"));
    }
    match &info.metadata {
        None if info.fields == 0 => {}
        None => say(&format!("  metadata: {} fields (--metadata prints them)", info.fields)),
        Some(found) => {
            say(&format!("  metadata: {} of {} fields", found.len(), info.fields));
            for (name, value) in found {
                // Values of several lines stay below their name.
                say(&format!("    {name}: {}", value.replace('\n', "\n      ")));
            }
        }
    }
}

/// The names with commas between them, cut with a count.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} … and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_names_are_cut_with_a_count() {
        let names = |count: usize| (0..count).map(|c| format!("{c}")).collect::<Vec<_>>();
        assert_eq!(listed(&names(2)), "0, 1");
        assert!(listed(&names(16)).ends_with(", 15"));
        assert!(listed(&names(2048)).ends_with(", 15 … and 2032 more"));
    }
}
