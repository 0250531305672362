//! Every type of samples into every format and back, and what is refused.

use super::super::tiff::{Form, TiffFile};
use super::*;
use crate::imaging::{self, AxisScale, Calibration, InfoBar, Plane, Samples};
use half::f16;
use ndarray::Array2;
use std::fs;

/// A plane of numbers that use all bytes of the type.
fn plane(sample_type: SampleType, seed: u64) -> Plane {
    let number = |(y, x): (usize, usize)| {
        let n = (seed * 100 + y as u64 * 10 + x as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        n ^ (n >> 29)
    };
    let shape = (5, 11);
    macro_rules! of {
        ($make:path, $value:expr) => {
            $make(Array2::from_shape_fn(shape, |at| $value(number(at))))
        };
    }
    let samples = match sample_type {
        SampleType::Bool => of!(Samples::Bool, |n: u64| (n % 2) as u8),
        SampleType::U8 => of!(Samples::U8, |n: u64| n as u8),
        SampleType::U16 => of!(Samples::U16, |n: u64| n as u16),
        SampleType::U32 => of!(Samples::U32, |n: u64| n as u32),
        SampleType::U64 => of!(Samples::U64, |n: u64| n),
        SampleType::I8 => of!(Samples::I8, |n: u64| n as i8),
        SampleType::I16 => of!(Samples::I16, |n: u64| n as i16),
        SampleType::I32 => of!(Samples::I32, |n: u64| n as i32),
        SampleType::I64 => of!(Samples::I64, |n: u64| n as i64),
        SampleType::F16 => of!(Samples::F16, |n: u64| f16::from_f64((n % 1000) as f64 / 7.0)),
        SampleType::F32 => of!(Samples::F32, |n: u64| (n % 100_000) as f32 / 7.0),
        SampleType::F64 => of!(Samples::F64, |n: u64| (n % 100_000) as f64 / 7.0),
    };
    Plane { samples }
}

const TYPES: [SampleType; 12] = [
    SampleType::Bool,
    SampleType::U8,
    SampleType::U16,
    SampleType::U32,
    SampleType::U64,
    SampleType::I8,
    SampleType::I16,
    SampleType::I32,
    SampleType::I64,
    SampleType::F16,
    SampleType::F32,
    SampleType::F64,
];

fn calibration() -> Calibration {
    let axis = |axis, scale, unit| AxisScale::new(axis, scale, unit, "test");
    Calibration::from_axes([axis('Y', 0.5, "nm"), axis('X', 12.3, "nm")])
}

fn made(sample_type: SampleType, frames: u64, names: &[&str]) -> Micrograph {
    let frame = |f| (0..names.len() as u64).map(|c| plane(sample_type, f * 7 + c)).collect();
    let names = names.iter().map(|&name| name.to_owned()).collect();
    Micrograph::from_planes("made", (0..frames).map(frame).collect(), names, calibration()).unwrap()
}

fn written(micrograph: &Micrograph, request: &ConvertRequest, path: &Path) -> Result<Converted, String> {
    convert(micrograph, request, path, &Monitor::silent()).map_err(|error| error.to_string())
}

fn hash(micrograph: &Micrograph) -> String {
    micrograph.sha256_le(&Monitor::silent()).unwrap()
}

fn read(path: &Path) -> Micrograph {
    imaging::open(path).unwrap().remove(0)
}

/// The values and shape of an array that NumPy would read.
fn npy(path: &Path) -> (Vec<u64>, String, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    let (shape, kind) = (array.shape().to_vec(), array.dtype().descr());
    let length = shape.iter().product::<u64>() as usize * array.dtype().num_bytes().unwrap();
    (shape, kind, bytes[bytes.len() - length..].to_vec())
}

#[test]
fn every_type_comes_back_from_every_tiff() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.tif");
    for (target, sample_type) in
        [Target::OmeTiff, Target::Tiff].into_iter().flat_map(|t| TYPES.map(|s| (t, s)))
    {
        let micrograph = made(sample_type, 3, &["Al", "Fe Kα"]);
        for compression in [None].into_iter().chain(Compression::ALL.map(Some)) {
            let case = format!("{target:?} {sample_type:?} {compression:?}");
            let request = ConvertRequest { compression, ..ConvertRequest::new(target) };
            let unknown = matches!(sample_type, SampleType::U64 | SampleType::I64 | SampleType::F16);
            if target == Target::OmeTiff && unknown {
                let refused = written(&micrograph, &request, &dir.path().join("never.tif")).unwrap_err();
                let expected = format!("OME-TIFF has no type for {}; tiff and npy have", sample_type.name());
                assert_eq!(refused, expected);
                continue;
            }
            let converted = written(&micrograph, &request, &path).unwrap();
            let copy = read(&path);
            assert_eq!(copy.notes(), [""; 0], "{case}");
            assert_eq!((copy.stored_axes(), copy.stored_shape()), ("TCYX", &[3, 2, 5, 11][..]), "{case}");
            assert_eq!((converted.axes.as_str(), converted.shape.as_slice()), ("TCYX", &[3, 2, 5, 11][..]));
            assert_eq!((copy.sample_type(), hash(&copy)), (sample_type, hash(&micrograph)), "{case}");
            assert_eq!(copy.channel_names(), ["Al", "Fe Kα"], "{case}");
            let pixel = copy.calibration().pixel().unwrap();
            assert_eq!((pixel.x_nm, pixel.y_nm), (12.3, 0.5), "{case}");
        }
    }
    assert!(!dir.path().join("never.tif").exists());
}

