//! Things every test needs: the program, a folder of its own, small images and models.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candle_core::Device;
use ndarray::Array2;
use polepiece::export::{TiffPages, write_tiff};
use polepiece::imaging::{Calibration, PixelSize};
use polepiece::network::architectures::{UnetSpec, lenet, unet};
use polepiece::network::{ClassInfo, Model, ModelCard, Normalisation, Task, Weights};

/// The program's folder: where `models` and `sample_data` are.
pub(crate) fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of real micrographs, or `None` with a printed word where it is absent.
pub(crate) fn shared_data() -> Option<PathBuf> {
    let folder = home().join("../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no ../shared/data");
    None
}

/// The program, with the project's models and no display.
pub(crate) fn polepiece(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polepiece"));
    command.args(args).env("POLEPIECE_HOME", home()).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the program in `dir`.
pub(crate) fn run_in(dir: &Path, args: &[&str]) -> Ran {
    polepiece(args).current_dir(dir).output().unwrap().into()
}

/// A text path; test folders have no odd names.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Bright discs on a dark, slightly sloping ground.
pub(crate) fn discs(height: usize, width: usize) -> Array2<u16> {
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (dy, dx) = ((y % 24) as i32 - 12, (x % 24) as i32 - 12);
        let disc = if dy * dy + dx * dx < 50 { 3000 } else { 500 };
        disc + ((x * 7 + y * 13) % 41) as u16 + x as u16
    })
}

pub(crate) fn calibrated(nm: f64) -> Calibration {
    Calibration::of_pixel(&PixelSize { x_nm: nm, y_nm: nm, source: "test".into() })
}

/// Writes a 16-bit image of discs.
pub(crate) fn write_discs(path: &Path, height: usize, width: usize, nm: Option<f64>) {
    let calibration = nm.map(calibrated).unwrap_or_default();
    let names = ["grey".to_owned()];
    write_tiff(path, TiffPages::U16(&[discs(height, width)]), &names, &calibration).unwrap();
}

/// Writes the same with pixels of 12.5 nm, the last `rows` rows a white banner with strokes like letters on it.
pub(crate) fn write_discs_over_letters(path: &Path, height: usize, width: usize, rows: usize) {
    let mut picture = discs(height, width);
    for ((y, x), value) in picture.indexed_iter_mut().filter(|((y, _), _)| *y >= height - rows) {
        let from_top = y + rows - height;
        let is_stroke =
            (10..24).contains(&from_top) && (20..width - 20).contains(&x) && (x / 2).is_multiple_of(3);
        *value = if is_stroke { 0 } else { 65_535 };
    }
    write_tiff(path, TiffPages::U16(&[picture]), &["grey".to_owned()], &calibrated(12.5)).unwrap();
}

fn card(name: &str, task: Task, classes: usize, channels: usize) -> ModelCard {
    let colours = [[40, 40, 40], [230, 120, 30], [40, 140, 230]];
    ModelCard {
        name: name.into(),
        description: "random weights, for tests".into(),
        task,
        classes: (0..classes)
            .map(|i| ClassInfo { name: format!("class {i}"), colour: colours[i % 3] })
            .collect(),
        units: None,
        channels: (0..channels).map(|i| format!("channel {i}")).collect(),
        pixel_size_nm: None,
        normalisation: Normalisation::Percentile { low: 1.0, high: 99.0 },
        input_size: None,
        training_data: Vec::new(),
        licence: "MIT OR Apache-2.0".into(),
        metrics: std::collections::BTreeMap::new(),
        metrics_on: String::new(),
        recipe: String::new(),
        trained_by: String::new(),
    }
}

/// A U-Net of random weights.
pub(crate) fn write_segmenter(path: &Path, in_channels: usize) {
    let spec = UnetSpec { in_channels, classes: 3, base: 4, depth: 2, batch_norm: true, upsample: None };
    let graph = unet(spec).unwrap();
    let weights = Weights::initialised(&graph, 7, &Device::Cpu).unwrap();
    let card = card("Test segmenter", Task::Segment, 3, in_channels);
    Model::new(graph, weights, card).unwrap().save(path).unwrap();
}

/// A LeNet of random weights.
pub(crate) fn write_classifier(path: &Path) {
    let graph = lenet(1, 3, 4, None).unwrap();
    let weights = Weights::initialised(&graph, 7, &Device::Cpu).unwrap();
    let card = card("Test classifier", Task::Classify, 3, 1);
    Model::new(graph, weights, card).unwrap().save(path).unwrap();
}
