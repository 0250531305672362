//! What the user asks for: classify, segment, measure objects. Above this room there are plain arrays only.

mod agreement;
mod answer;
mod array;
mod attribute;
mod baselines;
mod by_hand;
mod class_plane;
mod comparison;
mod components;
mod effective;
mod equivariance;
mod error;
mod example;
mod health;
mod inputs;
mod label_map;
mod likeness;
mod memory;
mod movement;
mod normalise;
mod objects;
mod otsu;
mod outlook;
mod piece;
mod plane_scale;
mod predict;
mod profile;
mod regression;
mod resample;
mod retry;
mod run;
mod seams;
mod statistics;
mod tiling;
mod walk;

pub use agreement::{ClassAgreement, MatchedBy};
pub use array::{ArrayRun, run_array};
pub use attribute::{
    Ablating, AttributionMethod, AttributionRequest, Baseline, Filling, Over, attribute, channel_names,
    class_of,
};
pub use baselines::{BaselineRow, Baselines, ClassicalMask, Method, Polarity, baselines, classical_mask};
pub use by_hand::{HandProbe, HandRun, by_hand, first_kernels};
pub use class_plane::{ClassSource, class_plane};
pub use comparison::{Comparison, DifferenceMap, Seen, Sight, ValueAgreement, compare_sights, see};
pub use effective::{Probe, effective_field};
pub use equivariance::{
    AnswerChange, ChangeNumbers, Equivariance, Moving, NodeAgreement, NodeDifference, NodeEquivariance,
    Unmoved, equivariance, equivariance_from,
};
pub use error::AnalysisError;
pub use example::{Difference, compare};
pub use health::{HealthInspection, HealthReport};
pub use inputs::network_input;
pub use label_map::{IGNORE, LabelMap};
pub use likeness::{
    GREY_NAMES, INPUT, ImageLook, Likeness, NearestImages, Outside, PixelMatch, SpaceLikeness, fit_space,
    likeness, likeness_node, look_at, node_of,
};
pub use memory::check_free;
pub use movement::{Flip, Movement};
pub use normalise::normalise;
pub use objects::{Object, measure, remeasured};
pub use otsu::otsu_threshold;
pub use outlook::{Outlook, outlook};
pub use plane_scale::PlaneScale;
pub use profile::{ChannelProfile, Line, Profile, profile, profile_values};
pub use regression::{Numbers, OutputStatistics, Regression};
pub use resample::{resample, resampled};
pub use run::{Classification, Prediction, RunSettings, Segmentation, features_of, run};
pub use seams::{SeamCheck, Seams, seams};
pub use statistics::{
    ChannelStatistics, Region, RegionStatistics, Statistics, region_statistics, statistics,
};

#[cfg(test)]
mod imported_tests;
#[cfg(test)]
mod info_bar_tests;
#[cfg(test)]
mod tests;
