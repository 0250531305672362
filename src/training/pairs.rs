//! Finds image files and the masks that belong to them.
use super::TrainingError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What may follow an image's stem in its mask's name.
const MASKS: [&str; 14] = [
    ".labels",
    ".label",
    "_mask",
    "-mask",
    "_masks",
    "-masks",
    "_label",
    "-label",
    "_labels",
    "-labels",
    "_annot",
    "_gt",
    "_seg",
    "_cp_masks",
];

/// And in that of its map of numbers.
const MAPS: [&str; 8] =
    [".composition", "_composition", "-composition", "_target", "-target", "_targets", "-targets", "_maps"];

/// Files beside images that are plainly none.
const NO_IMAGES: [&str; 16] = [
    "txt", "md", "json", "jsonl", "csv", "tsv", "toml", "xml", "yaml", "yml", "ini", "log", "zip", "db",
    "pdf", "html",
];

/// The image files of a folder, sorted by name; `path` may also be one file, or a folder and a pattern such as
/// `images/train_*`. `only` and `except` are patterns for file names.
pub(super) fn image_files(
    path: &Path,
    only: Option<&str>,
    except: Option<&str>,
) -> Result<Vec<PathBuf>, TrainingError> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let pattern = path.file_name().and_then(|n| n.to_str()).filter(|n| n.contains(['*', '?']));
    let folder = match (pattern, path.parent()) {
        (Some(_), Some(parent)) if parent.as_os_str().is_empty() => Path::new("."),
        (Some(_), Some(parent)) => parent,
        _ => path,
    };
    let io = |source| TrainingError::Io { path: folder.to_path_buf(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let fits = |wanted: Option<&str>| wanted.is_none_or(|pattern| matches(pattern, &name));
        let unwanted = except.is_some_and(|pattern| matches(pattern, &name));
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        let other = name.starts_with('.') || NO_IMAGES.contains(&extension.as_str());
        if !other && !unwanted && fits(pattern) && fits(only) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The folders inside a folder, sorted by name.
pub(super) fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let io = |source| TrainingError::Io { path: folder.to_path_buf(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// `*` stands for any characters, `?` for one; upper and lower case are one.
fn matches(pattern: &str, name: &str) -> bool {
    fn fits(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((&'*', rest)), _) => fits(rest, name) || (!name.is_empty() && fits(pattern, &name[1..])),
            (Some((&'?', rest)), Some((_, name))) => fits(rest, name),
            (Some((p, rest)), Some((n, name))) => p == n && fits(rest, name),
            _ => false,
        }
    }
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    fits(&lower(pattern), &lower(name))
}

/// The name without its extension and without ".ome".
fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    stem.strip_suffix(".ome").map_or(stem.clone(), str::to_owned)
}

/// The stem of the image that a mask (or map) is for.
fn image_stem<'a>(mask: &'a str, suffixes: &[&str]) -> &'a str {
    suffixes.iter().filter_map(|s| mask.strip_suffix(s)).min_by_key(|s| s.len()).unwrap_or(mask)
}

/// Images with their masks or maps, and a sentence for every image that has none or more than one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairs {
    pub pairs: Vec<(PathBuf, PathBuf)>,
    pub failures: Vec<String>,
}

impl Pairs {
    /// Matches by stem; a mask's may carry a suffix such as `_mask`. Where images and masks share a folder, files
    /// with a suffix are masks and the others images.
    pub(super) fn of(images: &[PathBuf], masks: &[PathBuf]) -> Self {
        Self::with(images, masks, "mask", &MASKS)
    }

    /// The same for maps of numbers.
    pub(super) fn with_maps(images: &[PathBuf], maps: &[PathBuf]) -> Self {
        Self::with(images, maps, "map of numbers", &MAPS)
    }

