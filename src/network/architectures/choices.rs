//! Choices that are one of several names.

use super::encoded_unet::Trunk;
use super::{densenet, resnet, vgg};
use crate::network::Resample;
use serde::{Deserialize, Serialize};

/// How a decoder doubles y and x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// Transposed 2×2 convolution, which learns how.
    Transposed,
    Nearest,
    Bilinear,
}

impl Growth {
    pub const ALL: [Self; 3] = [Self::Transposed, Self::Nearest, Self::Bilinear];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transposed => "transposed",
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|growth| growth.name() == name)
    }

    /// How to resample; `None` for the transposed convolution.
    #[must_use]
    pub fn resample(self) -> Option<Resample> {
        match self {
            Self::Transposed => None,
            Self::Nearest => Some(Resample::Nearest),
            Self::Bilinear => Some(Resample::Bilinear),
        }
    }
}

/// What goes down in a U-Net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoder {
    /// Two 3×3 convolutions a level, as published.
    Plain,
    Vgg11,
    Vgg13,
    Vgg16,
    Vgg19,
    Resnet18,
    Resnet34,
    Resnet50,
    Densenet121,
    Densenet169,
    Densenet201,
}

impl Encoder {
    pub const ALL: [Self; 11] = [
        Self::Plain,
        Self::Vgg11,
        Self::Vgg13,
        Self::Vgg16,
        Self::Vgg19,
        Self::Resnet18,
        Self::Resnet34,
        Self::Resnet50,
        Self::Densenet121,
        Self::Densenet169,
        Self::Densenet201,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Vgg11 => "vgg11",
            Self::Vgg13 => "vgg13",
            Self::Vgg16 => "vgg16",
            Self::Vgg19 => "vgg19",
            Self::Resnet18 => "resnet18",
            Self::Resnet34 => "resnet34",
            Self::Resnet50 => "resnet50",
            Self::Densenet121 => "densenet121",
            Self::Densenet169 => "densenet169",
            Self::Densenet201 => "densenet201",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoder| encoder.name() == name)
    }

    /// `None` for the U-Net's own.
    pub(super) fn trunk(self) -> Option<Trunk> {
        Some(match self {
            Self::Plain => return None,
            Self::Vgg11 => Trunk::Vgg(vgg::VGG11),
            Self::Vgg13 => Trunk::Vgg(vgg::VGG13),
            Self::Vgg16 => Trunk::Vgg(vgg::VGG16),
            Self::Vgg19 => Trunk::Vgg(vgg::VGG19),
            Self::Resnet18 => Trunk::Resnet(resnet::Stages::RESNET18),
            Self::Resnet34 => Trunk::Resnet(resnet::Stages::RESNET34),
            Self::Resnet50 => Trunk::Resnet(resnet::Stages::RESNET50),
            Self::Densenet121 => Trunk::Densenet(densenet::DENSENET121),
            Self::Densenet169 => Trunk::Densenet(densenet::DENSENET169),
            Self::Densenet201 => Trunk::Densenet(densenet::DENSENET201),
        })
    }
}

/// What a regressor answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// Every pixel.
    Pixel,
    /// The image as a whole.
    Image,
}

impl Head {
    pub const ALL: [Self; 2] = [Self::Pixel, Self::Image];

    #[must_use]
    pub fn name(self) -> &'static str {
        if self == Self::Pixel { "pixel" } else { "image" }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|head| head.name() == name)
    }
}

/// Which numbers a regressor may answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Any.
    Free,
    /// Between 0 and 1, each for itself.
    Bounded,
    /// Between 0 and 1, all outputs together 1, as shares are.
    SumToOne,
}

impl Answer {
    pub const ALL: [Self; 3] = [Self::Free, Self::Bounded, Self::SumToOne];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Bounded => "bounded",
            Self::SumToOne => "sum_to_one",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_recipes_use() {
        let json = |value: serde_json::Result<serde_json::Value>| value.unwrap();
        for growth in Growth::ALL {
            assert_eq!(json(serde_json::to_value(growth)), growth.name());
            assert_eq!(Growth::from_name(growth.name()), Some(growth));
        }
        for encoder in Encoder::ALL {
            assert_eq!(json(serde_json::to_value(encoder)), encoder.name());
            assert_eq!(Encoder::from_name(encoder.name()), Some(encoder));
        }
        for head in Head::ALL {
            assert_eq!(json(serde_json::to_value(head)), head.name());
            assert_eq!(Head::from_name(head.name()), Some(head));
        }
        for answer in Answer::ALL {
            assert_eq!(json(serde_json::to_value(answer)), answer.name());
            assert_eq!(Answer::from_name(answer.name()), Some(answer));
        }
    }
}
