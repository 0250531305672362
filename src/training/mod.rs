//! Labels in, model out: label schemes, datasets, augmentation, losses, the loop, metrics and recipes.

mod error;

mod mask;
mod scheme;
mod survey;

mod recipe;

mod classes;
mod dataset;
mod pairs;
mod plan;
mod table;
mod truth;

mod augment;
mod batch;
mod grey;

mod adamw;
mod distances;
mod losses;
mod objective;
mod schedule;

mod checkpoint;
mod likeness;
mod train;
mod trainer;

mod baseline;
mod evaluate;
mod held_out;
mod metrics;
mod otsu;
mod residuals;
mod score;
mod tally;

pub use error::TrainingError;
pub use evaluate::{ClassScore, Evaluation, EvaluationData, evaluate, evaluate_numbers};
pub use likeness::training_statistics;
pub use mask::read_labels;
pub use metrics::Confusion;
pub use otsu::evaluate_otsu;
pub use recipe::{
    Augment, CardSpec, ClassWeights, FolderTraining, LoopSpec, Loss, Recipe, RecipeClass, Side, Source,
};
pub use residuals::{OutputScore, RegressionScore, Residuals};
pub use scheme::{LabelScheme, SchemeClass};
pub use survey::{MaskSurvey, MaskValue, survey_mask};
pub use train::{TrainEvent, TrainOptions, TrainReport, train};

#[cfg(test)]
mod info_bar_tests;
#[cfg(test)]
mod number_tests;
#[cfg(test)]
mod train_tests;
