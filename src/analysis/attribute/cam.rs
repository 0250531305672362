//! Grad-CAM, and of a segmenter Seg-Grad-CAM: a node's maps, weighted by what the score gains by each.
use super::Frame;
use super::asked::array;
use crate::analysis::{AnalysisError, features_of};
use crate::inspect::{AttributionMap, Summary};
use ndarray::{Array2, Array3, Axis};

impl Frame<'_> {
    /// The node, each feature's weight (its mean gradient over the whole map), and what of the weighted sum is above zero.
    pub(super) fn grad_cam(
        &self,
        node: Option<&str>,
    ) -> Result<(String, Vec<f32>, AttributionMap), AnalysisError> {
        let (index, shape) = self.node(node)?;
        let name = self.asked.graph.nodes()[index].name.clone();
        let mut sums = vec![0.0_f64; shape[0]];
        self.asked.way_back(self.image.view(), index, &self.monitor.part(0, 2), |_, found| {
            let gradient = array(&found.gradient)?;
            for (sum, plane) in sums.iter_mut().zip(gradient.axis_iter(Axis(0))) {
                *sum += plane.iter().map(|&value| f64::from(value)).sum::<f64>();
            }
            Ok(())
        })?;
        let places = (shape[1] * shape[2]).max(1) as f64;
        let weights: Vec<f32> = sums.into_iter().map(|sum| (sum / places) as f32).collect();
        let (model, device) = (self.asked.model, self.asked.device);
        let all = self.monitor.part(1, 2);
        let maps = features_of(&name, model, self.micrograph, self.settings, device, &all)?;
        let (_, height, width) = maps.maps.dim();
        let mut map = Array2::<f32>::zeros((height, width));
        for (plane, weight) in maps.maps.axis_iter(Axis(0)).zip(&weights) {
            map.scaled_add(*weight, &plane);
        }
        map.mapv_inplace(|value| value.max(0.0));
        let values: Array3<f32> = map.insert_axis(Axis(0));
        let (names, summary) = (vec!["Grad-CAM".to_owned()], Summary::First);
        let (origin, scale) = (maps.origin, maps.scale);
        Ok((name, weights, AttributionMap { names, values, origin, scale, summary, smooth: true }))
    }

    /// Index and shape `[feature, y, x]` of the node that is asked for; else of the last of those with the coarsest maps,
    /// before the score itself.
    fn node(&self, name: Option<&str>) -> Result<(usize, [usize; 3]), AnalysisError> {
        let graph = &self.asked.graph;
        let [height, width] = self.asked.padded;
        let shapes = graph.shapes([graph.input_channels(), height, width])?;
        let planes = |index: usize| match *shapes[index].as_slice() {
            [features, y, x] if y * x > 1 => Some([features, y, x]),
            _ => None,
        };
        let nowhere = |what: String| AnalysisError::Place(what);
        if let Some(name) = name {
            let known = || graph.nodes().iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
            let index = graph.index_of(name).ok_or_else(|| {
                nowhere(format!(
                    "{} has no node {name} before its scores; it has {}",
                    self.asked.model.card.name,
                    known()
                ))
            })?;
            let shape = planes(index).ok_or_else(|| {
                nowhere(format!(
                    "{name} has no maps with places, which Grad-CAM weighs: choose a layer before it"
                ))
            })?;
            return Ok((index, shape));
        }
        let before = 1..graph.nodes().len().saturating_sub(1);
        let coarsest = before.filter_map(|index| Some((index, planes(index)?)));
        // Of equal ones the last.
        let found = coarsest.min_by_key(|(index, [_, y, x])| (y * x, usize::MAX - index));
        found.ok_or_else(|| nowhere("No layer of this network has maps with places".to_owned()))
    }
}
