//! The recipe's table `[network]`: which architecture, how large.
use super::CardSpec;
use crate::network::architectures::{UnetSpec, lenet, mlp, unet};
use crate::network::{Graph, NetworkError, Resample, Task};
use serde::{Deserialize, Serialize};

/// What `[network] architecture` and `--arch` name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    Unet,
    Lenet,
    Mlp,
}

impl Architecture {
    pub const ALL: [Self; 3] = [Self::Unet, Self::Lenet, Self::Mlp];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unet => "unet",
            Self::Lenet => "lenet",
            Self::Mlp => "mlp",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// What a network of this kind is for.
    #[must_use]
    pub fn task(self) -> Task {
        if self == Self::Unet { Task::Segment } else { Task::Classify }
    }
}

/// `[network]`. Keys that an architecture has no use for keep their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    pub architecture: Architecture,
    /// Channels of the first level.
    #[serde(default = "default_base")]
    pub base: usize,
    /// Poolings of a U-Net.
    #[serde(default = "default_depth")]
    pub depth: usize,
    #[serde(default = "yes")]
    pub batch_norm: bool,
    /// How a U-Net's decoder grows: nothing for transposed convolution, "nearest" or "bilinear".
    #[serde(default)]
    pub upsample: Option<Resample>,
    /// `LeNet` closes with global average pooling and takes any size; else with the classic dense head.
    #[serde(default = "yes")]
    pub global_pooling: bool,
    /// Widths of an MLP's hidden layers.
    #[serde(default)]
    pub hidden: Vec<usize>,
}

fn default_base() -> usize {
    16
}
fn default_depth() -> usize {
    4
}
fn yes() -> bool {
    true
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self {
            architecture: Architecture::Unet,
            base: default_base(),
            depth: default_depth(),
            batch_norm: true,
            upsample: None,
            global_pooling: true,
            hidden: Vec::new(),
        }
    }
}

impl NetworkSpec {
    /// Input sizes must be multiples of this.
    #[must_use]
    pub fn stride(&self) -> usize {
        if self.architecture == Architecture::Unet { 1 << self.depth.min(16) } else { 1 }
    }

    pub(super) fn build(&self, card: &CardSpec, task: Task) -> Result<Graph, NetworkError> {
        let (channels, classes) = (card.channels.len(), card.classes.len());
        if self.architecture.task() != task {
            let name = self.architecture.name();
            return Err(NetworkError::Graph(format!("[network] architecture: {name} is not for this task")));
        }
        match self.architecture {
            Architecture::Unet => unet(UnetSpec {
                in_channels: channels,
                classes,
                base: self.base,
                depth: self.depth,
                batch_norm: self.batch_norm,
                upsample: self.upsample,
            }),
            Architecture::Lenet => {
                lenet(channels, classes, self.base, if self.global_pooling { None } else { card.input_size })
            }
            Architecture::Mlp => {
                let [height, width] = card.input_size.unwrap_or([1, 1]);
                mlp([channels, height, width], &self.hidden, classes)
            }
        }
    }
}
