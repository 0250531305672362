//! Names of the files that are written.

use crate::imaging::Micrograph;
use std::fmt::Write as _;
use std::path::Path;

/// What the results of a frame are called: the file's name without its ending, `.series2` when it is not the file's
/// first series, and `.frame3` when the file has several frames; both counted from 0.
#[must_use]
pub fn result_stem(micrograph: &Micrograph, frame: usize) -> String {
    let of_path = micrograph.path().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let mut stem = of_path.unwrap_or_else(|| file_name(micrograph.name()));
    if micrograph.series() > 0 {
        let _ = write!(stem, ".series{}", micrograph.series());
    }
    if micrograph.frames() > 1 {
        let _ = write!(stem, ".frame{frame}");
    }
    stem
}

/// What a copy of a micrograph is called: the file's name without its ending, and `.series2` when it is not the file's
/// first series, counted from 0.
#[must_use]
pub fn copy_stem(micrograph: &Micrograph) -> String {
    let of_path = micrograph.path().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let mut stem = of_path.unwrap_or_else(|| file_name(micrograph.name()));
    // The ending of an OME-TIFF has two parts.
    if let Some(at) = stem.len().checked_sub(4).filter(|&at| at > 0 && stem.is_char_boundary(at))
        && stem[at..].eq_ignore_ascii_case(".ome")
    {
        stem.truncate(at);
    }
    if micrograph.series() > 0 {
        let _ = write!(stem, ".series{}", micrograph.series());
    }
    stem
}

/// A text as a file name that every system takes: letters, digits, `.`, `_` and `-`, anything else as `_`.
#[must_use]
pub fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = text.chars().map(plain).take(100).collect();
    // A leading dot hides a file, a trailing one is lost on Windows.
    let name = name.trim_matches('.');
    // Device names of Windows, whatever their ending.
    let device = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = |prefix: &str| device.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1);
    let reserved =
        ["CON", "PRN", "AUX", "NUL"].contains(&device.as_str()) || numbered("COM") || numbered("LPT");
    if name.is_empty() || reserved { format!("_{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Calibration;
    use ndarray::Array4;

    #[test]
    fn names_are_safe_everywhere() {
        for (text, name) in [
            ("dec2.conv1", "dec2.conv1"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a/b\\c:d", "a_b_c_d"),
            ("..", "_"),
            ("", "_"),
            ("con", "_con"),
            ("LPT1.x", "_LPT1.x"),
            ("γ′ phase", "γ__phase"),
        ] {
            assert_eq!(file_name(text), name, "{text}");
        }
    }

    #[test]
    fn stems_name_the_frame_only_where_there_are_several() {
        let image = |frames| {
            Micrograph::from_array("film 1", Array4::zeros((frames, 1, 2, 2)), vec![], Calibration::default())
        };
        assert_eq!(result_stem(&image(1), 0), "film_1");
        assert_eq!(result_stem(&image(4), 3), "film_1.frame3");
    }
}
