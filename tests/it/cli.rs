//! Every command once with good input; what it prints and what it leaves behind.

use std::fs;

use serde_json::Value;

use crate::common::{home, run_in, shared_data, write_classifier, write_discs, write_segmenter};

fn json_lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn info_prints_one_object_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.tif"), dir.path().join("b.tif"));
    write_discs(&a, 20, 30, Some(5.0));
    write_discs(&b, 7, 9, None);
    let ran = run_in(dir.path(), &["info", "a.tif", "b.tif", "--json", "--hash"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines = json_lines(&ran.out);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["axes"], "YX");
    assert_eq!(lines[0]["shape"], serde_json::json!([20, 30]));
    assert_eq!(lines[0]["dtype"], "uint16");
    assert_eq!(lines[0]["channels"], 1);
    assert!((lines[0]["pixel_size_nm"].as_f64().unwrap() - 5.0).abs() < 1e-6);
    assert!(lines[0]["pixel_size_source"].is_string());
    assert_eq!(lines[1]["pixel_size_nm"], Value::Null);
    assert_eq!(lines[1]["pixel_size_source"], Value::Null);
    assert_eq!(lines[1]["sha256_le"].as_str().unwrap().len(), 16);
}

#[test]
fn info_hashes_are_those_of_tifffile() {
    let Some(data) = shared_data() else { return };
    let expected = fs::read_to_string(data.join("EXPECTED.jsonl")).unwrap();
    let wanted = "stack/pims_imagej_stack_5x512x512_u16be.tif";
    let expected = json_lines(&expected).into_iter().find(|e| e["path"] == wanted).unwrap();
    let ran = run_in(&data, &["info", wanted, "--json", "--hash"]);
    let info = &json_lines(&ran.out)[0];
    assert_eq!(info["sha256_le"], expected["series"][0]["sha256_le"]);
    assert_eq!(info["shape"], expected["series"][0]["shape"]);
    assert_eq!(info["dtype"], expected["series"][0]["dtype"]);
}

#[test]
fn segment_writes_what_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 60, 80, Some(2.0));
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    let args = ["segment", "discs.tif", "--model", "net.safetensors", "--out", "out/deep", "--json"];
    let ran = run_in(dir.path(), &[&args[..], &["--formats", "label,csv", "--threads", "2"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let done = &json_lines(&ran.out)[0];
    assert_eq!(done["files"].as_array().unwrap().len(), 3);
    let out = dir.path().join("out/deep");
    let manifest: Value =
        serde_json::from_slice(&fs::read(out.join("discs.manifest.json")).unwrap()).unwrap();
    assert!(manifest.to_string().contains("polepiece segment"));
    let table = fs::read_to_string(out.join("discs.objects.csv")).unwrap();
    assert!(table.lines().next().unwrap().contains("area_nm2"));
    assert_eq!(table.lines().count() as u64, 1 + done["objects"].as_u64().unwrap());
    let label = run_in(&out, &["info", "discs.label.tif", "--json"]);
    let label = &json_lines(&label.out)[0];
    assert_eq!((&label["dtype"], &label["shape"]), (&"uint8".into(), &serde_json::json!([60, 80])));
    assert!((label["pixel_size_nm"].as_f64().unwrap() - 2.0).abs() < 1e-6, "the pixel size is carried over");
}

#[test]
fn the_manifest_s_command_makes_the_same_files_again() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("it's discs.tif"), 40, 50, None);
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    let args = ["segment", "it's discs.tif", "--model", "net.safetensors", "--out", "out", "--tile", "32"];
    assert_eq!(run_in(dir.path(), &[&args[..], &["--opacity", "0.3"]].concat()).code, 0);
    let manifest_path = dir.path().join("out/it's discs.manifest.json");
    let before = fs::read(&manifest_path).unwrap();
    let manifest: Value = serde_json::from_slice(&before).unwrap();
    let command = manifest["command"].as_str().unwrap();
    fs::remove_dir_all(dir.path().join("out")).unwrap();
    let program = env!("CARGO_BIN_EXE_polepiece");
    let script = format!("polepiece() {{ '{program}' \"$@\"; }}; {command}");
    let again =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    assert!(again.status.success(), "{command}: {}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(fs::read(&manifest_path).unwrap(), before);
}

#[test]
fn tiled_and_whole_give_the_same_mask() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 100, 150, None);
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    for (out, tile) in [("whole", "4096"), ("tiled", "40")] {
        let args = ["segment", "discs.tif", "--model", "net.safetensors", "--formats", "label", "--out", out];
        assert_eq!(run_in(dir.path(), &[&args[..], &["--tile", tile]].concat()).code, 0);
    }
    let label = |out: &str| fs::read(dir.path().join(out).join("discs.label.tif")).unwrap();
    assert_eq!(label("whole"), label("tiled"));
}

