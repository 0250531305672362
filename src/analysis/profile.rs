//! Values along a line.
//!
//! A line of length L px has ⌈L⌉ + 1 places, equally far apart, of which the first and the last are its ends. The value of
//! a place is the mean over as many points as the line is wide, one px apart across the line and centred on it; a point's
//! value is interpolated linearly between the four nearest pixels. Points outside the picture, and points with a pixel that
//! is not a number, are left out of the mean; where none is left the value is NaN.
use super::{AnalysisError, PlaneScale};
use crate::imaging::{Micrograph, Plane};
use crate::monitor::Monitor;

/// A line over a picture. Positions are `[x, y]` in px, whole numbers in the middle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Line {
    pub from: [f64; 2],
    pub to: [f64; 2],
    /// In px, 1 or more.
    pub width: usize,
}

/// The values of a frame's channels along a line.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Profile {
    pub line: Line,
    pub frame: usize,
    pub length_px: f64,
    /// In the unit of `scale`.
    pub length: Option<f64>,
    pub scale: Option<PlaneScale>,
    pub channels: Vec<ChannelProfile>,
}

/// One channel along a line.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ChannelProfile {
    pub channel: usize,
    pub name: String,
    /// One for each place.
    pub values: Vec<f64>,
}

impl Line {
    #[must_use]
    pub fn length_px(&self) -> f64 {
        let [x, y] = self.vector();
        x.hypot(y)
    }

    /// How many places have a value.
    #[must_use]
    pub fn places(&self) -> usize {
        self.length_px().ceil() as usize + 1
    }

    /// From end to end.
    fn vector(&self) -> [f64; 2] {
        [self.to[0] - self.from[0], self.to[1] - self.from[1]]
    }

    /// Refuses lines that leave a picture of `[height, width]` px, and widths beyond it.
    fn check(&self, [height, width]: [usize; 2]) -> Result<(), AnalysisError> {
        let inside = |at: f64, side: usize| at >= -0.5 && at <= side as f64 - 0.5;
        for [x, y] in [self.from, self.to] {
            if !(inside(x, width) && inside(y, height)) {
                return Err(AnalysisError::Place(format!(
                    "The line ends at {x}, {y}, outside of the picture of {width} × {height} px"
                )));
            }
        }
        if self.width == 0 || self.width > height + width {
            return Err(AnalysisError::Place(format!(
                "A line in a picture of {width} × {height} px cannot be {} px wide",
                self.width
            )));
        }
        Ok(())
    }
}

impl Profile {
    /// How far each place is from the line's beginning, in px.
    #[must_use]
    pub fn distances_px(&self) -> Vec<f64> {
        spread(self.length_px, self.line.places())
    }

    /// The same in the unit of `scale`.
    #[must_use]
    pub fn distances(&self) -> Option<Vec<f64>> {
        Some(spread(self.length?, self.line.places()))
    }
}

/// From 0 to `length` in equal steps.
fn spread(length: f64, places: usize) -> Vec<f64> {
    let steps = places.saturating_sub(1).max(1) as f64;
    (0..places).map(|place| length * place as f64 / steps).collect()
}

/// The values of some channels of a frame along a line.
///
/// # Errors
/// `Place` when the line leaves the picture; what reading the planes gives.
pub fn profile(
    micrograph: &Micrograph,
    frame: usize,
    channels: &[usize],
    line: Line,
    monitor: &Monitor,
) -> Result<Profile, AnalysisError> {
    line.check([micrograph.height(), micrograph.width()])?;
    let mut found = Vec::with_capacity(channels.len());
    for (done, &channel) in channels.iter().enumerate() {
        monitor.progress(done, channels.len())?;
        let values = profile_values(&*micrograph.plane(frame, channel)?, line);
        let name = micrograph.channel_names().get(channel).cloned().unwrap_or_default();
        found.push(ChannelProfile { channel, name, values });
    }
    let scale = PlaneScale::of(micrograph.calibration());
    let length = scale.as_ref().map(|scale| scale.distance(line.vector()));
    Ok(Profile { line, frame, length_px: line.length_px(), length, scale, channels: found })
}

/// A plane's values at the places of a line.
#[must_use]
pub fn profile_values(plane: &Plane, line: Line) -> Vec<f64> {
    let (places, length) = (line.places(), line.length_px());
    let [x, y] = line.vector();
    // A line of no length has no direction; across it is down.
    let across = if length > 0.0 { [-y / length, x / length] } else { [0.0, 1.0] };
    let middle = (line.width.max(1) - 1) as f64 / 2.0;
    let steps = (places - 1).max(1) as f64;
    let value = |place: usize| {
        let along = place as f64 / steps;
        let at = [line.from[0] + x * along, line.from[1] + y * along];
        let points = (0..line.width.max(1)).map(|k| k as f64 - middle);
        let values = points.map(|by| interpolated(plane, [at[0] + by * across[0], at[1] + by * across[1]]));
        mean(values)
    };
    (0..places).map(value).collect()
}

