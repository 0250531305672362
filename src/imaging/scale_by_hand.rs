//! A pixel size that a person typed, or measured along the scale bar in the picture.

use std::fmt;
use std::str::FromStr;

use super::calibration::unit_in_nm;
use super::{Calibration, Micrograph, PixelSize};

/// What a person says of the scale, as it was said.
#[derive(Debug, Clone, PartialEq)]
pub enum ScaleByHand {
    /// Sides of a pixel: across, and down.
    Pixel { x: Length, y: Length },
    /// A length that so many pixels of the picture show.
    Line { length: Length, px: f64 },
}

/// A length in the unit that it was given in.
#[derive(Debug, Clone, PartialEq)]
pub struct Length {
    pub value: f64,
    /// Such as `nm` or `µm`.
    pub unit: String,
}

impl Length {
    /// `None` unless it is more than nothing, in a unit of length.
    #[must_use]
    pub fn new(value: f64, unit: &str) -> Option<Self> {
        let unit = unit.trim().replace("um", "µm").replace('μ', "µ");
        let nm = value * unit_in_nm(&unit)?;
        (nm.is_finite() && nm > 0.0).then_some(Self { value, unit })
    }

    #[must_use]
    pub fn nm(&self) -> f64 {
        self.value * unit_in_nm(&self.unit).unwrap_or(f64::NAN)
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let number = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (value, unit) = text.split_at(number);
        let length = value.parse().ok().and_then(|value| Self::new(value, unit));
        length.ok_or_else(|| format!("expected a length such as 5nm or 0.5um, not {text:?}"))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit)
    }
}

impl ScaleByHand {
    /// Of a length along a line; `None` for a line of no length.
    #[must_use]
    pub fn along(length: Length, px: f64) -> Option<Self> {
        let sound = px.is_finite() && px > 0.0 && (length.nm() / px) > 0.0 && (length.nm() / px).is_finite();
        sound.then_some(Self::Line { length, px })
    }

    /// The size of a pixel, with these words as its source.
    #[must_use]
    pub fn pixel(&self) -> PixelSize {
        let (x_nm, y_nm) = match self {
            Self::Pixel { x, y } => (x.nm(), y.nm()),
            Self::Line { length, px } => (length.nm() / px, length.nm() / px),
        };
        PixelSize { x_nm, y_nm, source: format!("set by hand: {}", self.words()) }
    }

    /// Such as "500 nm along 183.5 px".
    fn words(&self) -> String {
        match self {
            Self::Pixel { x, y } if x == y => format!("{x} per px"),
            Self::Pixel { x, y } => format!("{x} across and {y} down per px"),
            Self::Line { length, px } => format!("{length} along {px} px"),
        }
    }
}

/// As the command line takes it: `5nm`, `5nmx6nm` across and down, `500nm/183.5px`.
impl FromStr for ScaleByHand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((length, px)) = text.split_once('/') {
            let px = px.trim().trim_end_matches("px").trim_end().parse().ok();
            let scale = px.and_then(|px| Self::along(length.parse().ok()?, px));
            return scale.ok_or_else(|| {
                format!("expected a length along pixels such as 500nm/183.5px, not {text:?}")
            });
        }
        let (x, y) = text.split_once(['x', '×']).unwrap_or((text, text));
        Ok(Self::Pixel { x: x.parse()?, y: y.parse()? })
    }
}

impl fmt::Display for ScaleByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |length: &Length| format!("{}{}", length.value, length.unit.replace('µ', "u"));
        match self {
            Self::Pixel { x, y } if x == y => f.write_str(&short(x)),
            Self::Pixel { x, y } => write!(f, "{}x{}", short(x), short(y)),
            Self::Line { length, px } => write!(f, "{}/{px}px", short(length)),
        }
    }
}

impl Micrograph {
    /// The same planes with the scale that a person says; `None` leaves what is known.
    #[must_use]
    pub fn with_scale(&self, scale: Option<&ScaleByHand>) -> Self {
        let Some(scale) = scale else { return self.clone() };
        let calibration: Calibration = self.calibration().with_pixel(Some(&scale.pixel()));
        self.scaled_by_hand(calibration, scale.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array4;

    #[test]
    fn a_scale_is_read_as_it_is_written() {
        // 500 nm / 183.5 px = 2.7247956… nm, by hand.
        let cases = [
            ("5nm", 5.0, 5.0, "set by hand: 5 nm per px"),
            ("0.5um", 500.0, 500.0, "set by hand: 0.5 µm per px"),
            ("5nmx6nm", 5.0, 6.0, "set by hand: 5 nm across and 6 nm down per px"),
            (
                "500nm/183.5px",
                2.724_795_640_326_975,
                2.724_795_640_326_975,
                "set by hand: 500 nm along 183.5 px",
            ),
        ];
        for (text, x, y, source) in cases {
            let scale: ScaleByHand = text.parse().unwrap();
            assert_eq!(scale.to_string(), text);
            let pixel = scale.pixel();
            assert!((pixel.x_nm - x).abs() < 1e-12 * x && (pixel.y_nm - y).abs() < 1e-12 * y, "{pixel:?}");
            assert_eq!(pixel.source, source);
        }
        assert_eq!("5 nm x 6 nm".parse::<ScaleByHand>(), "5nmx6nm".parse());
        assert_eq!("0.5 µm".parse::<ScaleByHand>(), "0.5um".parse());
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for bad in ["", "5", "nm", "0nm", "-5nm", "5px", "5 1/nm", "5nmx", "500nm/0px", "500nm/px", "1e999nm"]
        {
            assert!(bad.parse::<ScaleByHand>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scale_by_hand_goes_before_the_file_s_and_leaves_the_other_axes() {
        use crate::imaging::AxisScale;
        let known = Calibration::from_axes([
            AxisScale::new('X', 9.0, "nm", "tag"),
            AxisScale::new('Z', 2.0, "nm", "tag"),
        ]);
        let micrograph = Micrograph::from_array("made", Array4::zeros((1, 1, 2, 2)), vec![], known);
        let scale: ScaleByHand = "5nm".parse().unwrap();
        let set = micrograph.with_scale(Some(&scale));
        assert_eq!(set.calibration().pixel(), Some(scale.pixel()));
        assert_eq!(set.calibration().frame_step_nm(), Some(2.0));
        assert_eq!((set.scale_by_hand(), micrograph.scale_by_hand()), (Some(&scale), None));
    }
}
