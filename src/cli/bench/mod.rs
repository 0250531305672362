//! `polepiece bench`: how fast this program computes on this machine, to be set beside others.
//!
//! Timings are of the clock, on the number of threads asked for; each begins with a run that is not counted.

mod args;
mod cases;
mod convolutions;
mod files;
mod layers;
mod memory_bound;
mod network;
mod timing;
mod unet;

pub(super) use args::BenchArgs;

use super::terminal::Outcome;
use args::Bench;

pub(super) fn run(args: &BenchArgs) -> Outcome {
    match &args.what {
        Bench::Unet(args) => unet::run(args),
        Bench::Network(args) => network::run(args),
        Bench::Layers(args) => layers::run(args),
        Bench::Files(args) => files::run(args),
    }
}
