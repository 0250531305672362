//! The histogram of a plane as it is stored, without a copy of all its values.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rayon::prelude::*;

use super::{Histogram, Plane};
use crate::monitor::{Cancelled, Monitor};

/// Rows that are turned into numbers at a time.
const BAND: usize = 128;

/// Every value of some rows counted once, as [`Histogram::of`] counts them.
pub fn plane_histogram(
    plane: &Plane,
    rows: Range<usize>,
    bins: usize,
    monitor: &Monitor,
) -> Result<Histogram, Cancelled> {
    let bins = bins.max(1);
    let rows = rows.start..rows.end.min(plane.height());
    let bands: Vec<_> = rows.clone().step_by(BAND).map(|top| top..(top + BAND).min(rows.end)).collect();
    let (steps, done) = (2 * bands.len(), AtomicUsize::new(0));
    let values = |band: &Range<usize>| {
        monitor.progress(done.fetch_add(1, Relaxed), steps)?;
        Ok::<_, Cancelled>(plane.part(band.clone(), 0..plane.width()))
    };
    let nothing = || (f32::INFINITY, f32::NEG_INFINITY);
    let (min, max) = bands
        .par_iter()
        .map(|band| {
            let finite = |(min, max): (f32, f32), &v: &f32| {
                if v.is_finite() { (min.min(v), max.max(v)) } else { (min, max) }
            };
            Ok(values(band)?.iter().fold(nothing(), finite))
        })
        .try_reduce(nothing, |a, b| Ok((a.0.min(b.0), a.1.max(b.1))))?;
    let (min, max) = if min <= max { (min, max) } else { (0.0, 0.0) };
    let (from, width) = (f64::from(min), f64::from(max) - f64::from(min));
    let scale = if width > 0.0 { bins as f64 / width } else { 0.0 };
    let empty = || Histogram { min, max, counts: vec![0; bins], not_finite: 0 };
    let counted = |band: &Range<usize>| {
        let mut histogram = empty();
        for &value in &values(band)? {
            if value.is_finite() {
                let bin = ((f64::from(value) - from) * scale) as usize;
                histogram.counts[bin.min(bins - 1)] += 1;
            } else {
                histogram.not_finite += 1;
            }
        }
        Ok(histogram)
    };
    bands.par_iter().map(counted).try_reduce(empty, |mut all, band| {
        all.counts.iter_mut().zip(band.counts).for_each(|(sum, count)| *sum += count);
        all.not_finite += band.not_finite;
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_plane_is_counted_as_its_values_are() {
        let mut values = Array2::from_shape_fn((300, 7), |(y, x)| ((y * 31 + x * 17) % 97) as f32 / 3.0);
        values[[200, 3]] = f32::NAN;
        values[[0, 0]] = f32::INFINITY;
        let plane = Plane::from_f32(values.clone());
        let counted = plane_histogram(&plane, 0..300, 16, &Monitor::silent()).unwrap();
        assert_eq!(counted, Histogram::of(values.view(), 16));
        let above = plane_histogram(&plane, 0..200, 16, &Monitor::silent()).unwrap();
        assert_eq!(above, Histogram::of(values.slice(ndarray::s![..200, ..]), 16));
        let none = plane_histogram(&plane, 5..5, 4, &Monitor::silent()).unwrap();
        assert_eq!((none.min, none.max, none.counts), (0.0, 0.0, vec![0; 4]));
    }

    #[test]
    fn counting_stops_when_it_is_not_wanted() {
        let (watch, monitor) = Monitor::watched();
        watch.cancel();
        let plane = Plane::from_u8(Array2::zeros((4, 4)));
        assert_eq!(plane_histogram(&plane, 0..4, 4, &monitor), Err(Cancelled));
    }
}
