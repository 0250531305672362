//! Every feature's value at one place of the source.
use super::FeatureMaps;
use ndarray::s;

/// What a node's features say of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceValues {
    /// The feature pixel over the place, `[y, x]` of the maps.
    pub at: [usize; 2],
    /// One a feature.
    pub values: Vec<f32>,
}

/// The values of all features at a position `[y, x]` of the source, whose pixel (i, j) spans i..i+1, j..j+1; `None` where
/// the maps do not reach. Of a map of lower resolution it is the pixel that lies over the position: nothing is
/// interpolated.
#[must_use]
pub fn values_at(maps: &FeatureMaps, source: [f64; 2]) -> Option<PlaceValues> {
    let at = maps.pixel_at(source)?;
    Some(PlaceValues { at, values: maps.maps.slice(s![.., at[0], at[1]]).to_vec() })
}

/// Feature indices by value: the largest first, equal ones by index, what is no number last.
#[must_use]
pub fn by_value(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| match (values[a].is_nan(), values[b].is_nan()) {
        (false, false) => values[b].total_cmp(&values[a]),
        (a, b) => a.cmp(&b),
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn each_feature_tells_of_the_pixel_over_the_place() {
        let maps = Array3::from_shape_fn((3, 4, 5), |(k, y, x)| (k * 100 + y * 10 + x) as f32);
        let maps = FeatureMaps { node: "pool".into(), maps, scale: [2.0, 4.0], origin: [1.0, 0.0] };
        // Row 5.5 is (5.5 − 1) / 2 = 2.25 rows in, column 10.5 is 2.6 columns in.
        let found = values_at(&maps, [5.5, 10.5]).unwrap();
        assert_eq!((found.at, found.values), ([2, 2], vec![22.0, 122.0, 222.0]));
        assert_eq!(values_at(&maps, [0.5, 0.5]), None, "the maps begin a row in");
        assert_eq!(values_at(&maps, [5.0, 20.0]), None);
    }

    #[test]
    fn the_largest_come_first_and_what_is_no_number_last() {
        let values = [1.0, f32::NAN, -7.0, 3.0, 3.0, f32::NEG_INFINITY, 0.0];
        assert_eq!(by_value(&values), [3, 4, 0, 6, 2, 5, 1]);
        assert_eq!(by_value(&[]), [] as [usize; 0]);
    }
}
