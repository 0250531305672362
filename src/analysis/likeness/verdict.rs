//! From distances to a verdict.
use super::look::ImageLook;
use super::neighbours::nearest_distance;
use super::space::distance_in;
use super::{GREY_NAMES, INPUT};
use crate::network::{FeatureSpace, Model, Neighbours, TrainingStatistics};
use serde::Serialize;

/// A pixel size is unusual where it lies beyond the training's range by more than this factor.
const BEYOND: f64 = 1.25;
/// Spreads from the mean from which on a single number is named.
const FAR: f64 = 3.0;

/// One image against a model's training images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Likeness {
    pub model: String,
    /// How many training images it is compared with.
    pub images: usize,
    /// Nothing below is unusual.
    pub similar: bool,
    /// One sentence a finding, the verdict first.
    pub words: Vec<String>,
    /// `None` where one of the two sides does not know its pixel size, or the image is resampled anyway.
    pub pixel: Option<PixelMatch>,
    pub spaces: Vec<SpaceLikeness>,
}

/// The image's pixels against those that the network learned from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PixelMatch {
    pub nm: f64,
    /// The smallest and the largest it learned from.
    pub trained_nm: [f64; 2],
    /// The image's over the nearer end of the range; 1 inside.
    pub ratio: f64,
    pub unusual: bool,
    /// What to resample to: the nearer end of the range.
    pub target_nm: f64,
}

/// The image in one space of numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpaceLikeness {
    /// A node, or `input`.
    pub of: String,
    /// From all training images together, Mahalanobis'; about 1 is usual.
    pub distance: f64,
    /// Share of the training images that are nearer to the others.
    pub percentile: f64,
    /// From which distance on an image is unusual.
    pub limit: f64,
    /// By this distance or by that to the nearest training images.
    pub unusual: bool,
    /// Of the input: the numbers that lie far outside.
    pub outside: Vec<Outside>,
    /// `None` where the model's file does not hold its training images.
    pub nearest: Option<NearestImages>,
}

/// The image against the nearest of the training images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NearestImages {
    /// Which of the nearest the distance is that to: 3 is the third.
    pub nearest: usize,
    /// Root mean square of the numbers' differences, in units of their spreads.
    pub distance: f64,
    /// Share of the training images that are nearer to theirs.
    pub percentile: f64,
    /// From which distance on an image is unusual.
    pub limit: f64,
    /// The distance over its limit: above 1 is unusual.
    pub ratio: f64,
    pub unusual: bool,
}

/// One number that lies over three spreads from the training images' mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outside {
    pub name: String,
    pub value: f64,
    pub mean: f64,
    /// Standard deviations from the mean.
    pub spreads: f64,
}

impl Likeness {
    /// Judges what was seen of an image.
    #[must_use]
    pub fn of(look: &ImageLook, model: &Model, training: &TrainingStatistics) -> Self {
        let spaces: Vec<SpaceLikeness> =
            training.spaces.iter().map(|space| SpaceLikeness::of(space, &numbers(space, look))).collect();
        let range = training.pixel_nm.or(model.card.pixel_size_nm.map(|nm| [nm, nm]));
        // What is resampled to one size has lost its pixel size.
        let range = range.filter(|_| model.card.resampled_to().is_none());
        let pixel = look.pixel_nm.zip(range).map(|(nm, range)| PixelMatch::of(nm, range));
        let similar =
            !spaces.iter().any(|space| space.unusual) && !pixel.as_ref().is_some_and(|pixel| pixel.unusual);
        let mut found = Self {
            model: model.card.name.clone(),
            images: training.images,
            similar,
            words: Vec::new(),
            pixel,
            spaces,
        };
        found.words = found.sentences();
        found
    }
}

impl PixelMatch {
    fn of(nm: f64, [low, high]: [f64; 2]) -> Self {
        let nearest = nm.clamp(low, high);
        let ratio = nm / nearest;
        // Four digits: a size that a person can type, within what counts as the same.
        let target_nm = format!("{nearest:.3e}").parse().unwrap_or(nearest);
        let unusual = !(1.0 / BEYOND..=BEYOND).contains(&ratio);
        Self { nm, trained_nm: [low, high], ratio, unusual, target_nm }
    }
}

