//! Files that PyTorch wrote, held against what PyTorch says is in them (tests/fixtures/pytorch/make.py), and hostile ones.

use super::Checkpoint;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch")
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

/// Names, shapes, types and numbers of a file are PyTorch's, and there are no others.
fn check(file: &str, expected: &Value) {
    let mut checkpoint = Checkpoint::open(&folder().join(file), None).unwrap();
    let found: Vec<(String, Vec<usize>)> =
        checkpoint.weights().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
    let expected = expected[file].as_object().unwrap();
    assert_eq!(found.len(), expected.len(), "{file}");
    for (name, shape) in found {
        let entry = &expected[&name];
        let sizes: Vec<usize> = serde_json::from_value(entry["shape"].clone()).unwrap();
        assert_eq!(shape, sizes, "{file} {name}");
        assert_eq!(checkpoint.stored_as(&name), entry["type"].as_str(), "{file} {name}");
        let numbers: Option<Vec<f32>> = serde_json::from_value(entry["numbers"].clone()).unwrap();
        if let Some(numbers) = numbers {
            assert_eq!(checkpoint.numbers(&name).unwrap(), numbers, "{file} {name}");
        } else {
            let message = checkpoint.numbers(&name).unwrap_err().to_string();
            assert!(message.contains("which f32 cannot hold"), "{message}");
        }
    }
}

#[test]
fn both_formats_of_torch_save_and_safetensors_give_pytorchs_numbers() {
    let expected = expected();
    for file in ["zip.pt", "legacy.pth", "protocol_5.pt", "foreign.safetensors", "parameter.pt"] {
        check(file, &expected);
    }
}

#[test]
fn strided_views_and_every_type_of_number_are_read() {
    let expected = expected();
    for file in ["strided.pt", "strided_legacy.pth", "types.pt"] {
        check(file, &expected);
    }
}

#[test]
fn other_byte_orders_packed_entries_and_missing_checksums_are_read() {
    let expected = expected();
    for file in ["big_endian.pt", "deflated.pt", "no_checksums.pt"] {
        check(file, &expected);
    }
}

#[test]
fn checkpoints_are_unwrapped_in_words() {
    let expected = expected();
    let notes = |file: &str| {
        check(file, &expected);
        Checkpoint::open(&folder().join(file), None).unwrap().notes().join("\n")
    };
    let words = "The weights are the checkpoint's entry \"state_dict\", beside it epoch, arch, optimizer";
    assert_eq!(notes("wrapped.pt"), words);
    let lightning = notes("lightning.ckpt");
    assert!(
        lightning.contains("beside it pytorch-lightning_version, global_step, loops, best"),
        "{lightning}"
    );
    assert_eq!(notes("mixed.pt"), "Left out what is no tensor: version, note");
}

#[test]
fn of_several_sets_of_weights_one_must_be_chosen() {
    let path = folder().join("two.pt");
    let message = Checkpoint::open(&path, None).unwrap_err().to_string();
    let words = "The file holds several sets of weights; choose one with --key: discriminator, generator: ";
    assert_eq!(message, format!("{words}{}", path.display()));
    let chosen = Checkpoint::open(&path, Some("generator")).unwrap();
    assert_eq!(chosen.weights().next(), Some(("0.weight", &[2, 1, 3, 3][..])));
    let message = Checkpoint::open(&path, Some("critic")).unwrap_err().to_string();
    assert!(message.starts_with("The file holds several sets of weights"), "{message}");
    // A key may also be the beginning of the names.
    let foreign = folder().join("foreign.safetensors");
    let first = Checkpoint::open(&foreign, Some("3")).unwrap();
    assert_eq!(first.weights().collect::<Vec<_>>(), [("bias", &[3][..]), ("weight", &[3, 8][..])]);
    let message = Checkpoint::open(&foreign, Some("critic")).unwrap_err().to_string();
    assert!(
        message.starts_with("The file has no entry \"critic\", and no name begins so; it has"),
        "{message}"
    );
}

