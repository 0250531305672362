//! `DigitalMicrograph`'s TIFF exports: a tag for the unit, the origin and the scale of each axis, x, y, z (65003 to
//! 65011), as `HyperSpy`'s documentation lists them. Units of diffraction patterns, `1/nm`, stay what they are.

use super::super::super::calibration::AxisScale;
use super::super::super::error::Fault;
use super::super::tags::Tagged;
use super::{Found, Vendor};

/// Axis, and the tags of its unit, origin and scale.
const AXES: [(char, u16, u16, u16); 3] =
    [('X', 65003, 65006, 65009), ('Y', 65004, 65007, 65010), ('Z', 65005, 65008, 65011)];

pub(super) struct Gatan;

impl Vendor for Gatan {
    fn name(&self) -> &'static str {
        "Gatan"
    }

    fn tags(&self) -> &'static [u16] {
        &[65009, 65010]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        let mut found = Found::default();
        for (axis, unit_tag, origin_tag, scale_tag) in AXES {
            // Other programs use these numbers too: only a unit with a scale is this one's.
            let (Some(unit), Some(scale)) = (page.text(unit_tag)?, page.real(scale_tag)?) else { continue };
            let origin = page.real(origin_tag)?.unwrap_or(0.0);
            let source = format!("Gatan tags {scale_tag} and {unit_tag}");
            // The origin is counted in pixels, and is where the position is zero.
            let offset = -origin * scale;
            found.axes.push(AxisScale { offset, ..AxisScale::new(axis, scale, unit.clone(), source) });
            found.fields.push(format!("Gatan / {axis} / Unit"), unit);
            found.fields.push(format!("Gatan / {axis} / Scale"), scale.to_string());
            found.fields.push(format!("Gatan / {axis} / Origin"), origin.to_string());
        }
        if found.axes.is_empty() {
            return Ok(None);
        }
        for (tag, name) in [(65024, "Offset"), (65025, "Scale")] {
            if let Some(value) = page.real(tag)? {
                found.fields.push(format!("Gatan / Intensity / {name}"), value.to_string());
            }
        }
        if let Some(unit) = page.text(65022)? {
            found.fields.push("Gatan / Intensity / Unit", unit);
        }
        Ok(Some(found))
    }
}
