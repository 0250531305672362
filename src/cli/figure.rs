//! `polepiece figure`: panels of a micrograph and of what a network makes of it, for a paper.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::export::{
    self, FigureFormat, FigureInput, FigureLook, FigureSpec, Ground, Known, PanelSpec, ScaleBars,
};
use crate::imaging::Colormap;

use super::args::{DeviceArgs, LookArgs, PartArgs, parse_colormap};
use super::context::{frames_of, load_model, open_device, series_of};
use super::effective::parse_place;
use super::segment::paint;
use super::terminal::{Finished, Outcome, complain, say, say_json, with_progress};

#[derive(Debug, Args)]
pub struct FigureArgs {
    pub file: PathBuf,
    /// A model file, or the name of an installed model; only `source` and `baseline` can be drawn without one
    #[arg(long, short)]
    pub model: Option<String>,
    /// What to show, once for each panel: source, prediction (classes over the source), classes, `probability:CLASS`,
    /// `output:NAME`, `feature:NODE:K`, `features:NODE:N` (the N of largest variance), `features:NODE:K,K`,
    /// `pinned:NODE:K,NODE:K` (any features), `effective:NODE:K` (effective receptive field; K or all, and `:Y,X` of the
    /// node's output), `difference:b-model=MODEL` (A − B, each the figure's own model, frame and answer but for a-model,
    /// a-frame, a-node with a-feature, a-baseline=METHOD:SIDE and the same with b-), `why:METHOD:CLASS` (as attribute:
    /// gradient, gradient-input, smooth-grad, integrated, grad-cam, occlusion; then `,over=predicted`, `,pixel=Y,X` or
    /// `,region=X,Y,W,H` and the method's options, such as `,node=NODE` or `,steps=N`), `equivariance:shift=Y,X` (also
    /// rotate=DEGREES, flip=x or y, node=NODE), `seams` (`:tile=PX,against=whole`), `baseline:METHOD:SIDE` (a classical
    /// mask: otsu, median-otsu, gaussian-otsu, dog-otsu, top-hat-otsu, sauvola, local-mean; bright or dark)
    #[arg(long = "panel", required = true, value_name = "PANEL")]
    pub panels: Vec<PanelSpec>,
    /// Words in place of a panel's title, once for each panel in their order; empty words leave the title
    #[arg(long = "caption", value_name = "WORDS")]
    pub captions: Vec<String>,
    /// The file to write: .png or .svg
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Only this part of the micrograph, in pixels
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_crop)]
    pub crop: Option<[usize; 4]>,
    /// Mark this pixel of the micrograph in every panel
    #[arg(long, value_name = "Y,X", value_parser = parse_place)]
    pub cursor: Option<[usize; 2]>,
    /// Draw on the micrograph what the features of this node see at the cursor
    #[arg(long, value_name = "NODE", requires_all = ["cursor", "model"])]
    pub field: Option<String>,
    /// The microscope channel to show, counted from 0 (default: a colour picture in its colours, else the first)
    #[arg(long, value_name = "N")]
    pub source_channel: Option<usize>,
    /// Colours of feature maps and outputs
    #[arg(long, value_name = "NAME", default_value = "viridis", value_parser = parse_colormap)]
    pub feature_colormap: Colormap,
    /// One window of brightness for all features of a node
    #[arg(long)]
    pub shared_contrast: bool,
    #[command(flatten)]
    pub page: PageArgs,
    #[command(flatten)]
    pub look: LookArgs,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The page")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct PageArgs {
    /// Panels side by side
    #[arg(long, value_name = "N", default_value_t = FigureLook::default().columns)]
    pub columns: usize,
    /// Width of the whole figure
    #[arg(long, value_name = "MM", default_value_t = FigureLook::default().width_mm)]
    pub width_mm: f64,
    /// Resolution of a PNG
    #[arg(long, value_name = "N", default_value_t = FigureLook::default().dpi)]
    pub dpi: f64,
    /// Size of the type
    #[arg(long, value_name = "PT", default_value_t = FigureLook::default().font_pt)]
    pub font_pt: f64,
    /// Between panels
    #[arg(long, value_name = "MM", default_value_t = FigureLook::default().gap_mm)]
    pub gap_mm: f64,
    /// Letter the panels a, b, c…
    #[arg(long)]
    pub letters: bool,
    /// Leave the titles out
    #[arg(long)]
    pub no_titles: bool,
    /// White type on a black page
    #[arg(long)]
    pub black: bool,
    /// Where scale bars stand, where the micrograph is calibrated
    #[arg(long, value_enum, default_value_t = ScaleBarArg::First)]
    pub scale_bars: ScaleBarArg,
    /// The same as --scale-bars none
    #[arg(long, conflicts_with = "scale_bars")]
    pub no_scale_bar: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScaleBarArg {
    /// In the first panel
    First,
    /// In every panel
    All,
    None,
}

