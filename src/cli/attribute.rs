//! `polepiece attribute`: why a pixel or an image is called what it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use ndarray::Array2;

use crate::analysis::{
    Ablating, AttributionMethod, AttributionRequest, Baseline, Filling, Over, Region, attribute, class_of,
};
use crate::export::{Paint, write_attribution};
use crate::inspect::Attribution;
use crate::network::Model;
use crate::training::{LabelScheme, read_labels};

use super::args::{DeviceArgs, PartArgs};
use super::context::{frames_of, load_model, open_device, series_of};
use super::effective::parse_place;
use super::measure::parse_region;
use super::terminal::{Finished, Outcome, say, say_json, table, with_progress};

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("over").args(["region", "pixel", "predicted"])))]
pub struct AttributeArgs {
    pub file: PathBuf,
    /// A model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    /// How the class's score is explained
    #[arg(long, value_enum)]
    pub method: MethodArg,
    /// The class, or a regressor's output, by name or counted from 0
    #[arg(long, value_name = "NAME|N")]
    pub class: String,
    /// The rectangle whose scores are summed (default: the whole image)
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_region)]
    pub region: Option<Region>,
    /// The one pixel whose score it is
    #[arg(long, value_name = "Y,X", value_parser = parse_place)]
    pub pixel: Option<[usize; 2]>,
    /// The pixels that are predicted as the class
    #[arg(long)]
    pub predicted: bool,
    #[command(flatten)]
    pub how: HowArgs,
    /// A mask of the image: ablation then tells the class's IoU too
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Label scheme in TOML of that mask (default: the value k is class k); its classes are
    /// matched with the model's by name
    #[arg(long, value_name = "TOML", requires = "labels")]
    pub scheme: Option<PathBuf>,
    /// Write the map: .npy (raw, on the method's own grid), .tif (over the image's pixels) or .png (in colours over the
    /// picture); of an ablation .csv
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Opacity of the strongest values in a .png, 0 to 1
    #[arg(long, value_name = "0–1", default_value_t = 0.85)]
    pub opacity: f32,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// One JSON object; what is not a number is null
    #[arg(long)]
    pub json: bool,
}

