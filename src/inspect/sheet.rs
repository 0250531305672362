//! All features of a node in one picture.
use super::FeatureMaps;
use super::scale::{cell_size, fit};
use crate::imaging::{Colormap, Contrast};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Width by height that a sheet comes close to when it may choose its columns.
const ASPECT: f64 = 16.0 / 9.0;
/// Pixels between two cells.
const GAP: usize = 2;
/// Colour of the gaps and of cells without a feature: no colormap has it, so it never reads as a value.
const GAP_COLOUR: [u8; 3] = [58, 64, 74];

/// How a sheet looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SheetStyle {
    pub colormap: Colormap,
    /// One contrast for all features, or one each. Maps of one pixel always share theirs.
    pub shared_contrast: bool,
    /// Longest side of a cell in pixels; larger maps are averaged down, smaller ones repeated up.
    pub cell: usize,
    /// `None`: as many as bring the sheet close to 16:9.
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

impl Sheet {
    /// Top left pixel `[y, x]` of cell `k`.
    #[must_use]
    pub fn cell_origin(&self, k: usize) -> [usize; 2] {
        [k / self.columns * (self.cell_size[0] + self.gap), k % self.columns * (self.cell_size[1] + self.gap)]
    }

    /// The feature under a pixel `[y, x]` of the sheet; `None` in a gap or outside.
    #[must_use]
    pub fn feature_at(&self, pixel: [usize; 2]) -> Option<usize> {
        let pitch = [self.cell_size[0] + self.gap, self.cell_size[1] + self.gap];
        let inside = (0..2).all(|axis| pixel[axis] % pitch[axis] < self.cell_size[axis]);
        let column = pixel[1] / pitch[1];
        (inside && column < self.columns)
            .then(|| self.order.get(pixel[0] / pitch[0] * self.columns + column).copied())?
    }
}

/// Draws the features named by `order` (indices that the node does not have are left out). Contrast is that of the
/// cells as drawn; signed colours are centred on zero.
#[must_use]
pub fn sheet(maps: &FeatureMaps, order: &[usize], style: SheetStyle) -> Sheet {
    let (channels, height, width) = maps.maps.dim();
    let order: Vec<usize> = order.iter().copied().filter(|&index| index < channels).collect();
    let cell = cell_size([height, width], style.cell);
    let columns =
        style.columns.unwrap_or_else(|| columns_for(order.len(), cell)).clamp(1, order.len().max(1));
    let rows = order.len().div_ceil(columns);
    let extent = |count: usize, side: usize| (count * (side + GAP)).saturating_sub(GAP);
    let used = columns.min(order.len());
    let mut sheet = Sheet {
        rgb: GAP_COLOUR.repeat(extent(used, cell[1]) * extent(rows, cell[0])),
        width: extent(used, cell[1]),
        height: extent(rows, cell[0]),
        columns,
        cell_size: cell,
        gap: GAP,
        order,
    };
    let cells: Vec<Array2<f32>> = sheet
        .order
        .par_iter()
        .map(|&index| fit(maps.maps.index_axis(ndarray::Axis(0), index), cell))
        .collect();
    let shared =
        (style.shared_contrast || height * width == 1).then(|| shared_contrast(&cells, style.colormap));
    let painted: Vec<Vec<u8>> = cells
        .par_iter()
        .map(|values| {
            let contrast = shared.unwrap_or_else(|| contrast_of(values.view(), style.colormap));
            style.colormap.render(values.view(), contrast)
        })
        .collect();
    for (k, rgb) in painted.iter().enumerate() {
        sheet.paste(k, rgb);
    }
    sheet
}

impl Sheet {
    fn paste(&mut self, k: usize, rgb: &[u8]) {
        let ([top, left], bytes) = (self.cell_origin(k), self.cell_size[1] * 3);
        for (y, row) in rgb.chunks_exact(bytes).enumerate() {
            let start = ((top + y) * self.width + left) * 3;
            self.rgb[start..start + bytes].copy_from_slice(row);
        }
    }
}

/// The number of columns that brings `count` cells closest to [`ASPECT`].
fn columns_for(count: usize, cell: [usize; 2]) -> usize {
    let distance = |columns: usize| {
        let width = columns * (cell[1] + GAP);
        let height = count.div_ceil(columns) * (cell[0] + GAP);
        (width as f64 / height as f64 / ASPECT).ln().abs()
    };
    (1..=count).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap_or(1)
}

fn contrast_of(values: ArrayView2<'_, f32>, colormap: Colormap) -> Contrast {
    match colormap {
        Colormap::Signed => Contrast::auto_signed(values),
        _ => Contrast::auto(values),
    }
}

