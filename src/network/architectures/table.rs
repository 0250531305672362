//! The architectures by name: what each is for, where it was published, and what it is built with unless told
//! otherwise. The command line, recipes and the window read this one table.

use super::spec::{ArchitectureSpec, Encoder, Growth};
use crate::network::Task;
use serde::{Deserialize, Serialize};

/// What `polepiece describe`, `--arch` and a recipe's `[network] architecture` name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    Perceptron,
    Mlp,
    Lenet,
    Lenet5,
    Unet,
}

/// What people are told of an architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct About {
    /// As it is written in recipes and on the command line: "resnet18".
    pub name: &'static str,
    /// As papers write it: "ResNet-18".
    pub title: &'static str,
    /// One line.
    pub purpose: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// What it answers.
    pub task: Task,
    /// `[channel, y, x]` it was published for, or is shown with.
    pub input: [usize; 3],
    /// Classes (or outputs) it was published for.
    pub classes: usize,
}

impl Architecture {
    /// All, from the simplest to the largest, segmenters last.
    pub const ALL: [Self; 5] = [Self::Perceptron, Self::Mlp, Self::Lenet, Self::Lenet5, Self::Unet];

    /// As recipes and the command line write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.about().name
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// What a network of this kind is for.
    #[must_use]
    pub fn task(self) -> Task {
        self.about().task
    }

    #[must_use]
    pub fn about(self) -> About {
        let small = About { task: Task::Classify, input: [1, 28, 28], classes: 10, ..BLANK };
        match self {
            Self::Perceptron => About {
                name: "perceptron",
                title: "Perceptron",
                purpose: "one weighted sum of all pixels a class; the largest wins",
                paper: "Rosenblatt 1958, Psychological Review 65, 386",
                ..small
            },
            Self::Mlp => About {
                name: "mlp",
                title: "Multilayer perceptron",
                purpose: "dense layers with ReLU between; every feature sees every pixel",
                paper: "Rumelhart, Hinton & Williams 1986, Nature 323, 533",
                ..small
            },
            Self::Lenet => About {
                name: "lenet",
                title: "LeNet",
                purpose: "LeNet-5's convolutions, averaged over the image, so that any size fits",
                paper: LENET,
                ..small
            },
            Self::Lenet5 => About {
                name: "lenet5",
                title: "LeNet-5",
                purpose: "two convolutions and three dense layers, for one size of image",
                paper: LENET,
                ..small
            },
            Self::Unet => About {
                name: "unet",
                title: "U-Net",
                purpose: "down, up and across: a class for every pixel, the mask as large as the image",
                paper: UNET,
                task: Task::Segment,
                input: [1, 512, 512],
                classes: 2,
            },
        }
    }

    /// A spec with the published channels and classes in which every choice that this architecture leaves open is
    /// there with its default; those that it does not have are `None`.
    #[must_use]
    pub fn defaults(self) -> ArchitectureSpec {
        let about = self.about();
        let bare = ArchitectureSpec {
            in_channels: about.input[0],
            classes: about.classes,
            image: Some([about.input[1], about.input[2]]),
            ..ArchitectureSpec::new(self)
        };
        let wide = ArchitectureSpec { width: Some(1.0), ..bare.clone() };
        match self {
            Self::Perceptron => bare,
            Self::Mlp => ArchitectureSpec { hidden: Some(Vec::new()), ..wide },
            Self::Lenet => ArchitectureSpec { base: Some(16), global_pooling: Some(true), ..wide },
            Self::Lenet5 => ArchitectureSpec { base: Some(6), ..wide },
            Self::Unet => ArchitectureSpec {
                base: Some(16),
                depth: Some(4),
                batch_norm: Some(true),
                padded: Some(true),
                upsample: Some(Growth::Transposed),
                encoder: Some(Encoder::Plain),
                ..wide
            },
        }
    }
}

const BLANK: About = About {
    name: "",
    title: "",
    purpose: "",
    paper: "",
    task: Task::Classify,
    input: [1, 28, 28],
    classes: 10,
};
const LENET: &str = "LeCun, Bottou, Bengio & Haffner 1998, Proceedings of the IEEE 86, 2278";
const UNET: &str = "Ronneberger, Fischer & Brox 2015, arXiv:1505.04597";
