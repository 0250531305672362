//! What is known of a node's features as tables.

use crate::inspect::{Clusters, FeatureStatistics};
use serde::Serialize;
use std::io;

/// The features of one node on one image, in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureTable {
    pub model: String,
    pub image: String,
    pub frame: usize,
    pub node: String,
    /// The class that correlations are with, and whose word it is: "prediction" or "labels".
    pub class: Option<String>,
    pub class_by: Option<&'static str>,
    pub features: Vec<FeatureLine>,
}

/// One feature. Numbers that are none are left out (null in JSON).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureLine {
    pub feature: usize,
    #[serde(flatten)]
    pub statistics: FeatureStatistics,
    /// Pearson's, with the class.
    pub correlation: Option<f32>,
}

impl FeatureLine {
    /// The lines of features in an order.
    #[must_use]
    pub fn of(order: &[usize], statistics: &[FeatureStatistics], correlations: Option<&[f32]>) -> Vec<Self> {
        let line = |&feature: &usize| {
            let correlation = correlations.and_then(|all| all.get(feature)).copied().filter(|r| !r.is_nan());
            Some(Self { feature, statistics: *statistics.get(feature)?, correlation })
        };
        order.iter().filter_map(line).collect()
    }
}

/// One line a feature, comma-separated.
pub fn features_csv(found: &FeatureTable) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let heading = ["feature", "mean", "variance", "min", "max", "sparsity", "dead"];
    let correlation = found.class.as_ref().map(|class| format!("correlation_{class}"));
    table.write_record(heading.iter().map(ToString::to_string).chain(correlation.clone()))?;
    for line in &found.features {
        let FeatureStatistics { mean, variance, min, max, sparsity, dead } = line.statistics;
        let mut record = vec![line.feature.to_string()];
        record.extend([mean, variance, min, max, sparsity].map(known));
        record.push(dead.to_string());
        record.extend(correlation.as_ref().map(|_| known(line.correlation.unwrap_or(f32::NAN))));
        table.write_record(&record)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// One line a group: its share of the places, its colour, and the mean of each feature there.
pub fn clusters_csv(clusters: &Clusters) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let features = (0..clusters.means.ncols()).map(|feature| format!("mean_{feature}"));
    let heading = ["group", "share", "colour"].map(str::to_owned);
    table.write_record(heading.into_iter().chain(features))?;
    for (group, (means, share)) in clusters.means.rows().into_iter().zip(&clusters.shares).enumerate() {
        let [r, g, b] = Clusters::colour(group);
        let mut record = vec![group.to_string(), share.to_string(), format!("#{r:02x}{g:02x}{b:02x}")];
        record.extend(means.iter().map(|mean| known(*mean)));
        table.write_record(&record)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// The shortest digits that mean this number; nothing where it is none.
fn known(value: f32) -> String {
    if value.is_nan() { String::new() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn text(bytes: io::Result<Vec<u8>>) -> String {
        String::from_utf8(bytes.unwrap()).unwrap()
    }

    #[test]
    fn a_feature_is_a_line_in_the_order_that_was_asked_for() {
        let statistics = |mean: f32, dead| FeatureStatistics {
            mean,
            variance: 0.5,
            min: -1.0,
            max: 2.0,
            sparsity: 0.25,
            dead,
        };
        let all = [statistics(1.5, false), statistics(f32::NAN, true)];
        let mut table = FeatureTable {
            model: "m".into(),
            image: "i".into(),
            frame: 0,
            node: "n".into(),
            class: Some("γ′".into()),
            class_by: Some("prediction"),
            features: FeatureLine::of(&[1, 0, 7], &all, Some(&[-0.5, f32::NAN])),
        };
        let expected = "feature,mean,variance,min,max,sparsity,dead,correlation_γ′\n\
                        1,,0.5,-1,2,0.25,true,\n0,1.5,0.5,-1,2,0.25,false,-0.5\n";
        assert_eq!(text(features_csv(&table)), expected);
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(
            (&json["features"][1]["correlation"], &json["features"][0]["mean"]),
            (&(-0.5).into(), &serde_json::Value::Null)
        );
        table.class = None;
        assert!(text(features_csv(&table)).starts_with("feature,mean,variance,min,max,sparsity,dead\n1,"));
    }

    #[test]
    fn a_group_is_a_line_with_its_means() {
        let clusters = Clusters {
            node: "n".into(),
            labels: array![[0, 1], [0, 0]],
            means: array![[1.0, -2.5], [f32::NAN, 3.0]],
            shares: vec![0.75, 0.25],
            scale: [1.0; 2],
            origin: [0.0; 2],
        };
        let expected = "group,share,colour,mean_0,mean_1\n0,0.75,#4e79a7,1,-2.5\n1,0.25,#f28e2c,,3\n";
        assert_eq!(text(clusters_csv(&clusters)), expected);
    }
}
