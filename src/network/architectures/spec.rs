//! What a network is built from: an architecture and the choices it leaves open.

use super::encoded_unet::{EncodedUnet, encoded_unet};
use super::{
    Answer, Architecture, Encoder, Growth, Head, SpectralSpec, UnetSpec, alexnet, densenet, lenet,
    mirrored_unet, mlp, nin, resnet, scaled, spectral, unet, unpadded_unet, vgg,
};
use crate::network::{Graph, NetworkError};
use serde::{Deserialize, Serialize};

/// Most times as wide as published.
const MAX_WIDTH: f64 = 64.0;

/// An architecture, its channels and classes, and the choices that it leaves open; `None` takes the default of
/// [`Architecture::defaults`]. As a recipe's table `[network]` it is without channels, classes and size, which the
/// card says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureSpec {
    pub architecture: Architecture,
    /// Channels of the image.
    #[serde(skip, default = "one")]
    pub in_channels: usize,
    /// Classes, or outputs of a regressor.
    #[serde(skip, default = "two")]
    pub classes: usize,
    /// `[y, x]` of the image, for networks that fit one size only.
    #[serde(skip)]
    pub image: Option<[usize; 2]>,
    /// How many times as many channels as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Channels of the first level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<usize>,
    /// Poolings of a U-Net (a classifier's encoder has its own five), or a regressor's 3×3 convolutions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_norm: Option<bool>,
    /// Convolutions that keep the size; without, a U-Net's mask is smaller than its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padded: Option<bool>,
    /// A U-Net without padding sees its image mirrored about the border, and its mask is as large as the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrored: Option<bool>,
    /// How a decoder grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upsample: Option<Growth>,
    /// What goes down in a U-Net.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<Encoder>,
    /// The features are averaged over the image, so that any size fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_pooling: Option<bool>,
    /// Features of an MLP's hidden layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Vec<usize>>,
    /// What a regressor answers for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Which numbers a regressor may answer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

fn one() -> usize {
    1
}
fn two() -> usize {
    2
}

impl Default for ArchitectureSpec {
    /// A U-Net.
    fn default() -> Self {
        Self::new(Architecture::Unet)
    }
}

impl ArchitectureSpec {
    /// Every choice left to the architecture; one channel, two classes.
    #[must_use]
    pub fn new(architecture: Architecture) -> Self {
        Self {
            architecture,
            in_channels: one(),
            classes: two(),
            image: None,
            width: None,
            base: None,
            depth: None,
            batch_norm: None,
            padded: None,
            mirrored: None,
            upsample: None,
            encoder: None,
            global_pooling: None,
            hidden: None,
            head: None,
            answer: None,
        }
    }

    /// The same with every choice made that the architecture leaves open, and without those that it does not have.
    #[must_use]
    pub fn resolved(&self) -> Self {
        fn choose<T: Clone>(chosen: Option<&T>, default: Option<T>) -> Option<T> {
            default.map(|default| chosen.cloned().unwrap_or(default))
        }
        let default = self.architecture.defaults();
        Self {
            architecture: self.architecture,
            in_channels: self.in_channels,
            classes: self.classes,
            image: self.image,
            width: choose(self.width.as_ref(), default.width),
            base: choose(self.base.as_ref(), default.base),
            depth: choose(self.depth.as_ref(), default.depth),
            batch_norm: choose(self.batch_norm.as_ref(), default.batch_norm),
            padded: choose(self.padded.as_ref(), default.padded),
            mirrored: choose(self.mirrored.as_ref(), default.mirrored),
            upsample: choose(self.upsample.as_ref(), default.upsample),
            encoder: choose(self.encoder.as_ref(), default.encoder),
            global_pooling: choose(self.global_pooling.as_ref(), default.global_pooling),
            hidden: choose(self.hidden.as_ref(), default.hidden),
            head: choose(self.head.as_ref(), default.head),
            answer: choose(self.answer.as_ref(), default.answer),
        }
    }

