//! Undoing what HDF5 filters did to a chunk.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::super::error::Fault;

/// Undoes one filter after the other, the last applied first.
///
/// `mask` has a bit for each filter that was left out of this chunk; `length` are the bytes that must come out.
pub(super) fn undo(
    filters: &[u16],
    mask: u32,
    mut bytes: Vec<u8>,
    (length, element): (usize, usize),
) -> Result<Vec<u8>, Fault> {
    for (i, &filter) in filters.iter().enumerate().rev() {
        if mask.checked_shr(i as u32).unwrap_or(0) & 1 == 1 {
            continue;
        }
        bytes = match filter {
            DEFLATE => inflate(&bytes, length)?,
            SHUFFLE => unshuffle(&bytes, element),
            FLETCHER32 => checked(bytes)?,
            LZF => lzf(&bytes, length)?,
            _ => return Err(unknown(filter)),
        };
    }
    if bytes.len() == length { Ok(bytes) } else { Err(damaged()) }
}

const DEFLATE: u16 = 1;
const SHUFFLE: u16 = 2;
const FLETCHER32: u16 = 3;
const LZF: u16 = 32000;

/// Refuses filters that cannot be undone, by name where HDF5's registry has one.
pub(super) fn check(filters: &[u16]) -> Result<(), Fault> {
    let known = |f: &&u16| matches!(**f, DEFLATE | SHUFFLE | FLETCHER32 | LZF);
    filters.iter().find(|f| !known(f)).map_or(Ok(()), |&f| Err(unknown(f)))
}

fn unknown(filter: u16) -> Fault {
    let name = match filter {
        4 => " (szip)",
        5 => " (n-bit)",
        6 => " (scale and offset)",
        307 => " (bzip2)",
        32001 => " (Blosc)",
        32004 => " (LZ4)",
        32008 => " (bitshuffle)",
        32013 => " (ZFP)",
        32015 => " (Zstandard)",
        32026 => " (Blosc2)",
        _ => "",
    };
    Fault::Unsupported(format!("HDF5 data compressed with filter {filter}{name}"))
}

fn damaged() -> Fault {
    Fault::Bad("The image data is damaged or cut short".into())
}

/// A zlib stream of at most `length` bytes, and a checksum behind them.
fn inflate(bytes: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let most = length as u64 + 8;
    ZlibDecoder::new(bytes).take(most).read_to_end(&mut out).map_err(|_| damaged())?;
    Ok(out)
}

/// First bytes of all elements, then the second ones…: back to element after element. A rest stays where it is.
fn unshuffle(bytes: &[u8], element: usize) -> Vec<u8> {
    let count = bytes.len() / element.max(1);
    if element <= 1 || count <= 1 {
        return bytes.to_vec();
    }
    let mut out = vec![0; bytes.len()];
    for (b, plane) in bytes.chunks_exact(count).take(element).enumerate() {
        out[b..].iter_mut().step_by(element).zip(plane).for_each(|(to, from)| *to = *from);
    }
    let whole = count * element;
    out[whole..].copy_from_slice(&bytes[whole..]);
    out
}

/// The bytes before a checksum, which must be theirs.
fn checked(mut bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let at = bytes.len().checked_sub(4).ok_or_else(damaged)?;
    let expected = bytes.split_off(at);
    if fletcher32(&bytes).to_le_bytes() == expected.as_slice() { Ok(bytes) } else { Err(damaged()) }
}

/// Fletcher's checksum over big-endian words of 16 bits, as HDF5 computes it; an odd last byte is the upper half.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut sum, mut sums) = (0u32, 0u32);
    let fold = |v: u32| (v & 0xffff) + (v >> 16);
    // 360 words are the most that cannot overflow.
    for block in bytes.chunks(720) {
        for pair in block.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(pair[0]) << 8 | u32::from(low);
            sums += sum;
        }
        (sum, sums) = (fold(sum), fold(sums));
    }
    (sum, sums) = (fold(sum), fold(sums));
    sums << 16 | sum
}

/// LZF, h5py's own filter: runs of literals, and copies of what came before.
fn lzf(bytes: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = bytes.iter().copied();
    let mut next = || rest.next().ok_or_else(damaged);
    while let Ok(control) = next() {
        let control = usize::from(control);
        if control < 32 {
            for _ in 0..=control {
                out.push(next()?);
            }
        } else {
            let long = if control >> 5 == 7 { usize::from(next()?) } else { 0 };
            let back = (control & 31) << 8 | usize::from(next()?);
            let from = out.len().checked_sub(back + 1).ok_or_else(damaged)?;
            for i in from..from + (control >> 5) + long + 2 {
                out.push(out[i]);
            }
        }
        if out.len() > length {
            return Err(damaged());
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_were_shuffled_come_back() {
        // Elements 01 02 03, 11 12 13 and a rest of one byte.
        assert_eq!(unshuffle(&[1, 0x11, 2, 0x12, 3, 0x13, 9], 3), [1, 2, 3, 0x11, 0x12, 0x13, 9]);
        assert_eq!(unshuffle(&[1, 2, 3], 1), [1, 2, 3]);
    }

    #[test]
    fn copies_of_lzf_may_overlap_themselves() {
        // The literal "ab", then seven bytes from two back.
        assert_eq!(lzf(&[1, b'a', b'b', 5 << 5, 1], 9).unwrap(), b"ababababa");
        for bad in [&[1, b'a'][..], &[5 << 5, 1], &[0, b'a', 7 << 5, 255, 0]] {
            assert!(lzf(bad, 9).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_checksum_is_fletchers() {
        // Worked by hand: words 0x0102 and 0x0300, sums 0x0402 and 0x0504.
        assert_eq!(fletcher32(&[1, 2, 3]), 0x0504_0402);
        assert!(checked(vec![1, 2, 3, 2, 4, 4, 5]).is_ok());
        assert!(checked(vec![1, 2, 4, 2, 4, 4, 5]).is_err());
    }

    #[test]
    fn an_unknown_filter_is_named() {
        let Err(Fault::Unsupported(what)) = check(&[2, 32001]) else { panic!("taken") };
        assert_eq!(what, "HDF5 data compressed with filter 32001 (Blosc)");
        assert!(check(&[2, 1, 3, 32000]).is_ok());
    }
}
