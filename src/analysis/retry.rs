//! A run again in smaller tiles when the device had no memory left for it.
use super::tiling::Tiling;
use super::{AnalysisError, memory};
use crate::compute::{memory_of, settle};
use crate::network::Graph;
use candle_core::Device;

/// What `attempt` gives with the first tiling that the device has memory for: the one given, else ever smaller ones. It
/// is also told whether its tiling is one of those.
///
/// Forecasts are of what we take; what the driver and other programs take shows only when it is gone.
pub(super) fn until_it_fits<T>(
    graph: &Graph,
    first: Tiling,
    device: &Device,
    mut attempt: impl FnMut(&Tiling, bool) -> Result<T, AnalysisError>,
) -> Result<T, AnalysisError> {
    let (mut tiling, mut smaller) = (first, false);
    loop {
        match attempt(&tiling, smaller) {
            Err(error) if error.is_out_of_memory() => {}
            done => return done,
        }
        settle(device);
        // A size that cannot be rounded to the network's stride is a classifier's, which is not cut.
        match tiling.smaller(graph).unwrap_or_default() {
            Some(next) => (tiling, smaller) = (next, true),
            None => return Err(too_much(graph, &tiling, device)?),
        }
    }
}

fn too_much(graph: &Graph, tiling: &Tiling, device: &Device) -> Result<AnalysisError, AnalysisError> {
    let what = match tiling.side {
        Some(side) => format!("Even a tile of {side} px"),
        None => "This image in one piece".to_owned(),
    };
    let free = match memory_of(device) {
        Some(memory) => format!("has {} free", memory::in_words(memory.free)),
        None => "has not that much free".to_owned(),
    };
    let bytes = memory::in_words(tiling.bytes(graph, device)?);
    Ok(AnalysisError::Memory(format!(
        "{what} needs about {bytes} in this network, and the device {free}: choose a smaller network, or the CPU"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::RunSettings;
    use crate::network::NetworkError;
    use crate::network::architectures::{UnetSpec, lenet, unet};

    /// What a graphics card says when it is full.
    fn full() -> AnalysisError {
        let source =
            candle_core::Error::Msg("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")".to_owned());
        NetworkError::Compute { node: "enc1.conv1".to_owned(), source }.into()
    }

    fn small_unet() -> Graph {
        let spec =
            UnetSpec { in_channels: 1, classes: 2, base: 2, depth: 1, batch_norm: true, upsample: None };
        unet(spec).unwrap()
    }

    type Try = (Option<usize>, bool);

    /// Sides that were tried on a device that takes at most `largest`, and how it ended.
    fn tried(graph: &Graph, largest: usize) -> (Vec<Try>, Result<(), AnalysisError>) {
        let first = Tiling::choose(graph, [1000, 600], &RunSettings::default(), &Device::Cpu).unwrap();
        let mut tried = Vec::new();
        let end = until_it_fits(graph, first, &Device::Cpu, |tiling, smaller| {
            tried.push((tiling.side, smaller));
            if tiling.side.unwrap_or(1000) <= largest { Ok(()) } else { Err(full()) }
        });
        (tried, end)
    }

    #[test]
    fn tiles_are_halved_until_they_fit() {
        let (sides, end) = tried(&small_unet(), 130);
        assert_eq!(sides, [(None, false), (Some(500), true), (Some(250), true), (Some(126), true)]);
        assert!(end.is_ok());
    }

    #[test]
    fn at_the_smallest_tile_the_number_is_said() {
        let (sides, end) = tried(&small_unet(), 0);
        let (smallest, _) = sides[sides.len() - 1];
        let error = end.unwrap_err().to_string();
        assert!(smallest.is_some_and(|side| side < 64), "{sides:?}");
        assert!(
            error.starts_with(&format!("Even a tile of {} px needs about ", smallest.unwrap())),
            "{error}"
        );
    }

    #[test]
    fn what_cannot_be_cut_is_tried_once() {
        let graph = lenet(1, 2, 2, None).unwrap();
        let mut tries = 0;
        let end: Result<(), _> = until_it_fits(&graph, Tiling::whole([32, 32]), &Device::Cpu, |_, _| {
            tries += 1;
            Err(full())
        });
        assert_eq!(tries, 1);
        let error = end.unwrap_err().to_string();
        assert!(
            error.starts_with("This image in one piece needs about ") && error.contains("free"),
            "{error}"
        );
    }

    #[test]
    fn another_error_is_not_tried_again() {
        let graph = small_unet();
        let mut tries = 0;
        let end: Result<(), _> = until_it_fits(&graph, Tiling::whole([32, 32]), &Device::Cpu, |_, _| {
            tries += 1;
            Err(AnalysisError::Mismatch("no".to_owned()))
        });
        assert_eq!((tries, end.unwrap_err().to_string().as_str()), (1, "no"));
    }
}
