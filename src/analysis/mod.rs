//! What the user asks for: classify, segment, measure objects. Above this room there are plain arrays only.

mod error;
mod label_map;
mod normalise;
mod objects;
mod otsu;
mod run;
mod tiling;

pub use error::AnalysisError;
pub use label_map::LabelMap;
pub use objects::{Object, measure};
pub use otsu::otsu_threshold;
pub use run::{Classification, Prediction, RunSettings, Segmentation, features_of, run};
