//! Micrographs: read every file a microscope writes, with its axes, calibration, contrast and colormaps.
//!
//! A [`Micrograph`] is a file seen as (frame, channel, y, x); its planes are read when asked for and kept in a bounded
//! cache. Unknown pixel sizes stay unknown. What is displayed ([`Display`]: [`Contrast`],
//! [`Tone`] and [`Colormap`]) never touches the data.

mod error;
mod plane;

mod counting;
mod pyramid;

mod axes;
mod cache;
mod micrograph;

mod bytes;
mod format;
mod open;
mod raw;
mod strided;

mod beside;

mod dm;
mod emsa;
mod hdf5;
mod mrc;
mod npy;
mod npz;
mod raster;
mod ripple;
mod tia;
mod tiff;

mod calibration;
mod colormap;
mod composite;
mod contrast;
mod display;
mod downsample;
mod find_bar;
mod info_bar;
mod metadata;
mod on_pixels;
mod scale_by_hand;
mod tone;

#[cfg(test)]
mod written;

pub use calibration::{AxisScale, Calibration, PixelSize, ScaleBar, format_length};
pub use colormap::Colormap;
pub use composite::{ChannelColour, Sum, Summand, Tinted};
pub use contrast::{Contrast, Histogram, Percentiles, Sample};
pub use counting::plane_histogram;
pub use display::{Display, NOT_A_NUMBER, Shades};
pub use downsample::downsampled;
pub use error::ImagingError;
pub use find_bar::find_info_bar;
pub use info_bar::{InfoBar, InfoBarChoice};
pub use metadata::Metadata;
pub use micrograph::Micrograph;
pub use npy::read_array;
pub use open::{endings, open};
pub use plane::{Plane, SampleType, Samples};
pub use pyramid::Pyramid;
pub use scale_by_hand::{Length, ScaleByHand};
pub use tone::Tone;
