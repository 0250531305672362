//! What moves values and computes none.

use super::builder::{Builder, int, text};
use super::operations::Site;
use crate::network::{Extent, Op, PadMode};

impl Site<'_> {
    /// A node that moves values.
    pub(super) fn reshaping(&self, builder: &mut Builder, inputs: &[&str]) {
        let x = inputs.first().copied().unwrap_or_default();
        match &self.node.op {
            Op::Reshape { shape } => {
                let shape = self.extents(builder, inputs, shape);
                builder.result("Reshape", &[x, &shape], Vec::new());
            }
            Op::Expand { shape } => {
                let missing = shape.len().saturating_sub(self.shape_of(0).len());
                let axes: Vec<i64> = (1..=missing as i64).collect();
                let long = if missing > 0 {
                    let axes = builder.numbers(&axes);
                    builder.part("Unsqueeze", &[x, &axes], Vec::new())
                } else {
                    x.to_owned()
                };
                let shape: Vec<i64> = std::iter::once(1).chain(shape.iter().map(|&n| n as i64)).collect();
                // Where the value has more axes, the batch's 1 would meet the wrong one.
                let shape = if shape.len() > self.shape_of(0).len() { &shape[..] } else { &shape[1..] };
                let shape = builder.numbers(shape);
                builder.result("Expand", &[&long, &shape], Vec::new());
            }
            Op::Tile { repeats } => {
                let repeats: Vec<i64> = std::iter::once(1).chain(repeats.iter().map(|&n| n as i64)).collect();
                let repeats = builder.numbers(&repeats);
                builder.result("Tile", &[x, &repeats], Vec::new());
            }
            Op::Slice { axis, start, end, step } => {
                let axis = *axis as i64 + 1;
                let [start, end, axis, step] = [*start, *end, axis, *step].map(|n| builder.numbers(&[n]));
                builder.result("Slice", &[x, &start, &end, &axis, &step], Vec::new());
            }
            Op::Gather { axis, indices, shape } => {
                let places = builder.whole(indices, shape.iter().map(|&n| n as i64).collect());
                builder.result("Gather", &[x, &places], vec![int("axis", *axis as i64 + 1)]);
            }
            Op::Pad { before, after, mode } => pad(builder, x, (before, after), *mode),
            Op::CenterCrop => self.center_crop(builder, inputs),
            _ => {}
        }
    }

    /// The shape of a reshaping as an input; lengths that depend on the image are asked of their values.
    fn extents(&self, builder: &mut Builder, inputs: &[&str], shape: &[Extent]) -> String {
        let fixed = |extent: &Extent| match extent {
            Extent::Size(size) => Some(*size as i64),
            Extent::Rest => Some(-1),
            Extent::Of { input, axis } if !self.varies(*input, *axis) => {
                Some(self.shape_of(*input).get(*axis).map_or(1, |&n| n as i64))
            }
            Extent::Of { .. } => None,
        };
        // The batch comes first, and 0 takes an axis over as it is.
        let mut parts: Vec<String> = Vec::new();
        let mut known = vec![0];
        for extent in shape {
            match (fixed(extent), extent) {
                (None, Extent::Of { input, axis }) => {
                    if !known.is_empty() {
                        parts.push(builder.numbers(&std::mem::take(&mut known)));
                    }
                    let of = inputs.get(*input).copied().unwrap_or_default();
                    parts.push(builder.lengths(of, *axis as i64 + 1, *axis as i64 + 2));
                }
                (number, _) => known.extend(number),
            }
        }
        if !known.is_empty() {
            parts.push(builder.numbers(&known));
        }
        if let [one] = parts.as_slice() {
            return one.clone();
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        builder.part("Concat", &parts, vec![int("axis", 0)])
    }

    /// The middle of the first input, as high and wide as the second.
    fn center_crop(&self, builder: &mut Builder, inputs: &[&str]) {
        let [x, like] = inputs else { return };
        let (axes, other) = (self.shape_of(0).len() as i64, self.shape_of(1).len() as i64);
        let last = builder.numbers(&[axes - 1, axes]);
        let has = builder.lengths(x, axes - 1, axes + 1);
        let wanted = builder.lengths(like, other - 1, other + 1);
        let excess = builder.part("Sub", &[&has, &wanted], Vec::new());
        let two = builder.numbers(&[2]);
        let start = builder.part("Div", &[&excess, &two], Vec::new());
        let end = builder.part("Add", &[&start, &wanted], Vec::new());
        builder.result("Slice", &[x, &start, &end, &last], Vec::new());
    }
}

fn pad(builder: &mut Builder, x: &str, (before, after): (&[i64], &[i64]), mode: PadMode) {
    let pads = [&[0], before, &[0], after].concat();
    let pads = builder.numbers(&pads);
    let (name, value) = match mode {
        PadMode::Constant { value } => ("constant", builder.scalar(value)),
        PadMode::Reflect => ("reflect", String::new()),
        PadMode::Edge => ("edge", String::new()),
        PadMode::Wrap => ("wrap", String::new()),
    };
    builder.result("Pad", &[x, &pads, &value], vec![text("mode", name)]);
}
