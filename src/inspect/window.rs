//! Which values of a feature are shown dark and bright.
use super::FeatureStatistics;
use crate::imaging::{Colormap, Contrast};

/// Window of one feature, or where it is `shared` of all together: its range, but no wider than four standard deviations
/// about the mean, so that one hot pixel does not darken the rest. Symmetric about zero for signed colours.
#[must_use]
pub fn feature_window(
    statistics: &[FeatureStatistics],
    feature: Option<usize>,
    colormap: Colormap,
    shared: bool,
) -> Contrast {
    let one = feature.filter(|_| !shared).and_then(|feature| statistics.get(feature));
    let (low, high) = match one {
        Some(statistics) => window(statistics),
        None => statistics
            .iter()
            .filter(|statistics| !statistics.dead)
            .map(window)
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            .unwrap_or((0.0, 1.0)),
    };
    let (low, high) = if colormap.is_signed() {
        let reach = low.abs().max(high.abs());
        (-reach, reach)
    } else {
        (low, high)
    };
    if high > low {
        return Contrast { low, high };
    }
    // Of a map of no numbers, anything.
    let low = if low.is_finite() { low } else { 0.0 };
    Contrast { low: low - 0.5, high: low + 0.5 }
}

fn window(statistics: &FeatureStatistics) -> (f32, f32) {
    let reach = 4.0 * statistics.variance.max(0.0).sqrt();
    (statistics.min.max(statistics.mean - reach), statistics.max.min(statistics.mean + reach))
}
