//! The architectures by name: what each is for, where it was published, and what it is built with unless told
//! otherwise. The command line, recipes and the window read this one table.

use super::about::{self, About};
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
        match self {
            Self::Perceptron => about::PERCEPTRON,
            Self::Adaline => about::ADALINE,
            Self::Mlp => about::MLP,
            Self::Lenet => about::LENET,
            Self::Lenet5 => about::LENET5,
            Self::Alexnet => about::ALEXNET,
            Self::Vgg11 => about::VGG11,
            Self::Vgg13 => about::VGG13,
            Self::Vgg16 => about::VGG16,
            Self::Vgg19 => about::VGG19,
            Self::Nin => about::NIN,
            Self::Densenet121 => about::DENSENET121,
            Self::Densenet169 => about::DENSENET169,
            Self::Densenet201 => about::DENSENET201,
            Self::Resnet18 => about::RESNET18,
            Self::Resnet34 => about::RESNET34,
            Self::Resnet50 => about::RESNET50,
            Self::Unet => about::UNET,
            Self::Unet2015 => about::UNET2015,
            Self::Spectral => about::SPECTRAL,
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
            Self::Nin => ArchitectureSpec { batch_norm: Some(false), ..wide },
            Self::Densenet121
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
                mirrored: Some(false),
                upsample: Some(Growth::Transposed),
                encoder: Some(Encoder::Plain),
                ..wide
            },
            Self::Unet2015 => ArchitectureSpec {
                base: Some(64),
                depth: Some(4),
                batch_norm: Some(false),
                padded: Some(false),
                mirrored: Some(false),
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
