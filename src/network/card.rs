//! The model card: what a model is for, and what it was trained on.

use super::{Graph, NetworkError, Op, total_stride};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most classes; label files have 16 bits.
const MAX_CLASSES: usize = 65_535;
/// Side of the square image on which a graph is tried, without computing it, where the card names no size.
const TRIAL_SIDE: usize = 1024;

/// What kind of answer a model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    Segment,
    Classify,
    /// Numbers: of every pixel, or of the image.
    Regress,
    /// No promise: its nodes can be looked at, its answer is an array of whatever it is.
    Any,
}

/// What a model says something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    PerPixel,
    PerImage,
}

/// A class a pixel or image can be, or one of a regressor's numbers. Class 0 of a segmenter is the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassInfo {
    pub name: String,
    /// sRGB.
    pub colour: [u8; 3],
}

/// How grey values become the network's numbers, per image and channel, over the whole plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Normalisation {
    /// Percentiles `low` and `high` (0–100) go to 0 and 1, clipped to −0.5..1.5.
    Percentile { low: f32, high: f32 },
    /// Mean 0, standard deviation 1.
    ZScore,
    /// (value − mean) / std.
    Fixed { mean: f32, std: f32 },
}

/// Images a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    pub name: String,
    pub licence: String,
    #[serde(default)]
    pub note: String,
}

/// What a model is for, how to feed it, and where it comes from. Unknown fields of a newer program are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub task: Task,
    /// Of a regressor its outputs.
    pub classes: Vec<ClassInfo>,
    /// Of a regressor's numbers, such as "atomic fraction".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
    /// One name an input channel, such as "grey" or "Al".
    pub channels: Vec<String>,
    /// Of the images it was trained on; `None`: unknown or many.
    #[serde(default)]
    pub pixel_size_nm: Option<f64>,
    pub normalisation: Normalisation,
    /// `[y, x]` that the image of a model with one answer an image is resampled to; `None`: any size as it is.
    #[serde(default)]
    pub input_size: Option<[usize; 2]>,
    #[serde(default)]
    pub training_data: Vec<DataSource>,
    #[serde(default)]
    pub licence: String,
    /// On images the training never saw, such as `mean_iou` → 0.87.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// Which images those were.
    #[serde(default)]
    pub metrics_on: String,
    /// The recipe's text and the program's version, as trained.
    #[serde(default)]
    pub recipe: String,
    #[serde(default)]
    pub trained_by: String,
}

impl ModelCard {
    /// Checks that the card makes sense and that the graph takes its channels and answers with its classes.
    ///
    /// # Errors
    /// [`NetworkError::Card`] for the first contradiction; [`NetworkError::Shape`] when the graph cannot take an image.
    pub fn check(&self, graph: &Graph) -> Result<(), NetworkError> {
        self.check_names()?;
        self.check_numbers()?;
        let (named, takes) = (self.channels.len(), graph.input_channels());
        if named != takes {
            return Err(wrong(format!("The card names {named} channels, the graph takes {takes}")));
        }
        let ends_in_softmax = matches!(graph.output().map(|node| &node.op), Some(Op::Softmax { .. }));
        if ends_in_softmax && matches!(self.task, Task::Segment | Task::Classify) {
            return Err(wrong("The graph ends in Softmax; a model's last node gives logits".into()));
        }
        self.check_answer(graph)
    }

    fn check_names(&self) -> Result<(), NetworkError> {
        let least = usize::from(self.task != Task::Any);
        if !(least..=MAX_CLASSES).contains(&self.classes.len()) {
            let found = self.classes.len();
            return Err(wrong(format!("The card must name 1 to {MAX_CLASSES} classes, found {found}")));
        }
        unique("class", self.classes.iter().map(|class| &class.name))?;
        unique("channel", self.channels.iter())
    }

    fn check_numbers(&self) -> Result<(), NetworkError> {
        match self.normalisation {
            Normalisation::Percentile { low, high } if !(0.0 <= low && low < high && high <= 100.0) => {
                return Err(wrong(format!(
                    "The card's percentiles must rise between 0 and 100, found {low} and {high}"
                )));
            }
            Normalisation::Fixed { mean, std } if !(mean.is_finite() && std.is_finite() && std > 0.0) => {
                return Err(wrong(format!(
                    "The card's mean must be a number and its std greater than 0, found {mean} and {std}"
                )));
            }
            _ => {}
        }
        if let Some(nm) = self.pixel_size_nm.filter(|nm| !(nm.is_finite() && *nm > 0.0)) {
            return Err(wrong(format!("The card's pixel size must be greater than 0 nm, found {nm}")));
        }
        match self.input_size {
            Some([y, x]) if y == 0 || x == 0 => {
                Err(wrong(format!("The card's input size must have pixels, found {y}×{x}")))
            }
            _ => Ok(()),
        }
    }

