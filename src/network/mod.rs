//! A network is data: graph, layers, shapes, receptive field, architectures, model files, and running it.
//!
//! [`Graph`] is a list of named nodes. Shapes, costs, receptive fields, memory, running, training and saving are all
//! functions over that one type; architectures are functions that build one.

pub mod architectures;
pub mod bioimage;
mod card;
mod computed;
mod cost;
mod drawing;
mod error;
mod file;
mod forecast;
mod geometry;
mod gradient;
mod graph;
mod layers;
mod library;
mod limits;
mod model;
pub mod onnx;
mod op;
mod order;
mod outline;
mod plan;
mod prepared;
pub mod pytorch;
mod receptive;
mod run;
mod shape;
mod sliding;
mod spent;
mod stride;
mod training_statistics;
mod untrained;
mod weights;
mod windows;

pub use card::{ClassInfo, DataSource, ModelCard, Normalisation, Scope, Task};
pub use computed::{Computed, computed};
pub use cost::{NodeCost, describe};
pub use drawing::{Area, Band, Drawing, Drawn, DrawnBox, DrawnEdge, DrawnFrame, Family};
pub use error::NetworkError;
pub use forecast::{Forecast, forecast, forecast_wanting, workspace_elsewhere};
pub use geometry::planes_of_image;
pub use gradient::{NodeGradient, Objective, OutputValue, gradient_by, input_gradient};
pub use graph::{Graph, Node};
pub use library::{Installed, find_model, installed, is_model_file, load_model};
pub use model::Model;
pub use onnx::{OnnxSettings, OnnxWritten, write_onnx};
pub use op::{
    Between, Coordinates, Extent, Function, Nearest, Op, PadMode, Pairing, PoolKind, Pooling, Reduction,
    Resample, ResizeTo, Resizing,
};
pub use outline::{Group, Outline, OutlineEntry, OutlineLine};
pub use prepared::PreparedNetwork;
pub use receptive::{
    ReceptiveField, receptive_fields, receptive_fields_on, receptive_window, receptive_window_on,
    receptive_windows_on,
};
pub use run::{BatchStatistics, Flow, Mode, Tap, TrainState, no_tap, run, update_running_statistics};
pub use sliding::Sliding;
pub use spent::{NodeSpent, Spent};
pub use stride::total_stride;
pub use training_statistics::{FeatureSpace, Neighbours, TrainingStatistics};
pub use untrained::untrained;
pub use weights::{ParameterSpec, Weights};
