//! The bar of text that microscopes write below their images.

/// The last `rows` rows of a picture are text and not specimen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InfoBar {
    pub rows: usize,
    /// The tag or field that says so, "found in the picture", or "set by hand".
    pub source: String,
}