impl SpaceLikeness {
    fn of(space: &FeatureSpace, numbers: &[f64]) -> Self {
        let distance = distance_in(space, numbers);
        let percentile = share_nearer(&space.distances, distance);
        let limit = limit(&space.distances);
        let nearest = space.neighbours.as_ref().map(|held| NearestImages::of(space, held, numbers));
        let unusual = beyond(distance, limit) || nearest.as_ref().is_some_and(|nearest| nearest.unusual);
        let triples = space.names.iter().zip(numbers).zip(space.mean.iter().zip(&space.spread));
        let outside = triples.filter_map(|((name, &value), (&mean, &spread))| {
            let (mean, spreads) = (f64::from(mean), (value - f64::from(mean)) / f64::from(spread));
            (unusual && (spreads.is_nan() || spreads.abs() > FAR)).then(|| Outside {
                name: name.clone(),
                value,
                mean,
                spreads,
            })
        });
        let outside = outside.collect();
        Self { of: space.of.clone(), distance, percentile, limit, unusual, outside, nearest }
    }
}

impl NearestImages {
    fn of(space: &FeatureSpace, held: &Neighbours, numbers: &[f64]) -> Self {
        let distance = nearest_distance(space, held, numbers);
        // A network is fitted to its training images: in its features they lie nearer to each other than a new one of
        // their kind does to them.
        let limit = if space.of == INPUT { limit(&held.distances) } else { wide_limit(&held.distances) };
        let percentile = share_nearer(&held.distances, distance);
        let unusual = beyond(distance, limit);
        Self {
            nearest: held.nearest,
            distance,
            percentile,
            limit,
            ratio: distance / limit.max(1e-12),
            unusual,
        }
    }
}

/// The numbers of an image in a space: its features, or the grey levels and texture by the names that the space was made
/// with, for files of before have fewer.
fn numbers(space: &FeatureSpace, look: &ImageLook) -> Vec<f64> {
    if space.of != INPUT {
        return look.features.clone();
    }
    let named = |name: &String| GREY_NAMES.iter().position(|known| known == name);
    let number = |name| named(name).and_then(|place| look.grey.get(place)).copied().unwrap_or(f64::NAN);
    space.names.iter().map(number).collect()
}

/// Share of the training images whose distance is smaller.
fn share_nearer(distances: &[f32], distance: f64) -> f64 {
    let nearer = distances.iter().filter(|other| f64::from(**other) < distance).count();
    nearer as f64 / distances.len().max(1) as f64
}

/// A distance that is no number is far.
pub(super) fn beyond(distance: f64, limit: f64) -> bool {
    distance.is_nan() || distance > limit
}

/// So many distances say by themselves what is beyond 99 % of them.
const ENOUGH: usize = 100;

/// From which distance on an image is unusual: beyond 99 % of the training images. Fewer than [`ENOUGH`] do not say where
/// that is; of them it is the [`wide_limit`]. With many images that would miss more damaged and foreign ones and spare
/// hardly a false alarm (`benches/LIKENESS.md`).
fn limit(distances: &[f32]) -> f64 {
    if distances.len() >= ENOUGH { beyond_99_percent(distances) } else { wide_limit(distances) }
}

/// Beyond 99 % of the training images, and beyond three standard deviations of the logarithms of their distances, too.
fn wide_limit(distances: &[f32]) -> f64 {
    let logs: Vec<f64> = distances.iter().map(|&distance| f64::from(distance).max(1e-6).ln()).collect();
    let count = logs.len().max(1) as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    beyond_99_percent(distances).max((mean + 3.0 * variance.sqrt()).exp())
}

