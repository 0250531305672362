//! What the network saw: recorded feature maps, their statistics and health, the sheet that shows them all, and what of
//! the image one value hangs on.

mod effective;
mod features;
mod health;
mod recorder;
mod scale;
mod sheet;
mod statistics;
mod values;
mod window;

pub use effective::{EffectiveField, Extent, HELD};
pub use features::FeatureMaps;
pub use health::{HealthCheck, NodeHealth, Spread, WeightHealth};
pub use recorder::{Features, PlannedNode, Recorder, Wanted};
pub use sheet::{Sheet, SheetStyle, sheet};
pub use statistics::{FeatureOrder, FeatureStatistics, ordered, statistics};
pub use values::{PlaceValues, by_value, values_at};
pub use window::feature_window;
