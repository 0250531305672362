//! Olympus Soft Imaging Solutions: tag 33560, a small binary structure that begins with `SIS0`, and tag 33471, an ini
//! text. There is no specification; the known fields are those that tifffile's `read_sis` lists.

use super::super::super::bytes::{Order, text};
use super::super::super::error::Fault;
use super::super::fields::Ini;
use super::super::tags::Tagged;
use super::{Found, Vendor};

const SIS_INI: u16 = 33471;
const SIS: u16 = 33560;

pub(super) struct Sis;

impl Vendor for Sis {
    fn name(&self) -> &'static str {
        "Olympus SIS"
    }

    fn tags(&self) -> &'static [u16] {
        &[SIS]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        let mut found = Found::default();
        let ini = page.text(SIS_INI)?;
        let any = ini.is_some();
        if let Some(text) = ini {
            found.fields.extend(Ini::parse(&text).named("Olympus SIS"));
        }
        let Some(head) = page.blob(SIS)?.filter(|head| head.starts_with(b"SIS0")) else {
            return Ok(any.then_some(found));
        };
        let number =
            |at: usize, size: usize| head.get(at..at + size).map(|bytes| Order::Little.number(bytes));
        found.fields.push("Olympus SIS / Name", text(head.get(26..58).unwrap_or_default()));
        for entry in 0..number(58, 2).unwrap_or(0).min(256) as usize {
            let at = 60 + 8 * entry;
            // Kind 1 is general data, at an offset in the file.
            if let (Some(1), Some(offset)) = (number(at, 2), number(at + 4, 4)) {
                general(&page.file.bytes(offset, 112)?, &mut found);
            }
        }
        Ok(Some(found))
    }
}

/// A power of ten, then sizes of a pixel in metres times it.
fn general(data: &[u8], found: &mut Found) {
    let real = |at: usize| f64::from_bits(Order::Little.number(&data[at..at + 8]));
    let exponent = i32::from(Order::Little.number(&data[10..12]) as u16 as i16);
    // Digits beyond the twelfth come from the power.
    let metres = |at: usize| {
        let size = real(at) * 10f64.powi(exponent);
        format!("{size:.11e}").parse::<f64>().unwrap_or(size)
    };
    let (x, y) = (metres(12), metres(20));
    if [x, y].iter().all(|size| size.is_finite() && *size > 0.0) {
        found.pixel((y, x), "m", &format!("Olympus SIS tag {SIS}, calibration"));
    }
    found.fields.push("Olympus SIS / Magnification", real(36).to_string());
    found.fields.push("Olympus SIS / CameraName", text(&data[46..80]));
    found.fields.push("Olympus SIS / PictureType", text(&data[80..112]));
}
