//! SER and EMI: the files of FEI's TIA (ES Vision), as Chris Boothroyd described them.
//!
//! A `.ser` holds samples ([`series`]); the `.emi` beside several of them holds what the microscope said ([`emi`]).

use std::path::Path;

use super::error::Fault;
use super::format::{Format, Start};
use super::{ImagingError, Micrograph};

mod emi;
mod image;
mod series;

/// A series, for the table of formats.
pub(super) struct Ser;

/// What several series belong to, for the table of formats.
pub(super) struct Emi;

impl Format for Ser {
    fn name(&self) -> &'static str {
        "TIA series"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["ser"]
    }

    /// The byte order `II`, the series' mark, and a version.
    fn recognises(&self, start: &Start) -> bool {
        start.begins(&[b'I', b'I', 0x97, 0x01]) && matches!(start.bytes.get(4..6), Some([0x00..=0x20, 0x02]))
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open_series(path).map_err(|fault| fault.at(path))
    }
}

impl Format for Emi {
    fn name(&self) -> &'static str {
        "TIA"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["emi"]
    }

    /// A file of binary content with its series beside it: its own mark is not described anywhere.
    fn recognises(&self, start: &Start) -> bool {
        let named = start.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("emi"));
        named && start.bytes.contains(&0)
    }

    fn open(&self, path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
        open_all(path).map_err(|fault| fault.at(path))
    }
}

fn open_series(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let (mut about, source) = image::read(path)?;
    // Without an .emi the series speaks for itself.
    if let Some((emi, number)) = emi::of_series(path) {
        match emi::objects(&emi) {
            Ok(objects) => about.metadata.extend(objects.into_iter().nth(number - 1).unwrap_or_default()),
            Err(Fault::Bad(what) | Fault::Unsupported(what)) => {
                about.notes.push(format!("Of the .emi file: {what}"));
            }
            Err(Fault::Io(error)) => about.notes.push(format!("Of the .emi file: {error}")),
        }
    }
    Ok(vec![Micrograph::from_file(about, source)])
}

fn open_all(path: &Path) -> Result<Vec<Micrograph>, Fault> {
    let objects = emi::objects(path)?;
    let (mut all, mut notes, mut first_fault) = (Vec::new(), Vec::new(), None);
    for (number, ser) in emi::series_beside(path)? {
        let name = ser.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match image::read(&ser) {
            Ok((mut about, source)) => {
                let of_own = objects.get(number - 1).cloned().unwrap_or_default();
                about.metadata.extend(of_own);
                about.metadata.push("TIA / series file", name);
                about.path = Some(path.to_path_buf());
                about.name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                all.push((about.in_series(all.len()), source));
            }
            Err(fault) => {
                match &fault {
                    Fault::Bad(what) | Fault::Unsupported(what) => {
                        notes.push(format!("{name} cannot be read: {what}"));
                    }
                    Fault::Io(error) => notes.push(format!("{name} cannot be read: {error}")),
                }
                first_fault.get_or_insert(fault);
            }
        }
    }
    if all.is_empty() {
        let missing = "The .emi file's series, .ser files of its name with _1, _2…, are not beside it";
        return Err(first_fault.unwrap_or_else(|| Fault::Bad(missing.into())));
    }
    let made = all.into_iter().map(|(mut about, source)| {
        about.notes.extend(notes.iter().cloned());
        Micrograph::from_file(about, source)
    });
    Ok(made.collect())
}
