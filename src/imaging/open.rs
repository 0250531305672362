//! Which reader a file needs, told by its first bytes and never by its name.

use std::io;
use std::path::Path;

use super::error::Fault;
use super::format::{FORMATS, Format, Start};
use super::{ImagingError, Micrograph};

/// Opens a file; every group of planes of equal shape is one series. Never empty.
///
/// Only the layout is read here; planes follow when they are asked for.
///
/// # Errors
/// Bad, unsupported or unreadable files, each by name.
pub fn open(path: &Path) -> Result<Vec<Micrograph>, ImagingError> {
    format_of(path).map_err(|fault| fault.at(path))?.open(path)
}

/// Endings of the names of files that can be opened, lower case, format by format.
pub fn endings() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    FORMATS.iter().map(|format| (format.name(), format.endings()))
}

fn format_of(path: &Path) -> Result<&'static dyn Format, Fault> {
    let about = std::fs::metadata(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Fault::Io(io::Error::new(e.kind(), "There is no such file")),
        _ => Fault::Io(e),
    })?;
    if about.is_dir() {
        return Err(Fault::Bad("This is a folder, not an image file".into()));
    }
    let start = Start::read(path)?;
    if start.length == 0 {
        return Err(Fault::Bad("The file is empty".into()));
    }
    FORMATS.iter().find(|format| format.recognises(&start)).copied().ok_or_else(|| unknown(path))
}

/// A known ending on unknown bytes is a bad file, anything else a format without a reader.
fn unknown(path: &Path) -> Fault {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if let Some(format) = FORMATS.iter().find(|format| format.endings().contains(&ending.as_str())) {
        return Fault::Bad(format!(
            "Named .{ending}, but the content is not that of {} files",
            format.name()
        ));
    }
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    Fault::Unsupported(format!("Not a file that can be read, which are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_said_in_one_message() {
        let dir = tempfile::tempdir().unwrap();
        let cases: [(&str, &[u8], &str); 4] = [
            ("empty.tif", b"", "The file is empty"),
            ("notes.tif", b"Dear diary", "Named .tif, but the content is not that of TIFF files"),
            ("notes.PNG", b"Dear diary", "Named .png, but the content is not that of PNG files"),
            ("photo.jpg", b"\x89", "Named .jpg, but the content is not that of JPEG files"),
        ];
        for (name, content, expected) in cases {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            let message = open(&path).unwrap_err().to_string();
            assert_eq!(message, format!("{expected}: {}", path.display()));
        }
        let path = dir.path().join("diary.txt");
        std::fs::write(&path, "Dear diary").unwrap();
        let message = open(&path).unwrap_err().to_string();
        assert!(message.starts_with("Not a file that can be read, which are TIFF, "), "{message}");
        let folder = open(dir.path()).unwrap_err().to_string();
        assert!(folder.starts_with("This is a folder, not an image file: "), "{folder}");
        let missing = open(&dir.path().join("nothing.tif")).unwrap_err();
        assert!(matches!(missing, ImagingError::Io { .. }));
        assert!(missing.to_string().starts_with("There is no such file: "), "{missing}");
    }
}