/// What single methods let choose.
#[derive(Debug, Args)]
#[command(next_help_heading = "The methods")]
pub struct HowArgs {
    /// grad-cam: the node whose maps are weighted (default: the last of those with the coarsest maps)
    #[arg(long)]
    pub node: Option<String>,
    /// integrated: steps from the baseline to the image
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub steps: usize,
    /// integrated: where the way begins
    #[arg(long, value_enum, default_value = "zero")]
    pub baseline: BaselineArg,
    /// integrated: standard deviation in px of the blurred baseline
    #[arg(long, value_name = "PX", default_value_t = 10.0)]
    pub sigma: f32,
    /// smooth-grad: how many noisy copies
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub samples: usize,
    /// smooth-grad: the noise's standard deviation, as a share of each channel's range
    #[arg(long, value_name = "SHARE", default_value_t = 0.15)]
    pub noise: f32,
    /// occlusion: side of the covered square in px of the network's input
    #[arg(long, value_name = "PX", default_value_t = 32)]
    pub patch: usize,
    /// occlusion: from one square to the next (default: half a patch)
    #[arg(long, value_name = "PX")]
    pub stride: Option<usize>,
    /// occlusion: what a covered square shows
    #[arg(long, value_enum, default_value = "mean")]
    pub fill: FillArg,
    /// ablation: shuffle a channel's pixels instead of giving all its mean
    #[arg(long)]
    pub shuffle: bool,
    /// smooth-grad and ablation --shuffle: the same seed gives the same numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodArg {
    /// ∂ score / ∂ pixel (Simonyan et al. 2013)
    Gradient,
    /// The gradient times the network's input
    GradientInput,
    /// The mean gradient over noisy copies (Smilkov et al. 2017)
    SmoothGrad,
    /// Integrated gradients, with the gap to completeness (Sundararajan et al. 2017)
    Integrated,
    /// Grad-CAM (Selvaraju et al. 2017), of a segmenter Seg-Grad-CAM (Vinogradova et al. 2020)
    GradCam,
    /// The score's fall where a square is covered (Zeiler and Fergus 2014)
    Occlusion,
    /// What each microscope channel is worth
    Ablation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BaselineArg {
    /// 0 of the network's numbers: the mean, where the card normalises by it
    Zero,
    /// Each channel's smallest value
    Black,
    /// The image, blurred
    Blurred,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FillArg {
    /// Each channel's mean
    Mean,
    /// 0 of the network's numbers
    Zero,
}

impl AttributeArgs {
    fn method(&self) -> AttributionMethod {
        let how = &self.how;
        match self.method {
            MethodArg::Gradient => AttributionMethod::Gradient,
            MethodArg::GradientInput => AttributionMethod::GradientInput,
            MethodArg::SmoothGrad => {
                AttributionMethod::SmoothGrad { samples: how.samples, noise: how.noise, seed: how.seed }
            }
            MethodArg::Integrated => {
                let baseline = match how.baseline {
                    BaselineArg::Zero => Baseline::Zero,
                    BaselineArg::Black => Baseline::Black,
                    BaselineArg::Blurred => Baseline::Blurred(how.sigma),
                };
                AttributionMethod::Integrated { steps: how.steps, baseline }
            }
            MethodArg::GradCam => AttributionMethod::GradCam { node: how.node.clone() },
            MethodArg::Occlusion => {
                let fill = match how.fill {
                    FillArg::Mean => Filling::Mean,
                    FillArg::Zero => Filling::Zero,
                };
                let stride = how.stride.unwrap_or((how.patch / 2).max(1));
                AttributionMethod::Occlusion { patch: how.patch, stride, fill }
            }
            MethodArg::Ablation if how.shuffle => {
                AttributionMethod::Ablation { by: Ablating::Shuffled { seed: how.seed } }
            }
            MethodArg::Ablation => AttributionMethod::Ablation { by: Ablating::Mean },
        }
    }

    fn over(&self) -> Over {
        match (self.region, self.pixel, self.predicted) {
            (Some(region), ..) => Over::Rectangle(region),
            (_, Some(at), _) => Over::Pixel(at),
            (.., true) => Over::Predicted,
            _ => Over::Whole,
        }
    }
}

pub(super) fn run(args: &AttributeArgs) -> Outcome {
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let micrograph = series_of(&args.file, &args.part)?.into_iter().next();
    let micrograph = micrograph.with_context(|| format!("There is no image: {}", args.file.display()))?;
    let settings = frames_of(&micrograph, &args.part)?.into_iter().next();
    let settings = settings.with_context(|| format!("There is no frame: {}", args.file.display()))?;
    let labels =
        args.labels.as_deref().map(|path| labels(path, args.scheme.as_deref(), &model)).transpose()?;
    let class = class_of(&model.card, &args.class)?;
    let request = AttributionRequest { method: args.method(), class, over: args.over(), labels };
    let found = with_progress(request.method.in_words(), |monitor| {
        attribute(&request, &model, (&micrograph, &settings), &device.device, monitor)
    })?;
    if let Some(path) = &args.out {
        let paint = Paint { opacity: args.opacity, ..Paint::default() };
        write_attribution(&found, (&micrograph, settings.frame), paint, path)?;
    }
    if args.json {
        say_json(&found)?;
    } else {
        for line in words(request.method.in_words(), &found) {
            say(&line);
        }
        if let Some(path) = &args.out {
            say(&path.display().to_string());
        }
    }
    Ok(Finished::default())
}

fn labels(path: &Path, scheme: Option<&Path>, model: &Model) -> anyhow::Result<Arc<Array2<u8>>> {
    let scheme = scheme.map(LabelScheme::load).transpose()?;
    Ok(Arc::new(read_labels(path, scheme.as_ref(), &model.card.classes)?))
}

fn words(method: &str, found: &Attribution) -> Vec<String> {
    let mut lines = vec![format!("{method} of {} over {}", found.class_name, found.over)];
    let score = &found.score;
    let probability = score.probability.map(|p| format!(", mean probability {p:.4}")).unwrap_or_default();
    lines.push(format!("logit {:.4}, summed over {} places{probability}", score.logit, score.places));
    if let Some(node) = &found.node {
        lines.push(format!("maps of {node}, weighted by their mean gradient"));
    }
    if let Some(completeness) = &found.completeness {
        let change = score.logit - completeness.baseline_logit;
        let share = if change == 0.0 { 0.0 } else { completeness.gap / change * 100.0 };
        lines.push(format!(
            "the logit rose by {change:.4} from the baseline's {:.4}; the attributions sum to {:.4}, a gap of {:.4} ({share:.2} %)",
            completeness.baseline_logit, completeness.sum, completeness.gap
        ));
    }
    if let Some(iou) = found.iou {
        lines.push(format!("IoU {iou:.4} over the whole image"));
    }
    if !found.channels.is_empty() {
        let heading =
            ["without", "logit", "change", "probability", "change", "IoU change"].map(str::to_owned);
        let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
        let rows = found.channels.iter().map(|channel| {
            let score = &channel.score;
            let numbers =
                [Some(score.logit), Some(channel.logit), score.probability, channel.probability, channel.iou];
            std::iter::once(channel.name.clone()).chain(numbers.map(number)).collect()
        });
        lines.push(table(&std::iter::once(heading.to_vec()).chain(rows).collect::<Vec<_>>()));
    }
    lines
}
