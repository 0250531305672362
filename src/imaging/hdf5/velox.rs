//! Velox' EMD (Thermo Fisher): `Data/Image/…/Data` is `[y, x, frame]`, beside it a JSON text for each frame.
//!
//! The layout is described by `HyperSpy`: <https://hyperspy.org/rosettasciio/supported_formats/emd.html>

use serde_json::Value;

use super::super::error::Fault;
use super::super::{AxisScale, ImagingError, Micrograph};
use super::array::{self, Array};
use super::series::{Gathered, Made, Series, what};
use super::tree::{Node, Tree};
use super::value::{describe_json, json_number, json_text};
use super::view::View;
use super::{events, operations};

pub(super) const NAME: &str = "Velox EMD";

/// Bytes of JSON that are read of one image, all its frames together.
const LONGEST: u64 = 64 << 20;

pub(super) fn knows(tree: &Tree) -> bool {
    let inside =
        |kind: &str| tree.group(&format!("Data/{kind}")).map(|all| all.children()).unwrap_or_default();
    let has = |node: &Node, name: &str| node.datasets().iter().any(|known| known == name);
    ["Image", "Spectrum", "SpectrumStream"]
        .iter()
        .any(|kind| inside(kind).iter().any(|one| has(one, "Data") && has(one, "Metadata")))
}

pub(super) fn open(tree: &Tree) -> Result<Vec<Micrograph>, ImagingError> {
    let mut gathered = Gathered::default();
    let detectors = operations::detectors(tree);
    let group =
        |kind: &str| tree.group(&format!("Data/{kind}")).map(|all| all.children()).unwrap_or_default();
    let mut picture = None;
    for node in group("Image") {
        let made = Array::of(tree, &node.path_of("Data")).and_then(|array| {
            if let [height, width, ..] = array.shape[..] {
                picture = Some((height, width));
            }
            image(tree, &node, array, &detectors)
        });
        gathered.add(&node.path, made);
    }
    for node in group("Spectrum") {
        gathered.add(&node.path, spectrum(tree, &node));
    }
    let streams = group("SpectrumStream");
    for stream in &streams {
        gathered.add(&stream.path, events::cube(tree, stream, &Metadata::of(tree, stream), picture));
    }
    for (kind, read) in [("SpectrumImage", !streams.is_empty()), ("EelsSpectrumImage", false)] {
        let count = group(kind).len();
        if count > 0 && !read {
            gathered.note(format!("Data/{kind} is not shown: its form is not published ({count})"));
        }
    }
    gathered.finish(tree)
}

/// The JSON beside a dataset.
pub(super) struct Metadata {
    pub(super) json: Value,
    pub(super) notes: Vec<String>,
}

impl Metadata {
    /// Of the first frame: a column of bytes for each frame.
    fn of(tree: &Tree, node: &Node) -> Self {
        let path = node.path_of("Metadata");
        let shape = Array::of(tree, &path).map(|array| array.shape);
        let text = shape.and_then(|shape| {
            let frames = if let [_, frames, ..] = shape[..] { frames } else { 1 };
            let bytes = array::whole(tree, &path, LONGEST)?;
            Ok(bytes.iter().step_by(frames.max(1)).copied().take_while(|&b| b != 0).collect::<Vec<u8>>())
        });
        let read = text.map_err(|fault| what(&fault));
        let json = read.and_then(|text| serde_json::from_slice(&text).map_err(|e| e.to_string()));
        match json {
            Ok(json) => Self { json, notes: Vec::new() },
            Err(why) => Self {
                json: Value::Null,
                notes: vec![format!("{path} is not read ({why}); the image is shown uncalibrated")],
            },
        }
    }

