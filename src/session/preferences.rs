//! What is kept between runs.

use crate::compute::DeviceChoice;
use crate::files::write_whole;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    /// Newest first.
    pub recent: Vec<PathBuf>,
    pub model: Option<String>,
    pub export_dir: Option<PathBuf>,
    pub device: DeviceChoice,
    /// Bytes of feature maps that may be kept; by what is free where nothing was chosen.
    pub feature_memory: Option<u64>,
}

impl Preferences {
    /// How many recent files are kept.
    pub const RECENT: usize = 12;

    /// What was kept, or the defaults.
    #[must_use]
    pub fn load() -> Self {
        Self::file().map(|path| Self::load_from(&path)).unwrap_or_default()
    }

    /// Writes them whole or not at all.
    pub fn save(&self) -> io::Result<()> {
        let path = Self::file().ok_or_else(|| io::Error::other("No configuration folder on this system"))?;
        self.save_to(&path)
    }

    /// Where they are kept; `None` on a system without a home folder.
    pub(super) fn file() -> Option<PathBuf> {
        let dirs = directories::ProjectDirs::from("", "", "polepiece")?;
        Some(dirs.config_dir().join("preferences.toml"))
    }

    pub(super) fn load_from(path: &Path) -> Self {
        let Ok(text) = std::fs::read_to_string(path) else { return Self::default() };
        toml::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!("preferences are unreadable, defaults are used: {error}: {}", path.display());
            Self::default()
        })
    }

    pub(super) fn save_to(&self, path: &Path) -> io::Result<()> {
        let text = toml::to_string_pretty(self).map_err(io::Error::other)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        write_whole(path, |file| file.write_all(text.as_bytes()))
    }

    /// Puts a file in front of the recent ones. A path that is no text cannot be kept and is left out.
    pub(super) fn remember(&mut self, path: &Path) {
        if path.to_str().is_none() {
            return;
        }
        self.recent.retain(|seen| seen != path);
        self.recent.insert(0, path.to_path_buf());
        self.recent.truncate(Self::RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new folder").join("preferences.toml");
        let mut kept =
            Preferences { theme: Theme::Light, device: DeviceChoice::Cpu, ..Preferences::default() };
        kept.save_to(&path).unwrap();
        assert_eq!(Preferences::load_from(&path), kept);
        kept.model = Some("sem-precipitates".into());
        kept.export_dir = Some("out".into());
        kept.feature_memory = Some(300 << 20);
        kept.remember(Path::new("a \"quoted\" name.tif"));
        kept.save_to(&path).unwrap();
        assert_eq!(Preferences::load_from(&path), kept);
    }

    #[test]
    fn unreadable_or_absent_preferences_are_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preferences.toml");
        assert_eq!(Preferences::load_from(&path), Preferences::default());
        std::fs::write(&path, b"theme = 7 \xff\xfe").unwrap();
        assert_eq!(Preferences::load_from(&path), Preferences::default());
        std::fs::write(&path, "theme = \"purple\"").unwrap();
        assert_eq!(Preferences::load_from(&path), Preferences::default());
    }

    #[test]
    fn a_field_of_a_later_version_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preferences.toml");
        std::fs::write(&path, "theme = \"light\"\nwings = 2\n").unwrap();
        assert_eq!(Preferences::load_from(&path).theme, Theme::Light);
    }

    #[test]
    fn recent_files_are_newest_first_without_repeats() {
        let mut preferences = Preferences::default();
        for name in ["a", "b", "a"] {
            preferences.remember(Path::new(name));
        }
        assert_eq!(preferences.recent, [PathBuf::from("a"), PathBuf::from("b")]);
        for number in 0..20 {
            preferences.remember(Path::new(&number.to_string()));
        }
        assert_eq!(preferences.recent.len(), Preferences::RECENT);
        assert_eq!(preferences.recent[0], PathBuf::from("19"));
    }
}
