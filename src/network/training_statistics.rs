//! What a model's training images were like: what a new image is compared with.

use super::NetworkError;
use serde::{Deserialize, Serialize};

/// Most images that a space may hold as points. Training keeps far fewer; more than this no verdict should wait for.
const MOST_POINTS: usize = 4096;

/// Of the images that a model was trained on, as they go into the network and as one of its nodes sees them.
///
/// Each space is a Gaussian over numbers that every image gives: one mean, and as covariance a few axes along which the
/// images differ most and one variance for all that is left (probabilistic PCA, Tipping & Bishop 1999). The distance of
/// a new image is Mahalanobis' in it, as Lee et al. 2018 ("A simple unified framework for detecting out-of-distribution
/// samples and adversarial attacks") tell unusual images by their pooled features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingStatistics {
    /// How many images were looked at.
    pub images: usize,
    /// The smallest and the largest pixel the network learned from, in nm, with the magnification of the augmentation;
    /// `None` where no image had a pixel size.
    #[serde(default)]
    pub pixel_nm: Option<[f64; 2]>,
    pub spaces: Vec<FeatureSpace>,
}

/// A Gaussian over the numbers that an image gives at one place of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpace {
    /// The node whose features' means over the image the numbers are; `input`: grey levels and texture of what goes in.
    pub of: String,
    /// What each number is called; empty where they are a node's features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Of each number over the images.
    pub mean: Vec<f32>,
    /// Standard deviation of each number over the images, never 0: the unit that distances are measured in.
    pub spread: Vec<f32>,
    /// Directions of unit length, the most important first, of numbers in units of their spread.
    pub axes: Vec<Vec<f32>>,
    /// Of the images along each axis.
    pub variances: Vec<f32>,
    /// Along every other direction.
    pub rest: f32,
    /// How far each image is from the others, from near to far: the scale of a new image's distance. The space that an
    /// image is measured in was made without its file.
    pub distances: Vec<f32>,
    /// The images themselves; `None` in files of before they were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
}

/// The training images as points of a space: a Gaussian over unlike images is wide and takes in what lies between them,
/// the nearest of the images themselves do not (Sun et al. 2022, "Out-of-distribution detection with deep nearest
/// neighbors").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    /// Which of the nearest points the distance is that to: the first, the second…
    pub nearest: usize,
    /// One an image: its numbers less their mean, in units of their spread, to two decimals.
    pub points: Vec<Vec<f32>>,
    /// How far each image is from its `nearest`-th nearest of other files, from near to far: the scale of a new image's
    /// distance.
    pub distances: Vec<f32>,
}

impl TrainingStatistics {
    /// Checks that the numbers fit together.
    ///
    /// # Errors
    /// [`NetworkError::Card`] for the first that does not.
    pub fn check(&self) -> Result<(), NetworkError> {
        let wrong = |what: String| Err(NetworkError::Card(what));
        if let Some([low, high]) = self.pixel_nm
            && !(low > 0.0 && low <= high && high.is_finite())
        {
            return wrong(format!("The training statistics name the pixel sizes {low} to {high} nm"));
        }
        for space in &self.spaces {
            let points = space.neighbours.as_ref().map_or(0, |neighbours| neighbours.points.len());
            if points > MOST_POINTS {
                let of = &space.of;
                return wrong(format!(
                    "The training statistics of {of} hold {points} images, more than {MOST_POINTS}"
                ));
            }
            if !space.is_sound() {
                return wrong(format!("The training statistics of {} do not fit together", space.of));
            }
        }
        Ok(())
    }
}

impl FeatureSpace {
    fn is_sound(&self) -> bool {
        let count = self.mean.len();
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let positive = |values: &[f32]| values.iter().all(|value| value.is_finite() && *value > 0.0);
        count > 0
            && (self.names.is_empty() || self.names.len() == count)
            && self.spread.len() == count
            && self.axes.len() == self.variances.len()
            && self.axes.iter().all(|axis| axis.len() == count && finite(axis))
            && finite(&self.mean)
            && positive(&self.spread)
            && positive(&self.variances)
            && positive(&[self.rest])
            && is_scale(&self.distances)
            && self.neighbours.as_ref().is_none_or(|neighbours| neighbours.is_sound(count))
    }
}

