//! A model on an array of numbers, without a micrograph around it.
use super::{AnalysisError, memory, normalise};
use crate::monitor::Monitor;
use crate::network::{Flow, Graph, Model, NetworkError, Node, forecast};
use candle_core::{Device, Tensor};
use ndarray::{Array2, ArrayD, Axis, IxDyn};

/// What is to be run, and what of it is wanted.
pub struct ArrayRun<'a> {
    pub model: &'a Model,
    /// As the network takes it, `[channel, y, x]` or what its graph says, or with a batch axis before that.
    pub input: &'a ArrayD<f32>,
    /// Whether every channel of every image is normalised first, as the card says.
    pub normalise: bool,
    /// The nodes whose values are wanted; `None`: all.
    pub nodes: Option<Vec<String>>,
    /// For a model without weights; others run where their weights are.
    pub device: &'a Device,
}

/// Hands `keep` each wanted node's value, in the graph's order and with a batch axis where the input has one, until it
/// says false.
///
/// # Errors
/// When the array does not fit the network or the memory, a node is not there, or the run fails.
pub fn run_array(
    run: &ArrayRun<'_>,
    keep: &mut dyn FnMut(&str, ArrayD<f32>) -> bool,
    monitor: &Monitor,
) -> Result<(), AnalysisError> {
    let mut left = wanted(run)?;
    let (tensor, has_batch) = run.tensor()?;
    let wants = left.clone();
    monitor.stage("Running the network");
    let mut tap = |index: usize, node: &Node, value: &Tensor| {
        left[index] = false;
        let value = to_array(value, has_batch)
            .map_err(|source| NetworkError::Compute { node: node.name.clone(), source })?;
        let goes_on = keep(&node.name, value) && left.contains(&true);
        Ok(if goes_on { Flow::Continue } else { Flow::Stop })
    };
    let wants_node = |index: usize, _: &Node| wants[index];
    run.model.prepared().run(&tensor, &wants_node, &mut tap, monitor)?;
    Ok(())
}

/// For every node whether its value is wanted.
fn wanted(run: &ArrayRun<'_>) -> Result<Vec<bool>, AnalysisError> {
    let graph = &run.model.graph;
    let Some(names) = &run.nodes else { return Ok(vec![true; graph.nodes().len()]) };
    let mut wanted = vec![false; graph.nodes().len()];
    for name in names {
        let Some(index) = graph.index_of(name) else {
            let there: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
            let (card, there) = (&run.model.card.name, there.join(", "));
            let what = format!("{card} has no node {name}; its nodes are {there}");
            return Err(AnalysisError::Mismatch(what));
        };
        wanted[index] = true;
    }
    Ok(wanted)
}

impl ArrayRun<'_> {
    /// The input with its batch axis, where the network's weights are, and whether the array had that axis.
    fn tensor(&self) -> Result<(Tensor, bool), AnalysisError> {
        let graph = &self.model.graph;
        let axes = graph.input_array().map_or(3, <[usize]>::len);
        let shape = self.input.shape();
        let has_batch = shape.len() == axes + 1;
        if !has_batch && shape.len() != axes {
            return Err(AnalysisError::Mismatch(format!(
                "Expected {}, found {}",
                taken(graph),
                times(shape)
            )));
        }
        let one = if has_batch { &shape[1..] } else { shape };
        let batch = if has_batch { shape[0] } else { 1 };
        graph.shapes_of(one)?;
        if let &[channels, y, x] = one
            && graph.input_array().is_none()
        {
            let weights: usize =
                self.model.weights.tensors.values().map(|tensor| tensor.elem_count() * 4).sum();
            let values = forecast(graph, [channels, y, x])?.peak_bytes.saturating_sub(weights as u64);
            memory::check_free("Running the network on this array", values.saturating_mul(batch as u64))?;
        }
        let values: Vec<f32> = if self.normalise && graph.input_array().is_none() {
            self.normalised()
        } else {
            self.input.iter().copied().collect()
        };
        let weights = self.model.weights.tensors.values().next();
        let device = weights.map_or(self.device, |tensor| tensor.device());
        let whole: Vec<usize> = std::iter::once(batch).chain(one.iter().copied()).collect();
        let failed = |source| NetworkError::Compute { node: graph.nodes()[0].name.clone(), source };
        Ok((Tensor::from_vec(values, whole, device).map_err(failed)?, has_batch))
    }

    /// Plane by plane.
    fn normalised(&self) -> Vec<f32> {
        let axes = self.input.ndim();
        let (height, width) = (self.input.len_of(Axis(axes - 2)), self.input.len_of(Axis(axes - 1)));
        let values: Vec<f32> = self.input.iter().copied().collect();
        let planes = values.chunks(height * width).map(|plane| {
            let plane = Array2::from_shape_vec((height, width), plane.to_vec());
            let mut plane = plane.unwrap_or_default();
            normalise(&mut plane, self.model.card.normalisation);
            plane.into_iter()
        });
        planes.flatten().collect()
    }
}

/// What a network takes, in words.
fn taken(graph: &Graph) -> String {
    if let Some(shape) = graph.input_array() {
        let shape = times(shape);
        return format!("an array of {shape}, or batch×{shape}");
    }
    let channels = match graph.input_channels() {
        1 => "1 channel".to_owned(),
        channels => format!("{channels} channels"),
    };
    format!("[channel, y, x] or [batch, channel, y, x] of {channels}")
}

