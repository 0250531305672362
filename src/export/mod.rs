//! Masks, tables, feature maps and manifests, out: each file whole or not at all, with its calibration.

mod error;
mod features;
mod results;
mod tiff;

pub use error::ExportError;
pub use features::write_features;
pub use results::{ExportJob, Format, Paint, write_class_table, write_results};
pub use tiff::{TiffPages, write_tiff};
