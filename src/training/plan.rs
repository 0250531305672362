//! What will be loaded, one entry a frame, with its size: known before the images are loaded.
use super::classes::match_classes;
use super::pairs::{Pairs, image_files, subfolders};
use super::table;
use super::{LabelScheme, Recipe, Side, Source, TrainOptions, TrainingError};
use crate::imaging::{self, InfoBar, InfoBarChoice, Micrograph};
use crate::network::{ClassInfo, Task};
use crate::synth::Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where one image comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Origin {
    Synthetic {
        kind: Kind,
        seed: u64,
        index: u64,
        size: [usize; 2],
    },
    File {
        image: PathBuf,
        mask: Option<PathBuf>,
        frame: usize,
        piece: Option<[usize; 4]>,
        info_bar: Option<InfoBar>,
    },
}

/// How the labels of a source become the network's classes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Labels {
    /// Synthetic label maps: the network's class of each of theirs.
    Synthetic(Vec<u8>),
    Masks {
        scheme: LabelScheme,
        classes: Vec<u8>,
    },
    Class(u8),
    /// Maps of the outputs of these names: a synthetic image's composition, or a file beside the image.
    Maps(Vec<String>),
    /// One an output, of the whole image.
    Numbers(Vec<f32>),
}

/// One image to load.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub source: usize,
    pub origin: Origin,
    pub labels: Arc<Labels>,
    /// Of the specimen, `[y, x]`.
    pub size: [usize; 2],
}

/// All images of some sources, and a sentence for each file that cannot be used.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub entries: Vec<Entry>,
    pub failures: Vec<String>,
}

/// Finds the images of a recipe's sources.
pub(super) struct Planner<'a> {
    task: Task,
    classes: Vec<ClassInfo>,
    /// Where data paths start from.
    root: PathBuf,
    /// Where the schemes' paths start from.
    folder: &'a Path,
    info_bar: InfoBarChoice,
}

impl<'a> Planner<'a> {
    pub(super) fn new(recipe: &'a Recipe, options: &TrainOptions) -> Self {
        let root = options.data_root.clone().unwrap_or_else(|| recipe.folder.join(&recipe.data));
        let info_bar = options.info_bar;
        Self { task: recipe.task, classes: recipe.classes(), root, folder: &recipe.folder, info_bar }
    }

    /// Entries are in the order of the sources, and in each in that of the file names.
    pub(super) fn plan(&self, sources: &[Source]) -> Result<Plan, TrainingError> {
        let mut plan = Plan::default();
        for (index, source) in sources.iter().enumerate() {
            let before = (plan.entries.len(), plan.failures.len());
            if let Some(kind) = source.synth {
                self.add_synthetic(&mut plan, index, source, kind)?;
            } else if let Some(images) = &source.images {
                self.add_files(&mut plan, index, source, &self.root.join(images))?;
            } else if let Some(folders) = &source.folders {
                self.add_folders(&mut plan, index, source, &self.root.join(folders))?;
            } else if let Some(path) = &source.table {
                self.add_table(&mut plan, index, source, &self.root.join(path))?;
            }
            if plan.entries.len() == before.0 {
                let why = plan.failures.get(before.1).map(|f| format!("; {f}")).unwrap_or_default();
                let what = format!("No image of \"{}\" can be used{why}", source.title());
                return Err(TrainingError::Data(what));
            }
        }
        Ok(plan)
    }

    fn matched(
        &self,
        names: &[&str],
        map: &BTreeMap<String, String>,
        at: &Path,
    ) -> Result<Vec<u8>, TrainingError> {
        match_classes(names, map, &self.classes)
            .map_err(|what| TrainingError::Bad { path: at.to_path_buf(), what })
    }

    fn class_named(&self, name: &str) -> Option<u8> {
        self.classes.iter().position(|c| c.name.eq_ignore_ascii_case(name)).map(|index| index as u8)
    }

