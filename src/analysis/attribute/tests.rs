//! Against PyTorch's autograd, against cases worked by hand, and pieces against whole images.
use super::*;
use crate::analysis::tests::{card, micrograph, model, segmenter};
use crate::analysis::{IGNORE, Region, RunSettings};
use crate::imaging::Calibration;
use crate::network::{Graph, Node, Normalisation, Op, Resample, Task, Weights};
use candle_core::Tensor;
use ndarray::Array4;
use std::collections::HashMap;
use std::sync::Arc;

const RECTANGLE: Region = Region { x: 5, y: 6, width: 9, height: 8 };

fn ask(
    method: AttributionMethod,
    class: usize,
    over: Over,
    model: &Model,
    image: &Micrograph,
) -> Result<Attribution, AnalysisError> {
    let request = AttributionRequest { method, class, over, labels: None };
    attribute(&request, model, (image, &RunSettings::default()), &Device::Cpu, &Monitor::silent())
}

/// A network and its numbers by PyTorch, of tests/reference/attribution.py.
struct Theirs {
    model: Model,
    image: Micrograph,
    tensors: HashMap<String, Tensor>,
    numbers: serde_json::Value,
    node: String,
}

fn theirs(name: &str, task: Task) -> Theirs {
    let path =
        format!("{}/tests/fixtures/analysis/attribution_{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let weights = tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("weight:")?.to_owned(), tensor.clone())));
    let weights = Weights { tensors: weights.collect() };
    let graph: Graph = serde_json::from_str(&metadata["graph"]).unwrap();
    let (channels, height, width) = tensors["image"].dims3().unwrap();
    let mut card = card(task, if task == Task::Segment { 3 } else { 4 }, channels);
    card.normalisation = Normalisation::Fixed { mean: 0.0, std: 1.0 };
    if task == Task::Classify {
        card.input_size = Some([height, width]);
    }
    let pixels = tensors["image"].flatten_all().unwrap().to_vec1().unwrap();
    let pixels = Array4::from_shape_vec((1, channels, height, width), pixels).unwrap();
    let names = ["Al", "Si"][..channels].iter().map(|&name| name.to_owned()).collect();
    let image = Micrograph::from_array("image", pixels, names, Calibration::default());
    let numbers = serde_json::from_str(&metadata["numbers"]).unwrap();
    let model = Model::new(graph, weights, card).unwrap();
    Theirs { model, image, numbers, node: metadata["node"].clone(), tensors }
}

impl Theirs {
    fn over(&self) -> Over {
        if self.model.card.task == Task::Segment { Over::Rectangle(RECTANGLE) } else { Over::Whole }
    }

    fn ask(&self, method: AttributionMethod) -> Attribution {
        ask(method, 1, self.over(), &self.model, &self.image).unwrap()
    }

    fn check(&self, name: &str, found: &Array3<f32>) {
        let expected = self.tensors[name].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(expected.len(), found.len(), "{name}");
        let most = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most > 0.0 && apart <= 1e-4 * most, "{name}: {apart} of {most}");
    }
}

fn near(found: f64, expected: &serde_json::Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-4 * expected.abs().max(0.1), "{what}: {found} is not {expected}");
}

fn values(found: &Attribution) -> &Array3<f32> {
    &found.map.as_ref().unwrap().values
}

fn check_gradients(theirs: &Theirs) {
    let gradient = theirs.ask(AttributionMethod::Gradient);
    near(gradient.score.logit, &theirs.numbers["score"], "score");
    near(gradient.score.probability.unwrap(), &theirs.numbers["probability"], "probability");
    theirs.check("gradient", values(&gradient));
    theirs.check("gradient-input", values(&theirs.ask(AttributionMethod::GradientInput)));
    for (name, baseline) in [("zero", Baseline::Zero), ("black", Baseline::Black)] {
        let found = theirs.ask(AttributionMethod::Integrated { steps: 8, baseline });
        theirs.check(&format!("integrated:{name}"), values(&found));
        let completeness = found.completeness.unwrap();
        near(completeness.baseline_logit, &theirs.numbers["baselines"][name], name);
        let sum: f64 = values(&found).iter().map(|&value| f64::from(value)).sum();
        assert!((completeness.sum - sum).abs() < 1e-4);
        let gap = found.score.logit - completeness.baseline_logit - sum;
        assert!((completeness.gap - gap).abs() < 1e-4, "{completeness:?}");
    }
}