#[test]
fn every_type_is_an_array_with_its_calibration_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.npy");
    for sample_type in TYPES {
        let micrograph = made(sample_type, 3, &["Al", "Fe"]);
        let converted = written(&micrograph, &ConvertRequest::new(Target::Npy), &path).unwrap();
        let (shape, kind, bytes) = npy(&path);
        assert_eq!((shape, converted.axes.as_str()), (vec![3, 2, 5, 11], "TCYX"));
        assert_eq!(bytes.len(), 330 * sample_type.bytes(), "{kind}");
        let stored: Vec<u8> = (0..6).flat_map(|p| micrograph.le_bytes(p / 2, &[p % 2]).unwrap()).collect();
        assert_eq!(bytes, stored, "{kind}");
        let beside = fs::read(dir.path().join("copy.calibration.json")).unwrap();
        let words: serde_json::Value = serde_json::from_slice(&beside).unwrap();
        assert_eq!((&words["axes"], &words["pixel_size"]["x_nm"]), (&"TCYX".into(), &12.3.into()));
        assert_eq!(words["calibration"][0]["source"], "test");
        let back = &imaging::open(&path).unwrap()[0];
        let hash = |m: &Micrograph| m.sha256_le(&Monitor::silent()).unwrap();
        assert_eq!((hash(back), back.stored_axes()), (hash(&micrograph), "TCYX"));
        assert_eq!(back.channel_names(), ["Al", "Fe"]);
        let pixel = back.calibration().pixel().unwrap();
        assert_eq!((pixel.x_nm, pixel.source.as_str()), (12.3, "copy.calibration.json: test"));
    }
}

#[test]
fn colours_stay_colours() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["red", "green", "blue", "alpha"];
    for (samples, sample_type) in
        [(3, SampleType::U8), (3, SampleType::U16), (4, SampleType::U8), (4, SampleType::U16)]
    {
        let micrograph = made(sample_type, 1, &names[..samples]);
        for target in Target::ALL {
            let path = dir.path().join(format!("copy.{}", target.endings()[0]));
            written(&micrograph, &ConvertRequest::new(target), &path).unwrap();
            if target == Target::Npy {
                assert_eq!(npy(&path).0, [samples as u64, 5, 11], "as it was stored");
                continue;
            }
            let copy = read(&path);
            assert_eq!((copy.stored_axes(), copy.is_colour()), ("YXS", true), "{target:?} {sample_type:?}");
            assert_eq!(copy.channel_names(), &names[..samples]);
            for channel in 0..samples {
                assert_eq!(copy.plane(0, channel).unwrap(), micrograph.plane(0, channel).unwrap());
            }
        }
    }
}

#[test]
fn real_stacks_keep_depth_time_and_their_calibration() {
    let dir = tempfile::tempdir().unwrap();
    for name in
        ["imagej.tif", "ome.ome.tif", "shaped_tiles.tif", "big_planar.tif", "imagej_one_directory.tif"]
    {
        let micrograph =
            read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imaging").join(name));
        for target in [Target::OmeTiff, Target::Tiff] {
            let path = dir.path().join("copy.tif");
            let converted = written(&micrograph, &ConvertRequest::new(target), &path).unwrap();
            let copy = read(&path);
            let size = |m: &Micrograph| (m.frames(), m.channels(), m.height(), m.width());
            assert_eq!(size(&copy), size(&micrograph), "{name}");
            assert_eq!((copy.stored_axes(), copy.stored_shape()), (&*converted.axes, &*converted.shape));
            for (frame, channel) in (0..copy.frames()).flat_map(|f| (0..copy.channels()).map(move |c| (f, c)))
            {
                assert_eq!(copy.plane(frame, channel).unwrap(), micrograph.plane(frame, channel).unwrap());
            }
            let sizes = |m: &Micrograph| {
                let pixel = m.calibration().pixel().map(|pixel| (pixel.x_nm, pixel.y_nm));
                (pixel, m.calibration().frame_step_nm())
            };
            assert_eq!(sizes(&copy), sizes(&micrograph), "{name} {target:?}");
        }
    }
}

