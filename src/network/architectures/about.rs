//! What people are told of each architecture.

use crate::network::Task;
use serde::Serialize;

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

/// A classifier of small grey images in ten classes.
const SMALL: About = About {
    name: "",
    title: "",
    purpose: "",
    paper: "",
    task: Task::Classify,
    input: [1, 28, 28],
    classes: 10,
};
/// For photographs in a thousand classes, as `ImageNet` has them.
const IMAGENET: About = About { input: [3, 224, 224], classes: 1000, ..SMALL };

const LECUN: &str = "LeCun, Bottou, Bengio & Haffner 1998, Proceedings of the IEEE 86, 2278";
const RONNEBERGER: &str = "Ronneberger, Fischer & Brox 2015, arXiv:1505.04597";

pub(super) const PERCEPTRON: About = About {
    name: "perceptron",
    title: "Perceptron",
    purpose: "one weighted sum of all pixels a class; the largest wins",
    paper: "Rosenblatt 1958, Psychological Review 65, 386",
    ..SMALL
};
pub(super) const ADALINE: About = About {
    name: "adaline",
    title: "ADALINE",
    purpose: "the same weighted sums, taught by the square of their error before any threshold",
    paper: "Widrow & Hoff 1960, IRE WESCON Convention Record 4, 96",
    task: Task::Regress,
    ..SMALL
};
pub(super) const MLP: About = About {
    name: "mlp",
    title: "Multilayer perceptron",
    purpose: "dense layers with ReLU between; every feature sees every pixel",
    paper: "Rumelhart, Hinton & Williams 1986, Nature 323, 533",
    ..SMALL
};
pub(super) const LENET: About = About {
    name: "lenet",
    title: "LeNet",
    purpose: "LeNet-5's convolutions, averaged over the image, so that any size fits",
    paper: LECUN,
    ..SMALL
};
pub(super) const LENET5: About = About {
    name: "lenet5",
    title: "LeNet-5",
    purpose: "two convolutions and three dense layers, for one size of image",
    paper: LECUN,
    ..SMALL
};
pub(super) const ALEXNET: About = About {
    name: "alexnet",
    title: "AlexNet",
    purpose: "five convolutions and three dense layers, the first large network to win",
    paper: "Krizhevsky 2014, arXiv:1404.5997, after Krizhevsky, Sutskever & Hinton 2012",
    ..IMAGENET
};
pub(super) const VGG11: About = vgg("vgg11", "VGG-11");
pub(super) const VGG13: About = vgg("vgg13", "VGG-13");
pub(super) const VGG16: About = vgg("vgg16", "VGG-16");
pub(super) const VGG19: About = vgg("vgg19", "VGG-19");
pub(super) const NIN: About = About {
    name: "nin",
    title: "NiN",
    purpose: "a small perceptron at every pixel after each convolution, and no dense layer",
    paper: "Lin, Chen & Yan 2013, arXiv:1312.4400",
    input: [1, 224, 224],
    ..SMALL
};
pub(super) const DENSENET121: About = densenet("densenet121", "DenseNet-121");
pub(super) const DENSENET169: About = densenet("densenet169", "DenseNet-169");
pub(super) const DENSENET201: About = densenet("densenet201", "DenseNet-201");
pub(super) const RESNET18: About = resnet("resnet18", "ResNet-18");
pub(super) const RESNET34: About = resnet("resnet34", "ResNet-34");
pub(super) const RESNET50: About = resnet("resnet50", "ResNet-50");
pub(super) const UNET: About = About {
    name: "unet",
    title: "U-Net",
    purpose: "down, up and across: a class for every pixel, the mask as large as the image",
    paper: RONNEBERGER,
    task: Task::Segment,
    input: [1, 512, 512],
    classes: 2,
};
pub(super) const UNET2015: About = About {
    name: "unet2015",
    title: "U-Net of 2015",
    purpose: "the U-Net as published, without padding: it answers for the middle of its image",
    paper: RONNEBERGER,
    task: Task::Segment,
    input: [1, 572, 572],
    classes: 2,
};
pub(super) const SPECTRAL: About = About {
    name: "spectral",
    title: "Spectral regressor",
    purpose: "mixes the energies of each pixel, looks at its neighbourhood, answers with numbers",
    paper: "1×1 mixing as in Lin, Chen & Yan 2013, arXiv:1312.4400",
    task: Task::Regress,
    input: [8, 128, 128],
    classes: 8,
};

const fn vgg(name: &'static str, title: &'static str) -> About {
    let purpose =
        "blocks of 3×3 convolutions, each half the size and up to twice the channels of the one before";
    About { name, title, purpose, paper: "Simonyan & Zisserman 2014, arXiv:1409.1556", ..IMAGENET }
}

const fn densenet(name: &'static str, title: &'static str) -> About {
    let purpose = "dense blocks, in which every layer reads all before it, and transitions between";
    let paper = "Huang, Liu, van der Maaten & Weinberger 2016, arXiv:1608.06993";
    About { name, title, purpose, paper, ..IMAGENET }
}

const fn resnet(name: &'static str, title: &'static str) -> About {
    let purpose = "blocks that add what they compute to what they were given";
    About { name, title, purpose, paper: "He, Zhang, Ren & Sun 2015, arXiv:1512.03385", ..IMAGENET }
}
