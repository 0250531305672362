//! Masks, tables, feature maps, manifests, and micrographs in other formats, out: each file whole or not at all, with
//! its calibration.
//!
//! [`write_results`] is what the window and the command line both call. Frames, series, channels and classes are
//! counted from 0 in names, flags and manifests. Nothing written holds the time of day: the same run gives the same
//! bytes.

mod error;
mod regression;
mod results;

mod array;
mod attribution;
mod baselines;
mod command;
mod difference;
mod drawing;
mod feature_pictures;
mod feature_tables;
mod features;
mod field;
mod health;
mod kernels;
mod likeness;
mod manifest;
mod measurements;
mod micrograph;
mod names;
mod pictures;
mod tables;

mod imagej;
mod tiff;

mod convert;
mod figure;

pub use array::write_array;
pub use attribution::{ablation_csv, write_attribution};
pub use baselines::baselines_csv;
pub use command::{class_command_line, command_line, regression_command_line};
pub use convert::{ConvertRequest, Converted, Rendering, Target, convert};
pub use difference::{difference_display, equivariance_csv, seams_csv, write_difference};
pub use drawing::write_drawing;
pub use error::ExportError;
pub use feature_pictures::{write_clusters, write_components, write_feature_stack};
pub use feature_tables::{FeatureLine, FeatureTable, clusters_csv, features_csv};
pub use features::{write_feature_sheet, write_features, write_ordered_sheet};
pub use field::write_field;
pub use figure::{
    Bar, Figure, FigureFormat, FigureInput, FigureLook, FigureSpec, Ground, Known, Mark, Measured, Panel,
    PanelSpec, Picture, Place, ScaleBars, SideSpec, Tile, Which, figure, figure_command_line, figure_picture,
    figure_size, write_figure,
};
pub use health::health_csv;
pub use kernels::write_kernels;
pub use likeness::likeness_csv;
pub use measurements::{profile_csv, statistics_csv};
pub use micrograph::{SampleFiles, write_labels, write_micrograph, write_sample};
pub use names::{copy_stem, file_name, result_stem};
pub use regression::{RegressionJob, write_regression};
pub use results::{ClassJob, ExportJob, Format, Paint, write_class_table, write_results};
pub use tiff::{Compression, TiffPages, write_stack, write_tiff};
