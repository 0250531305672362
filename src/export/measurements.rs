//! Line profiles and the statistics of rectangles as tables of comma-separated values.

use crate::analysis::{Profile, RegionStatistics};
use std::io;

/// One line a place: its distance in px, in the picture's unit where it has one, and a column a channel. What has no value
/// stays empty.
pub fn profile_csv(profile: &Profile) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let distances = profile.distances();
    let unit = distances.as_ref().and(profile.scale.as_ref());
    let mut heading = vec!["distance_px".to_owned()];
    heading.extend(unit.map(|scale| format!("distance_{}", scale.unit)));
    heading.extend(profile.channels.iter().map(|channel| channel.name.clone()));
    table.write_record(&heading)?;
    for (place, px) in profile.distances_px().into_iter().enumerate() {
        let mut line = vec![known(px)];
        line.extend(distances.as_ref().and_then(|distances| distances.get(place)).map(|at| known(*at)));
        let values = profile.channels.iter().map(|channel| channel.values.get(place).copied());
        line.extend(values.map(|value| known(value.unwrap_or(f64::NAN))));
        table.write_record(&line)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// One line a channel.
pub fn statistics_csv(found: &RegionStatistics) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let area = found.area_nm2.map(|_| "area_nm2");
    let places = ["channel", "name", "x_px", "y_px", "width_px", "height_px", "area_px"];
    let values = ["n", "not_finite", "mean", "sd", "min", "max", "median", "sum"];
    table.write_record(places.into_iter().chain(area).chain(values))?;
    let region = found.region;
    for channel in &found.channels {
        let mut line = vec![channel.channel.to_string(), channel.name.clone()];
        line.extend([region.x, region.y, region.width, region.height].map(|px| px.to_string()));
        line.push(found.area_px.to_string());
        line.extend(found.area_nm2.map(known));
        let values = channel.values;
        line.extend([values.n, values.not_finite].map(|count| count.to_string()));
        line.extend([values.mean, values.sd, values.min, values.max, values.median, values.sum].map(known));
        table.write_record(&line)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// The shortest digits that mean this number; nothing where it is none.
fn known(value: f64) -> String {
    if value.is_nan() { String::new() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Line, Region, profile, region_statistics};
    use crate::imaging::{Calibration, Micrograph, PixelSize};
    use crate::monitor::Monitor;
    use ndarray::Array4;

    fn micrograph(calibration: Calibration) -> Micrograph {
        let values = Array4::from_shape_fn((1, 2, 2, 3), |(_, c, y, x)| {
            if (c, y, x) == (1, 0, 2) { f32::NAN } else { (10 * c + 3 * y + x) as f32 }
        });
        Micrograph::from_array("a", values, vec!["Fe".to_owned(), "Ni, \"Kα\"".to_owned()], calibration)
    }

    #[test]
    fn a_profile_is_a_column_a_channel() {
        let pixel = PixelSize { x_nm: 0.5, y_nm: 0.5, source: "test".to_owned() };
        let line = Line { from: [0.0, 0.0], to: [2.0, 0.0], width: 1 };
        let found = profile(&micrograph(Calibration::of_pixel(&pixel)), 0, &[0, 1], line, &Monitor::silent());
        let text = String::from_utf8(profile_csv(&found.unwrap()).unwrap()).unwrap();
        let expected = "distance_px,distance_nm,Fe,\"Ni, \"\"Kα\"\"\"\n0,0,0,10\n1,0.5,1,11\n2,1,2,\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn statistics_are_a_line_a_channel() {
        let region = Region { x: 1, y: 0, width: 2, height: 2 };
        let bare = micrograph(Calibration::default());
        let found = region_statistics(&bare, 0, &[0, 1], region, &Monitor::silent()).unwrap();
        let text = String::from_utf8(statistics_csv(&found).unwrap()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let heading =
            "channel,name,x_px,y_px,width_px,height_px,area_px,n,not_finite,mean,sd,min,max,median,sum";
        assert_eq!(lines[0], heading);
        // 1, 2, 4, 5: the squares of −2, −1, 1, 2 add up to 10.
        assert_eq!(lines[1], format!("0,Fe,1,0,2,2,4,4,0,3,{},1,5,3,12", 2.5_f64.sqrt()));
        assert!(lines[2].starts_with("1,\"Ni, \"\"Kα\"\"\",1,0,2,2,4,3,1,"), "{}", lines[2]);
    }
}
