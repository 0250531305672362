//! What a run will take, said before it is made.
use super::tiling::{Tiling, peak_bytes};
use super::{AnalysisError, RunSettings, memory};
use crate::network::{Graph, ModelCard, Scope, Task, forecast_wanting};
use candle_core::Device;
use serde::Serialize;

/// How an image will be cut, and the memory that its run will take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// Side of the tiles in px; `None`: the whole image at once.
    pub tile: Option<usize>,
    pub tiles: usize,
    /// What the network is shown at once at most, `[y, x]` px: a tile and its halo.
    pub window: [usize; 2],
    /// Bytes the network takes at its worst moment.
    pub network_bytes: u64,
    /// Bytes of the image as the network reads it, and of what is kept of its answers.
    pub result_bytes: u64,
}

/// The outlook for an image of `size` `[y, x]` px; the tiles are those that [`super::run`] will choose.
///
/// # Errors
/// What the run would say: an image that the network cannot take, or not enough memory for it.
pub fn outlook(
    graph: &Graph,
    card: &ModelCard,
    size: [usize; 2],
    settings: &RunSettings,
    device: &Device,
) -> Result<Outlook, AnalysisError> {
    let planes = |count: usize, size: [usize; 2]| memory::f32_bytes([count, size[0], size[1]]);
    let channels = graph.input_channels();
    let (tiling, result_bytes) = match card.scope(graph)? {
        Scope::PerPixel => {
            // Labels are half as wide as probabilities.
            let labels = if card.task == Task::Segment { planes(1, size) / 2 } else { 0 };
            let result = planes(card.classes.len(), size) + labels;
            (Tiling::choose(graph, size, settings, device)?, planes(channels, size) + result)
        }
        Scope::PerImage => {
            let size = card.resampled_to().unwrap_or(size);
            (Tiling::in_one_piece(graph, size, settings, device)?, planes(channels, size))
        }
    };
    let window = tiling.largest_window();
    let network_bytes = peak_bytes(graph, window, device)?;
    Ok(Outlook { tile: tiling.side, tiles: tiling.tiles.len(), window, network_bytes, result_bytes })
}

impl Outlook {
    /// The same when every node's feature maps are kept that fits into `budget` bytes.
    ///
    /// # Errors
    /// None that the outlook itself did not have.
    pub fn recording(self, graph: &Graph, budget: u64) -> Result<Self, AnalysisError> {
        let [height, width] = self.window;
        let input = [graph.input_channels(), height, width];
        let network_bytes = self.network_bytes.max(forecast_wanting(graph, input, &|_, _| true)?.peak_bytes);
        let shapes = super::tiling::shapes(graph, self.window)?;
        let maps: u64 = shapes.iter().map(|shape| 4 * shape.iter().product::<usize>() as u64).sum();
        let kept = maps.saturating_mul(self.tiles as u64).min(budget);
        Ok(Self { network_bytes, result_bytes: self.result_bytes.saturating_add(kept), ..self })
    }

    /// All of it together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.network_bytes.saturating_add(self.result_bytes)
    }

    /// Such as "about 310 MB, in 12 tiles of 512 px".
    #[must_use]
    pub fn words(&self) -> String {
        let memory = format!("about {} MB", self.bytes().div_ceil(1_000_000));
        match self.tile {
            Some(side) => format!("{memory}, in {} tiles of {side} px", self.tiles),
            None => format!("{memory}, in one piece"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::{card, segmenter};
    use crate::network::architectures::lenet;
    use crate::network::forecast;

    #[test]
    fn an_image_that_fits_is_run_whole_and_one_that_does_not_in_tiles() {
        let model = segmenter(1, None);
        let peak = |size| forecast(&model.graph, [1, size, size]).unwrap().peak_bytes;
        let look = |limit| {
            let settings = RunSettings { memory_limit: Some(limit), ..RunSettings::default() };
            outlook(&model.graph, &model.card, [200, 199], &settings, &Device::Cpu)
        };
        let whole = look(peak(200)).unwrap();
        assert_eq!((whole.tile, whole.tiles, whole.window), (None, 1, [200, 200]));
        assert_eq!(whole.network_bytes, peak(200));
        // The image, three classes' probabilities, and labels of two bytes.
        assert_eq!(whole.result_bytes, 200 * 199 * (4 + 3 * 4 + 2));
        let megabytes = (peak(200) + 200 * 199 * 18).div_ceil(1_000_000);
        assert_eq!(whole.words(), format!("about {megabytes} MB, in one piece"));
        let tiled = look(peak(120)).unwrap();
        let side = tiled.tile.unwrap();
        assert!(tiled.tiles >= 4 && tiled.network_bytes <= peak(120) && side < 120, "{tiled:?}");
        assert!(tiled.words().ends_with(&format!(", in {} tiles of {side} px", tiled.tiles)));
        assert!(matches!(look(1000), Err(AnalysisError::Memory(_))));
    }

    #[test]
    fn feature_maps_come_on_top_as_far_as_they_fit() {
        let model = segmenter(1, None);
        let settings = RunSettings::default();
        let bare = outlook(&model.graph, &model.card, [64, 64], &settings, &Device::Cpu).unwrap();
        let recording = |budget| bare.clone().recording(&model.graph, budget).unwrap();
        let all: u64 = crate::network::describe(&model.graph, [1, 64, 64])
            .unwrap()
            .iter()
            .map(|node| node.activation_bytes)
            .sum();
        assert_eq!(recording(u64::MAX).result_bytes, bare.result_bytes + all);
        assert_eq!(recording(1000).result_bytes, bare.result_bytes + 1000);
        assert!(recording(0).network_bytes > bare.network_bytes, "what is wanted is computed by itself");
    }

    #[test]
    fn a_classifier_is_shown_its_own_size() {
        let mut card = card(Task::Classify, 4, 1);
        card.input_size = Some([28, 28]);
        let graph = lenet(1, 4, 4, Some([28, 28])).unwrap();
        let found = outlook(&graph, &card, [9000, 9000], &RunSettings::default(), &Device::Cpu).unwrap();
        assert_eq!((found.tiles, found.window, found.result_bytes), (1, [28, 28], 4 * 28 * 28));
    }
}
