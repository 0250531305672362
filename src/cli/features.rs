//! `polepiece features`: feature maps as arrays, sheets, stacks and tables, and all features of a node in one picture.

use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::analysis::{self, AnalysisError, ClassSource, LabelMap, Prediction, RunSettings};
use crate::compute::OpenDevice;
use crate::export::{self, FeatureLine, FeatureTable};
use crate::files::write_whole;
use crate::imaging::Micrograph;
use crate::inspect::{self, FeatureMaps, FeatureOrder, Recorder};
use crate::monitor::Monitor;
use crate::network::Model;
use crate::training::LabelScheme;

use super::args::{DeviceArgs, PartArgs};
use super::by_hand::{self, HandArgs};
use super::context::{for_each_frame, load_model, open_device};
use super::terminal::{Finished, Outcome, complain, say, with_progress};
use super::values::{self, ValuesArgs};

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["node", "all", "kernels"])))]
#[command(group(clap::ArgGroup::new("numbers").args(["by_hand", "values_at"])))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct FeaturesArgs {
    pub file: PathBuf,
    /// A model file, or the name of an installed model
    #[arg(long, short)]
    pub model: String,
    /// The node whose feature maps are wanted (`polepiece describe` lists them)
    #[arg(long)]
    pub node: Option<String>,
    /// Every node
    #[arg(long)]
    pub all: bool,
    /// Folder for the results; made if it is not there
    #[arg(long, short, required_unless_present_any = ["by_hand", "kernels", "values_at"])]
    pub out: Option<PathBuf>,
    /// What to write of each node
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMAT,…", default_values_t = [FeatureFormat::Npy, FeatureFormat::Sheet])]
    pub formats: Vec<FeatureFormat>,
    /// Order of the features in sheets and tables: the largest first, correlations by their size
    #[arg(long, value_enum, default_value_t)]
    pub order: OrderArg,
    /// Leave out of sheets and tables what has the same value everywhere
    #[arg(long)]
    pub hide_dead: bool,
    /// Correlate every feature with this class, by name or number: with its probability, or with --labels
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// A label map of the same image, instead of what the model predicts
    #[arg(long, value_name = "MASK", requires = "class")]
    pub labels: Option<PathBuf>,
    /// Label scheme in TOML: which grey values or colours of --labels mean which class (default: the model's classes)
    #[arg(long, value_name = "TOML", requires = "labels")]
    pub scheme: Option<PathBuf>,
    /// Also the first three principal components as red, green and blue: NODE.pca.png
    #[arg(long)]
    pub pca: bool,
    /// Also the places in K groups (k-means): NODE.kmeans.png, and the groups' means in NODE.kmeans.csv
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(2..=10))]
    pub kmeans: Option<u8>,
    /// Seed of the groups: the same one gives the same groups
    #[arg(long, default_value_t = 0, requires = "kmeans")]
    pub seed: u64,
    /// What --by-hand or --values-at tells, as JSON
    #[arg(long, requires = "numbers")]
    pub json: bool,
    #[command(flatten)]
    pub values: ValuesArgs,
    #[command(flatten)]
    pub hand: HandArgs,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FeatureFormat {
    /// NODE.npy: [channel, y, x], f32
    Npy,
    /// NODE.png: all features side by side
    Sheet,
    /// NODE.ome.tif: a channel a feature, with the size of a feature pixel
    Ome,
    /// NODE.csv: mean, variance, range, zeros and correlation of each feature
    Csv,
    /// NODE.json: the same
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OrderArg {
    #[default]
    Index,
    Variance,
    Mean,
    Sparsity,
    /// With --class
    Correlation,
}

impl From<OrderArg> for FeatureOrder {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::Index => Self::Index,
            OrderArg::Variance => Self::Variance,
            OrderArg::Mean => Self::Mean,
            OrderArg::Sparsity => Self::Sparsity,
            OrderArg::Correlation => Self::Correlation,
        }
    }
}

/// The class that features are held against.
struct Class {
    index: usize,
    name: String,
    labels: Option<LabelMap>,
}

/// What all nodes of a frame share.
struct Frame<'a> {
    args: &'a FeaturesArgs,
    model: &'a Model,
    micrograph: &'a Micrograph,
    settings: &'a RunSettings,
    device: &'a OpenDevice,
    class: Option<&'a Class>,
    dir: PathBuf,
}

