//! How a file's own axes map onto (frame, channel, y, x).

/// The stored axes of a series, by tifffile's letters: `T` time or page, `Z` depth, `C` channel, `E` energy, `S` sample
/// of a colour, `Y`, `X`; any other letter is an unnamed series of planes. Axes of length 1 are left out, but for Y and X.
///
/// All axes but C, E, S, Y and X run along our frames: unnamed ones outermost, then T, then Z innermost. Our channel is
/// `(c · energies + e) · samples + s`. A file without Y, or without Y and X, holds a line or one pixel: a spectrum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axes {
    letters: String,
    shape: Vec<usize>,
    frames: usize,
    channels: usize,
}

impl Axes {
    /// Letters and lengths in the file's order, slowest first; where there are Y and X, they are neighbours.
    pub(super) fn new(letters: &str, shape: &[usize]) -> Self {
        let spectrum = !letters.contains('X');
        let kept = || {
            let pairs = letters.chars().zip(shape.iter().copied());
            pairs.filter(move |&(l, n)| n != 1 || l == 'Y' || l == 'X' || (spectrum && l == 'E'))
        };
        let product = |wanted: fn(char) -> bool| kept().filter(|&(l, _)| wanted(l)).map(|(_, n)| n).product();
        Self {
            letters: kept().map(|(l, _)| l).collect(),
            shape: kept().map(|(_, n)| n).collect(),
            frames: product(is_frame),
            channels: product(|l| !is_frame(l) && l != 'Y' && l != 'X'),
        }
    }

    pub(super) fn letters(&self) -> &str {
        &self.letters
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Values stored side by side in a pixel: the lengths of what is behind `X`.
    pub(super) fn interleaved(&self) -> usize {
        self.shape[self.outer()..].iter().zip(self.letters.chars().skip(self.outer())).fold(
            1,
            |n, (&length, l)| {
                if l == 'Y' || l == 'X' { n } else { n * length }
            },
        )
    }

    /// Length of the axis `letter`; 1 when the file has none.
    pub(super) fn length(&self, letter: char) -> usize {
        self.letters.chars().position(|l| l == letter).map_or(1, |at| self.shape[at])
    }

    /// (frame, first channel) of every picture `[y, x]` or `[y, x, sample]` in the order the file stores them.
    pub(super) fn stored_order(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let outer: Vec<(char, usize)> =
            self.letters.chars().zip(self.shape.iter().copied()).take(self.outer()).collect();
        let count = outer.iter().map(|&(_, n)| n).product();
        (0..count).map(move |position| self.place(&outer, position))
    }

    /// Number of axes before `Y` and `X`; before the energies of a spectrum without either.
    fn outer(&self) -> usize {
        let pixel = self.letters.chars().position(|l| l == 'Y' || l == 'X');
        pixel.or_else(|| self.letters.chars().position(|l| l == 'E')).unwrap_or(self.letters.len())
    }

    /// (frame, channel) of a position along the outer axes.
    fn place(&self, outer: &[(char, usize)], mut position: usize) -> (usize, usize) {
        let mut at = vec![0; outer.len()];
        for (index, &(_, length)) in at.iter_mut().zip(outer).rev() {
            *index = position % length;
            position /= length;
        }
        let mut frame_axes: Vec<usize> = (0..outer.len()).filter(|&i| is_frame(outer[i].0)).collect();
        // A stable sort keeps the file's order among unnamed axes.
        frame_axes.sort_by_key(|&i| match outer[i].0 {
            'T' => 1,
            'Z' => 2,
            _ => 0,
        });
        let frame = frame_axes.into_iter().fold(0, |frame, i| frame * outer[i].1 + at[i]);
        let index_of = |letter| outer.iter().position(|&(l, _)| l == letter).map_or(0, |i| at[i]);
        let channel = "CES".chars().fold(0, |channel, l| channel * self.length(l) + index_of(l));
        (frame, channel)
    }
}

/// True of axes that run along our frames.
pub(super) fn is_frame(letter: char) -> bool {
    !matches!(letter, 'C' | 'E' | 'S' | 'Y' | 'X')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_of_length_one_are_left_out() {
        let axes = Axes::new("TZCYXS", &[1, 5, 1, 1, 1, 1]);
        assert_eq!((axes.letters(), axes.shape()), ("ZYX", &[5, 1, 1][..]));
        assert_eq!((axes.frames(), axes.channels(), axes.interleaved()), (5, 1, 1));
    }

    #[test]
    fn time_is_outside_of_depth_on_the_frame_axis_whatever_the_file_does() {
        // Stored z outermost, then channel, then time.
        let axes = Axes::new("ZCTYX", &[2, 2, 3, 4, 4]);
        let order: Vec<_> = axes.stored_order().collect();
        let expected = [0, 2, 4, 0, 2, 4, 1, 3, 5, 1, 3, 5].into_iter().zip([0, 0, 0, 1, 1, 1].repeat(2));
        assert_eq!(order, expected.collect::<Vec<_>>());
        assert_eq!((axes.frames(), axes.channels()), (6, 2));
    }

    #[test]
    fn colour_samples_run_inside_of_channels() {
        let planar = Axes::new("CSYX", &[2, 3, 4, 4]);
        assert_eq!(planar.stored_order().map(|p| p.1).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        let interleaved = Axes::new("CYXS", &[2, 4, 4, 3]);
        assert_eq!(interleaved.stored_order().map(|p| p.1).collect::<Vec<_>>(), [0, 3]);
        assert_eq!((interleaved.channels(), interleaved.interleaved()), (6, 3));
    }

    #[test]
    fn spectra_have_their_energies_for_channels_with_or_without_pixels() {
        let image = Axes::new("YXE", &[3, 4, 5]);
        assert_eq!((image.frames(), image.channels(), image.interleaved()), (1, 5, 5));
        assert_eq!(image.stored_order().collect::<Vec<_>>(), [(0, 0)]);
        let slowest = Axes::new("EYX", &[2, 3, 4]);
        assert_eq!(slowest.stored_order().collect::<Vec<_>>(), [(0, 0), (0, 1)]);
        for (letters, shape) in [("E", &[7][..]), ("XE", &[4, 7]), ("X", &[7])] {
            let axes = Axes::new(letters, shape);
            assert_eq!((axes.letters(), axes.shape(), axes.frames()), (letters, shape, 1));
            let energies = if letters == "X" { 1 } else { 7 };
            assert_eq!((axes.channels(), axes.interleaved()), (energies, energies), "{letters}");
        }
        assert_eq!(Axes::new("ZE", &[2, 7]).stored_order().collect::<Vec<_>>(), [(0, 0), (1, 0)]);
    }
}
