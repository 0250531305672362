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
    use crate::analysis::{ChannelProfile, ChannelStatistics, Line, PlaneScale, Region, Statistics};

    /// A name that has to be quoted.
    const NICKEL: &str = "Ni, \"Kα\"";

    #[test]
    fn a_profile_is_a_column_a_channel() {
        let channel = |channel, name: &str, values: [f64; 3]| ChannelProfile {
            channel,
            name: name.to_owned(),
            values: values.to_vec(),
        };
        let scale = PlaneScale { x: 0.5, y: 0.5, unit: "nm".to_owned(), source: "test".to_owned() };
        let profile = Profile {
            line: Line { from: [0.0, 0.0], to: [2.0, 0.0], width: 1 },
            frame: 0,
            length_px: 2.0,
            length: Some(1.0),
            scale: Some(scale),
            channels: vec![channel(0, "Fe", [0.0, 1.0, 2.0]), channel(1, NICKEL, [10.0, 11.5, f64::NAN])],
        };
        let text = String::from_utf8(profile_csv(&profile).unwrap()).unwrap();
        let expected = "distance_px,distance_nm,Fe,\"Ni, \"\"Kα\"\"\"\n0,0,0,10\n1,0.5,1,11.5\n2,1,2,\n";
        assert_eq!(text, expected);
        let bare = Profile { length: None, scale: None, ..profile };
        let text = String::from_utf8(profile_csv(&bare).unwrap()).unwrap();
        assert!(text.starts_with("distance_px,Fe,"), "{text}");
    }

    #[test]
    fn statistics_are_a_line_a_channel() {
        let values = Statistics {
            n: 3,
            not_finite: 1,
            mean: 2.5,
            sd: 0.1,
            min: 1.0,
            max: 5.0,
            median: f64::NAN,
            sum: 12_345_678.0,
        };
        let found = RegionStatistics {
            region: Region { x: 1, y: 0, width: 2, height: 2 },
            frame: 0,
            area_px: 4,
            area_nm2: Some(0.25),
            channels: vec![ChannelStatistics { channel: 1, name: NICKEL.to_owned(), values }],
        };
        let text = String::from_utf8(statistics_csv(&found).unwrap()).unwrap();
        let heading = "channel,name,x_px,y_px,width_px,height_px,area_px,area_nm2";
        let numbers = "n,not_finite,mean,sd,min,max,median,sum";
        let line = "1,\"Ni, \"\"Kα\"\"\",1,0,2,2,4,0.25,3,1,2.5,0.1,1,5,,12345678";
        assert_eq!(text, format!("{heading},{numbers}\n{line}\n"));
        let bare = RegionStatistics { area_nm2: None, ..found };
        let text = String::from_utf8(statistics_csv(&bare).unwrap()).unwrap();
        assert!(!text.contains("nm2") && text.contains(",4,3,1,"), "{text}");
    }
}
