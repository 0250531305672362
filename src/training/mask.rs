//! Reads a mask file into classes by a label scheme.
use super::classes::match_classes;
use super::{LabelScheme, TrainingError};
use crate::analysis::{IGNORE, LabelMap};
use crate::imaging::{self, Micrograph, Plane};
use crate::network::ClassInfo;
use ndarray::Array2;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

impl LabelScheme {
    /// Reads a mask file (its first frame) into classes; a value no class claims is an error that names it and its
    /// first pixel. An alpha channel is ignored; a colour pixel no class claims by colour counts by its grey value.
    pub fn read_mask(&self, path: &Path) -> Result<LabelMap, TrainingError> {
        let mask = open_mask(path)?;
        self.read_frame(&mask, 0, path)
    }

    /// Frame `frame` of an opened mask; `path` is named in messages.
    pub(super) fn read_frame(
        &self,
        mask: &Micrograph,
        frame: usize,
        path: &Path,
    ) -> Result<LabelMap, TrainingError> {
        let claims = Claims::new(self);
        let planes = mask_planes(mask, frame, path)?;
        let pixel = |y: usize, x: usize| match planes.as_slice() {
            [r, g, b] => claims.colour([r.value(y, x), g.value(y, x), b.value(y, x)]),
            [grey, ..] => claims.grey(grey.value(y, x)),
            [] => Err("nothing".to_owned()),
        };
        let (height, width) = (mask.height(), mask.width());
        let mut labels = Array2::zeros((height, width));
        for ((y, x), label) in labels.indexed_iter_mut() {
            *label = pixel(y, x).map_err(|value| self.unclaimed(&value, y, x, path))?;
        }
        Ok(LabelMap(labels))
    }

    fn unclaimed(&self, value: &str, y: usize, x: usize, path: &Path) -> TrainingError {
        let names: Vec<&str> = self.classes.iter().map(|c| c.name.as_str()).collect();
        let names = names.join(", ");
        let what = format!(
            "{value} at x {x}, y {y} belongs to no class ({names}); write a label scheme that says what it means"
        );
        TrainingError::Bad { path: path.to_path_buf(), what }
    }
}

/// A mask file's first frame in the classes of a model, 255 where nothing is said; without a scheme values are class
/// indices, and with it its classes are matched by name.
pub fn read_labels(
    path: &Path,
    scheme: Option<&LabelScheme>,
    classes: &[ClassInfo],
) -> Result<Array2<u8>, TrainingError> {
    let own = LabelScheme::of_classes(classes);
    let scheme = scheme.unwrap_or(&own);
    let names: Vec<&str> = scheme.classes.iter().map(|class| class.name.as_str()).collect();
    let matched = match_classes(&names, &BTreeMap::new(), classes)
        .map_err(|what| TrainingError::Bad { path: path.to_path_buf(), what })?;
    let map = scheme.read_mask(path)?;
    Ok(map.0.mapv(|class| matched.get(usize::from(class)).copied().unwrap_or(IGNORE)))
}

pub(super) fn open_mask(path: &Path) -> Result<Micrograph, TrainingError> {
    let none =
        || TrainingError::Bad { path: path.to_path_buf(), what: "No image in the mask file".to_owned() };
    imaging::open(path)?.into_iter().next().ok_or_else(none)
}

/// One plane of grey or class values, or three of red, green and blue.
pub(super) fn mask_planes(
    mask: &Micrograph,
    frame: usize,
    path: &Path,
) -> Result<Vec<Arc<Plane>>, TrainingError> {
    let names = mask.channel_names();
    let channels: Vec<usize> =
        (0..mask.channels()).filter(|c| names.get(*c).is_none_or(|n| n != "alpha")).collect();
    if channels.len() != 1 && !(channels.len() == 3 && mask.is_colour()) {
        let what = format!("A mask has one channel or is a colour picture; this has {}", channels.len());
        return Err(TrainingError::Bad { path: path.to_path_buf(), what });
    }
    channels.into_iter().map(|channel| Ok(mask.plane(frame, channel)?)).collect()
}

/// A scheme made quick to ask.
pub(super) struct Claims {
    ranges: Vec<([i64; 2], u16)>,
    colours: BTreeMap<[u8; 3], u16>,
    rest: Option<u16>,
}

impl Claims {
    pub(super) fn new(scheme: &LabelScheme) -> Self {
        let mut claims = Self { ranges: Vec::new(), colours: BTreeMap::new(), rest: None };
        for (class, index) in scheme.classes.iter().zip(0u16..) {
            claims.ranges.extend(class.values.iter().map(|range| (*range, index)));
            for colour in class.colours() {
                claims.colours.entry(colour).or_insert(index);
            }
            if class.rest {
                claims.rest = Some(index);
            }
        }
        claims
    }

