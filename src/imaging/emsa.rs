//! EMSA/MSA: one spectrum as a text (ISO 22029).
//!
//! Lines `#KEY : value` come first; behind `#SPECTRUM` there are values, or pairs of position and value.

use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::axes::Axes;
use super::bytes::Input;
use super::error::Fault;
use super::format::{Format, Start};
use super::micrograph::{About, Source};
use super::{AxisScale, Calibration, ImagingError, Micrograph, Plane, SampleType, Samples};

/// The format, for the table of them.
pub(super) struct Emsa;

/// Bytes that a spectrum may have; the standard's have some ten thousand.
const LONGEST: u64 = 8 << 20;

impl Format for Emsa {
    fn name(&self) -> &'static str {
        "EMSA"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["msa", "ems", "emsa"]
    }

    /// The first line is `#FORMAT : EMSA/MAS Spectral Data File`.
    fn recognises(&self, start: &Start) -> bool {
        let text = String::from_utf8_lossy(&start.bytes);
        let first = text.trim_start_matches('\u{feff}').trim_start().lines().next().unwrap_or_default();
        let first = first.to_uppercase();
        first.starts_with("#FORMAT") && (first.contains("EMSA") || first.contains("MAS SPECTRAL"))
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open(path).map_err(|fault| fault.at(path))
    }
}

/// What a text holds.
#[derive(Default)]
struct Spectrum {
    keys: Vec<(String, String)>,
    /// Of pairs alone.
    positions: Vec<f64>,
    values: Vec<f64>,
}

impl Spectrum {
    fn read(path: &Path) -> Result<Self, Fault> {
        let input = Input::open(path)?;
        if input.length() > LONGEST {
            return Err(Fault::Unsupported("An EMSA file of more than 8 MiB".into()));
        }
        let bytes = input.bytes(0, input.length())?;
        let latin = || bytes.iter().copied().map(char::from).collect();
        Self::parse(&String::from_utf8(bytes.clone()).unwrap_or_else(|_| latin()))
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let mut spectrum = Self::default();
        let (mut in_data, mut numbers) = (false, Vec::new());
        for line in text.lines().map(|line| line.trim_start_matches('\u{feff}').trim()) {
            if let Some(line) = line.strip_prefix('#') {
                let (key, value) = line.split_once(':').unwrap_or((line, ""));
                let (key, value) = (key.trim().to_uppercase(), value.trim());
                in_data |= key == "SPECTRUM";
                if !in_data {
                    spectrum.keys.push((key, value.to_owned()));
                }
            } else if in_data {
                numbers.extend(values(line)?);
            }
        }
        if numbers.is_empty() {
            return Err(Fault::Bad("The EMSA file has no values".into()));
        }
        if spectrum.get("DATATYPE").is_some_and(|kind| kind.eq_ignore_ascii_case("XY")) {
            if numbers.len() % 2 == 1 {
                return Err(Fault::Bad("A position of the EMSA file has no value".into()));
            }
            spectrum.positions = numbers.iter().copied().step_by(2).collect();
            spectrum.values = numbers.iter().copied().skip(1).step_by(2).collect();
        } else {
            spectrum.values = numbers;
        }
        Ok(spectrum)
    }

