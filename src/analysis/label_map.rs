//! Integer classes per pixel.
use ndarray::{Array2, ArrayView2};

/// Where labels of a person say nothing of a pixel, among classes in bytes.
pub const IGNORE: u8 = 255;

/// Class of every pixel `[y, x]`; 0 is the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap(pub Array2<u16>);

impl LabelMap {
    #[must_use]
    pub fn height(&self) -> usize {
        self.0.nrows()
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.0.ncols()
    }

    /// Pixels of each class below `classes`; larger labels are not counted.
    #[must_use]
    pub fn counts(&self, classes: usize) -> Vec<u64> {
        count_classes(self.0.view(), classes)
    }
}

/// Pixels of each class below `classes`.
pub(super) fn count_classes(labels: ArrayView2<'_, u16>, classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for &label in labels {
        if let Some(count) = counts.get_mut(usize::from(label)) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn pixels_are_counted_per_class() {
        let labels = LabelMap(array![[0, 1, 1], [3, 0, 9]]);
        assert_eq!((labels.height(), labels.width()), (2, 3));
        assert_eq!(labels.counts(4), [2, 2, 0, 1]);
    }
}
