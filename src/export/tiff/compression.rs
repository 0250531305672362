//! How the samples of a TIFF are packed.

use std::borrow::Cow;
use std::io;

use tiff::encoder::compression::{CompressionAlgorithm, Deflate, Lzw};

/// Compressions that TIFFs are written with; all of them keep every value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// What every program reads, and the only one for ImageJ's hyperstacks.
    #[default]
    None,
    Deflate,
    /// The fastest; older programs cannot read it.
    Zstd,
    Lzw,
}

impl Compression {
    pub const ALL: [Self; 4] = [Self::None, Self::Deflate, Self::Zstd, Self::Lzw];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Lzw => "lzw",
        }
    }

    /// Number in the compression tag (TIFF 6.0; Adobe technote 3; libtiff for Zstandard).
    pub(super) fn tag(self) -> u16 {
        match self {
            Self::None => 1,
            Self::Lzw => 5,
            Self::Deflate => 8,
            Self::Zstd => 50000,
        }
    }

    pub(super) fn pack(self, bytes: &[u8]) -> io::Result<Cow<'_, [u8]>> {
        let mut packed = Vec::new();
        match self {
            Self::None => return Ok(Cow::Borrowed(bytes)),
            Self::Deflate => {
                Deflate::default().write_to(&mut packed, bytes)?;
            }
            Self::Lzw => {
                Lzw.write_to(&mut packed, bytes)?;
            }
            Self::Zstd => packed = zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL)?,
        }
        Ok(Cow::Owned(packed))
    }

    /// The most that `bytes` may become: noise does not shrink.
    pub(super) fn most(self, bytes: u64) -> u64 {
        match self {
            Self::None => bytes,
            Self::Deflate | Self::Zstd => bytes.saturating_add(bytes / 256),
            Self::Lzw => bytes.saturating_add(bytes / 2),
        }
    }
}