    /// The first of that key that has a value; a key may have its unit behind a `-`, such as `BEAMKV   -kV`.
    fn get(&self, key: &str) -> Option<&str> {
        let is = |own: &str| own.split('-').next().unwrap_or_default().trim() == key;
        self.keys.iter().find(|(own, value)| is(own) && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn number(&self, key: &str) -> Option<f64> {
        number(self.get(key)?)
    }

    /// The energies: by the keys, or else by positions that are evenly spaced.
    fn calibration(&self, notes: &mut Vec<String>) -> Calibration {
        let unit = self.get("XUNITS").unwrap_or_default();
        let even = self.even_step();
        if let Some(points) = self.number("NPOINTS").filter(|&n| n != self.values.len() as f64) {
            notes.push(format!("The EMSA file claims {points} values and has {}", self.values.len()));
        }
        if !self.positions.is_empty() && even.is_none() {
            notes.push(
                "The positions of the EMSA file are not evenly spaced; its step is that of its keys".into(),
            );
        }
        let (scale, offset, source) = match (self.number("XPERCHAN"), even) {
            (Some(scale), _) if scale != 0.0 => {
                (scale, self.number("OFFSET").unwrap_or(0.0), "EMSA XPERCHAN, OFFSET")
            }
            (_, Some(step)) => (step, self.positions[0], "EMSA positions"),
            _ => return Calibration::default(),
        };
        Calibration::from_axes([AxisScale { offset, ..AxisScale::new('E', scale, unit, source) }])
    }

    /// The step of evenly spaced positions.
    fn even_step(&self) -> Option<f64> {
        let [first, .., last] = *self.positions.as_slice() else {
            return None;
        };
        let step = (last - first) / (self.positions.len() - 1) as f64;
        let even = self.positions.iter().enumerate().all(|(i, x)| {
            let expected = first + i as f64 * step;
            (x - expected).abs() <= 0.01 * step.abs()
        });
        even.then_some(step)
    }
}

/// The numbers of a line, between commas or spaces.
fn values(line: &str) -> Result<Vec<f64>, Fault> {
    let words = line.split([',', ' ', '\t', ';']).filter(|word| !word.is_empty());
    words
        .map(|word| number(word).ok_or_else(|| Fault::Bad(format!("The EMSA file has “{word}” for a value"))))
        .collect()
}

/// A number, also with the space in its exponent, or a second number behind it, that some programs write.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let joined = || text.replace(' ', "").parse().ok();
    let first = || text.split_whitespace().next()?.parse().ok();
    text.parse().ok().or_else(joined).or_else(first)
}

fn open(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let spectrum = Spectrum::read(path)?;
    let axes = Axes::new("E", &[spectrum.values.len()]);
    let mut about = About::new(path, "EMSA", axes, SampleType::F64);
    about.calibration = spectrum.calibration(&mut about.notes);
    about.metadata.extend(spectrum.keys.iter().map(|(key, value)| (format!("EMSA / {key}"), value.clone())));
    let source = Text { path: path.to_path_buf(), count: spectrum.values.len() };
    Ok(vec![Micrograph::from_file(about, Box::new(source))])
}

/// A spectrum on disk.
struct Text {
    path: PathBuf,
    count: usize,
}

impl Source for Text {
    fn read(&self, _frame: usize, _channel: usize) -> Result<Vec<(usize, Plane)>, ImagingError> {
        let spectrum = Spectrum::read(&self.path).map_err(|fault| fault.at(&self.path))?;
        let plane = |value| Plane { samples: Samples::F64(Array2::from_elem((1, 1), value)) };
        Ok(spectrum.values.into_iter().take(self.count).map(plane).enumerate().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectrum(data: &str) -> Spectrum {
        Spectrum::parse(&format!("#FORMAT : EMSA/MAS Spectral Data File\r\n#XPERCHAN : 2.0 E-01\r\n{data}"))
            .unwrap()
    }

    #[test]
    fn values_and_pairs_may_stand_several_in_a_line() {
        let y = spectrum("#DATATYPE : Y\n#NCOLUMNS : 3\n#SPECTRUM : here\n1, 2, 3\n4,\n#ENDOFDATA :");
        assert_eq!((y.values.as_slice(), y.number("XPERCHAN")), (&[1.0, 2.0, 3.0, 4.0][..], Some(0.2)));
        let xy = spectrum("#DATATYPE : XY\n#NCOLUMNS : 2\n#SPECTRUM :\n0.1, 5 0.2, 6\n0.3, 7\n#ENDOFDATA :");
        assert_eq!(
            (xy.positions.as_slice(), xy.values.as_slice()),
            (&[0.1, 0.2, 0.3][..], &[5.0, 6.0, 7.0][..])
        );
        assert!((xy.even_step().unwrap() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_number_is_a_bad_file() {
        for data in
            ["#SPECTRUM :\n1, x\n", "#SPECTRUM :\n#ENDOFDATA :", "1, 2", "#DATATYPE : XY\n#SPECTRUM :\n1"]
        {
            assert!(matches!(Spectrum::parse(data), Err(Fault::Bad(_))), "{data}");
        }
    }
}
