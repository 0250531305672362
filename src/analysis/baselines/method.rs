//! The methods that a network must beat.
use super::filters::{gaussian, local_moments, median, top_hat};
use crate::analysis::otsu_threshold;
use ndarray::{Array2, ArrayView2, Zip};
use serde::Serialize;

/// Sides of windows in px.
const MEDIAN: usize = 5;
const TOP_HAT: usize = 41;
const LOCAL: usize = 51;
/// Sauvola's k.
const K: f64 = 0.2;

/// A classical way from grey values to two classes, none of whose numbers is fitted to the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Otsu's threshold (IEEE Trans. SMC 9, 1979).
    Otsu,
    MedianOtsu,
    GaussianOtsu,
    /// Difference of Gaussians (Marr & Hildreth 1980), then Otsu's threshold: blobs against what surrounds them.
    DogOtsu,
    /// Top-hat (Meyer 1979), then Otsu's threshold: what is smaller than its square.
    TopHatOtsu,
    /// Sauvola & Pietikäinen, Pattern Recognition 33, 2000.
    Sauvola,
    LocalMean,
}

/// Which side of the threshold is the foreground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Polarity {
    Bright,
    Dark,
}

impl Polarity {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bright => "bright",
            Self::Dark => "dark",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Bright, Self::Dark].into_iter().find(|polarity| polarity.name() == name)
    }
}

impl Method {
    pub const ALL: [Self; 7] = [
        Self::Otsu,
        Self::MedianOtsu,
        Self::GaussianOtsu,
        Self::DogOtsu,
        Self::TopHatOtsu,
        Self::Sauvola,
        Self::LocalMean,
    ];

    /// As the command line calls it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Otsu => "otsu",
            Self::MedianOtsu => "median-otsu",
            Self::GaussianOtsu => "gaussian-otsu",
            Self::DogOtsu => "dog-otsu",
            Self::TopHatOtsu => "top-hat-otsu",
            Self::Sauvola => "sauvola",
            Self::LocalMean => "local-mean",
        }
    }

    /// The one of that id.
    #[must_use]
    pub fn named(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.id() == id)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Otsu => "Otsu",
            Self::MedianOtsu => "Median, Otsu",
            Self::GaussianOtsu => "Gaussian, Otsu",
            Self::DogOtsu => "Difference of Gaussians, Otsu",
            Self::TopHatOtsu => "Top-hat, Otsu",
            Self::Sauvola => "Sauvola",
            Self::LocalMean => "Local mean",
        }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Otsu => {
                "One threshold for the whole image, where the two sides' grey levels lie farthest apart"
            }
            Self::MedianOtsu => {
                "The median of 5 × 5 px takes the noise and keeps the edges; then Otsu's threshold"
            }
            Self::GaussianOtsu => "A Gaussian blur of 2 px takes the noise; then Otsu's threshold",
            Self::DogOtsu => {
                "A blur of 1 px less one of 8 px keeps blobs and drops shading; then Otsu's threshold"
            }
            Self::TopHatOtsu => {
                "Keeps what is smaller than 41 × 41 px and drops what is larger; then Otsu's threshold"
            }
            Self::Sauvola => {
                "Each pixel's own threshold from mean and deviation of the 51 × 51 px around it (k = 0.2)"
            }
            Self::LocalMean => "Each pixel against the mean of the 51 × 51 px around it",
        }
    }

    /// Whether each pixel of a plane `[y, x]` of finite values is foreground.
    #[must_use]
    pub fn mask(self, grey: ArrayView2<'_, f32>, polarity: Polarity) -> Array2<bool> {
        match self {
            Self::Otsu => split(grey, polarity),
            Self::MedianOtsu => split(median(grey, MEDIAN).view(), polarity),
            Self::GaussianOtsu => split(gaussian(grey, 2.0).view(), polarity),
            Self::DogOtsu => {
                let band = gaussian(grey, 1.0) - gaussian(grey, 8.0);
                split(turned(band.view(), polarity).view(), Polarity::Bright)
            }
            Self::TopHatOtsu => {
                split(top_hat(turned(grey, polarity).view(), TOP_HAT).view(), Polarity::Bright)
            }
            Self::Sauvola => sauvola(grey, polarity),
            Self::LocalMean => {
                let (mean, _) = local_moments(grey, LOCAL);
                Zip::from(grey).and(&mean).map_collect(|&value, &mean| match polarity {
                    Polarity::Bright => f64::from(value) > mean,
                    Polarity::Dark => f64::from(value) < mean,
                })
            }
        }
    }
}

/// Otsu's two sides.
fn split(values: ArrayView2<'_, f32>, polarity: Polarity) -> Array2<bool> {
    let threshold = otsu_threshold(values);
    values.mapv(|value| (value > threshold) == (polarity == Polarity::Bright))
}

/// The negative where dark is looked for.
fn turned(values: ArrayView2<'_, f32>, polarity: Polarity) -> Array2<f32> {
    match polarity {
        Polarity::Bright => values.to_owned(),
        Polarity::Dark => values.mapv(|value| -value),
    }
}

/// Sauvola's threshold m·(1 + k·(s / r − 1)) is made for dark marks on bright paper, with values from 0; r is half of the
/// values' range. For bright marks the range is turned over.
fn sauvola(grey: ArrayView2<'_, f32>, polarity: Polarity) -> Array2<bool> {
    let low = grey.iter().copied().fold(f32::INFINITY, f32::min);
    let high = grey.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let from_zero = grey.mapv(|value| match polarity {
        Polarity::Dark => value - low,
        Polarity::Bright => high - value,
    });
    let half = (f64::from(high) - f64::from(low)).max(1e-30) / 2.0;
    let (mean, deviation) = local_moments(from_zero.view(), LOCAL);
    Zip::from(&from_zero)
        .and(&mean)
        .and(&deviation)
        .map_collect(|&value, &mean, &s| f64::from(value) < mean * (1.0 + K * (s / half - 1.0)))
}