    /// Keys of the choices that are made.
    #[must_use]
    pub fn made(&self) -> Vec<&'static str> {
        let all = [
            ("width", self.width.is_some()),
            ("base", self.base.is_some()),
            ("depth", self.depth.is_some()),
            ("batch_norm", self.batch_norm.is_some()),
            ("padded", self.padded.is_some()),
            ("mirrored", self.mirrored.is_some()),
            ("upsample", self.upsample.is_some()),
            ("encoder", self.encoder.is_some()),
            ("global_pooling", self.global_pooling.is_some()),
            ("hidden", self.hidden.is_some()),
            ("head", self.head.is_some()),
            ("answer", self.answer.is_some()),
        ];
        all.into_iter().filter(|(_, made)| *made).map(|(key, _)| key).collect()
    }

    /// Keys of the choices that are made and that the architecture does not have.
    #[must_use]
    pub fn superfluous(&self) -> Vec<&'static str> {
        let open = self.architecture.defaults().made();
        self.made().into_iter().filter(|key| !open.contains(key)).collect()
    }
}

/// Builds the network; choices that the architecture does not have count for nothing.
///
/// # Errors
/// [`NetworkError::Graph`] in words for counts of nothing, and for choices out of range.
pub fn build(spec: &ArchitectureSpec) -> Result<Graph, NetworkError> {
    let spec = spec.resolved();
    let width = spec.width.unwrap_or(1.0);
    if !(width.is_finite() && width > 0.0 && width <= MAX_WIDTH) {
        return Err(NetworkError::Graph(format!(
            "The width must be above 0 and at most {MAX_WIDTH} times the published one, found {width}"
        )));
    }
    let mut graph = chosen(&spec, width)?;
    spec.architecture.name().clone_into(&mut graph.architecture);
    Ok(graph)
}

fn chosen(spec: &ArchitectureSpec, width: f64) -> Result<Graph, NetworkError> {
    use Architecture as A;
    let (channels, classes) = (spec.in_channels, spec.classes);
    let [y, x] = spec.image.unwrap_or([1, 1]);
    let base = scaled(spec.base.unwrap_or(1), width);
    let choices = vgg::Choices {
        in_channels: channels,
        classes,
        width,
        batch_norm: spec.batch_norm == Some(true),
        global_pooling: spec.global_pooling == Some(true),
    };
    match spec.architecture {
        A::Perceptron | A::Adaline => mlp([channels, y, x], &[], classes),
        A::Mlp => {
            let hidden: Vec<usize> = spec.hidden.iter().flatten().map(|&n| scaled(n, width)).collect();
            mlp([channels, y, x], &hidden, classes)
        }
        A::Lenet => lenet(channels, classes, base, (!choices.global_pooling).then_some([y, x])),
        A::Lenet5 => lenet(channels, classes, base, Some([y, x])),
        A::Alexnet => alexnet::alexnet(choices),
        A::Vgg11 => vgg::vgg(vgg::VGG11, choices),
        A::Vgg13 => vgg::vgg(vgg::VGG13, choices),
        A::Vgg16 => vgg::vgg(vgg::VGG16, choices),
        A::Vgg19 => vgg::vgg(vgg::VGG19, choices),
        A::Nin => nin::nin(channels, classes, width, choices.batch_norm),
        A::Densenet121 => densenet::densenet(densenet::DENSENET121, channels, classes, width),
        A::Densenet169 => densenet::densenet(densenet::DENSENET169, channels, classes, width),
        A::Densenet201 => densenet::densenet(densenet::DENSENET201, channels, classes, width),
        A::Resnet18 => resnet::resnet(resnet::Stages::RESNET18, channels, classes, width),
        A::Resnet34 => resnet::resnet(resnet::Stages::RESNET34, channels, classes, width),
        A::Resnet50 => resnet::resnet(resnet::Stages::RESNET50, channels, classes, width),
        A::Unet | A::Unet2015 => any_unet(spec, base, width),
        A::Spectral => spectral(SpectralSpec {
            in_channels: channels,
            outputs: classes,
            base,
            depth: spec.depth.unwrap_or(0),
            batch_norm: choices.batch_norm,
            head: spec.head.unwrap_or(Head::Pixel),
            answer: spec.answer.unwrap_or(Answer::Free),
        }),
    }
}

