//! Verdicts on images as a table of comma-separated values.

use crate::analysis::{Likeness, SpaceLikeness};
use std::io;

/// One line an image and space: distance, percentile (0 to 1), limit and verdict, and the same of the nearest training
/// images, with the distance over its limit; the pixel size in nm and its ratio to the training's stand in each of an
/// image's lines.
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
        "nearest",
        "nearest_distance",
        "nearest_percentile",
        "nearest_limit",
        "nearest_ratio",
        "nearest_unusual",
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
            line.extend(nearest(space));
            table.write_record(&line)?;
        }
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Empty where the model does not hold its training images.
fn nearest(space: &SpaceLikeness) -> [String; 6] {
    space.nearest.as_ref().map_or_else(Default::default, |near| {
        let [distance, percentile, limit, ratio] =
            [near.distance, near.percentile, near.limit, near.ratio].map(|value| value.to_string());
        [near.nearest.to_string(), distance, percentile, limit, ratio, near.unusual.to_string()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{NearestImages, Outside, PixelMatch};

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
            nearest: Some(NearestImages {
                nearest: 3,
                distance: 0.5,
                percentile: 0.25,
                limit: 1.0,
                ratio: 0.5,
                unusual: false,
            }),
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
        assert_eq!(lines[0].split(',').count(), 19);
        assert_eq!(
            lines[1],
            "a.tif,1,false,input,2.5,1,2,true,4,2,true,skewness,\"Unusual, both\",3,0.5,0.25,1,0.5,false"
        );
    }
}
