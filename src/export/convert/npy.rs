//! A NumPy array (numpy.lib.format, version 1.0) of the values alone, and beside it what they mean as JSON.

use super::part::Part;
use super::{Converted, ExportError};
use crate::export::error::Broken;
use crate::files::write_whole;
use crate::imaging::SampleType;
use crate::monitor::Monitor;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes of a picture up to which the samples of a pixel are put side by side in memory.
const MOST_TOGETHER: usize = 256 << 20;

pub(super) fn write(part: Part<'_>, path: &Path, monitor: &Monitor) -> Result<Converted, ExportError> {
    let sample_type = part.micrograph.sample_type();
    let Layout { axes, shape, pictures } = layout(&part);
    let beside = path.with_extension("calibration.json");
    let words = serde_json::json!({
        "array": path.file_name().unwrap_or_default().to_string_lossy(),
        "axes": axes,
        "shape": shape,
        "dtype": sample_type.name(),
        "channel_names": part.names(),
        "calibration": part.calibration.axes(),
        "pixel_size": part.calibration.pixel(),
        "source": {
            "name": part.micrograph.name(),
            "series": part.micrograph.series(),
            "frames": [part.frames.start, part.frames.end],
            "channels": part.channels,
        },
        "notes": part.notes,
    });
    let words = serde_json::to_string_pretty(&words).map_err(|e| ExportError::at(&beside)(e.into()))?;
    write_whole(path, |out| {
        out.write_all(&header(sample_type, &shape))?;
        for (done, (frame, channels)) in pictures.iter().enumerate() {
            monitor.progress(done, pictures.len()).map_err(ExportError::from)?;
            out.write_all(&part.le_bytes(*frame, channels)?)?;
        }
        // Before the array takes its name, so that none is ever without its calibration.
        write_whole(&beside, |out| out.write_all(words.as_bytes())).map_err(ExportError::at(&beside))?;
        Ok::<_, Broken>(())
    })
    .map_err(|broken| broken.at(path))?;
    let files = vec![path.to_path_buf(), PathBuf::from(&beside)];
    Ok(Converted { files, axes, shape, sample_type, notes: part.notes })
}

/// The axes of the array, and the pictures in their order: frame, and the channels side by side.
struct Layout {
    axes: String,
    shape: Vec<usize>,
    pictures: Vec<(usize, Vec<usize>)>,
}

/// The axes as the file stores them where it is written whole; else, and where the energies of a picture are too many
/// to be put side by side in memory, plane by plane.
fn layout(part: &Part<'_>) -> Layout {
    let micrograph = part.micrograph;
    let picture = micrograph.stored_pictures().next().map_or(1, |(_, channels)| channels.len());
    let bytes = picture * micrograph.height() * micrograph.width() * micrograph.sample_type().bytes();
    if part.is_whole() && bytes <= MOST_TOGETHER {
        let axes = micrograph.stored_axes().to_owned();
        let lengths = axes.chars().zip(micrograph.stored_shape());
        let shape = lengths.map(|(axis, &length)| if axis == 'Y' { part.height } else { length }).collect();
        let pictures = micrograph.stored_pictures().map(|(frame, channels)| (frame, channels.collect()));
        return Layout { axes, shape, pictures: pictures.collect() };
    }
    let (axes, shape) = part.axes();
    let pages = part.pages_of_frame();
    let of_frame = |frame| pages.iter().map(move |channels| (frame, channels.clone()));
    Layout { axes, shape, pictures: part.frames.clone().flat_map(of_frame).collect() }
}

/// Magic, version, length and a Python dictionary, padded so that the values begin at a multiple of 64 bytes.
fn header(sample_type: SampleType, shape: &[usize]) -> Vec<u8> {
    let kind = match sample_type {
        SampleType::Bool => "|b1",
        SampleType::U8 => "|u1",
        SampleType::I8 => "|i1",
        SampleType::U16 => "<u2",
        SampleType::U32 => "<u4",
        SampleType::U64 => "<u8",
        SampleType::I16 => "<i2",
        SampleType::I32 => "<i4",
        SampleType::I64 => "<i8",
        SampleType::F16 => "<f2",
        SampleType::F32 => "<f4",
        SampleType::F64 => "<f8",
    };
    let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // A tuple of one needs its comma.
    let shape = lengths.join(", ") + if shape.len() == 1 { "," } else { "" };
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', padded - text.len() - 1));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((text.len() as u16).to_le_bytes());
    header.extend(text.into_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_numpy_s() {
        // np.save of np.zeros((2, 3), np.uint16), and of np.zeros(5, bool).
        let expected = "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), }";
        let header_of = |kind, shape: &[usize]| {
            let bytes = header(kind, shape);
            assert_eq!(
                (bytes.len() % 64, &bytes[..8], bytes.last()),
                (0, &b"\x93NUMPY\x01\x00"[..], Some(&b'\n'))
            );
            assert_eq!(usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10, bytes.len());
            String::from_utf8(bytes[10..].to_vec()).unwrap().trim_end().to_owned()
        };
        assert_eq!(header_of(SampleType::U16, &[2, 3]), expected);
        assert!(header_of(SampleType::Bool, &[5]).contains("'|b1'"));
        assert!(header_of(SampleType::Bool, &[5]).contains("(5,)"));
    }
}
