//! Tables that name files and what they are: comma-separated values with a head, `file,class` for classifiers and `file`
//! with one column an output for regressors.
use super::TrainingError;
use super::classes::match_classes;
use crate::network::ClassInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Most lines that are read.
const MOST_LINES: usize = 1_000_000;

/// A table whose every line has a file.
struct Table {
    path: PathBuf,
    head: Vec<String>,
    /// Line number in the file, the file's path, and all fields.
    lines: Vec<(u64, PathBuf, Vec<String>)>,
}

/// Whether a path means a table rather than a folder or a picture.
pub(super) fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

/// The files of each line with their class; paths start from the table's own folder.
pub(super) fn classes_of(
    path: &Path,
    classes: &[ClassInfo],
    map: &BTreeMap<String, String>,
) -> Result<Vec<(PathBuf, u8)>, TrainingError> {
    let table = Table::read(path)?;
    let column = table.column("class")?;
    let mut matched: BTreeMap<&str, u8> = BTreeMap::new();
    let named: BTreeSet<&str> = table.lines.iter().map(|(_, _, fields)| fields[column].as_str()).collect();
    if let Some(name) = map.keys().find(|name| !named.iter().any(|n| n.eq_ignore_ascii_case(name))) {
        return Err(table.bad(format!("map names \"{name}\", which no line has as its class")));
    }
    let mut found = Vec::with_capacity(table.lines.len());
    for (line, file, fields) in &table.lines {
        let name = fields[column].as_str();
        let class = if let Some(class) = matched.get(name) {
            *class
        } else {
            let own = map.iter().filter(|(from, _)| from.eq_ignore_ascii_case(name));
            let own = own.map(|(from, to)| (from.clone(), to.clone())).collect();
            let class = match_classes(&[name], &own, classes)
                .map_err(|what| table.bad(format!("Line {line}: {what}")))?;
            matched.insert(name, class[0]);
            class[0]
        };
        found.push((file.clone(), class));
    }
    Ok(found)
}

/// The names of the classes in a table, sorted.
pub(super) fn class_names(path: &Path) -> Result<Vec<String>, TrainingError> {
    let table = Table::read(path)?;
    let column = table.column("class")?;
    let names: BTreeSet<&String> = table.lines.iter().map(|(_, _, fields)| &fields[column]).collect();
    Ok(names.into_iter().cloned().collect())
}

/// The files of each line with their numbers, one an output by its name; an empty field is a number that is not known.
pub(super) fn numbers_of(
    path: &Path,
    outputs: &[ClassInfo],
) -> Result<Vec<(PathBuf, Vec<f32>)>, TrainingError> {
    let table = Table::read(path)?;
    let columns: Vec<usize> =
        outputs.iter().map(|output| table.column(&output.name)).collect::<Result<_, _>>()?;
    let number = |line: u64, column: usize, field: &str| {
        if field.trim().is_empty() {
            return Ok(f32::NAN);
        }
        let value = field.trim().parse::<f32>().ok().filter(|value| value.is_finite());
        value.ok_or_else(|| {
            table.bad(format!("Line {line}: expected a number as {}, found \"{field}\"", table.head[column]))
        })
    };
    let one = |(line, file, fields): &(u64, PathBuf, Vec<String>)| {
        let numbers = columns.iter().map(|&column| number(*line, column, &fields[column]));
        Ok((file.clone(), numbers.collect::<Result<_, _>>()?))
    };
    table.lines.iter().map(one).collect()
}

/// The files that a table names.
pub(super) fn files_of(path: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    Ok(Table::read(path)?.lines.into_iter().map(|(_, file, _)| file).collect())
}

/// The names of a table's columns but the first, `file`.
pub(super) fn output_names(path: &Path) -> Result<Vec<String>, TrainingError> {
    let table = Table::read(path)?;
    let file = table.column("file")?;
    let others = table.head.iter().enumerate().filter(|(column, _)| *column != file);
    Ok(others.map(|(_, name)| name.clone()).collect())
}

