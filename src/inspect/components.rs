//! The features of a node in one picture: their principal components (Pearson 1901; Hotelling 1933).
//!
//! Each place is a point with one coordinate a feature. Features are centred and not standardised: one that hardly varies
//! hardly counts, as it hardly counts for the next layer. The first three directions in which the places differ most are
//! red, green and blue.
use super::FeatureMaps;
use super::eigen::largest;
use super::statistics;
use crate::imaging::Contrast;
use crate::monitor::{Cancelled, Monitor};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Array3, Axis, s};
use rayon::prelude::*;

/// Numbers of a block of places.
const BLOCK: usize = 1 << 19;
/// Rows of the covariance that are computed together.
const ROWS: usize = 32;

/// Principal components of a node's features.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    pub node: String,
    /// How far each place lies along each component, `[component, y, x]`: at most three.
    pub scores: Array3<f32>,
    /// Weight of each feature, `[component, feature]`; a component's weights are of unit length, and the largest of them
    /// (the first of equals) is positive, so that the same maps give the same colours.
    pub weights: Array2<f64>,
    /// Share of the features' whole variance that lies along each component.
    pub shares: Vec<f64>,
    /// Between which scores a colour runs from dark to bright, one a component.
    pub contrasts: Vec<Contrast>,
    /// As the maps' own.
    pub scale: [f64; 2],
    pub origin: [f64; 2],
}

impl Components {
    /// How many there are at most.
    pub const MOST: usize = 3;

    /// RGB bytes `[y][x][3]`: a component each for red, green and blue; one alone is grey.
    #[must_use]
    pub fn rgb(&self) -> Vec<u8> {
        let (count, height, width) = self.scores.dim();
        let mut rgb = vec![0; height * width * 3];
        for part in 0..3 {
            let component = if count == 1 { 0 } else { part };
            let Some(contrast) = self.contrasts.get(component) else { continue };
            let scores = self.scores.index_axis(Axis(0), component);
            for (pixel, &score) in rgb.chunks_exact_mut(3).zip(scores.iter()) {
                pixel[part] = (contrast.unit(score) * 255.0).round() as u8;
            }
        }
        rgb
    }
}

/// The first principal components of a node's features over all places. What is not finite counts as the feature's mean.
pub fn components(maps: &FeatureMaps, monitor: &Monitor) -> Result<Components, Cancelled> {
    monitor.stage(&format!("Principal components of {}", maps.node));
    let (_, height, width) = maps.maps.dim();
    let standard = maps.maps.as_standard_layout();
    let planes: Vec<&[f32]> =
        standard.as_slice().unwrap_or_default().chunks_exact((height * width).max(1)).collect();
    let means: Vec<f64> = statistics(maps).iter().map(|statistics| f64::from(statistics.mean)).collect();
    let centred = Centred { planes, means };
    let covariance = centred.covariance(height * width, &monitor.part(0, 2))?;
    let total: f64 = covariance.diag().sum();
    let (values, mut weights) = largest(&covariance, Components::MOST, monitor)?;
    for mut row in weights.rows_mut() {
        let largest = row
            .iter()
            .copied()
            .fold(0.0_f64, |most, weight| if weight.abs() > most.abs() { weight } else { most });
        if largest < 0.0 {
            row.mapv_inplace(|weight| -weight);
        }
    }
    let scores = centred.scores(&weights, height * width, &monitor.part(1, 2))?;
    let scores = Array3::from_shape_vec((weights.nrows(), height, width), scores).unwrap_or_default();
    let share = |value: &f64| if total > 0.0 { (value / total).clamp(0.0, 1.0) } else { 0.0 };
    let shares = values.iter().map(share).collect();
    let contrasts = scores.axis_iter(Axis(0)).map(Contrast::auto).collect();
    let (node, scale, origin) = (maps.node.clone(), maps.scale, maps.origin);
    Ok(Components { node, scores, weights, shares, contrasts, scale, origin })
}

/// Features about their means.
struct Centred<'a> {
    planes: Vec<&'a [f32]>,
    means: Vec<f64>,
}

