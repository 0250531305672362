//! How long the main job takes: a shipped segmenter on the sample, whole and tiled, and reading the sample.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start should say so loudly")]

use std::path::Path;

use candle_core::Device;
use criterion::{Criterion, criterion_group, criterion_main};
use polepiece::analysis::{self, RunSettings};
use polepiece::imaging;
use polepiece::inspect::Recorder;
use polepiece::monitor::Monitor;
use polepiece::network::Model;

fn main_job(c: &mut Criterion) {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = Model::load(&home.join("models/sem-precipitates.safetensors"), &Device::Cpu).unwrap();
    let sample = home.join("sample_data/sem-precipitates.tif");
    c.bench_function("open the sample", |b| {
        b.iter(|| imaging::open(&sample).unwrap()[0].plane(0, 0).unwrap());
    });
    let micrograph = imaging::open(&sample).unwrap().swap_remove(0);
    for (name, tile) in [("segment the sample whole", 4096), ("segment the sample in tiles of 256", 256)] {
        let settings = RunSettings { tile: Some(tile), ..RunSettings::default() };
        c.bench_function(name, |b| {
            b.iter(|| {
                let (recorder, monitor) = (&mut Recorder::nothing(), Monitor::silent());
                analysis::run(&model, &micrograph, &settings, &Device::Cpu, recorder, &monitor).unwrap()
            });
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = main_job }
criterion_main!(benches);