fn times(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    if lengths.is_empty() { "a single number".to_owned() } else { lengths.join("×") }
}

fn to_array(value: &Tensor, with_batch: bool) -> candle_core::Result<ArrayD<f32>> {
    let dims = if with_batch { value.dims() } else { value.dims().get(1..).unwrap_or_default() };
    let values = value.flatten_all()?.to_vec1::<f32>()?;
    ArrayD::from_shape_vec(IxDyn(dims), values).map_err(|error| candle_core::Error::Msg(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Op, Weights};
    use std::collections::BTreeMap;

    /// A network that doubles one channel and adds one, and its ReLU.
    fn doubling() -> Model {
        let conv = Op::Conv2d {
            in_channels: 1,
            out_channels: 1,
            kernel: [1; 2],
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
            bias: true,
        };
        let node = |name: &str, op: Op, inputs: &[&str]| Node {
            name: name.into(),
            op,
            inputs: inputs.iter().map(|&input| input.into()).collect(),
        };
        let nodes = vec![
            node("input", Op::Input { channels: 1 }, &[]),
            node("double", conv, &["input"]),
            node("relu", Op::Relu, &["double"]),
        ];
        let graph = Graph::new("test", nodes).unwrap();
        let tensor =
            |value: f32, shape: &[usize]| Tensor::from_vec(vec![value], shape, &Device::Cpu).unwrap();
        let tensors = BTreeMap::from([
            ("double.weight".to_owned(), tensor(2.0, &[1, 1, 1, 1])),
            ("double.bias".to_owned(), tensor(1.0, &[1])),
        ]);
        let card = serde_json::json!({
            "name": "Doubling", "task": "segment", "channels": ["grey"],
            "classes": [{ "name": "all", "colour": [0, 0, 0] }],
            "normalisation": { "kind": "percentile", "low": 0.0, "high": 100.0 },
        });
        let card = serde_json::from_value(card).unwrap();
        Model::new(graph, Weights { tensors }, card).unwrap()
    }

    fn run_on(
        input: &ArrayD<f32>,
        normalise: bool,
        nodes: Option<&[&str]>,
    ) -> Result<Vec<(String, ArrayD<f32>)>, AnalysisError> {
        let model = doubling();
        let nodes = nodes.map(|nodes| nodes.iter().map(|&node| node.to_owned()).collect());
        let run = ArrayRun { model: &model, input, normalise, nodes, device: &Device::Cpu };
        let mut kept = Vec::new();
        let mut keep = |node: &str, value: ArrayD<f32>| {
            kept.push((node.to_owned(), value));
            true
        };
        run_array(&run, &mut keep, &Monitor::silent())?;
        Ok(kept)
    }

    fn array(shape: &[usize], values: &[f32]) -> ArrayD<f32> {
        ArrayD::from_shape_vec(IxDyn(shape), values.to_vec()).unwrap()
    }

    #[test]
    fn an_array_gives_an_array_with_a_batch_axis_where_it_has_one() {
        let input = array(&[1, 1, 3], &[-3.0, 0.0, 5.0]);
        let kept = run_on(&input, false, Some(&["relu"])).unwrap();
        assert_eq!(kept, [("relu".to_owned(), array(&[1, 1, 3], &[0.0, 1.0, 11.0]))]);
        let batch = array(&[2, 1, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
        let kept = run_on(&batch, false, Some(&["relu"])).unwrap();
        assert_eq!(kept[0].1, array(&[2, 1, 1, 2], &[3.0, 5.0, 7.0, 9.0]));
    }

    #[test]
    fn any_node_or_all_of_them_can_be_had() {
        let input = array(&[1, 1, 2], &[-3.0, 4.0]);
        let all = run_on(&input, false, None).unwrap();
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["input", "double", "relu"]);
        assert_eq!(all[1].1, array(&[1, 1, 2], &[-5.0, 9.0]));
        let message = run_on(&input, false, Some(&["gelu"])).unwrap_err().to_string();
        assert_eq!(message, "Doubling has no node gelu; its nodes are input, double, relu");
    }

    #[test]
    fn every_image_is_normalised_by_itself_when_asked() {
        let batch = array(&[2, 1, 1, 2], &[10.0, 20.0, 100.0, 500.0]);
        let kept = run_on(&batch, true, Some(&["double"])).unwrap();
        assert_eq!(kept[0].1, array(&[2, 1, 1, 2], &[1.0, 3.0, 1.0, 3.0]));
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_with_what_would() {
        let refuse = |shape: &[usize], expected: &str| {
            let input = ArrayD::zeros(IxDyn(shape));
            assert_eq!(run_on(&input, false, None).unwrap_err().to_string(), expected);
        };
        let wants = "Expected [channel, y, x] or [batch, channel, y, x] of 1 channel, found";
        refuse(&[4, 4], &format!("{wants} 4×4"));
        refuse(&[1, 1, 1, 4, 4], &format!("{wants} 1×1×1×4×4"));
        refuse(&[], &format!("{wants} a single number"));
        refuse(&[3, 4, 4], "Node input: expected 1 channel, found 3×4×4");
    }
}
