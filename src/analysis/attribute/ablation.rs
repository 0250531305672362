//! Channel ablation: what the answer is without each microscope channel.
use super::asked::{Places, Way};
use super::{Ablating, Frame};
use crate::analysis::{AnalysisError, IGNORE};
use crate::inspect::{ChannelEffect, Score};
use crate::monitor::Monitor;
use ndarray::{Array2, Array3, ArrayView3, Axis};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::ops::Range;

/// Pixels that are of the class by the truth, by the network, and by both.
#[derive(Debug, Clone, Copy, Default)]
struct Overlap {
    truth: u64,
    predicted: u64,
    both: u64,
}

impl Overlap {
    /// Intersection over union; `None` where the class is nowhere.
    fn iou(self) -> Option<f64> {
        let union = self.truth + self.predicted - self.both;
        (union > 0).then(|| self.both as f64 / union as f64)
    }
}

impl Frame<'_> {
    /// The class's IoU with all channels, and what each channel is worth.
    pub(super) fn ablation(
        &mut self,
        by: Ablating,
        labels: Option<&Array2<u8>>,
    ) -> Result<(Option<f64>, Vec<ChannelEffect>), AnalysisError> {
        let labels = labels.map(|labels| self.check_labels(labels)).transpose()?;
        let channels = self.image.dim().0;
        let (score, all) = self.answer(labels, &self.monitor.part(0, channels + 1))?;
        let mut effects = Vec::with_capacity(channels);
        for channel in 0..channels {
            let kept = self.image.index_axis(Axis(0), channel).to_owned();
            self.silence(channel, by);
            let without = self.answer(labels, &self.monitor.part(channel + 1, channels + 1));
            self.image.index_axis_mut(Axis(0), channel).assign(&kept);
            let (found, overlap) = without?;
            effects.push(ChannelEffect {
                channel,
                name: self.channels.get(channel).cloned().unwrap_or_default(),
                score: found,
                logit: found.logit - score.logit,
                probability: found.probability.zip(score.probability).map(|(now, then)| now - then),
                iou: overlap
                    .and_then(Overlap::iou)
                    .zip(all.and_then(Overlap::iou))
                    .map(|(now, then)| now - then),
            });
        }
        Ok((all.and_then(Overlap::iou), effects))
    }

    /// The truth must have a class for every pixel that the network sees.
    fn check_labels<'b>(&self, labels: &'b Array2<u8>) -> Result<&'b Array2<u8>, AnalysisError> {
        if let Places::Answer = self.asked.places {
            let what = "This network gives one answer for the image, which no mask can be held against";
            return Err(AnalysisError::Mismatch(what.to_owned()));
        }
        let picture = (self.micrograph.height(), self.micrograph.width());
        if labels.dim() == picture {
            return Ok(labels);
        }
        Err(AnalysisError::Mismatch(format!(
            "The mask has {} × {} px, and the image {} × {}",
            labels.ncols(),
            labels.nrows(),
            picture.1,
            picture.0
        )))
    }

    fn silence(&mut self, channel: usize, by: Ablating) {
        let mut plane = self.image.index_axis_mut(Axis(0), channel);
        match by {
            Ablating::Mean => {
                let sum: f64 = plane.iter().map(|&value| f64::from(value)).sum();
                let mean = (sum / plane.len().max(1) as f64) as f32;
                plane.fill(mean);
            }
            Ablating::Shuffled { seed } => {
                let mut values: Vec<f32> = plane.iter().copied().collect();
                values.shuffle(&mut StdRng::seed_from_u64(seed.wrapping_add(channel as u64)));
                plane.iter_mut().zip(values).for_each(|(pixel, value)| *pixel = value);
            }
        }
    }

    /// The score; and where the truth is known, how the class's pixels of the whole image agree with it.
    fn answer(
        &self,
        labels: Option<&Array2<u8>>,
        monitor: &Monitor,
    ) -> Result<(Score, Option<Overlap>), AnalysisError> {
        let Some(labels) = labels else { return Ok((self.asked.score(&self.image, monitor)?, None)) };
        let all = self.asked.size.map(|length| 0..length);
        let (mut logit, mut probability, mut overlap) = (0.0, 0.0, Overlap::default());
        let shares = self.asked.shares(all, Way::There)?;
        for (index, share) in shares.iter().enumerate() {
            let scores: Array3<f32> =
                self.asked.scores(self.image.view(), share, &monitor.part(index, shares.len()))?;
            let (part, likely) = self.asked.sums(scores.view(), &share.core);
            (logit, probability) = (logit + part, probability + likely);
            self.compare(scores.view(), &share.core, labels, &mut overlap);
        }
        Ok((self.asked.score_of(logit, probability), Some(overlap)))
    }

    fn compare(
        &self,
        scores: ArrayView3<'_, f32>,
        core: &[Range<usize>; 2],
        labels: &Array2<u8>,
        overlap: &mut Overlap,
    ) {
        for (y, rows) in scores.axis_iter(Axis(1)).enumerate() {
            for (x, values) in rows.axis_iter(Axis(1)).enumerate() {
                let best = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                // Of equal ones the first, as everywhere.
                let predicted = values.iter().position(|&value| value == best) == Some(self.asked.class);
                let label = labels.get((core[0].start + y, core[1].start + x));
                let Some(&label) = label.filter(|label| **label != IGNORE) else { continue };
                let truth = usize::from(label) == self.asked.class;
                overlap.truth += u64::from(truth);
                overlap.predicted += u64::from(predicted);
                overlap.both += u64::from(truth && predicted);
            }
        }
    }
}
