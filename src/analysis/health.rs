//! The health of a network's features on some images.
use super::{AnalysisError, RunSettings, run, walk};
use crate::imaging::Micrograph;
use crate::inspect::{HealthCheck, NodeHealth, Recorder, Wanted};
use crate::monitor::Monitor;
use crate::network::Model;
use candle_core::Device;

/// Bytes of feature maps that are held at once.
const BUDGET: u64 = 512 << 20;

/// What was found, and what could not be looked at.
#[derive(Debug, Clone, serde::Serialize)]
pub struct HealthReport {
    pub model: String,
    pub images: usize,
    /// In the graph's order.
    pub nodes: Vec<NodeHealth>,
    /// Nodes whose feature maps of some image alone take more memory than may be used.
    pub left_out: Vec<String>,
}

/// A report in the making: image after image is looked at.
pub struct HealthInspection<'a> {
    model: &'a Model,
    wanted: Wanted,
    check: HealthCheck,
    images: usize,
    left_out: Vec<String>,
}

impl<'a> HealthInspection<'a> {
    /// Of one node, or of all; of about that many images.
    ///
    /// # Errors
    /// A node that the model does not have.
    pub fn new(model: &'a Model, node: Option<&str>, images: usize) -> Result<Self, AnalysisError> {
        let wanted = match node {
            Some(node) => Wanted::Nodes(vec![node.to_owned()]),
            None => Wanted::All { first: None },
        };
        walk::check_wanted(&wanted, model)?;
        Ok(Self { model, wanted, check: HealthCheck::new(images), images: 0, left_out: Vec::new() })
    }

    /// Runs the model on one frame and looks at its features. What does not fit into memory at once is looked at in
    /// further runs. A frame that fails leaves nothing behind where it fails in its first run.
    ///
    /// # Errors
    /// Those of [`run`].
    pub fn add(
        &mut self,
        micrograph: &Micrograph,
        settings: &RunSettings,
        device: &Device,
        monitor: &Monitor,
    ) -> Result<(), AnalysisError> {
        let mut wanted = self.wanted.clone();
        loop {
            let mut recorder = Recorder::new(wanted, BUDGET);
            run(self.model, micrograph, settings, device, &mut recorder, monitor)?;
            let features = recorder.finish();
            for node in self.model.graph.nodes() {
                if let Some(maps) = features.maps.get(&node.name) {
                    monitor.check()?;
                    self.check.add(node, maps);
                }
            }
            if features.maps.is_empty() || features.left_out.is_empty() {
                self.left_out.extend(features.left_out);
                break;
            }
            wanted = Wanted::Nodes(features.left_out);
        }
        self.images += 1;
        Ok(())
    }

    #[must_use]
    pub fn finish(self) -> HealthReport {
        let Self { model, check, images, mut left_out, .. } = self;
        left_out.sort();
        left_out.dedup();
        let nodes = check.finish(&model.graph, &model.weights);
        HealthReport { model: model.card.name.clone(), images, nodes, left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::{micrograph, segmenter};

    #[test]
    fn every_node_is_looked_at_over_all_images() {
        let model = segmenter(1, None);
        let mut inspection = HealthInspection::new(&model, None, 2).unwrap();
        for size in [24, 32] {
            let (settings, monitor) = (RunSettings::default(), Monitor::silent());
            inspection.add(&micrograph([1, size, size]), &settings, &Device::Cpu, &monitor).unwrap();
        }
        let report = inspection.finish();
        assert_eq!((report.images, report.nodes.len()), (2, model.graph.nodes().len()));
        assert!(report.left_out.is_empty());
        let names: Vec<&str> = report.nodes.iter().map(|node| node.node.as_str()).collect();
        assert_eq!(names[..3], ["input", "enc1.conv1", "enc1.relu1"]);
        // The input is normalised to mean 0 and standard deviation 1 on each image.
        assert!(report.nodes[0].mean.abs() < 1e-5 && (report.nodes[0].std - 1.0).abs() < 1e-4);
        assert!(report.nodes[2].zeros > 0.0 && report.nodes[2].min == 0.0);
        assert_eq!(report.nodes[1].weights.as_ref().unwrap().values, 4 * 9);
    }

    #[test]
    fn a_node_that_is_not_there_is_named() {
        let model = segmenter(1, None);
        let Err(error) = HealthInspection::new(&model, Some("dec9"), 1) else { panic!("it is there") };
        assert!(error.to_string().starts_with("Toy has no node dec9; it has input, "), "{error}");
    }
}