fn shared_contrast(cells: &[Array2<f32>], colormap: Colormap) -> Contrast {
    let all: Vec<f32> = cells.iter().flat_map(|cell| cell.iter().copied()).collect();
    let all = Array2::from_shape_fn((1, all.len()), |(_, x)| all[x]);
    contrast_of(all.view(), colormap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    fn grey(cell: usize, columns: Option<usize>, shared_contrast: bool) -> SheetStyle {
        SheetStyle { colormap: Colormap::Grey, shared_contrast, cell, columns }
    }

    fn maps(shape: [usize; 3], value: impl Fn([usize; 3]) -> f32) -> FeatureMaps {
        let maps = Array3::from_shape_fn(shape, |(c, y, x)| value([c, y, x]));
        FeatureMaps { node: "n".into(), maps, scale: [1.0; 2], origin: [0.0; 2] }
    }

    fn pixel(sheet: &Sheet, y: usize, x: usize) -> [u8; 3] {
        let start = (y * sheet.width + x) * 3;
        [sheet.rgb[start], sheet.rgb[start + 1], sheet.rgb[start + 2]]
    }

    #[test]
    fn cells_stand_where_the_sheet_says() {
        let maps = maps([5, 2, 3], |[c, y, x]| if (y, x) == (0, 0) { 0.0 } else { c as f32 + 1.0 });
        let sheet = sheet(&maps, &[4, 2, 0, 9], grey(6, Some(2), false));
        assert_eq!((sheet.columns, sheet.cell_size, &sheet.order), (2, [4, 6], &vec![4, 2, 0]));
        assert_eq!((sheet.width, sheet.height), (6 + 2 + 6, 4 + 2 + 4));
        assert_eq!(sheet.rgb.len(), sheet.width * sheet.height * 3);
        for k in 0..3 {
            let [y, x] = sheet.cell_origin(k);
            assert_eq!(pixel(&sheet, y, x), [0; 3], "the dark corner of cell {k}");
            assert_eq!(pixel(&sheet, y + 3, x + 5), [255; 3]);
            assert_eq!(sheet.feature_at([y + 3, x + 5]), Some(sheet.order[k]));
        }
        assert_eq!(pixel(&sheet, 0, 6), GAP_COLOUR);
        assert_eq!(pixel(&sheet, 9, 13), GAP_COLOUR, "no fourth feature");
        for outside in [[0, 6], [4, 0], [9, 13], [0, 16], [99, 0]] {
            assert_eq!(sheet.feature_at(outside), None, "at {outside:?}");
        }
    }

    #[test]
    fn a_shared_contrast_keeps_weak_features_dark() {
        let maps = maps([2, 1, 2], |[c, _, x]| x as f32 * [1.0, 4.0][c]);
        let own = sheet(&maps, &[0, 1], grey(2, Some(2), false));
        assert_eq!((pixel(&own, 0, 1), pixel(&own, 0, 5)), ([255; 3], [255; 3]));
        let shared = sheet(&maps, &[0, 1], grey(2, Some(2), true));
        assert!((60..70).contains(&pixel(&shared, 0, 1)[0]), "a quarter of the range");
        assert_eq!(pixel(&shared, 0, 5), [255; 3]);
    }

    #[test]
    fn dense_features_are_patches_that_can_be_compared() {
        let maps = maps([3, 1, 1], |[c, _, _]| c as f32);
        let sheet = sheet(&maps, &[0, 1, 2], grey(8, Some(3), false));
        assert_eq!(sheet.cell_size, [8, 8]);
        let middle = [0, 10, 20].map(|x| pixel(&sheet, 7, x + 7)[0]);
        assert!(middle[0] == 0 && (120..135).contains(&middle[1]) && middle[2] == 255, "{middle:?}");
    }

    #[test]
    fn signed_colours_are_centred_on_zero() {
        let maps = maps([1, 1, 3], |[_, _, x]| [-1.0, 0.0, 4.0][x]);
        let style = SheetStyle { colormap: Colormap::Signed, ..grey(3, None, false) };
        let sheet = sheet(&maps, &[0], style);
        assert_eq!(pixel(&sheet, 0, 1), Colormap::Signed.rgb(0.5));
    }

    #[test]
    fn sheets_are_about_as_wide_as_a_screen() {
        // 64 squares of 96 + 2: 11 columns, 6 rows give 1.83; 10 and 7 give 1.43.
        assert_eq!(columns_for(64, [96, 96]), 11);
        assert_eq!(columns_for(1, [96, 96]), 1);
        let empty = sheet(&maps([2, 4, 4], |_| 0.0), &[], grey(8, None, false));
        assert_eq!((empty.width, empty.height, empty.rgb.len()), (0, 0, 0));
    }
}