impl Neighbours {
    /// Of images with so many numbers each.
    fn is_sound(&self, count: usize) -> bool {
        let finite = |point: &Vec<f32>| point.len() == count && point.iter().all(|value| value.is_finite());
        (1..=self.points.len()).contains(&self.nearest)
            && self.points.iter().all(finite)
            && is_scale(&self.distances)
            && self.distances.len() <= self.points.len()
            && self.distances.first().is_some_and(|nearest| *nearest >= 0.0)
    }
}

/// Distances from near to far, of one image at least.
fn is_scale(distances: &[f32]) -> bool {
    !distances.is_empty() && distances.iter().all(|distance| distance.is_finite()) && distances.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(space: &mut FeatureSpace) -> &mut Neighbours {
        space.neighbours.as_mut().unwrap()
    }

    #[test]
    fn numbers_that_do_not_fit_together_are_refused() {
        let space = FeatureSpace {
            of: "input".into(),
            names: vec!["mean".into(), "skewness".into()],
            mean: vec![0.5, 0.0],
            spread: vec![0.1, 1.0],
            axes: vec![vec![0.6, 0.8]],
            variances: vec![1.5],
            rest: 0.5,
            distances: vec![0.7, 1.2],
            neighbours: Some(Neighbours {
                nearest: 1,
                points: vec![vec![0.5, -0.5], vec![1.5, 0.25]],
                distances: vec![0.9, 0.9],
            }),
        };
        let statistics = |change: &dyn Fn(&mut FeatureSpace)| {
            let mut space = space.clone();
            change(&mut space);
            TrainingStatistics { images: 2, pixel_nm: Some([1.0, 2.0]), spaces: vec![space] }
        };
        statistics(&|_| ()).check().unwrap();
        let changes: [&dyn Fn(&mut FeatureSpace); 14] = [
            &|s| s.spread[1] = 0.0,
            &|s| s.mean[0] = f32::NAN,
            &|s| s.axes[0].truncate(1),
            &|s| s.rest = -1.0,
            &|s| s.distances.reverse(),
            &|s| s.names.truncate(1),
            &|s| near(s).nearest = 0,
            &|s| near(s).nearest = 3,
            &|s| near(s).points.clear(),
            &|s| near(s).points[1][0] = f32::NAN,
            &|s| near(s).points[0].truncate(1),
            &|s| near(s).distances.clear(),
            &|s| near(s).distances.insert(0, -1.0),
            &|s| near(s).distances.push(f32::INFINITY),
        ];
        for change in changes {
            let message = statistics(change).check().unwrap_err().to_string();
            assert_eq!(message, "The training statistics of input do not fit together");
        }
        let crowd = statistics(&|s| near(s).points = vec![vec![0.0; 2]; MOST_POINTS + 1]);
        let message = crowd.check().unwrap_err().to_string();
        assert_eq!(message, "The training statistics of input hold 4097 images, more than 4096");
        let backwards = TrainingStatistics { pixel_nm: Some([2.0, 1.0]), ..statistics(&|_| ()) };
        assert!(backwards.check().unwrap_err().to_string().contains("2 to 1 nm"));
    }

    #[test]
    fn statistics_of_before_images_were_kept_are_read() {
        let old = r#"{"images": 2, "spaces": [{"of": "input", "mean": [0.5], "spread": [1], "axes": [], "variances": [],
            "rest": 1, "distances": [0.5, 2]}]}"#;
        let found: TrainingStatistics = serde_json::from_str(old).unwrap();
        found.check().unwrap();
        assert!(found.spaces[0].neighbours.is_none());
        assert!(!serde_json::to_string(&found).unwrap().contains("neighbours"));
    }
}
