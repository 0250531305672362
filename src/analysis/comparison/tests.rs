//! Worked by hand, and two models at once.
use super::*;
use crate::analysis::tests::{card, micrograph, model, segmenter};
use crate::analysis::{Classification, LabelMap, Segmentation};
use crate::network::architectures::lenet;
use crate::network::{ClassInfo, Task};
use ndarray::{Array2, Array3, array};

fn classes(names: &[&str]) -> Vec<ClassInfo> {
    names.iter().map(|name| ClassInfo { name: (*name).to_owned(), colour: [0; 3] }).collect()
}

/// One row of pixels with these probabilities of the second class, the last pixel in the info bar's row below.
fn segmented(second: &[f32], names: &[&str]) -> Seen {
    let width = second.len();
    let probabilities = Array3::from_shape_fn((2, 2, width), |(class, y, x)| match (class, y) {
        (_, 1) => 0.0,
        (0, _) => 1.0 - second[x],
        _ => second[x],
    });
    let labels = Array2::from_shape_fn((2, width), |(y, x)| u16::from(y == 0 && second[x] > 0.5));
    Seen::Answer(Prediction::Segmentation(Arc::new(Segmentation {
        labels: LabelMap(labels),
        probabilities,
        classes: classes(names),
        specimen_rows: 1,
        pixel: None,
        tile: None,
    })))
}

fn maps(plane: Array2<f32>, scale: f64, origin: f64) -> Arc<FeatureMaps> {
    let maps = plane.insert_axis(Axis(0));
    Arc::new(FeatureMaps { node: "conv".into(), maps, scale: [scale; 2], origin: [origin; 2] })
}

#[test]
fn two_segmentations_worked_by_hand() {
    let a = segmented(&[0.1, 0.9, 0.8, 0.2], &["matrix", "pore"]);
    let b = segmented(&[0.1, 0.7, 0.3, 0.2], &["matrix", "pore"]);
    let found = compare_sights([&a, &b]).unwrap();
    let values = found.values.unwrap();
    // Both classes change by 0, 0.2, 0.5 and 0; the info bar counts as nothing.
    assert_eq!(values.n, 8);
    assert!((values.mean_absolute - 0.175).abs() < 1e-6 && values.mean.abs() < 1e-6, "{values:?}");
    assert!((values.largest - 0.5).abs() < 1e-6 && values.at == [0.5, 2.5]);
    let agreement = found.classes.unwrap();
    assert_eq!((agreement.agreement, agreement.iou), (Some(0.75), vec![Some(2.0 / 3.0), Some(0.5)]));
    let map = found.difference.unwrap();
    assert_eq!((map.values.dim(), map.signed), ((1, 4), false));
    assert!((map.values[[0, 1]] - 0.2).abs() < 1e-6);
    // np.corrcoef([.9, .1, .2, .8, .1, .9, .8, .2], [.9, .3, .7, .8, .1, .7, .3, .2])[0, 1]
    assert!((values.correlation.unwrap() - 0.664_694).abs() < 1e-5, "{values:?}");
}

#[test]
fn classes_of_other_names_are_matched_or_refused() {
    let a = segmented(&[0.1, 0.9], &["matrix", "pore"]);
    let swapped = segmented(&[0.9, 0.1], &["pore", "matrix"]);
    let found = compare_sights([&a, &swapped]).unwrap();
    assert_eq!(found.classes.unwrap().agreement, Some(1.0));
    assert!(found.values.unwrap().largest < 1e-6);
    let places = compare_sights([&a, &segmented(&[0.1, 0.9], &["x", "y"])]).unwrap();
    assert_eq!(places.classes.unwrap().matched_by, MatchedBy::Places);
    let other = Classification { probabilities: vec![0.2, 0.3, 0.5], classes: classes(&["a", "b", "c"]) };
    let other = Seen::Answer(Prediction::Classification(Arc::new(other)));
    assert!(compare_sights([&a, &other]).unwrap_err().to_string().contains("cannot be compared"));
}