#[test]
fn a_part_is_what_was_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("part.tif");
    let time = AxisScale { offset: 10.0, ..AxisScale::new('T', 2.0, "s", "test") };
    let micrograph = made(SampleType::U16, 5, &["a", "b", "c"]);
    let micrograph = micrograph.with_calibration(micrograph.calibration().with(time));
    let bar = InfoBar { rows: 2, source: "test".to_owned() };
    let micrograph = micrograph.with_info_bar(Some(bar));
    let mut request = ConvertRequest::new(Target::Tiff);
    request.frames = Some(1..4);
    request.channels = Some(vec![2, 0]);
    request.crop_info_bar = true;
    let converted = written(&micrograph, &request, &path).unwrap();
    let copy = read(&path);
    assert_eq!((copy.stored_axes(), copy.stored_shape()), ("TCYX", &[3, 2, 3, 11][..]));
    assert_eq!(copy.channel_names(), ["c", "a"]);
    let (expected, found) = (micrograph.plane(3, 0).unwrap().to_f32(), copy.plane(2, 1).unwrap().to_f32());
    assert_eq!(found, expected.slice(ndarray::s![..3, ..]));
    assert!(converted.notes.iter().any(|note| note.contains("last 2 rows")), "{:?}", converted.notes);
    request.target = Target::Npy;
    written(&micrograph, &request, &dir.path().join("part.npy")).unwrap();
    let beside = fs::read(dir.path().join("part.calibration.json")).unwrap();
    let words: serde_json::Value = serde_json::from_slice(&beside).unwrap();
    let scales = words["calibration"].as_array().unwrap();
    let time = scales.iter().find(|scale| scale["axis"] == "T").unwrap();
    assert_eq!((&time["offset"], &time["scale"]), (&12.0.into(), &2.0.into()), "frame 1 is at 12 s");
    assert_eq!(words["shape"], serde_json::json!([3, 2, 3, 11]));
}

/// A TIFF of five energies.
fn spectral(path: &Path) -> Micrograph {
    let description = r#"{"shape": [5, 5, 11], "axes": "EYX",
        "calibration": [{"axis": "E", "scale": 0.01, "offset": -0.02, "unit": "keV", "source": "test"}]}"#;
    let form = Form {
        height: 5,
        width: 11,
        samples: 1,
        colour: false,
        sample_type: SampleType::U16,
        compression: Compression::None,
    };
    let file = TiffFile { form, pages: 5, description, labels: &[], resolution: None };
    file.write(path, &mut |page| Ok(plane(SampleType::U16, page as u64).le_bytes())).unwrap();
    read(path)
}

#[test]
fn energies_are_kept_or_become_channels_with_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let micrograph = spectral(&dir.path().join("spectral.tif"));
    assert_eq!((micrograph.is_spectral(), micrograph.channels()), (true, 5));
    let path = dir.path().join("copy.tif");
    let mut request = ConvertRequest::new(Target::OmeTiff);
    request.channels = Some(vec![1, 2, 3]);
    let converted = written(&micrograph, &request, &path).unwrap();
    assert!(converted.notes.iter().any(|note| note.contains("energies")), "{:?}", converted.notes);
    assert_eq!(read(&path).channel_names(), ["-0.01 keV", "0 keV", "0.01 keV"]);
    request.target = Target::Tiff;
    written(&micrograph, &request, &path).unwrap();
    let copy = read(&path);
    let energy = copy.energy().unwrap();
    assert_eq!((energy.scale, energy.offset, energy.unit.as_str()), (0.01, -0.01, "keV"));
    assert_eq!(copy.plane(0, 2).unwrap(), micrograph.plane(0, 3).unwrap());
}

