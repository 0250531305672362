//! ONNX's operator `Resize`, whose rules are ours.

use super::builder::{Builder, flag, float, int, ints, text};
use super::operations::Site;
use crate::network::onnx::proto::AttributeProto;
use crate::network::{Between, Coordinates, Nearest, ResizeTo, Resizing};

impl Site<'_> {
    /// `inputs` are the image and, where it is to be as large as another, that one.
    pub(super) fn resize(&self, builder: &mut Builder, inputs: &[&str], resizing: &Resizing) {
        let x = inputs.first().copied().unwrap_or_default();
        let mut attributes = how(resizing);
        let roi = match &resizing.coordinates {
            Coordinates::CropAndResize { start, end, .. } => {
                let shares = |first: f32, rest: &[f64]| {
                    std::iter::once(first).chain(rest.iter().map(|&share| share as f32)).collect::<Vec<_>>()
                };
                let region = [shares(0.0, start), shares(1.0, end)].concat();
                builder.floats(&region, vec![region.len() as i64])
            }
            _ => String::new(),
        };
        let axes = self.shape_of(0).len();
        let (scales, sizes) = match &resizing.to {
            ResizeTo::Scales(scales) => {
                let with_batch: Vec<f32> =
                    std::iter::once(1.0).chain(scales.iter().map(|&scale| scale as f32)).collect();
                (builder.floats(&with_batch, vec![with_batch.len() as i64]), String::new())
            }
            ResizeTo::Sizes(sizes) => {
                let batch = builder.lengths(x, 0, 1);
                let sizes: Vec<i64> = sizes.iter().map(|&size| size as i64).collect();
                let sizes = builder.numbers(&sizes);
                let sizes = builder.part("Concat", &[&batch, &sizes], vec![int("axis", 0)]);
                (String::new(), sizes)
            }
            ResizeTo::NotLarger(sizes) | ResizeTo::NotSmaller(sizes) => {
                let first = axes - sizes.len();
                let last: Vec<usize> = (first + 1..=axes).collect();
                attributes.push(ints("axes", &last));
                let policy = match resizing.to {
                    ResizeTo::NotLarger(_) => "not_larger",
                    _ => "not_smaller",
                };
                attributes.push(text("keep_aspect_ratio_policy", policy));
                let sizes: Vec<i64> = sizes.iter().map(|&size| size as i64).collect();
                (String::new(), builder.numbers(&sizes))
            }
            ResizeTo::Like => {
                let like = inputs.get(1).copied().unwrap_or_default();
                let kept = builder.lengths(x, 0, axes as i64 - 1);
                let other = self.shape_of(1).len() as i64;
                let taken = builder.lengths(like, other - 1, other + 1);
                (String::new(), builder.part("Concat", &[&kept, &taken], vec![int("axis", 0)]))
            }
        };
        builder.result("Resize", &[x, &roi, &scales, &sizes], attributes);
    }
}

fn how(resizing: &Resizing) -> Vec<AttributeProto> {
    let mut attributes = match resizing.between {
        Between::Nearest(nearest) => {
            let nearest = match nearest {
                Nearest::RoundPreferFloor => "round_prefer_floor",
                Nearest::RoundPreferCeil => "round_prefer_ceil",
                Nearest::Floor => "floor",
                Nearest::Ceil => "ceil",
            };
            vec![text("mode", "nearest"), text("nearest_mode", nearest)]
        }
        Between::Linear => vec![text("mode", "linear")],
        Between::Cubic { a } => vec![text("mode", "cubic"), float("cubic_coeff_a", a)],
    };
    let coordinates = match resizing.coordinates {
        Coordinates::HalfPixel => "half_pixel",
        Coordinates::HalfPixelSymmetric => "half_pixel_symmetric",
        Coordinates::PytorchHalfPixel => "pytorch_half_pixel",
        Coordinates::AlignCorners => "align_corners",
        Coordinates::Asymmetric => "asymmetric",
        Coordinates::CropAndResize { outside, .. } => {
            attributes.push(float("extrapolation_value", outside));
            "tf_crop_and_resize"
        }
    };
    attributes.push(text("coordinate_transformation_mode", coordinates));
    if resizing.exclude_outside {
        attributes.push(flag("exclude_outside", true));
    }
    if resizing.antialias {
        attributes.push(flag("antialias", true));
    }
    attributes
}
