//! Ripple: a text of keys (`.rpl`) beside a file of samples (`.raw`), as Lispix defined it and `HyperSpy` extends it.

use std::path::{Path, PathBuf};

use super::bytes::{Input, Order};
use super::calibration::unit_in_nm;
use super::error::Fault;
use super::format::{Format, Start};
use super::micrograph::About;
use super::raw::{Raw, Stored};
use super::strided::{Strided, steps};
use super::{AxisScale, Calibration, ImagingError, Micrograph, SampleType};

/// The format, for the table of them.
pub(super) struct Ripple;

/// Bytes that a text of keys may have.
const LONGEST: u64 = 1 << 20;

impl Format for Ripple {
    fn name(&self) -> &'static str {
        "Ripple"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["rpl", "raw"]
    }

    /// The text with its keys, or samples that have such a text beside them.
    fn recognises(&self, start: &Start) -> bool {
        Keys::of(&start.bytes).is_some()
            || (has_ending(&start.path, "raw") && keys_beside(&start.path).is_some())
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open(path).map_err(|fault| fault.at(path))
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending))
}

/// The file of the same name with another ending.
fn beside(path: &Path, endings: [&str; 2]) -> Option<PathBuf> {
    endings.iter().map(|ending| path.with_extension(ending)).find(|path| path.is_file())
}

fn keys_beside(raw: &Path) -> Option<(PathBuf, Keys)> {
    let path = beside(raw, ["rpl", "RPL"])?;
    let keys = Keys::read(&path).ok()?;
    Some((path, keys))
}

/// What the text says.
struct Keys(Vec<(String, String)>);

impl Keys {
    fn read(path: &Path) -> Result<Self, Fault> {
        let input = Input::open(path)?;
        if input.length() > LONGEST {
            return Err(Fault::Bad("The text of keys is too long for one".into()));
        }
        let bytes = input.bytes(0, input.length())?;
        Self::of(&bytes).ok_or_else(|| Fault::Bad("The text has not the keys of a Ripple file".into()))
    }

    /// `None` unless the keys that give an image its size are there. A `;` begins a comment.
    fn of(bytes: &[u8]) -> Option<Self> {
        let latin: String = bytes.iter().copied().map(char::from).collect();
        let text = String::from_utf8(bytes.to_vec()).unwrap_or(latin);
        let lines = text.lines().filter_map(|line| line.split(';').next()?.split_once('\t'));
        let pair = |(key, value): (&str, &str)| (key.trim().to_lowercase(), value.trim().to_owned());
        let keys = Self(lines.map(pair).collect());
        let wanted = ["width", "height", "depth", "data-length", "data-type"];
        wanted.iter().all(|key| keys.get(key).is_some()).then_some(keys)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.parse().ok()
    }

    fn length(&self, key: &str) -> Result<usize, Fault> {
        let text = self.get(key).unwrap_or_default();
        let length = text.parse().ok().filter(|&n| n > 0);
        length.ok_or_else(|| Fault::Bad(format!("The Ripple file has “{text}” for its {key}")))
    }

    fn sample_type(&self) -> Result<SampleType, Fault> {
        let value = |key| self.get(key).unwrap_or_default().to_lowercase();
        let (kind, bytes) = (value("data-type"), value("data-length"));
        Ok(match (kind.as_str(), bytes.as_str()) {
            ("unsigned", "1") => SampleType::U8,
            ("unsigned", "2") => SampleType::U16,
            ("unsigned", "4") => SampleType::U32,
            ("unsigned", "8") => SampleType::U64,
            ("signed", "1") => SampleType::I8,
            ("signed", "2") => SampleType::I16,
            ("signed", "4") => SampleType::I32,
            ("signed", "8") => SampleType::I64,
            ("float", "4") => SampleType::F32,
            ("float", "8") => SampleType::F64,
            _ => {
                return Err(Fault::Unsupported(format!("A Ripple file of {kind} samples of {bytes} bytes")));
            }
        })
    }

