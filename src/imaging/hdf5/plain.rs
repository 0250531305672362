//! HDF5 files of any kind: every dataset of two or more axes is a series.

use super::super::error::Fault;
use super::super::{ImagingError, Micrograph};
use super::array::Array;
use super::series::{Gathered, Series};
use super::tree::{Node, Tree};
use super::value;
use super::view::View;

pub(super) const NAME: &str = "HDF5";

/// Groups that are looked at, and datasets: a group may be linked into many others.
const MOST_GROUPS: usize = 5_000;
const MOST_DATASETS: usize = 5_000;

pub(super) fn open(tree: &Tree) -> Result<Vec<Micrograph>, ImagingError> {
    let mut gathered = Gathered::default();
    let root = tree.root().map_err(|fault| fault.at(&tree.path))?;
    let (mut budget, mut datasets, mut passed) = (MOST_GROUPS, MOST_DATASETS, 0);
    root.walk(&mut budget, &mut |node| passed += group(tree, node, &mut gathered, &mut datasets));
    if passed > 0 {
        gathered.note(format!("Datasets of a single axis, of texts or of records are not shown: {passed}"));
    }
    if budget == 0 || datasets == 0 {
        let note = "of the file were looked at";
        gathered.note(format!("Only the first {MOST_GROUPS} groups or {MOST_DATASETS} datasets {note}"));
    }
    gathered.finish(tree)
}

/// Adds the datasets of one group; gives the number of those that are no pictures.
fn group(tree: &Tree, node: &Node, gathered: &mut Gathered, left: &mut usize) -> usize {
    let mut passed = 0;
    for name in node.datasets() {
        let Some(fewer) = left.checked_sub(1) else { break };
        *left = fewer;
        let path = node.path_of(&name);
        match Array::of(tree, &path) {
            Ok(array) if array.extended() >= 2 => gathered.add(&path, series(node, array).make(tree, NAME)),
            Ok(_) => passed += 1,
            Err(Fault::Unsupported(what)) if !what.contains("filter") => passed += 1,
            Err(fault) => gathered.add(&path, Err(fault)),
        }
    }
    passed
}

/// A dataset with the attributes of its group.
fn series(node: &Node, array: Array) -> Series {
    let view = View::plain(&array);
    let mut series = Series::new(array, view);
    for (name, value) in node.attributes() {
        series.metadata.push(format!("HDF5 / {} / {name}", node.path), value::text(&value));
    }
    series
}
