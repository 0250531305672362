//! What a regressor says: numbers of every pixel, or of the image.
use super::predict::{Frame, check_output};
use super::walk::Walk;
use super::{AnalysisError, memory};
use crate::imaging::PixelSize;
use crate::inspect::Recorder;
use crate::network::{ClassInfo, Scope};
use ndarray::{Array3, ArrayView2, Axis, s};
use rayon::prelude::*;
use serde::Serialize;

/// Numbers, one an output.
#[derive(Debug, Clone)]
pub struct Regression {
    pub numbers: Numbers,
    /// Names and colours of the outputs.
    pub outputs: Vec<ClassInfo>,
    /// Such as "atomic fraction".
    pub units: Option<String>,
    /// One an output, of the specimen's pixels; an image's number is its own mean.
    pub statistics: Vec<OutputStatistics>,
    /// How many rows show the specimen; those below are the info bar.
    pub specimen_rows: usize,
    pub pixel: Option<PixelSize>,
    /// Side of the tiles used; `None`: whole.
    pub tile: Option<usize>,
}

#[derive(Debug, Clone)]
pub enum Numbers {
    /// `[output, y, x]` over the whole picture; NaN in the info bar, of which nothing is said.
    Maps(Array3<f32>),
    /// Of the image.
    Image(Vec<f32>),
}

/// Of the finite values of one output; NaN where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OutputStatistics {
    /// Finite values.
    pub n: u64,
    pub mean: f64,
    /// √(Σ(v − mean)² / n).
    pub sd: f64,
    pub min: f64,
    pub max: f64,
}

impl Regression {
    /// The maps, where there are any.
    #[must_use]
    pub fn maps(&self) -> Option<&Array3<f32>> {
        match &self.numbers {
            Numbers::Maps(maps) => Some(maps),
            Numbers::Image(_) => None,
        }
    }
}

impl OutputStatistics {
    /// Sums are taken row by row in double precision, the same whatever the threads do.
    fn of(plane: ArrayView2<'_, f32>) -> Self {
        let finite = || plane.iter().filter(|value| value.is_finite()).map(|value| f64::from(*value));
        let (mut n, mut sum) = (0_u64, 0.0);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in finite() {
            n += 1;
            sum += value;
            (min, max) = (min.min(value), max.max(value));
        }
        if n == 0 {
            let none = f64::NAN;
            return Self { n, mean: none, sd: none, min: none, max: none };
        }
        let mean = sum / n as f64;
        let squares: f64 = finite().map(|value| (value - mean) * (value - mean)).sum();
        Self { n, mean, sd: (squares / n as f64).sqrt(), min, max }
    }
}

/// The numbers of a regressor: the tiles' maps side by side, or the image's own.
pub(super) fn regress(
    walk: &Walk<'_>,
    recorder: &mut Recorder,
    frame: &Frame,
) -> Result<Regression, AnalysisError> {
    let card = &walk.model.card;
    let numbers = match card.scope(&walk.model.graph)? {
        Scope::PerPixel => Numbers::Maps(maps(walk, recorder, frame.height)?),
        Scope::PerImage => Numbers::Image(of_image(walk, recorder)?),
    };
    let statistics = match &numbers {
        Numbers::Maps(maps) => {
            let planes: Vec<_> = maps.axis_iter(Axis(0)).collect();
            planes.into_par_iter().map(OutputStatistics::of).collect()
        }
        Numbers::Image(values) => {
            let one = |value: &f32| OutputStatistics::of(ndarray::aview1(&[*value]).insert_axis(Axis(0)));
            values.iter().map(one).collect()
        }
    };
    Ok(Regression {
        numbers,
        outputs: card.classes.clone(),
        units: card.units.clone(),
        statistics,
        specimen_rows: frame.specimen_rows,
        pixel: frame.pixel.clone(),
        tile: walk.tiling.side,
    })
}

fn maps(walk: &Walk<'_>, recorder: &mut Recorder, frame_height: usize) -> Result<Array3<f32>, AnalysisError> {
    let (_, height, width) = walk.image.dim();
    let outputs = walk.model.card.classes.len();
    check_output(walk, &[outputs, walk.tiling.padded[0], walk.tiling.padded[1]])?;
    memory::check_free("The result", memory::f32_bytes([outputs, frame_height, width]))?;
    let mut maps = Array3::from_elem((outputs, frame_height, width), f32::NAN);
    walk.run(recorder, |tile, output| {
        let [rows, columns] = tile.inside([height, width]);
        let inside = output.slice(s![.., ..rows.len(), ..columns.len()]);
        maps.slice_mut(s![.., rows, columns]).assign(&inside);
        Ok(())
    })?;
    Ok(maps)
}

