//! What a value of a network hangs on, out: as an array, or as a picture.

use super::ExportError;
use super::pictures::rgb_png;
use crate::files::write_whole;
use crate::imaging::{Colormap, Contrast};
use crate::inspect::EffectiveField;
use npyz::WriterBuilder;
use std::path::Path;

/// Writes `.npy` (`[y, x]`, f32, over the network's whole input) or `.png` (in colours up to the largest value, of the
/// part that the value can see), by the name's ending.
pub fn write_field(field: &EffectiveField, path: &Path) -> Result<(), ExportError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    match ending.as_str() {
        "npy" => {
            let whole = field.whole();
            write_whole(path, |out| {
                let shape = [whole.nrows() as u64, whole.ncols() as u64];
                let mut writer =
                    npyz::WriteOptions::new().default_dtype().shape(&shape).writer(out).begin_nd()?;
                writer.extend(whole.iter())?;
                writer.finish()
            })
        }
        "png" => {
            let contrast = Contrast { low: 0.0, high: field.most() };
            let rgb = Colormap::Magma.render(field.values.view(), contrast);
            let size = [field.values.nrows(), field.values.ncols()];
            write_whole(path, |out| rgb_png(&rgb, size, out))
        }
        _ => {
            let what = format!("A field is written as .npy or .png: {}", path.display());
            return Err(ExportError::Unsupported(what));
        }
    }
    .map_err(ExportError::at(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Extent;
    use ndarray::array;

    #[test]
    fn an_array_covers_the_input_and_a_picture_what_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let values = array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let field = EffectiveField {
            node: "conv".into(),
            feature: Some(0),
            at: [0, 1],
            input: [4, 5],
            window: Some([1..3, 1..4]),
            origin: [1, 1],
            extent: Extent::of(values.view(), [1, 1], None),
            values,
            scale: [1.0, 1.0],
        };
        let [npy, png] = ["f.npy", "f.PNG"].map(|name| dir.path().join(name));
        write_field(&field, &npy).unwrap();
        let array = npyz::NpyFile::new(std::fs::File::open(&npy).unwrap()).unwrap();
        assert_eq!(array.shape(), [4, 5]);
        assert_eq!(array.into_vec::<f32>().unwrap(), field.whole().into_raw_vec_and_offset().0);
        write_field(&field, &png).unwrap();
        let picture = image::open(&png).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (3, 2));
        assert_eq!(picture.get_pixel(2, 1).0, Colormap::Magma.rgb(1.0));
        let error = write_field(&field, &dir.path().join("f.tif")).unwrap_err().to_string();
        assert!(error.starts_with("A field is written as .npy or .png: "), "{error}");
    }
}