    fn add_synthetic(
        &self,
        plan: &mut Plan,
        source: usize,
        spec: &Source,
        kind: Kind,
    ) -> Result<(), TrainingError> {
        let labels = if let Some(name) = &spec.class {
            Labels::Class(self.class_named(name).unwrap_or(0))
        } else if self.task == Task::Regress {
            Labels::Maps(self.elements_of(kind)?)
        } else {
            let names: Vec<&str> = kind.classes().into_iter().map(|(name, _)| name).collect();
            Labels::Synthetic(match_classes(&names, &spec.map, &self.classes).map_err(TrainingError::Data)?)
        };
        let (labels, Side(size)) = (Arc::new(labels), spec.size.unwrap_or(Side([256, 256])));
        let seed = spec.seed.unwrap_or(0);
        for index in 0..spec.count.unwrap_or(1) as u64 {
            let origin = Origin::Synthetic { kind, seed, index, size };
            plan.entries.push(Entry { source, origin, labels: Arc::clone(&labels), size });
        }
        Ok(())
    }

    /// The outputs' names, each of which must be an element of the kind's composition.
    fn elements_of(&self, kind: Kind) -> Result<Vec<String>, TrainingError> {
        let names: Vec<String> = self.classes.iter().map(|output| output.name.clone()).collect();
        match names.iter().find(|name| !kind.elements().contains(&name.as_str())) {
            Some(name) => Err(TrainingError::Data(format!(
                "Synthetic {} maps have no share of {name}; there are {}",
                kind.name(),
                kind.elements().join(", ")
            ))),
            None => Ok(names),
        }
    }

    fn add_files(
        &self,
        plan: &mut Plan,
        source: usize,
        spec: &Source,
        images: &Path,
    ) -> Result<(), TrainingError> {
        let files = image_files(images, spec.only.as_deref(), spec.except.as_deref())?;
        if self.task == Task::Classify {
            let class = spec.class.as_deref().and_then(|name| self.class_named(name)).unwrap_or(0);
            let labels = Arc::new(Labels::Class(class));
            for file in files {
                self.add_frames(plan, (source, &labels), (&file, None), spec.pieces);
            }
            return Ok(());
        }
        if self.task == Task::Regress {
            let targets = self.root.join(spec.targets.as_deref().unwrap_or(Path::new("")));
            let names = self.classes.iter().map(|output| output.name.clone()).collect();
            let labels = Arc::new(Labels::Maps(names));
            let pairs = Pairs::with_maps(&files, &image_files(&targets, None, None)?);
            plan.failures.extend(pairs.failures);
            for (image, maps) in pairs.pairs {
                self.add_frames(plan, (source, &labels), (&image, Some(&maps)), None);
            }
            return Ok(());
        }
        let masks = self.root.join(spec.masks.as_deref().unwrap_or(Path::new("")));
        let (scheme, at) = match &spec.scheme {
            Some(path) => (LabelScheme::load(&self.folder.join(path))?, self.folder.join(path)),
            None => (LabelScheme::of_classes(&self.classes), masks.clone()),
        };
        let names: Vec<&str> = scheme.classes.iter().map(|c| c.name.as_str()).collect();
        let classes = self.matched(&names, &spec.map, &at)?;
        let labels = Arc::new(Labels::Masks { scheme, classes });
        let pairs = Pairs::of(&files, &image_files(&masks, None, None)?);
        plan.failures.extend(pairs.failures);
        for (image, mask) in pairs.pairs {
            self.add_frames(plan, (source, &labels), (&image, Some(&mask)), None);
        }
        Ok(())
    }

    fn add_folders(
        &self,
        plan: &mut Plan,
        source: usize,
        spec: &Source,
        folder: &Path,
    ) -> Result<(), TrainingError> {
        for (class, files) in class_folders(folder, &self.classes, &spec.map)? {
            let labels = Arc::new(Labels::Class(class));
            for file in files {
                self.add_frames(plan, (source, &labels), (&file, None), spec.pieces);
            }
        }
        Ok(())
    }

    fn add_table(
        &self,
        plan: &mut Plan,
        source: usize,
        spec: &Source,
        path: &Path,
    ) -> Result<(), TrainingError> {
        let files: Vec<(PathBuf, Labels)> = if self.task == Task::Regress {
            let numbers = table::numbers_of(path, &self.classes)?;
            numbers.into_iter().map(|(file, numbers)| (file, Labels::Numbers(numbers))).collect()
        } else {
            let classes = table::classes_of(path, &self.classes, &spec.map)?.into_iter();
            let kept = classes.filter(|(_, class)| usize::from(*class) < self.classes.len());
            kept.map(|(file, class)| (file, Labels::Class(class))).collect()
        };
        for (file, labels) in files {
            self.add_frames(plan, (source, &Arc::new(labels)), (&file, None), spec.pieces);
        }
        Ok(())
    }

