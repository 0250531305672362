//! Connected regions of a class, measured.
use super::LabelMap;
use super::components::{Component, components};
use crate::imaging::PixelSize;
use std::f64::consts::PI;

/// One connected region (8-connectivity) of a class other than 0.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Object {
    /// From 1, in order of the first pixel.
    pub id: u32,
    pub class: u16,
    pub area_px: u64,
    /// Centre of mass `[y, x]` in px, pixel centres at integers.
    pub centroid_px: [f64; 2],
    /// Of the circle of equal area.
    pub equivalent_diameter_px: f64,
    /// Top, left, height, width in px.
    pub bounding_box_px: [usize; 4],
    pub area_nm2: Option<f64>,
    pub centroid_nm: Option<[f64; 2]>,
    pub equivalent_diameter_nm: Option<f64>,
    pub bounding_box_nm: Option<[f64; 4]>,
}

/// Every object, in order of its first pixel row by row. Nanometres are given when the pixel size is known; pixels
/// need not be square.
#[must_use]
pub fn measure(labels: &LabelMap, pixel: Option<&PixelSize>) -> Vec<Object> {
    components(labels.0.view()).iter().zip(1..).map(|(component, id)| object(id, component, pixel)).collect()
}

/// The same objects on pixels of another size.
#[must_use]
pub fn remeasured(objects: &[Object], pixel: Option<&PixelSize>) -> Vec<Object> {
    objects.iter().map(|object| object.clone().in_nanometres(pixel)).collect()
}

fn object(id: u32, component: &Component, pixel: Option<&PixelSize>) -> Object {
    let area = component.area as f64;
    let [y, x] = component.sum.map(|sum| sum as f64 / area);
    let in_pixels = Object {
        id,
        class: component.class,
        area_px: component.area,
        centroid_px: [y, x],
        equivalent_diameter_px: diameter(area),
        bounding_box_px: component.bounding_box(),
        area_nm2: None,
        centroid_nm: None,
        equivalent_diameter_nm: None,
        bounding_box_nm: None,
    };
    in_pixels.in_nanometres(pixel)
}

/// Of the circle of an area.
fn diameter(area: f64) -> f64 {
    (4.0 * area / PI).sqrt()
}

impl Object {
    /// Every length and area from the pixels', where their size is known.
    fn in_nanometres(mut self, pixel: Option<&PixelSize>) -> Self {
        let ([y, x], [top, left, height, width]) = (self.centroid_px, self.bounding_box_px);
        self.area_nm2 = pixel.map(|p| self.area_px as f64 * p.x_nm * p.y_nm);
        self.centroid_nm = pixel.map(|p| [y * p.y_nm, x * p.x_nm]);
        self.equivalent_diameter_nm = self.area_nm2.map(diameter);
        self.bounding_box_nm = pixel.map(|p| {
            [top as f64 * p.y_nm, left as f64 * p.x_nm, height as f64 * p.y_nm, width as f64 * p.x_nm]
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn an_object_is_measured_in_pixels_and_nanometres() {
        let labels = LabelMap(array![[0, 0, 0, 0], [0, 0, 2, 2], [0, 0, 2, 2]]);
        let pixel = PixelSize { x_nm: 2.0, y_nm: 3.0, source: "by hand".into() };
        let expected = Object {
            id: 1,
            class: 2,
            area_px: 4,
            centroid_px: [1.5, 2.5],
            equivalent_diameter_px: 4.0 / PI.sqrt(),
            bounding_box_px: [1, 2, 2, 2],
            area_nm2: Some(24.0),
            centroid_nm: Some([4.5, 5.0]),
            equivalent_diameter_nm: Some((96.0 / PI).sqrt()),
            bounding_box_nm: Some([3.0, 4.0, 6.0, 4.0]),
        };
        assert_eq!(measure(&labels, Some(&pixel)), [expected]);
        let uncalibrated = &measure(&labels, None)[0];
        assert_eq!(
            remeasured(std::slice::from_ref(uncalibrated), Some(&pixel)),
            measure(&labels, Some(&pixel))
        );
        assert_eq!((uncalibrated.area_nm2, uncalibrated.centroid_nm), (None, None));
    }

    #[test]
    fn measures_agree_with_scikit_image() {
        // scikit-image 0.26: label(labels == c, connectivity=2) and regionprops for c in 1, 2, 3, ordered by the first
        // pixel; the expected sums over (object, area, centroid, equivalent_diameter_area, bbox) are from there.
        let labels = LabelMap(Array2::from_shape_fn((40, 60), |(y, x)| {
            if (y * 5 + x * 11) % 17 < 4 && y > 28 {
                3
            } else if y.abs_diff(20).pow(2) + x.abs_diff(30).pow(2) < 100 {
                2
            } else {
                u16::from((y * 7 + x * 3) % 23 < 9 && (y / 5 + x / 7) % 2 == 0)
            }
        }));
        let objects = measure(&labels, None);
        assert_eq!(objects.len(), 136);
        let disc = objects.iter().max_by_key(|object| object.area_px).unwrap();
        assert_eq!((disc.class, disc.area_px, disc.bounding_box_px), (2, 304, [11, 21, 19, 19]));
        assert!((disc.centroid_px[0] - 19.970_394_736_842_106).abs() < 1e-9);
        assert!((disc.centroid_px[1] - 30.009_868_421_052_63).abs() < 1e-9);
        assert!((disc.equivalent_diameter_px - 19.673_963_037_463_74).abs() < 1e-9);
        let sum = |of: fn(&Object) -> f64| objects.iter().map(of).sum::<f64>();
        assert!((sum(|o| o.area_px as f64 * o.centroid_px[0]) - 18008.0).abs() < 1e-6);
        assert!((sum(|o| o.equivalent_diameter_px) - 299.299_369_157_157_86).abs() < 1e-9);
        assert!((sum(|o| f64::from(o.id) * o.area_px as f64) - 37418.0).abs() < 1e-6);
        assert!((sum(|o| f64::from(o.id) * o.centroid_px[1]) - 274_270.656_182_121_95).abs() < 1e-6);
        let bottom = |o: &Object| f64::from(o.id) * (o.bounding_box_px[0] + o.bounding_box_px[2]) as f64;
        assert!((sum(bottom) - 319_054.0).abs() < 1e-6);
    }
}
