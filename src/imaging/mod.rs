//! Micrographs: read every file a microscope writes, with its axes, calibration, contrast and colormaps.
//!
//! A [`Micrograph`] is a file seen as (frame, channel, y, x); its planes are read when asked for and kept in a bounded
//! cache. Unknown pixel sizes stay unknown. What is displayed ([`Contrast`], [`Colormap`]) never touches the data.

mod error;
mod plane;

mod axes;
mod cache;
mod micrograph;

mod open;
mod raster;
mod tiff;

mod calibration;
mod colormap;
mod contrast;
mod downsample;

pub use calibration::{Calibration, PixelSize, ScaleBar, format_length};
pub use colormap::Colormap;
pub use contrast::{Contrast, Histogram};
pub use downsample::downsampled;
pub use error::ImagingError;
pub use micrograph::Micrograph;
pub use open::open;
pub use plane::{Plane, SampleType, Samples};