    /// The size that an image is resampled to, where it is.
    #[must_use]
    pub fn resampled_to(&self) -> Option<[usize; 2]> {
        match self.task {
            Task::Segment => None,
            Task::Classify | Task::Regress | Task::Any => self.input_size,
        }
    }

    /// Whether the model answers for every pixel or once for the image. A regressor without an input size does the one
    /// or the other as its graph does, and so does a model without a promise.
    ///
    /// # Errors
    /// [`NetworkError::Shape`] when the graph cannot take an image.
    pub fn scope(&self, graph: &Graph) -> Result<Scope, NetworkError> {
        match self.task {
            Task::Segment => Ok(Scope::PerPixel),
            Task::Classify => Ok(Scope::PerImage),
            Task::Regress | Task::Any if self.input_size.is_some() => Ok(Scope::PerImage),
            Task::Regress | Task::Any => {
                let (shape, [y, x]) = self.trial(graph)?;
                let per_pixel = shape.get(1..) == Some(&[y, x]);
                Ok(if per_pixel { Scope::PerPixel } else { Scope::PerImage })
            }
        }
    }

    /// The output's shape for an image as the card describes it, and that image's size.
    fn trial(&self, graph: &Graph) -> Result<(Vec<usize>, [usize; 2]), NetworkError> {
        let any = || total_stride(graph).map(|stride| TRIAL_SIDE.next_multiple_of(stride));
        let [y, x] = self.resampled_to().unwrap_or_else(any);
        let shapes = match graph.input_array() {
            Some(shape) => graph.shapes_of(shape)?,
            None => graph.shapes([graph.input_channels(), y, x])?,
        };
        Ok((shapes.into_iter().last().unwrap_or_default(), [y, x]))
    }

    /// Infers the output's shape for an image as the card describes it.
    fn check_answer(&self, graph: &Graph) -> Result<(), NetworkError> {
        let (shape, [y, x]) = self.trial(graph)?;
        if self.task == Task::Any {
            return Ok(());
        }
        let (fits, wanted) = match self.scope(graph)? {
            Scope::PerPixel => (shape.get(1..) == Some(&[y, x]), "one answer a pixel"),
            Scope::PerImage => (shape.iter().skip(1).all(|&n| n == 1), "one answer an image"),
        };
        if !fits {
            let found = super::shape::shape_text(&shape);
            return Err(wrong(format!(
                "The card promises {wanted}, the graph makes {found} of an image of {y}×{x} pixels"
            )));
        }
        let (named, found) = (self.classes.len(), shape.first().copied().unwrap_or(0));
        if named == found {
            return Ok(());
        }
        let what = if self.task == Task::Regress { "outputs" } else { "classes" };
        Err(wrong(format!("The card names {named} {what}, the graph's output has {found}")))
    }
}

