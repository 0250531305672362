//! JEOL: scanning microscopes write a text beside the image, lines such as `$CM_MAG 5000`, that has the length of the
//! scale bar in pixels (`$$SM_MICRON_BAR`) and what it stands for (`$$SM_MICRON_MARKER`, `10um`). Transmission
//! microscopes with `SightX` say themselves the maker and describe the image in XML, whose magnification divides what the
//! resolution tags say of the detector (both as `HyperSpy`'s documentation has it).

use super::super::super::calibration::unit_in_nm;
use super::super::super::error::Fault;
use super::super::directory::tag;
use super::super::fields::{of_xml, positive};
use super::super::tags::Tagged;
use super::{Found, Vendor, beside};

pub(super) struct Jeol;

impl Vendor for Jeol {
    fn name(&self) -> &'static str {
        "JEOL"
    }

    fn tags(&self) -> &'static [u16] {
        &[]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        if page.text(tag::MAKE)?.is_some_and(|make| make == "JEOL Ltd.") {
            return sightx(page).map(Some);
        }
        Ok(beside(page, page.path.with_extension("txt"), "$CM_").map(|text| scanning(page, &text)))
    }
}

fn scanning(page: &Tagged<'_>, text: &str) -> Found {
    let mut found = Found::default();
    let lines = || text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    for (key, value) in lines().filter(|(key, _)| key.starts_with('$')) {
        found.fields.push(format!("JEOL / {}", key.trim_start_matches('$')), value.trim());
    }
    let get =
        |name: &str| lines().find(|(key, _)| key.trim_start_matches('$') == name).map(|(_, v)| v.trim());
    let full = get("CM_FULL_SIZE").and_then(|size| size.split_once(char::is_whitespace));
    let full = full.and_then(|(w, h)| Some((positive(w)?, positive(h)?)));
    let resized = full.filter(|&(width, _)| width != page.width as f64);
    let size = get("SM_MICRON_BAR").and_then(positive).zip(get("SM_MICRON_MARKER").and_then(length_nm));
    match (size, resized) {
        (Some(_), Some((width, _))) => found.notes.push(format!(
            "Warning: JEOL's text is of an image {width} pixels wide, this one has {}; its pixel size is left aside",
            page.width
        )),
        (Some((pixels, nm)), None) => {
            let step = nm / pixels;
            found.pixel((step, step), "nm", "JEOL text file, $$SM_MICRON_MARKER by $$SM_MICRON_BAR");
        }
        (None, _) => {}
    }
    if let (Some((_, height)), None) = (full, resized) {
        found.picture_rows(page, height, "JEOL text file, $CM_FULL_SIZE");
    }
    found
}

/// A length without a space before its unit, such as `10um`.
fn length_nm(text: &str) -> Option<f64> {
    let unit = text.find(|c: char| c != '.' && !c.is_ascii_digit())?;
    Some(positive(&text[..unit])? * unit_in_nm(&text[unit..])?)
}

fn sightx(page: &Tagged<'_>) -> Result<Found, Fault> {
    let mut found = Found::default();
    let xml = page.text(tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
    let xml: String =
        xml.lines().map(|line| line.trim_matches(|c: char| c.is_control() || c == ' ')).collect();
    let (fields, _) = of_xml(&xml, "JEOL");
    let get = |name: &str| {
        let name = format!("JEOL / {name}");
        fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    };
    let forming = |name: &str| get(&format!("ImageFormingSystem / {name}"));
    // Metres of the detector for one pixel.
    let unit = if page.number(tag::RESOLUTION_UNIT)?.unwrap_or(2) == 2 { 0.0254 } else { 0.01 };
    let [x, y] = [tag::X_RESOLUTION, tag::Y_RESOLUTION].map(|tag| page.real(tag).ok().flatten());
    let detector = x.zip(y).map(|(x, y)| (unit / y, unit / x));
    let value = forming("SelectorValue").and_then(positive);
    let transmission = get("Eos / EosMode") == Some("eosTEM");
    match (detector, value, forming("ModeString")) {
        (Some((y, x)), Some(magnification), Some("MAG")) if transmission => {
            let size = (y / magnification * 1e9, x / magnification * 1e9);
            found.pixel(size, "nm", "JEOL, XResolution by ImageFormingSystem.SelectorValue");
        }
        (Some((y, x)), Some(length), Some("DIFF")) if transmission => {
            let metres = match forming("SelectorUnitString") {
                Some("mm") => length / 1e3,
                Some("cm") => length / 1e2,
                _ => length,
            };
            if let Some(volts) = get("ElectronGun / AccelerationVoltage").and_then(positive) {
                let by = metres * wavelength_nm(volts);
                found.pixel((y / by, x / by), "1/nm", "JEOL, XResolution by camera length and wavelength");
            }
        }
        _ => {}
    }
    found.fields.extend(fields);
    Ok(found)
}

/// Of electrons accelerated by so many volts, with relativity.
fn wavelength_nm(volts: f64) -> f64 {
    // Planck's constant, the electron's mass and charge, the speed of light (CODATA 2018).
    const H: f64 = 6.626_070_15e-34;
    const M: f64 = 9.109_383_701_5e-31;
    const E: f64 = 1.602_176_634e-19;
    const C: f64 = 299_792_458.0;
    let momentum_squared = 2.0 * M * E * volts * (1.0 + E * volts / (2.0 * M * C * C));
    H / momentum_squared.sqrt() * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn electrons_have_the_wavelength_of_the_tables() {
        // Williams and Carter, Transmission Electron Microscopy, table 1.2: 3.70 pm at 100 kV, 1.97 pm at 300 kV.
        assert!((wavelength_nm(1e5) - 3.70e-3).abs() < 5e-6);
        assert!((wavelength_nm(3e5) - 1.97e-3).abs() < 5e-6);
    }

    #[test]
    fn a_marker_has_its_unit_without_a_space() {
        assert_eq!(
            (length_nm("10um"), length_nm("500nm"), length_nm("1.5µm")),
            (Some(1e4), Some(500.0), Some(1500.0))
        );
        assert_eq!((length_nm("um"), length_nm("10"), length_nm("10px")), (None, None, None));
    }
}