impl PageArgs {
    fn look(&self) -> FigureLook {
        let scale_bars = match self.scale_bars {
            _ if self.no_scale_bar => ScaleBars::None,
            ScaleBarArg::First => ScaleBars::First,
            ScaleBarArg::All => ScaleBars::All,
            ScaleBarArg::None => ScaleBars::None,
        };
        FigureLook {
            columns: self.columns,
            width_mm: self.width_mm,
            dpi: self.dpi,
            font_pt: self.font_pt,
            gap_mm: self.gap_mm,
            letters: self.letters,
            titles: !self.no_titles,
            scale_bars,
            ground: if self.black { Ground::Black } else { Ground::White },
        }
    }
}

/// As `--json` prints it.
#[derive(Serialize)]
struct Done {
    file: String,
    panels: usize,
    width_mm: f64,
    height_mm: f64,
    calibrated: bool,
}

pub(super) fn run(args: &FigureArgs) -> Outcome {
    if FigureFormat::of_path(&args.out).is_none() {
        bail!("A figure is written as .png or .svg: {}", args.out.display());
    }
    let spec = FigureSpec {
        panels: args.panels.clone(),
        captions: args.captions.clone(),
        look: args.page.look(),
        paint: paint(&args.look)?,
        channel: args.source_channel,
        feature_colormap: args.feature_colormap,
        shared_contrast: args.shared_contrast,
        crop: args.crop,
        cursor: args.cursor,
        field: args.field.clone(),
    };
    if let Some(panel) = spec.panels.iter().find(|panel| panel.wants_model() && args.model.is_none()) {
        bail!("The panel {panel} needs a model: --model");
    }
    let device = open_device(&args.device)?;
    let micrograph = series_of(&args.file, &args.part)?.into_iter().next();
    let micrograph = micrograph.with_context(|| format!("There is no image: {}", args.file.display()))?;
    let settings = frames_of(&micrograph, &args.part)?.into_iter().next();
    let settings = settings.with_context(|| format!("There is no frame: {}", args.file.display()))?;
    let model = args.model.as_deref().map(|name| load_model(name, &device, None)).transpose()?;
    let input = FigureInput {
        micrograph: &micrograph,
        settings: &settings,
        model: model.as_ref(),
        device: &device.device,
        known: Known::default(),
    };
    let figure = with_progress(micrograph.name(), |monitor| export::figure(&spec, &input, monitor))?;
    export::write_figure(&figure, &args.out)?;
    if figure.pixel.is_none() && spec.look.scale_bars != ScaleBars::None {
        complain(&format!("the file names no pixel size, so there is no scale bar: {}", args.file.display()));
    }
    let file = args.out.display().to_string();
    if !args.json {
        say(&file);
        return Ok(Finished::default());
    }
    let [width_mm, height_mm] = export::figure_size(&figure);
    let calibrated = figure.pixel.is_some();
    say_json(&Done { file, panels: figure.panels.len(), width_mm, height_mm, calibrated })?;
    Ok(Finished::default())
}

fn parse_crop(text: &str) -> Result<[usize; 4], String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let wrong = || "expected X,Y,W,H in whole pixels, such as 100,40,256,256".to_owned();
    numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_or_refused() {
        assert_eq!(parse_crop("1, 2,30,40"), Ok([1, 2, 30, 40]));
        for bad in ["", "1,2,3", "1,2,3,4,5", "-1,2,3,4", "a,b,c,d"] {
            assert!(parse_crop(bad).is_err(), "{bad}");
        }
    }
}
