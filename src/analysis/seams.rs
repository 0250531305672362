//! Seams: does it show where the tiles of a run meet?
//!
//! A tile's halo comes from the receptive field, so its core should say what the whole image says. Whether it does is
//! checked here on the image at hand: the same run again with all tiles shifted by half a tile, so that what was a seam
//! is in the middle of a tile, and in one piece where memory allows. Where the halo is large enough the runs differ by
//! rounding; where it is too small the map shows lines where the tiles meet.
use super::answer::AnswerView;
use super::predict::Frame;
use super::run::{Prepared, read};
use super::tiling::Tiling;
use super::{AnalysisError, Prediction, RunSettings, memory};
use crate::imaging::Micrograph;
use crate::inspect::Recorder;
use crate::monitor::Monitor;
use crate::network::{Model, Scope};
use candle_core::Device;
use ndarray::{Array2, Axis, Zip};
use serde::Serialize;

/// What a run in tiles leaves of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Seams {
    pub model: String,
    pub image: String,
    /// Size `[y, x]` of the specimen in px.
    pub size: [usize; 2],
    /// Side of the tiles in px.
    pub tile: usize,
    /// How far beyond a tile's own pixels the network is shown, `[y, x]` px.
    pub halo: [usize; 2],
    /// Whether Run would cut this image; else it runs in one piece, and the tiles were chosen for the check alone.
    pub run_is_tiled: bool,
    /// First rows and first columns of the tiles, but for the first.
    pub rows: Vec<usize>,
    pub columns: Vec<usize>,
    /// Whether the numbers are probabilities; else they are a regressor's, in its units.
    pub probabilities: bool,
    /// Against tiles shifted by half a tile.
    pub against_shifted: SeamCheck,
    /// Against the image in one piece; `None` where that needs more memory than may be used.
    pub against_whole: Option<SeamCheck>,
}

/// How much a tiled run differs from another one.
#[derive(Debug, Clone, Serialize)]
pub struct SeamCheck {
    /// Largest change of any class's probability (or of an output's number), and where, `[y, x]`.
    pub largest: f32,
    pub at: [usize; 2],
    /// Mean over the pixels of the largest change of any class.
    pub mean: f64,
    /// Of a segmenter: share of pixels whose class changes.
    pub changed: Option<f64>,
    /// At each pixel of the specimen the largest change of any class, `[y, x]`.
    #[serde(skip)]
    pub map: Array2<f32>,
}

/// Runs a model on a frame in tiles as Run would (in tiles of half the image where Run would not cut it), in shifted
/// tiles and in one piece, and compares.
///
/// # Errors
/// [`AnalysisError::Mismatch`] for a network that is never cut, and those of running.
pub fn seams(
    model: &Model,
    micrograph: &Micrograph,
    settings: &RunSettings,
    device: &Device,
    monitor: &Monitor,
) -> Result<Seams, AnalysisError> {
    if model.card.scope(&model.graph)? == Scope::PerImage {
        let what = format!("{} answers for the image as a whole, which is never cut", model.card.name);
        return Err(AnalysisError::Mismatch(what));
    }
    let image = read(model, micrograph, settings, monitor)?;
    let size = [image.dim().1, image.dim().2];
    let usual = Prepared::of(model, image, size, settings, device)?;
    let run_is_tiled = usual.tiling.side.is_some();
    let tiled = match usual.tiling.side {
        Some(_) => usual.tiling.clone(),
        None => usual.tiling.halved(&model.graph)?.ok_or_else(|| never_cut(model))?,
    };
    let name = micrograph.name().to_owned();
    let mut found = compare(model, usual, tiled, (settings, device), monitor)?;
    (found.image, found.run_is_tiled) = (name, run_is_tiled);
    Ok(found)
}

fn never_cut(model: &Model) -> AnalysisError {
    AnalysisError::Mismatch(format!(
        "{} sees this image whole, or it is too small to be cut: there are no seams",
        model.card.name
    ))
}

/// A tiling against its shifted self and the whole.
fn compare(
    model: &Model,
    mut run: Prepared<'_>,
    tiled: Tiling,
    (settings, device): (&RunSettings, &Device),
    monitor: &Monitor,
) -> Result<Seams, AnalysisError> {
    let (_, height, width) = run.image.dim();
    let shifted = tiled.shifted(&model.graph)?.ok_or_else(|| never_cut(model))?;
    let whole = Tiling::whole(tiled.padded);
    let whole = (whole.bytes(&model.graph, device)? <= memory::limit(settings, device)).then_some(whole);
    let map = memory::f32_bytes([model.card.classes.len().max(1) * 2 + 2, height, width]);
    memory::check_free("Comparing two runs", map)?;
    let rounds = 2 + usize::from(whole.is_some());
    let frame = Frame { height, specimen_rows: height, pixel: None };
    let mut answer = |tiling: &Tiling, round: usize| {
        run.tiling = tiling.clone();
        run.predict(model, &frame, &mut Recorder::nothing(), &monitor.part(round, rounds))
    };
    let ours = answer(&tiled, 0)?;
    let against_shifted = SeamCheck::between(&ours, &answer(&shifted, 1)?, model)?;
    let against_whole = match &whole {
        Some(whole) => Some(SeamCheck::between(&ours, &answer(whole, 2)?, model)?),
        None => None,
    };
    let first = |axis: usize, length: usize| {
        let mut starts: Vec<usize> = tiled.tiles.iter().map(|tile| tile.core[axis].start).collect();
        starts.sort_unstable();
        starts.dedup();
        starts.retain(|&start| start > 0 && start < length);
        starts
    };
    Ok(Seams {
        model: model.card.name.clone(),
        image: String::new(),
        size: [height, width],
        tile: tiled.side.unwrap_or(height.max(width)),
        halo: tiled.halo,
        run_is_tiled: true,
        rows: first(0, height),
        columns: first(1, width),
        probabilities: AnswerView::of(&ours).is_some_and(|answer| answer.probabilities),
        against_shifted,
        against_whole,
    })
}

