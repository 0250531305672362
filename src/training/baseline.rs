//! What a regressor of shares must beat: each channel's counts over the sum of all channels.
use super::held_out::{HeldOut, Truth};
use super::residuals::Residuals;
use super::{Recipe, TrainingError};
use crate::network::{ModelCard, Task};
use ndarray::{Array2, Axis};

/// True when the outputs are named as the input's channels are: then a channel's share of the counts is a guess at its
/// output.
pub(super) fn has_baseline(recipe: &Recipe) -> bool {
    let outputs = recipe.card.classes.iter().map(|class| &class.name);
    recipe.task == Task::Regress && recipe.card.channels.len() > 1 && recipe.card.channels.iter().eq(outputs)
}

/// Adds the errors of that guess for one image whose numbers are shares; where nothing was counted, all are guessed to
/// be the same.
pub(super) fn add_shares(
    held: &HeldOut,
    card: &ModelCard,
    residuals: &mut Residuals,
) -> Result<(), TrainingError> {
    let Truth::Maps(truth) = &held.truth else { return Ok(()) };
    // A part of the elements, or another unit, is no share of the counts.
    if truth.sum_axis(Axis(0)).iter().any(|sum| (sum - 1.0).abs() > 0.01) {
        return Ok(());
    }
    let count = card.channels.len();
    let channel = |index: usize| held.channels.as_ref().map_or(index, |channels| channels[index]);
    let planes: Vec<Array2<f32>> = (0..count)
        .map(|index| Ok(held.micrograph.plane(held.frame, channel(index))?.to_f32()))
        .collect::<Result<_, TrainingError>>()?;
    let mut sums = Array2::<f32>::zeros(planes[0].raw_dim());
    planes.iter().for_each(|plane| sums += plane);
    for (output, (truth, plane)) in truth.axis_iter(Axis(0)).zip(&planes).enumerate() {
        for ((truth, counts), sum) in truth.iter().zip(plane).zip(&sums) {
            let guess = if *sum > 0.0 { counts / sum } else { 1.0 / count as f32 };
            residuals.add(output, *truth, guess);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Calibration, Micrograph};
    use ndarray::{Array3, Array4};

    #[test]
    fn shares_of_counts_are_the_guess() {
        // Counts 3 : 1 guessed as 3/4 and 1/4, no counts as 1/2 and 1/2; the truth is 1 and 0 in both pixels.
        let counts = Array4::from_shape_vec((1, 2, 1, 2), vec![3.0, 0.0, 1.0, 0.0]).unwrap();
        let truth = Array3::from_shape_vec((2, 1, 2), vec![1.0, 1.0, 0.0, 0.0]).unwrap();
        let names = ["Fe", "Ni"].map(str::to_owned).to_vec();
        let micrograph = Micrograph::from_array("map", counts, names.clone(), Calibration::default());
        let held = HeldOut { source: 0, micrograph, frame: 0, channels: None, truth: Truth::Maps(truth) };
        let text = crate::training::recipe::tests::minimal_regressor();
        let mut recipe = Recipe::parse(&text, std::path::Path::new("r.toml")).unwrap();
        assert!(has_baseline(&recipe));
        recipe.card.channels.clone_from(&names);
        assert!(!has_baseline(&recipe), "other channels than outputs");
        let mut residuals = Residuals::new(2);
        add_shares(&held, &recipe.model_card(), &mut residuals).unwrap();
        assert_eq!(residuals.mean_absolute_error(), 0.375);
    }
}
