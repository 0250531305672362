//! The places of a node's features in a few groups: k-means (Lloyd 1982) begun by k-means++ (Arthur and Vassilvitskii
//! 2007).
//!
//! Each place is a point with one coordinate a feature, as it is, neither centred nor standardised. Groups are found on
//! evenly spread places when there are many, and then every place goes to the nearest.
use super::FeatureMaps;
use crate::monitor::{Cancelled, Monitor};
use ndarray::{Array2, ArrayView1, ArrayView3, Axis};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use rayon::prelude::*;

/// Places at most that groups are found on.
const SAMPLE: usize = 1 << 15;
/// How often it is begun anew; the tightest groups are taken.
const BEGINNINGS: usize = 5;
const MOST_ROUNDS: usize = 100;
/// Places whose sums are taken together.
const TOGETHER: usize = 1024;

/// Groups of places that look alike to a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    pub node: String,
    /// Which group each place belongs to, `[y, x]`; group 0 has the most places.
    pub labels: Array2<u16>,
    /// Mean of each feature over the places that a group was found on, `[group, feature]`.
    pub means: Array2<f32>,
    /// Share of the places in each group.
    pub shares: Vec<f64>,
    /// As the maps' own.
    pub scale: [f64; 2],
    pub origin: [f64; 2],
}

impl Clusters {
    /// How many groups there may be: as many as there are colours that can be told apart.
    pub const MOST: usize = 10;

    /// The colour of a group.
    #[must_use]
    pub fn colour(group: usize) -> [u8; 3] {
        let colour = colorous::TABLEAU10[group % Self::MOST];
        [colour.r, colour.g, colour.b]
    }
}

/// At most `count` groups (2 to [`Clusters::MOST`]); fewer where fewer places differ. What is not finite counts as 0. The
/// same maps, count and seed give the same groups.
pub fn clusters(
    maps: &FeatureMaps,
    count: usize,
    seed: u64,
    monitor: &Monitor,
) -> Result<Clusters, Cancelled> {
    monitor.stage(&format!("Grouping the places of {}", maps.node));
    let count = count.clamp(2, Clusters::MOST);
    let (_, height, width) = maps.maps.dim();
    let step = ((height * width) as f64 / SAMPLE as f64).sqrt().ceil().max(1.0) as usize;
    let sample = points(maps.maps.view(), step);
    let mut best: Option<Groups> = None;
    for beginning in 0..BEGINNINGS {
        let part = monitor.part(beginning, BEGINNINGS + 1);
        let mut random =
            Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(64).wrapping_add(beginning as u64));
        let found = Groups::settle(&sample, begin(&sample, count, &mut random), &part)?;
        if best.as_ref().is_none_or(|best| found.apart < best.apart) {
            best = Some(found);
        }
    }
    let means = best.map_or_else(|| Array2::zeros((0, maps.maps.dim().0)), |best| best.means);
    let mut labels = Array2::zeros((height, width));
    for (y, mut line) in labels.axis_iter_mut(Axis(0)).enumerate() {
        monitor.part(BEGINNINGS, BEGINNINGS + 1).progress(y, height)?;
        let row = points(maps.maps.slice(ndarray::s![.., y..y + 1, ..]), 1);
        let nearest: Vec<u16> =
            (0..width).into_par_iter().map(|x| nearest(row.row(x), &means).0 as u16).collect();
        line.iter_mut().zip(nearest).for_each(|(to, from)| *to = from);
    }
    monitor.progress(1, 1)?;
    Ok(ranked(maps, labels, &means))
}

/// Groups by falling size.
fn ranked(maps: &FeatureMaps, labels: Array2<u16>, means: &Array2<f32>) -> Clusters {
    let mut counts = vec![0_usize; means.nrows()];
    labels.iter().for_each(|&label| {
        if let Some(count) = counts.get_mut(usize::from(label)) {
            *count += 1;
        }
    });
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&group| std::cmp::Reverse(counts[group]));
    let mut rank = vec![0_u16; counts.len()];
    for (place, &group) in (0_u16..).zip(&order) {
        rank[group] = place;
    }
    let all = labels.len().max(1) as f64;
    Clusters {
        node: maps.node.clone(),
        labels: labels.mapv(|label| rank.get(usize::from(label)).copied().unwrap_or(0)),
        means: means.select(Axis(0), &order),
        shares: order.iter().map(|&group| counts[group] as f64 / all).collect(),
        scale: maps.scale,
        origin: maps.origin,
    }
}