    /// The class of a grey value; the value's description when there is none.
    fn grey(&self, value: f64) -> Result<u16, String> {
        let whole = (value.fract() == 0.0).then_some(value as i64);
        let class = whole.and_then(|v| {
            self.ranges.iter().find(|([low, high], _)| (*low..=*high).contains(&v)).map(|(_, class)| *class)
        });
        class.or(self.rest).ok_or_else(|| format!("The value {value}"))
    }

    pub(super) fn colour(&self, rgb: [f64; 3]) -> Result<u16, String> {
        if rgb.iter().all(|v| (0.0..=255.0).contains(v))
            && let Some(class) = self.colours.get(&rgb.map(|v| v as u8))
        {
            return Ok(*class);
        }
        let [r, g, b] = rgb;
        if r == g && g == b {
            return self.grey(r);
        }
        self.rest.ok_or_else(|| format!("The colour [{r}, {g}, {b}]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::ClassInfo;
    use image::{GrayImage, Luma, Rgba, RgbaImage};

    fn scheme(text: &str) -> LabelScheme {
        LabelScheme::parse(text, Path::new("scheme.toml")).unwrap()
    }

    fn two_classes() -> LabelScheme {
        let class = |name: &str, v| ClassInfo { name: name.to_owned(), colour: [v, 0, 0] };
        LabelScheme::of_classes(&[class("matrix", 0), class("precipitate", 200)])
    }

    #[test]
    fn an_overlay_reads_by_colour_and_ignores_alpha() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("overlay.png");
        let mut mask = RgbaImage::from_pixel(3, 2, Rgba([90, 91, 92, 255]));
        mask.put_pixel(1, 0, Rgba([0, 0, 255, 255]));
        mask.put_pixel(2, 1, Rgba([255, 0, 0, 0]));
        mask.save(&path).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/schemes/nasa-super.toml");
        let labels = LabelScheme::load(&shipped).unwrap().read_mask(&path).unwrap();
        assert_eq!(labels.0, ndarray::array![[0, 1, 0], [0, 0, 2]]);
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/schemes/nasa-super-binary.toml");
        let labels = LabelScheme::load(&binary).unwrap().read_mask(&path).unwrap();
        assert_eq!(labels.0, ndarray::array![[0, 1, 0], [0, 0, 1]]);
    }

    #[test]
    fn grey_masks_read_by_value_and_range() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grey.png");
        GrayImage::from_fn(3, 1, |x, _| Luma([[0, 127, 128][x as usize]])).save(&path).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/schemes/ampis.toml");
        let labels = LabelScheme::load(&shipped).unwrap().read_mask(&path).unwrap();
        assert_eq!(labels.0, ndarray::array![[0, 0, 1]]);
    }

    #[test]
    fn without_a_scheme_zero_and_255_are_two_classes() {
        let dir = tempfile::tempdir().unwrap();
        for (name, high) in [("a.png", 1), ("b.png", 255)] {
            let path = dir.path().join(name);
            GrayImage::from_fn(2, 1, |x, _| Luma([if x == 1 { high } else { 0 }])).save(&path).unwrap();
            assert_eq!(two_classes().read_mask(&path).unwrap().0, ndarray::array![[0, 1]]);
        }
    }

    #[test]
    fn a_value_no_class_claims_is_named_with_its_first_pixel() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("three.png");
        GrayImage::from_fn(3, 2, |x, y| Luma([if (x, y) == (2, 1) { 3 } else { 0 }])).save(&path).unwrap();
        let message = two_classes().read_mask(&path).unwrap_err().to_string();
        assert!(
            message.starts_with("The value 3 at x 2, y 1 belongs to no class (matrix, precipitate)"),
            "{message}"
        );
        let path = dir.path().join("colour.png");
        RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 255])).save(&path).unwrap();
        let message = two_classes().read_mask(&path).unwrap_err().to_string();
        assert!(message.starts_with("The colour [1, 2, 3] at x 0, y 0"), "{message}");
    }

    #[test]
    fn a_class_that_says_nothing_is_its_colour() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("palette.png");
        RgbaImage::from_fn(2, 1, |x, _| Rgba([0, 114 * x as u8, 0, 255])).save(&path).unwrap();
        let scheme =
            scheme("[[class]]\nname='matrix'\ncolour=[0,0,0]\n[[class]]\nname='crack'\ncolour=[0,114,0]");
        assert_eq!(scheme.read_mask(&path).unwrap().0, ndarray::array![[0, 1]]);
    }
}
