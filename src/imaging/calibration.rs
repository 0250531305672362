//! Sizes, and where they came from.

use std::fmt;

/// Size of a pixel in nanometres, with the tag or field that says so.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PixelSize {
    pub x_nm: f64,
    pub y_nm: f64,
    pub source: String,
}

/// What the steps along one axis are: position `i` lies at `offset + scale · i`, in `unit`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AxisScale {
    /// `Y`, `X`, `Z` depth, `T` time, `C` channel, `E` energy; the letters of [`super::Micrograph::stored_axes`].
    pub axis: char,
    pub scale: f64,
    pub offset: f64,
    /// As the file has it: `nm`, `µm`, `1/nm`, `eV`…; empty where it names none.
    pub unit: String,
    /// The tag or field that says so.
    pub source: String,
}

impl AxisScale {
    /// A scale that starts at zero.
    pub fn new(axis: char, scale: f64, unit: impl Into<String>, source: impl Into<String>) -> Self {
        Self { axis, scale, offset: 0.0, unit: unit.into(), source: source.into() }
    }

    /// Size of a step in nanometres; `None` unless the unit is a length.
    #[must_use]
    pub fn step_nm(&self) -> Option<f64> {
        let size = in_nm(self.scale.abs(), unit_in_nm(&self.unit)?);
        (size.is_finite() && size > 0.0).then_some(size)
    }
}

/// `0.01 keV a step, from -0.2 keV: its source`.
impl fmt::Display for AxisScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scale, offset, unit, source, .. } = self;
        let unit = if unit.is_empty() { "without a unit" } else { unit };
        write!(f, "{} {unit} a step", plain(*scale))?;
        if *offset != 0.0 {
            write!(f, ", from {} {unit}", plain(*offset))?;
        }
        write!(f, ": {source}")
    }
}

/// All digits of a number, with an exponent where there would be many zeros.
fn plain(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e7).contains(&size) { format!("{value:e}") } else { value.to_string() }
}

/// What is known of a micrograph's axes, each at most once. Unknown is absent, never 1.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Calibration {
    axes: Vec<AxisScale>,
}

impl Calibration {
    /// Of what a file says of its axes; scales that are zero or no number say nothing, nor do second ones of an axis.
    #[must_use]
    pub fn from_axes(axes: impl IntoIterator<Item = AxisScale>) -> Self {
        let mut calibration = Self::default();
        for axis in axes {
            let sound = axis.scale.is_finite() && axis.scale != 0.0 && axis.offset.is_finite();
            if sound && calibration.axis(axis.axis).is_none() {
                calibration.axes.push(axis);
            }
        }
        calibration
    }

    /// Of the size of a pixel alone.
    #[must_use]
    pub fn of_pixel(pixel: &PixelSize) -> Self {
        Self::from_axes([
            AxisScale::new('Y', pixel.y_nm, "nm", &pixel.source),
            AxisScale::new('X', pixel.x_nm, "nm", &pixel.source),
        ])
    }

    /// With `axis` in place of what was known of the same one.
    #[must_use]
    pub fn with(&self, axis: AxisScale) -> Self {
        let others = self.axes.iter().filter(|known| known.axis != axis.axis).cloned();
        Self::from_axes(others.chain([axis.clone()]))
    }

    /// With another size of a pixel, or none.
    #[must_use]
    pub fn with_pixel(&self, pixel: Option<&PixelSize>) -> Self {
        let others = self.axes.iter().filter(|known| !matches!(known.axis, 'Y' | 'X')).cloned();
        Self::from_axes(others.chain(pixel.map(Self::of_pixel).unwrap_or_default().axes))
    }

    #[must_use]
    pub fn axes(&self) -> &[AxisScale] {
        &self.axes
    }

    /// What is known of an axis, by its letter.
    #[must_use]
    pub fn axis(&self, letter: char) -> Option<&AxisScale> {
        self.axes.iter().find(|known| known.axis == letter)
    }

    /// The size of a pixel, where both axes are lengths.
    #[must_use]
    pub fn pixel(&self) -> Option<PixelSize> {
        let (x, y) = (self.axis('X')?, self.axis('Y')?);
        Some(PixelSize { x_nm: x.step_nm()?, y_nm: y.step_nm()?, source: x.source.clone() })
    }

    /// Distance between frames (the z step).
    #[must_use]
    pub fn frame_step_nm(&self) -> Option<f64> {
        self.axis('Z')?.step_nm()
    }
}

/// `value` units of `unit` nanometres each. Digits beyond the twelfth come from the conversion and not from the file:
/// 3.85417e-7 m are 385.417 nm.
fn in_nm(value: f64, unit: f64) -> f64 {
    let size = value * unit;
    if unit == 1.0 { size } else { format!("{size:.11e}").parse().unwrap_or(size) }
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
        "fm" => 1e-6,
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
    fn a_scale_says_its_unit_and_source() {
        let energy = AxisScale { offset: -0.2, ..AxisScale::new('E', 0.01, "keV", "ENERGY") };
        assert_eq!(energy.to_string(), "0.01 keV a step, from -0.2 keV: ENERGY");
        assert_eq!(AxisScale::new('X', 3.85417e-7, "m", "tag").to_string(), "3.85417e-7 m a step: tag");
        assert_eq!(AxisScale::new('X', 2.0, "", "tag").to_string(), "2 without a unit a step: tag");
    }

    #[test]
    fn a_pixel_size_needs_two_lengths() {
        let scale = |axis, scale, unit: &str| AxisScale::new(axis, scale, unit, "test");
        let known = Calibration::from_axes([scale('Y', 4e-7, "m"), scale('X', 3.85417e-7, "m")]);
        assert_eq!(known.pixel().map(|p| (p.y_nm, p.x_nm)), Some((400.0, 385.417)));
        for other in
            [scale('X', 0.0, "m"), scale('X', f64::NAN, "m"), scale('X', 1.0, "1/nm"), scale('X', 1.0, "")]
        {
            assert_eq!(Calibration::from_axes([scale('Y', 1.0, "nm"), other]).pixel(), None);
        }
        let set = known.with(AxisScale::new('Z', 0.02, "µm", "typed"));
        assert_eq!((set.frame_step_nm(), set.with_pixel(None).pixel()), (Some(20.0), None));
    }

    #[test]
    fn a_pixel_is_not_a_unit_of_length() {
        assert_eq!(unit_in_nm("\\u00B5m"), Some(1e3));
        assert_eq!(unit_in_nm("Å"), Some(0.1));
        assert_eq!(unit_in_nm("pixel"), None);
    }
}