#[test]
fn a_coarse_map_is_read_at_the_pixels_of_the_finer_one() {
    let fine = maps(array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], 1.0, 0.0);
    let coarse = maps(array![[1.0, 3.0]], 2.0, 0.0);
    let expected = array![[0.0, 1.0, 0.0, 1.0], [4.0, 5.0, 4.0, 5.0]];
    let found = compare_sights([&Seen::Feature(fine.clone(), 0), &Seen::Feature(coarse.clone(), 0)]).unwrap();
    let map = found.difference.unwrap();
    assert_eq!((&map.values, map.signed, map.scale), (&expected, true, [1.0; 2]));
    let values = found.values.unwrap();
    assert_eq!((values.mean_absolute, values.largest, values.at), (2.5, 5.0, [1.5, 1.5]));
    let turned = compare_sights([&Seen::Feature(coarse, 0), &Seen::Feature(fine.clone(), 0)]).unwrap();
    assert_eq!(turned.difference.unwrap().values, -expected);
    // Where the other one does not reach there is nothing to compare.
    let moved = maps(array![[1.0, 1.0]], 1.0, 1.0);
    let found = compare_sights([&Seen::Feature(fine, 0), &Seen::Feature(moved, 0)]).unwrap();
    assert_eq!(found.values.unwrap().n, 2);
    assert!(found.difference.unwrap().values[[0, 0]].is_nan());
}

#[test]
fn two_models_and_two_nodes_are_seen_and_compared() {
    let (a, b, image) = (segmenter(1, None), segmenter(2, None), micrograph([1, 32, 32]));
    let settings = RunSettings::default();
    let look = |sight: Sight, model: &Model| {
        see(&sight, model, (&image, &settings), &Device::Cpu, &Monitor::silent())
    };
    let (one, two) = (look(Sight::Answer, &a).unwrap(), look(Sight::Answer, &b).unwrap());
    let same = compare_sights([&one, &one]).unwrap();
    assert_eq!((same.classes.unwrap().agreement, same.values.unwrap().largest), (Some(1.0), 0.0));
    let found = compare_sights([&one, &two]).unwrap();
    assert!(found.values.unwrap().largest > 0.0);
    assert_eq!(found.classes.unwrap().pixels, 32 * 32);
    let feature = |node: &str, feature| Sight::Feature { node: node.into(), feature };
    let seen = look(feature("enc1.conv1", 1), &a).unwrap();
    assert!(
        compare_sights([&seen, &one]).unwrap_err().to_string().starts_with("An answer and a feature map")
    );
    let error = look(feature("enc1.conv1", 4), &a).unwrap_err().to_string();
    assert_eq!(error, "enc1.conv1 has no feature 4, only 0 to 3");
    assert!(look(feature("nowhere", 0), &a).unwrap_err().to_string().starts_with("Toy has no node nowhere"));
}

#[test]
fn answers_about_the_image_have_numbers_and_no_map() {
    let mut card = card(Task::Classify, 4, 1);
    card.input_size = Some([28, 28]);
    let model = model(lenet(1, 4, 3, Some([28, 28])).unwrap(), card);
    let (settings, image) = (RunSettings::default(), micrograph([1, 40, 40]));
    let seen = see(&Sight::Answer, &model, (&image, &settings), &Device::Cpu, &Monitor::silent()).unwrap();
    let found = compare_sights([&seen, &seen]).unwrap();
    assert_eq!((found.values.unwrap().n, found.difference, found.classes), (4, None, None));
}

fn classical(rows: usize, labels: Array2<u16>) -> Seen {
    let (method, polarity) = (Method::Otsu, Polarity::Bright);
    Seen::Classical(ClassicalMask { method, polarity, mask: Arc::new(labels), specimen_rows: rows })
}