fn wrong(what: String) -> NetworkError {
    NetworkError::Card(what)
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), NetworkError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.trim().is_empty() {
            return Err(wrong(format!("The card has a {what} without a name")));
        }
        if !seen.insert(name) {
            return Err(wrong(format!("The card names the {what} {name} twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, lenet, mlp, unet};
    use crate::network::{Node, Resample};

    fn card(task: Task, classes: usize) -> ModelCard {
        let class = |i: usize| format!(r#"{{"name": "class {i}", "colour": [0, 0, 255]}}"#);
        let task = serde_json::to_string(&task).unwrap();
        let json = format!(
            r#"{{"name": "test", "task": {task}, "classes": [{}], "channels": ["grey"],
                "normalisation": {{"kind": "z_score"}}, "invented_in_version_9": [1, 2]}}"#,
            (0..classes).map(class).collect::<Vec<_>>().join(",")
        );
        serde_json::from_str(&json).unwrap()
    }

    fn segmenter() -> Graph {
        let upsample = Some(Resample::Nearest);
        unet(UnetSpec { in_channels: 1, classes: 2, base: 2, depth: 3, batch_norm: true, upsample }).unwrap()
    }

    #[test]
    fn a_card_with_fields_of_a_newer_program_is_read() {
        let card = card(Task::Segment, 2);
        assert_eq!((card.licence.as_str(), card.pixel_size_nm), ("", None));
        card.check(&segmenter()).unwrap();
    }

    #[test]
    fn classifiers_with_and_without_a_size_are_taken() {
        card(Task::Classify, 3).check(&lenet(1, 3, 6, None).unwrap()).unwrap();
        let mut sized = card(Task::Classify, 3);
        sized.input_size = Some([20, 30]);
        sized.check(&mlp([1, 20, 30], &[5], 3).unwrap()).unwrap();
        sized.input_size = None;
        let message = sized.check(&mlp([1, 20, 30], &[5], 3).unwrap()).unwrap_err().to_string();
        assert_eq!(message, "Node fc1: expected 600 features, found 1048576 features");
    }

    #[test]
    fn a_regressor_answers_as_its_graph_does() {
        let answer = |size: Option<[usize; 2]>, graph: &Graph| {
            let mut card = card(Task::Regress, 2);
            card.input_size = size;
            card.check(graph).map(|()| card.scope(graph).unwrap()).map_err(|error| error.to_string())
        };
        assert_eq!(answer(None, &segmenter()), Ok(Scope::PerPixel));
        assert_eq!(answer(None, &lenet(1, 2, 6, None).unwrap()), Ok(Scope::PerImage));
        assert_eq!(answer(Some([20, 30]), &mlp([1, 20, 30], &[5], 2).unwrap()), Ok(Scope::PerImage));
        let message = answer(Some([16, 16]), &segmenter()).unwrap_err();
        assert!(message.starts_with("The card promises one answer an image"), "{message}");
        let message = answer(None, &lenet(1, 3, 6, None).unwrap()).unwrap_err();
        assert_eq!(message, "The card names 2 outputs, the graph's output has 3");
    }

    #[test]
    fn contradictions_are_named() {
        let check = |change: &dyn Fn(&mut ModelCard), expected: &str| {
            let mut card = card(Task::Segment, 2);
            change(&mut card);
            assert_eq!(card.check(&segmenter()).unwrap_err().to_string(), expected);
        };
        check(&|c| c.classes.clear(), "The card must name 1 to 65535 classes, found 0");
        check(&|c| drop(c.classes.pop()), "The card names 1 classes, the graph's output has 2");
        check(&|c| c.classes[0].name = "class 1".into(), "The card names the class class 1 twice");
        check(&|c| c.classes[1].name = " ".into(), "The card has a class without a name");
        check(&|c| c.channels.push("Al".into()), "The card names 2 channels, the graph takes 1");
        check(&|c| c.channels[0].clear(), "The card has a channel without a name");
        check(
            &|c| c.normalisation = Normalisation::Percentile { low: 99.0, high: 1.0 },
            "The card's percentiles must rise between 0 and 100, found 99 and 1",
        );
        check(
            &|c| c.normalisation = Normalisation::Fixed { mean: 0.0, std: 0.0 },
            "The card's mean must be a number and its std greater than 0, found 0 and 0",
        );
        check(&|c| c.pixel_size_nm = Some(-1.0), "The card's pixel size must be greater than 0 nm, found -1");
        check(&|c| c.input_size = Some([0, 4]), "The card's input size must have pixels, found 0×4");
        check(
            &|c| c.task = Task::Classify,
            "The card promises one answer an image, the graph makes 2×1024×1024 of an image of 1024×1024 pixels",
        );
    }

    #[test]
    fn a_graph_that_cannot_answer_per_pixel_or_in_logits_is_no_segmenter() {
        let node = |name: &str, op: Op, input: &str| Node {
            name: name.into(),
            op,
            inputs: if input.is_empty() { vec![] } else { vec![input.into()] },
        };
        let says = |op: Op, expected: &str| {
            let nodes = vec![node("input", Op::Input { channels: 1 }, ""), node("last", op, "input")];
            let message = card(Task::Segment, 1).check(&Graph::new("test", nodes).unwrap()).unwrap_err();
            assert_eq!(message.to_string(), expected);
        };
        says(
            Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
            "The card promises one answer a pixel, the graph makes 1×512×512 of an image of 1024×1024 pixels",
        );
        says(Op::Softmax { axis: 0 }, "The graph ends in Softmax; a model's last node gives logits");
    }
}
