//! Flags that say how an architecture is built.

use anyhow::bail;
use clap::Args;

use crate::network::architectures::{Answer, Architecture, ArchitectureSpec, Encoder, Growth, Head};

/// The choices that architectures leave open; which of them has which, `polepiece describe --list` says.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The architecture")]
pub struct ChoiceArgs {
    /// How many times as many channels as published
    #[arg(long, value_name = "FACTOR")]
    pub width: Option<f64>,
    /// Channels of the first level (a U-Net's default is 16)
    #[arg(long, value_name = "N")]
    pub base: Option<usize>,
    /// Number of poolings (a U-Net's default is 4), or of a regressor's 3×3 convolutions
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Batch-norm after every convolution
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub batch_norm: Option<bool>,
    /// Convolutions that keep the size
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub padded: Option<bool>,
    /// Without padding, show the network its image mirrored about the border, so that the mask is as large
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub mirrored: Option<bool>,
    /// How a decoder grows: transposed, nearest or bilinear
    #[arg(long, value_name = "HOW", value_parser = parse_growth)]
    pub upsample: Option<Growth>,
    /// What goes down in a U-Net: plain, or vgg11, resnet18, densenet121…
    #[arg(long, value_name = "NAME", value_parser = parse_encoder)]
    pub encoder: Option<Encoder>,
    /// Average the features over the image, so that any size fits
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub global_pooling: Option<bool>,
    /// Features of an MLP's hidden layers, such as 300,100
    #[arg(long, value_name = "N,…", value_delimiter = ',', num_args = 1)]
    pub hidden: Option<Vec<usize>>,
    /// What a regressor answers for: pixel or image
    #[arg(long, value_name = "WHAT", value_parser = parse_head)]
    pub head: Option<Head>,
    /// Which numbers a regressor answers with: free, bounded (0 to 1) or `sum_to_one`
    #[arg(long, value_name = "WHICH", value_parser = parse_answer)]
    pub answer: Option<Answer>,
}

impl ChoiceArgs {
    /// The architecture with these choices; refuses those that it does not have, by their flags.
    pub fn spec(&self, architecture: Architecture) -> anyhow::Result<ArchitectureSpec> {
        let spec = self.spread(architecture);
        if let Some(key) = spec.superfluous().first() {
            bail!("{} has no such choice: {}", architecture.about().title, flag(key));
        }
        if self.depth.is_some() && self.encoder.is_some_and(|encoder| encoder != Encoder::Plain) {
            bail!("A classifier that goes down in a U-Net has five poolings of its own: --depth");
        }
        Ok(spec)
    }

    /// The first flag that was given.
    pub fn first_given(&self) -> Option<String> {
        self.spread(Architecture::Unet).made().first().map(|key| flag(key))
    }

    fn spread(&self, architecture: Architecture) -> ArchitectureSpec {
        ArchitectureSpec {
            width: self.width,
            base: self.base,
            depth: self.depth,
            batch_norm: self.batch_norm,
            padded: self.padded,
            mirrored: self.mirrored,
            upsample: self.upsample,
            encoder: self.encoder,
            global_pooling: self.global_pooling,
            hidden: self.hidden.clone(),
            head: self.head,
            answer: self.answer,
            ..ArchitectureSpec::new(architecture)
        }
    }
}

fn flag(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

fn parse_growth(text: &str) -> Result<Growth, String> {
    Growth::from_name(text).ok_or_else(|| unknown("way to grow", &Growth::ALL.map(Growth::name)))
}

fn parse_encoder(text: &str) -> Result<Encoder, String> {
    Encoder::from_name(text).ok_or_else(|| unknown("encoder", &Encoder::ALL.map(Encoder::name)))
}

fn parse_head(text: &str) -> Result<Head, String> {
    Head::from_name(text).ok_or_else(|| unknown("head", &Head::ALL.map(Head::name)))
}

fn parse_answer(text: &str) -> Result<Answer, String> {
    Answer::from_name(&text.replace('-', "_"))
        .ok_or_else(|| unknown("answer", &Answer::ALL.map(Answer::name)))
}

fn unknown(what: &str, names: &[&str]) -> String {
    format!("unknown {what}; there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_an_architecture_does_not_have_are_refused_by_their_flag() {
        let choices = ChoiceArgs { global_pooling: Some(true), width: Some(0.5), ..ChoiceArgs::default() };
        assert_eq!(choices.spec(Architecture::Vgg11).unwrap().width, Some(0.5));
        let message = choices.spec(Architecture::Resnet18).unwrap_err().to_string();
        assert_eq!(message, "ResNet-18 has no such choice: --global-pooling");
        assert_eq!(choices.first_given().as_deref(), Some("--width"));
        assert_eq!(ChoiceArgs::default().first_given(), None);
        let deep = ChoiceArgs { depth: Some(3), encoder: Some(Encoder::Vgg11), ..ChoiceArgs::default() };
        assert!(deep.spec(Architecture::Unet).unwrap_err().to_string().ends_with("--depth"));
        let plain = ChoiceArgs { encoder: Some(Encoder::Plain), ..deep };
        assert_eq!(plain.spec(Architecture::Unet).unwrap().depth, Some(3));
    }
}
