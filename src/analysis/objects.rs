//! Connected regions of a class, measured.
use super::LabelMap;
use crate::imaging::PixelSize;

/// One connected region (8-connectivity) of a class other than 0.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Object {
    /** from 1, in order of the first pixel */
    pub id: u32,
    pub class: u16,
    pub area_px: u64,
    /** centre of mass `[y, x]` in px, pixel centres at integers */
    pub centroid_px: [f64; 2],
    /** of the circle of equal area */
    pub equivalent_diameter_px: f64,
    /** top, left, height, width in px */
    pub bounding_box_px: [usize; 4],
    pub area_nm2: Option<f64>,
    pub centroid_nm: Option<[f64; 2]>,
    pub equivalent_diameter_nm: Option<f64>,
    pub bounding_box_nm: Option<[f64; 4]>,
}

#[must_use]
pub fn measure(_labels: &LabelMap, _pixel: Option<&PixelSize>) -> Vec<Object> {
    todo!()
}
