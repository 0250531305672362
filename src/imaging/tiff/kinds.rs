//! The kinds of samples, colours and compressions that can be read, and the names of those that cannot.

use super::super::SampleType;
use super::super::error::Fault;
use super::directory::{Container, Directory, tag};

/// What the samples of a pixel are (TIFF 6.0, page 37).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Photometric {
    /// Also palette indices: the stored number is the value.
    Grey,
    Rgb,
    /// Stored as JPEG; comes out as RGB.
    YCbCr,
    Cmyk,
}

/// The compressions that can be read, by their numbers in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Compression {
    None,
    Fax(Fax),
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
    Zstd,
}

/// The forms of CCITT fax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fax {
    /// Group 3: every line is coded alone.
    Alone,
    /// Group 3: lines say whether they are coded alone or by the line before.
    Either,
    /// Group 4: every line is coded by the line before.
    ByLineBefore,
}

/// Difference coding before compression (TIFF 6.0, section 14; Adobe TIFF technote 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    Horizontal,
    FloatingPoint,
}

/// Bits per sample and the type they are read as: unsigned numbers of odd width in the next larger type.
pub(super) fn sample_type(file: &Container, ifd: &Directory) -> Result<(usize, SampleType), Fault> {
    let all_bits = file.numbers(ifd, tag::BITS_PER_SAMPLE)?;
    let bits = all_bits.first().copied().unwrap_or(1);
    if all_bits.iter().any(|&b| b != bits) {
        return Err(Fault::Unsupported(format!(
            "A TIFF whose samples have different depths ({all_bits:?} bits)"
        )));
    }
    let formats = file.numbers(ifd, tag::SAMPLE_FORMAT)?;
    let format = formats.first().copied().unwrap_or(1);
    if formats.iter().any(|&f| f != format) {
        return Err(Fault::Unsupported("A TIFF whose samples have different formats".into()));
    }
    let kind = match (format, bits) {
        // 4 is "undefined", to be read as unsigned numbers (TIFF 6.0, page 80).
        (1 | 4, 1) => SampleType::Bool,
        (1 | 4, 2..=8) => SampleType::U8,
        (1 | 4, 9..=16) => SampleType::U16,
        (1 | 4, 17..=32) => SampleType::U32,
        (1 | 4, 33..=64) => SampleType::U64,
        (2, 8) => SampleType::I8,
        (2, 16) => SampleType::I16,
        (2, 32) => SampleType::I32,
        (2, 64) => SampleType::I64,
        (3, 16) => SampleType::F16,
        (3, 32) => SampleType::F32,
        (3, 64) => SampleType::F64,
        (5 | 6, _) => return Err(Fault::Unsupported("Complex numbers in a TIFF".into())),
        _ => {
            let name = ["unsigned", "signed", "floating-point"].get((format as usize).wrapping_sub(1));
            let name = name.copied().unwrap_or("unknown");
            return Err(Fault::Unsupported(format!("TIFF samples of {bits} bits ({name})")));
        }
    };
    Ok((bits as usize, kind))
}

/// The compression of a tag's number; `options` are those of Group 3 fax (TIFF 6.0, page 51).
pub(super) fn compression(number: u64, options: u64) -> Result<Compression, Fault> {
    let name = match number {
        1 => return Ok(Compression::None),
        3 if options & 2 != 0 => "CCITT Group 3 fax, uncompressed mode",
        3 if options & 1 != 0 => return Ok(Compression::Fax(Fax::Either)),
        3 => return Ok(Compression::Fax(Fax::Alone)),
        4 => return Ok(Compression::Fax(Fax::ByLineBefore)),
        5 => return Ok(Compression::Lzw),
        7 => return Ok(Compression::Jpeg),
        8 | 32946 => return Ok(Compression::Deflate),
        32773 => return Ok(Compression::PackBits),
        50000 => return Ok(Compression::Zstd),
        2 => "CCITT run-length",
        6 => "old-style JPEG",
        32809 => "ThunderScan",
        33003 | 33005 | 34712 => "JPEG 2000",
        34676 | 34677 => "SGI LogLuv",
        34887 => "LERC",
        34925 => "LZMA",
        34892 => "lossy DNG JPEG",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        22610 | 34934 => "JPEG XR",
        _ => "unknown",
    };
    Err(Fault::Unsupported(format!("TIFF compression {number} ({name})")))
}

/// The predictor of a tag's number.
pub(super) fn predictor(number: u64, compression: Compression) -> Result<Predictor, Fault> {
    // These have no use for one; with them the tag is a leftover.
    if matches!(compression, Compression::Jpeg | Compression::Fax(_)) {
        return Ok(Predictor::None);
    }
    match number {
        1 => Ok(Predictor::None),
        2 => Ok(Predictor::Horizontal),
        3 => Ok(Predictor::FloatingPoint),
        _ => Err(Fault::Unsupported(format!("TIFF predictor {number}"))),
    }
}

/// The photometric interpretation of a tag's number.
pub(super) fn photometric(number: u64, compression: Compression) -> Result<Photometric, Fault> {
    let name = match (number, compression) {
        // 0 is "white is zero": values stay as stored. 3 is a palette, 4 a mask, 32803 a colour filter array.
        (0 | 1 | 3 | 4 | 32803 | 34892, _) => return Ok(Photometric::Grey),
        (2, _) => return Ok(Photometric::Rgb),
        (5, _) => return Ok(Photometric::Cmyk),
        (6, Compression::Jpeg) => return Ok(Photometric::YCbCr),
        (6, _) => "YCbCr without JPEG compression",
        (8, _) => "CIE L*a*b*",
        (9, _) => "ICC L*a*b*",
        (10, _) => "ITU L*a*b*",
        (32844 | 32845, _) => "SGI LogLuv",
        _ => "unknown",
    };
    Err(Fault::Unsupported(format!("TIFF photometric interpretation {number} ({name})")))
}
