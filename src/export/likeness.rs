//! Verdicts on images as a table of comma-separated values.

use crate::analysis::Likeness;
use std::io;

/// One line an image and space: distance, percentile (0 to 1), limit and verdict; the pixel size in nm and its ratio to
/// the training's stand in each of an image's lines.
pub fn likeness_csv(rows: &[(String, usize, Likeness)]) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "file",
        "frame",
        "similar",
        "space",
        "distance",
        "percentile",
        "limit",
        "unusual",
        "pixel_nm",
        "pixel_ratio",
        "pixel_unusual",
        "outside",
        "verdict",
    ])?;
    for (file, frame, found) in rows {
        let pixel = found.pixel.as_ref();
        let pixel = [
            pixel.map_or(String::new(), |pixel| pixel.nm.to_string()),
            pixel.map_or(String::new(), |pixel| pixel.ratio.to_string()),
            pixel.map_or(String::new(), |pixel| pixel.unusual.to_string()),
        ];
        for space in &found.spaces {
            let outside: Vec<&str> = space.outside.iter().map(|outside| outside.name.as_str()).collect();
            let mut line = vec![file.clone(), frame.to_string(), found.similar.to_string(), space.of.clone()];
            line.extend([space.distance, space.percentile, space.limit].map(|value| value.to_string()));
            line.push(space.unusual.to_string());
            line.extend(pixel.clone());
            line.extend([outside.join("; "), found.words.join("; ")]);
            table.write_record(&line)?;
        }
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Outside, PixelMatch, SpaceLikeness};

    #[test]
    fn a_space_is_a_line() {
        let outside = Outside { name: "skewness".into(), value: 3.0, mean: 0.5, spreads: 5.0 };
        let space = SpaceLikeness {
            of: "input".into(),
            distance: 2.5,
            percentile: 1.0,
            limit: 2.0,
            unusual: true,
            outside: vec![outside],
        };
        let pixel = PixelMatch { nm: 4.0, trained_nm: [1.0, 2.0], ratio: 2.0, unusual: true, target_nm: 2.0 };
        let found = Likeness {
            model: "m".into(),
            images: 9,
            similar: false,
            words: vec!["Unusual, both".into()],
            pixel: Some(pixel),
            spaces: vec![space],
        };
        let table = String::from_utf8(likeness_csv(&[("a.tif".into(), 1, found)]).unwrap()).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0].split(',').count(), 13);
        assert_eq!(lines[1], "a.tif,1,false,input,2.5,1,2,true,4,2,true,skewness,\"Unusual, both\"");
    }
}
