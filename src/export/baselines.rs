//! The network and classical methods on images, as a table of comma-separated values.

use crate::analysis::{Baselines, Polarity};
use std::io;

/// One line an image and method, the network first; `against` is what the scores are held against, empty fields are
/// numbers that there are not.
pub fn baselines_csv(images: &[(String, usize, Baselines)]) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "file",
        "frame",
        "method",
        "polarity",
        "against",
        "iou_background",
        "iou_foreground",
        "mean_iou",
        "foreground_share",
    ])?;
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for (file, frame, found) in images {
        let against = if found.labelled { "labels" } else { "network" };
        for row in &found.rows {
            let polarity = row.polarity.map_or("", Polarity::name);
            let mut line = vec![file.clone(), frame.to_string(), row.name.clone(), polarity.to_owned()];
            line.push(against.to_owned());
            line.extend([row.iou[0], row.iou[1], row.mean_iou, Some(row.foreground)].map(number));
            table.write_record(&line)?;
        }
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{BaselineRow, Method};
    use std::sync::Arc;

    #[test]
    fn a_method_is_a_line() {
        let row = |method: Option<Method>, mean_iou| BaselineRow {
            method,
            name: method.map_or("Net, one", Method::name).to_owned(),
            polarity: method.map(|_| Polarity::Dark),
            iou: [mean_iou; 2],
            mean_iou,
            classes: Vec::new(),
            foreground: 0.25,
            mask: Arc::default(),
        };
        let found = Baselines {
            model: "Net, one".into(),
            labelled: false,
            sides: ["matrix".into(), "particle".into()],
            rows: vec![row(None, None), row(Some(Method::Otsu), Some(0.5))],
        };
        let table = String::from_utf8(baselines_csv(&[("a.tif".into(), 0, found)]).unwrap()).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[1], "a.tif,0,\"Net, one\",,network,,,,0.25");
        assert_eq!(lines[2], "a.tif,0,Otsu,dark,network,0.5,0.5,0.5,0.25");
    }
}
