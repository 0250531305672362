//! What is worked out of a plane while it is on the screen already: smaller copies of it, the count of every pixel, and
//! the frame's other channels.

use super::apply::Answer;
use super::showing::{BINS, SAMPLED};
use super::{JobKind, Session, Shown, ShownLayer};
use crate::imaging::{Histogram, Micrograph, Plane, Pyramid, plane_histogram};
use crate::monitor::{Cancelled, Monitor};
use std::sync::Arc;

/// The other channels are kept beside the shown one while they take at most this many bytes together.
const BESIDE: usize = 256 << 20;

/// What became known of a plane.
pub(super) struct ReducedPlane {
    /// [`Shown::key`] of the plane.
    key: u64,
    pyramid: Option<Arc<Pyramid>>,
    /// Of the composite's channels, by channel.
    layers: Vec<(usize, Arc<Pyramid>)>,
    histogram: Option<Histogram>,
    others: Vec<(usize, Arc<Plane>)>,
}

impl Session {
    /// Begins the work where there is any.
    pub(super) fn reduce(&mut self) {
        let (Some(shown), Some(opened)) = (self.shown.clone(), self.current_opened()) else { return };
        let micrograph = opened.micrograph.clone();
        let Shown { key, pyramid, layers, frame, channel, specimen_rows, .. } = shown;
        let beside = has_room_beside(&micrograph);
        let worth =
            pyramid.is_worth_building() || layers.iter().any(|layer| layer.pyramid.is_worth_building());
        if !beside && !worth {
            return;
        }
        self.jobs.start(JobKind::Reduce, move |monitor| {
            let others = if beside { others(&micrograph, [frame, channel], monitor) } else { Vec::new() };
            monitor.check()?;
            let plane = pyramid.plane();
            let large = plane.height() * plane.width() > SAMPLED;
            let built = built(&pyramid, &monitor.part(0, 2))?;
            let layers = built_layers(&layers, (channel, built.as_ref()), monitor)?;
            let counted = || plane_histogram(plane, 0..specimen_rows, BINS, &monitor.part(1, 2));
            let histogram = large.then(counted).transpose()?;
            Ok(Answer::Reduced(ReducedPlane { key, pyramid: built, layers, histogram, others }))
        });
    }

    pub(super) fn take_reduced(&mut self, reduced: ReducedPlane) {
        let ReducedPlane { key, pyramid, layers, histogram, others } = reduced;
        let Some(shown) = self.shown.as_mut().filter(|shown| shown.key == key) else { return };
        shown.others = Arc::new(others);
        if let Some(pyramid) = pyramid {
            tracing::debug!("reduced copies take {} kB", pyramid.bytes() / 1000);
            shown.pyramid = pyramid;
        }
        for (channel, pyramid) in layers {
            if let Some(layer) = shown.layers.iter_mut().find(|layer| layer.channel == channel) {
                layer.pyramid = pyramid;
            }
        }
        if let Some(histogram) = histogram {
            shown.histogram = Arc::new(histogram);
        }
    }
}

/// The same with its smaller copies; `None` where they are there or not worth it.
fn built(pyramid: &Pyramid, monitor: &Monitor) -> Result<Option<Arc<Pyramid>>, Cancelled> {
    let plane = || Arc::clone(pyramid.plane());
    let build = || Pyramid::build(plane(), monitor).map(Arc::new);
    pyramid.is_worth_building().then(build).transpose()
}

/// Those of the composite's channels that were worth it; the shown channel's copies are `shown`'s.
fn built_layers(
    layers: &[ShownLayer],
    (shown, copies): (usize, Option<&Arc<Pyramid>>),
    monitor: &Monitor,
) -> Result<Vec<(usize, Arc<Pyramid>)>, Cancelled> {
    let mut found = Vec::new();
    for layer in layers {
        let pyramid = if layer.channel == shown { copies.cloned() } else { built(&layer.pyramid, monitor)? };
        found.extend(pyramid.map(|pyramid| (layer.channel, pyramid)));
    }
    Ok(found)
}

/// Whether the channels of a frame are few enough to be kept beside each other. Energies never are.
fn has_room_beside(micrograph: &Micrograph) -> bool {
    let plane = micrograph.width() * micrograph.height() * micrograph.sample_type().bytes();
    let channels = micrograph.channels();
    channels > 1 && !micrograph.is_spectral() && plane.saturating_mul(channels) <= BESIDE
}

/// The channels of a frame but the shown one. One that cannot be read is said to the person when it is shown.
fn others(
    micrograph: &Micrograph,
    [frame, channel]: [usize; 2],
    monitor: &Monitor,
) -> Vec<(usize, Arc<Plane>)> {
    let wanted = (0..micrograph.channels()).filter(|other| *other != channel);
    let readable = wanted.take_while(|_| monitor.check().is_ok());
    readable.filter_map(|other| Some((other, micrograph.plane(frame, other).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::testing::{session, texts};

    #[test]
    fn a_large_plane_gets_its_smaller_copies_and_every_pixel_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.png");
        image::GrayImage::from_fn(2600, 1700, |x, y| image::Luma([(x / 13 + y / 17) as u8]))
            .save(&path)
            .unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![path]));
        assert_eq!(session.messages, [], "{:?}", texts(&session));
        let shown = session.shown.unwrap();
        assert!(shown.pyramid.is_built());
        assert_eq!(shown.histogram.counts.iter().sum::<u64>(), 2600 * 1700);
        // A block of 4 × 4 px within one step of the pattern.
        assert_eq!(shown.pyramid.tile(2, [0, 1], [1, 1])[[0, 0]], 0.0);
    }

    #[test]
    fn the_channels_of_a_colour_picture_are_there_together() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("colour.png");
        image::RgbImage::from_fn(5, 4, |x, y| image::Rgb([x as u8, y as u8, 7])).save(&path).unwrap();
        let mut session = session();
        session.apply(Command::Open(vec![path]));
        let shown = session.shown.unwrap();
        let values: Vec<_> = (0..3).map(|c| shown.plane_of(c).unwrap().value(3, 2)).collect();
        assert_eq!(values, [2.0, 3.0, 7.0]);
        assert!(shown.plane_of(3).is_none());
        assert!(!shown.pyramid.is_built(), "small enough as it is");
    }
}
