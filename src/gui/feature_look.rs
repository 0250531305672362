//! Contrast of feature maps and their place in the sheet, the same in the sheet and large.
use crate::imaging::{Colormap, Contrast};
use crate::inspect::{FeatureStatistics, feature_window};
use crate::session::SelectedFeatures;

/// Window of one feature, or of all together.
pub(super) fn contrast_of(
    statistics: &[FeatureStatistics],
    feature: Option<usize>,
    colormap: Colormap,
    shared: bool,
) -> Contrast {
    feature_window(statistics, feature, colormap, shared)
}

/// Where a feature stands in the shown order.
pub(super) fn place_in_order(features: &SelectedFeatures, feature: usize) -> Option<usize> {
    features.order.iter().position(|other| *other == feature)
}

/// The feature `by` places on in the shown order, stopping at the ends; the first when none is chosen.
pub(super) fn step_feature(features: &SelectedFeatures, now: Option<usize>, by: isize) -> Option<usize> {
    let last = features.order.len().checked_sub(1)?;
    let place = now.and_then(|now| place_in_order(features, now));
    let next = place.map_or(0, |place| place.saturating_add_signed(by).min(last));
    features.order.get(next).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::FeatureMaps;
    use ndarray::Array3;
    use std::sync::Arc;

    fn of(mean: f32, variance: f32, min: f32, max: f32) -> FeatureStatistics {
        FeatureStatistics { mean, variance, min, max, sparsity: 0.0, dead: min == max }
    }

    #[test]
    fn contrast_is_the_range_without_outliers() {
        let all = [of(0.0, 1.0, -2.0, 100.0), of(5.0, 0.01, 4.8, 5.3), of(0.0, 0.0, 0.0, 0.0)];
        let own = contrast_of(&all, Some(0), Colormap::Grey, false);
        assert_eq!((own.low, own.high), (-2.0, 4.0));
        let shared = contrast_of(&all, Some(0), Colormap::Grey, true);
        assert_eq!((shared.low, shared.high), (-2.0, 5.3));
        let signed = contrast_of(&all, Some(0), Colormap::Signed, false);
        assert_eq!((signed.low, signed.high), (-4.0, 4.0));
        let dead = contrast_of(&all, Some(2), Colormap::Grey, false);
        assert!(dead.high > dead.low);
    }

    #[test]
    fn stepping_follows_the_shown_order_and_stops_at_its_ends() {
        let maps = FeatureMaps {
            node: "conv".into(),
            maps: Array3::zeros((4, 1, 1)),
            scale: [1.0; 2],
            origin: [0.0; 2],
        };
        let features = SelectedFeatures {
            key: 1,
            maps: Arc::new(maps),
            statistics: Arc::new(Vec::new()),
            order: Arc::new(vec![2, 0, 3]),
        };
        assert_eq!(step_feature(&features, None, 1), Some(2));
        assert_eq!(step_feature(&features, Some(2), 1), Some(0));
        assert_eq!(step_feature(&features, Some(3), 1), Some(3));
        assert_eq!(step_feature(&features, Some(2), -1), Some(2));
        assert_eq!(step_feature(&features, Some(1), 1), Some(2));
    }
}
