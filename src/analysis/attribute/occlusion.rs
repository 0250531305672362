//! Occlusion: what the score loses where a square of the image is covered.
use super::asked::Way;
use super::{Filling, Frame};
use crate::analysis::{AnalysisError, memory};
use crate::inspect::{AttributionMap, Summary};
use crate::monitor::Monitor;
use ndarray::{Array3, Axis, s};
use std::ops::Range;

/// Most squares; each is a run of the network.
const MOST: usize = 1 << 20;

impl Frame<'_> {
    /// Falls of the logit and of the probability's mean, one value a square: squares begin every `stride` px, and those at
    /// the right and lower border are cut off there.
    pub(super) fn occlusion(
        &mut self,
        [patch, stride]: [usize; 2],
        fill: Filling,
    ) -> Result<AttributionMap, AnalysisError> {
        let size = self.asked.size;
        let [rows, columns] = size.map(|length| length.div_ceil(stride));
        if rows.saturating_mul(columns) > MOST {
            let what = format!("{rows} × {columns} squares would take for ever: choose a larger stride");
            return Err(AnalysisError::Place(what));
        }
        let fills = self.fills(fill);
        let before = self.scores_before()?;
        let mut falls = Array3::zeros((2, rows, columns));
        let (rest, count) = (self.rest(), rows * columns);
        for index in 0..count {
            rest.progress(index, count)?;
            let place = [index / columns, index % columns];
            let covered =
                [0, 1].map(|axis| place[axis] * stride..(place[axis] * stride + patch).min(size[axis]));
            let fall = self.fall(&covered, (&fills, &before), &rest.part(index, count))?;
            for (plane, fall) in fall.into_iter().enumerate() {
                falls[[plane, place[0], place[1]]] = fall as f32;
            }
        }
        let scale = self.scale();
        // A value stands for the stride-wide square in the middle of what was covered.
        let origin = scale.map(|scale| (patch as f64 - stride as f64) / 2.0 * scale);
        let names = vec!["logit".to_owned(), "probability".to_owned()];
        let scale = scale.map(|scale| scale * stride as f64);
        Ok(AttributionMap { names, values: falls, origin, scale, summary: Summary::First, smooth: false })
    }

    /// What the channels show where they are covered.
    fn fills(&self, fill: Filling) -> Vec<f32> {
        let of = |plane: ndarray::ArrayView2<'_, f32>| match fill {
            Filling::Zero => 0.0,
            Filling::Mean => {
                let sum: f64 = plane.iter().map(|&value| f64::from(value)).sum();
                (sum / plane.len().max(1) as f64) as f32
            }
        };
        self.image.axis_iter(Axis(0)).map(of).collect()
    }

    /// All classes' scores where they are asked for, `[class, y, x]` from the bounds on.
    fn scores_before(&self) -> Result<Array3<f32>, AnalysisError> {
        let bounds = self.asked.bounds();
        let shares = self.asked.shares(bounds.clone(), Way::There)?;
        let mut all: Option<Array3<f32>> = None;
        for share in &shares {
            let scores = self.asked.scores(self.image.view(), share, &self.monitor.part(0, 50))?;
            let shape = [scores.dim().0, bounds[0].len(), bounds[1].len()];
            if all.is_none() {
                memory::check_free("Keeping the scores before", memory::f32_bytes(shape))?;
            }
            let [rows, columns] = within(&share.core, &bounds);
            let all = all.get_or_insert_with(|| Array3::zeros(shape));
            all.slice_mut(s![.., rows, columns]).assign(&scores);
        }
        Ok(all.unwrap_or_default())
    }

    /// Falls of logit and mean probability with some rows and columns of the image covered. Only what sees them is run.
    fn fall(
        &mut self,
        covered: &[Range<usize>; 2],
        (fills, before): (&[f32], &Array3<f32>),
        monitor: &Monitor,
    ) -> Result<[f64; 2], AnalysisError> {
        let bounds = self.asked.bounds();
        let seen = [0, 1].map(|axis| match self.asked.field {
            None => bounds[axis].clone(),
            Some(field) => {
                let (start, size) = (field.start[axis], field.size[axis]);
                let first = (covered[axis].start as f64 - start - size).floor().max(0.0) as usize;
                let end = (covered[axis].end as f64 - start).ceil().max(0.0) as usize;
                // The mirror image beyond the border changes with what it mirrors.
                let end = if end >= self.asked.size[axis] { self.asked.size[axis] } else { end };
                first.max(bounds[axis].start)..end.min(bounds[axis].end)
            }
        });
        if seen.iter().any(Range::is_empty) {
            return Ok([0.0; 2]);
        }
        let [rows, columns] = covered.clone();
        let kept = self.image.slice(s![.., rows.clone(), columns.clone()]).to_owned();
        for (mut plane, fill) in self.image.axis_iter_mut(Axis(0)).zip(fills) {
            plane.slice_mut(s![rows.clone(), columns.clone()]).fill(*fill);
        }
        let after = self.lost_over(seen, before, monitor);
        self.image.slice_mut(s![.., rows, columns]).assign(&kept);
        let [logit, probability] = after?;
        Ok([logit, probability / self.asked.count().max(1) as f64])
    }

    /// What the sums of logits and probabilities lost against those before.
    fn lost_over(
        &self,
        seen: [Range<usize>; 2],
        before: &Array3<f32>,
        monitor: &Monitor,
    ) -> Result<[f64; 2], AnalysisError> {
        let (shares, bounds) = (self.asked.shares(seen, Way::There)?, self.asked.bounds());
        let [mut logit, mut probability] = [0.0; 2];
        for (index, share) in shares.iter().enumerate() {
            let scores = self.asked.scores(self.image.view(), share, &monitor.part(index, shares.len()))?;
            let [rows, columns] = within(&share.core, &bounds);
            let old = self.asked.sums(before.slice(s![.., rows, columns]), &share.core);
            let new = self.asked.sums(scores.view(), &share.core);
            (logit, probability) = (logit + old.0 - new.0, probability + old.1 - new.1);
        }
        Ok([logit, probability])
    }
}

/// Rows and columns counted from the bounds on.
fn within(core: &[Range<usize>; 2], bounds: &[Range<usize>; 2]) -> [Range<usize>; 2] {
    [0, 1].map(|axis| core[axis].start - bounds[axis].start..core[axis].end - bounds[axis].start)
}
