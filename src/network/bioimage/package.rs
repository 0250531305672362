//! The files of a package: a folder or a ZIP file, read by the names that its description gives and no others.

use crate::files::hex;
use crate::network::NetworkError;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};
use zip::ZipArchive;

/// What a description is called, the newer name first.
const DESCRIPTIONS: [&str; 5] = ["bioimageio.yaml", "rdf.yaml", "model.yaml", "bioimageio.yml", "rdf.yml"];
/// Longest description that is read, in bytes.
const MAX_DESCRIPTION: u64 = 4 << 20;
/// Unpacked bytes for every byte of file that DEFLATE reaches at most.
const MOST_EXPANSION: u64 = 1032;

/// A file of the package as its description names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileRef {
    pub(super) source: String,
    /// 64 hex digits, where the description gives them.
    pub(super) sha256: Option<String>,
}

/// Where the files are.
enum Place {
    Folder(PathBuf),
    Zip { archive: Box<ZipArchive<BufReader<File>>>, prefix: String },
}

/// An open package.
pub(super) struct Package {
    path: PathBuf,
    place: Place,
    /// The description as the YAML has it.
    pub(super) description: Value,
}

impl Package {
    /// Opens a ZIP file, a folder, or the description in a folder.
    pub(super) fn open(path: &Path) -> Result<Self, NetworkError> {
        let io = |source| NetworkError::Io { path: path.to_owned(), source };
        let wrong = |what: String| NetworkError::File { path: path.to_owned(), what };
        let (place, name) = if path.is_dir() {
            let found = DESCRIPTIONS.into_iter().find(|name| path.join(name).is_file());
            (Place::Folder(path.to_owned()), found.map(str::to_owned))
        } else if is_yaml(path) {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (Place::Folder(folder.to_owned()), name)
        } else {
            let file = File::open(path).map_err(io)?;
            let archive = ZipArchive::new(BufReader::new(file))
                .map_err(|error| wrong(format!("The package is no ZIP file, or a damaged one: {error}")))?;
            let (name, prefix) = description_in(&archive).unzip();
            let prefix = prefix.unwrap_or_default();
            (Place::Zip { archive: Box::new(archive), prefix }, name)
        };
        let mut package = Self { path: path.to_owned(), place, description: Value::Null };
        let name = name.ok_or_else(|| wrong("Not a package of bioimage.io: it has no rdf.yaml".into()))?;
        let bytes = package.bytes(&name, MAX_DESCRIPTION)?;
        let text = String::from_utf8(bytes).map_err(|_| wrong(format!("{name} is not UTF-8")))?;
        package.description =
            parse(&text).map_err(|error| wrong(format!("{name} cannot be read: {error}")))?;
        Ok(package)
    }

    /// The bytes of a file, held against its hash where there is one.
    pub(super) fn read(&mut self, file: &FileRef) -> Result<Vec<u8>, NetworkError> {
        let bytes = self.bytes(&file.source, u64::MAX)?;
        let found = hex(&Sha256::digest(&bytes));
        match &file.sha256 {
            Some(expected) if !expected.eq_ignore_ascii_case(&found) => Err(self.wrong(format!(
                "{} is not the file that was described: expected SHA-256 {expected}, found {found}",
                file.source
            ))),
            _ => Ok(bytes),
        }
    }

    pub(super) fn wrong(&self, what: String) -> NetworkError {
        NetworkError::File { path: self.path.clone(), what }
    }

    fn bytes(&mut self, source: &str, most: u64) -> Result<Vec<u8>, NetworkError> {
        let name = inside(source).map_err(|what| self.wrong(what))?;
        let path = self.path.clone();
        let wrong = |what: String| NetworkError::File { path: path.clone(), what };
        match &mut self.place {
            Place::Folder(folder) => in_folder(folder, &name, most).map_err(wrong),
            Place::Zip { archive, prefix } => {
                let length = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
                in_zip(archive, &format!("{prefix}{name}"), most, length).map_err(wrong)
            }
        }
    }
}

/// Whether a path is a folder or ZIP file with a description, or a description itself; nothing else is read of it.
#[must_use]
pub fn is_package(path: &Path) -> bool {
    if path.is_dir() {
        return DESCRIPTIONS.into_iter().any(|name| path.join(name).is_file());
    }
    let archive = || ZipArchive::new(BufReader::new(File::open(path).ok()?)).ok();
    is_yaml(path) || archive().is_some_and(|archive| description_in(&archive).is_some())
}

