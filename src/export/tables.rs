//! Tables as comma-separated values (RFC 4180, lines end in LF).

use crate::analysis::{Classification, Numbers, Object, Regression};
use crate::network::ClassInfo;
use std::io;

const PIXEL_COLUMNS: [&str; 11] = [
    "id",
    "class",
    "class_name",
    "area_px",
    "centroid_x_px",
    "centroid_y_px",
    "equivalent_diameter_px",
    "bbox_x_px",
    "bbox_y_px",
    "bbox_width_px",
    "bbox_height_px",
];

const NM_COLUMNS: [&str; 8] = [
    "area_nm2",
    "centroid_x_nm",
    "centroid_y_nm",
    "equivalent_diameter_nm",
    "bbox_x_nm",
    "bbox_y_nm",
    "bbox_width_nm",
    "bbox_height_nm",
];

/// One line an object; the columns in nanometres are there only when the picture is calibrated.
pub(super) fn objects_csv(
    objects: &[Object],
    classes: &[ClassInfo],
    calibrated: bool,
) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let nm: &[&str] = if calibrated { &NM_COLUMNS } else { &[] };
    table.write_record(PIXEL_COLUMNS.iter().chain(nm))?;
    for object in objects {
        let name = classes.get(usize::from(object.class)).map_or("", |class| &class.name);
        let [y, x] = object.centroid_px;
        let [top, left, height, width] = object.bounding_box_px;
        let mut line = vec![
            object.id.to_string(),
            object.class.to_string(),
            name.to_owned(),
            object.area_px.to_string(),
        ];
        line.extend([x, y, object.equivalent_diameter_px].map(number));
        line.extend([left, top, width, height].map(|v| v.to_string()));
        if calibrated {
            line.extend(in_nm(object));
        }
        table.write_record(&line)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn in_nm(object: &Object) -> Vec<String> {
    let centroid = object.centroid_nm.map(|[y, x]| [x, y]);
    let bounds = object.bounding_box_nm.map(|[top, left, height, width]| [left, top, width, height]);
    let mut values = vec![object.area_nm2];
    values.extend((0..2).map(|i| centroid.map(|c| c[i])));
    values.push(object.equivalent_diameter_nm);
    values.extend((0..4).map(|i| bounds.map(|b| b[i])));
    values.into_iter().map(|value| value.map(number).unwrap_or_default()).collect()
}

/// A classifier's probabilities, one line a class.
pub(super) fn classes_csv(classification: &Classification) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["class", "class_name", "probability"])?;
    for (index, probability) in classification.probabilities.iter().enumerate() {
        let name = classification.classes.get(index).map_or("", |class| &class.name);
        table.write_record([&index.to_string(), name, &number(f64::from(*probability))])?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// A regressor's outputs: of maps mean, deviation and range over the specimen, of an image its numbers.
pub(super) fn outputs_csv(regression: &Regression) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let units = regression.units.as_deref().unwrap_or_default();
    let named = ["output", "output_name", "units"];
    match &regression.numbers {
        Numbers::Maps(_) => {
            table.write_record(named.iter().chain(&["mean", "sd", "min", "max", "pixels"]))?
        }
        Numbers::Image(_) => table.write_record(named.iter().chain(&["value"]))?,
    }
    for (index, (output, of)) in regression.outputs.iter().zip(&regression.statistics).enumerate() {
        let mut line = vec![index.to_string(), output.name.clone(), units.to_owned(), number(of.mean)];
        if let Numbers::Maps(_) = regression.numbers {
            line.extend([of.sd, of.min, of.max].map(number));
            line.push(of.n.to_string());
        }
        table.write_record(&line)?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Seven significant digits, without an exponent and without trailing zeros.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { value.to_string() };
    }
    let before_point = value.abs().log10().floor() as i32 + 1;
    let text = format!("{value:.*}", (7 - before_point).clamp(0, 20) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{LabelMap, measure};
    use crate::imaging::PixelSize;
    use ndarray::array;

    fn classes() -> Vec<ClassInfo> {
        ["matrix", "carbide, M23C6", "pore"]
            .map(|name| ClassInfo { name: name.to_owned(), colour: [0; 3] })
            .to_vec()
    }

    #[test]
    fn objects_in_pixels_and_nanometres() {
        let labels = LabelMap(array![[1, 1, 0, 0], [1, 0, 0, 2]]);
        let pixel = PixelSize { x_nm: 2.0, y_nm: 4.0, source: "test".to_owned() };
        let text = |pixel: Option<&PixelSize>| {
            String::from_utf8(objects_csv(&measure(&labels, pixel), &classes(), pixel.is_some()).unwrap())
                .unwrap()
        };
        // Area 3: diameter 2·√(3/π) = 1.954410; centroid (1/3, 1/3). Area 24 nm²: diameter 5.527906.
        assert_eq!(
            text(None),
            "id,class,class_name,area_px,centroid_x_px,centroid_y_px,equivalent_diameter_px,bbox_x_px,bbox_y_px,\
             bbox_width_px,bbox_height_px\n\
             1,1,\"carbide, M23C6\",3,0.3333333,0.3333333,1.95441,0,0,2,2\n\
             2,2,pore,1,3,1,1.128379,3,1,1,1\n"
        );
        let calibrated = text(Some(&pixel));
        let lines: Vec<&str> = calibrated.lines().collect();
        assert!(lines[0].ends_with(
            "area_nm2,centroid_x_nm,centroid_y_nm,equivalent_diameter_nm,bbox_x_nm,bbox_y_nm,bbox_width_nm,\
             bbox_height_nm"
        ));
        assert!(lines[1].ends_with(",2,2,24,0.6666667,1.333333,5.527906,0,0,4,8"), "{}", lines[1]);
        assert!(lines[2].ends_with(",1,1,8,6,4,3.191538,6,4,2,4"), "{}", lines[2]);
    }

    #[test]
    fn an_empty_mask_has_a_head_and_no_lines() {
        let text = String::from_utf8(objects_csv(&[], &classes(), false).unwrap()).unwrap();
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn classes_with_their_probabilities() {
        let classification = Classification { probabilities: vec![0.25, 0.75, 0.0], classes: classes() };
        let text = String::from_utf8(classes_csv(&classification).unwrap()).unwrap();
        assert_eq!(
            text,
            "class,class_name,probability\n0,matrix,0.25\n1,\"carbide, M23C6\",0.75\n2,pore,0\n"
        );
    }

    #[test]
    fn numbers_keep_seven_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (1_234_567.8, "1234568"),
            (0.000_123_456_789, "0.0001234568"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(1e12), "1000000000000");
        assert_eq!(number(f64::NAN), "NaN");
    }
}
