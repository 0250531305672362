//! What the window is started with.

use std::path::PathBuf;

use clap::Args;

use super::super::effective::parse_place;
use super::parse_size;

/// The window's own arguments.
#[derive(Debug, Clone, Default, Args)]
pub struct WindowArgs {
    /// Micrographs (or a model file) to open in the window; none opens the shipped sample
    pub files: Vec<PathBuf>,
    /// Save a picture of the window once the first result is shown, then quit
    #[arg(long, value_name = "PNG")]
    pub screenshot: Option<PathBuf>,
    #[command(flatten)]
    pub tour: TourArgs,
}

/// What the picture of the window shows.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The picture of the window")]
pub struct TourArgs {
    /// Bring this pane to the front of its tabs, such as values; may be given more than once
    #[arg(long = "show-pane", value_name = "NAME", requires = "screenshot")]
    pub panes: Vec<String>,
    /// Look at this node
    #[arg(long, value_name = "NAME", requires = "screenshot")]
    pub node: Option<String>,
    /// Look at this feature of the node, counted from 0
    #[arg(long, value_name = "K", requires = "screenshot")]
    pub feature: Option<usize>,
    /// Pin this place of the micrograph, in px (default: near its middle)
    #[arg(long, value_name = "Y,X", value_parser = parse_place, requires = "screenshot")]
    pub pin: Option<[usize; 2]>,
    /// Show the effective receptive field
    #[arg(long, requires = "screenshot")]
    pub effective: bool,
    /// Open the window that puts figures together
    #[arg(long, requires = "screenshot")]
    pub figure: bool,
    /// In the light theme
    #[arg(long, requires = "screenshot")]
    pub light: bool,
    /// Size of the window in points, width x height
    #[arg(long, value_name = "WxH", value_parser = parse_size, requires = "screenshot")]
    pub size: Option<[usize; 2]>,
}