    fn with(images: &[PathBuf], masks: &[PathBuf], what: &str, suffixes: &[&str]) -> Self {
        let together = images.iter().any(|image| masks.contains(image));
        let has = |path: &Path, suffixes: &[&str]| image_stem(&stem(path), suffixes) != stem(path);
        let is_mask = |path: &Path| together && has(path, suffixes);
        let is_no_image = |path: &Path| together && (has(path, &MASKS) || has(path, &MAPS));
        let mut by_stem: BTreeMap<String, Vec<&PathBuf>> = BTreeMap::new();
        for mask in masks.iter().filter(|m| !together || is_mask(m)) {
            let name = stem(mask);
            by_stem.entry(image_stem(&name, suffixes).to_owned()).or_default().push(mask);
            if image_stem(&name, suffixes) != name {
                by_stem.entry(name).or_default().push(mask);
            }
        }
        let mut found = Self::default();
        for image in images.iter().filter(|i| !is_no_image(i)) {
            match by_stem.get(&stem(image)).map(Vec::as_slice) {
                None | Some([]) => {
                    found.failures.push(format!("No {what} for this image: {}", image.display()));
                }
                Some([mask]) => found.pairs.push((image.clone(), (*mask).clone())),
                Some([first, second, ..]) => found.failures.push(format!(
                    "Two {what}s for one image ({} and {}): {}",
                    first.display(),
                    second.display(),
                    image.display()
                )),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn masks_are_found_by_stem_with_or_without_a_suffix() {
        let images = paths(&["i/a.tif", "i/b.ome.tif", "i/c.png", "i/d_1.tif"]);
        let masks = paths(&["m/a_mask.tif", "m/b.png", "m/c-mask.ome.tif", "m/d_1.tif", "m/spare.png"]);
        let found = Pairs::of(&images, &masks);
        assert_eq!(found.failures, Vec::<String>::new());
        assert_eq!(found.pairs, images.into_iter().zip(masks).collect::<Vec<_>>());
    }

    #[test]
    fn an_image_without_a_mask_or_with_two_is_named() {
        let found = Pairs::of(&paths(&["i/a.tif", "i/b.tif"]), &paths(&["m/b.png", "m/b_mask.png"]));
        assert_eq!(found.pairs, []);
        assert_eq!(found.failures[0], "No mask for this image: i/a.tif");
        assert!(found.failures[1].starts_with("Two masks for one image (m/b.png and m/b_mask.png)"));
    }

    #[test]
    fn images_and_masks_may_share_a_folder() {
        let both = paths(&["f/a.tif", "f/a_mask.tif", "f/b.tif", "f/b_mask.tif"]);
        let found = Pairs::of(&both, &both);
        let expected = [("f/a.tif", "f/a_mask.tif"), ("f/b.tif", "f/b_mask.tif")];
        assert_eq!(found.pairs, expected.map(|(i, m)| (PathBuf::from(i), PathBuf::from(m))));
        assert!(found.failures.is_empty());
    }

    #[test]
    fn a_synthetic_folder_holds_images_labels_and_compositions() {
        let all = paths(&["f/a.tif", "f/a.composition.tif", "f/a.labels.tif"]);
        let (masks, maps) = (Pairs::of(&all, &all), Pairs::with_maps(&all, &all));
        assert_eq!((masks.failures.len(), maps.failures.len()), (0, 0));
        assert_eq!(masks.pairs, [(all[0].clone(), all[2].clone())]);
        assert_eq!(maps.pairs, [(all[0].clone(), all[1].clone())]);
        let none = Pairs::with_maps(&paths(&["i/a.tif"]), &paths(&["m/b.tif"]));
        assert_eq!(none.failures, ["No map of numbers for this image: i/a.tif"]);
    }

    #[test]
    fn folders_are_listed_by_pattern() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["train_1.png", "train_2.png", "valid_1.png", "notes.txt", ".hidden.png"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let names = |path: &Path, only, except| -> Vec<String> {
            let files = image_files(path, only, except).unwrap();
            files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(dir.path(), None, None), ["train_1.png", "train_2.png", "valid_1.png"]);
        assert_eq!(names(dir.path(), Some("TRAIN_*"), Some("*_2.*")), ["train_1.png"]);
        assert_eq!(names(&dir.path().join("valid_?.png"), None, None), ["valid_1.png"]);
        assert_eq!(names(&dir.path().join("train_1.png"), None, None), ["train_1.png"]);
        let missing = image_files(&dir.path().join("nowhere"), None, None).unwrap_err();
        assert!(matches!(missing, TrainingError::Io { .. }));
    }
}
