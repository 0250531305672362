//! Labels in, model out: label schemes, datasets, augmentation, losses, the loop, metrics and recipes.

mod error;
mod evaluate;
mod metrics;
mod recipe;
mod scheme;
mod train;

pub use error::TrainingError;
pub use evaluate::{ClassScore, Evaluation, EvaluationData, evaluate, evaluate_otsu};
pub use recipe::{
    Architecture, Augment, CardSpec, ClassWeights, FolderTraining, LoopSpec, Loss, NetworkSpec, Recipe,
    RecipeClass, Side, Source,
};
pub use scheme::{LabelScheme, SchemeClass};
pub use train::{TrainEvent, TrainOptions, TrainReport, train};
