//! Steps become nodes of the graph, before and behind the network, and the card's normalisation where they need an
//! image's own statistics.

use super::description::{Axis, TensorDescription};
use super::steps::{Numbers, Over, Step};
use crate::network::{Function, Node, Normalisation, Op, Pairing};

/// Values that a card's percentiles are clipped to.
const CLIPPED: [f64; 2] = [-0.5, 1.5];

/// Nodes one after another, each reading the one before, with the numbers of their constants.
pub(super) struct Steps {
    pub(super) nodes: Vec<Node>,
    /// Name, shape and numbers of each constant's weight.
    pub(super) numbers: Vec<(String, Vec<usize>, Vec<f32>)>,
    group: &'static str,
    /// The node that the next one reads.
    pub(super) last: String,
    /// Axes of the value: 3 for `[channel, y, x]`, 1 for `[channel]`.
    axes: usize,
    count: usize,
}

impl Steps {
    pub(super) fn new(group: &'static str, last: String, axes: usize) -> Self {
        Self { nodes: Vec::new(), numbers: Vec::new(), group, last, axes, count: 0 }
    }

    /// Adds the nodes of one step; some need none.
    ///
    /// # Errors
    /// A step that needs the statistics of the image, or an axis that the value does not have.
    pub(super) fn add(&mut self, step: &Step) -> Result<(), String> {
        self.count += 1;
        let name = step.name().replace('_', "-");
        match step {
            Step::Sigmoid => self.push(&name, Op::Sigmoid),
            Step::Softmax { axis } => {
                let axis = self.place(axis)?;
                self.push(&name, Op::Softmax { axis });
            }
            Step::Clip { min, max } => {
                if min.zip(*max).is_some_and(|(min, max)| min > max) {
                    return Err("The step clip has a min above its max".into());
                }
                self.push(&name, Op::Map { function: Function::Clip { min: *min, max: *max } });
            }
            Step::EnsureType { whole: true } => self.push(&name, Op::Map { function: Function::Trunc }),
            Step::EnsureType { whole: false } => {}
            Step::Binarize { threshold } => self.combine(&name, Pairing::Greater, threshold)?,
            Step::ScaleLinear { gain, offset } => {
                self.combine(&format!("{name}-gain"), Pairing::Multiply, gain)?;
                self.combine(&format!("{name}-offset"), Pairing::Add, offset)?;
            }
            Step::Fixed { mean, std, eps } => {
                self.combine(&format!("{name}-mean"), Pairing::Subtract, mean)?;
                let values = std.values.iter().map(|std| std + eps).collect();
                let std = Numbers { values, axis: std.axis.clone() };
                self.combine(&format!("{name}-std"), Pairing::Divide, &std)?;
            }
            Step::ZeroMean { .. } | Step::ScaleRange { .. } => {
                return Err(format!(
                    "The step {} takes statistics where no image comes in; that is not known here",
                    step.name()
                ));
            }
        }
        Ok(())
    }

    /// Puts a node behind the last one.
    pub(super) fn push(&mut self, name: &str, op: Op) {
        let inputs = vec![self.last.clone()];
        self.push_from(name, op, inputs);
    }

    fn push_from(&mut self, name: &str, op: Op, inputs: Vec<String>) {
        let name = format!("{}.{}-{name}", self.group, self.count);
        self.nodes.push(Node { name: name.clone(), op, inputs });
        self.last = name;
    }

    /// Combines the last value with numbers, unless they change nothing.
    fn combine(&mut self, name: &str, function: Pairing, numbers: &Numbers) -> Result<(), String> {
        let nothing = match function {
            Pairing::Multiply | Pairing::Divide => 1.0,
            Pairing::Add | Pairing::Subtract => 0.0,
            _ => f64::NAN,
        };
        if numbers.values.iter().all(|&value| value == nothing) {
            return Ok(());
        }
        let mut shape = vec![numbers.values.len()];
        if let Some(axis) = &numbers.axis {
            // Shapes are aligned from the right: ones stand for the axes behind.
            shape.resize(self.axes - self.place(axis)?, 1);
        }
        let constant = format!("{}.{}-{name}-value", self.group, self.count);
        let values = numbers.values.iter().map(|&value| value as f32).collect();
        self.numbers.push((format!("{constant}.value"), shape.clone(), values));
        let op = Op::Constant { shape };
        self.nodes.push(Node { name: constant.clone(), op, inputs: Vec::new() });
        let inputs = vec![self.last.clone(), constant];
        self.push_from(name, Op::Combine { function }, inputs);
        Ok(())
    }

    /// Place of an axis in `[channel, y, x]`.
    fn place(&self, axis: &Axis) -> Result<usize, String> {
        let place = match axis {
            Axis::Channel => 0,
            Axis::Y => 1,
            Axis::X => 2,
            Axis::Batch | Axis::Other(_) => usize::MAX,
        };
        if place < self.axes {
            Ok(place)
        } else {
            Err(format!("A step follows the axis {axis:?}, which is not there"))
        }
    }
}