#[test]
fn a_png_has_the_values_and_says_the_pixel_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.png");
    for sample_type in [SampleType::U8, SampleType::U16] {
        let micrograph = made(sample_type, 3, &["a", "b"]);
        let mut request = ConvertRequest::new(Target::Png);
        request.frames = Some(1..2);
        let refused = written(&micrograph, &request, &path).unwrap_err();
        assert!(refused.contains("2 channels; choose one"), "{refused}");
        request.channels = Some(vec![1]);
        written(&micrograph, &request, &path).unwrap();
        assert_eq!(read(&path).plane(0, 0).unwrap(), micrograph.plane(1, 1).unwrap());
        let reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(&path).unwrap()));
        let reader = reader.read_info().unwrap();
        let info = reader.info();
        let dims = info.pixel_dims.unwrap();
        assert_eq!((dims.xppu, dims.yppu), (81_300_813, 2_000_000_000));
        assert_eq!(info.uncompressed_latin1_text[0].text, "x 12.3 nm, y 0.5 nm, from test");
        let pixel = read(&path).calibration().pixel().unwrap();
        assert_eq!((pixel.x_nm, pixel.y_nm), (12.3, 0.5));
        assert_eq!(pixel.source, "PNG text “Pixel size”, from test");
    }
}

#[test]
fn other_values_are_rendered_only_when_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.png");
    let micrograph = made(SampleType::F32, 1, &["a"]);
    let mut request = ConvertRequest::new(Target::Png);
    let refused = written(&micrograph, &request, &path).unwrap_err();
    assert!(refused.contains("these are float32; render them"), "{refused}");
    request.rendering = Some(Rendering::Window(Contrast { low: 0.0, high: 20000.0 }));
    written(&micrograph, &request, &path).unwrap();
    let (rendered, values) = (read(&path).plane(0, 0).unwrap(), micrograph.plane(0, 0).unwrap());
    let expected = |y, x| (values.value(y, x) / 20000.0 * 255.0).round().min(255.0);
    assert_eq!(rendered.sample_type(), SampleType::U8);
    assert!((0..5).all(|y| (0..11).all(|x| rendered.value(y, x) == expected(y, x))));
    request.rendering = Some(Rendering::Percentiles);
    assert!(written(&micrograph, &request, &path).unwrap().notes[0].contains("is black"));
}

#[test]
fn what_cannot_be_is_one_message_and_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.tif");
    let micrograph = made(SampleType::U8, 2, &["a"]);
    let refused = |change: &dyn Fn(&mut ConvertRequest)| {
        let mut request = ConvertRequest::new(Target::Tiff);
        change(&mut request);
        written(&micrograph, &request, &path).unwrap_err()
    };
    assert_eq!(refused(&|r| r.frames = Some(1..3)), "There are no frames 1..3, only 0..2: made");
    assert_eq!(refused(&|r| r.frames = Some(1..1)), "There are no frames 1..1, only 0..2: made");
    assert_eq!(refused(&|r| r.channels = Some(vec![1])), "There is no channel 1, only 0 to 0: made");
    assert_eq!(refused(&|r| r.channels = Some(vec![])), "At least one channel is needed");
    let rendering = Some(Rendering::Percentiles);
    assert!(refused(&|r| r.rendering = rendering).starts_with("Only a PNG can be rendered"));
    let npy = |r: &mut ConvertRequest| (r.target, r.compression) = (Target::Npy, Some(Compression::Lzw));
    assert_eq!(refused(&npy), "Only TIFFs have a choice of compression");
    let (watch, monitor) = Monitor::watched();
    watch.cancel();
    let stopped = convert(&micrograph, &ConvertRequest::new(Target::Tiff), &path, &monitor).unwrap_err();
    assert!(stopped.is_cancelled());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_copy_never_takes_the_place_of_its_original() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("original.tif");
    written(&made(SampleType::U8, 1, &["a"]), &ConvertRequest::new(Target::Tiff), &path).unwrap();
    let before = fs::read(&path).unwrap();
    let request =
        ConvertRequest { compression: Some(Compression::Zstd), ..ConvertRequest::new(Target::Tiff) };
    let refused = written(&read(&path), &request, &dir.path().join("./original.tif")).unwrap_err();
    assert!(
        refused.starts_with("The copy would take the place of the file that it is made from"),
        "{refused}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn targets_are_told_by_their_endings() {
    let of = |name: &str| Target::of_path(Path::new(name));
    assert_eq!(of("a/b.OME.TIF"), Some(Target::OmeTiff));
    assert_eq!(
        (of("b.tiff"), of("x.ome.npy"), of("b.Png")),
        (Some(Target::Tiff), Some(Target::Npy), Some(Target::Png))
    );
    assert_eq!((of("tif"), of("ome.tif"), of("a.jpg")), (None, Some(Target::Tiff), None));
}
