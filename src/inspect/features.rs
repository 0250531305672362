//! All feature maps of one node, for one image.
use ndarray::Array3;

/// The output planes of a node `[channel, y, x]`; a dense layer's features are planes of one pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMaps {
    pub node: String,
    pub maps: Array3<f32>,
    /** source pixels per feature pixel `[y, x]`; feature pixel (i, j) covers the source from (i, j) · scale */
    pub scale: [f64; 2],
}

impl FeatureMaps {
    /// The feature pixel over a source position, both `[y, x]`; `None` outside.
    #[must_use]
    pub fn pixel_at(&self, _source: [f64; 2]) -> Option<[usize; 2]> {
        todo!()
    }
}
