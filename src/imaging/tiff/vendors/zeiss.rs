//! Zeiss `SmartSEM`: tag 34118, lines of text. Some numbers without names come first, of which the fourth is the size of
//! a pixel in metres on a picture of 1024 columns; then pairs of lines, `AP_WD` and `WD =  6.2 mm`. So tifffile
//! (`CZ_SEM`) and `HyperSpy`'s documentation describe it.

use super::super::super::bytes::text;
use super::super::super::calibration::{AxisScale, unit_in_nm};
use super::super::super::error::Fault;
use super::super::super::metadata::Metadata;
use super::super::tags::Tagged;
use super::{Found, Vendor};

const CZ_SEM: u16 = 34118;
/// Columns that the sizes of older programs are stated for.
const COLUMNS: f64 = 1024.0;

pub(super) struct Zeiss;

impl Vendor for Zeiss {
    fn name(&self) -> &'static str {
        "Zeiss"
    }

    fn tags(&self) -> &'static [u16] {
        &[CZ_SEM]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        let Some(blob) = page.blob(CZ_SEM)? else { return Ok(None) };
        let text = text(&blob);
        let mut found = Found { fields: fields(&text), ..Found::default() };
        sizes(page, &text, &mut found);
        Ok(Some(found))
    }
}

/// A name of a field, such as `AP_WD`.
fn is_key(line: &str) -> bool {
    line.get(2..3) == Some("_")
        && line.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Each line behind a name, as it is; numbers before the first have none.
fn fields(text: &str) -> Metadata {
    let mut fields = Metadata::default();
    let mut key = None;
    for line in text.lines().map(str::trim) {
        if is_key(line) {
            key = Some(line);
        } else if let Some(key) = key.take() {
            fields.push(format!("Zeiss / {key}"), line);
        }
    }
    fields
}

/// The length that a line such as `Image Pixel Size = 543.0 pm` ends with, in nanometres.
fn length_nm(fields: &Metadata, key: &str) -> Option<f64> {
    let (_, value) = fields.get(&format!("Zeiss / {key}"))?.split_once('=')?;
    let (number, unit) = value.trim().rsplit_once(char::is_whitespace)?;
    let nm = number.trim().parse::<f64>().ok()? * unit_in_nm(unit)?;
    (nm.is_finite() && nm > 0.0).then_some(nm)
}

/// The number in the head is exact and always there; the named ones have four digits, and the older of them is stated
/// for 1024 columns by some programs and for the image's own by others.
fn sizes(page: &Tagged<'_>, text: &str, found: &mut Found) {
    let factor = COLUMNS / page.width as f64;
    let mut head = text.lines().map(str::trim).take_while(|line| !is_key(line)).filter(|l| !l.is_empty());
    let metres = head.nth(3).and_then(|line| line.parse::<f64>().ok()).filter(|m| m.is_finite() && *m > 0.0);
    let [image, older] = ["AP_IMAGE_PIXEL_SIZE", "AP_PIXEL_SIZE"].map(|key| length_nm(&found.fields, key));
    let scale = |nm: f64, key: &str| AxisScale::new('X', nm, "nm", format!("Zeiss tag {CZ_SEM}, {key}"));
    match (metres, image) {
        (Some(metres), _) => {
            let source = format!("Zeiss tag {CZ_SEM}, fourth number of its head by 1024 columns");
            // Digits beyond the twelfth come from the product.
            let size = metres * factor;
            let size = format!("{size:.11e}").parse().unwrap_or(size);
            found.pixel((size, size), "m", &source);
            found.also.extend(image.map(|nm| scale(nm, "AP_IMAGE_PIXEL_SIZE")));
            let same = |nm: f64| (nm / (metres * 1e9) - 1.0).abs() < 0.01;
            let contradicts = older.filter(|&nm| image.is_none() && !same(nm));
            found.also.extend(contradicts.map(|nm| scale(nm, "AP_PIXEL_SIZE")));
        }
        (None, Some(nm)) => {
            found.pixel((nm, nm), "nm", &format!("Zeiss tag {CZ_SEM}, AP_IMAGE_PIXEL_SIZE"));
        }
        (None, None) => match older {
            Some(nm) if page.width as f64 == COLUMNS => {
                found.pixel((nm, nm), "nm", &format!("Zeiss tag {CZ_SEM}, AP_PIXEL_SIZE"));
            }
            Some(_) => found.notes.push(format!(
                "Zeiss's AP_PIXEL_SIZE may be of 1024 columns or of the image's {}; it is not taken",
                page.width
            )),
            None => {}
        },
    }
}