/// Every `step`th place along each axis, `[place, feature]`.
fn points(maps: ArrayView3<'_, f32>, step: usize) -> Array2<f32> {
    let (features, height, width) = maps.dim();
    let (rows, columns) = (height.div_ceil(step), width.div_ceil(step));
    let mut points = Array2::zeros((rows * columns, features));
    let lines: Vec<_> = points.axis_iter_mut(Axis(0)).collect();
    lines.into_par_iter().enumerate().for_each(|(place, mut point)| {
        let (y, x) = (place / columns * step, place % columns * step);
        for (feature, value) in point.iter_mut().enumerate() {
            let own = maps[[feature, y, x]];
            *value = if own.is_finite() { own } else { 0.0 };
        }
    });
    points
}

/// Places to begin with: each next one is drawn by its squared distance from those before.
fn begin(points: &Array2<f32>, count: usize, random: &mut Xoshiro256PlusPlus) -> Array2<f32> {
    let mut unit = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut chosen = Vec::new();
    if points.nrows() > 0 {
        chosen.push(((unit() * points.nrows() as f64) as usize).min(points.nrows() - 1));
    }
    let mut far = vec![f64::INFINITY; points.nrows()];
    while chosen.len() < count {
        let Some(&last) = chosen.last() else { break };
        let last = points.row(last);
        far.par_iter_mut().enumerate().for_each(|(place, far)| {
            *far = far.min(f64::from(distance(points.row(place), last)));
        });
        let total: f64 = far.iter().sum();
        // All places are where a chosen one is.
        if total <= 0.0 || !total.is_finite() {
            break;
        }
        let mut left = unit() * total;
        let drawn = far.iter().position(|far| {
            left -= far;
            left < 0.0 && *far > 0.0
        });
        chosen.push(drawn.or_else(|| far.iter().rposition(|far| *far > 0.0)).unwrap_or(0));
    }
    points.select(Axis(0), &chosen)
}

/// Groups that were found.
struct Groups {
    means: Array2<f32>,
    /// Sum of squared distances of the places from their groups' means.
    apart: f64,
}

impl Groups {
    /// Every place goes to the nearest mean, means move to the middle of their places, until nothing changes.
    fn settle(points: &Array2<f32>, mut means: Array2<f32>, monitor: &Monitor) -> Result<Self, Cancelled> {
        let mut before: Vec<u16> = Vec::new();
        let mut apart = 0.0;
        for round in 0..MOST_ROUNDS {
            monitor.progress(round, MOST_ROUNDS)?;
            let found: Vec<(usize, f32)> =
                (0..points.nrows()).into_par_iter().map(|place| nearest(points.row(place), &means)).collect();
            apart = found.iter().map(|(_, far)| f64::from(*far)).sum();
            let groups: Vec<u16> = found.into_iter().map(|(group, _)| group as u16).collect();
            if groups == before {
                break;
            }
            means = moved(points, &groups, means);
            before = groups;
        }
        Ok(Self { means, apart })
    }
}

/// Means of the places of each group; a group that lost all keeps its own. Sums are taken in a fixed order.
fn moved(points: &Array2<f32>, groups: &[u16], before: Array2<f32>) -> Array2<f32> {
    let size = before.dim();
    let pieces: Vec<_> = points.axis_chunks_iter(Axis(0), TOGETHER).zip(groups.chunks(TOGETHER)).collect();
    let sums: Vec<(Array2<f64>, Vec<f64>)> = pieces
        .into_par_iter()
        .map(|(points, groups)| {
            let (mut sums, mut counts) = (Array2::<f64>::zeros(size), vec![0.0; size.0]);
            for (point, &group) in points.rows().into_iter().zip(groups) {
                counts[usize::from(group)] += 1.0;
                sums.row_mut(usize::from(group)).zip_mut_with(&point, |sum, &value| *sum += f64::from(value));
            }
            (sums, counts)
        })
        .collect();
    let (mut total, mut counts) = (Array2::<f64>::zeros(size), vec![0.0; size.0]);
    for (sums, some) in &sums {
        total += sums;
        counts.iter_mut().zip(some).for_each(|(count, some)| *count += some);
    }
    let mut means = before;
    for ((mut mean, sum), count) in means.rows_mut().into_iter().zip(total.rows()).zip(counts) {
        if count > 0.0 {
            mean.zip_mut_with(&sum, |mean, sum| *mean = (sum / count) as f32);
        }
    }
    means
}

