//! What is kept between runs.
use crate::compute::DeviceChoice;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    Dark,
    Light,
}

/// Kept as TOML in the user's configuration folder; unreadable means defaults.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub theme: Theme,
    /** newest first */
    pub recent: Vec<PathBuf>,
    pub model: Option<String>,
    pub export_dir: Option<PathBuf>,
    pub device: DeviceChoice,
}

impl Preferences {
    #[must_use]
    pub fn load() -> Self {
        todo!()
    }
    /// Writes them whole or not at all.
    pub fn save(&self) -> std::io::Result<()> {
        todo!()
    }
}
