//! What can be drawn, and what comes of it.

use super::dice::Dice;
use super::{eds, grains, precipitates, stem};
use crate::imaging::{Calibration, PixelSize, SampleType};
use ndarray::{Array2, Array3};

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// SEM precipitates and pores, 8-bit.
    Precipitates,
    /// Grains with cracks, SEM channelling contrast, 8-bit.
    Grains,
    /// HAADF-STEM atomic columns with vacancies and a boundary, 16-bit counts.
    Stem,
    /// 8-channel EDS map of three phases, 16-bit counts.
    Eds,
}

/// An image `[channel, y, x]` in whole counts and its classes `[y, x]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub image: Array3<f32>,
    pub labels: Array2<u16>,
    pub channel_names: Vec<String>,
    pub calibration: Calibration,
    /// Of element maps: the share `[channel, y, x]` of each channel's element among the atoms that a pixel's X-rays come
    /// from, before counting; every pixel sums to one.
    pub composition: Option<Array3<f32>>,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Precipitates, Self::Grains, Self::Stem, Self::Eds];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Precipitates => "precipitates",
            Self::Grains => "grains",
            Self::Stem => "stem",
            Self::Eds => "eds",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The elements of [`Sample::composition`], in its order; none where there is no composition.
    #[must_use]
    pub fn elements(self) -> &'static [&'static str] {
        if self == Self::Eds { &eds::ELEMENTS } else { &[] }
    }

    /// Name and sRGB colour of each class; class 0 is the background.
    #[must_use]
    pub fn classes(self) -> Vec<(&'static str, [u8; 3])> {
        match self {
            Self::Precipitates => {
                vec![("matrix", [60, 64, 72]), ("precipitate", [255, 170, 50]), ("pore", [40, 170, 255])]
            }
            Self::Grains => vec![
                ("grain interior", [60, 64, 72]),
                ("grain boundary", [255, 205, 70]),
                ("crack", [235, 70, 90]),
            ],
            Self::Stem => {
                vec![
                    ("background", [24, 26, 32]),
                    ("atomic column", [90, 200, 250]),
                    ("vacancy", [255, 90, 120]),
                ]
            }
            Self::Eds => {
                vec![("matrix", [70, 95, 150]), ("carbide", [250, 190, 60]), ("oxide", [220, 80, 80])]
            }
        }
    }

    /// The type its counts are stored as without loss.
    #[must_use]
    pub fn sample_type(self) -> SampleType {
        match self {
            Self::Precipitates | Self::Grains => SampleType::U8,
            Self::Stem | Self::Eds => SampleType::U16,
        }
    }

    /// Sample number `index` of a seed, `size` [y, x]; the same arguments give the same pixels on every machine.
    ///
    /// Features keep their size in px whatever `size` is; in pictures of a few px not every class occurs.
    #[must_use]
    pub fn sample(self, seed: u64, index: u64, size: [usize; 2]) -> Sample {
        let size = size.map(|side| side.max(1));
        let mut dice = Dice::new(seed, self as u64, index);
        match self {
            Self::Precipitates => precipitates::draw(size, &mut dice),
            Self::Grains => grains::draw(size, &mut dice),
            Self::Stem => stem::draw(size, &mut dice),
            Self::Eds => eds::draw(size, &mut dice),
        }
    }
}

impl Sample {
    /// A picture of one channel.
    pub(super) fn grey(plane: Array2<f32>, labels: Array2<u16>, name: &str, nm_per_px: f32) -> Self {
        let image = plane.insert_axis(ndarray::Axis(0));
        let (channel_names, calibration) = (vec![name.to_owned()], calibrated(nm_per_px));
        Self { image, labels, channel_names, calibration, composition: None }
    }
}

