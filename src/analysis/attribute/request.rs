//! What can be asked: by which method, of which class, over which pixels.
use super::asked::Places;
use crate::analysis::{AnalysisError, Region};
use crate::network::{ModelCard, Scope};
use ndarray::Array2;
use std::sync::Arc;

/// Most steps, samples or patches on a side: more would take days.
const MOST: usize = 10_000;

/// A question about a class's score.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributionRequest {
    pub method: AttributionMethod,
    /// Of a regressor one of its outputs.
    pub class: usize,
    pub over: Over,
    /// The true class of every pixel of the micrograph, [`IGNORE`](crate::analysis::IGNORE) where nothing is said, for the
    /// IoU that ablation tells.
    pub labels: Option<Arc<Array2<u8>>>,
}

/// How the score is explained.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributionMethod {
    /// ∂ score / ∂ pixel: where a small change would move the score.
    Gradient,
    /// The gradient times the network's input: what each pixel adds, were the network linear.
    GradientInput,
    /// The mean gradient over `samples` copies of the image with Gaussian noise, of a standard deviation of `noise` times
    /// the channel's range.
    SmoothGrad { samples: usize, noise: f32, seed: u64 },
    /// (input − baseline) times the mean gradient on the straight way from the baseline, taken in the middle of `steps`
    /// equal parts.
    Integrated { steps: usize, baseline: Baseline },
    /// A node's maps, weighted by their mean gradient, what is above zero; `None`: the last node of the coarsest maps.
    GradCam { node: Option<String> },
    /// The score's fall where a square of `patch` px of the network's input is covered, every `stride` px.
    Occlusion { patch: usize, stride: usize, fill: Filling },
    /// The score's change where a whole microscope channel says nothing.
    Ablation { by: Ablating },
}

/// What stands for "nothing" on the way that integrated gradients take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Baseline {
    /// 0 of the network's numbers: the mean where the card normalises by it, black where by percentiles.
    Zero,
    /// Each channel's smallest value.
    Black,
    /// The image blurred by a Gaussian of this standard deviation in px: what is smaller than it is missing.
    Blurred(f32),
}

/// What a covered square shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// Each channel's mean.
    Mean,
    /// 0 of the network's numbers.
    Zero,
}

/// How a channel is silenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ablating {
    /// All its pixels take its mean.
    Mean,
    /// Its pixels change places by chance: the values stay, where they are is lost.
    Shuffled { seed: u64 },
}

/// Which places of the answer the score is summed over; of a network with one answer an image all are the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Whole,
    Rectangle(Region),
    /// `[y, x]`.
    Pixel([usize; 2]),
    /// The pixels that are predicted as the class.
    Predicted,
}

impl AttributionRequest {
    /// Refuses numbers that mean nothing.
    pub(super) fn check(&self) -> Result<(), AnalysisError> {
        let wrong = |what: &str| Err(AnalysisError::Place(what.to_owned()));
        let count = |n: usize| (1..=MOST).contains(&n);
        match self.method {
            AttributionMethod::SmoothGrad { samples, .. } if !count(samples) => {
                wrong("SmoothGrad takes 1 to 10000 samples")
            }
            AttributionMethod::SmoothGrad { noise, .. } if !(0.0..=10.0).contains(&noise) => {
                wrong("SmoothGrad's noise lies between 0 and 10 times the range")
            }
            AttributionMethod::Integrated { steps, .. } if !count(steps) => {
                wrong("Integrated gradients take 1 to 10000 steps")
            }
            AttributionMethod::Integrated { baseline: Baseline::Blurred(sigma), .. }
                if !(sigma > 0.0 && sigma <= 1000.0) =>
            {
                wrong("The baseline is blurred by more than 0 and at most 1000 px")
            }
            AttributionMethod::Occlusion { patch, stride, .. } if patch == 0 || stride == 0 => {
                wrong("A patch and its stride have at least one pixel")
            }
            _ => Ok(()),
        }
    }
}

impl AttributionMethod {
    /// As the command line calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gradient => "gradient",
            Self::GradientInput => "gradient-input",
            Self::SmoothGrad { .. } => "smooth-grad",
            Self::Integrated { .. } => "integrated",
            Self::GradCam { .. } => "grad-cam",
            Self::Occlusion { .. } => "occlusion",
            Self::Ablation { .. } => "ablation",
        }
    }

    /// As people call it.
    #[must_use]
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Gradient => "Gradient",
            Self::GradientInput => "Gradient × input",
            Self::SmoothGrad { .. } => "SmoothGrad",
            Self::Integrated { .. } => "Integrated gradients",
            Self::GradCam { .. } => "Grad-CAM",
            Self::Occlusion { .. } => "Occlusion",
            Self::Ablation { .. } => "Channel ablation",
        }
    }
}

impl Over {
    pub(super) fn of_an_image(self) -> Result<Places, AnalysisError> {
        match self {
            Self::Whole | Self::Predicted => Ok(Places::Answer),
            Self::Rectangle(_) | Self::Pixel(_) => Err(AnalysisError::Place(
                "This network gives one answer for the image: only the whole image can be asked about"
                    .to_owned(),
            )),
        }
    }

    pub(super) fn in_words(self, scope: Scope) -> String {
        match self {
            _ if scope == Scope::PerImage => "the image's answer".to_owned(),
            Self::Whole => "the whole image".to_owned(),
            Self::Predicted => "the pixels predicted as it".to_owned(),
            Self::Pixel([y, x]) => format!("the pixel at y {y} x {x}"),
            Self::Rectangle(Region { x, y, width, height }) => {
                format!("the rectangle of {width} × {height} px at x {x} y {y}")
            }
        }
    }
}

/// The class of that name, or of that number counted from 0.
///
/// # Errors
/// [`AnalysisError::Place`] with the names there are.
pub fn class_of(card: &ModelCard, text: &str) -> Result<usize, AnalysisError> {
    let named = card.classes.iter().position(|class| class.name.eq_ignore_ascii_case(text));
    let numbered = || text.parse().ok().filter(|&class: &usize| class < card.classes.len());
    named.or_else(numbered).ok_or_else(|| {
        let names: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
        AnalysisError::Place(format!("{} has no class {text}; it has {}", card.name, names.join(", ")))
    })
}