#[test]
fn whole_models_programs_and_quantised_tensors_are_refused_with_advice() {
    let refuse = |file: &str, says: &str| {
        let message = Checkpoint::open(&folder().join(file), None).unwrap_err().to_string();
        assert!(message.starts_with(says), "{message}");
    };
    let whole =
        "Refuses to call torch.nn.modules.container.Sequential: the file holds a Python object, not weights";
    refuse("whole_model.pt", whole);
    refuse("torchscript.pt", "A TorchScript program, not weights");
    refuse("quantised.pt", "Refuses to call torch._utils._rebuild_qtensor: quantised and sparse");
}

#[test]
fn others_checkpoints_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/weights/atomai_unet_test.pt");
    if !path.is_file() {
        println!("skipped: no ../shared/data");
        return;
    }
    let mut checkpoint = Checkpoint::open(&path, None).unwrap();
    assert_eq!(checkpoint.weights().count(), 62);
    assert!(
        checkpoint.notes()[0]
            .starts_with("The weights are the checkpoint's entry \"weights\", beside it model_type")
    );
    // torch.load(…)["weights"]["decoder.out.weight"], the first of "encoder.fc.weight", and the sum of it
    assert_eq!(checkpoint.numbers("decoder.out.weight").unwrap(), [-0.757_386_5]);
    let dense = checkpoint.numbers("encoder.fc.weight").unwrap();
    assert_eq!((dense.len(), dense[0]), (10 * 1024, -0.002_434_034_1));
    let sum: f64 = dense.iter().map(|&n| f64::from(n)).sum();
    assert!((sum - 1.103_395_638_794_609_1).abs() < 1e-12, "{sum}");
}

/// A file of `torch.save` whose pickle is `pickle`, with a storage "0" of these bytes.
fn zipped(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let mut zip = zip::ZipWriter::new(&mut file);
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("x/data.pkl", pickle), ("x/data/0", storage)] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    file.into_inner()
}

fn open(bytes: &[u8]) -> Result<Checkpoint, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weights.pt");
    std::fs::write(&path, bytes).unwrap();
    let end = format!(": {}", path.display());
    let opened = Checkpoint::open(&path, None).map_err(|error| error.to_string());
    opened.map_err(|message| message.strip_suffix(&end).unwrap().to_owned())
}

