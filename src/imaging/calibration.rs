//! Sizes, and where they came from.

/// Size of a pixel in nanometres, with the tag or field that says so.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PixelSize {
    pub x_nm: f64,
    pub y_nm: f64,
    pub source: String,
}

/// What is known of a micrograph's axes. Unknown is `None`, never 1.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Calibration {
    pub pixel: Option<PixelSize>,
    /** distance between frames (z step) */
    pub frame_step_nm: Option<f64>,
}

/// A bar of a round length that fits.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleBar {
    pub length_nm: f64,
    pub length_px: f64,
    /** such as "500 nm" */
    pub label: String,
}

impl ScaleBar {
    /// The longest of 1, 2, 5 × 10^n nm that is at most `longest_px` image pixels long.
    #[must_use]
    pub fn fitting(_nm_per_px: f64, _longest_px: f64) -> Option<Self> {
        todo!()
    }
}

/// A length in the unit that suits it: `0.44 µm`, `12.3 nm`, `85 pm`, `1.2 mm`.
#[must_use]
pub fn format_length(_nm: f64) -> String {
    todo!()
}
