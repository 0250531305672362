//! One `[[train]]`, `[[validate]]` or `[[test]]` table: where images come from and how they are labelled.
use crate::network::{DataSource, Task};
use crate::synth::Kind;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Height and width in px; a recipe may write one number for a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Side(pub [usize; 2]);

impl<'de> Deserialize<'de> for Side {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a side in px or [height, width]")]
        enum Written {
            Square(usize),
            Both([usize; 2]),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Square(side) => Self([side, side]),
            Written::Both(both) => Self(both),
        })
    }
}

/// Either synthetic (`synth`, `seed`, `count`, `size`), files with masks (`images`, `masks`, `scheme`) or with maps of
/// numbers (`images`, `targets`), files of one class (`images`, `class`), a folder that holds one folder a class
/// (`folders`), or a table of files with their classes or numbers (`table`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// As it stands in the card, and as metrics of this source are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// How often it is drawn from, against the other sources; `None` is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,

    #[serde(skip_serializing_if = "Option::is_none")]
    pub synth: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// Of each synthetic image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Side>,

    /// Folder of images, or one file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masks: Option<PathBuf>,
    /// Folder of maps of the true numbers, one channel an output (regressors).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<PathBuf>,
    /// Label scheme, relative to the recipe; `None`: values are class indices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<PathBuf>,
    /// Only image files whose name fits this pattern (`*` any characters, `?` one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// But not those whose name fits this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<String>,

    /// All images of this source are of this class (classifiers).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// A folder with one folder a class (classifiers).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folders: Option<PathBuf>,
    /// A CSV table of files with their `class`, or with a number an output; its paths start from its own folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<PathBuf>,
    /// Cut the images into pieces of this size (classifiers).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pieces: Option<Side>,

    /// The source's class names to the card's; "ignore" leaves those pixels out of the loss.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

impl Source {
    /// What to call it.
    #[must_use]
    pub fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        match (self.synth, self.images.as_ref().or(self.folders.as_ref()).or(self.table.as_ref())) {
            (Some(kind), _) => format!("synthetic {}", kind.name()),
            (None, Some(path)) => path.display().to_string(),
            (None, None) => "unnamed".to_owned(),
        }
    }

    pub(super) fn credit(&self) -> DataSource {
        let licence = match (&self.licence, self.synth) {
            (Some(licence), _) => licence.clone(),
            (None, Some(_)) => "MIT OR Apache-2.0".to_owned(),
            (None, None) => "not stated".to_owned(),
        };
        DataSource { name: self.title(), licence, note: self.note.clone() }
    }

    /// What is wrong with the table, if anything.
    pub(super) fn check(&self, task: Task) -> Result<(), String> {
        let kinds =
            [self.synth.is_some(), self.images.is_some(), self.folders.is_some(), self.table.is_some()];
        if kinds.iter().filter(|k| **k).count() != 1 {
            return Err("give exactly one of synth, images, folders and table".to_owned());
        }
        if self.weight.is_some_and(|w| !(w.is_finite() && w >= 0.0)) {
            return Err("weight must be a number not below 0".to_owned());
        }
        if self.synth.is_some() {
            self.check_synthetic()?;
        } else if self.seed.is_some() || self.count.is_some() || self.size.is_some() {
            return Err("seed, count and size belong to synth".to_owned());
        }
        if self.pieces.is_some_and(|Side([h, w])| h < 8 || w < 8) {
            return Err("pieces must be at least 8 px".to_owned());
        }
        self.check_labels(task)
    }

    /// What is true of the images must be said, and as the task needs it.
    fn check_labels(&self, task: Task) -> Result<(), String> {
        let of_classes = self.class.is_some() || self.folders.is_some();
        let masked = self.masks.is_some() || self.scheme.is_some();
        match task {
            Task::Segment if self.class.is_some() || self.folders.is_some() || self.pieces.is_some() => {
                Err("class, folders and pieces belong to classifiers".to_owned())
            }
            Task::Segment if self.table.is_some() => {
                Err("table belongs to classifiers and regressors".to_owned())
            }
            Task::Segment | Task::Classify if self.targets.is_some() => {
                Err("targets belong to regressors".to_owned())
            }
            Task::Segment if self.images.is_some() != self.masks.is_some() => {
                Err("images and masks come together".to_owned())
            }
            Task::Classify if masked => Err("masks and scheme belong to segmenters".to_owned()),
            Task::Classify if self.class.is_some() == (self.folders.is_some() || self.table.is_some()) => {
                Err("say class, or folders with one folder a class, or a table with a column class"
                    .to_owned())
            }
            Task::Regress if masked || of_classes || self.pieces.is_some() || !self.map.is_empty() => {
                Err("masks, scheme, class, folders, pieces and map are of classes, and a regressor has none"
                    .to_owned())
            }
            Task::Regress if self.images.is_some() != self.targets.is_some() => {
                Err("images and targets come together".to_owned())
            }
            Task::Regress if self.synth.is_some_and(|kind| kind.elements().is_empty()) => {
                Err("synth has numbers for \"eds\" alone: its composition".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_synthetic(&self) -> Result<(), String> {
        match (self.seed, self.count, self.size) {
            (Some(_), Some(count), Some(Side([h, w]))) => {
                if count == 0 || count > 100_000 || h.min(w) < 16 || h.max(w) > 8192 {
                    return Err("count must be 1 to 100000 and size 16 to 8192 px".to_owned());
                }
                Ok(())
            }
            _ => Err("synth needs seed, count and size".to_owned()),
        }
    }
}
