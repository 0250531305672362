//! Which grey values or colours of a mask file mean which class.
use super::TrainingError;
use crate::network::ClassInfo;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// One class and what stands for it in a mask file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeClass {
    pub name: String,
    /// sRGB; also what stands for the class in a colour mask when nothing else is said
    pub colour: [u8; 3],
    /// Grey values as ranges, both ends included; written as `7` or `[128, 255]`.
    #[serde(default, deserialize_with = "values_or_ranges")]
    pub values: Vec<[i64; 2]>,
    #[serde(default)]
    pub rgb: Vec<[u8; 3]>,
    /// Everything no other class claims.
    #[serde(default)]
    pub rest: bool,
}

fn values_or_ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[i64; 2]>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected grey values such as 7, or ranges such as [128, 255]")]
    enum Written {
        Value(i64),
        Range([i64; 2]),
    }
    let range = |written| match written {
        Written::Value(value) => [value, value],
        Written::Range(range) => range,
    };
    Ok(Vec::<Written>::deserialize(deserializer)?.into_iter().map(range).collect())
}

/// A TOML file: `[[class]]` with name, colour and `values = [1, [128, 255]]`, `rgb = [[0, 0, 255]]` or `rest = true`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelScheme {
    #[serde(rename = "class")]
    pub classes: Vec<SchemeClass>,
}

impl LabelScheme {
    pub fn load(path: &Path) -> Result<Self, TrainingError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TrainingError::Io { path: path.to_path_buf(), source })?;
        Self::parse(&text, path)
    }

    /// Reads and checks a scheme's text; `path` is named in messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TrainingError> {
        let bad = |what: String| TrainingError::Bad { path: path.to_path_buf(), what };
        let scheme: Self = toml::from_str(text)
            .map_err(|e| bad(format!("Not a label scheme: {}", e.to_string().trim_end())))?;
        scheme.check().map_err(bad)?;
        Ok(scheme)
    }

    /// Without a scheme file: the value k is class k, a class's colour is that class, and with two classes 255 is the
    /// second.
    #[must_use]
    pub fn of_classes(classes: &[ClassInfo]) -> Self {
        let two = classes.len() == 2;
        let class = |(index, class): (usize, &ClassInfo)| SchemeClass {
            name: class.name.clone(),
            colour: class.colour,
            values: if two && index == 1 { vec![[1, 1], [255, 255]] } else { vec![[index as i64; 2]] },
            rgb: vec![class.colour],
            rest: false,
        };
        Self { classes: classes.iter().enumerate().map(class).collect() }
    }

    /// Names and colours of the classes.
    #[must_use]
    pub fn class_infos(&self) -> Vec<ClassInfo> {
        self.classes.iter().map(|c| ClassInfo { name: c.name.clone(), colour: c.colour }).collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.classes.is_empty() || self.classes.len() > 255 {
            return Err("A label scheme has 1 to 255 classes".to_owned());
        }
        let names: BTreeSet<_> = self.classes.iter().map(|c| c.name.to_lowercase()).collect();
        if names.len() != self.classes.len() {
            return Err(
                "Two classes of the label scheme have the same name; one class can have several values \
                        and colours"
                    .to_owned(),
            );
        }
        if self.classes.iter().filter(|c| c.rest).count() > 1 {
            return Err("Only one class of a label scheme can have rest = true".to_owned());
        }
        let mut ranges: Vec<([i64; 2], &str)> = Vec::new();
        for class in &self.classes {
            for range @ [low, high] in &class.values {
                if low > high {
                    return Err(format!("Class {}: the range [{low}, {high}] runs backwards", class.name));
                }
                if let Some((_, other)) = ranges.iter().find(|([l, h], _)| l <= high && low <= h) {
                    return Err(format!("Values {low} to {high} belong to both {other} and {}", class.name));
                }
                ranges.push((*range, &class.name));
            }
        }
        let mut colours = BTreeSet::new();
        match self.classes.iter().flat_map(SchemeClass::colours).find(|c| !colours.insert(*c)) {
            Some([r, g, b]) => Err(format!("The colour [{r}, {g}, {b}] belongs to two classes")),
            None => Ok(()),
        }
    }
}

impl SchemeClass {
    /// The colours that stand for the class.
    pub(super) fn colours(&self) -> Vec<[u8; 3]> {
        let nothing_said = self.values.is_empty() && self.rgb.is_empty() && !self.rest;
        if nothing_said { vec![self.colour] } else { self.rgb.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LabelScheme, TrainingError> {
        LabelScheme::parse(text, Path::new("scheme.toml"))
    }

    #[test]
    fn a_scheme_reads_values_ranges_colours_and_rest() {
        let scheme = parse(
            "[[class]]\nname = 'matrix'\ncolour = [0, 0, 0]\nrest = true\n\
             [[class]]\nname = 'crack'\ncolour = [9, 9, 9]\nvalues = [7, [128, 255]]\nrgb = [[0, 0, 255], [255, 0, 0]]",
        )
        .unwrap();
        assert!(scheme.classes[0].rest);
        assert_eq!(scheme.classes[1].values, [[7, 7], [128, 255]]);
        assert_eq!(scheme.classes[1].rgb, [[0, 0, 255], [255, 0, 0]]);
    }

    #[test]
    fn a_scheme_that_contradicts_itself_is_refused() {
        let cases = [
            ("class = []", "1 to 255 classes"),
            ("[[class]]\nname='a'\ncolour=[0,0,0]\nvalue=[1]", "unknown field `value`"),
            ("[[class]]\nname='a'\ncolour=[0,0,0]\nvalues=['x']", "grey values such as 7"),
            ("[[class]]\nname='a'\ncolour=[0,0,0]\nvalues=[[5, 1]]", "runs backwards"),
            (
                "[[class]]\nname='a'\ncolour=[0,0,0]\nvalues=[3]\n[[class]]\nname='b'\ncolour=[1,0,0]\nvalues=[[0,9]]",
                "both a and b",
            ),
            ("[[class]]\nname='a'\ncolour=[0,0,0]\n[[class]]\nname='A'\ncolour=[1,0,0]", "same name"),
            (
                "[[class]]\nname='a'\ncolour=[0,0,0]\n[[class]]\nname='b'\ncolour=[0,0,0]",
                "belongs to two classes",
            ),
            (
                "[[class]]\nname='a'\ncolour=[0,0,0]\nrest=true\n[[class]]\nname='b'\ncolour=[1,0,0]\nrest=true",
                "Only one class",
            ),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.ends_with(": scheme.toml"), "{message}");
        }
        let missing = LabelScheme::load(Path::new("/nowhere/scheme.toml")).unwrap_err();
        assert!(matches!(missing, TrainingError::Io { .. }));
    }

    #[test]
    fn the_shipped_schemes_are_sound() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/schemes");
        let mut names: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            LabelScheme::load(&path).unwrap();
            names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
        names.sort();
        assert_eq!(names, ["ampis", "nasa-ebc", "nasa-super", "nasa-super-binary"]);
    }
}
