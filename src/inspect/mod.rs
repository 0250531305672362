//! What the network saw: recorded feature maps, their statistics and health, the sheet that shows them all, and what of
//! the image one value hangs on.

mod attribution;
mod by_hand;
mod effective;
mod features;
mod health;
mod recorder;
mod scale;
mod sheet;
mod statistics;

pub use attribution::{Attribution, AttributionMap, ChannelEffect, Completeness, Score, Summary};
pub use by_hand::{ByHand, ChannelPart, FirstKernels, Following};
pub use effective::{EffectiveField, Extent, HELD};
pub use features::FeatureMaps;
pub use health::{HealthCheck, NodeHealth, Spread, WeightHealth};
pub use recorder::{Features, PlannedNode, Recorder, Wanted};
pub use sheet::{Sheet, SheetStyle, sheet};
pub use statistics::{FeatureOrder, FeatureStatistics, ordered, statistics};
