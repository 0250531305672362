//! All feature maps of one node, for one image.
use ndarray::Array3;

/// The output planes of a node `[channel, y, x]`; a dense layer's features are planes of one pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMaps {
    pub node: String,
    pub maps: Array3<f32>,
    /// Source pixels per feature pixel `[y, x]`; feature pixel (i, j) covers the source from (i, j) · scale.
    pub scale: [f64; 2],
}

impl FeatureMaps {
    /// The feature pixel over a source position, both `[y, x]`; `None` outside. A source pixel (i, j) spans the
    /// positions i..i+1, j..j+1.
    #[must_use]
    pub fn pixel_at(&self, source: [f64; 2]) -> Option<[usize; 2]> {
        let (_, height, width) = self.maps.dim();
        let along = |position: f64, scale: f64, size: usize| {
            let index = (position / scale).floor();
            (index >= 0.0 && index < size as f64).then_some(index as usize)
        };
        Some([along(source[0], self.scale[0], height)?, along(source[1], self.scale[1], width)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_position_finds_the_feature_pixel_over_it() {
        let maps = FeatureMaps { node: "pool1".into(), maps: Array3::zeros((1, 3, 5)), scale: [2.0, 4.0] };
        let cases = [
            ([0.0, 0.0], Some([0, 0])),
            ([1.99, 3.99], Some([0, 0])),
            ([2.0, 4.0], Some([1, 1])),
            ([5.9, 19.9], Some([2, 4])),
            ([6.0, 0.0], None),
            ([0.0, 20.0], None),
            ([-0.01, 0.0], None),
            ([f64::NAN, 0.0], None),
        ];
        for (source, expected) in cases {
            assert_eq!(maps.pixel_at(source), expected, "at {source:?}");
        }
    }
}
