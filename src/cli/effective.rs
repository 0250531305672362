//! `polepiece describe MODEL --effective IMAGE`: what of an image one value of a node really hangs on.

use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use crate::analysis::{Probe, RunSettings, effective_field};
use crate::export::write_field;
use crate::imaging::{PixelSize, format_length};
use crate::inspect::EffectiveField;

use super::args::{DeviceArg, DeviceArgs, PartArgs};
use super::context::{load_model, open_device, series_of};
use super::terminal::{Finished, Outcome, say, say_json, with_progress};

#[derive(Debug, Args)]
#[command(next_help_heading = "The effective receptive field")]
pub struct EffectiveArgs {
    /// Measure on this image how strongly each pixel moves one value of --node (Luo et al. 2016)
    #[arg(long, value_name = "IMAGE", requires = "node", group = "image")]
    pub effective: Option<PathBuf>,
    /// The node whose value it is; without --effective only this node is described
    #[arg(long)]
    pub node: Option<String>,
    /// Place of the value in the node's output (default: its middle); without --effective, say what of the input the
    /// nodes' values at this place can see
    #[arg(long, value_name = "Y,X", value_parser = parse_place)]
    pub at: Option<[usize; 2]>,
    /// The feature, counted from 0 (default: the sum of all)
    #[arg(long, value_name = "K", requires = "effective")]
    pub feature: Option<usize>,
    /// The frame of the image, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "image")]
    pub frame: usize,
    /// Write the field: .npy (over the network's whole input) or .png (the part that can be seen, in colours)
    #[arg(long, value_name = "FILE", requires = "effective")]
    pub out: Option<PathBuf>,
}

/// As `--json` prints it; lengths and places in pixels of the network's input.
#[derive(Serialize)]
struct Measured<'a> {
    model: &'a str,
    image: String,
    node: &'a str,
    feature: Option<usize>,
    at: [usize; 2],
    input: [usize; 2],
    /// Rows and columns that can change the value, first and end; null where all can.
    window: Option<[[i64; 2]; 2]>,
    /// The box that holds 95 % of the squared gradient.
    rows: [usize; 2],
    columns: [usize; 2],
    size: [usize; 2],
    /// Of the box, in nm; null without calibration.
    size_nm: Option<[f64; 2]>,
    held: f64,
    within_window: f64,
    centre: [f64; 2],
    largest: f32,
    file: Option<String>,
}

pub(super) fn run(model: &str, args: &EffectiveArgs, json: bool) -> Outcome {
    let (Some(path), Some(node)) = (&args.effective, &args.node) else { bail!("--effective needs --node") };
    let device = open_device(&DeviceArgs { threads: 0, device: DeviceArg::Auto })?;
    let model = load_model(model, &device, None)?;
    let micrograph = series_of(path, &PartArgs::default())?.into_iter().next();
    let micrograph = micrograph.with_context(|| format!("There is no image: {}", path.display()))?;
    if args.frame >= micrograph.frames() {
        let last = micrograph.frames() - 1;
        bail!("There is no frame {}, only 0 to {last}: {}", args.frame, path.display());
    }
    let settings = RunSettings { frame: args.frame, ..RunSettings::default() };
    let probe = Probe { node: node.clone(), feature: args.feature, at: args.at };
    let field = with_progress(node, |monitor| {
        effective_field(&probe, &model, (&micrograph, &settings), &device.device, monitor)
    })?;
    if let Some(out) = &args.out {
        write_field(&field, out)?;
    }
    let pixel = micrograph.calibration().pixel();
    if json {
        let name = (model.card.name.as_str(), path.display().to_string());
        say_json(&measured(name, &field, pixel.as_ref(), args.out.as_ref()))?;
    } else {
        for line in words(&field, pixel.as_ref()) {
            say(&line);
        }
        if let Some(out) = &args.out {
            say(&out.display().to_string());
        }
    }
    Ok(Finished::default())
}

fn measured<'a>(
    (model, image): (&'a str, String),
    field: &'a EffectiveField,
    pixel: Option<&PixelSize>,
    file: Option<&PathBuf>,
) -> Measured<'a> {
    let extent = &field.extent;
    let ends = |range: &Range<usize>| [range.start, range.end];
    Measured {
        model,
        image,
        node: &field.node,
        feature: field.feature,
        at: field.at,
        input: field.input,
        window: field.window.as_ref().map(|axes| axes.clone().map(|range| [range.start, range.end])),
        rows: ends(&extent.rows),
        columns: ends(&extent.columns),
        size: extent.size(),
        size_nm: pixel.map(|pixel| lengths(field, extent.size().map(|n| n as f64), pixel)),
        held: extent.held,
        within_window: extent.within_window,
        centre: extent.centre,
        largest: field.most(),
        file: file.map(|path| path.display().to_string()),
    }
}

/// `[y, x]` of the network's input as lengths in nm.
fn lengths(field: &EffectiveField, size: [f64; 2], pixel: &PixelSize) -> [f64; 2] {
    [size[0] * field.scale[0] * pixel.y_nm, size[1] * field.scale[1] * pixel.x_nm]
}

fn words(field: &EffectiveField, pixel: Option<&PixelSize>) -> Vec<String> {
    let size = |size: [f64; 2]| {
        let nm = pixel.map(|pixel| lengths(field, size, pixel).map(format_length));
        let nm = nm.map(|[y, x]| format!(", {y} × {x}")).unwrap_or_default();
        format!("{:.0} × {:.0} px{nm} (y × x)", size[0], size[1])
    };
    let span = |range: Range<i64>| format!("{} to {}", range.start, range.end - 1);
    let of = field.feature.map_or("all features".to_owned(), |feature| format!("feature {feature}"));
    let mut lines = vec![format!("{}, {of}, at y {} x {}", field.node, field.at[0], field.at[1])];
    lines.push(match &field.window {
        Some([rows, columns]) => {
            let lengths = [rows, columns].map(|range| (range.end - range.start) as f64);
            format!(
                "can see    {}: rows {}, columns {}",
                size(lengths),
                span(rows.clone()),
                span(columns.clone())
            )
        }
        None => "can see    the whole image".to_owned(),
    });
    let extent = &field.extent;
    if field.is_dark() {
        lines.push("sees       nothing: no pixel of this image moves the value".to_owned());
        return lines;
    }
    let whole = |range: &Range<usize>| span(range.start as i64..range.end as i64);
    lines.push(format!(
        "really sees {}: rows {}, columns {} hold {:.1} % of the squared gradient",
        size(extent.size().map(|n| n as f64)),
        whole(&extent.rows),
        whole(&extent.columns),
        extent.held * 100.0
    ));
    lines.push(format!("within what it can see: {:.1} %", extent.within_window * 100.0));
    lines
}

pub(super) fn parse_place(text: &str) -> Result<[usize; 2], String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let wrong = || "expected Y,X in whole pixels, such as 12,40".to_owned();
    numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_or_refused() {
        assert_eq!(parse_place("12, 40"), Ok([12, 40]));
        for bad in ["", "1", "1,2,3", "-1,2", "a,b"] {
            assert!(parse_place(bad).is_err(), "{bad}");
        }
    }
}
