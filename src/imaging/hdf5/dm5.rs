//! Gatan's DM5: the tag tree of a `DigitalMicrograph` file as HDF5 groups, tags as attributes.

use super::super::error::Fault;
use super::super::{AxisScale, ImagingError, Micrograph};
use super::array::Array;
use super::series::{Gathered, Made, Series, rounded};
use super::tree::{MOST_OBJECTS, Node, Tree};
use super::view::{View, unnamed};

pub(super) const NAME: &str = "DM5";

pub(super) fn knows(tree: &Tree) -> bool {
    tree.group("ImageList").is_some_and(|all| {
        all.children().iter().any(|image| image.child("ImageData").is_some_and(|data| has_data(&data)))
    })
}

fn has_data(data: &Node) -> bool {
    data.datasets().iter().any(|name| name == "Data")
}

pub(super) fn open(tree: &Tree) -> Result<Vec<Micrograph>, ImagingError> {
    let mut gathered = Gathered::default();
    let images = tree.group("ImageList").map(|all| all.children()).unwrap_or_default();
    let thumbnails: Vec<f64> = tree
        .group("Thumbnails")
        .map(|all| all.children().iter().filter_map(|one| one.number("ImageIndex")).collect())
        .unwrap_or_default();
    let is_thumbnail = |i: usize| thumbnails.contains(&(i as f64));
    let all_are = (0..images.len()).all(is_thumbnail);
    for (i, image) in images.iter().enumerate() {
        let Some(data) = image.child("ImageData").filter(has_data) else { continue };
        if is_thumbnail(i) && !all_are {
            gathered.note(format!("{} is the thumbnail and is not shown", image.path));
            continue;
        }
        gathered.add(&image.path, one(tree, image, &data));
    }
    gathered.finish(tree)
}

fn one(tree: &Tree, image: &Node, data: &Node) -> Result<Made, Fault> {
    let array = Array::of(tree, &data.path_of("Data"))?;
    let n = array.shape.len();
    let tags = image.child("ImageTags").and_then(|tags| tags.child("Meta Data"));
    let format = tags.as_ref().and_then(|tags| tags.text("Format")).unwrap_or_default();
    // Dimensions are numbered from the fastest, the dataset's axes from the slowest.
    let dimensions: Vec<Dimension> = (0..n).map(|d| Dimension::of(data, n - 1 - d)).collect();
    let letters = letters(&dimensions, &format);
    let view = View::new(&letters, &array);
    let mut series = Series::new(array, view);
    series.name = image.text("Name").filter(|name| !name.is_empty()).unwrap_or_else(|| image.path.clone());
    for &(letter, d) in &letters {
        let Dimension { scale: Some(scale), origin, unit } = &dimensions[d] else { continue };
        let source = format!("{}/Calibrations/Dimension/[{}]", data.path, n - 1 - d);
        // The origin is the pixel that lies at zero.
        series.scales.push(AxisScale {
            axis: letter,
            scale: *scale,
            offset: rounded(-origin * scale),
            unit: unit.clone(),
            source,
        });
    }
    let mut budget = MOST_OBJECTS;
    image.describe("DM", &mut series.metadata, &mut budget);
    series.make(tree, NAME)
}

/// What a file says of one axis.
#[derive(Debug, Clone, Default)]
struct Dimension {
    scale: Option<f64>,
    origin: f64,
    unit: String,
}

impl Dimension {
    fn of(data: &Node, number: usize) -> Self {
        let group = ["Calibrations", "Dimension", &format!("[{number}]")]
            .into_iter()
            .try_fold(data.clone(), |node, name| node.child(name));
        let Some(group) = group else { return Self::default() };
        let unit = group.text("Units").unwrap_or_default();
        // What nobody calibrated has the scale 1 of no unit.
        let scale = group.number("Scale").filter(|scale| *scale != 1.0 || !unit.is_empty());
        Self { scale, origin: group.number("Origin").unwrap_or(0.0), unit }
    }

    fn is_energy(&self) -> bool {
        matches!(self.unit.as_str(), "eV" | "keV" | "meV")
    }

    fn is_time(&self) -> bool {
        matches!(self.unit.as_str(), "s" | "ms" | "µs" | "us" | "min" | "h")
    }
}

/// A letter for each of the dataset's axes. Of a spectrum image the slowest axis is the energy.
fn letters(dimensions: &[Dimension], format: &str) -> Vec<(char, usize)> {
    let energy = |d: usize| dimensions.get(d).is_some_and(Dimension::is_energy);
    match (dimensions.len(), format) {
        (1, "Spectrum") => vec![('E', 0)],
        (1, _) if energy(0) => vec![('E', 0)],
        (1, _) => vec![('X', 0)],
        (2, "Spectrum" | "Spectrum image") if energy(0) && !energy(1) => vec![('X', 1), ('E', 0)],
        // A row of energies below another, such as a line scan.
        (2, "Spectrum" | "Spectrum image") => vec![('X', 0), ('E', 1)],
        (2, _) => vec![('Y', 0), ('X', 1)],
        (3, "Spectrum image") => vec![('Y', 1), ('X', 2), ('E', 0)],
        (3, _) if energy(0) => vec![('Y', 1), ('X', 2), ('E', 0)],
        (3, _) if dimensions[0].is_time() => vec![('T', 0), ('Y', 1), ('X', 2)],
        (3, _) => vec![('Z', 0), ('Y', 1), ('X', 2)],
        (n, _) => {
            let outer = (0..n - 2).map(|d| (unnamed(d), d));
            outer.chain([('Y', n - 2), ('X', n - 1)]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_axis_of_a_spectrum_image_is_the_energy() {
        let of = |units: &[&str], format| {
            let all: Vec<_> =
                units.iter().map(|&u| Dimension { unit: u.into(), ..Dimension::default() }).collect();
            letters(&all, format).iter().map(|l| l.0).collect::<String>()
        };
        assert_eq!(of(&["eV", "nm", "nm"], "Spectrum image"), "YXE");
        assert_eq!(of(&["eV", "nm", "nm"], ""), "YXE");
        assert_eq!(of(&["s", "nm", "nm"], ""), "TYX");
        assert_eq!(of(&["", "nm", "nm"], ""), "ZYX");
        assert_eq!(of(&["", "", "nm", "nm"], ""), "QPYX");
        assert_eq!((of(&["eV"], ""), of(&["nm"], "")), ("E".into(), "X".into()));
    }
}
