//! FEI and Thermo Fisher (xT): ini texts in the tags 34682 (Helios) and 34680 (SFEG), and since about 2014 XML in tag
//! 34683 beside them. The tags are those of tifffile's list; the fields are `HyperSpy`'s documentation's.

use super::super::super::calibration::AxisScale;
use super::super::super::error::Fault;
use super::super::fields::{Ini, of_xml};
use super::super::tags::Tagged;
use super::{Found, Vendor};

const SFEG: u16 = 34680;
const HELIOS: u16 = 34682;
const XML: u16 = 34683;

pub(super) struct Fei;

impl Vendor for Fei {
    fn name(&self) -> &'static str {
        "FEI"
    }

    fn tags(&self) -> &'static [u16] {
        &[HELIOS, SFEG]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        let mut found = Found::default();
        let mut any = false;
        // Where a file has both, the first is the newer.
        for tag in [HELIOS, SFEG] {
            let Some(text) = page.text(tag)? else { continue };
            any = true;
            let ini = Ini::parse(&text);
            if ini.get("Scan", "Dwelltime").is_none() && !text.contains('[') {
                // Newer programs keep the state of the instrument here, in Base64.
                found.fields.push(format!("FEI / tag {tag}"), text);
                continue;
            }
            found.fields.extend(ini.named("FEI"));
            sizes(page, &ini, tag, &mut found);
        }
        if let Some(text) = page.text(XML)? {
            any = true;
            let (fields, outcome) = of_xml(&text, "FEI / XML");
            if let Err(why) = outcome {
                found.notes.push(format!("The XML of FEI's tag {XML} breaks off ({why})"));
            }
            from_xml(&fields, &mut found);
            found.fields.extend(fields);
        }
        Ok(any.then_some(found))
    }
}

/// The size of a pixel in metres and the rows of the bar below the picture.
fn sizes(page: &Tagged<'_>, ini: &Ini, tag: u16, found: &mut Found) {
    let columns = ini.positive("Image", "ResolutionX");
    let scan = ini.positive("Scan", "PixelHeight").zip(ini.positive("Scan", "PixelWidth"));
    // Light microscopes inside the chamber have no scan, but a field of view.
    let field = || {
        let size = |field, pixels| Some(ini.positive("IRBeam", field)? / ini.positive("Image", pixels)?);
        size("VFW", "ResolutionY").zip(size("HFW", "ResolutionX"))
    };
    let (size, name) = match scan {
        Some(size) => (Some(size), "Scan.PixelWidth"),
        None => (field(), "IRBeam.HFW by Image.ResolutionX"),
    };
    let resized = columns.filter(|&columns| columns != page.width as f64);
    if let (Some(columns), Some(_)) = (resized, size) {
        found.notes.push(format!(
            "Warning: FEI's tag {tag} is of an image {columns} pixels wide, this one has {}; its pixel size is left aside",
            page.width
        ));
        return;
    }
    let source = format!("FEI tag {tag}, {name}");
    match size {
        Some(size) if found.axes.is_empty() => found.pixel(size, "m", &source),
        Some((_, x)) => found.also.push(AxisScale::new('X', x, "m", source)),
        None => {}
    }
    if let Some(rows) = ini.positive("Image", "ResolutionY").filter(|_| found.info_bar.is_none()) {
        found.picture_rows(page, rows, &format!("FEI tag {tag}, Image.ResolutionY"));
    }
}

/// `BinaryResult / PixelSize / X`, in metres.
fn from_xml(fields: &[(String, String)], found: &mut Found) {
    let value = |name: &str| {
        let name = format!("FEI / XML / BinaryResult / PixelSize / {name}");
        fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    };
    let size = |axis: &str| value(axis).and_then(super::super::fields::positive);
    let (Some(y), Some(x)) = (size("Y"), size("X")) else { return };
    if value("X / unit") != Some("m") {
        return;
    }
    let source = format!("FEI tag {XML}, BinaryResult.PixelSize");
    if found.axes.is_empty() && found.notes.is_empty() {
        found.pixel((y, x), "m", &source);
    } else if !found.axes.is_empty() {
        found.also.push(AxisScale::new('X', x, "m", source));
    }
}
