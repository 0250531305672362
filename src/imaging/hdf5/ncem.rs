//! Berkeley's EMD: groups that say `emd_group_type` have an array `data` and a vector `dim1`… for each of its axes.
//!
//! <https://emdatasets.com/format/> Newer files count the vectors from `dim0`.

use super::super::calibration::unit_in_nm;
use super::super::error::Fault;
use super::super::metadata::Metadata;
use super::super::{AxisScale, ImagingError, Micrograph};
use super::array::{self, Array};
use super::series::{Gathered, Made, Series, rounded, what};
use super::tree::{MOST_OBJECTS, Node, Tree};
use super::value;
use super::view::{View, unnamed};

pub(super) const NAME: &str = "EMD (Berkeley)";

/// Groups that are looked at to tell the dialect.
const FIRST: usize = 200;
/// Bytes of a vector that are read.
const LONGEST: u64 = 8 << 20;

/// Attribute of a group that has an array.
const TYPE: &str = "emd_group_type";

pub(super) fn knows(tree: &Tree) -> bool {
    let Ok(root) = tree.root() else { return false };
    let (mut found, mut budget) = (false, FIRST);
    root.walk(&mut budget, &mut |node| found |= is_one(node).is_some());
    found
}

/// The name of the array in a group, where it is an EMD group.
fn is_one(node: &Node) -> Option<String> {
    node.attribute(TYPE)?;
    node.datasets().into_iter().find(|name| name == "data" || name == "datacube")
}

pub(super) fn open(tree: &Tree) -> Result<Vec<Micrograph>, ImagingError> {
    let mut gathered = Gathered::default();
    let mut metadata = Metadata::default();
    let mut budget = MOST_OBJECTS;
    for name in ["microscope", "sample", "user", "comments"] {
        if let Some(group) = tree.group(name) {
            group.describe(&format!("EMD / {name}"), &mut metadata, &mut budget);
        }
    }
    let root = tree.root().map_err(|fault| fault.at(&tree.path))?;
    root.walk(&mut budget, &mut |node| {
        if let Some(name) = is_one(node) {
            gathered.add(&node.path, one(tree, node, &name, metadata.clone()));
        }
    });
    gathered.finish(tree)
}

fn one(tree: &Tree, node: &Node, name: &str, mut metadata: Metadata) -> Result<Made, Fault> {
    let array = Array::of(tree, &node.path_of(name))?;
    let first = usize::from(!node.datasets().iter().any(|name| name == "dim0"));
    let mut notes = Vec::new();
    let dims: Vec<Dim> =
        (0..array.shape.len()).map(|d| Dim::of(tree, node, d + first, array.shape[d], &mut notes)).collect();
    for (name, value) in node.attributes().into_iter().filter(|(name, _)| name != TYPE) {
        metadata.push(format!("EMD / {} / {name}", node.path), value::text(&value));
    }
    let letters = letters(&dims);
    let view = View::new(&letters, &array);
    let mut series = Series::new(array, view);
    node.path.clone_into(&mut series.name);
    for (letter, d) in letters {
        if let Some((offset, scale)) = dims[d].scale {
            let (unit, source) = (dims[d].unit.clone(), format!("dim{}", d + first));
            series.scales.push(AxisScale { axis: letter, scale, offset, unit, source });
        }
    }
    (series.metadata, series.notes) = (metadata, notes);
    series.make(tree, NAME)
}

/// What a file says of one axis.
#[derive(Debug, Clone, Default)]
struct Dim {
    name: String,
    unit: String,
    /// Offset and step, where the vector has equal steps.
    scale: Option<(f64, f64)>,
}

impl Dim {
    fn of(tree: &Tree, node: &Node, number: usize, length: usize, notes: &mut Vec<String>) -> Self {
        let name = format!("dim{number}");
        let Ok(dataset) = node.dataset(&name) else { return Self::default() };
        let attributes = super::tree::guarded(|| dataset.attrs()).unwrap_or_default();
        let text = |name: &str| attributes.get(name).map(value::text).unwrap_or_default();
        let scale = match array::numbers(tree, &node.path_of(&name), LONGEST) {
            Ok(vector) => {
                let scale = steps(&vector);
                if scale.is_none() && length > 1 {
                    notes.push(format!("{name} has no equal steps; its axis is shown uncalibrated"));
                }
                scale
            }
            Err(fault) => {
                notes.push(format!("{name} is not read: {}", what(&fault)));
                None
            }
        };
        Self { name: text("name").to_lowercase(), unit: unit(&text("units")), scale }
    }

