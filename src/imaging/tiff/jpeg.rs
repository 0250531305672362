//! What a TIFF must know of the JPEG streams inside it (TIFF Technical Note 2; ITU-T T.81).

use super::super::error::Fault;
use super::page::Page;

/// Holds the stream's own header against the page's: a decoder would go by the stream and misplace the rows.
pub(super) fn check(page: &Page, stream: &[u8], rows: usize) -> Result<(), Fault> {
    let frame = frame_header(stream)
        .ok_or_else(|| Fault::Bad("The JPEG data of the TIFF has no frame header".into()))?;
    if !matches!(frame.kind, 0xc0..=0xc2) {
        return Err(Fault::Unsupported("Lossless, hierarchical or arithmetic JPEG in a TIFF".into()));
    }
    if frame.precision != 8 {
        return Err(Fault::Unsupported(format!("JPEG of {} bits per sample in a TIFF", frame.precision)));
    }
    let fits = frame.width == page.chunk_width && frame.height >= rows;
    if !fits || frame.components != page.chunk_samples() {
        return Err(Fault::Bad(
            "The JPEG data of the TIFF is of another size than its strips or tiles".into(),
        ));
    }
    Ok(())
}

struct Frame {
    kind: u8,
    precision: u8,
    height: usize,
    width: usize,
    components: usize,
}

/// The start-of-frame segment (T.81, B.2.2).
fn frame_header(stream: &[u8]) -> Option<Frame> {
    let mut at = 2;
    loop {
        let kind = *stream.get(at + 1)?;
        if stream[at] != 0xff {
            return None;
        }
        match kind {
            // A fill byte, and segments without content.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                let s = stream.get(at + 4..at + 10)?;
                let pair = |i: usize| usize::from(s[i]) << 8 | usize::from(s[i + 1]);
                let (height, width) = (pair(1), pair(3));
                return Some(Frame { kind, precision: s[0], height, width, components: usize::from(s[5]) });
            }
            _ => at += 2 + (usize::from(*stream.get(at + 2)?) << 8 | usize::from(*stream.get(at + 3)?)),
        }
    }
}

/// Full-range YCbCr to RGB (JFIF 1.02, page 3), in the 16-bit fixed point that libjpeg computes it with.
pub(super) fn to_rgb(pixels: &mut [u8]) {
    for pixel in pixels.chunks_exact_mut(3) {
        let (y, cb, cr) = (i32::from(pixel[0]), i32::from(pixel[1]) - 128, i32::from(pixel[2]) - 128);
        let rounded = |scaled: i32| (y + ((scaled + (1 << 15)) >> 16)).clamp(0, 255) as u8;
        // 1.402, 0.344136, 0.714136 and 1.772 times 2^16.
        pixel.copy_from_slice(&[
            rounded(91881 * cr),
            rounded(-22554 * cb - 46802 * cr),
            rounded(116_130 * cb),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_colours_come_back_from_ycbcr() {
        // Y, Cb, Cr of red, green, blue and grey by JFIF's formulae.
        let mut pixels = [76, 85, 255, 150, 44, 21, 29, 255, 107, 90, 128, 128];
        let expected = [254, 0, 0, 0, 255, 1, 0, 0, 254, 90, 90, 90];
        to_rgb(&mut pixels);
        assert_eq!(pixels, expected);
    }

    #[test]
    fn a_stream_without_frame_header_is_seen() {
        assert!(frame_header(&[0xff, 0xd8, 0xff, 0xd9]).is_none());
        assert!(frame_header(&[]).is_none());
        let stream = [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 16, 1, 0, 3, 0, 0];
        let frame = frame_header(&stream).unwrap();
        assert_eq!((frame.height, frame.width, frame.components, frame.precision), (16, 256, 3, 8));
    }
}
