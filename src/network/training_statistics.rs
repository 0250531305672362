//! What a model's training images were like: what a new image is compared with.

use super::NetworkError;
use serde::{Deserialize, Serialize};

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
        match self.spaces.iter().find(|space| !space.is_sound()) {
            Some(space) => wrong(format!("The training statistics of {} do not fit together", space.of)),
            None => Ok(()),
        }
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
            && !self.distances.is_empty()
            && finite(&self.distances)
            && self.distances.is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        };
        let statistics = |change: &dyn Fn(&mut FeatureSpace)| {
            let mut space = space.clone();
            change(&mut space);
            TrainingStatistics { images: 2, pixel_nm: Some([1.0, 2.0]), spaces: vec![space] }
        };
        statistics(&|_| ()).check().unwrap();
        let changes: [&dyn Fn(&mut FeatureSpace); 6] = [
            &|s| s.spread[1] = 0.0,
            &|s| s.mean[0] = f32::NAN,
            &|s| s.axes[0].truncate(1),
            &|s| s.rest = -1.0,
            &|s| s.distances.reverse(),
            &|s| s.names.truncate(1),
        ];
        for change in changes {
            let message = statistics(change).check().unwrap_err().to_string();
            assert_eq!(message, "The training statistics of input do not fit together");
        }
        let backwards = TrainingStatistics { pixel_nm: Some([2.0, 1.0]), ..statistics(&|_| ()) };
        assert!(backwards.check().unwrap_err().to_string().contains("2 to 1 nm"));
    }
}