impl Table {
    fn read(path: &Path) -> Result<Self, TrainingError> {
        let bad = |what: String| TrainingError::Bad { path: path.to_path_buf(), what };
        let text = std::fs::read_to_string(path)
            .map_err(|source| TrainingError::Io { path: path.to_path_buf(), source })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let broken = |error: csv::Error| bad(format!("Not a table of comma-separated values ({error})"));
        let head: Vec<String> = reader.headers().map_err(broken)?.iter().map(str::to_owned).collect();
        let mut table = Self { path: path.to_path_buf(), head, lines: Vec::new() };
        let column = table.column("file")?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut seen = BTreeSet::new();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let line = record.position().map_or(0, csv::Position::line);
            let fields: Vec<String> = record.iter().map(str::to_owned).collect();
            let name = &fields[column];
            if name.is_empty() {
                return Err(bad(format!("Line {line} names no file")));
            }
            if !seen.insert(name.clone()) {
                return Err(bad(format!("Line {line} names {name} a second time")));
            }
            table.lines.push((line, folder.join(name), fields));
            if table.lines.len() > MOST_LINES {
                return Err(bad(format!("There are more than {MOST_LINES} lines")));
            }
        }
        if table.lines.is_empty() {
            return Err(bad("There is no line below the head".to_owned()));
        }
        Ok(table)
    }

    /// Where a column of that name stands; upper and lower case are one.
    fn column(&self, name: &str) -> Result<usize, TrainingError> {
        let mut found = (0..self.head.len()).filter(|&column| self.head[column].eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column),
            (Some(_), Some(_)) => Err(self.bad(format!("Two columns are called {name}"))),
            (None, _) => {
                let there = self.head.join(", ");
                Err(self.bad(format!("There is no column {name}; there are {there}")))
            }
        }
    }

    fn bad(&self, what: String) -> TrainingError {
        TrainingError::Bad { path: self.path.clone(), what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infos(names: &[&str]) -> Vec<ClassInfo> {
        names.iter().map(|name| ClassInfo { name: (*name).to_owned(), colour: [0; 3] }).collect()
    }

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn files_have_classes_by_name_and_start_from_the_table_s_folder() {
        let (dir, path) =
            written("\u{feff}file,grade, Class\na.png,1, Dog\nsub/b.tif,2,cat\n\"c,d.png\",2,dirt\n");
        let map = BTreeMap::from([("dirt".to_owned(), "ignore".to_owned())]);
        let found = classes_of(&path, &infos(&["cat", "dog"]), &map).unwrap();
        let expected = [("a.png", 1), ("sub/b.tif", 0), ("c,d.png", crate::analysis::IGNORE)];
        assert_eq!(found, expected.map(|(file, class)| (dir.path().join(file), class)));
        assert_eq!(class_names(&path).unwrap(), ["Dog", "cat", "dirt"]);
        assert_eq!(output_names(&path).unwrap(), ["grade", "Class"]);
    }

    #[test]
    fn files_have_numbers_by_the_outputs_names() {
        let (dir, path) = written("file,Ni,Fe\na.png,0.25,1e-1\nb.png,,2\n");
        let found = numbers_of(&path, &infos(&["Fe", "Ni"])).unwrap();
        assert_eq!(found[0], (dir.path().join("a.png"), vec![0.1, 0.25]));
        assert!(found[1].1[1].is_nan() && found[1].1[0] == 2.0);
    }

    #[test]
    fn what_a_table_lacks_is_said_with_the_line() {
        let check = |text: &str, expected: &str| {
            let (_dir, path) = written(text);
            let message =
                classes_of(&path, &infos(&["cat", "dog"]), &BTreeMap::new()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.ends_with(&format!(": {}", path.display())), "{message}");
        };
        check("path,class\na,cat\n", "There is no column file; there are path, class");
        check("file,kind\na,cat\n", "There is no column class; there are file, kind");
        check("file,class,Class\na,cat,dog\n", "Two columns are called class");
        check("file,class\n", "no line below the head");
        check("file,class\na,cat\nb,horse\n", "Line 3: The labels' class \"horse\" is none of the network's");
        check("file,class\na,cat\n,dog\n", "Line 3 names no file");
        check("file,class\na,cat\na,dog\n", "Line 3 names a a second time");
        check("file,class\na,cat,more\n", "Not a table of comma-separated values");
        let (_dir, path) = written("file,Ni\na,much\n");
        let message = numbers_of(&path, &infos(&["Ni"])).unwrap_err().to_string();
        assert!(message.starts_with("Line 2: expected a number as Ni, found \"much\""), "{message}");
        assert!(matches!(files_of(Path::new("/nowhere.csv")), Err(TrainingError::Io { .. })));
    }
}