/// Between the four nearest pixels; NaN outside the picture. In the outer half of an edge pixel it is that pixel's value.
fn interpolated(plane: &Plane, [x, y]: [f64; 2]) -> f64 {
    let (width, height) = (plane.width() as f64, plane.height() as f64);
    // A hair more, for ends that rounding puts beyond the edge.
    let inside = |at: f64, side: f64| at >= -0.5 - 1e-9 && at <= side - 0.5 + 1e-9;
    if !(inside(x, width) && inside(y, height)) {
        return f64::NAN;
    }
    let (x, y) = (x.clamp(0.0, width - 1.0), y.clamp(0.0, height - 1.0));
    let (left, top) = (x.floor(), y.floor());
    let (right, down) = (x - left, y - top);
    let (column, row) = (left as usize, top as usize);
    let mut sum = 0.0;
    for (dy, share_y) in [(0, 1.0 - down), (1, down)] {
        for (dx, share_x) in [(0, 1.0 - right), (1, right)] {
            // A pixel without a share may lie outside.
            if share_x * share_y > 0.0 {
                sum += share_x * share_y * plane.value(row + dy, column + dx);
            }
        }
    }
    sum
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.filter(|v| !v.is_nan()).fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Calibration, PixelSize};
    use ndarray::{Array2, Array4, array};

    fn line(from: [f64; 2], to: [f64; 2], width: usize) -> Line {
        Line { from, to, width }
    }

    fn near(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5)
    }

    #[test]
    fn values_between_pixels_are_interpolated() {
        let plane = Plane::from_f32(array![[0.0, 10.0, 20.0], [40.0, 50.0, 80.0]]);
        assert!(near(&profile_values(&plane, line([0.0, 0.0], [2.0, 0.0], 1)), &[0.0, 10.0, 20.0]));
        // Half-way down: (0 + 40) / 2, (10 + 50) / 2, (20 + 80) / 2.
        assert!(near(&profile_values(&plane, line([0.0, 0.5], [2.0, 0.5], 1)), &[20.0, 30.0, 50.0]));
        // 1.5 px long, so three places: 0, 0.75, 1.5.
        assert!(near(&profile_values(&plane, line([0.0, 0.0], [1.5, 0.0], 1)), &[0.0, 7.5, 15.0]));
        assert!(near(&profile_values(&plane, line([1.0, 1.0], [1.0, 1.0], 1)), &[50.0]));
    }

    #[test]
    fn a_wide_line_is_the_mean_across_it_without_what_is_missing() {
        let nan = f32::NAN;
        let plane = Plane::from_f32(array![[1.0, 2.0, nan], [3.0, 4.0, nan], [5.0, 9.0, nan]]);
        let found = profile_values(&plane, line([0.0, 1.0], [2.0, 1.0], 3));
        assert!(near(&found[..2], &[3.0, 5.0]) && found[2].is_nan(), "{found:?}");
        // Along the upper edge one of three points is outside.
        assert!(near(&profile_values(&plane, line([0.0, 0.0], [1.0, 0.0], 3)), &[2.0, 3.0]));
    }

    #[test]
    fn profiles_agree_with_scikit_image() {
        // scikit-image 0.26: profile_line(image, (y, x), (y, x), linewidth, order=1, mode="constant", reduce_func=mean);
        // length, and the values at places 0, 1, 7, 20 and the last.
        let picture = Array2::from_shape_fn((40, 50), |(y, x)| ((y * 31 + x * 17) % 97) as f32);
        let plane = Plane::from_f32(picture);
        let slanted = ([3.2, 4.7], [41.5, 30.1]);
        let cases = [
            (line(slanted.0, slanted.1, 5), 47, [53.715_809, 48.981_079, 53.275_328, 45.389_476, 50.572_956]),
            (line(slanted.0, slanted.1, 1), 47, [35.2, 37.371_739, 31.002_174, 49.534_783, 76.9]),
            (line([10.0, 5.0], [10.0, 35.0], 4), 31, [34.0, 52.875, 57.0, 59.875, 54.625]),
            (line([40.0, 20.0], [7.0, 20.0], 2), 34, [39.0, 46.25, 41.25, 62.75, 60.0]),
        ];
        for (line, length, expected) in cases {
            let values = profile_values(&plane, line);
            let picked = [0, 1, 7, 20, length - 1].map(|place| values[place]);
            assert!(values.len() == length && near(&picked, &expected), "{line:?}: {picked:?}");
        }
    }

    #[test]
    fn distances_are_those_of_the_pixel_size_in_each_direction() {
        let pixel = PixelSize { x_nm: 2.0, y_nm: 3.0, source: "test".to_owned() };
        let values = Array4::zeros((1, 2, 9, 9));
        let micrograph = Micrograph::from_array("a", values, Vec::new(), Calibration::of_pixel(&pixel));
        let across = line([0.0, 0.0], [4.0, 4.0], 1);
        let found = profile(&micrograph, 0, &[0, 1], across, &Monitor::silent()).unwrap();
        assert!((found.length.unwrap() - 208.0_f64.sqrt()).abs() < 1e-12, "8 nm across and 12 nm down");
        assert_eq!((found.channels.len(), found.channels[1].name.as_str()), (2, "channel 2"));
        let distances = found.distances().unwrap();
        assert_eq!((distances.len(), distances[0]), (7, 0.0));
        assert!((distances[6] - 208.0_f64.sqrt()).abs() < 1e-12);
        assert!((found.distances_px()[3] - 8.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn lines_outside_of_the_picture_are_refused() {
        let micrograph =
            Micrograph::from_array("a", Array4::zeros((1, 1, 5, 8)), Vec::new(), Calibration::default());
        let bad = [
            line([0.0, 0.0], [7.6, 0.0], 1),
            line([-0.6, 0.0], [1.0, 0.0], 1),
            line([f64::NAN, 0.0], [1.0, 0.0], 1),
            line([0.0, 0.0], [1.0, f64::INFINITY], 1),
            line([0.0, 0.0], [1.0, 0.0], 0),
            line([0.0, 0.0], [1.0, 0.0], usize::MAX),
        ];
        for line in bad {
            let refused = profile(&micrograph, 0, &[0], line, &Monitor::silent());
            assert!(matches!(refused, Err(AnalysisError::Place(_))), "{line:?}");
        }
        assert!(profile(&micrograph, 0, &[0], line([-0.5, 4.5], [7.5, 0.0], 2), &Monitor::silent()).is_ok());
    }
}
