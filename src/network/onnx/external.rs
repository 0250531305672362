//! Numbers that stand in a file beside the model: inside its folder only, and no more than that file holds.

use super::proto::TensorProto;
use super::{Refused, refuse};
use prost::bytes::Bytes;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// The folder a model stands in.
pub(super) struct Outside {
    folder: PathBuf,
}

impl Outside {
    /// The folder of that model file.
    pub(super) fn of(model: &Path) -> Self {
        let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self { folder: folder.unwrap_or(Path::new(".")).to_owned() }
    }

    /// A tensor's bytes.
    pub(super) fn read(&self, tensor: &TensorProto) -> Result<Bytes, Refused> {
        let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key);
        let number = |key: &str| match entry(key).map(|entry| entry.value.parse::<u64>()) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => refuse(format!("the {key} of {} is no number", tensor.name)),
        };
        let Some(location) = entry("location") else {
            return refuse(format!("{} does not say which file its numbers stand in", tensor.name));
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let path = self.inside(&location.value)?;
        read(&path, offset, length)
            .map_err(|Refused(what)| Refused(format!("the numbers of {}: {what}", tensor.name)))
    }

    /// The place of a file inside the folder; links that lead out of it are refused too.
    fn inside(&self, location: &str) -> Result<PathBuf, Refused> {
        let relative = Path::new(location);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || location.contains('\\') || !relative.components().all(plain) {
            return refuse(format!("{location:?} leads out of the model's folder"));
        }
        let path = self.folder.join(relative);
        let missing = |error: std::io::Error| Refused(format!("{error}: {}", path.display()));
        let (real, folder) =
            (path.canonicalize().map_err(missing)?, self.folder.canonicalize().map_err(missing)?);
        if !real.starts_with(&folder) || !real.is_file() {
            return refuse(format!("{location:?} leads out of the model's folder, or is no file"));
        }
        Ok(real)
    }
}

fn read(path: &Path, offset: u64, length: Option<u64>) -> Result<Bytes, Refused> {
    let failed = |error: std::io::Error| Refused(format!("{error}: {}", path.display()));
    let mut file = File::open(path).map_err(failed)?;
    let whole = file.metadata().map_err(failed)?.len();
    let rest = whole.saturating_sub(offset);
    let length = length.unwrap_or(rest);
    if length > rest {
        return refuse(format!(
            "{length} bytes from {offset} on, in a file of {whole} bytes: {}",
            path.display()
        ));
    }
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes).map_err(failed)?;
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::proto::StringStringEntryProto;
    use super::*;

    fn tensor(entries: &[(&str, &str)]) -> TensorProto {
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        TensorProto {
            name: "w".into(),
            external_data: entries.iter().map(entry).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn only_what_lies_in_the_folder_and_in_the_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("model");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("w.bin"), [1, 2, 3, 4, 5]).unwrap();
        std::fs::write(dir.path().join("secret"), [9; 5]).unwrap();
        let outside = Outside::of(&folder.join("m.onnx"));
        let good = tensor(&[("location", "w.bin"), ("offset", "1"), ("length", "3")]);
        assert_eq!(outside.read(&good).unwrap()[..], [2, 3, 4]);
        assert_eq!(outside.read(&tensor(&[("location", "w.bin"), ("offset", "4")])).unwrap()[..], [5]);
        let says = |entries: &[(&str, &str)], expected: &str| {
            let Refused(what) = outside.read(&tensor(entries)).unwrap_err();
            assert!(what.contains(expected), "{what:?} does not say {expected:?}");
        };
        says(&[], "which file");
        says(&[("location", "../secret")], "leads out");
        says(&[("location", "/etc/passwd")], "leads out");
        says(&[("location", "a/../../secret")], "leads out");
        says(&[("location", "none.bin")], "none.bin");
        says(&[("location", "w.bin"), ("length", "6")], "6 bytes from 0 on, in a file of 5");
        says(&[("location", "w.bin"), ("offset", "99"), ("length", "1")], "in a file of 5");
        says(&[("location", "w.bin"), ("length", "1152921504606846976")], "in a file of 5");
        says(&[("location", "w.bin"), ("offset", "-1")], "no number");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret"), folder.join("link")).unwrap();
            says(&[("location", "link")], "leads out");
        }
    }
}
