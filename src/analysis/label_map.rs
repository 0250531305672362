//! Integer classes per pixel.
use ndarray::Array2;

/// Class of every pixel `[y, x]`; 0 is the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap(pub Array2<u16>);
