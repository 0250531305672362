//! Files that appear whole or not at all, the hash that names them, and where the program's own folders are.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Writes `path` whole or not at all: `write` fills a temporary file beside it, which then takes its name.
///
/// # Errors
/// Whatever `write` or the file system says; an existing file at `path` is then still there, unchanged.
pub fn write_whole<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".polepiece-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask still applies, as to any file a program writes.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    let mut buffered = BufWriter::with_capacity(1 << 20, file.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// SHA-256 of a file's bytes, as 64 hex digits.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The folders called `name` (such as `models` or `sample_data`) that belong to the program, first found first: beside the
/// working folder, beside the program and up to three folders above it, and in the user's data folder.
/// The environment variable `POLEPIECE_HOME` goes before all of them.
#[must_use]
pub fn program_folders(name: &str) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = std::env::var_os("POLEPIECE_HOME").map(PathBuf::from).into_iter().collect();
    roots.extend(std::env::current_dir());
    if let Ok(program) = std::env::current_exe() {
        roots.extend(program.ancestors().skip(1).take(4).map(Path::to_path_buf));
    }
    if let Some(dirs) = directories::ProjectDirs::from("", "", "polepiece") {
        roots.push(dirs.data_dir().to_path_buf());
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in roots.into_iter().map(|root| root.join(name)).filter(|folder| folder.is_dir()) {
        let same = |seen: &PathBuf| seen.canonicalize().ok() == folder.canonicalize().ok();
        if !found.iter().any(same) {
            found.push(folder);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mask.tif");
        write_whole(&path, |w| w.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |w| {
            w.write_all(b"half of the new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn the_hash_is_sha256() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of_file(&path).unwrap(), expected);
    }
}
