//! The images a convolution reads: one tensor, or several joined along their channels without a copy.

/// Images `[batch, channel, y, x]` in one or more pieces, which follow each other along the channels.
#[derive(Debug, Clone)]
pub(super) struct Planes<'a> {
    /// Values of all images, and how many channels each has.
    parts: Vec<(&'a [f32], usize)>,
    /// Pixels of a plane.
    pixels: usize,
}

impl<'a> Planes<'a> {
    /// Several tensors of the same batch and size; each with its number of channels.
    pub(super) fn joined(parts: Vec<(&'a [f32], usize)>, pixels: usize) -> Self {
        Self { parts, pixels }
    }

    pub(super) fn one(values: &'a [f32], channels: usize, pixels: usize) -> Self {
        Self::joined(vec![(values, channels)], pixels)
    }

    /// One channel of one image; channels are counted over all groups and parts.
    pub(super) fn plane(&self, image: usize, channel: usize) -> &'a [f32] {
        let mut channel = channel;
        for &(values, channels) in &self.parts {
            if channel < channels {
                return &values[(image * channels + channel) * self.pixels..][..self.pixels];
            }
            channel -= channels;
        }
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_counted_through_all_parts() {
        let (a, b): (Vec<f32>, Vec<f32>) = ((0..8).map(|i| i as f32).collect(), vec![10.0, 11.0, 20.0, 21.0]);
        // Two images: two channels of two pixels in the first part, one in the second.
        let planes = Planes::joined(vec![(&a, 2), (&b, 1)], 2);
        assert_eq!(planes.plane(0, 1), [2.0, 3.0]);
        assert_eq!(planes.plane(0, 2), [10.0, 11.0]);
        assert_eq!(planes.plane(1, 0), [4.0, 5.0]);
        assert_eq!(planes.plane(1, 2), [20.0, 21.0]);
    }
}
