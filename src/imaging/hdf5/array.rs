//! A dataset of numbers: its shape, its elements and where they lie, without reading them.

use hdf5_pure::{ChunkIndex, Dataset, Layout};

use super::super::bytes::Input;
use super::super::error::Fault;
use super::element::Element;
use super::filters;
use super::tree::{MOST_EXPANSION, Tree, guarded};

/// Axes of a dataset; HDF5 itself allows 32.
const MOST_AXES: usize = 32;

/// What is known of a dataset.
#[derive(Debug, Clone)]
pub(super) struct Array {
    /// From the root, without a slash before it.
    pub(super) path: String,
    pub(super) shape: Vec<usize>,
    pub(super) element: Element,
    pub(super) place: Place,
}

/// Where the elements lie.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// One behind the other from here on in the file.
    At(u64),
    /// In pieces of this shape, each filtered.
    Chunks { shape: Vec<usize>, filters: Vec<u16> },
    /// Among the file's structures, as very small datasets do.
    Inline(Vec<u8>),
    /// Nowhere: the dataset was made and never written.
    Never,
}

impl Array {
    /// Looks at a dataset. Shapes that the file cannot hold are refused.
    pub(super) fn of(tree: &Tree, path: &str) -> Result<Self, Fault> {
        let dataset = tree.dataset(path)?;
        let element = Element::of(&guarded(|| dataset.datatype())?)?;
        let shape = shape(&dataset)?;
        if shape.is_empty() {
            return Err(Fault::Unsupported("It is a single value".into()));
        }
        let total = total(&shape, element.bytes()).filter(|_| shape.iter().all(|&n| n > 0));
        let Some(total) = total.filter(|&n| n <= tree.length.saturating_mul(MOST_EXPANSION)) else {
            let file = tree.length;
            return Err(Fault::Bad(format!(
                "It claims a shape of {shape:?}, which {file} bytes cannot hold"
            )));
        };
        let place = place(tree, &dataset, &shape, element, total)?;
        Ok(Self { path: path.to_owned(), shape, element, place })
    }

    /// Number of axes longer than 1.
    pub(super) fn extended(&self) -> usize {
        self.shape.iter().filter(|&&n| n > 1).count()
    }
}

fn shape(dataset: &Dataset) -> Result<Vec<usize>, Fault> {
    let shape = guarded(|| dataset.shape())?;
    if shape.len() > MOST_AXES {
        return Err(Fault::Bad(format!("It claims {} axes, and HDF5 allows {MOST_AXES}", shape.len())));
    }
    let lengths = shape.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>();
    lengths.ok_or_else(|| Fault::Bad("It claims more elements than there can be".into()))
}

/// Bytes of all elements.
fn total(shape: &[usize], element: usize) -> Option<u64> {
    shape.iter().try_fold(element as u64, |all, &n| all.checked_mul(n as u64))
}

fn place(
    tree: &Tree,
    dataset: &Dataset,
    shape: &[usize],
    element: Element,
    total: u64,
) -> Result<Place, Fault> {
    match guarded(|| dataset.layout())? {
        Layout::Contiguous { address: None, .. } => Ok(Place::Never),
        Layout::Contiguous { address: Some(address), .. } => {
            Input::open(&tree.path)?.check(address, total)?;
            Ok(Place::At(address))
        }
        Layout::Compact { size } if size == total && size <= tree.length => {
            Ok(Place::Inline(guarded(|| dataset.read_raw())?))
        }
        Layout::Compact { .. } => Err(Fault::Bad("Its data does not fit its shape".into())),
        // Chunks that nobody lists lie one behind the other.
        Layout::Chunked { index: ChunkIndex::Implicit, .. } if total > tree.length => {
            Err(Fault::Bad("Its data does not fit its shape".into()))
        }
        Layout::Chunked { chunk_shape, .. } => {
            let filters = guarded(|| Ok(dataset.filters()))?;
            filters::check(&filters)?;
            let chunk = chunk_shape.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>();
            let sound = chunk.filter(|c| c.len() == shape.len() && c.iter().all(|&n| n > 0));
            let bytes = sound.as_deref().and_then(|c| self::total(c, element.bytes()));
            match (sound, bytes) {
                (Some(shape), Some(bytes)) if bytes <= tree.length.saturating_mul(MOST_EXPANSION) => {
                    Ok(Place::Chunks { shape, filters })
                }
                _ => Err(Fault::Bad("Its chunks are larger than the file can hold".into())),
            }
        }
        other => Err(Fault::Unsupported(format!("HDF5 data whose layout is {other}"))),
    }
}

/// Every byte of a small dataset, refused where it is larger than `most`.
pub(super) fn whole(tree: &Tree, path: &str, most: u64) -> Result<Vec<u8>, Fault> {
    let dataset = tree.dataset(path)?;
    bounded(tree, &dataset, most)?;
    guarded(|| dataset.read_raw())
}

/// The numbers of a short list, whatever their type.
pub(super) fn numbers(tree: &Tree, path: &str, most: u64) -> Result<Vec<f64>, Fault> {
    let dataset = tree.dataset(path)?;
    bounded(tree, &dataset, most)?;
    guarded(|| dataset.read_f64())
}

/// The texts of a short list.
pub(super) fn texts(tree: &Tree, path: &str, most: u64) -> Result<Vec<String>, Fault> {
    let dataset = tree.dataset(path)?;
    bounded(tree, &dataset, most)?;
    guarded(|| dataset.read_string())
}

fn bounded(tree: &Tree, dataset: &Dataset, most: u64) -> Result<(), Fault> {
    let element = guarded(|| dataset.element_size())?;
    let total = total(&shape(dataset)?, 1).and_then(|n| n.checked_mul(element));
    let most = most.min(tree.length.saturating_mul(MOST_EXPANSION));
    match total {
        Some(total) if total <= most => Ok(()),
        _ => Err(Fault::Bad(format!("It claims more than {most} bytes"))),
    }
}
