//! Against PyTorch's gradients, and pieces against whole images.
use super::*;
use crate::analysis::tests::{card, micrograph, model, segmenter};
use crate::imaging::Calibration;
use crate::network::architectures::lenet;
use crate::network::{Normalisation, Task, Weights};
use ndarray::Array4;

fn probe(node: &str, feature: Option<usize>, at: Option<[usize; 2]>) -> Probe {
    Probe { node: node.into(), feature, at }
}

fn measure(probe: &Probe, model: &Model, micrograph: &Micrograph) -> Result<EffectiveField, AnalysisError> {
    let settings = RunSettings::default();
    effective_field(probe, model, (micrograph, &settings), &Device::Cpu, &Monitor::silent())
}

/// tests/fixtures/network/effective.safetensors, made by tests/reference/effective.py.
#[test]
fn fields_and_boxes_are_those_of_pytorch_s_gradients() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/network/effective.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let weights = tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("weight:")?.to_owned(), tensor.clone())));
    let weights = Weights { tensors: weights.collect() };
    let mut card = card(Task::Segment, 3, 2);
    card.normalisation = Normalisation::Fixed { mean: 0.0, std: 1.0 };
    let model = Model::new(serde_json::from_str(&metadata["graph"]).unwrap(), weights, card).unwrap();
    let (channels, height, width) = tensors["image"].dims3().unwrap();
    let pixels = tensors["image"].flatten_all().unwrap().to_vec1().unwrap();
    let pixels = Array4::from_shape_vec((1, channels, height, width), pixels).unwrap();
    let names = vec!["a".to_owned(), "b".to_owned()];
    let micrograph = Micrograph::from_array("image", pixels, names, Calibration::default());

    let probes: Vec<(String, Option<usize>, [usize; 2])> = serde_json::from_str(&metadata["probes"]).unwrap();
    let boxes: Vec<serde_json::Value> = serde_json::from_str(&metadata["boxes"]).unwrap();
    for (index, ((node, feature, at), expected)) in probes.into_iter().zip(boxes).enumerate() {
        let field = measure(&probe(&node, feature, Some(at)), &model, &micrograph).unwrap();
        let theirs = tensors[&format!("field:{index}")].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let most = theirs.iter().copied().fold(0.0, f32::max);
        let apart = field.whole().iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart <= 1e-5 * most, "{node}: {apart} of {most}");
        let extent = &field.extent;
        let found = [&extent.rows, &extent.columns].map(|range| [range.start, range.end]);
        let range = |key: &str| [0, 1].map(|end| expected[key][end].as_u64().unwrap() as usize);
        assert_eq!(found, [range("rows"), range("columns")], "{node}");
        assert!((extent.held - expected["held"].as_f64().unwrap()).abs() < 1e-6, "{node}");
        assert_eq!(extent.within_window, 1.0, "{node}");
    }
}

#[test]
fn a_piece_of_the_image_answers_as_the_whole_image_does() {
    let micrograph = micrograph([1, 97, 120]);
    for model in [segmenter(2, None), segmenter(2, Some(crate::network::Resample::Bilinear))] {
        for (node, at) in [("head", [50, 61]), ("dec2.conv1", [0, 59]), ("mid.conv2", [24, 3])] {
            let field = measure(&probe(node, Some(0), Some(at)), &model, &micrograph).unwrap();
            assert_eq!(field.input, [100, 120]);
            assert!(field.values.dim().0 < 80 && field.values.dim().1 < 80, "{:?}", field.values.dim());
            let image = network_input(&model.card, 1, &micrograph, 0, None).unwrap();
            let pixels = pixels_of(image.view(), &[0..100, 0..120]);
            let shape = pixels.dim();
            let pixels = Tensor::from_vec(pixels.into_raw_vec_and_offset().0, shape, &Device::Cpu).unwrap();
            let part = model.graph.up_to(model.graph.index_of(node).unwrap()).unwrap();
            let value = OutputValue { feature: Some(0), at };
            let gradient = input_gradient(&part, &model.weights, &pixels, value, &Monitor::silent()).unwrap();
            let whole = strengths(&gradient, shape).unwrap();
            let most = whole.iter().copied().fold(0.0, f32::max);
            let apart = (&whole - &field.whole()).mapv(f32::abs).iter().copied().fold(0.0, f32::max);
            assert!(most > 0.0 && apart <= 1e-5 * most, "{node}: {apart} of {most}");
            // Winograd's transforms round within their tiles.
            let within = Extent::of(whole.view(), [0, 0], field.window.as_ref()).within_window;
            assert!(within > 1.0 - 1e-12, "{node}: {within}");
        }
    }
}

#[test]
fn what_follows_flattening_is_measured_on_the_whole_resampled_image() {
    let mut card = card(Task::Classify, 4, 1);
    card.input_size = Some([28, 28]);
    let model = model(lenet(1, 4, 3, Some([28, 28])).unwrap(), card);
    let micrograph = micrograph([1, 56, 84]);
    let field = measure(&probe("head", Some(2), None), &model, &micrograph).unwrap();
    assert_eq!((field.window.clone(), field.input, field.scale), (None, [28, 28], [2.0, 3.0]));
    assert!(field.extent.held >= 0.95 && field.extent.within_window == 1.0);
    // conv1 is 5×5 with padding 2: the pixel at its corner sees 3×3 of the image.
    let corner = measure(&probe("conv1", None, Some([0, 0])), &model, &micrograph).unwrap();
    assert_eq!((corner.window.clone(), corner.values.dim()), (Some([-2..3, -2..3]), (3, 3)));
    let input = measure(&probe("input", None, Some([5, 7])), &model, &micrograph).unwrap();
    assert_eq!((input.extent.rows.clone(), input.extent.columns.clone(), input.most()), (5..6, 7..8, 1.0));
}

#[test]
fn what_is_not_there_is_named() {
    let (model, micrograph) = (segmenter(1, None), micrograph([1, 20, 16]));
    let says = |probe: Probe| measure(&probe, &model, &micrograph).unwrap_err().to_string();
    assert!(says(probe("enc9", None, None)).starts_with("Toy has no node enc9; it has input, enc1.conv1"));
    assert_eq!(says(probe("head", Some(3), None)), "head has no feature 3, only 0 to 2");
    assert_eq!(
        says(probe("pool1", None, Some([10, 0]))),
        "pool1 has no place 10,0: its output has 10×8 (y×x)"
    );
}