fn any_unet(spec: &ArchitectureSpec, base: usize, width: f64) -> Result<Graph, NetworkError> {
    let (batch_norm, upsample) = (spec.batch_norm == Some(true), spec.upsample.and_then(Growth::resample));
    let (in_channels, classes) = (spec.in_channels, spec.classes);
    let (padded, mirrored) = (spec.padded == Some(true), spec.mirrored == Some(true));
    if padded && mirrored {
        return Err(NetworkError::Graph("A U-Net whose borders are padded has none to be mirrored".into()));
    }
    if let Some(encoder) = spec.encoder.and_then(Encoder::trunk) {
        if !padded {
            return Err(NetworkError::Graph(
                "Only a U-Net with its own encoder can go without padding".into(),
            ));
        }
        let spec = EncodedUnet { encoder, in_channels, classes, width, base, batch_norm, upsample };
        return encoded_unet(spec);
    }
    let depth = spec.depth.unwrap_or(0);
    let spec = UnetSpec { in_channels, classes, base, depth, batch_norm, upsample };
    match (padded, mirrored) {
        (true, _) => unet(spec),
        (false, true) => mirrored_unet(spec),
        (false, false) => unpadded_unet(spec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_builds_with_its_defaults_and_is_found_by_its_name() {
        for architecture in Architecture::ALL {
            let about = architecture.about();
            assert_eq!(Architecture::from_name(about.name), Some(architecture));
            assert_eq!(serde_json::to_value(architecture).unwrap(), about.name);
            let graph = build(&architecture.defaults()).unwrap();
            assert_eq!(graph.architecture, about.name);
            let shapes = graph.shapes(about.input).unwrap();
            assert_eq!(shapes.last().unwrap()[0], about.classes, "{}", about.name);
        }
        assert_eq!(Architecture::from_name("resnet"), None);
    }

    #[test]
    fn a_spec_without_choices_is_the_default() {
        for architecture in Architecture::ALL {
            let default = architecture.defaults();
            let bare = ArchitectureSpec {
                in_channels: default.in_channels,
                classes: default.classes,
                image: default.image,
                ..ArchitectureSpec::new(architecture)
            };
            assert_eq!(bare.resolved(), default);
            assert_eq!(default.resolved(), default);
        }
    }

    #[test]
    fn the_width_multiplies_every_hidden_layer() {
        let spec = ArchitectureSpec { width: Some(0.5), ..Architecture::Unet.defaults() };
        let graph = build(&spec).unwrap();
        let shapes = graph.shapes([1, 32, 32]).unwrap();
        assert_eq!(shapes[graph.index_of("enc1.conv1").unwrap()][0], 8);
        assert_eq!(shapes[graph.index_of("mid.conv1").unwrap()][0], 128);
        assert_eq!(shapes.last().unwrap()[0], 2);
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 65.0] {
            let spec = ArchitectureSpec { width: Some(width), ..Architecture::Unet.defaults() };
            assert!(build(&spec).unwrap_err().to_string().starts_with("The width must be above 0"));
        }
    }

    #[test]
    fn choices_an_architecture_does_not_have_are_named() {
        let spec = ArchitectureSpec { depth: Some(3), width: Some(0.5), ..Architecture::Lenet.defaults() };
        assert_eq!(spec.superfluous(), ["depth"]);
        assert_eq!(spec.resolved().depth, None);
    }
}