pub(super) fn run(args: &FeaturesArgs) -> Outcome {
    if args.hand.is_asked() {
        return by_hand::run(args);
    }
    if args.values.values_at.is_some() {
        return values::run(args);
    }
    let Some(out) = &args.out else { bail!("Name a folder for the results: --out DIR") };
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let nodes: Vec<&str> = match &args.node {
        Some(name) if model.graph.node(name).is_none() => {
            let names: Vec<&str> = model.graph.nodes().iter().map(|node| node.name.as_str()).collect();
            bail!("{} has no node {name}; its nodes are {}", model.card.name, names.join(", "))
        }
        Some(name) => vec![name],
        None => model.graph.nodes().iter().map(|node| node.name.as_str()).collect(),
    };
    let class = class_of(args, &model)?;
    if args.order == OrderArg::Correlation && class.is_none() {
        bail!("--order correlation needs --class");
    }
    let node_failures = Cell::new(0);
    let failures =
        for_each_frame(std::slice::from_ref(&args.file), &args.part, |micrograph, settings, label| {
            if args.labels.is_some() && micrograph.frames() > 1 && args.part.frame.is_none() {
                bail!("--labels are of one frame; choose it with --frame");
            }
            let several = micrograph.frames() > 1 || micrograph.series() > 0;
            let stem = export::result_stem(micrograph, settings.frame);
            let dir = if several { out.join(stem) } else { out.clone() };
            let class = class.as_ref();
            let frame = Frame { args, model: &model, micrograph, settings, device: &device, class, dir };
            with_progress(label, |monitor| {
                let failed = frame.write(&nodes, monitor)?;
                node_failures.set(node_failures.get() + failed);
                anyhow::Ok(())
            })
        });
    Ok(Finished { failures: failures + node_failures.get() })
}

fn class_of(args: &FeaturesArgs, model: &Model) -> anyhow::Result<Option<Class>> {
    let Some(wanted) = &args.class else { return Ok(None) };
    let scheme = match &args.scheme {
        Some(path) => LabelScheme::load(path)?,
        None => LabelScheme::of_classes(&model.card.classes),
    };
    let named = scheme.classes.iter().position(|class| class.name.eq_ignore_ascii_case(wanted));
    let numbered = wanted.parse().ok().filter(|&index: &usize| index < scheme.classes.len());
    let names: Vec<&str> = scheme.classes.iter().map(|class| class.name.as_str()).collect();
    let index = named.or(numbered).with_context(|| match names.as_slice() {
        [] => format!("{} names no classes", model.card.name),
        _ => format!("There is no class {wanted}; there are {}", names.join(", ")),
    })?;
    let labels = args.labels.as_ref().map(|path| scheme.read_mask(path)).transpose()?;
    Ok(Some(Class { index, name: names[index].to_owned(), labels }))
}

