//! `HyperSpy`'s .hspy files: every group of `Experiments` has an array `data`, a group for each of its axes, and metadata.
//!
//! <https://hyperspy.org/rosettasciio/file_specification/hspy.html>

use super::super::calibration::unit_in_nm;
use super::super::error::Fault;
use super::super::{AxisScale, ImagingError, Micrograph};
use super::array::Array;
use super::series::{Gathered, Made, Series};
use super::tree::{MOST_OBJECTS, Node, Tree};
use super::view::{View, unnamed};

pub(super) const NAME: &str = "HyperSpy";

pub(super) fn knows(tree: &Tree) -> bool {
    tree.group("Experiments")
        .is_some_and(|all| all.children().iter().any(|one| one.datasets().iter().any(|name| name == "data")))
}

pub(super) fn open(tree: &Tree) -> Result<Vec<Micrograph>, ImagingError> {
    let mut gathered = Gathered::default();
    for node in tree.group("Experiments").map(|all| all.children()).unwrap_or_default() {
        if node.datasets().iter().any(|name| name == "data") {
            gathered.add(&node.path, experiment(tree, &node));
        }
    }
    gathered.finish(tree)
}

fn experiment(tree: &Tree, node: &Node) -> Result<Made, Fault> {
    let array = Array::of(tree, &node.path_of("data"))?;
    let axes: Vec<Axis> = (0..array.shape.len()).map(|d| Axis::of(node, d)).collect();
    let letters = letters(&axes);
    let view = View::new(&letters, &array);
    let mut series = Series::new(array, view);
    node.name().clone_into(&mut series.name);
    for (letter, d) in letters {
        let axis = &axes[d];
        match axis.scale {
            Some(scale) => series.scales.push(AxisScale {
                axis: letter,
                scale,
                offset: axis.offset,
                unit: axis.unit.clone(),
                source: format!("axis-{d}"),
            }),
            None => series.notes.push(format!("axis-{d} has no uniform scale; it is shown uncalibrated")),
        }
    }
    let mut budget = MOST_OBJECTS;
    for (name, value) in node.attributes() {
        series.metadata.push(format!("HyperSpy / {name}"), super::value::text(&value));
    }
    for part in node.children() {
        part.describe(&format!("HyperSpy / {}", part.name()), &mut series.metadata, &mut budget);
    }
    series.make(tree, NAME)
}

/// What a file says of one axis.
#[derive(Debug, Default)]
struct Axis {
    name: String,
    navigate: bool,
    /// `None` unless the axis says so itself.
    scale: Option<f64>,
    offset: f64,
    unit: String,
}

impl Axis {
    fn of(node: &Node, d: usize) -> Self {
        let Some(group) = node.child(&format!("axis-{d}")) else { return Self::default() };
        let known = |name| group.text(name).filter(|text| !matches!(text.as_str(), "_None_" | "<undefined>"));
        Self {
            name: known("name").unwrap_or_default().to_lowercase(),
            navigate: group.number("navigate").is_some_and(|v| v != 0.0),
            scale: group.number("scale"),
            offset: group.number("offset").unwrap_or(0.0),
            unit: known("units").unwrap_or_default(),
        }
    }

    fn is_time(&self) -> bool {
        self.name.contains("time") || matches!(self.unit.as_str(), "s" | "ms" | "µs" | "us" | "min" | "h")
    }
}

/// A letter for each axis, in the order in which a micrograph has them.
///
/// Two signal axes are a picture, and what navigates it are frames; one signal axis is a spectrum, and what navigates it
/// are rows and columns. A line of which the unit is a length is no spectrum.
fn letters(axes: &[Axis]) -> Vec<(char, usize)> {
    let of_kind = |navigate: bool| (0..axes.len()).filter(move |&d| axes[d].navigate == navigate);
    let (outer, signal): (Vec<usize>, Vec<usize>) = (of_kind(true).collect(), of_kind(false).collect());
    match signal[..] {
        [one] if outer.is_empty() && unit_in_nm(&axes[one].unit).is_some() => vec![('X', one)],
        [one] => [frames(axes, outer, 2), vec![('E', one)]].concat(),
        [] => frames(axes, outer, 2),
        _ => frames(axes, [outer, signal].concat(), 2),
    }
}

/// The last `pixel` axes are rows and columns; one axis before them is time or depth, several are unnamed.
fn frames(axes: &[Axis], mut all: Vec<usize>, pixel: usize) -> Vec<(char, usize)> {
    let inner = all.split_off(all.len().saturating_sub(pixel));
    let outer: Vec<(char, usize)> = match all[..] {
        [one] if axes[one].is_time() => vec![('T', one)],
        [one] => vec![('Z', one)],
        _ => all.iter().enumerate().map(|(i, &d)| (unnamed(i), d)).collect(),
    };
    let names = if inner.len() == 1 { "X" } else { "YX" };
    outer.into_iter().chain(names.chars().zip(inner)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(navigate: &str, units: &[&str]) -> String {
        let axis = |(n, unit): (char, &&str)| Axis {
            navigate: n == 'n',
            unit: (*unit).to_owned(),
            ..Axis::default()
        };
        letters(&navigate.chars().zip(units).map(axis).collect::<Vec<_>>()).iter().map(|a| a.0).collect()
    }

    #[test]
    fn axes_are_named_by_what_navigates() {
        assert_eq!(axes("ss", &["nm", "nm"]), "YX");
        assert_eq!(axes("nss", &["s", "nm", "nm"]), "TYX");
        assert_eq!(axes("nss", &["nm", "nm", "nm"]), "ZYX");
        assert_eq!(axes("nnss", &["nm", "nm", "1/nm", "1/nm"]), "QPYX");
        assert_eq!(axes("nns", &["nm", "nm", "keV"]), "YXE");
        assert_eq!(axes("ns", &["nm", "keV"]), "XE");
        assert_eq!(axes("s", &["keV"]), "E");
        assert_eq!(axes("s", &["nm"]), "X");
        assert_eq!(axes("nn", &["nm", "nm"]), "YX");
    }
}
