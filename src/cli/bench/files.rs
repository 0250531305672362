//! `polepiece bench files`: how long opening a file takes, and reading its first plane.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::cli::terminal::{Finished, Outcome, complain, say, say_json};
use crate::imaging;

use super::args::FilesArgs;
use super::timing::{Times, peak_rss_mb};

/// A file and what was measured; each run opens it anew, so that nothing is kept but the system's own cache of it.
#[derive(Debug, Serialize)]
struct FileRow {
    path: PathBuf,
    /// Megabytes (10^6) of the first plane in memory.
    plane_mb: f64,
    runs: usize,
    /// Opening, without any plane.
    open_ms: f64,
    /// Opening and the first plane.
    median_ms: f64,
    min_ms: f64,
    peak_rss_mb: Option<f64>,
}

pub(super) fn run(args: &FilesArgs) -> Outcome {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(args.how.threads).build()?;
    let mut failures = 0;
    for path in &args.files {
        match threads.install(|| timed(path, args.how.runs)) {
            Ok(row) if args.how.json => say_json(&row)?,
            Ok(row) => print(&row),
            Err(error) => {
                complain(&error.to_string());
                failures += 1;
            }
        }
    }
    Ok(Finished { failures })
}

fn timed(path: &Path, runs: usize) -> anyhow::Result<FileRow> {
    let (mut opening, mut reading, mut bytes) = (Vec::new(), Vec::new(), 0);
    for run in 0..=runs {
        let started = Instant::now();
        let series = imaging::open(path)?;
        let opened = started.elapsed();
        bytes = series[0].plane(0, 0)?.bytes();
        // The first run brings the file into the system's cache.
        if run > 0 {
            opening.push(opened.as_secs_f64() * 1e3);
            reading.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    let reading = Times::new(reading);
    Ok(FileRow {
        path: path.to_path_buf(),
        plane_mb: bytes as f64 / 1e6,
        runs,
        open_ms: Times::new(opening).median_ms(),
        median_ms: reading.median_ms(),
        min_ms: reading.min_ms(),
        peak_rss_mb: peak_rss_mb(),
    })
}

fn print(row: &FileRow) {
    let speed = row.plane_mb / row.median_ms * 1e3;
    say(&format!(
        "{}: open {:.2} ms; with its first plane of {:.1} MB {:.1} ms (fastest {:.1}), {speed:.0} MB/s",
        row.path.display(),
        row.open_ms,
        row.plane_mb,
        row.median_ms,
        row.min_ms
    ));
}