fn check_the_others(theirs: &Theirs) {
    let node = Some(theirs.node.clone());
    let cam = theirs.ask(AttributionMethod::GradCam { node });
    let weights = Array3::from_shape_vec((cam.weights.len(), 1, 1), cam.weights.clone()).unwrap();
    theirs.check("cam:weights", &weights);
    theirs.check("cam", values(&cam));
    let fill = Filling::Mean;
    theirs
        .check("occlusion", values(&theirs.ask(AttributionMethod::Occlusion { patch: 6, stride: 4, fill })));
    let ablation = theirs.ask(AttributionMethod::Ablation { by: Ablating::Mean });
    let expected = theirs.numbers["ablation"].as_array().unwrap();
    assert_eq!(ablation.channels.len(), expected.len());
    for (channel, expected) in ablation.channels.iter().zip(expected) {
        near(channel.score.logit, &expected[0], "ablated score");
        near(channel.score.probability.unwrap(), &expected[1], "ablated probability");
        assert!((channel.logit - (channel.score.logit - ablation.score.logit)).abs() < 1e-9);
    }
}

#[test]
fn a_segmenter_s_region_is_explained_as_pytorch_does() {
    let theirs = theirs("unet", Task::Segment);
    check_gradients(&theirs);
    check_the_others(&theirs);
}

#[test]
fn a_classifier_s_answer_is_explained_as_pytorch_does() {
    let theirs = theirs("lenet", Task::Classify);
    check_gradients(&theirs);
    check_the_others(&theirs);
}

#[test]
fn with_the_truth_at_hand_ablation_tells_the_iou_too() {
    let theirs = theirs("unet", Task::Segment);
    let labels: Vec<f32> = theirs.tensors["labels"].flatten_all().unwrap().to_vec1().unwrap();
    let labels = Array2::from_shape_vec((24, 20), labels.iter().map(|&label| label as u8).collect()).unwrap();
    let request = |labels: Array2<u8>| AttributionRequest {
        method: AttributionMethod::Ablation { by: Ablating::Mean },
        class: 1,
        over: Over::Rectangle(RECTANGLE),
        labels: Some(Arc::new(labels)),
    };
    let (settings, monitor) = (RunSettings::default(), Monitor::silent());
    let on = (&theirs.image, &settings);
    let found = attribute(&request(labels), &theirs.model, on, &Device::Cpu, &monitor).unwrap();
    near(found.iou.unwrap(), &theirs.numbers["iou"], "IoU");
    for (channel, name) in found.channels.iter().zip(["Al", "Si"]) {
        assert_eq!(channel.name, name);
        let without = found.iou.unwrap() + channel.iou.unwrap();
        near(without, &theirs.numbers["ablation"][channel.channel][2], name);
    }
    let nothing = request(Array2::from_elem((24, 20), IGNORE));
    let found = attribute(&nothing, &theirs.model, on, &Device::Cpu, &monitor).unwrap();
    assert!(
        found.iou.is_none() && found.channels[0].iou.is_none(),
        "where nothing is said nothing is scored"
    );
    let small = request(Array2::zeros((24, 19)));
    let error = attribute(&small, &theirs.model, on, &Device::Cpu, &monitor).unwrap_err().to_string();
    assert_eq!(error, "The mask has 19 × 24 px, and the image 20 × 24");
}