    /// One entry for every frame (and piece) of a file; a file that cannot be opened is a failure of the plan.
    fn add_frames(
        &self,
        plan: &mut Plan,
        (source, labels): (usize, &Arc<Labels>),
        (image, mask): (&Path, Option<&Path>),
        pieces: Option<Side>,
    ) {
        let micrograph = match open_image(image, self.info_bar) {
            Ok(micrograph) => micrograph,
            Err(e) => return plan.failures.push(e.to_string()),
        };
        let size = [micrograph.specimen_rows().len(), micrograph.width()];
        for frame in 0..micrograph.frames() {
            for piece in pieces_of(size, pieces) {
                let size = piece.map_or(size, |[_, _, h, w]| [h, w]);
                let mask = mask.map(Path::to_path_buf);
                let (image, info_bar) = (image.to_path_buf(), micrograph.info_bar().cloned());
                let origin = Origin::File { image, mask, frame, piece, info_bar };
                plan.entries.push(Entry { source, origin, labels: Arc::clone(labels), size });
            }
        }
    }
}

/// The image files of each folder in `folder`, by the class the folder is named after.
pub(super) fn class_folders(
    folder: &Path,
    classes: &[ClassInfo],
    map: &BTreeMap<String, String>,
) -> Result<Vec<(u8, Vec<PathBuf>)>, TrainingError> {
    let folders = subfolders(folder)?;
    let names: Vec<String> =
        folders.iter().filter_map(|f| Some(f.file_name()?.to_string_lossy().into_owned())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = match_classes(&names, map, classes)
        .map_err(|what| TrainingError::Bad { path: folder.to_path_buf(), what })?;
    let wanted = folders.iter().zip(found).filter(|(_, class)| usize::from(*class) < classes.len());
    wanted.map(|(folder, class)| Ok((class, image_files(folder, None, None)?))).collect()
}

pub(super) fn open_first(path: &Path) -> Result<Micrograph, TrainingError> {
    let none = || TrainingError::Bad { path: path.to_path_buf(), what: "No image in the file".to_owned() };
    imaging::open(path)?.into_iter().next().ok_or_else(none)
}

/// The same, knowing which rows of it are an info bar. Masks are opened without: they are no pictures.
pub(super) fn open_image(path: &Path, info_bar: InfoBarChoice) -> Result<Micrograph, TrainingError> {
    open_first(path).map(|micrograph| micrograph.choosing_info_bar(info_bar))
}

/// Top, left, height and width of whole pieces; the image itself when it is smaller than one.
fn pieces_of([height, width]: [usize; 2], side: Option<Side>) -> Vec<Option<[usize; 4]>> {
    let Some(Side([h, w])) = side.filter(|Side([h, w])| *h <= height && *w <= width) else {
        return vec![None];
    };
    let tops = (0..height / h).map(|i| i * h);
    tops.flat_map(|top| (0..width / w).map(move |i| Some([top, i * w, h, w]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole() {
        let pieces = pieces_of([100, 70], Some(Side([40, 30])));
        let expected = [[0, 0], [0, 30], [40, 0], [40, 30]].map(|[y, x]| Some([y, x, 40, 30]));
        assert_eq!(pieces, expected);
        assert_eq!(pieces_of([30, 70], Some(Side([40, 30]))), [None]);
    }

    #[test]
    fn folders_are_classes_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["cat", "dog"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            std::fs::write(dir.path().join(name).join("1.png"), "").unwrap();
        }
        let classes = ["dog", "cat"].map(|n| ClassInfo { name: n.to_owned(), colour: [0; 3] });
        let found = class_folders(dir.path(), &classes, &BTreeMap::new()).unwrap();
        assert_eq!(
            found.iter().map(|(class, files)| (*class, files.len())).collect::<Vec<_>>(),
            [(1, 1), (0, 1)]
        );
        let message = class_folders(dir.path(), &classes[..1], &BTreeMap::new()).unwrap_err().to_string();
        assert!(message.contains("\"cat\" is none of the network's (dog)"), "{message}");
    }
}
