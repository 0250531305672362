//! Which classes (or outputs) a person's folders are of.
use super::RecipeClass;
use crate::training::pairs::{image_files, subfolders};
use crate::training::plan::open_first;
use crate::training::table::class_names;
use crate::training::{LabelScheme, TrainingError};
use std::collections::BTreeSet;
use std::path::Path;

/// Colours that stay apart for most eyes (Okabe & Ito 2008).
const COLOURS: [[u8; 3]; 8] = [
    [0, 0, 0],
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [230, 159, 0],
    [86, 180, 233],
    [204, 121, 167],
    [240, 228, 66],
];

/// A regressor's, none of them black.
pub(super) fn outputs(names: Vec<String>) -> Vec<RecipeClass> {
    let colours = COLOURS.into_iter().skip(1).cycle();
    names.into_iter().zip(colours).map(|(name, colour)| RecipeClass { name, colour }).collect()
}

pub(super) fn scheme_classes(scheme: &LabelScheme) -> Vec<RecipeClass> {
    let kept = scheme.classes.iter().filter(|class| class.name != "ignore");
    kept.map(|class| RecipeClass { name: class.name.clone(), colour: class.colour }).collect()
}

fn named(names: impl IntoIterator<Item = String>) -> Vec<RecipeClass> {
    let colours = COLOURS.into_iter().cycle();
    names.into_iter().zip(colours).map(|(name, colour)| RecipeClass { name, colour }).collect()
}

pub(super) fn folder_classes(images: &Path) -> Result<Vec<RecipeClass>, TrainingError> {
    let names =
        subfolders(images)?.into_iter().filter_map(|f| Some(f.file_name()?.to_string_lossy().into_owned()));
    let classes = named(names);
    if classes.len() < 2 {
        let what =
            "A classifier is trained on a folder that holds one folder a class, at least two".to_owned();
        return Err(TrainingError::Bad { path: images.to_path_buf(), what });
    }
    Ok(classes)
}

pub(super) fn table_classes(table: &Path) -> Result<Vec<RecipeClass>, TrainingError> {
    let classes = named(class_names(table)?);
    if classes.len() < 2 {
        let what = "A classifier is trained on a table of at least two classes".to_owned();
        return Err(TrainingError::Bad { path: table.to_path_buf(), what });
    }
    Ok(classes)
}

/// Classes from the values there are: 0 and one other are two, else every index up to the highest.
pub(super) fn mask_classes(masks: &Path) -> Result<Vec<RecipeClass>, TrainingError> {
    let mut values = BTreeSet::new();
    for file in image_files(masks, None, None)? {
        let bad = |what: String| TrainingError::Bad { path: file.clone(), what };
        let mask = open_first(&file)?;
        if mask.channels() != 1 {
            let what = "A colour mask needs a label scheme that says which colour means which class";
            return Err(bad(what.to_owned()));
        }
        for frame in 0..mask.frames() {
            let plane = mask.plane(frame, 0)?.to_f32();
            if let Some(odd) = plane.iter().find(|v| v.fract() != 0.0 || !(0.0..=65535.0).contains(*v)) {
                return Err(bad(format!(
                    "The value {odd} is no class; write a label scheme that says what it means"
                )));
            }
            values.extend(plane.iter().map(|v| *v as u32));
        }
    }
    let highest = values.last().copied().unwrap_or(0);
    let bad = |what: String| TrainingError::Bad { path: masks.to_path_buf(), what };
    match highest {
        0 => Err(bad("All masks are 0 everywhere".to_owned())),
        1 | 255 if values.iter().all(|v| *v == 0 || *v == highest) => {
            Ok(named(["background", "foreground"].map(str::to_owned)))
        }
        2..64 => Ok(named(
            (0..=highest).map(|k| if k == 0 { "background".to_owned() } else { format!("class {k}") }),
        )),
        _ => Err(bad(format!("The masks' value {highest} is no class index; write a label scheme"))),
    }
}
