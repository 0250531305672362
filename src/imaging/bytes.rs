//! Reading parts of a file, with every offset held against its length before a byte is allocated.

use std::fs::File;
use std::io;
use std::path::Path;

use super::error::Fault;

/// Byte order of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// An unsigned number of up to eight bytes.
    pub(super) fn number(self, bytes: &[u8]) -> u64 {
        let add = |n: u64, &b: &u8| n << 8 | u64::from(b);
        match self {
            Self::Little => bytes.iter().rev().fold(0, add),
            Self::Big => bytes.iter().fold(0, add),
        }
    }

    /// True when this machine's numbers are so too.
    pub(super) fn is_native(self) -> bool {
        (self == Self::Little) == cfg!(target_endian = "little")
    }
}

/// An open file; reading it moves nothing, so that threads may share it.
#[derive(Debug)]
pub(super) struct Input {
    file: File,
    length: u64,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Fills `into` from `offset` on.
    pub(super) fn fill(&self, offset: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.check(offset, into.len() as u64)?;
        Ok(read_exact_at(&self.file, into, offset)?)
    }

    /// `length` bytes from `offset`, refused where the file has fewer.
    pub(super) fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
        self.check(offset, length)?;
        let mut bytes = vec![0; length as usize];
        read_exact_at(&self.file, &mut bytes, offset)?;
        Ok(bytes)
    }

    /// An unsigned number of `size` bytes, at most eight.
    pub(super) fn number(&self, offset: u64, size: u64, order: Order) -> Result<u64, Fault> {
        Ok(order.number(&self.bytes(offset, size)?))
    }

    /// Refuses what reaches beyond the end of the file.
    pub(super) fn check(&self, offset: u64, length: u64) -> Result<(), Fault> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => Ok(()),
            _ => {
                Err(Fault::Bad("The file is cut short or damaged: it refers to bytes beyond its end".into()))
            }
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !into.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, into, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        into = &mut into[count..];
        offset += count as u64;
    }
    Ok(())
}

/// A text of a fixed field: up to its first zero byte, without the spaces around it. What is not UTF-8 is Latin-1, in
/// which old files write the micro sign.
pub(super) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    let text = String::from_utf8(field[..end].to_vec());
    let text = text.unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect());
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bytes");
        std::fs::write(&path, [1, 2, 3, 4]).unwrap();
        let input = Input::open(&path).unwrap();
        assert_eq!(input.bytes(1, 3).unwrap(), [2, 3, 4]);
        assert_eq!(input.number(0, 2, Order::Big).unwrap(), 0x0102);
        for (offset, length) in [(0, 5), (4, 1), (u64::MAX, 1), (1, u64::MAX)] {
            assert!(matches!(input.bytes(offset, length), Err(Fault::Bad(_))), "{offset} {length}");
        }
    }

    #[test]
    fn a_text_ends_with_its_zero_and_may_be_latin_1() {
        assert_eq!((text(b" nm\0rest"), text(b"\xb5m ")), ("nm".into(), "µm".into()));
    }
}