impl Centred<'_> {
    /// Some places, `[feature, place]`.
    fn block(&self, places: std::ops::Range<usize>) -> Array2<f64> {
        let mut block = Array2::zeros((self.planes.len(), places.len()));
        let rows: Vec<_> = block.axis_iter_mut(Axis(0)).collect();
        rows.into_par_iter().zip(&self.planes).zip(&self.means).for_each(|((mut row, plane), mean)| {
            for (to, &from) in row.iter_mut().zip(&plane[places.clone()]) {
                *to = if from.is_finite() { f64::from(from) - mean } else { 0.0 };
            }
        });
        block
    }

    /// Sums of products of each pair of features. Blocks are added one after another, and rows share nothing, so that
    /// threads change no bit.
    fn covariance(&self, places: usize, monitor: &Monitor) -> Result<Array2<f64>, Cancelled> {
        let features = self.planes.len();
        let mut sums = Array2::zeros((features, features));
        for start in (0..places).step_by(self.step()) {
            monitor.progress(start, places)?;
            let block = self.block(start..(start + self.step()).min(places));
            let rows: Vec<_> = sums.axis_chunks_iter_mut(Axis(0), ROWS).collect();
            rows.into_par_iter().enumerate().for_each(|(index, mut rows)| {
                // The half above the diagonal says all.
                let first = index * ROWS;
                let (some, later) =
                    (block.slice(s![first..first + rows.nrows(), ..]), block.slice(s![first.., ..]));
                general_mat_mul(1.0, &some, &later.t(), 1.0, &mut rows.slice_mut(s![.., first..]));
            });
        }
        for row in 0..features {
            for column in 0..row {
                sums[[row, column]] = sums[[column, row]];
            }
        }
        Ok(sums)
    }

    /// `[component, place]`, one after another.
    fn scores(&self, weights: &Array2<f64>, places: usize, monitor: &Monitor) -> Result<Vec<f32>, Cancelled> {
        let mut scores = vec![0.0; weights.nrows() * places];
        for start in (0..places).step_by(self.step()) {
            monitor.progress(start, places)?;
            let block = weights.dot(&self.block(start..(start + self.step()).min(places)));
            for (component, row) in block.rows().into_iter().enumerate() {
                let to = &mut scores[component * places + start..][..row.len()];
                to.iter_mut().zip(row).for_each(|(to, from)| *to = *from as f32);
            }
        }
        monitor.progress(1, 1)?;
        Ok(scores)
    }

    fn step(&self) -> usize {
        (BLOCK / self.planes.len().max(1)).max(64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::{close, reference};
    use super::*;

    fn of(maps: Array3<f32>) -> Components {
        let maps = FeatureMaps { node: "n".into(), maps, scale: [2.0; 2], origin: [1.0; 2] };
        components(&maps, &Monitor::silent()).unwrap()
    }

    fn as_f32(values: impl IntoIterator<Item = f64>) -> Vec<f32> {
        values.into_iter().map(|value| value as f32).collect()
    }

    #[test]
    fn components_are_scikit_learn_s() {
        let reference = reference();
        let found = of(reference.maps("maps").slice(s![..5, .., ..]).to_owned());
        assert_eq!((found.scores.dim(), found.scale, found.origin), ((3, 9, 7), [2.0; 2], [1.0; 2]));
        close(&as_f32(found.weights), &reference.values("components"), 1e-5);
        close(&as_f32(found.shares), &reference.values("shares"), 1e-6);
        close(&found.scores.into_raw_vec_and_offset().0, &reference.values("scores"), 1e-4);
        // More features than the small solver takes, and more than places.
        let wide = of(reference.maps("wide"));
        close(&as_f32(wide.weights), &reference.values("wide:components"), 1e-4);
        close(&as_f32(wide.shares), &reference.values("wide:shares"), 1e-6);
    }

    #[test]
    fn memory_order_and_blocks_change_nothing() {
        let value = |(c, y, x): (usize, usize, usize)| ((c * 37 + y * 11 + x * 5) % 23) as f32;
        let maps = Array3::from_shape_fn((3, 700, 400), value);
        let turned =
            Array3::from_shape_fn((700, 400, 3), |(y, x, c)| value((c, y, x))).permuted_axes([2, 0, 1]);
        assert!(!turned.is_standard_layout() && maps.len() > BLOCK);
        assert_eq!(of(maps), of(turned));
    }

    #[test]
    fn few_features_give_few_components_and_dead_ones_none() {
        let one = of(Array3::from_shape_fn((1, 2, 2), |(_, y, x)| (y * 2 + x) as f32));
        assert_eq!((one.shares.as_slice(), one.weights[[0, 0]]), (&[1.0][..], 1.0));
        assert_eq!(one.rgb(), [[0; 3], [85; 3], [170; 3], [255; 3]].concat());
        assert_eq!(one.scores.into_raw_vec_and_offset().0, [-1.5, -0.5, 0.5, 1.5]);
        let dead = of(Array3::from_elem((4, 2, 2), 7.0));
        assert_eq!(dead.shares, [0.0; 3]);
        assert!(dead.scores.iter().all(|score| *score == 0.0));
        let undefined = of(Array3::from_elem((2, 1, 2), f32::NAN));
        assert!(undefined.scores.iter().all(|score| *score == 0.0));
    }
}