#[test]
fn a_classical_mask_is_held_against_the_network_by_hand() {
    let network = segmented(&[0.1, 0.9, 0.8, 0.2, 0.6], &["matrix", "pore"]);
    let mask = classical(1, array![[0, 1, 0, 1, 1], [1, 1, 1, 1, 1]]);
    let found = compare_sights([&network, &mask]).unwrap();
    // The network has pixels 1, 2 and 4, the mask 1, 3 and 4: 2 of 4; of the matrix 1 of 3. The bar's row counts nothing.
    let classes = found.classes.unwrap();
    assert_eq!((classes.a.join(" "), classes.pixels), ("matrix pore".to_owned(), 5));
    assert_eq!((classes.iou, classes.agreement), (vec![Some(1.0 / 3.0), Some(0.5)], Some(0.6)));
    let map = found.difference.unwrap();
    assert_eq!((map.values, map.signed), (array![[0.0, 0.0, 1.0, -1.0, 0.0]], true));
    assert!(found.values.is_none());
    let same = compare_sights([&mask, &mask]).unwrap();
    assert_eq!(same.classes.unwrap().agreement, Some(1.0));
    let feature = Seen::feature(maps(array![[0.0]], 1.0, 0.0), 0).unwrap();
    let error = compare_sights([&feature, &mask]).unwrap_err().to_string();
    assert!(error.contains("with a segmenter's answer"), "{error}");
    let other = classical(1, Array2::zeros((2, 4)));
    assert!(compare_sights([&network, &other]).unwrap_err().to_string().contains("not of the same size"));
}

#[test]
fn a_classical_mask_is_the_one_that_the_table_of_baselines_has() {
    let (image, settings) = (micrograph([1, 40, 48]), RunSettings::default());
    let model = segmenter(1, None);
    let monitor = Monitor::silent();
    let answer = run(&model, &image, &settings, &Device::Cpu, &mut Recorder::nothing(), &monitor).unwrap();
    let Prediction::Segmentation(answer) = answer else { panic!("a segmenter") };
    let on = (&image, &settings);
    let table = crate::analysis::baselines(("Net", &answer), on, None, &monitor).unwrap();
    for row in &table.rows[1..] {
        let sight = Sight::Classical { method: row.method.unwrap(), polarity: row.polarity.unwrap() };
        let mask = see(&sight, &model, on, &Device::Cpu, &monitor).unwrap();
        let Seen::Classical(found) = &mask else { panic!("a mask") };
        assert_eq!(found.mask, row.mask);
        let network = Seen::Answer(Prediction::Segmentation(Arc::clone(&answer)));
        let classes = compare_sights([&network, &mask]).unwrap().classes.unwrap();
        assert_eq!(classes.iou, row.iou, "{}", row.name);
    }
}

/// A case of tests/fixtures/analysis/comparison.json, made by tests/reference/comparison.py.
#[derive(serde::Deserialize)]
struct Case {
    name: String,
    a: CaseMap,
    b: CaseMap,
    found: Expected,
}

#[derive(serde::Deserialize)]
struct CaseMap {
    values: Vec<Vec<f32>>,
    origin: [f64; 2],
    scale: [f64; 2],
}

#[derive(serde::Deserialize)]
struct Expected {
    difference: Vec<Vec<Option<f32>>>,
    n: u64,
    correlation: f64,
    mean: f64,
    mean_absolute: f64,
    largest: f32,
    at: [f64; 2],
}

impl CaseMap {
    fn seen(&self) -> Seen {
        let (rows, columns) = (self.values.len(), self.values[0].len());
        let maps = Array3::from_shape_vec((1, rows, columns), self.values.concat()).unwrap();
        let maps = FeatureMaps { node: "conv".into(), maps, scale: self.scale, origin: self.origin };
        Seen::Feature(Arc::new(maps), 0)
    }
}

#[test]
fn maps_on_grids_of_different_size_agree_with_numpy() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis/comparison.json");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 4);
    for Case { name, a, b, found: expected } in cases {
        let found = compare_sights([&a.seen(), &b.seen()]).unwrap();
        let (map, values) = (found.difference.unwrap(), found.values.unwrap());
        let rows: Vec<Vec<Option<f32>>> = map
            .values
            .outer_iter()
            .map(|row| row.iter().map(|v| Some(*v).filter(|v| !v.is_nan())).collect())
            .collect();
        assert_eq!(rows, expected.difference, "{name}");
        assert_eq!(
            (values.n, values.largest, values.at),
            (expected.n, expected.largest, expected.at),
            "{name}"
        );
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(values.correlation.unwrap(), expected.correlation), "{name}: {values:?}");
        assert!(
            near(values.mean, expected.mean) && near(values.mean_absolute, expected.mean_absolute),
            "{name}"
        );
    }
}
