//! From kernel to answer, by hand: the numbers that make one value of a convolution or a dense layer.
use ndarray::{Array2, Array4};
use serde::{Serialize, Serializer};

/// One value of a node, taken apart: patch × kernel for each input channel, their sums, the bias, and what follows.
///
/// A transposed convolution spreads its input: of its kernel only the taps count that meet a pixel, the others are not
/// `there`. What lies beyond the image's border is 0 and not there either.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ByHand {
    pub node: String,
    /// Such as "Conv2d 3×3".
    pub kind: String,
    pub feature: usize,
    /// Of the node's output, `[y, x]`.
    pub at: [usize; 2],
    /// The node that is read.
    pub input: String,
    /// Which taps of the kernel meet a value, `[y, x]`.
    #[serde(serialize_with = "rows")]
    pub there: Array2<bool>,
    /// Channels that the feature reads, the weightiest first.
    pub channels: Vec<ChannelPart>,
    pub bias: Option<f32>,
    /// Bias and all sums, in double precision.
    pub total: f64,
    /// The network's own number.
    pub network: f32,
    /// Batch-norm and activation, as far as nobody else reads what is between.
    pub then: Vec<Following>,
}

/// What one channel of the input adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelPart {
    pub channel: usize,
    /// The microscope's name, of the network's own input.
    pub name: Option<String>,
    /// Values `[y, x]` that the kernel meets; 0 where there is none.
    #[serde(serialize_with = "rows")]
    pub patch: Array2<f32>,
    #[serde(serialize_with = "rows")]
    pub kernel: Array2<f32>,
    /// Of the products.
    pub sum: f64,
}

/// What becomes of the value next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Following {
    pub node: String,
    /// With its numbers, such as "max(0, x)".
    pub formula: String,
    /// By that formula, where it is one.
    pub by_hand: Option<f64>,
    pub network: f32,
}

/// The kernels of the layer that sees the image.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstKernels {
    pub node: String,
    /// Microscope channels, one a kernel of a feature.
    pub channels: Vec<String>,
    /// `[feature, channel, y, x]`.
    pub kernels: Array4<f32>,
}

impl ChannelPart {
    /// Patch times kernel, `[y, x]`.
    #[must_use]
    pub fn products(&self) -> Array2<f32> {
        &self.patch * &self.kernel
    }
}

impl ByHand {
    /// How far the sum by hand is from the network's number, which was added up in another order.
    #[must_use]
    pub fn error(&self) -> f64 {
        (self.total - f64::from(self.network)).abs()
    }

    /// The numbers in lines, the weightiest `most` channels among them.
    #[must_use]
    pub fn lines(&self, most: usize) -> Vec<String> {
        let [y, x] = self.at;
        let mut lines = vec![format!(
            "{} ({}), feature {}, at y {y} x {x}, of {}",
            self.node, self.kind, self.feature, self.input
        )];
        for part in self.channels.iter().take(most) {
            let name = part.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            lines.push(format!("channel {}{name}: Σ patch × kernel = {:.6}", part.channel, part.sum));
            if part.patch.len() > 1 {
                lines.extend(self.matrices(part));
            }
        }
        let left = self.channels.len().saturating_sub(most);
        if left > 0 {
            let sum: f64 = self.channels.iter().skip(most).map(|part| part.sum).sum();
            lines.push(format!("{left} more channels: {sum:.6}"));
        }
        if let Some(bias) = self.bias {
            lines.push(format!("bias: {bias:.6}"));
        }
        lines.push(format!("total: {:.6}; the network says {:.6}", self.total, self.network));
        lines.extend(
            self.then.iter().map(|then| format!("{}: {} = {:.6}", then.node, then.formula, then.network)),
        );
        lines
    }

    /// Rows of a patch and a kernel side by side; a dot where there is nothing.
    fn matrices(&self, part: &ChannelPart) -> Vec<String> {
        let rows = part.patch.rows().into_iter().zip(part.kernel.rows()).enumerate();
        let line =
            |(y, (patch, kernel)): (usize, (ndarray::ArrayView1<'_, f32>, ndarray::ArrayView1<'_, f32>))| {
                let value = |(x, value): (usize, &f32)| match self.there.get((y, x)) {
                    Some(true) => format!("{value:>9.4}"),
                    _ => format!("{:>9}", "·"),
                };
                let patch: Vec<String> = patch.iter().enumerate().map(value).collect();
                let kernel: Vec<String> = kernel.iter().map(|value| format!("{value:>9.4}")).collect();
                format!("  {}   ×  {}", patch.join(" "), kernel.join(" "))
            };
        rows.map(line).collect()
    }
}

/// As a list of rows.
fn rows<S: Serializer, T: Serialize + Clone>(array: &Array2<T>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(array.rows().into_iter().map(|row| row.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn worked() -> ByHand {
        let patch = array![[1.0, 2.0], [3.0, 0.0]];
        let kernel = array![[0.5, -1.0], [1.0, 7.0]];
        let part = ChannelPart { channel: 0, name: Some("Al".into()), patch, kernel, sum: 1.5 };
        ByHand {
            node: "conv1".into(),
            kind: "Conv2d 2×2".into(),
            feature: 3,
            at: [4, 5],
            input: "input".into(),
            there: array![[true, true], [true, false]],
            channels: vec![part],
            bias: Some(0.25),
            total: 1.75,
            network: 1.75,
            then: vec![Following {
                node: "relu1".into(),
                formula: "max(0, x)".into(),
                by_hand: Some(1.75),
                network: 1.75,
            }],
        }
    }

    #[test]
    fn the_numbers_are_told_in_lines_and_as_json() {
        let by_hand = worked();
        assert_eq!(by_hand.channels[0].products().sum(), 1.5);
        let lines = by_hand.lines(4);
        assert_eq!(lines[0], "conv1 (Conv2d 2×2), feature 3, at y 4 x 5, of input");
        assert_eq!(lines[1], "channel 0 Al: Σ patch × kernel = 1.500000");
        assert!(lines[3].contains('·') && lines[3].ends_with("1.0000    7.0000"), "{}", lines[3]);
        assert_eq!(lines[6], "relu1: max(0, x) = 1.750000");
        assert_eq!(by_hand.lines(0)[1], "1 more channels: 1.500000");
        let json = serde_json::to_value(&by_hand).unwrap();
        assert_eq!(json["channels"][0]["patch"], serde_json::json!([[1.0, 2.0], [3.0, 0.0]]));
        assert_eq!(json["there"][1], serde_json::json!([true, false]));
    }
}
