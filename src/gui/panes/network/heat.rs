//! What the boxes of a drawing are coloured by: their kind, or what they cost.
use crate::gui::format;
use crate::network::{Drawing, Drawn, NodeCost, Spent};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Heat {
    #[default]
    Kind,
    Time,
    Memory,
    Parameters,
    MultiplyAdds,
}

impl Heat {
    pub(super) const ALL: [Self; 5] =
        [Self::Kind, Self::Time, Self::Memory, Self::Parameters, Self::MultiplyAdds];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Parameters => "parameters",
            Self::MultiplyAdds => "multiply-adds",
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Kind => "What each node does",
            Self::Time => "Seconds that each node took in the last run, over all tiles",
            Self::Memory => "What each node's values take as 32-bit numbers on this micrograph",
            Self::Parameters => "Trained numbers of each node",
            Self::MultiplyAdds => "Multiply-adds of each node for this micrograph",
        }
    }

    /// A number as this kind of cost is told.
    pub(super) fn words(self, value: f64) -> String {
        match self {
            Self::Kind => String::new(),
            Self::Time => milliseconds(value),
            Self::Memory => format::bytes(value as u64),
            Self::Parameters | Self::MultiplyAdds => format::short_count(value as u64),
        }
    }
}

/// `0.42 ms`, `12.3 ms`, `1.25 s`.
pub(super) fn milliseconds(seconds: f64) -> String {
    match seconds * 1e3 {
        ms if ms >= 1000.0 => format!("{seconds:.2} s"),
        ms if ms >= 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.2} ms"),
    }
}

/// The cost of every box, and the largest.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Costs {
    pub(super) values: Vec<f64>,
    pub(super) most: f64,
    pub(super) sum: f64,
}

impl Costs {
    /// Of groups the sum; without a run nothing took time.
    pub(super) fn of(heat: Heat, drawing: &Drawing, nodes: &[NodeCost], spent: Option<&Spent>) -> Self {
        let cost = |place: usize, node: &NodeCost| match heat {
            Heat::Kind => 0.0,
            Heat::Time => spent.map_or(0.0, |spent| spent.seconds_of([place])),
            Heat::Memory => node.activation_bytes as f64,
            Heat::Parameters => node.parameters as f64,
            Heat::MultiplyAdds => node.multiply_adds as f64,
        };
        let mut values = vec![0.0; drawing.boxes.len()];
        for (place, node) in nodes.iter().enumerate() {
            if let Some(value) = drawing.box_of(place).and_then(|one| values.get_mut(one)) {
                *value += cost(place, node);
            }
        }
        let (most, sum) = (values.iter().copied().fold(0.0, f64::max), values.iter().sum());
        Self { values, most, sum }
    }

    /// From 0 to 1; small costs are still told from none.
    pub(super) fn share(&self, place: usize) -> f32 {
        let value = self.values.get(place).copied().unwrap_or(0.0);
        if self.most > 0.0 { (value / self.most).sqrt() as f32 } else { 0.0 }
    }
}

/// The nodes of a box.
pub(super) fn members(drawing: &Drawing, place: usize, nodes: usize) -> Vec<usize> {
    match drawing.boxes.get(place).map(|one| &one.content) {
        Some(Drawn::Node(node)) => vec![*node],
        Some(Drawn::Group(_)) => (0..nodes).filter(|&node| drawing.box_of(node) == Some(place)).collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::lenet;
    use crate::network::describe;

    #[test]
    fn costs_are_those_of_the_nodes_and_shares_those_of_the_largest() {
        let graph = lenet(1, 10, 6, Some([28, 28])).unwrap();
        let nodes = describe(&graph, [1, 28, 28]).unwrap();
        let drawing = Drawing::new(&graph, &nodes, &|_| false);
        let costs = Costs::of(Heat::Parameters, &drawing, &nodes, None);
        let of = |name: &str| drawing.box_of(graph.index_of(name).unwrap()).unwrap();
        // 400·120 + 120 of fc1 are the most; conv1 has 6·25 + 6.
        assert_eq!((costs.most, costs.values[of("conv1")]), (48_120.0, 156.0));
        assert_eq!(costs.share(of("fc1")), 1.0);
        assert!((costs.share(of("conv1")) - (156.0_f32 / 48_120.0).sqrt()).abs() < 1e-6);
        assert_eq!(costs.share(of("relu1")), 0.0);
        assert_eq!(Costs::of(Heat::Time, &drawing, &nodes, None).most, 0.0);
        assert_eq!(costs.sum, nodes.iter().map(|node| node.parameters as f64).sum::<f64>());
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        assert_eq!([0.000_42, 0.0123, 1.254].map(milliseconds), ["0.42 ms", "12.3 ms", "1.25 s"]);
    }
}
