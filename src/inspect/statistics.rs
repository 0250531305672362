//! Numbers about each feature map, and orders by them.
use super::FeatureMaps;

/// Of the finite values of one feature map.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FeatureStatistics {
    pub mean: f32,
    pub variance: f32,
    pub min: f32,
    pub max: f32,
    /** share of exact zeros */
    pub sparsity: f32,
    /** constant over the whole image */
    pub dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum FeatureOrder {
    #[default]
    Index,
    Variance,
    Mean,
    Sparsity,
}

/// One a feature.
#[must_use]
pub fn statistics(_maps: &FeatureMaps) -> Vec<FeatureStatistics> {
    todo!()
}

/// Feature indices in the order to show (largest first, except by index); dead ones left out on request.
#[must_use]
pub fn ordered(_statistics: &[FeatureStatistics], _by: FeatureOrder, _hide_dead: bool) -> Vec<usize> {
    todo!()
}
