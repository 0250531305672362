//! The recipe's tables `[card]`, `[loop]` and `[augment]`, with their defaults.
use crate::network::Normalisation;
use serde::{Deserialize, Serialize};

/// A class of the network, or an output of a regressor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeClass {
    pub name: String,
    /// sRGB
    pub colour: [u8; 3],
}

/// `[card]`: what the model's card says of its input and output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSpec {
    /// One name an input channel of the network.
    #[serde(default = "one_grey_channel")]
    pub channels: Vec<String>,
    #[serde(default)]
    pub pixel_size_nm: Option<f64>,
    pub normalisation: Normalisation,
    /// `[y, x]` the image of a network with one answer an image is resampled to.
    #[serde(default)]
    pub input_size: Option<[usize; 2]>,
    /// In the network's order; the first of a segmenter is the background. Of a regressor its outputs.
    pub classes: Vec<RecipeClass>,
    /// Of a regressor's numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
}

fn one_grey_channel() -> Vec<String> {
    vec!["grey".to_owned()]
}

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    CrossEntropy,
    /// Soft Dice (Milletari et al. 2016).
    Dice,
    /// The sum of the two.
    #[default]
    Both,
    /// Of regressors, and theirs unless they say otherwise.
    MeanSquared,
    MeanAbsolute,
    /// Squared up to `huber_delta`, absolute beyond it (Huber 1964).
    Huber,
}

impl Loss {
    /// True for those of numbers.
    pub(in crate::training) fn is_distance(self) -> bool {
        matches!(self, Self::MeanSquared | Self::MeanAbsolute | Self::Huber)
    }
}

/// How much each class counts in the cross-entropy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"equal\", \"balanced\" or one number a class")]
pub enum ClassWeights {
    #[default]
    #[serde(with = "equal")]
    Equal,
    /// Pixels of all classes / (classes × pixels of the class), of the training data.
    #[serde(with = "balanced")]
    Balanced,
    Given(Vec<f32>),
}

macro_rules! keyword {
    ($name:ident) => {
        mod $name {
            use serde::{Deserialize, Deserializer, Serializer, de::Error};
            pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(stringify!($name))
            }
            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
                let word = String::deserialize(deserializer)?;
                if word == stringify!($name) { Ok(()) } else { Err(D::Error::custom("another word")) }
            }
        }
    };
}
keyword!(equal);
keyword!(balanced);

/// `[loop]`: how long, how fast, by what measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoopSpec {
    /// Decides the first weights, the crops, the augmentation and the split.
    pub seed: u64,
    /// Budget in steps; with it the result is the same on every run.
    pub steps: Option<usize>,
    /// Budget in minutes of training, loading not counted.
    pub minutes: Option<f64>,
    /// Crops a step.
    pub batch: usize,
    /// Side of a crop in px, where images are not resampled.
    pub crop: usize,
    pub learning_rate: f64,
    pub weight_decay: f64,
    pub loss: Loss,
    /// Where Huber's loss turns from squared to absolute, in the outputs' units.
    pub huber_delta: f32,
    pub class_weights: ClassWeights,
    /// Share of the budget over which the learning rate grows linearly; then it falls as half a cosine.
    pub warm_up: f64,
    /// Steps between validations.
    pub validate_every: usize,
    /// Share of the training images set aside, whole, when there is no `[[validate]]`.
    pub val_fraction: f64,
}

impl Default for LoopSpec {
    fn default() -> Self {
        Self {
            seed: 0,
            steps: None,
            minutes: None,
            batch: 8,
            crop: 128,
            learning_rate: 2e-3,
            weight_decay: 1e-4,
            loss: Loss::default(),
            huber_delta: 1.0,
            class_weights: ClassWeights::default(),
            warm_up: 0.05,
            validate_every: 100,
            val_fraction: 0.2,
        }
    }
}

/// `[augment]`: how crops are varied. Geometry moves image and mask together; grey levels are the normalised ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Mirror along y and x, each in half of the crops.
    pub flip: bool,
    /// Turn by 0, 90, 180 or 270 degrees.
    pub quarter_turns: bool,
    /// Turn further by up to this many degrees either way.
    pub rotation: f32,
    /// Magnify by a factor between the two, evenly in its logarithm.
    pub scale: [f32; 2],
    /// Share of the crops that are magnified and turned further at all; the others keep their pixels.
    pub scale_chance: f32,
    /// Add up to ± this.
    pub brightness: f32,
    /// Stretch about the crop's mean by up to ± this share.
    pub contrast: f32,
    /// Raise to a power between 1/(1 + this) and 1 + this, the sign kept.
    pub gamma: f32,
    /// Share of the crops that become their negative.
    pub invert: f32,
    /// Gaussian noise of up to this standard deviation.
    pub noise: f32,
    /// Gaussian blur of up to this sigma in px.
    pub blur: f32,
    /// A slope and a bowl of up to ± this from side to side.
    pub shading: f32,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            flip: true,
            quarter_turns: true,
            rotation: 0.0,
            scale: [1.0, 1.0],
            scale_chance: 0.5,
            brightness: 0.0,
            contrast: 0.0,
            gamma: 0.0,
            invert: 0.0,
            noise: 0.0,
            blur: 0.0,
            shading: 0.0,
        }
    }
}