/// Class scores that are weighted sums of two channels: class 0 is 2·Al + 1, class 1 −3·Al + 0·Si − 1.
fn linear() -> Model {
    let node = |name: &str, op, inputs: &[&str]| Node {
        name: name.into(),
        op,
        inputs: inputs.iter().map(|&input| input.into()).collect(),
    };
    let conv = Op::Conv2d {
        in_channels: 2,
        out_channels: 2,
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    let nodes = vec![node("input", Op::Input { channels: 2 }, &[]), node("head", conv, &["input"])];
    let graph = Graph::new("linear", nodes).unwrap();
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
    let tensors = [
        ("head.weight".to_owned(), tensor(&[2.0, 0.0, -3.0, 0.0], &[2, 2, 1, 1])),
        ("head.bias".to_owned(), tensor(&[1.0, -1.0], &[2])),
    ];
    let mut card = card(Task::Segment, 2, 2);
    card.normalisation = Normalisation::Fixed { mean: 0.0, std: 1.0 };
    Model::new(graph, Weights { tensors: tensors.into_iter().collect() }, card).unwrap()
}

#[test]
fn of_a_linear_network_every_number_is_known() {
    let (model, image) = (linear(), micrograph([2, 9, 7]));
    let asked = |method| ask(method, 1, Over::Whole, &model, &image).unwrap();
    let pixels = image.plane(0, 0).unwrap().to_f32();
    let sum: f64 = pixels.iter().map(|&value| f64::from(value)).sum();
    for method in [
        AttributionMethod::GradientInput,
        AttributionMethod::Integrated { steps: 1, baseline: Baseline::Zero },
    ] {
        let found = asked(method);
        let map = values(&found);
        for ((y, x), pixel) in pixels.indexed_iter() {
            assert!((map[[0, y, x]] + 3.0 * pixel).abs() < 1e-5 && map[[1, y, x]] == 0.0);
        }
        if let Some(completeness) = found.completeness {
            assert!(completeness.gap.abs() < 1e-4, "{completeness:?}");
            assert!((completeness.baseline_logit + 63.0).abs() < 1e-5);
        }
    }
    // The same everywhere, so noise changes nothing.
    let smooth = asked(AttributionMethod::SmoothGrad { samples: 3, noise: 0.2, seed: 1 });
    assert!(
        values(&smooth).iter().enumerate().all(|(i, v)| (v + if i < 63 { 3.0 } else { 0.0 }).abs() < 1e-5)
    );
    // A channel that is not read is worth nothing; the other adds −3 times what is above its mean, which is nothing in
    // the sum over all.
    for by in [Ablating::Mean, Ablating::Shuffled { seed: 4 }] {
        let ablation = asked(AttributionMethod::Ablation { by });
        assert_eq!((ablation.channels[1].logit, ablation.channels[1].probability), (0.0, Some(0.0)));
        assert!(ablation.channels[0].logit.abs() < 1e-3, "{:?}", ablation.channels[0]);
        assert!((ablation.score.logit - (-3.0 * sum - 63.0)).abs() < 1e-3);
    }
    let covered = asked(AttributionMethod::Occlusion { patch: 3, stride: 3, fill: Filling::Zero });
    let map = covered.map.unwrap();
    assert_eq!((map.values.dim(), map.scale, map.origin), ((2, 3, 3), [3.0, 3.0], [0.0, 0.0]));
    let square: f32 = pixels.slice(s![3..6, 6..]).sum();
    assert!((map.values[[0, 1, 2]] + 3.0 * square).abs() < 1e-4);
}

#[test]
fn pieces_together_say_what_the_whole_image_says() {
    let image = micrograph([1, 90, 83]);
    for model in [segmenter(1, None), segmenter(2, Some(Resample::Bilinear))] {
        let asked = |memory_limit, method: &AttributionMethod| {
            let settings = RunSettings { memory_limit, ..RunSettings::default() };
            let request =
                AttributionRequest { method: method.clone(), class: 1, over: Over::Whole, labels: None };
            attribute(&request, &model, (&image, &settings), &Device::Cpu, &Monitor::silent()).unwrap()
        };
        let methods = [
            AttributionMethod::Gradient,
            AttributionMethod::Integrated { steps: 2, baseline: Baseline::Blurred(2.0) },
            AttributionMethod::Occlusion { patch: 30, stride: 50, fill: Filling::Mean },
        ];
        for method in methods {
            let (whole, pieces) = (asked(Some(u64::MAX), &method), asked(Some(1), &method));
            assert!((whole.score.logit - pieces.score.logit).abs() < 1e-3 * whole.score.logit.abs());
            let (whole, pieces) = (values(&whole), values(&pieces));
            let most = whole.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let apart = (whole - pieces).iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            assert!(most > 0.0 && apart <= 1e-4 * most, "{}: {apart} of {most}", method.name());
        }
    }
}

#[test]
fn a_pixel_hangs_on_nothing_outside_its_window() {
    let (model, image) = (segmenter(1, None), micrograph([1, 60, 60]));
    let found = ask(AttributionMethod::Gradient, 0, Over::Pixel([30, 20]), &model, &image).unwrap();
    assert_eq!(found.score.places, 1);
    let window =
        crate::network::receptive_window(&model.graph, model.graph.nodes().len() - 1, [30, 20]).unwrap();
    let map = values(&found);
    assert!(map.iter().any(|value| *value != 0.0));
    for ((_, y, x), value) in map.indexed_iter().filter(|(_, value)| **value != 0.0) {
        let inside = window[0].contains(&(y as i64)) && window[1].contains(&(x as i64));
        assert!(inside, "{value} at {y}, {x}");
    }
}

#[test]
fn predicted_pixels_are_those_of_a_run_and_the_coarsest_maps_are_chosen() {
    let (model, image) = (segmenter(2, None), micrograph([1, 40, 36]));
    let (segmentation, _) = crate::analysis::tests::segmented(&model, &image, &RunSettings::default());
    let counts = segmentation.labels.counts(3);
    let class = (0..3).max_by_key(|&class| counts[class]).unwrap();
    let method = AttributionMethod::GradCam { node: None };
    let found = ask(method, class, Over::Predicted, &model, &image).unwrap();
    assert_eq!(found.score.places, counts[class]);
    assert_eq!(
        (found.node.as_deref(), found.over.as_str()),
        (Some("mid.relu2"), "the pixels predicted as it")
    );
    let map = found.map.unwrap();
    assert_eq!((map.values.dim(), map.on_specimen([40, 36]).dim()), ((1, 10, 9), (40, 36)));
    let mean: f64 = segmentation
        .labels
        .0
        .iter()
        .zip(segmentation.probabilities.index_axis(ndarray::Axis(0), class))
        .filter(|(label, _)| usize::from(**label) == class)
        .map(|(_, probability)| f64::from(*probability))
        .sum::<f64>()
        / counts[class] as f64;
    assert!((found.score.probability.unwrap() - mean).abs() < 1e-5);
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    let (model, image) = (segmenter(1, None), micrograph([1, 20, 16]));
    let says = |method, class, over| ask(method, class, over, &model, &image).unwrap_err().to_string();
    let gradient = || AttributionMethod::Gradient;
    assert_eq!(says(gradient(), 3, Over::Whole), "Toy has no class 3, only 0 to 2");
    assert_eq!(
        says(gradient(), 0, Over::Pixel([20, 0])),
        "The specimen has no pixel 20,0: it has 20×16 (y×x)"
    );
    let beside = Region { x: 16, y: 0, width: 4, height: 4 };
    let text = says(gradient(), 0, Over::Rectangle(beside));
    assert_eq!(text, "The rectangle holds nothing of the specimen's 16 × 20 px");
    let cam = |node: &str| AttributionMethod::GradCam { node: Some(node.into()) };
    assert!(
        says(cam("enc9"), 0, Over::Whole).starts_with("Toy has no node enc9 before its scores; it has input")
    );
    let integrated = AttributionMethod::Integrated { steps: 0, baseline: Baseline::Zero };
    assert_eq!(says(integrated, 0, Over::Whole), "Integrated gradients take 1 to 10000 steps");
    let lenet = theirs("lenet", Task::Classify);
    let error = ask(gradient(), 1, Over::Pixel([0, 0]), &lenet.model, &lenet.image).unwrap_err().to_string();
    assert!(error.starts_with("This network gives one answer for the image"), "{error}");
    let (watch, monitor) = Monitor::watched();
    watch.cancel();
    let request = AttributionRequest { method: gradient(), class: 0, over: Over::Whole, labels: None };
    let on = (&image, &RunSettings::default());
    assert!(attribute(&request, &model, on, &Device::Cpu, &monitor).unwrap_err().is_cancelled());
    assert_eq!(class_of(&model.card, "Class 2").unwrap(), 2);
    assert_eq!(class_of(&model.card, "1").unwrap(), 1);
    let text = class_of(&model.card, "carbide").unwrap_err().to_string();
    assert_eq!(text, "Toy has no class carbide; it has class 0, class 1, class 2");
}

#[test]
fn inputs_are_named_as_the_microscope_does() {
    // The names of what feeds a network: the card's for grey values, the microscope's for several.
    let grey = model(linear().graph.clone(), linear().card);
    let image = micrograph([3, 9, 7]);
    let settings = RunSettings { channels: Some(vec![2, 0]), ..RunSettings::default() };
    assert_eq!(channel_names(&grey, &image, &settings), ["channel 2", "channel 0"]);
    assert_eq!(channel_names(&segmenter(1, None), &image, &RunSettings::default()), ["input 0"]);
}