    /// Letters of the axes, slowest first, with their lengths.
    fn axes(&self, notes: &mut Vec<String>) -> Result<(&'static str, Vec<usize>), Fault> {
        let [depth, height, width] = ["depth", "height", "width"].map(|key| self.length(key));
        let (depth, height, width) = (depth?, height?, width?);
        let record = self.get("record-by").unwrap_or("dont-care").to_lowercase();
        Ok(match record.as_str() {
            "vector" => ("YXE", vec![height, width, depth]),
            "image" => (self.stack(), vec![depth, height, width]),
            "dont-care" if depth == 1 => ("YX", vec![height, width]),
            "dont-care" if height == 1 && width == 1 => ("E", vec![depth]),
            "dont-care" => {
                notes.push("The Ripple file does not say how it is recorded; read image by image".into());
                (self.stack(), vec![depth, height, width])
            }
            other => return Err(Fault::Bad(format!("The Ripple file is recorded by “{other}”"))),
        })
    }

    /// What a stack of images is one of: energies, depths or times.
    fn stack(&self) -> &'static str {
        let unit = self.get("depth-units").unwrap_or_default();
        if matches!(unit, "eV" | "keV") || (unit.is_empty() && self.get("ev-per-chan").is_some()) {
            "EYX"
        } else if unit_in_nm(unit).is_some() {
            "ZYX"
        } else {
            "TYX"
        }
    }

    fn calibration(&self, letters: &str) -> Calibration {
        let scale = |letter: char| {
            let name = match letter {
                'X' => "width",
                'Y' => "height",
                _ => "depth",
            };
            let unit = self.get(&format!("{name}-units")).unwrap_or_default();
            let offset = self.number(&format!("{name}-origin")).unwrap_or(0.0);
            let key = format!("{name}-scale");
            if let Some(scale) = self.number(&key) {
                // A scale of 1 without a unit is what is written where none is known.
                let known = !(unit.is_empty() && scale == 1.0 && offset == 0.0);
                let source = format!("Ripple {key}");
                return known.then(|| AxisScale { offset, ..AxisScale::new(letter, scale, unit, source) });
            }
            let energy = self.number("ev-per-chan").filter(|_| letter == 'E')?;
            Some(AxisScale { offset, ..AxisScale::new(letter, energy, "eV", "Ripple ev-per-chan") })
        };
        Calibration::from_axes(letters.chars().filter_map(scale))
    }

    fn order(&self, sample: SampleType, notes: &mut Vec<String>) -> Order {
        match self.get("byte-order").unwrap_or_default().to_lowercase().as_str() {
            "big-endian" => Order::Big,
            "little-endian" => Order::Little,
            _ => {
                if sample.bytes() > 1 {
                    notes.push("The Ripple file does not name its byte order; read as little-endian".into());
                }
                Order::Little
            }
        }
    }
}

fn open(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let start = Start::read(path)?;
    let (keys, samples) = if has_ending(path, "raw") && Keys::of(&start.bytes).is_none() {
        let (_, keys) =
            keys_beside(path).ok_or_else(|| Fault::Bad("There is no text of keys beside it".into()))?;
        (keys, path.to_path_buf())
    } else {
        let samples = beside(path, ["raw", "RAW"]);
        let missing =
            || Fault::Bad("The Ripple file's samples, a .raw file of its name, are not beside it".into());
        (Keys::read(path)?, samples.ok_or_else(missing)?)
    };
    let mut notes = Vec::new();
    let kind = keys.sample_type()?;
    let (letters, shape) = keys.axes(&mut notes)?;
    let order = keys.order(kind, &mut notes);
    let offset = keys.get("offset").map_or(Some(0), |text| text.parse().ok());
    let offset = offset.ok_or_else(|| Fault::Bad("The Ripple file's offset is no number".into()))?;
    let input = Input::open(&samples)?;
    let (stored, steps) = (Stored::Real(kind), steps(&shape, kind.bytes()));
    let array = Strided { path: &samples, offset, stored, order, letters, shape: &shape, steps: &steps };
    let (axes, raw): (_, Raw) = array.planes(input.length())?;
    let used = shape.iter().product::<usize>() as u64 * kind.bytes() as u64 + offset;
    if used < input.length() {
        notes.push(format!("{} bytes behind the samples are left out", input.length() - used));
    }
    let mut about = About::new(path, "Ripple", axes, kind);
    about.calibration = keys.calibration(letters);
    about.metadata.extend(keys.0.into_iter().map(|(key, value)| (format!("Ripple / {key}"), value)));
    about.notes = notes;
    Ok(vec![Micrograph::from_file(about, Box::new(raw))])
}
