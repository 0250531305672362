//! What Polepiece writes beside an array: `NAME.calibration.json` with axes, channels and calibration of `NAME.npy`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bytes::Input;
use super::error::Fault;
use super::micrograph::About;
use super::{AxisScale, Calibration};

/// Bytes that it may have.
const LONGEST: u64 = 8 << 20;
/// Letters of the axes that are known.
const KNOWN: &str = "QTZCESYX";

#[derive(Deserialize)]
pub(super) struct Beside {
    pub(super) axes: String,
    shape: Vec<usize>,
    #[serde(default)]
    channel_names: Vec<String>,
    #[serde(default)]
    calibration: Vec<AxisScale>,
    #[serde(skip)]
    name: String,
}

impl Beside {
    /// Where it is looked for.
    pub(super) fn path_for(array: &Path) -> PathBuf {
        array.with_extension("calibration.json")
    }

    /// What lies beside an array of that shape; `None` where nothing does, or what does is of another array.
    pub(super) fn read(array: &Path, shape: &[usize]) -> Option<Self> {
        let path = Self::path_for(array);
        let read = || {
            let input = Input::open(&path)?;
            input.bytes(0, input.length().min(LONGEST))
        };
        let text = read().map_err(|_: Fault| ()).ok()?;
        let mut beside: Self = serde_json::from_slice(&text).ok()?;
        beside.name = path.file_name()?.to_string_lossy().into_owned();
        beside.fits(shape).then_some(beside)
    }

    fn fits(&self, shape: &[usize]) -> bool {
        let letters: Vec<char> = self.axes.chars().collect();
        let once =
            |&(at, letter): &(usize, &char)| KNOWN.contains(*letter) && !letters[..at].contains(letter);
        let x = letters.iter().position(|&letter| letter == 'X');
        let y = letters.iter().position(|&letter| letter == 'Y');
        // Y has X behind it.
        let planes = y.is_none_or(|y| x == Some(y + 1));
        self.shape == shape
            && letters.len() == shape.len()
            && planes
            && letters.iter().enumerate().all(|l| once(&l))
    }

    /// Tells what it knows.
    pub(super) fn tell(self, about: &mut About) {
        let names = self.channel_names.len() == about.channel_names.len();
        if names {
            about.channel_names = self.channel_names;
        }
        let name = &self.name;
        let told = |axis: AxisScale| AxisScale { source: format!("{name}: {}", axis.source), ..axis };
        about.calibration = Calibration::from_axes(self.calibration.into_iter().map(told));
        about.metadata.push("NPY / beside", self.name);
    }
}