#[test]
fn classify_ranks_the_classes() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 60, 80, None);
    write_classifier(&dir.path().join("net.safetensors"));
    let ran = run_in(dir.path(), &["classify", "discs.tif", "--model", "net.safetensors", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let probabilities = json_lines(&ran.out)[0]["probabilities"].as_object().unwrap().clone();
    let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
}

#[test]
fn features_of_a_decoder_node_are_an_array_and_a_sheet() {
    let dir = tempfile::tempdir().unwrap();
    write_discs(&dir.path().join("discs.tif"), 48, 64, None);
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    let args = ["features", "discs.tif", "--model", "net.safetensors", "--node", "dec1.conv1", "--out", "f"];
    let ran = run_in(dir.path(), &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let npy = fs::read(dir.path().join("f/dec1.conv1.npy")).unwrap();
    let array = npyz::NpyFile::new(&npy[..]).unwrap();
    assert_eq!(array.shape(), [4, 48, 64]);
    let sheet = image::open(dir.path().join("f/dec1.conv1.png")).unwrap();
    assert!(sheet.width() > 60);

    let all =
        run_in(dir.path(), &["features", "discs.tif", "--model", "net.safetensors", "--all", "--out", "g"]);
    assert_eq!((all.code, all.err.as_str()), (0, ""));
    let described = run_in(dir.path(), &["describe", "net.safetensors", "--json"]);
    let nodes = json_lines(&described.out)[0]["nodes"].as_array().unwrap().len();
    assert_eq!(all.out.lines().count(), 2 * nodes, "an array and a sheet a node");
}

#[test]
fn describe_counts_every_node() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    let ran = run_in(dir.path(), &["describe", "net.safetensors", "--input", "1x64x32", "--json"]);
    let description = &json_lines(&ran.out)[0];
    let conv = description["nodes"].as_array().unwrap().iter().find(|n| n["name"] == "enc1.conv2").unwrap();
    assert_eq!(conv["shape"], serde_json::json!([4, 64, 32]));
    // 4 × 4 kernels of 3 × 3; batch-norm follows, so there is no bias.
    assert_eq!(conv["parameters"], 4 * 4 * 9);
    assert_eq!(conv["multiply_adds"], 4 * 4 * 9 * 64 * 32);
    assert!(conv["computed"]["algorithm"].is_string(), "{conv}");
    assert_eq!(conv["computed"]["with"], serde_json::json!(["batch-norm", "ReLU"]));
    assert_eq!(description["run"]["tile"], serde_json::Value::Null);
    assert!(description["run"]["network_bytes"].as_u64() == description["forecast"]["peak_bytes"].as_u64());
    let plain = run_in(dir.path(), &["describe", "net.safetensors"]);
    assert_eq!(plain.code, 0);
    assert!(plain.out.contains("enc1.conv2"));
    assert!(plain.out.contains("with batch-norm and ReLU") && plain.out.contains("read in pieces"));
    assert!(plain.out.contains("An image of 512×512 px takes about"), "{}", plain.out);
    let large = run_in(dir.path(), &["describe", "net.safetensors", "--input", "1x20000x20000"]);
    assert!(large.out.contains(" MB, in ") && large.out.contains(" tiles of "), "{}", large.out);
}

#[test]
fn synth_makes_the_same_images_again() {
    let dir = tempfile::tempdir().unwrap();
    for out in ["a", "b"] {
        let args = ["synth", "precipitates", "--seed", "4", "--count", "2", "--size", "48x64", "--out", out];
        assert_eq!(run_in(dir.path(), &args).code, 0);
    }
    let bytes = |folder: &str| {
        let mut files: Vec<_> =
            fs::read_dir(dir.path().join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files.iter().map(|f| fs::read(f).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(bytes("a").len(), 4, "two images and two label maps");
    assert_eq!(bytes("a"), bytes("b"));
}

#[test]
fn train_and_evaluate_on_folders() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["synth", "precipitates", "--seed", "1", "--count", "3", "--size", "64x64", "--out", "made"];
    assert_eq!(run_in(dir.path(), &args).code, 0);
    for folder in ["images", "masks"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    for entry in fs::read_dir(dir.path().join("made")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = if name.contains("label") { "masks" } else { "images" };
        fs::rename(&path, dir.path().join(folder).join(name.replace(".labels", ""))).unwrap();
    }
    let folders = ["--images", "images", "--masks", "masks"];
    let train = [
        &["train"][..],
        &folders,
        &["--base", "4", "--depth", "2", "--steps", "3", "--out", "m.safetensors"],
    ]
    .concat();
    let ran = run_in(dir.path(), &train);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let evaluate = [&["evaluate", "--model", "m.safetensors"][..], &folders, &["--json", "--otsu"]].concat();
    let ran = run_in(dir.path(), &evaluate);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let scores = &json_lines(&ran.out)[0];
    assert!((0.0..=1.0).contains(&scores["mean_iou"].as_f64().unwrap()));
    assert_eq!(scores["images"], 3);
}

#[test]
fn without_a_display_the_sample_job_is_done_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_in(dir.path(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.err.lines().filter(|line| line.contains("without a window")).count(), 1);
    let out = dir.path().join("polepiece-out");
    for file in ["label.tif", "overlay.png", "objects.csv", "manifest.json"] {
        assert!(out.join(format!("sem-precipitates.{file}")).is_file(), "{file}");
    }
    assert!(fs::read_dir(out.join("sem-precipitates.features")).unwrap().count() > 10);
    assert!(home().join("sample_data").is_dir());
}

#[test]
fn without_a_display_a_model_among_the_files_is_the_model() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("own.safetensors"), 1);
    write_discs(&dir.path().join("discs.tif"), 40, 44, None);
    let ran = run_in(dir.path(), &["discs.tif", "own.safetensors"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let manifest = fs::read_to_string(dir.path().join("polepiece-out/discs.manifest.json")).unwrap();
    assert!(manifest.contains("own.safetensors"), "{manifest}");
}

#[test]
fn help_lists_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_in(dir.path(), &["--help"]);
    assert_eq!(ran.code, 0);
    for command in [
        "info", "segment", "classify", "features", "describe", "models", "train", "evaluate", "synth",
        "bench",
    ] {
        assert!(ran.out.contains(command), "{command}");
    }
    assert!(ran.out.contains("Exit codes"));
}

#[test]
fn lines_and_rectangles_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ramp.png");
    image::GrayImage::from_fn(8, 6, |x, y| image::Luma([(10 * y + x) as u8])).save(&path).unwrap();
    let line = ["profile", "ramp.png", "--from", "1,2", "--to", "5,2"];
    let ran = run_in(dir.path(), &[&line[..], &["--width", "3", "--json", "--csv", "line.csv"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let found = &json_lines(&ran.out)[0];
    assert_eq!((&found["length_px"], &found["length"]), (&4.0.into(), &Value::Null));
    assert_eq!(found["channels"][0]["values"], serde_json::json!([21.0, 22.0, 23.0, 24.0, 25.0]));
    let table = fs::read_to_string(dir.path().join("line.csv")).unwrap();
    assert_eq!(table, "distance_px,channel 1\n0,21\n1,22\n2,23\n3,24\n4,25\n");

    let ran = run_in(dir.path(), &["stats", "ramp.png", "--rect", "1,2,2,2", "--json"]);
    let found = &json_lines(&ran.out)[0];
    // 21, 22, 31, 32: five and a half from the mean, one half of that a column.
    let channel = &found["channels"][0];
    assert_eq!((&channel["n"], &channel["mean"], &channel["sum"]), (&4.into(), &26.5.into(), &106.0.into()));
    assert!((channel["sd"].as_f64().unwrap() - 25.25_f64.sqrt()).abs() < 1e-12);
    let whole = run_in(dir.path(), &["stats", "ramp.png"]);
    assert!(whole.out.starts_with("8 × 6 px at 0, 0: 48 px\n"), "{}", whole.out);

    for (args, says) in [
        (["profile", "ramp.png", "--from", "0,0", "--to", "8,0"], "outside of the picture of 8 × 6 px"),
        (["stats", "ramp.png", "--rect", "7,0,2,1", "--frame", "0"], "does not lie in the picture"),
        (["stats", "ramp.png", "--rect", "0,0,1,1", "--channel", "3"], "channel 3"),
    ] {
        let ran = run_in(dir.path(), &args);
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.err.contains(says), "{}", ran.err);
    }
}

#[test]
fn describe_builds_architectures_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let json = |args: &[&str]| {
        let ran = run_in(dir.path(), &[&["describe", "--json"], args].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        json_lines(&ran.out).swap_remove(0)
    };
    let resnet = json(&["resnet18"]);
    assert_eq!(resnet["parameters"], 11_689_512);
    assert_eq!(resnet["input"], serde_json::json!([3, 224, 224]));
    assert_eq!(resnet["task"], "classify");
    let small = json(&["resnet18", "--input", "1x64x96", "--classes", "4", "--width", "0.25"]);
    let node = |description: &serde_json::Value, name: &str| {
        description["nodes"].as_array().unwrap().iter().find(|n| n["name"] == name).unwrap().clone()
    };
    let conv = node(&small, "layer2.0.conv1");
    assert_eq!(conv["shape"], serde_json::json!([32, 8, 12]));
    assert_eq!((&conv["kernel"], &conv["stride"]), (&serde_json::json!([3, 3]), &serde_json::json!([2, 2])));
    assert_eq!(conv["padding"], serde_json::json!([1, 1]));
    assert_eq!(node(&small, "fc")["shape"], serde_json::json!([4]));
    assert_eq!(node(&small, "fc")["kernel"], serde_json::Value::Null);
    assert_eq!(node(&small, "fc")["receptive_field"], serde_json::Value::Null);
    // conv1 7 wide with padding 3, stride 2; the pooling 3 wide with padding 1: output 5 reads 2·9−3 to 2·11−3+7.
    let seen = json(&["resnet18", "--node", "maxpool", "--at", "5,5"]);
    assert_eq!(seen["nodes"].as_array().unwrap().len(), 1);
    let sight = &node(&seen, "maxpool")["at"];
    assert_eq!(sight["input"], serde_json::json!([[15, 26], [15, 26]]));
    let plain = run_in(dir.path(), &["describe", "vgg16", "--at", "0,0"]);
    assert!(plain.out.contains("138,357,544 parameters") && plain.out.contains("columns seen"));
    let encoder = json(&["unet", "--encoder", "resnet34", "--base", "8", "--batch-norm=false"]);
    assert_eq!(encoder["task"], "segment");
}

#[test]
fn describe_refuses_what_does_not_fit_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let says = |args: &[&str], expected: &str| {
        let ran = run_in(dir.path(), &[&["describe"], args].concat());
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.err.contains(expected), "{}", ran.err);
    };
    says(&["resnet19"], "Neither a model nor an architecture (there are perceptron, adaline, mlp");
    says(&["resnet18", "--depth", "3"], "ResNet-18 has no such choice: --depth");
    says(&["vgg16", "--input", "1x16x16"], "Node block5.pool: expected at least 2×2 pixels, found 1×1");
    says(&["lenet5", "--input", "1x28x28", "--in-channels", "3"], "Node input: expected 3 channels");
    says(&["unet", "--width", "0"], "The width must be above 0");
    says(&["unet", "--node", "nowhere"], "There is no node nowhere in U-Net");
    says(&["unet", "--encoder", "alexnet"], "unknown encoder; there are plain, vgg11");
    let list = run_in(dir.path(), &["describe", "--list"]);
    assert!(list.out.contains("unet2015: U-Net of 2015") && list.out.contains("--upsample transposed"));
    let lines = json_lines(&run_in(dir.path(), &["describe", "--list", "--json"]).out);
    assert_eq!(lines[0]["name"], "perceptron");
    assert!(lines.iter().any(|l| l["name"] == "vgg16" && l["choices"]["batch_norm"] == false));
}

#[test]
fn describe_draws_a_network_and_folds_its_groups() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    let plain = run_in(dir.path(), &["describe", "net.safetensors", "--json"]);
    let nodes = json_lines(&plain.out)[0]["nodes"].as_array().unwrap().clone();
    let ran = run_in(dir.path(), &["describe", "net.safetensors", "--drawing", "open.svg", "--fold", "none"]);
    assert_eq!((ran.code, ran.out.trim(), ran.err.as_str()), (0, "open.svg", ""));
    let open = fs::read_to_string(dir.path().join("open.svg")).unwrap();
    for node in &nodes {
        assert!(open.contains(&format!("<title>{}: ", node["name"].as_str().unwrap())), "{node}");
    }
    assert_eq!(run_in(dir.path(), &["describe", "unet", "--drawing", "unet.svg", "--fold", "all"]).code, 0);
    let folded = fs::read_to_string(dir.path().join("unet.svg")).unwrap();
    assert!(folded.contains("<title>enc1: ") && !folded.contains("<title>enc1.conv1: "));
    let refused = run_in(dir.path(), &["describe", "unet", "--drawing", "unet.pdf"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("A drawing is written as .svg: unet.pdf"), "{}", refused.err);
}

#[test]
fn describe_profiles_a_run_node_by_node() {
    let dir = tempfile::tempdir().unwrap();
    write_segmenter(&dir.path().join("net.safetensors"), 1);
    write_discs(&dir.path().join("a.tif"), 64, 64, Some(5.0));
    let args = ["describe", "net.safetensors", "--profile", "a.tif", "--tile", "32", "--json"];
    let ran = run_in(dir.path(), &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let told = &json_lines(&ran.out)[0];
    assert_eq!(told["tiles"], 4);
    let nodes = told["nodes"].as_array().unwrap();
    let sum: f64 = nodes.iter().map(|node| node["seconds"].as_f64().unwrap()).sum();
    let (of_nodes, of_run) = (told["node_seconds"].as_f64().unwrap(), told["run_seconds"].as_f64().unwrap());
    assert!((sum - of_nodes).abs() < 1e-9 && of_nodes <= of_run, "{sum} {of_nodes} {of_run}");
    let shares: f64 = nodes.iter().map(|node| node["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-9);
    let within = nodes.iter().find(|node| node["within"].is_string()).expect("a fused node");
    assert_eq!(within["seconds"], 0.0);
    let table = run_in(dir.path(), &["describe", "net.safetensors", "--profile", "a.tif"]);
    assert!(table.out.contains("of the run's") && table.out.contains("in one piece"), "{}", table.out);
    let both = ["describe", "net.safetensors", "--profile", "a.tif", "--effective", "a.tif", "--node", "x"];
    assert_eq!(run_in(dir.path(), &both).code, 2);
}