fn beyond_99_percent(distances: &[f32]) -> f64 {
    let place = ((distances.len() as f64 * 0.99).ceil() as usize).clamp(1, distances.len().max(1)) - 1;
    distances.get(place).map_or(0.0, |&distance| f64::from(distance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::segmenter;

    fn space(of: &str, names: &[&str]) -> FeatureSpace {
        let numbers = names.len().max(2);
        FeatureSpace {
            of: of.to_owned(),
            names: names.iter().map(ToString::to_string).collect(),
            mean: vec![0.5; numbers],
            spread: vec![0.1; numbers],
            axes: Vec::new(),
            variances: Vec::new(),
            rest: 1.0,
            distances: vec![0.8, 0.9, 1.0, 1.1],
            neighbours: None,
        }
    }

    /// Mean and roughness at 1 px among all the numbers of [`GREY_NAMES`].
    fn look([mean, roughness]: [f64; 2], features: [f64; 2], pixel_nm: Option<f64>) -> ImageLook {
        let mut grey = vec![0.0; GREY_NAMES.len()];
        (grey[0], grey[3]) = (mean, roughness);
        ImageLook { grey, features: features.to_vec(), pixel_nm }
    }

    fn judged(grey: [f64; 2], features: [f64; 2], pixel_nm: Option<f64>) -> Likeness {
        let spaces = vec![space(INPUT, &["mean", "roughness at 1 px"]), space("mid.relu2", &[])];
        let training = TrainingStatistics { images: 4, pixel_nm: Some([2.0, 5.0]), spaces };
        Likeness::of(&look(grey, features, pixel_nm), &segmenter(1, None), &training)
    }

    #[test]
    fn an_image_near_no_training_image_is_unusual_though_the_gaussian_takes_it_in() {
        let mut features = space("mid.relu2", &[]);
        let points = vec![vec![-1.0, -1.0], vec![-1.0, -1.1], vec![1.0, 1.0], vec![1.0, 1.1]];
        features.neighbours = Some(Neighbours { nearest: 1, points, distances: vec![0.05; 4] });
        let training = TrainingStatistics { images: 4, pixel_nm: None, spaces: vec![features] };
        let judge = |features| Likeness::of(&look([0.0; 2], features, None), &segmenter(1, None), &training);
        // z is (0, 0): 0 from the mean, 1 from the two nearest images.
        let found = judge([0.5, 0.5]);
        let near = found.spaces[0].nearest.clone().unwrap();
        assert!((near.distance - 1.0).abs() < 1e-6 && (near.ratio - 20.0).abs() < 1e-4, "{near:?}");
        assert!(!found.similar && near.unusual && found.spaces[0].unusual && found.spaces[0].distance < 1e-6);
        let words = "Unusual in what the network sees at mid.relu2: 1.00 from the nearest training image, 20.00 times \
                     the limit of 0.05";
        assert_eq!(found.words, [words]);
        // z is (1, 1.04): 0.04 / √2 from an image.
        let found = judge([0.6, 0.604]);
        assert!(found.similar, "{found:?}");
        assert!(
            found.words[0].ends_with("; from the nearest of them 0.57 times the limit"),
            "{:?}",
            found.words
        );
    }

    #[test]
    fn an_image_like_the_others_is_similar() {
        let found = judged([0.5, 0.6], [0.5, 0.5], Some(5.5));
        // z is (0, 1): the distance is √(1/2), nearer than all.
        assert!((found.spaces[0].distance - 0.5_f64.sqrt()).abs() < 1e-6);
        assert_eq!((found.similar, found.spaces[0].percentile), (true, 0.0));
        assert_eq!(
            found.words,
            ["Similar to the 4 training images: distance 0.00, farther than 0 % of them"]
        );
        assert_eq!(found.badge(), "like the training images");
    }

    #[test]
    fn what_is_unusual_is_named() {
        let found = judged([0.5, 1.0], [0.5, 0.5], Some(12.0));
        assert!(!found.similar && !found.spaces[1].unusual);
        assert_eq!(
            found.words[0],
            "Unusual in pixel size: 12 nm is 2.4 times the largest of the training images (2 to 5 nm); \
             resample to 5 nm"
        );
        assert!(
            found.words[1].starts_with(
                "Unusual in grey levels or texture: roughness at 1 px 10 (training 3.16, +5.0 spreads)"
            ),
            "{}",
            found.words[1]
        );
        assert_eq!(found.badge(), "unusual pixel size");
        let found = judged([0.5, 0.5], [0.5, 2.0], Some(0.5));
        assert!(
            found.words[0].contains("0.5 nm is 4.0 times smaller than the smallest"),
            "{:?}",
            found.words
        );
        assert!(found.words[1].starts_with("Unusual in what the network sees at mid.relu2"));
        let found = judged([f64::NAN, 0.5], [0.5, 0.5], None);
        assert!(found.pixel.is_none() && found.spaces[0].unusual);
    }

    #[test]
    fn the_limit_follows_the_training_images() {
        // Logs of 1 and e²: mean 1, standard deviation √2; e^(1 + 3√2).
        let found = limit(&[1.0, 2.0_f32.exp()]);
        assert!((found - (1.0 + 3.0 * 2.0_f64.sqrt()).exp()).abs() < 1e-3, "{found}");
        assert!((limit(&[2.0, 2.0, 2.0]) - 2.0).abs() < 1e-6);
        // Of many, the 99th of a hundred, however far three deviations would reach.
        let many: Vec<f32> = (1..=100).map(|place| place as f32 / 50.0).collect();
        assert!((limit(&many) - 1.98).abs() < 1e-6);
        assert!(limit(&many[..99]) > 5.0 && wide_limit(&many) > 5.0);
    }
}