/// The nearest of some means (the first of equals) and its squared distance.
fn nearest(point: ArrayView1<'_, f32>, means: &Array2<f32>) -> (usize, f32) {
    let mut best = (0, f32::INFINITY);
    for (group, mean) in means.rows().into_iter().enumerate() {
        let far = distance(point, mean);
        if far < best.1 {
            best = (group, far);
        }
    }
    best
}

/// Squared.
fn distance(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f32 {
    let square = |a: f32, b: f32| (a - b) * (a - b);
    match (a.to_slice(), b.to_slice()) {
        (Some(a), Some(b)) => {
            let mut lanes = [0.0_f32; 8];
            for (a, b) in a.chunks(8).zip(b.chunks(8)) {
                lanes.iter_mut().zip(a).zip(b).for_each(|((lane, a), b)| *lane += square(*a, *b));
            }
            lanes.iter().sum()
        }
        _ => a.iter().zip(b).map(|(a, b)| square(*a, *b)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::reference;
    use super::*;
    use ndarray::Array3;

    fn of(maps: Array3<f32>, count: usize, seed: u64) -> Clusters {
        let maps = FeatureMaps { node: "n".into(), maps, scale: [1.0; 2], origin: [0.0; 2] };
        clusters(&maps, count, seed, &Monitor::silent()).unwrap()
    }

    #[test]
    fn groups_are_scikit_learn_s_whatever_the_seed() {
        let reference = reference();
        let maps = reference.maps("blobs");
        let expected = reference.plane("labels").mapv(|label| label as u16);
        for seed in 0..4 {
            let found = of(maps.clone(), 3, seed);
            assert_eq!(found.labels, expected, "seed {seed}");
            let apart: f64 = expected
                .indexed_iter()
                .map(|((y, x), &group)| {
                    let mean = found.means.row(usize::from(group)).to_owned();
                    (0..4).map(|c| f64::from(maps[[c, y, x]] - mean[c]).powi(2)).sum::<f64>()
                })
                .sum();
            let theirs = f64::from(reference.values("inertia")[0]);
            assert!((apart - theirs).abs() < 1e-3 * theirs, "{apart} instead of {theirs}");
        }
    }

    #[test]
    fn the_largest_group_is_the_first_and_the_same_seed_gives_the_same() {
        let maps = Array3::from_shape_fn((2, 4, 8), |(c, _, x)| if x < 3 { 9.0 - c as f32 } else { 0.0 });
        let found = of(maps.clone(), 2, 5);
        assert_eq!((found.labels[[0, 0]], found.labels[[3, 7]]), (1, 0));
        assert_eq!(found.shares, [0.625, 0.375]);
        assert_eq!(found.means.row(1).to_vec(), [9.0, 8.0]);
        assert_eq!(found, of(maps, 2, 5));
    }

    #[test]
    fn many_places_are_grouped_by_a_sample_of_them() {
        let side = 400;
        assert!(side * side > SAMPLE);
        let maps = Array3::from_shape_fn((1, side, side), |(_, y, x)| if x > y { 5.0 } else { 1.0 });
        let found = of(maps, 2, 1);
        assert_eq!(found.means.iter().copied().collect::<Vec<_>>(), [1.0, 5.0]);
        assert_eq!(found.labels[[0, 1]], 1);
        assert!((found.shares[0] - 0.50125).abs() < 1e-9, "{:?}", found.shares);
    }

    #[test]
    fn where_nothing_differs_there_is_one_group() {
        let found = of(Array3::from_elem((3, 2, 2), 4.0), 5, 1);
        assert_eq!((found.shares.as_slice(), found.means.dim()), (&[1.0][..], (1, 3)));
        let undefined = of(Array3::from_elem((3, 2, 2), f32::NAN), 2, 1);
        assert_eq!(undefined.means.row(0).to_vec(), [0.0; 3]);
    }
}