    fn is_energy(&self) -> bool {
        matches!(self.unit.as_str(), "eV" | "keV" | "meV") || self.name.contains("energy")
    }
}

/// Offset and step of a vector. A file may write but the first two of its values.
fn steps(vector: &[f64]) -> Option<(f64, f64)> {
    let (&first, &last) = (vector.first()?, vector.get(1..)?.last()?);
    let step = (last - first) / (vector.len() - 1) as f64;
    let equal = |(i, v): (usize, &f64)| (v - (first + i as f64 * step)).abs() <= step.abs() * 1e-2;
    (step != 0.0 && vector.iter().enumerate().all(equal)).then(|| (first, rounded(step)))
}

/// `[n_m]` is the format's way to write nm.
fn unit(written: &str) -> String {
    let plain = written.trim().trim_start_matches('[').trim_end_matches(']').replace('_', "");
    match plain.as_str() {
        "A" => "Å".into(),
        "pixels" | "pixel" | "px" => String::new(),
        _ => plain,
    }
}

/// A letter for each axis, in the order in which a micrograph has them. Axes named x and y are columns and rows wherever
/// they stand; without such names the last two are rows and columns.
fn letters(dims: &[Dim]) -> Vec<(char, usize)> {
    let named = |wanted: &str| {
        let mut all = (0..dims.len()).filter(|&d| dims[d].name == wanted);
        all.next().filter(|_| all.next().is_none())
    };
    let mut left: Vec<usize> = (0..dims.len()).collect();
    let mut inner = Vec::new();
    if let (Some(y), Some(x)) = (named("y"), named("x")) {
        inner = vec![('Y', y), ('X', x)];
        left.retain(|d| ![y, x].contains(d));
    }
    let energies: Vec<usize> = left.iter().copied().filter(|&d| dims[d].is_energy()).collect();
    let energy = match energies[..] {
        [one] => Some(one),
        _ => None,
    };
    left.retain(|&d| Some(d) != energy);
    if inner.is_empty() {
        let pixel = left.split_off(left.len().saturating_sub(2));
        let names = if pixel.len() == 1 { "X" } else { "YX" };
        inner = names.chars().zip(pixel).collect();
    }
    inner.extend(energy.map(|d| ('E', d)));
    let is_time = |d: usize| matches!(dims[d].name.as_str(), "t" | "time" | "frame") || dims[d].unit == "s";
    let outer: Vec<(char, usize)> = match left[..] {
        [one] if is_time(one) => vec![('T', one)],
        [one] if dims[one].name == "z" || unit_in_nm(&dims[one].unit).is_some() => vec![('Z', one)],
        _ => left.iter().enumerate().map(|(i, &d)| (unnamed(i), d)).collect(),
    };
    [outer, inner].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[(&str, &str)]) -> Vec<(char, usize)> {
        let dim = |(name, unit): &(&str, &str)| Dim {
            name: (*name).to_owned(),
            unit: (*unit).to_owned(),
            scale: None,
        };
        letters(&names.iter().map(dim).collect::<Vec<_>>())
    }

    #[test]
    fn axes_named_x_and_y_are_columns_and_rows_wherever_they_stand() {
        assert_eq!(named(&[("x", "nm"), ("y", "nm")]), [('Y', 1), ('X', 0)]);
        assert_eq!(named(&[("", ""), ("", "")]), [('Y', 0), ('X', 1)]);
        assert_eq!(named(&[("z", "nm"), ("y", "nm"), ("x", "nm")]), [('Z', 0), ('Y', 1), ('X', 2)]);
        assert_eq!(named(&[("time", "s"), ("y", "nm"), ("x", "nm")])[0], ('T', 0));
        assert_eq!(named(&[("x", "nm"), ("y", "nm"), ("energy", "eV")]), [('Y', 1), ('X', 0), ('E', 2)]);
        assert_eq!(named(&[("energy", "keV")]), [('E', 0)]);
    }

    #[test]
    fn a_scale_needs_equal_steps() {
        assert_eq!(steps(&[0.5, 0.75, 1.0]), Some((0.5, 0.25)));
        assert_eq!(steps(&[0.5, 0.75]), Some((0.5, 0.25)));
        for bad in [&[1.0][..], &[], &[1.0, 1.0], &[1.0, 2.0, 4.0], &[f64::NAN, 1.0]] {
            assert_eq!(steps(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn units_are_written_with_bars() {
        assert_eq!((unit("[n_m]"), unit("[A]"), unit("nm^-1")), ("nm".into(), "Å".into(), "nm^-1".into()));
    }
}
