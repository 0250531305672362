//! What the network saw: recorded feature maps, their statistics and health, how they go with a class, the sheet and the
//! pictures that show them all, and what of the image one value hangs on.

mod attribution;
mod by_hand;
mod clusters;
mod components;
mod correlation;
mod effective;
mod eigen;
mod features;
mod health;
mod moments;
mod recorder;
mod reduced;
mod scale;
mod sheet;
mod statistics;
mod values;
mod window;

#[cfg(test)]
mod reference;

pub use attribution::{Attribution, AttributionMap, ChannelEffect, Completeness, Score, Summary};
pub use by_hand::{ByHand, ChannelPart, FirstKernels, Following};
pub use clusters::{Clusters, clusters};
pub use components::{Components, components};
pub use correlation::{correlations, on_grid};
pub use effective::{EffectiveField, Extent, HELD};
pub use eigen::symmetric_eigen;
pub use features::FeatureMaps;
pub use health::{HealthCheck, NodeHealth, Spread, WeightHealth};
pub use recorder::{Features, PlannedNode, Recorder, Wanted};
pub use reduced::ReducedMaps;
pub use sheet::{Sheet, SheetStyle, sheet};
pub use statistics::{FeatureOrder, FeatureStatistics, ordered, statistics};
pub use values::{PlaceValues, by_value, values_at};
pub use window::feature_window;
