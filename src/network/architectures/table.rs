//! The architectures by name: what each is for, where it was published, and what it is built with unless told
//! otherwise. The command line, recipes and the window read this one table.

use super::{Answer, ArchitectureSpec, Encoder, Growth, Head};
use crate::network::Task;
use serde::{Deserialize, Serialize};

/// What `polepiece describe`, `--arch` and a recipe's `[network] architecture` name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    Perceptron,
    Adaline,
    Mlp,
    Lenet,
    Lenet5,
    Alexnet,
    Vgg11,
    Vgg13,
    Vgg16,
    Vgg19,
    Nin,
    Densenet121,
    Densenet169,
    Densenet201,
    Resnet18,
    Resnet34,
    Resnet50,
    Unet,
    Unet2015,
    Spectral,
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
    /// All, from the simplest to the largest, then segmenters, then regressors.
    pub const ALL: [Self; 20] = [
        Self::Perceptron,
        Self::Adaline,
        Self::Mlp,
        Self::Lenet,
        Self::Lenet5,
        Self::Alexnet,
        Self::Vgg11,
        Self::Vgg13,
        Self::Vgg16,
        Self::Vgg19,
        Self::Nin,
        Self::Densenet121,
        Self::Densenet169,
        Self::Densenet201,
        Self::Resnet18,
        Self::Resnet34,
        Self::Resnet50,
        Self::Unet,
        Self::Unet2015,
        Self::Spectral,
    ];

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
            Self::Adaline => About {
                name: "adaline",
                title: "ADALINE",
                purpose: "the same weighted sums, taught by the square of their error before any threshold",
                paper: "Widrow & Hoff 1960, IRE WESCON Convention Record 4, 96",
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
            Self::Alexnet => About {
                name: "alexnet",
                title: "AlexNet",
                purpose: "five convolutions and three dense layers, the first large network to win",
                paper: "Krizhevsky 2014, arXiv:1404.5997, after Krizhevsky, Sutskever & Hinton 2012",
                ..IMAGENET
            },
            Self::Vgg11 => vgg("vgg11", "VGG-11"),
            Self::Vgg13 => vgg("vgg13", "VGG-13"),
            Self::Vgg16 => vgg("vgg16", "VGG-16"),
            Self::Vgg19 => vgg("vgg19", "VGG-19"),
            Self::Nin => About {
                name: "nin",
                title: "NiN",
                purpose: "a small perceptron at every pixel after each convolution, and no dense layer",
                paper: "Lin, Chen & Yan 2013, arXiv:1312.4400",
                input: [1, 224, 224],
                ..small
            },
            Self::Densenet121 => densenet("densenet121", "DenseNet-121"),
            Self::Densenet169 => densenet("densenet169", "DenseNet-169"),
            Self::Densenet201 => densenet("densenet201", "DenseNet-201"),
            Self::Resnet18 => resnet("resnet18", "ResNet-18"),
            Self::Resnet34 => resnet("resnet34", "ResNet-34"),
            Self::Resnet50 => resnet("resnet50", "ResNet-50"),
            Self::Unet => About {
                name: "unet",
                title: "U-Net",
                purpose: "down, up and across: a class for every pixel, the mask as large as the image",
                paper: UNET,
                task: Task::Segment,
                input: [1, 512, 512],
                classes: 2,
            },
            Self::Unet2015 => About {
                name: "unet2015",
                title: "U-Net of 2015",
                purpose: "the U-Net as published, without padding: it answers for the middle of its image",
                paper: UNET,
                task: Task::Segment,
                input: [1, 572, 572],
                classes: 2,
            },
            Self::Spectral => About {
                name: "spectral",
                title: "Spectral-spatial regressor",
                purpose: "mixes the energies of each pixel, looks at its neighbourhood, answers with numbers",
                paper: "1×1 mixing as in Lin, Chen & Yan 2013, arXiv:1312.4400",
                task: Task::Segment,
                input: [8, 128, 128],
                classes: 8,
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
            Self::Perceptron | Self::Adaline => bare,
            Self::Mlp => ArchitectureSpec { hidden: Some(Vec::new()), ..wide },
            Self::Lenet => ArchitectureSpec { base: Some(16), global_pooling: Some(true), ..wide },
            Self::Lenet5 => ArchitectureSpec { base: Some(6), ..wide },
            Self::Alexnet => ArchitectureSpec { global_pooling: Some(false), ..wide },
            Self::Vgg11 | Self::Vgg13 | Self::Vgg16 | Self::Vgg19 => {
                ArchitectureSpec { batch_norm: Some(false), global_pooling: Some(false), ..wide }
            }
            Self::Nin
            | Self::Densenet121
            | Self::Densenet169
            | Self::Densenet201
            | Self::Resnet18
            | Self::Resnet34
            | Self::Resnet50 => wide,
            Self::Unet => ArchitectureSpec {
                base: Some(16),
                depth: Some(4),
                batch_norm: Some(true),
                padded: Some(true),
                upsample: Some(Growth::Transposed),
                encoder: Some(Encoder::Plain),
                ..wide
            },
            Self::Unet2015 => ArchitectureSpec {
                base: Some(64),
                depth: Some(4),
                batch_norm: Some(false),
                padded: Some(false),
                upsample: Some(Growth::Transposed),
                ..wide
            },
            Self::Spectral => ArchitectureSpec {
                base: Some(32),
                depth: Some(3),
                batch_norm: Some(true),
                head: Some(Head::Pixel),
                answer: Some(Answer::Free),
                ..wide
            },
        }
    }
}

/// For photographs in a thousand classes, as ImageNet has them.
const IMAGENET: About = About { input: [3, 224, 224], classes: 1000, ..BLANK };

fn vgg(name: &'static str, title: &'static str) -> About {
    let purpose =
        "blocks of 3×3 convolutions, each half the size and up to twice the channels of the one before";
    About { name, title, purpose, paper: "Simonyan & Zisserman 2014, arXiv:1409.1556", ..IMAGENET }
}

fn densenet(name: &'static str, title: &'static str) -> About {
    let purpose = "dense blocks, in which every layer reads all before it, and transitions between";
    let paper = "Huang, Liu, van der Maaten & Weinberger 2016, arXiv:1608.06993";
    About { name, title, purpose, paper, ..IMAGENET }
}

fn resnet(name: &'static str, title: &'static str) -> About {
    let purpose = "blocks that add what they compute to what they were given";
    About { name, title, purpose, paper: "He, Zhang, Ren & Sun 2015, arXiv:1512.03385", ..IMAGENET }
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