fn refuse(bytes: &[u8], says: &str) {
    let message = open(bytes).unwrap_err();
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

/// The pickle of {"w": tensor} with that count of the storage, offset, sizes and strides, as pickle operations.
fn tensor(key: &str, count: &[u8], offset: &[u8], sizes: &[u8], strides: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let start =
        [b"\x80\x02}".to_vec(), text("w"), b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec()].concat();
    let storage =
        [text("storage"), b"ctorch\nFloatStorage\n".to_vec(), text(key), text("cpu"), count.to_vec()];
    let end = [b"tQ", offset, sizes, strides, b"\x89}tRs."].concat();
    [start, storage.concat(), end].concat()
}

/// An integer of eight bytes as a pickle operation.
fn long(n: u64) -> Vec<u8> {
    [&[0x8a, 8], &n.to_le_bytes()[..]].concat()
}

#[test]
fn a_tensor_written_by_hand_is_read() {
    let pickle = tensor("0", b"K\x03", b"K\x01", b"K\x02\x85", b"K\x01\x85");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weights.pt");
    let storage: Vec<u8> = [1.0_f32, 2.0, 3.0].iter().flat_map(|n| n.to_le_bytes()).collect();
    std::fs::write(&path, zipped(&pickle, &storage)).unwrap();
    assert_eq!(Checkpoint::open(&path, None).unwrap().numbers("w").unwrap(), [2.0, 3.0]);
    let broken = [storage[..8].to_vec(), f32::NAN.to_le_bytes().to_vec()].concat();
    std::fs::write(&path, zipped(&pickle, &broken)).unwrap();
    let message = Checkpoint::open(&path, None).unwrap().numbers("w").unwrap_err().to_string();
    assert!(message.starts_with("Weight w: expected finite numbers, found NaN"), "{message}");
}

#[test]
fn pickles_that_call_code_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let touched = dir.path().join("touched");
    let command = format!("touch {}", touched.display());
    let text = [&[b'X'][..], &(command.len() as u32).to_le_bytes(), command.as_bytes()].concat();
    let call = |name: &str| [b"\x80\x02c", name.as_bytes(), b"\n", &text, b"\x85R."].concat();
    for name in [
        "os\nsystem",
        "posix\nsystem",
        "builtins\neval",
        "builtins\nexec",
        "subprocess\nPopen",
        "torch\nload",
    ] {
        let says = format!("Refuses to call {}, which no state dict needs", name.replace('\n', "."));
        refuse(&zipped(&call(name), &[]), &says);
        let legacy = [super::legacy::MAGIC, b"\x80\x02M\xe9\x03.\x80\x02}.", &call(name)].concat();
        refuse(&legacy, &says);
    }
    // Named by texts, through getattr, as a class to make, by class name, and in a dict that nobody reads.
    refuse(&zipped(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", &[]), "Refuses to call os.system");
    refuse(
        &zipped(b"\x80\x02cbuiltins\ngetattr\n(cos\nsystem\ntR.", &[]),
        "Refuses to call builtins.getattr",
    );
    refuse(
        &zipped(b"\x80\x02c__main__\nNet\n)\x81.", &[]),
        "Refuses to call __main__.Net: the file holds a Python",
    );
    refuse(&zipped(b"(ios\nsystem\n.", &[]), "Refuses to make an object of a class by its name");
    refuse(&zipped(b"\x80\x02}(K\x01cos\nsystem\nu.", &[]), "Refuses to call os.system");
    // What may be named may not be called in another way.
    refuse(
        &zipped(b"\x80\x02ctorch\nFloatStorage\nK\x05\x85R.", &[]),
        "without saying where its numbers are",
    );
    refuse(&zipped(b"\x80\x02K\x05)R.", &[]), "it calls something that is no function");
    assert!(!touched.exists());
}

#[test]
fn claims_beyond_the_file_are_refused() {
    let (one, ones) = (b"K\x01\x85", b"K\x01\x85");
    let huge = [long(1 << 60), b"\x85".to_vec()].concat();
    let claimed = tensor("0", &long(1 << 60), b"K\x00", one, ones);
    refuse(
        &zipped(&claimed, &[0; 4]),
        "The storage 0 is said to have 1152921504606846976 numbers, the file holds 4 bytes",
    );
    let large = tensor("0", b"K\x01", b"K\x00", &huge, ones);
    refuse(
        &zipped(&large, &[0; 4]),
        "Weight w: a tensor of [1152921504606846976] float32 numbers, 0 on, reaches beyond",
    );
    let far = tensor("0", b"K\x01", &long(1 << 62), one, ones);
    refuse(&zipped(&far, &[0; 4]), "reaches beyond its storage of 4 bytes");
    let negative = tensor("0", b"K\x01", &long(u64::MAX), one, ones);
    refuse(&zipped(&negative, &[0; 4]), "described in an unknown way");
    let escape = b"\x80\x02}\x8c\x05\x1b[2Jw}s.";
    refuse(&zipped(escape, &[]), "only ?[2Jw");
    let nowhere = tensor("../../etc/passwd", b"K\x01", b"K\x00", one, ones);
    refuse(&zipped(&nowhere, &[0; 4]), "The file has no storage ../../etc/passwd");
    // A number repeated 2^50 times fits its storage, but no memory.
    let repeated = [long(1 << 50), b"\x85".to_vec()].concat();
    let mut opened =
        open(&zipped(&tensor("0", b"K\x01", b"K\x00", &repeated, b"K\x00\x85"), &[0; 4])).unwrap();
    assert!(opened.numbers("w").is_err());
    // An entry whose directory claims 2^31 bytes.
    let mut lying = zipped(&tensor("0", b"K\x01", b"K\x00", one, ones), &[0; 4]);
    let directory = lying.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    lying[directory + 20..directory + 28].copy_from_slice(&[0, 0, 0, 0x80, 0, 0, 0, 0x80]);
    assert!(open(&lying).is_err());
    // The same in the older format.
    let start = [super::legacy::MAGIC, b"\x80\x02M\xe9\x03.\x80\x02}."].concat();
    let pickle = tensor("0", b"K\x01N", b"K\x00", one, ones);
    let legacy =
        |count: u64| [&start[..], &pickle, b"\x80\x02](\x8c\x010e.", &count.to_le_bytes(), &[0; 4]].concat();
    assert_eq!(open(&legacy(1)).unwrap().weights().count(), 1);
    refuse(&legacy(1 << 60), "Cut short in the storage 0: it is said to have 1152921504606846976 numbers");
    refuse(&legacy(u64::MAX), "Cut short in the storage 0");
}

#[test]
fn bombs_are_refused_without_the_memory_they_ask_for() {
    // Each list holds the one before twice: 2^40 leaves, 40 values.
    let mut nested = b"\x80\x02]q\x00".to_vec();
    for _ in 0..40 {
        nested.extend(b"0](h\x00h\x00eq\x00");
    }
    nested.push(b'.');
    refuse(&zipped(&nested, &[]), "The file holds a list, no dict of named weights");
    // Deep nesting, in tuples, in dicts, and of marks.
    let deep = [b"\x80\x02)".to_vec(), b"\x85".repeat(1_000_000), b".".to_vec()].concat();
    refuse(&zipped(&deep, &[]), "The file holds a list");
    let dicts =
        [b"\x80\x02".to_vec(), b"}K\x01".repeat(200_000), b"}".to_vec(), b"s".repeat(200_000), b".".to_vec()];
    refuse(&zipped(&dicts.concat(), &[]), "The file holds no named weights");
    refuse(&zipped(&b"(".repeat(6_000_000), &[]), "it makes more than 4194304 objects");
    // A dict of a hundred thousand pairs, copied a hundred thousand times.
    let pairs = [
        b"\x80\x02ccollections\nOrderedDict\nq\x01](".to_vec(),
        b"KAKB\x86".repeat(100_000),
        b"eq\x02".to_vec(),
    ];
    let copied = [pairs.concat(), b"h\x01h\x02\x85R0".repeat(100_000), b".".to_vec()].concat();
    refuse(&zipped(&copied, &[]), "it makes more than 4194304 objects");
    refuse(&zipped(b"\x80\x02X\xff\xff\xff\xffabc.", &[]), "The pickle is broken: it is cut short");
    refuse(&zipped(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", &[]), "it is cut short");
    refuse(&zipped(b"\x80\x02h\x05.", &[]), "it recalls object 5, which it never kept");
    refuse(&zipped(b"\x80\x02t.", &[]), "it has no mark where one is needed");
    refuse(&zipped(b"\x80\x02R.", &[]), "it takes more from its stack than it put there");
    refuse(&zipped(b"\x80\x02(K\x01d.", &[]), "a key in it has no value");
    refuse(&zipped(b"(lp0\n.", &[]), "it is written in protocol 0 or 1");
    refuse(&zipped(b"\xff.", &[]), "no pickle has the operation 0xff");
}

#[test]
fn files_cut_anywhere_are_refused() {
    for file in ["zip.pt", "legacy.pth", "foreign.safetensors"] {
        let whole = std::fs::read(folder().join(file)).unwrap();
        for length in (0..whole.len()).step_by(3) {
            assert!(open(&whole[..length]).is_err(), "{file} cut after {length} bytes");
        }
    }
    refuse(&[], "The file is empty");
    refuse(b"\x80\x04K\x01.", "A pickle, but not one of torch.save");
    refuse(b"This is a text file", "Neither a file of torch.save nor safetensors");
}

#[test]
fn a_byte_changed_anywhere_ends_in_a_message_or_in_numbers() {
    for file in ["zip.pt", "legacy.pth", "strided.pt", "foreign.safetensors", "lightning.ckpt"] {
        let whole = std::fs::read(folder().join(file)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.pt");
        for (first, flip) in [(0, 0x01), (3, 0x80), (7, 0xff)] {
            for at in (first..whole.len()).step_by(11) {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                std::fs::write(&path, &changed).unwrap();
                let Ok(mut opened) = Checkpoint::open(&path, None) else { continue };
                let names: Vec<String> = opened.weights().map(|(name, _)| name.to_owned()).collect();
                for name in names {
                    let _ = opened.numbers(&name);
                }
            }
        }
    }
}