fn of_image(walk: &Walk<'_>, recorder: &mut Recorder) -> Result<Vec<f32>, AnalysisError> {
    check_output(walk, &[walk.model.card.classes.len()])?;
    let mut values = Vec::new();
    walk.run(recorder, |_, output| {
        values = output.into_iter().collect();
        Ok(())
    })?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::{card, micrograph, model};
    use crate::analysis::{Prediction, RunSettings, run};
    use crate::imaging::{InfoBarChoice, Micrograph};
    use crate::monitor::Monitor;
    use crate::network::architectures::{UnetSpec, lenet, unet};
    use crate::network::{Model, Task, no_tap};
    use candle_core::{Device, Tensor};
    use ndarray::array;
    use std::sync::Arc;

    fn regressed(model: &Model, micrograph: &Micrograph, settings: &RunSettings) -> Arc<Regression> {
        let monitor = Monitor::silent();
        match run(model, micrograph, settings, &Device::Cpu, &mut Recorder::nothing(), &monitor).unwrap() {
            Prediction::Regression(regression) => regression,
            other => panic!("not a regression: {other:?}"),
        }
    }

    fn per_pixel() -> Model {
        let spec =
            UnetSpec { in_channels: 2, classes: 3, base: 4, depth: 2, batch_norm: true, upsample: None };
        let mut card = card(Task::Regress, 3, 2);
        card.units = Some("nm".into());
        model(unet(spec).unwrap(), card)
    }

    #[test]
    fn statistics_are_those_worked_out_by_hand() {
        // 2 4 4 4 5 5 7 9, the textbook's eight values: mean 5, deviation 2.
        let plane = array![[2.0, 4.0, 4.0, 4.0, f32::NAN], [5.0, 5.0, 7.0, 9.0, f32::INFINITY]];
        let expected = OutputStatistics { n: 8, mean: 5.0, sd: 2.0, min: 2.0, max: 9.0 };
        assert_eq!(OutputStatistics::of(plane.view()), expected);
        assert!(OutputStatistics::of(array![[f32::NAN]].view()).mean.is_nan());
    }

    #[test]
    fn maps_have_the_picture_s_size_and_tiles_leave_no_seam() {
        let (model, micrograph) = (per_pixel(), micrograph([2, 61, 75]));
        let whole = regressed(&model, &micrograph, &RunSettings::default());
        let tiled = regressed(&model, &micrograph, &RunSettings { tile: Some(20), ..RunSettings::default() });
        let (a, b) = (whole.maps().unwrap(), tiled.maps().unwrap());
        assert_eq!((a.dim(), whole.tile, tiled.tile), ((3, 61, 75), None, Some(20)));
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4));
        assert_eq!((whole.units.as_deref(), whole.pixel.as_ref().map(|p| p.x_nm)), (Some("nm"), Some(2.0)));
        assert_eq!(whole.statistics[2].n, 61 * 75);
        let mean = f64::from(a.index_axis(Axis(0), 2).mean().unwrap());
        assert!((whole.statistics[2].mean - mean).abs() < 1e-4);
    }

    #[test]
    fn the_maps_are_what_the_network_gives() {
        let (model, micrograph) = (per_pixel(), micrograph([2, 24, 32]));
        let found = regressed(&model, &micrograph, &RunSettings::default());
        let input = crate::analysis::network_input(&model.card, 2, &micrograph, 0, None).unwrap();
        let input = Tensor::from_iter(input, &Device::Cpu).unwrap().reshape((1, 2, 24, 32)).unwrap();
        let mode = crate::network::Mode::Eval;
        let silent = Monitor::silent();
        let plain =
            crate::network::run(&model.graph, &model.weights, &input, mode, &mut no_tap, &silent).unwrap();
        let plain = plain.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(found.maps().unwrap().iter().zip(plain).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn nothing_is_said_of_the_info_bar() {
        let (model, micrograph) = (per_pixel(), micrograph([2, 40, 32]));
        let micrograph = micrograph.choosing_info_bar(InfoBarChoice::Rows(8));
        let found = regressed(&model, &micrograph, &RunSettings::default());
        let maps = found.maps().unwrap();
        assert_eq!((maps.dim(), found.specimen_rows), ((3, 40, 32), 32));
        assert!(maps.slice(s![.., 32.., ..]).iter().all(|v| v.is_nan()));
        assert!(maps.slice(s![.., ..32, ..]).iter().all(|v| v.is_finite()));
        assert_eq!(found.statistics[0].n, 32 * 32);
    }

    #[test]
    fn an_image_s_numbers_are_one_an_output() {
        for size in [None, Some([40, 40])] {
            let mut card = card(Task::Regress, 2, 1);
            card.input_size = size;
            let model = model(lenet(1, 2, 4, None).unwrap(), card);
            let found = regressed(&model, &micrograph([1, 50, 60]), &RunSettings::default());
            let Numbers::Image(values) = &found.numbers else { panic!("maps") };
            assert_eq!((values.len(), found.statistics[1].mean), (2, f64::from(values[1])));
        }
    }
}