impl Frame<'_> {
    /// Writes every node, one at a time: the memory of one forward pass and one node's maps, however large the network.
    /// Gives how many failed.
    fn write(&self, nodes: &[&str], monitor: &Monitor) -> anyhow::Result<usize> {
        let steps = nodes.len() + usize::from(self.needs_prediction());
        let prediction = self.prediction(&monitor.part(0, steps))?;
        let mut failures = 0;
        for (place, node) in nodes.iter().enumerate() {
            let part = monitor.part(place + steps - nodes.len(), steps);
            let (model, device) = (self.model, &self.device.device);
            match analysis::features_of(node, model, self.micrograph, self.settings, device, &part.part(0, 2))
            {
                Ok(maps) => self.write_node(&maps, prediction.as_ref(), &part.part(1, 2))?,
                Err(error) if nodes.len() == 1 || error.is_cancelled() => return Err(error.into()),
                Err(error) => {
                    complain(&format!("node {node}: {error}"));
                    failures += 1;
                }
            }
        }
        Ok(failures)
    }

    fn needs_prediction(&self) -> bool {
        self.class.is_some_and(|class| class.labels.is_none())
    }

    fn prediction(&self, monitor: &Monitor) -> Result<Option<Prediction>, AnalysisError> {
        if !self.needs_prediction() {
            return Ok(None);
        }
        let mut nothing = Recorder::nothing();
        let (model, device) = (self.model, &self.device.device);
        analysis::run(model, self.micrograph, self.settings, device, &mut nothing, monitor).map(Some)
    }

    fn correlations(
        &self,
        maps: &FeatureMaps,
        prediction: Option<&Prediction>,
        monitor: &Monitor,
    ) -> anyhow::Result<Option<Vec<f32>>> {
        let Some(class) = self.class else { return Ok(None) };
        let source = match (&class.labels, prediction) {
            (Some(labels), _) => ClassSource::Labels(labels),
            (None, Some(prediction)) => ClassSource::Prediction(prediction),
            (None, None) => return Ok(None),
        };
        let size = [self.micrograph.height(), self.micrograph.width()];
        let rows = self.micrograph.specimen_rows().len();
        let plane = analysis::class_plane(source, class.index, size, rows)?;
        Ok(Some(inspect::correlations(maps, plane.view(), monitor)?))
    }

    fn write_node(
        &self,
        maps: &FeatureMaps,
        prediction: Option<&Prediction>,
        monitor: &Monitor,
    ) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.dir)
            .with_context(|| format!("The folder for the results cannot be made: {}", self.dir.display()))?;
        let statistics = inspect::statistics(maps);
        let correlations = self.correlations(maps, prediction, monitor)?;
        let order = inspect::ordered(
            &statistics,
            correlations.as_deref(),
            self.args.order.into(),
            self.args.hide_dead,
        );
        let lines = FeatureLine::of(&order, &statistics, correlations.as_deref());
        let path = |ending: &str| self.dir.join(format!("{}.{ending}", export::file_name(&maps.node)));
        let mut formats = self.args.formats.clone();
        formats.dedup();
        for format in formats {
            let path = match format {
                FeatureFormat::Npy => path("npy"),
                FeatureFormat::Sheet => export::write_ordered_sheet(maps, &order, &self.dir)?,
                FeatureFormat::Ome => path("ome.tif"),
                FeatureFormat::Csv => path("csv"),
                FeatureFormat::Json => path("json"),
            };
            match format {
                FeatureFormat::Npy => export::write_array(&maps.maps, &path)?,
                FeatureFormat::Sheet => {}
                FeatureFormat::Ome => {
                    let pixel = self.micrograph.calibration().pixel();
                    let written = export::write_feature_stack(maps, pixel.as_ref(), &path, monitor)?;
                    written.notes.iter().for_each(|note| complain(note));
                }
                FeatureFormat::Csv => {
                    write_bytes(&path, &export::features_csv(&self.table(maps, lines.clone()))?)?;
                }
                FeatureFormat::Json => {
                    let bytes = serde_json::to_vec_pretty(&self.table(maps, lines.clone()))?;
                    write_bytes(&path, &bytes)?;
                }
            }
            say(&path.display().to_string());
        }
        self.write_pictures(maps, &path, monitor)
    }

    fn table(&self, maps: &FeatureMaps, features: Vec<FeatureLine>) -> FeatureTable {
        let by = |class: &Class| if class.labels.is_some() { "labels" } else { "prediction" };
        FeatureTable {
            model: self.model.card.name.clone(),
            image: self.micrograph.name().to_owned(),
            frame: self.settings.frame,
            node: maps.node.clone(),
            class: self.class.map(|class| class.name.clone()),
            class_by: self.class.map(by),
            features,
        }
    }

    fn write_pictures(
        &self,
        maps: &FeatureMaps,
        path: &dyn Fn(&str) -> PathBuf,
        monitor: &Monitor,
    ) -> anyhow::Result<()> {
        if self.args.pca {
            let components = inspect::components(maps, monitor)?;
            export::write_components(&components, &path("pca.png"))?;
            let shares: Vec<String> =
                components.shares.iter().map(|share| format!("{:.1} %", 100.0 * share)).collect();
            say(&path("pca.png").display().to_string());
            say(&format!("red, green, blue: {} of the variance of {}", shares.join(", "), maps.node));
        }
        if let Some(count) = self.args.kmeans {
            let groups = inspect::clusters(maps, usize::from(count), self.args.seed, monitor)?;
            export::write_clusters(&groups, &path("kmeans.png"))?;
            write_bytes(&path("kmeans.csv"), &export::clusters_csv(&groups)?)?;
            for ending in ["kmeans.png", "kmeans.csv"] {
                say(&path(ending).display().to_string());
            }
        }
        Ok(())
    }
}

fn write_bytes(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_whole(path, |out| out.write_all(bytes)).with_context(|| path.display().to_string())
}
