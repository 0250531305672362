//! How a model is trained, as a TOML file: network, card, data, loop and augmentation. `models/README.md` documents
//! every key; a key that is not known is an error that names it.

mod checks;
mod folders;
mod like;
mod parts;
mod source;

pub use folders::FolderTraining;
pub use parts::{Augment, CardSpec, ClassWeights, LoopSpec, Loss, RecipeClass};
pub use source::{Side, Source};

use super::TrainingError;
use crate::network::architectures::{ArchitectureSpec, build};
use crate::network::{ClassInfo, DataSource, Graph, ModelCard, Task};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything that makes a model, but the data themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub name: String,
    pub description: String,
    pub licence: String,
    pub task: Task,
    /// Folder that the sources' paths start from, relative to the recipe's own folder; empty: the recipe's folder.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub data: PathBuf,
    pub network: ArchitectureSpec,
    pub card: CardSpec,
    #[serde(rename = "loop", default)]
    pub schedule: LoopSpec,
    #[serde(default)]
    pub augment: Augment,
    pub train: Vec<Source>,
    /// Chooses the best step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validate: Vec<Source>,
    /// Gives the card's metrics and chooses nothing; without it the card's metrics are those of `validate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<Source>,
    /// The folder that relative paths start from.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The TOML as it was read; goes into the model's card.
    #[serde(skip)]
    pub text: String,
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

impl Recipe {
    /// Reads and checks a recipe file.
    pub fn load(path: &Path) -> Result<Self, TrainingError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TrainingError::Io { path: path.to_path_buf(), source })?;
        Self::parse(&text, path)
    }

    /// Reads and checks a recipe's text; `path` is where it stands (for relative paths and messages).
    pub fn parse(text: &str, path: &Path) -> Result<Self, TrainingError> {
        let bad = |what: String| TrainingError::Bad { path: path.to_path_buf(), what };
        let (text, from) = match like::taken_over(text, path)? {
            Some((text, other)) => (text, other),
            None => (text.to_owned(), path.to_path_buf()),
        };
        let mut recipe: Self =
            toml::from_str(&text).map_err(|e| bad(format!("Not a recipe: {}", e.to_string().trim_end())))?;
        recipe.folder = from.parent().map(Path::to_path_buf).unwrap_or_default();
        recipe.text = text;
        recipe.check().map_err(bad)?;
        Ok(recipe)
    }

    /// The network's graph.
    pub fn graph(&self) -> Result<Graph, TrainingError> {
        let card = &self.card;
        Ok(build(&ArchitectureSpec {
            in_channels: card.channels.len(),
            classes: card.classes.len(),
            image: card.input_size,
            ..self.network.clone()
        })?)
    }

    /// The card before training: no metrics yet.
    #[must_use]
    pub fn model_card(&self) -> ModelCard {
        ModelCard {
            name: self.name.clone(),
            description: self.description.clone(),
            task: self.task,
            classes: self.classes(),
            units: self.card.units.clone(),
            channels: self.card.channels.clone(),
            pixel_size_nm: self.card.pixel_size_nm,
            normalisation: self.card.normalisation,
            input_size: self.card.input_size,
            training_data: self.training_data(),
            licence: self.licence.clone(),
            metrics: BTreeMap::new(),
            metrics_on: String::new(),
            recipe: self.text.clone(),
            trained_by: format!("Polepiece {}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// The classes (a regressor's outputs) in the network's order.
    #[must_use]
    pub fn classes(&self) -> Vec<ClassInfo> {
        let class = |c: &RecipeClass| ClassInfo { name: c.name.clone(), colour: c.colour };
        self.card.classes.iter().map(class).collect()
    }

    fn training_data(&self) -> Vec<DataSource> {
        let mut all: Vec<DataSource> = Vec::new();
        for source in self.train.iter().map(Source::credit) {
            if !all.contains(&source) {
                all.push(source);
            }
        }
        all
    }
}

#[cfg(test)]
pub(crate) mod tests;