    /// Size of a pixel, where `BinaryResult` has it.
    pub(super) fn pixel(&self) -> Vec<AxisScale> {
        let axis = |letter, side, unit: &str, offset| {
            let unit = json_text(&self.json, &["BinaryResult", unit]).unwrap_or_default();
            let scale = json_number(&self.json, &["BinaryResult", "PixelSize", side])?;
            let offset = json_number(&self.json, &["BinaryResult", "Offset", offset]).unwrap_or(0.0);
            let source = "BinaryResult.PixelSize".into();
            Some(AxisScale { axis: letter, scale, offset, unit: unit.into(), source })
        };
        [axis('Y', "height", "PixelUnitY", "y"), axis('X', "width", "PixelUnitX", "x")]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The detector that made it: its entry among `Detectors`.
    fn detector(&self) -> Option<(&str, &Value)> {
        let detectors = self.json.get("Detectors")?.as_object()?;
        let index = self.json.get("BinaryResult").and_then(|result| result.get("DetectorIndex"));
        let index = index.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let name = json_text(&self.json, &["BinaryResult", "Detector"]);
        let by_index = || detectors.get_key_value(&format!("Detector-{}", index?));
        let by_name = || {
            let known =
                |v: &Value| json_text(v, &["DetectorName"]).is_some_and(|n| n.contains(name.unwrap_or("\0")));
            detectors.iter().find(|(_, v)| known(v))
        };
        by_name().or_else(by_index).map(|(key, value)| (key.as_str(), value))
    }

    pub(super) fn detector_name(&self) -> Option<&str> {
        let own = self.detector().and_then(|(_, detector)| json_text(detector, &["DetectorName"]));
        own.or_else(|| json_text(&self.json, &["BinaryResult", "Detector"]))
    }

    /// Energies of a spectrum, in eV.
    pub(super) fn energies(&self) -> Option<AxisScale> {
        let (key, detector) = self.detector()?;
        let scale = json_number(detector, &["Dispersion"])?;
        let offset = json_number(detector, &["OffsetEnergy"]).unwrap_or(0.0);
        let source = format!("Detectors.{key}.Dispersion");
        Some(AxisScale { axis: 'E', scale, offset, unit: "eV".into(), source })
    }

    pub(super) fn describe(&self, into: &mut super::super::Metadata) {
        describe_json(&self.json, "Velox", into);
    }
}

/// Images: frames are the last axis.
fn image(tree: &Tree, node: &Node, array: Array, detectors: &[(String, String)]) -> Result<Made, Fault> {
    let metadata = Metadata::of(tree, node);
    let letters = match array.shape.len() {
        3 => vec![('T', 2), ('Y', 0), ('X', 1)],
        2 => vec![('Y', 0), ('X', 1)],
        n => return Err(Fault::Unsupported(format!("A Velox image of {n} axes"))),
    };
    let frames = array.shape.get(2).copied().unwrap_or(1);
    let view = View::new(&letters, &array);
    let mut series = Series::new(array, view);
    let by_operation =
        detectors.iter().find(|(path, _)| path.contains(node.name())).map(|(_, name)| name.as_str());
    let detector = by_operation.or_else(|| metadata.detector_name());
    detector.unwrap_or(node.name()).clone_into(&mut series.name);
    series.channels = detector.map(str::to_owned).into_iter().collect();
    series.scales = metadata.pixel();
    if frames > 1
        && let Some(time) = json_number(&metadata.json, &["Scan", "FrameTime"])
    {
        series.scales.push(AxisScale::new('T', time, "s", "Scan.FrameTime"));
    }
    metadata.describe(&mut series.metadata);
    if let Some(name) = detector {
        series.metadata.push("Velox / detector", name);
    }
    series.notes = metadata.notes;
    series.make(tree, NAME)
}

/// Spectra: energies are the first axis, frames the second.
fn spectrum(tree: &Tree, node: &Node) -> Result<Made, Fault> {
    let metadata = Metadata::of(tree, node);
    let array = Array::of(tree, &node.path_of("Data"))?;
    let letters = match array.shape[..] {
        [_] | [_, 1] => vec![('E', 0)],
        [_, _] => vec![('T', 1), ('E', 0)],
        _ => return Err(Fault::Unsupported(format!("A Velox spectrum of {} axes", array.shape.len()))),
    };
    let view = View::new(&letters, &array);
    let mut series = Series::new(array, view);
    series.name = format!("{} spectrum", metadata.detector_name().unwrap_or("EDS"));
    series.scales = metadata.energies().into_iter().collect();
    metadata.describe(&mut series.metadata);
    series.notes = metadata.notes;
    series.make(tree, NAME)
}
