//! Sizes, and where they came from.

/// Size of a pixel in nanometres, with the tag or field that says so.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PixelSize {
    pub x_nm: f64,
    pub y_nm: f64,
    pub source: String,
}

impl PixelSize {
    /// `None` unless both sizes are finite and above zero.
    pub(super) fn checked(x_nm: f64, y_nm: f64, source: impl Into<String>) -> Option<Self> {
        let sound = |size: f64| size.is_finite() && size > 0.0;
        (sound(x_nm) && sound(y_nm)).then(|| Self { x_nm, y_nm, source: source.into() })
    }
}

/// What is known of a micrograph's axes. Unknown is `None`, never 1.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Calibration {
    pub pixel: Option<PixelSize>,
    /// Distance between frames (the z step).
    pub frame_step_nm: Option<f64>,
}

/// A bar of a round length that fits.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleBar {
    pub length_nm: f64,
    pub length_px: f64,
    /// Such as "500 nm".
    pub label: String,
}

impl ScaleBar {
    /// The longest of 1, 2, 5 × 10^n nm that is at most `longest_px` image pixels long.
    #[must_use]
    pub fn fitting(nm_per_px: f64, longest_px: f64) -> Option<Self> {
        let longest_nm = nm_per_px * longest_px;
        if !(longest_nm.is_finite() && nm_per_px > 0.0 && longest_px > 0.0) {
            return None;
        }
        let exponent = longest_nm.log10().floor() as i32;
        // One step up as well, because log10 of 1000 may come out a hair under 3.
        let length_nm = [(10.0, 0), (5.0, 0), (2.0, 0), (1.0, 0), (5.0, -1)]
            .into_iter()
            .map(|(step, shift)| step * 10f64.powi(exponent + shift))
            .find(|&length| length <= longest_nm * (1.0 + 1e-9))?;
        let label = in_unit(length_nm, 1.0);
        Some(Self { length_nm, length_px: length_nm / nm_per_px, label })
    }
}

/// Names of the length units, small to large, with their size in nanometres.
const UNITS: [(&str, f64); 4] = [("pm", 1e-3), ("nm", 1.0), ("µm", 1e3), ("mm", 1e6)];

/// A length in the unit that suits it: `0.44 µm`, `12.3 nm`, `85 pm`, `1.2 mm`.
///
/// Three significant digits; a unit serves from a tenth of itself upwards.
#[must_use]
pub fn format_length(nm: f64) -> String {
    in_unit(nm, 0.1)
}

/// Formats with the largest unit of which there is at least `least`.
fn in_unit(nm: f64, least: f64) -> String {
    if !nm.is_finite() {
        return "unknown".into();
    }
    let fits = |unit: &&(&str, f64)| nm.abs() >= unit.1 * least * (1.0 - 1e-9);
    let &(name, size) =
        if nm == 0.0 { &UNITS[1] } else { UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]) };
    format!("{} {name}", three_digits(nm / size))
}

/// Three significant digits without trailing zeros; whole digits are never rounded away.
fn three_digits(value: f64) -> String {
    let before_point = if value == 0.0 { 1 } else { value.abs().log10().floor() as i32 + 1 };
    let decimals = (3 - before_point).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// Nanometres in one unit of length by the names that microscopes' files use; `None` for pixels and unknown words.
pub(super) fn unit_in_nm(name: &str) -> Option<f64> {
    // ImageJ writes the micro sign as the six characters \u00B5, others as Greek mu.
    let name = name.trim().replace("\\u00B5", "µ").replace("\\u00b5", "µ").replace('μ', "µ");
    Some(match name.as_str() {
        "pm" | "picometer" | "picometre" => 1e-3,
        "Å" | "\u{212b}" | "A" | "angstrom" | "Angstrom" => 0.1,
        "nm" | "nanometer" | "nanometre" | "nanometers" => 1.0,
        "µm" | "um" | "micron" | "microns" | "micrometer" | "micrometre" | "micrometers" => 1e3,
        "mm" | "millimeter" | "millimetre" => 1e6,
        "cm" | "centimeter" | "centimetre" => 1e7,
        "inch" | "in" | "inches" => 2.54e7,
        "m" | "meter" | "metre" => 1e9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_the_unit_that_suits_it() {
        let cases = [
            (440.0, "0.44 µm"),
            (12.3, "12.3 nm"),
            (0.085, "85 pm"),
            (1.2e6, "1.2 mm"),
            (2060.0, "2.06 µm"),
            (0.235, "0.235 nm"),
            (99.96, "100 nm"),
            (0.0, "0 nm"),
            (-12.34, "-12.3 nm"),
            (1.5e8, "150 mm"),
            (f64::NAN, "unknown"),
        ];
        for (nm, expected) in cases {
            assert_eq!(format_length(nm), expected, "{nm} nm");
        }
    }

    #[test]
    fn a_scale_bar_is_the_longest_round_length_that_fits() {
        let cases = [
            (1.0, 1000.0, 1000.0, "1 µm"),
            (1.0, 999.0, 500.0, "500 nm"),
            (0.02, 100.0, 2.0, "2 nm"),
            (0.001, 90.0, 0.05, "50 pm"),
            (385.417, 300.0, 100_000.0, "100 µm"),
        ];
        for (nm_per_px, longest, length, label) in cases {
            let bar = ScaleBar::fitting(nm_per_px, longest).unwrap();
            assert!((bar.length_nm - length).abs() < 1e-9 * length, "{bar:?}");
            assert!(bar.length_px <= longest * (1.0 + 1e-9));
            assert_eq!(bar.label, label);
        }
        for (nm_per_px, longest) in [(0.0, 100.0), (f64::NAN, 100.0), (1.0, 0.0), (-1.0, -5.0)] {
            assert_eq!(ScaleBar::fitting(nm_per_px, longest), None);
        }
    }

    #[test]
    fn a_pixel_is_not_a_unit_of_length() {
        assert_eq!(unit_in_nm("\\u00B5m"), Some(1e3));
        assert_eq!(unit_in_nm("Å"), Some(0.1));
        assert_eq!(unit_in_nm("pixel"), None);
    }
}
