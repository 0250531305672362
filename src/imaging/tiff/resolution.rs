//! What the resolution tags are worth: most programs fill them with a screen's or printer's dots per inch, whatever the
//! image is of, so that alone they are never a pixel size.

use super::super::AxisScale;
use super::super::calibration::format_length;
use super::super::error::Fault;
use super::directory::tag;
use super::tags::Tagged;

/// Dots per inch of screens and printers.
const PRINTERS: [f64; 9] = [72.0, 96.0, 100.0, 120.0, 150.0, 200.0, 300.0, 600.0, 1200.0];
/// Pixels below this size are a microscope's: no printer has as many dots.
const MICROSCOPIC_NM: f64 = 5000.0;

/// The resolution tags with a unit.
pub(super) struct Resolution {
    /// Pixels per unit along x.
    pub x: f64,
    pub unit: &'static str,
    /// The size of a pixel that they would mean.
    pub x_nm: f64,
}

impl Resolution {
    /// `None` where the tags are missing, have no unit, or say one pixel a unit or fewer, which programs write for "none".
    pub(super) fn read(of: &Tagged<'_>) -> Result<Option<Self>, Fault> {
        let (unit, nm) = match of.number(tag::RESOLUTION_UNIT)?.unwrap_or(2) {
            2 => ("inch", 2.54e7),
            3 => ("cm", 1e7),
            _ => return Ok(None),
        };
        let x = of.real(tag::X_RESOLUTION)?.filter(|x| *x > 1.0 && x.is_finite());
        Ok(x.map(|x| Self { x, unit, x_nm: nm / x }))
    }

    pub(super) fn is_microscopic(&self) -> bool {
        let dpi = 2.54e7 / self.x_nm;
        self.x_nm < MICROSCOPIC_NM && !PRINTERS.iter().any(|printer| (dpi / printer - 1.0).abs() < 0.005)
    }

    /// As one source of several for the size of a pixel.
    pub(super) fn as_scale(&self) -> AxisScale {
        AxisScale::new('X', self.x_nm, "nm", format!("XResolution ({} pixels per {})", self.x, self.unit))
    }

    /// Why there is no pixel size of it.
    pub(super) fn note(&self) -> String {
        let Self { x, unit, x_nm } = self;
        if self.is_microscopic() {
            let size = format_length(*x_nm);
            format!(
                "The resolution tag ({x} pixels per {unit}) would mean pixels of {size}; without a word of who wrote it it is not taken as a pixel size"
            )
        } else {
            format!("The resolution tag ({x} pixels per {unit}) is not taken as a pixel size")
        }
    }
}
