//! All features of a node in one picture.
use super::FeatureMaps;
use crate::imaging::Colormap;

/// How a sheet looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SheetStyle {
    pub colormap: Colormap,
    /** one contrast for all features, or one each */
    pub shared_contrast: bool,
    /** longest side of a cell in pixels; larger maps are averaged down, smaller ones repeated up */
    pub cell: usize,
    pub columns: Option<usize>,
}

/// RGB bytes `[y][x][3]` and where each feature is: cell k (of `order`) at column k % columns, row k / columns, each
/// `cell_size` [y, x] pixels plus a gap of `gap` pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub rgb: Vec<u8>,
    pub width: usize,
    pub height: usize,
    pub columns: usize,
    pub cell_size: [usize; 2],
    pub gap: usize,
    pub order: Vec<usize>,
}

#[must_use]
pub fn sheet(_maps: &FeatureMaps, _order: &[usize], _style: SheetStyle) -> Sheet {
    todo!()
}
