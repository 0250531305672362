//! All feature maps of one node, for one image.
use ndarray::Array3;

/// The output planes of a node `[channel, y, x]`; a dense layer's features are planes of one pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMaps {
    pub node: String,
    pub maps: Array3<f32>,
    /// Source pixels from one feature pixel to the next, `[y, x]`.
    pub scale: [f64; 2],
    /// Where on the source the first feature pixel begins, `[y, x]`; feature pixel (i, j) covers it from
    /// origin + (i, j) · scale. What it sees lies evenly around that: 0 but where borders are lost or strides
    /// look to one side.
    pub origin: [f64; 2],
}

impl FeatureMaps {
    /// Memory of the values.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.maps.len() as u64 * size_of::<f32>() as u64
    }

    /// The feature pixel over a source position, both `[y, x]`; `None` outside. A source pixel (i, j) spans the
    /// positions i..i+1, j..j+1.
    #[must_use]
    pub fn pixel_at(&self, source: [f64; 2]) -> Option<[usize; 2]> {
        let (_, height, width) = self.maps.dim();
        let along = |axis: usize, size: usize| {
            let index = ((source[axis] - self.origin[axis]) / self.scale[axis]).floor();
            (index >= 0.0 && index < size as f64).then_some(index as usize)
        };
        Some([along(0, height)?, along(1, width)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_position_finds_the_feature_pixel_over_it() {
        let (scale, origin) = ([2.0, 4.0], [0.0; 2]);
        let maps = FeatureMaps { node: "pool1".into(), maps: Array3::zeros((1, 3, 5)), scale, origin };
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
        let maps = FeatureMaps { origin: [4.0, -0.5], ..maps };
        assert_eq!(maps.pixel_at([3.9, 0.0]), None);
        assert_eq!(maps.pixel_at([4.0, 3.5]), Some([0, 1]));
    }
}
