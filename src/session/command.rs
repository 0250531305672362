//! What a person can ask for; one enum, carried out in one place.
use super::{
    AttributeCommand, CompareCommand, ExportRequest, FigureCommand, HealthCommand, LabelsCommand, LayOut,
    MeasuredTable, PredictionView, RobustnessCommand, SheetCommand, Theme, TrustCommand,
};
use crate::analysis::{Line, Probe, Region};
use crate::imaging::{ChannelColour, Colormap, Contrast, InfoBarChoice, Percentiles, ScaleByHand, Tone};
use crate::inspect::FeatureOrder;
use crate::network::architectures::ArchitectureSpec;
use std::path::PathBuf;

/// Sent from anywhere, carried out by [`super::Session::apply`].
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Open files (in a job) and show the first.
    Open(Vec<PathBuf>),
    /// Open the shipped sample and run the shipped segmenter on it.
    OpenSample,
    /// Close an opened series by its place in the list.
    Close(usize),
    /// Show an opened series.
    Select(usize),
    SetFrame(usize),
    SetChannel(usize),
    /// Make small pictures of a few of these frames, those that are not there yet.
    WantFramePictures(Vec<usize>),
    /// Draw a line and measure along it; `None` takes it away.
    SetLine(Option<Line>),
    /// Draw a rectangle and measure its pixels; `None` takes it away.
    SetRegion(Option<Region>),
    /// Write what was measured as comma-separated values.
    SaveTable(MeasuredTable, PathBuf),
    /// Of the selected channel. `None`: by percentiles of the data, again for each plane.
    SetContrast(Option<Contrast>),
    /// Of the selected channel.
    SetTone(Tone),
    /// Of windows that follow the data.
    SetPercentiles(Percentiles),
    /// Keep the windows in force while frames are stepped through.
    KeepWindows,
    /// Set the windows from all frames (in a job).
    FitWindowToStack,
    SetColormap(Colormap),
    /// Which rows of the shown micrograph are its info bar.
    SetInfoBar(InfoBarChoice),
    /// The shown micrograph's scale by a person's word; `None`: the file's.
    SetPixelSize(Option<ScaleByHand>),
    /// Show the visible channels together, or the selected one alone.
    SetComposite(bool),
    SetChannelVisible(usize, bool),
    SetChannelColour(usize, ChannelColour),
    /// An installed model's id, or a path.
    ChooseModel(String),
    /// Find out what a network of this kind would be and cost for an image of `[y, x]` px.
    DraftNetwork(ArchitectureSpec, [usize; 2]),
    /// Make it, with weights drawn from a seed, and choose it.
    CreateNetwork(ArchitectureSpec, [usize; 2], u64),
    /// Lay out the drawing of the chosen network.
    LayOut(LayOut),
    /// Write the chosen model to a file.
    SaveModel(PathBuf),
    /// Look again into the models folders.
    RefreshModels,
    /// Run the chosen model on the shown frame.
    Run,
    /// Stop the running job; the previous result stays.
    Cancel,
    SelectNode(String),
    /// One node later (+1) or earlier (−1).
    StepNode(i32),
    SelectFeature(Option<usize>),
    /// Whether the effective receptive field is looked at.
    ShowEffective(bool),
    /// Measure on the shown frame what a value of the chosen model hangs on.
    MeasureField(Probe),
    /// Move the shown image, or cut it, and see whether the answer stays.
    Robustness(RobustnessCommand),
    /// Look at two models, nodes or frames at once.
    Compare(CompareCommand),
    /// The true classes of the shown image, a mask file: features are held against it, and the network is scored.
    SetLabels(Option<PathBuf>),
    /// What the values of a mask mean.
    Labels(LabelsCommand),
    /// Explain a class's score, or take a value apart.
    Attribute(AttributeCommand),
    /// How well the features are used.
    Health(HealthCommand),
    /// Whether the answer can be trusted.
    Trust(TrustCommand),
    /// Of the sheet of all features.
    Sheet(SheetCommand),
    SetFeatureOrder(FeatureOrder),
    SetHideDead(bool),
    SetFeatureColormap(Colormap),
    SetSharedContrast(bool),
    SetPredictionView(PredictionView),
    /// Of a regressor's maps.
    SetPredictionColormap(Colormap),
    SetOverlay(bool),
    SetOpacity(f32),
    Export(ExportRequest),
    /// Draw or save a figure.
    Figure(FigureCommand),
    /// Save a copy of the shown micrograph, in the format that the name ends with.
    SaveCopy(PathBuf),
    /// Write the chosen model as an ONNX file.
    ExportModel(PathBuf),
    /// Tell the person something that only the window can know.
    Warn(String),
    DismissMessage(u64),
    SetTheme(Theme),
    ClearRecent,
}