/// The YAML as JSON values; bounds on depth, aliases and nodes are the parser's.
fn parse(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"))
}

/// The description in a ZIP file, at its top or in its only folder, and what stands before its name.
fn description_in(archive: &ZipArchive<BufReader<File>>) -> Option<(String, String)> {
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let depth = |name: &str| name.matches('/').count();
    for wanted in DESCRIPTIONS {
        let fits = |name: &&String| {
            name.strip_suffix(wanted).is_some_and(|p| p.is_empty() || (p.ends_with('/') && depth(p) == 1))
        };
        if let Some(name) = names.iter().filter(fits).min_by_key(|name| depth(name)) {
            let prefix = name.strip_suffix(wanted).unwrap_or_default();
            return Some((wanted.to_owned(), prefix.to_owned()));
        }
    }
    None
}

/// A name within the package, with `/` between its parts; refuses addresses and ways out.
fn inside(source: &str) -> Result<String, String> {
    if source.contains("://") {
        return Err(format!("The package does not hold {source}, which would have to be downloaded"));
    }
    let mut parts = Vec::new();
    for part in Path::new(source).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            _ => return Err(format!("The package names a file outside of itself: {source}")),
        }
    }
    let plain = !parts.is_empty() && !source.contains(['\\', '\0', ':']);
    if plain { Ok(parts.join("/")) } else { Err(format!("The package names no file of its own: {source:?}")) }
}

fn in_folder(folder: &Path, name: &str, most: u64) -> Result<Vec<u8>, String> {
    let missing = |error: std::io::Error| format!("The package's file {name} cannot be read: {error}");
    let (root, file) = folder
        .canonicalize()
        .and_then(|root| Ok((root, folder.join(name).canonicalize()?)))
        .map_err(missing)?;
    // A link may lead out where the name does not.
    if !file.starts_with(&root) {
        return Err(format!("The package names a file outside of itself: {name}"));
    }
    let metadata = file.metadata().map_err(missing)?;
    if !metadata.is_file() || metadata.len() > most {
        return Err(format!("The package's {name} is no file, or too long"));
    }
    std::fs::read(file).map_err(missing)
}

fn in_zip(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    most: u64,
    file_length: u64,
) -> Result<Vec<u8>, String> {
    let damaged =
        |error: &dyn std::fmt::Display| format!("The package's file {name} cannot be read: {error}");
    let entry = archive.by_name(name).map_err(|error| damaged(&error))?;
    let (packed, size) = (entry.compressed_size(), entry.size());
    if size > most || packed > file_length || size > packed.saturating_mul(MOST_EXPANSION) {
        return Err(format!("The package claims {size} bytes for {name}"));
    }
    let mut bytes = Vec::new();
    entry.take(size.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
    if bytes.len() as u64 != size {
        return Err(format!("The package's file {name} is cut short"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_the_package_are_refused() {
        assert_eq!(inside("./weights/model.onnx").unwrap(), "weights/model.onnx");
        for bad in ["../x", "/etc/passwd", "a/../../x", "", ".", "C:\\x", "a\\b", "a\0b"] {
            assert!(inside(bad).is_err(), "{bad}");
        }
        let message = inside("https://example.org/weights.onnx").unwrap_err();
        assert!(message.ends_with("would have to be downloaded"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused() {
        let (outside, inside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), inside.path().join("link")).unwrap();
        std::fs::write(inside.path().join("own"), "y").unwrap();
        let message = in_folder(inside.path(), "link", 10).unwrap_err();
        assert_eq!(message, "The package names a file outside of itself: link");
        assert_eq!(in_folder(inside.path(), "own", 10).unwrap(), b"y");
        assert!(in_folder(inside.path(), "own", 0).is_err());
        assert!(in_folder(inside.path(), "none", 10).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn yaml_is_read_with_bounds() {
        let value = parse("id: y\nversion: 0.5.3\nrange: [-.inf, 1e-3]\nflag: no\n").unwrap();
        assert_eq!(value["id"], "y");
        assert_eq!(value["version"], "0.5.3");
        assert_eq!(value["range"], serde_json::json!(["-.inf", 1e-3]));
        assert_eq!(value["flag"], "no");
        assert!(parse(&"[".repeat(100_000)).is_err());
        let doubled = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, i| {
            format!("{text}a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1)
        });
        assert!(parse(&doubled).is_err());
    }
}