/// The card's part of the steps before the network, and the steps that are left for nodes.
pub(super) struct Split<'a> {
    pub(super) normalisation: Normalisation,
    pub(super) rest: Vec<&'a Step>,
    /// What the card says otherwise than the package, in words.
    pub(super) notes: Vec<String>,
}

/// Finds the step that needs an image's own statistics and gives it to the card. Without one, values go in as they are.
///
/// # Errors
/// Statistics over other axes than y and x, of another tensor, or behind steps that change them.
pub(super) fn split(input: &TensorDescription, channels: usize) -> Result<Split<'_>, String> {
    let as_they_are = Normalisation::Fixed { mean: 0.0, std: 1.0 };
    let mut split = Split { normalisation: as_they_are, rest: Vec::new(), notes: Vec::new() };
    let mut found = false;
    for (index, step) in input.steps.iter().enumerate() {
        let normalisation = match step {
            Step::ZeroMean { over } => {
                per_plane(step, over, channels, &mut split.notes)?;
                Normalisation::ZScore
            }
            Step::ScaleRange { over, low, high, reference } => {
                if reference.as_ref().is_some_and(|name| *name != input.name) {
                    return Err("The step scale_range takes the percentiles of another tensor".into());
                }
                per_plane(step, over, channels, &mut split.notes)?;
                let exact = *low <= 0.0 && *high >= 100.0 || clips(input.steps.get(index + 1));
                if !exact {
                    let [low, high] = CLIPPED;
                    split.notes.push(format!("scale_range: values beyond {low} and {high} are cut off here"));
                }
                Normalisation::Percentile { low: *low as f32, high: *high as f32 }
            }
            other => {
                split.rest.push(other);
                continue;
            }
        };
        if found || !split.rest.iter().all(|step| changes_no_rank(step)) {
            return Err(format!(
                "The step {} comes behind others that change the image; that is not known here",
                step.name()
            ));
        }
        // What only shifts and scales all values changes neither the standard score nor percentiles.
        split.rest.clear();
        (split.normalisation, found) = (normalisation, true);
    }
    if !found {
        take_fixed(&mut split);
    }
    Ok(split)
}

/// A first step with one mean and deviation for all is the card's own way.
fn take_fixed(split: &mut Split<'_>) {
    let Some(&Step::Fixed { mean, std, eps }) = split.rest.first() else { return };
    if let (Some(mean), Some(std)) = (mean.single(), std.single()) {
        split.normalisation = Normalisation::Fixed { mean: mean as f32, std: (std + eps) as f32 };
        split.rest.remove(0);
    }
}

/// Statistics are the card's, for each plane by itself.
fn per_plane(step: &Step, over: &Over, channels: usize, notes: &mut Vec<String>) -> Result<(), String> {
    let (spatial, joint, batch) = match over {
        Over::All => (true, true, false),
        Over::Axes(axes) => {
            let has = |axis: Axis| axes.contains(&axis);
            (has(Axis::Y) && has(Axis::X), has(Axis::Channel), has(Axis::Batch))
        }
    };
    let name = step.name();
    if !spatial {
        return Err(format!("The step {name} takes statistics over other axes than y and x"));
    }
    if joint && channels > 1 {
        return Err(format!("The step {name} takes statistics over all channels together"));
    }
    if batch {
        notes.push(format!("{name}: every image has its own statistics here, not all images together"));
    }
    Ok(())
}

fn changes_no_rank(step: &Step) -> bool {
    match step {
        Step::EnsureType { whole } => !whole,
        Step::ScaleLinear { gain, offset } => {
            gain.values.iter().all(|&gain| gain > 0.0) && gain.axis.is_none() && offset.axis.is_none()
        }
        Step::Fixed { mean, std, .. } => mean.axis.is_none() && std.axis.is_none(),
        _ => false,
    }
}

