//! Which axes of a dataset are rows, columns, frames and channels.

use super::super::axes::Axes;
use super::super::raw::Stored;
use super::array::Array;

/// Axes as a micrograph has them, slowest first, each with the dataset's axis that it is; colours are inside of the
/// elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    axes: Vec<(char, Option<usize>)>,
}

/// Letters for axes without a name of their own.
const UNNAMED: [char; 8] = ['Q', 'P', 'O', 'N', 'M', 'L', 'K', 'J'];

impl View {
    /// Letters with the dataset's axis each; what the dataset has beyond them becomes an unnamed axis before them.
    pub(super) fn new(letters: &[(char, usize)], array: &Array) -> Self {
        let left = (0..array.shape.len()).filter(|d| letters.iter().all(|(_, known)| known != d));
        let unnamed = left.enumerate().map(|(i, d)| (unnamed(i), Some(d)));
        let named = letters.iter().map(|&(letter, d)| (letter, Some(d)));
        let mut axes: Vec<_> = unnamed.chain(named).collect();
        match array.element.stored {
            Stored::Complex(_) => axes.insert(0, ('C', None)),
            Stored::Real(_) if array.element.parts > 1 => axes.push(('S', None)),
            Stored::Real(_) => {}
        }
        Self { axes }
    }

    /// The last two axes are rows and columns, those before them unnamed; a list is one row.
    pub(super) fn plain(array: &Array) -> Self {
        let n = array.shape.len();
        let letters: Vec<_> = if n == 1 { vec![('X', 0)] } else { vec![('Y', n - 2), ('X', n - 1)] };
        Self::new(&letters, array)
    }

    /// The axes for a [`super::super::micrograph::About`].
    pub(super) fn layout(&self, array: &Array) -> Axes {
        let letters: String = self.axes.iter().map(|(letter, _)| letter).collect();
        let lengths: Vec<usize> = self.axes.iter().map(|axis| length(array, axis)).collect();
        Axes::new(&letters, &lengths)
    }

    /// The dataset's axis of a letter.
    pub(super) fn axis(&self, letter: char) -> Option<usize> {
        self.axes.iter().find(|axis| axis.0 == letter)?.1
    }

    /// Where a plane begins: the position along each axis of the dataset, and the part of the element.
    pub(super) fn start(&self, array: &Array, frame: usize, channel: usize) -> (Vec<usize>, usize) {
        let mut at = vec![0; array.shape.len()];
        let mut part = 0;
        let mut spread = |axes: &[&(char, Option<usize>)], mut position: usize| {
            for axis in axes.iter().rev() {
                let length = length(array, axis);
                match axis.1 {
                    Some(d) => at[d] = position % length,
                    None => part = position % length,
                }
                position /= length;
            }
        };
        spread(&self.frame_axes(), frame);
        spread(&self.channel_axes(), channel);
        (at, part)
    }

    /// As [`Axes`] orders them: unnamed, T, Z.
    fn frame_axes(&self) -> Vec<&(char, Option<usize>)> {
        let mut axes: Vec<_> =
            self.axes.iter().filter(|a| !matches!(a.0, 'C' | 'E' | 'S' | 'Y' | 'X')).collect();
        axes.sort_by_key(|axis| match axis.0 {
            'T' => 1,
            'Z' => 2,
            _ => 0,
        });
        axes
    }

    fn channel_axes(&self) -> Vec<&(char, Option<usize>)> {
        "CES".chars().filter_map(|letter| self.axes.iter().find(|axis| axis.0 == letter)).collect()
    }
}

/// The letter of the unnamed axis number `i`.
pub(super) fn unnamed(i: usize) -> char {
    UNNAMED[i.min(UNNAMED.len() - 1)]
}

fn length(array: &Array, axis: &(char, Option<usize>)) -> usize {
    match axis.1 {
        Some(d) => array.shape[d],
        None if axis.0 == 'S' => array.element.parts,
        None => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::SampleType;
    use super::super::super::bytes::Order;
    use super::super::array::Place;
    use super::super::element::Element;
    use super::*;

    fn array(shape: &[usize]) -> Array {
        let element = Element { stored: Stored::Real(SampleType::U8), order: Order::Little, parts: 1 };
        Array { path: "data".into(), shape: shape.to_vec(), element, place: Place::Never }
    }

    #[test]
    fn frames_may_be_the_last_axis_of_the_dataset() {
        let array = array(&[4, 5, 3]);
        let view = View::new(&[('T', 2), ('Y', 0), ('X', 1)], &array);
        let axes = view.layout(&array);
        assert_eq!((axes.letters(), axes.shape(), axes.frames()), ("TYX", &[3, 4, 5][..], 3));
        assert_eq!(view.start(&array, 2, 0), (vec![0, 0, 2], 0));
    }

    #[test]
    fn axes_that_nobody_names_run_outermost() {
        let array = array(&[2, 3, 4, 5, 6]);
        let view = View::new(&[('Y', 2), ('X', 3), ('E', 4)], &array);
        assert_eq!(view.layout(&array).letters(), "QPYXE");
        assert_eq!(view.start(&array, 5, 2), (vec![1, 2, 0, 0, 2], 0));
    }

    #[test]
    fn colours_are_in_the_element() {
        let mut array = array(&[4, 5]);
        array.element.parts = 3;
        let view = View::plain(&array);
        assert_eq!(view.layout(&array).letters(), "YXS");
        assert_eq!(view.start(&array, 0, 2), (vec![0, 0], 2));
    }
}
