//! `polepiece profile` and `polepiece stats`: what the window's line and rectangle measure.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use crate::analysis::{Line, Profile, Region, RegionStatistics, profile, region_statistics};
use crate::export::{profile_csv, statistics_csv};
use crate::files::write_whole;
use crate::imaging::{self, Micrograph};

use super::terminal::{Finished, Outcome, complain, say, say_json, table, with_progress};

/// Which plane of a file.
#[derive(Debug, Clone, Args)]
pub struct PlaneArgs {
    pub file: PathBuf,
    /// The frame, counted from 0
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub frame: usize,
    /// Only this channel, counted from 0 (default: all; of a spectral image name one)
    #[arg(long, value_name = "N")]
    pub channel: Option<usize>,
    /// The series of the file, counted from 0
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub series: usize,
    /// One JSON object; what is not a number is null
    #[arg(long)]
    pub json: bool,
    /// Write a table to this file
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ProfileArgs {
    #[command(flatten)]
    pub plane: PlaneArgs,
    /// Where the line begins, in px; whole numbers are the middle of pixels
    #[arg(long, value_name = "X,Y", value_parser = parse_point, allow_hyphen_values = true)]
    pub from: [f64; 2],
    /// Where it ends
    #[arg(long, value_name = "X,Y", value_parser = parse_point, allow_hyphen_values = true)]
    pub to: [f64; 2],
    /// Over how many px across the line values are averaged
    #[arg(long, default_value_t = 1, value_name = "PX")]
    pub width: usize,
}

#[derive(Debug, Args)]
pub struct StatsArgs {
    #[command(flatten)]
    pub plane: PlaneArgs,
    /// The upper left pixel, width and height of a rectangle (default: the whole picture)
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_region)]
    pub rect: Option<Region>,
}

pub(super) fn run_profile(args: &ProfileArgs) -> Outcome {
    let (micrograph, channels) = plane_of(&args.plane)?;
    let line = Line { from: args.from, to: args.to, width: args.width };
    let found = with_progress("Measuring", |monitor| {
        profile(&micrograph, args.plane.frame, &channels, line, monitor)
    })?;
    if let Some(path) = &args.plane.csv {
        write(path, &profile_csv(&found)?)?;
    }
    if args.plane.json {
        say_json(&found)?;
    } else if args.plane.csv.is_none() {
        print_profile(&found);
    }
    Ok(Finished::default())
}

pub(super) fn run_stats(args: &StatsArgs) -> Outcome {
    let (micrograph, channels) = plane_of(&args.plane)?;
    let region = args.rect.unwrap_or_else(|| Region::whole(&micrograph));
    let found = with_progress("Measuring", |monitor| {
        region_statistics(&micrograph, args.plane.frame, &channels, region, monitor)
    })?;
    if let Some(path) = &args.plane.csv {
        write(path, &statistics_csv(&found)?)?;
    }
    if args.plane.json {
        say_json(&found)?;
    } else if args.plane.csv.is_none() {
        print_statistics(&found);
    }
    Ok(Finished::default())
}

/// The series that was asked for and the channels to measure.
fn plane_of(args: &PlaneArgs) -> anyhow::Result<(Micrograph, Vec<usize>)> {
    let mut all = imaging::open(&args.file)?;
    for note in all.iter().flat_map(Micrograph::notes) {
        complain(&format!("{note}: {}", args.file.display()));
    }
    if args.series >= all.len() {
        bail!("There is no series {}, only 0 to {}: {}", args.series, all.len() - 1, args.file.display());
    }
    let micrograph = all.swap_remove(args.series);
    let channels = match args.channel {
        Some(channel) => vec![channel],
        None if micrograph.is_spectral() && micrograph.channels() > 1 => {
            let last = micrograph.channels() - 1;
            bail!("Name an energy of this spectral image, --channel 0 to {last}: {}", args.file.display())
        }
        None => (0..micrograph.channels()).collect(),
    };
    Ok((micrograph, channels))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_whole(path, |file| std::io::Write::write_all(file, bytes))
        .map_err(|error| anyhow::anyhow!("{error}: {}", path.display()))
}

/// A distance a line, with the value of each channel.
fn print_profile(found: &Profile) {
    let distances = found.distances();
    let unit = found.scale.as_ref().map_or("px", |scale| scale.unit.as_str());
    let heading = std::iter::once(format!("distance/{unit}"));
    let mut rows = vec![heading.chain(found.channels.iter().map(|c| c.name.clone())).collect::<Vec<_>>()];
    for (place, at) in distances.unwrap_or_else(|| found.distances_px()).into_iter().enumerate() {
        let values = found.channels.iter().map(|c| c.values.get(place).copied().unwrap_or(f64::NAN));
        rows.push(std::iter::once(at).chain(values).map(short).collect());
    }
    say(&table(&rows));
}

/// A channel a line.
fn print_statistics(found: &RegionStatistics) {
    let Region { x, y, width, height } = found.region;
    let area = found.area_nm2.map(|nm2| format!(", {} nm²", short(nm2))).unwrap_or_default();
    say(&format!("{width} × {height} px at {x}, {y}: {} px{area}", found.area_px));
    let heading = ["channel", "n", "not finite", "mean", "sd", "min", "max", "median", "sum"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for channel in &found.channels {
        let v = channel.values;
        let counts = [v.n, v.not_finite].map(|count| count.to_string());
        let numbers = [v.mean, v.sd, v.min, v.max, v.median, v.sum].map(short);
        rows.push(std::iter::once(channel.name.clone()).chain(counts).chain(numbers).collect());
    }
    say(&table(&rows));
}

/// Six significant digits where there is a fraction; all digits of whole numbers.
fn short(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value}");
    }
    let before_point = value.abs().log10().floor() as i32 + 1;
    if !(-3..15).contains(&before_point) {
        return format!("{value:.5e}");
    }
    format!("{value:.*}", (6 - before_point).clamp(0, 9) as usize)
}

fn parse_point(text: &str) -> Result<[f64; 2], String> {
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|n| n.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect();
    let found = numbers.and_then(|numbers| <[f64; 2]>::try_from(numbers).ok());
    found.ok_or_else(|| "expected X,Y in px, such as 12.5,80".to_owned())
}

pub(super) fn parse_region(text: &str) -> Result<Region, String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[x, y, width, height]) => Ok(Region { x, y, width, height }),
        _ => Err("expected X,Y,W,H in whole px, such as 10,20,64,48".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_or_refused() {
        assert_eq!(parse_point("1.5, -2"), Ok([1.5, -2.0]));
        assert_eq!(parse_region("1,2,3,4"), Ok(Region { x: 1, y: 2, width: 3, height: 4 }));
        for bad in ["", "1", "1,2,3", "a,b", "nan,1", "1,inf"] {
            assert!(parse_point(bad).is_err(), "{bad}");
        }
        for bad in ["1,2,3", "1,2,3,4,5", "-1,2,3,4", "1.5,2,3,4"] {
            assert!(parse_region(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_short_but_whole_ones_complete() {
        let cases = [
            (1_234_567.0, "1234567"),
            (0.125, "0.125000"),
            (1234.5678, "1234.57"),
            (f64::NAN, "–"),
            (-1.5e-9, "-1.50000e-9"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}