/// Whether a step clips to within what the card's percentiles keep.
fn clips(step: Option<&Step>) -> bool {
    let [low, high] = CLIPPED;
    matches!(step, Some(Step::Clip { min: Some(min), max: Some(max) }) if *min >= low && *max <= high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::bioimage::description::Description;
    use serde_json::{Value, json};

    fn input(steps: &Value) -> TensorDescription {
        let tensor = json!({
            "id": "raw", "preprocessing": steps,
            "axes": [{"type": "batch"}, {"type": "channel", "channel_names": ["a"]},
                {"type": "space", "id": "y"}, {"type": "space", "id": "x"}],
        });
        let model = json!({
            "format_version": "0.5.3", "inputs": [tensor], "outputs": [tensor],
            "weights": {"onnx": {"source": "w.onnx"}},
        });
        Description::read(&model).unwrap().input
    }

    #[test]
    fn statistics_of_the_image_become_the_cards_normalisation() {
        let check = |steps: Value, expected: Normalisation, rest: usize, notes: usize| {
            let input = input(&steps);
            let split = split(&input, 1).unwrap();
            assert_eq!((split.normalisation, split.rest.len(), split.notes.len()), (expected, rest, notes));
        };
        check(json!([]), Normalisation::Fixed { mean: 0.0, std: 1.0 }, 0, 0);
        check(json!([{"id": "zero_mean_unit_variance"}]), Normalisation::ZScore, 0, 0);
        let axes = json!({"axes": ["batch", "y", "x"]});
        check(json!([{"id": "zero_mean_unit_variance", "kwargs": axes}]), Normalisation::ZScore, 0, 1);
        let range = json!({"axes": ["y", "x"], "min_percentile": 1, "max_percentile": 99.8});
        let percentile = Normalisation::Percentile { low: 1.0, high: 99.8 };
        check(json!([{"id": "scale_range", "kwargs": range}]), percentile, 0, 1);
        let clip = json!({"id": "clip", "kwargs": {"min": 0, "max": 1}});
        check(json!([{"id": "scale_range", "kwargs": range}, clip]), percentile, 1, 0);
        let fixed = json!({"id": "fixed_zero_mean_unit_variance", "kwargs": {"mean": 2, "std": 4}});
        check(json!([fixed, clip]), Normalisation::Fixed { mean: 2.0, std: 4.000_001 }, 1, 0);
        let gain = json!({"id": "scale_linear", "kwargs": {"gain": 2, "offset": 1}});
        check(json!([gain]), Normalisation::Fixed { mean: 0.0, std: 1.0 }, 1, 0);
        check(json!([gain, {"id": "zero_mean_unit_variance"}]), Normalisation::ZScore, 0, 0);
    }

    #[test]
    fn statistics_that_a_card_cannot_say_are_refused_by_name() {
        let refuse = |steps: Value, channels: usize, says: &str| {
            let message = split(&input(&steps), channels).err().unwrap();
            assert!(message.contains(says), "{message}");
        };
        let zero_mean = |axes: Value| json!([{"id": "zero_mean_unit_variance", "kwargs": {"axes": axes}}]);
        refuse(zero_mean(json!(["x"])), 1, "other axes than y and x");
        refuse(zero_mean(json!(["channel", "y", "x"])), 3, "over all channels together");
        let other = json!([{"id": "scale_range", "kwargs": {"reference_tensor": "other"}}]);
        refuse(other, 1, "the percentiles of another tensor");
        let behind = json!([{"id": "sigmoid"}, {"id": "zero_mean_unit_variance"}]);
        refuse(behind, 1, "zero_mean_unit_variance comes behind others");
    }

    #[test]
    fn steps_become_nodes_and_constants() {
        let mut steps = Steps::new("preprocessing", "input".into(), 3);
        let described = json!([
            {"id": "scale_linear", "kwargs": {"axis": "channel", "gain": [1.0, 2.0], "offset": [0.0, 0.0]}},
            {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
            {"id": "fixed_zero_mean_unit_variance", "kwargs": {"axis": "x", "mean": [1, 2], "std": [3, 4]}},
            {"id": "clip", "kwargs": {"min": -1}},
            {"id": "binarize", "kwargs": {"threshold": 0.5}},
        ]);
        for step in &input(&described).steps {
            steps.add(step).unwrap();
        }
        let names: Vec<&str> = steps.nodes.iter().map(|node| node.name.as_str()).collect();
        let expected = [
            "preprocessing.1-scale-linear-gain-value",
            "preprocessing.1-scale-linear-gain",
            "preprocessing.3-fixed-zero-mean-unit-variance-mean-value",
            "preprocessing.3-fixed-zero-mean-unit-variance-mean",
            "preprocessing.3-fixed-zero-mean-unit-variance-std-value",
            "preprocessing.3-fixed-zero-mean-unit-variance-std",
            "preprocessing.4-clip",
            "preprocessing.5-binarize-value",
            "preprocessing.5-binarize",
        ];
        assert_eq!(names, expected);
        assert_eq!(steps.numbers[0].1, [2, 1, 1], "two channels");
        assert_eq!(steps.numbers[1].1, [2], "two columns");
        assert_eq!(steps.numbers[2].2, [3.000_001, 4.000_001]);
        let mut scores = Steps::new("postprocessing", "head".into(), 1);
        assert!(scores.add(&Step::Softmax { axis: Axis::X }).is_err());
        assert!(
            scores.add(&Step::ZeroMean { over: Over::All }).unwrap_err().contains("zero_mean_unit_variance")
        );
    }
}