/// A square pixel, rounded to the picometre.
pub(super) fn calibrated(nm_per_px: f32) -> Calibration {
    let nm = (f64::from(nm_per_px) * 1000.0).round() / 1000.0;
    let pixel = PixelSize { x_nm: nm, y_nm: nm, source: "synthetic".to_owned() };
    Calibration::of_pixel(&pixel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// First 16 hex digits of SHA-256 over image and labels as little-endian 16-bit counts.
    fn fingerprint(sample: &Sample) -> String {
        let mut hash = Sha256::new();
        for &value in &sample.image {
            assert!((0.0..=65535.0).contains(&value) && value == value.round(), "{value} is not a count");
            hash.update((value as u16).to_le_bytes());
        }
        for &class in &sample.labels {
            hash.update(class.to_le_bytes());
        }
        crate::files::hex(&hash.finalize())[..16].to_owned()
    }

    #[test]
    fn the_same_seed_gives_the_same_pixels_for_ever() {
        // A change here means that shipped samples and recipes no longer reproduce: say so in CHANGELOG.md.
        let expected = [
            (Kind::Precipitates, "b56bd4ade6768788 ed8c53f0aaa531e7 0fe3b756c4f4bb5f"),
            (Kind::Grains, "0c7366915756aea5 b6dcb048108e8891 4c11127e6d5ea84b"),
            (Kind::Stem, "8c4f545ee989a2d0 05a5d962c1ec6d76 161d42993998841f"),
            (Kind::Eds, "3257b27bf9b1f06e e6ca16ee4a792bc8 9f7ccdf67a889615"),
        ];
        for (kind, hash) in expected {
            let all: Vec<String> = (0..3).map(|i| fingerprint(&kind.sample(42, i, [80, 96]))).collect();
            assert_eq!(all.join(" "), hash, "{}", kind.name());
            assert_eq!(fingerprint(&kind.sample(42, 1, [80, 96])), all[1]);
            assert_ne!(fingerprint(&kind.sample(43, 1, [80, 96])), all[1], "the seed matters");
        }
    }

    #[test]
    fn names_go_there_and_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
        assert_eq!(Kind::from_name("cats"), None);
    }

    #[test]
    fn sizes_are_respected_and_labels_are_classes() {
        for kind in Kind::ALL {
            for size in [[8, 8], [8, 61], [97, 16], [64, 64], [1, 1]] {
                let sample = kind.sample(5, 0, size);
                let channels = if kind == Kind::Eds { 8 } else { 1 };
                assert_eq!(sample.image.shape(), [channels, size[0], size[1]], "{}", kind.name());
                assert_eq!(sample.labels.shape(), size);
                assert_eq!(sample.channel_names.len(), channels);
                assert!(sample.labels.iter().all(|&c| usize::from(c) < kind.classes().len()));
                let limit = if kind.sample_type() == SampleType::U8 { 255.0 } else { 65535.0 };
                assert!(sample.image.iter().all(|&v| (0.0..=limit).contains(&v) && v.fract() == 0.0));
                assert!(sample.calibration.pixel().unwrap().x_nm > 0.0);
            }
        }
    }

    #[test]
    fn every_class_occurs_over_a_few_samples() {
        for kind in Kind::ALL {
            let mut pixels = vec![0usize; kind.classes().len()];
            for index in 0..6 {
                for &class in &kind.sample(9, index, [128, 128]).labels {
                    pixels[usize::from(class)] += 1;
                }
            }
            assert!(pixels.iter().all(|&n| n > 30), "{}: {pixels:?}", kind.name());
        }
    }

    /// Mean of a channel over the pixels of a class.
    fn mean_of(sample: &Sample, channel: usize, class: u16) -> Option<f32> {
        let plane = sample.image.index_axis(ndarray::Axis(0), channel);
        let values: Vec<f32> =
            plane.iter().zip(&sample.labels).filter(|&(_, &c)| c == class).map(|(&v, _)| v).collect();
        (values.len() > 20).then(|| values.iter().sum::<f32>() / values.len() as f32)
    }

    #[test]
    fn classes_look_as_different_as_they_were_drawn() {
        let (mut bright, mut dark) = (0, 0);
        for index in 0..12 {
            let sample = Kind::Precipitates.sample(3, index, [128, 128]);
            let Some(matrix) = mean_of(&sample, 0, 0) else { continue };
            if let Some(precipitate) = mean_of(&sample, 0, 1) {
                *(if precipitate > matrix { &mut bright } else { &mut dark }) += 1;
            }
            if let Some(pore) = mean_of(&sample, 0, 2) {
                assert!(pore < matrix - 10.0, "sample {index}: pore {pore}, matrix {matrix}");
            }
            let sample = Kind::Grains.sample(3, index, [128, 128]);
            if let (Some(grain), Some(crack)) = (mean_of(&sample, 0, 0), mean_of(&sample, 0, 2)) {
                assert!(crack < grain - 8.0, "sample {index}: crack {crack}, grain {grain}");
            }
            let sample = Kind::Stem.sample(3, index, [128, 128]);
            let columns = mean_of(&sample, 0, 1).unwrap();
            assert!(columns > mean_of(&sample, 0, 0).unwrap() * 1.1);
            if let Some(vacancy) = mean_of(&sample, 0, 2) {
                assert!(vacancy < columns, "sample {index}: vacancy {vacancy}, columns {columns}");
            }
            let sample = Kind::Eds.sample(3, index, [128, 128]);
            let oxygen = sample.channel_names.iter().position(|name| name == "O").unwrap();
            let carbon = sample.channel_names.iter().position(|name| name == "C").unwrap();
            for (element, class) in [(carbon, 1), (oxygen, 2)] {
                if let (Some(there), Some(matrix)) =
                    (mean_of(&sample, element, class), mean_of(&sample, element, 0))
                {
                    assert!(
                        there > 1.3 * matrix,
                        "sample {index}: {there} in class {class}, {matrix} in the matrix"
                    );
                }
            }
        }
        assert!(bright > 1 && dark > 1, "both polarities occur: {bright} bright, {dark} dark");
    }
}
