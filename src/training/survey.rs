//! Which values a mask file holds, and what a label scheme makes of each: for a person to say what is not known.
use super::classes::match_classes;
use super::mask::{Claims, mask_planes, open_mask};
use super::{LabelScheme, SchemeClass, TrainingError};
use crate::analysis::IGNORE;
use crate::monitor::Monitor;
use crate::network::ClassInfo;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// More unlike values than that are no classes but a picture; those beyond are counted together.
const MOST: usize = 64;
/// What pixels of no class are called, so that they are left out of every comparison.
const IGNORED: &str = "ignore";

/// What a pixel of a mask says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaskValue {
    Grey(i64),
    Colour([u8; 3]),
}

impl fmt::Display for MaskValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grey(value) => write!(f, "{value}"),
            Self::Colour([r, g, b]) => write!(f, "[{r}, {g}, {b}]"),
        }
    }
}

/// The values of a mask's first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskSurvey {
    /// In their order, each with its pixels.
    pub values: Vec<(MaskValue, u64)>,
    /// Pixels that hold no whole number, or one beyond the first 64 that were met.
    pub others: u64,
}

/// Counts the values of a mask file's first frame; an alpha channel is ignored, and colours without a colour are grey
/// values.
///
/// # Errors
/// Files that cannot be read, those of more channels than a mask has, and cancelling.
pub fn survey_mask(path: &Path, monitor: &Monitor) -> Result<MaskSurvey, TrainingError> {
    let mask = open_mask(path)?;
    let planes = mask_planes(&mask, 0, path)?;
    let mut counts: BTreeMap<MaskValue, u64> = BTreeMap::new();
    let mut others = 0;
    for y in 0..mask.height() {
        monitor.check()?;
        for x in 0..mask.width() {
            let value = match planes.as_slice() {
                [r, g, b] => colour([r.value(y, x), g.value(y, x), b.value(y, x)]),
                [grey, ..] => whole(grey.value(y, x)),
                [] => None,
            };
            let full = counts.len() >= MOST;
            match value.filter(|value| !full || counts.contains_key(value)) {
                Some(value) => *counts.entry(value).or_default() += 1,
                None => others += 1,
            }
        }
    }
    Ok(MaskSurvey { values: counts.into_iter().collect(), others })
}

fn whole(value: f64) -> Option<MaskValue> {
    (value.fract() == 0.0).then_some(MaskValue::Grey(value as i64))
}

fn colour([r, g, b]: [f64; 3]) -> Option<MaskValue> {
    if r == g && g == b {
        return whole(r);
    }
    let byte = |value: f64| (0.0..=255.0).contains(&value).then_some(value as u8);
    Some(MaskValue::Colour([byte(r)?, byte(g)?, byte(b)?]))
}

impl LabelScheme {
    /// The class that claims each of a mask's values; `None` where none does.
    #[must_use]
    pub fn classes_of(&self, survey: &MaskSurvey) -> Vec<Option<usize>> {
        let claims = Claims::new(self);
        let class = |value: &MaskValue| match *value {
            MaskValue::Grey(value) => claims.colour([value as f64; 3]),
            MaskValue::Colour(rgb) => claims.colour(rgb.map(f64::from)),
        };
        survey.values.iter().map(|(value, _)| class(value).ok().map(usize::from)).collect()
    }

    /// The class of a model that each of a mask's values is by this scheme, whose classes are matched by name; `None` for
    /// what is ignored or no class of the model.
    #[must_use]
    pub fn meant(&self, survey: &MaskSurvey, classes: &[ClassInfo]) -> Vec<Option<usize>> {
        let matched = |index: usize| {
            let name = self.classes.get(index)?.name.as_str();
            let found = match_classes(&[name], &BTreeMap::new(), classes).ok()?;
            found.first().filter(|class| **class != IGNORE).map(|class| usize::from(*class))
        };
        self.classes_of(survey).into_iter().map(|class| class.and_then(matched)).collect()
    }

