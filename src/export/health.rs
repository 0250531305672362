//! A health report as a table of comma-separated values.

use crate::analysis::HealthReport;
use std::io;

/// One line a node; features are named by their numbers, duplicates with the earlier feature they are like.
pub fn health_csv(report: &HealthReport) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let counts = ["node", "kind", "features", "dead", "saturated", "duplicates", "zeros"];
    let values = ["mean", "std", "min", "max"];
    let weights = ["weights", "weights_mean", "weights_std", "weights_min", "weights_max"];
    let lists = ["dead_features", "saturated_features", "duplicate_features"];
    table.write_record(counts.into_iter().chain(values).chain(weights).chain(lists))?;
    for node in &report.nodes {
        let mut line = vec![node.node.clone(), node.kind.clone()];
        let counts = [node.features, node.dead.len(), node.saturated.len(), node.duplicates.len()];
        line.extend(counts.map(|count| count.to_string()));
        line.extend([node.zeros, node.mean, node.std].map(number));
        line.extend([node.min, node.max].map(|value| number(f64::from(value))));
        line.extend(match &node.weights {
            Some(w) => [
                w.values.to_string(),
                number(w.mean),
                number(w.std),
                number(f64::from(w.min)),
                number(f64::from(w.max)),
            ],
            None => std::array::from_fn(|_| String::new()),
        });
        let list = |features: &[usize]| features.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        let pairs = node.duplicates.iter().map(|[later, first]| format!("{later}={first}"));
        line.extend([list(&node.dead), list(&node.saturated), pairs.collect::<Vec<_>>().join(" ")]);
        table.write_record(&line)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// The shortest digits that mean this number; nothing where it is none.
fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{NodeHealth, Spread};

    #[test]
    fn a_node_is_a_line() {
        let histogram = Spread { low: 0.0, high: 1.0, counts: vec![1] };
        let node = NodeHealth {
            node: "enc1.relu1".into(),
            kind: "ReLU".into(),
            features: 8,
            dead: vec![2, 5],
            saturated: Vec::new(),
            duplicates: vec![[4, 1]],
            mean: 0.5,
            std: 0.25,
            min: 0.0,
            max: f32::INFINITY,
            zeros: 0.125,
            histogram,
            weights: None,
        };
        let report = HealthReport { model: "m".into(), images: 1, nodes: vec![node], left_out: Vec::new() };
        let table = String::from_utf8(health_csv(&report).unwrap()).unwrap();
        let line = table.lines().nth(1).unwrap();
        assert_eq!(line, "enc1.relu1,ReLU,8,2,0,1,0.125,0.5,0.25,0,,,,,,,2 5,,4=1");
        assert_eq!(table.lines().next().unwrap().split(',').count(), line.split(',').count());
    }
}
