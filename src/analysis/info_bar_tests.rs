//! The rows of an info bar are as if they were not there.
use super::tests::{card, micrograph, model, segmented, segmenter};
use super::*;
use crate::imaging::{Calibration, InfoBarChoice, Micrograph};
use crate::inspect::Recorder;
use crate::monitor::Monitor;
use crate::network::Task;
use crate::network::architectures::lenet;
use candle_core::Device;
use ndarray::{Array4, s};

const BAR: usize = 9;

/// A picture, the same with a bar of bright and dark letters below, and that with the bar known.
fn pictures() -> [Micrograph; 2] {
    let bare = micrograph([1, 41, 53]);
    let plane = bare.plane(0, 0).unwrap().to_f32();
    let mut values = Array4::zeros((1, 1, 41 + BAR, 53));
    values.slice_mut(s![0, 0, ..41, ..]).assign(&plane);
    let letters = |(y, x): (usize, usize)| if (y + x) % 3 == 0 { 9000.0 } else { -9000.0 };
    values.slice_mut(s![0, 0, 41.., ..]).indexed_iter_mut().for_each(|(at, value)| *value = letters(at));
    let below = Micrograph::from_array("with a bar", values, vec![], Calibration::default());
    let pixel = bare.calibration().clone();
    [bare, below.with_calibration(pixel).choosing_info_bar(InfoBarChoice::Rows(BAR))]
}

#[test]
fn a_mask_with_a_bar_is_the_mask_without_and_rows_of_nothing() {
    let (model, [bare, below]) = (segmenter(2, None), pictures());
    for tile in [None, Some(16)] {
        let settings = RunSettings { tile, ..RunSettings::default() };
        let (expected, expected_features) = segmented(&model, &bare, &settings);
        let (found, features) = segmented(&model, &below, &settings);
        assert_eq!((found.labels.0.dim(), found.specimen_rows), ((41 + BAR, 53), 41));
        assert_eq!(found.labels.0.slice(s![..41, ..]), expected.labels.0);
        assert!(found.labels.0.slice(s![41.., ..]).iter().all(|&class| class == 0));
        assert_eq!(found.probabilities.slice(s![.., ..41, ..]), expected.probabilities);
        assert!(found.probabilities.slice(s![.., 41.., ..]).iter().all(|&share| share == 0.0));
        let measured = |mask: &Segmentation| measure(&mask.labels, mask.pixel.as_ref());
        assert_eq!(measured(&found), measured(&expected));
        assert_eq!(found.area_fractions(), expected.area_fractions());
        assert!((found.area_fractions().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (node, maps) in &expected_features.maps {
            assert_eq!(maps.maps, features.maps[node].maps, "{node}");
        }
    }
}

#[test]
fn a_classifier_does_not_see_the_bar() {
    let mut card = card(Task::Classify, 4, 1);
    card.input_size = Some([28, 28]);
    let model = model(lenet(1, 4, 4, Some([28, 28])).unwrap(), card);
    let [expected, found] = pictures().map(|picture| {
        let (mut recorder, monitor) = (Recorder::nothing(), Monitor::silent());
        let settings = RunSettings::default();
        match run(&model, &picture, &settings, &Device::Cpu, &mut recorder, &monitor).unwrap() {
            Prediction::Classification(classes) => classes.probabilities.clone(),
            _ => panic!("not a classification"),
        }
    });
    assert_eq!(expected, found);
}
