//! What a step along the rows and columns of a picture is, as a length or whatever else the file measures in.
use crate::imaging::Calibration;

/// Size of a pixel in one unit for both directions.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlaneScale {
    pub x: f64,
    pub y: f64,
    /// `nm` for lengths, else the file's own, such as `1/nm`.
    pub unit: String,
    /// The tag or field that says so.
    pub source: String,
}

impl PlaneScale {
    /// In nanometres where both axes are lengths, in their own unit where they share one; else `None`.
    #[must_use]
    pub fn of(calibration: &Calibration) -> Option<Self> {
        if let Some(pixel) = calibration.pixel() {
            let (x, y, source) = (pixel.x_nm, pixel.y_nm, pixel.source);
            return Some(Self { x, y, unit: "nm".to_owned(), source });
        }
        let (x, y) = (calibration.axis('X')?, calibration.axis('Y')?);
        let shared = x.unit == y.unit && !x.unit.is_empty();
        shared.then(|| Self {
            x: x.scale.abs(),
            y: y.scale.abs(),
            unit: x.unit.clone(),
            source: x.source.clone(),
        })
    }

    #[must_use]
    pub fn is_length(&self) -> bool {
        self.unit == "nm"
    }

    /// The distance of two places that are `[x, y]` px apart.
    #[must_use]
    pub fn distance(&self, [x, y]: [f64; 2]) -> f64 {
        (x * self.x).hypot(y * self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::AxisScale;

    #[test]
    fn lengths_are_in_nanometres_and_other_units_stay_theirs() {
        let scale = |y: AxisScale, x: AxisScale| PlaneScale::of(&Calibration::from_axes([y, x]));
        let axis = |letter, size, unit: &str| AxisScale::new(letter, size, unit, "test");
        let lengths = scale(axis('Y', 0.5, "µm"), axis('X', 2e-9, "m")).unwrap();
        assert_eq!((lengths.x, lengths.y, lengths.is_length()), (2.0, 500.0, true));
        let reciprocal = scale(axis('Y', 0.1, "1/nm"), axis('X', -0.1, "1/nm")).unwrap();
        assert_eq!((reciprocal.x, reciprocal.unit.as_str(), reciprocal.is_length()), (0.1, "1/nm", false));
        assert!((reciprocal.distance([3.0, 4.0]) - 0.5).abs() < 1e-12);
        assert_eq!(scale(axis('Y', 1.0, "nm"), axis('X', 1.0, "1/nm")), None);
        assert_eq!(scale(axis('Y', 1.0, ""), axis('X', 1.0, "")), None);
        assert_eq!(PlaneScale::of(&Calibration::default()), None);
    }
}
