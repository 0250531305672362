//! What the tags of TIFF itself say of an image beside its layout.

use std::path::Path;

use super::super::bytes::text;
use super::super::error::Fault;
use super::directory::{Container, Directory, tag};
use super::fields;
use super::page::Page;
use super::plan::Plan;

/// The tags of a series' first page, and the file that they are in.
pub(super) struct Tagged<'a> {
    pub path: &'a Path,
    pub file: &'a Container,
    /// `None` when the page is in another file than the one that was opened.
    pub directory: Option<&'a Directory>,
    pub width: usize,
    pub height: usize,
    /// The first series, which files beside the image speak of.
    pub first: bool,
}

impl<'a> Tagged<'a> {
    pub(super) fn new(
        path: &'a Path,
        file: &'a Container,
        directories: &'a [Directory],
        page: &Page,
        first: bool,
    ) -> Self {
        let here = page.elsewhere.is_none() && page.missing.is_none();
        let directory = directories.get(page.directory).filter(|_| here);
        Self { path, file, directory, width: page.width, height: page.height, first }
    }

    /// The same of another page of as many pixels.
    pub(super) fn of(&self, directory: &'a Directory) -> Self {
        Self { directory: Some(directory), ..*self }
    }

    /// Bytes of a tag of any type.
    pub(super) fn blob(&self, tag: u16) -> Result<Option<Vec<u8>>, Fault> {
        self.directory.map_or(Ok(None), |directory| self.file.blob(directory, tag))
    }

    /// A text up to its first zero byte; `None` where there is none.
    pub(super) fn text(&self, tag: u16) -> Result<Option<String>, Fault> {
        Ok(self.blob(tag)?.map(|bytes| text(&bytes)).filter(|text| !text.is_empty()))
    }

    pub(super) fn number(&self, tag: u16) -> Result<Option<u64>, Fault> {
        self.directory.map_or(Ok(None), |directory| self.file.number(directory, tag))
    }

    pub(super) fn real(&self, tag: u16) -> Result<Option<f64>, Fault> {
        self.directory.map_or(Ok(None), |directory| self.file.real(directory, tag))
    }
}

/// Tags whose texts are for people.
const TEXTS: [(u16, &str); 7] = [
    (tag::IMAGE_DESCRIPTION, "ImageDescription"),
    (tag::MAKE, "Make"),
    (tag::MODEL, "Model"),
    (tag::SOFTWARE, "Software"),
    (tag::DATE_TIME, "DateTime"),
    (tag::ARTIST, "Artist"),
    (tag::HOST_COMPUTER, "HostComputer"),
];

/// Puts the texts of a series' first page into its metadata, field by field where they are XML or `key=value` lines.
pub(super) fn describe(of: &Tagged<'_>, plan: &mut Plan) -> Result<(), Fault> {
    for (tag, name) in TEXTS {
        let Some(text) = of.text(tag)? else { continue };
        if tag == tag::IMAGE_DESCRIPTION && plan.format == "OME-TIFF" {
            // Read with the layout.
        } else if tag == tag::IMAGE_DESCRIPTION && text.starts_with('<') {
            plan.metadata.extend(fields::of_xml(&text, "TIFF / ImageDescription").0);
        } else if tag == tag::IMAGE_DESCRIPTION && text.starts_with("ImageJ=") {
            plan.metadata.extend(fields::Ini::parse(&text).named("ImageJ"));
        } else {
            plan.metadata.push(format!("TIFF / {name}"), text);
        }
    }
    let Some(directory) = of.directory else { return Ok(()) };
    for (tag, name) in [(tag::X_RESOLUTION, "XResolution"), (tag::Y_RESOLUTION, "YResolution")] {
        if let Some(value) = of.real(tag)?.filter(|value| value.is_finite()) {
            plan.metadata.push(format!("TIFF / {name}"), value.to_string());
        }
    }
    if let Some(unit) = of.number(tag::RESOLUTION_UNIT)? {
        let name = ["none", "inch", "cm"].get((unit as usize).wrapping_sub(1)).copied();
        plan.metadata.push("TIFF / ResolutionUnit", name.map_or_else(|| unit.to_string(), Into::into));
    }
    below(of, directory, plan)
}

/// Says which images hang below the first page. They are smaller copies of it, levels of a pyramid, and no series.
fn below(of: &Tagged<'_>, directory: &Directory, plan: &mut Plan) -> Result<(), Fault> {
    let count = of.file.numbers(directory, tag::SUB_IFDS)?.len();
    if count == 0 {
        return Ok(());
    }
    plan.metadata.push("TIFF / SubIFDs", count.to_string());
    let mut own = 0;
    let Ok(below) = of.file.below(directory) else {
        let note = "The images below the first page (SubIFDs) cannot be read and are left aside";
        plan.notes.push(note.into());
        return Ok(());
    };
    for (index, directory) in below.iter().enumerate() {
        let size = |tag| Ok::<_, Fault>(of.file.number(directory, tag)?.unwrap_or(0));
        let (width, height) = (size(tag::IMAGE_WIDTH)?, size(tag::IMAGE_LENGTH)?);
        plan.metadata.push(format!("TIFF / SubIFD {} / Size", index + 1), format!("{width} × {height}"));
        if width as usize >= of.width && height as usize >= of.height {
            own += 1;
        }
    }
    if own > 0 {
        plan.notes.push(format!(
            "{own} images below the first page (SubIFDs) are no smaller copies of it, and are not read"
        ));
    }
    Ok(())
}