    /// The scheme by which each value is the class beside it, and everything else is ignored.
    #[must_use]
    pub fn of_values(values: &[(MaskValue, Option<usize>)], classes: &[ClassInfo]) -> Self {
        let class = |(index, info): (usize, &ClassInfo)| {
            let own =
                || values.iter().filter(move |(_, class)| *class == Some(index)).map(|(value, _)| *value);
            let grey = |value| match value {
                MaskValue::Grey(value) => Some([value; 2]),
                MaskValue::Colour(_) => None,
            };
            let rgb = |value| match value {
                MaskValue::Colour(rgb) => Some(rgb),
                MaskValue::Grey(_) => None,
            };
            // One that says nothing would stand for its own colour.
            own().next().map(|_| SchemeClass {
                name: info.name.clone(),
                colour: info.colour,
                values: own().filter_map(grey).collect(),
                rgb: own().filter_map(rgb).collect(),
                rest: false,
            })
        };
        let mut all: Vec<SchemeClass> = classes.iter().enumerate().filter_map(class).collect();
        let (values, rgb) = (Vec::new(), Vec::new());
        all.push(SchemeClass { name: IGNORED.to_owned(), colour: [0; 3], values, rgb, rest: true });
        Self { classes: all }
    }

    /// As the file that `--scheme` reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::read_labels;
    use image::{GrayImage, Luma, Rgb, RgbImage};
    use ndarray::array;

    fn classes() -> Vec<ClassInfo> {
        let class = |name: &str, colour| ClassInfo { name: name.to_owned(), colour };
        vec![class("matrix", [0, 0, 0]), class("precipitate", [255, 170, 50])]
    }

    #[test]
    fn the_values_of_a_grey_mask_are_counted_and_said_by_hand() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mask.png");
        GrayImage::from_fn(4, 1, |x, _| Luma([[7, 128, 7, 200][x as usize]])).save(&path).unwrap();
        let survey = survey_mask(&path, &Monitor::silent()).unwrap();
        let expected = [(7, 2), (128, 1), (200, 1)].map(|(value, n)| (MaskValue::Grey(value), n)).to_vec();
        assert_eq!(survey, MaskSurvey { values: expected, others: 0 });
        assert_eq!(LabelScheme::of_classes(&classes()).classes_of(&survey), [None; 3]);
        let said = [(7, Some(1)), (128, Some(0)), (200, None)];
        let said = said.map(|(value, class)| (MaskValue::Grey(value), class));
        let scheme = LabelScheme::of_values(&said, &classes());
        let labels = read_labels(&path, Some(&scheme), &classes()).unwrap();
        assert_eq!(labels, array![[1, 0, 1, 255]]);
        // The same by the file that the command line reads.
        let read = LabelScheme::parse(&scheme.to_text(), Path::new("scheme.toml")).unwrap();
        assert_eq!(read, scheme);
        assert_eq!(read.meant(&survey, &classes()), [Some(1), Some(0), None]);
    }

    #[test]
    fn colours_are_told_from_greys_and_the_classes_own_colours_are_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mask.png");
        let colours = [Rgb([255, 170, 50]), Rgb([1, 2, 3]), Rgb([9, 9, 9])];
        RgbImage::from_fn(3, 1, |x, _| colours[x as usize]).save(&path).unwrap();
        let survey = survey_mask(&path, &Monitor::silent()).unwrap();
        let values: Vec<String> = survey.values.iter().map(|(value, _)| value.to_string()).collect();
        assert_eq!(values, ["9", "[1, 2, 3]", "[255, 170, 50]"]);
        assert_eq!(LabelScheme::of_classes(&classes()).classes_of(&survey), [None, None, Some(1)]);
        let said: Vec<_> =
            survey.values.iter().map(|(value, _)| *value).zip([Some(0), None, Some(1)]).collect();
        let scheme = LabelScheme::of_values(&said, &classes());
        assert_eq!(read_labels(&path, Some(&scheme), &classes()).unwrap(), array![[1, 255, 0]]);
    }

    #[test]
    fn a_picture_of_many_values_is_not_listed_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ramp.png");
        GrayImage::from_fn(200, 1, |x, _| Luma([x as u8])).save(&path).unwrap();
        let survey = survey_mask(&path, &Monitor::silent()).unwrap();
        assert_eq!((survey.values.len(), survey.others), (64, 136));
        assert!(survey_mask(&dir.path().join("none.png"), &Monitor::silent()).is_err());
    }
}