impl SeamCheck {
    fn between(ours: &Prediction, other: &Prediction, model: &Model) -> Result<Self, AnalysisError> {
        let (Some(a), Some(b)) = (AnswerView::of(ours), AnswerView::of(other)) else {
            let name = &model.card.name;
            let what = format!("{name} promises no answer, so there is nothing in which a seam could show");
            return Err(AnalysisError::Mismatch(what));
        };
        let (_, height, width) = a.values.dim();
        let mut map = Array2::zeros((height, width));
        for (a, b) in a.values.axis_iter(Axis(0)).zip(b.values.axis_iter(Axis(0))) {
            Zip::from(&mut map).and(a).and(b).for_each(|most: &mut f32, a, b| {
                let change = (a - b).abs();
                // Not a number on one side alone is as far as can be.
                let change = match (a.is_nan(), b.is_nan()) {
                    (true, true) => 0.0,
                    (false, false) => change,
                    _ => f32::INFINITY,
                };
                *most = most.max(change);
            });
        }
        let (mut largest, mut at, mut sum) = (0.0, [0; 2], 0.0);
        for ((y, x), &change) in map.indexed_iter() {
            sum += f64::from(change);
            if change > largest {
                (largest, at) = (change, [y, x]);
            }
        }
        let pixels = map.len().max(1) as f64;
        let changed = a
            .labels
            .zip(b.labels)
            .map(|(a, b)| a.iter().zip(&b).filter(|(a, b)| a != b).count() as f64 / pixels);
        Ok(Self { largest, at, mean: sum / pixels, changed, map })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::{card, micrograph, model, segmenter};
    use crate::network::architectures::lenet;
    use crate::network::{Resample, Task};

    fn checked(model: &Model, size: [usize; 2], tile: Option<usize>) -> Result<Seams, AnalysisError> {
        let settings = RunSettings { tile, ..RunSettings::default() };
        let image = micrograph([1, size[0], size[1]]);
        seams(model, &image, &settings, &Device::Cpu, &Monitor::silent())
    }

    #[test]
    fn where_the_halo_comes_from_the_receptive_field_there_are_no_seams() {
        for (model, tile) in [(segmenter(2, None), 40), (segmenter(1, Some(Resample::Bilinear)), 24)] {
            let found = checked(&model, [97, 120], Some(tile)).unwrap();
            assert_eq!((found.size, found.tile, found.run_is_tiled), ([97, 120], tile, true));
            assert!(found.halo[0] >= 8 && !found.rows.is_empty() && !found.columns.is_empty());
            let whole = found.against_whole.as_ref().unwrap();
            for check in [&found.against_shifted, whole] {
                assert!(check.largest < 1e-4, "{check:?}");
                assert_eq!((check.changed, check.map.dim()), (Some(0.0), (97, 120)));
                assert_eq!(check.largest, check.map[check.at]);
            }
        }
    }

    #[test]
    fn a_halo_that_is_too_small_is_found_where_the_tiles_meet() {
        let model = segmenter(2, None);
        let image = micrograph([1, 96, 120]);
        let (settings, monitor) =
            (RunSettings { tile: Some(48), ..RunSettings::default() }, Monitor::silent());
        let pixels = read(&model, &image, &settings, &monitor).unwrap();
        let run = || Prepared::of(&model, pixels.clone(), [96, 120], &settings, &Device::Cpu).unwrap();
        let good = run().tiling;
        assert!(good.halo[0] > 4);
        let bad = good.with_halo([4, 4]);
        assert_eq!(bad.halo, [4, 4]);
        let found = compare(&model, run(), bad, (&settings, &Device::Cpu), &monitor).unwrap();
        assert_eq!((&found.rows[..], &found.columns[..]), (&[48][..], &[40, 80][..]));
        let check = found.against_whole.unwrap();
        assert!(check.largest > 1e-3, "{}", check.largest);
        // All that differs is nearer to where tiles meet than the field that was needed reaches.
        let apart = |at: usize, seams: &[usize]| seams.iter().map(|seam| at.abs_diff(*seam)).min().unwrap();
        let reach = good.halo[0];
        for ((y, x), &change) in check.map.indexed_iter() {
            let near = apart(y, &found.rows).min(apart(x, &found.columns));
            assert!(change < 1e-4 || near <= reach, "{change} at {y}, {x}");
        }
        let near = apart(check.at[0], &found.rows).min(apart(check.at[1], &found.columns));
        assert!(near < 4, "the largest is beside a seam: {:?}", check.at);
    }

    #[test]
    fn a_run_in_one_piece_is_checked_in_tiles_of_half_the_image() {
        let found = checked(&segmenter(1, None), [96, 120], None).unwrap();
        assert_eq!((found.run_is_tiled, found.tile), (false, 60));
        assert!(found.against_shifted.largest < 1e-4);
    }

    #[test]
    fn what_is_never_cut_is_said() {
        let mut card = card(Task::Classify, 4, 1);
        card.input_size = Some([28, 28]);
        let error =
            checked(&model(lenet(1, 4, 3, Some([28, 28])).unwrap(), card), [40, 40], None).unwrap_err();
        assert_eq!(error.to_string(), "Toy answers for the image as a whole, which is never cut");
        let error = checked(&segmenter(3, None), [16, 16], None).unwrap_err();
        assert!(error.to_string().ends_with("there are no seams"), "{error}");
    }
}
