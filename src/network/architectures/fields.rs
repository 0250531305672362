//! Receptive fields that textbooks quote.
use super::{Architecture, UnetSpec, build, mirrored_unet, unpadded_unet};
use crate::network::{Graph, receptive_fields, receptive_window};

/// Size and jump of a node along x.
fn field(architecture: Architecture, node: &str) -> (f64, f64) {
    let graph = build(&architecture.defaults()).unwrap();
    let field = receptive_fields(&graph)[graph.index_of(node).unwrap()].unwrap();
    assert_eq!((field.size[0], field.jump[0]), (field.size[1], field.jump[1]));
    assert_eq!(field.size, field.widest);
    (field.size[1], field.jump[1])
}

#[test]
fn the_last_poolings_see_what_textbooks_say() {
    // AlexNet: 11 + 2·4 = 19, + 4·8 = 51, + 2·8 = 67, three times + 2·16 = 163, + 2·16 = 195.
    assert_eq!(field(Architecture::Alexnet, "pool5"), (195.0, 32.0));
    // VGG-16: 5, 6, 14, 16, 40, 44, 92, 100, 196, 212 behind each block and its pooling.
    assert_eq!(field(Architecture::Vgg16, "block1.pool"), (6.0, 2.0));
    assert_eq!(field(Architecture::Vgg16, "block5.relu3"), (196.0, 16.0));
    assert_eq!(field(Architecture::Vgg16, "block5.pool"), (212.0, 32.0));
    assert_eq!(field(Architecture::Vgg11, "block5.pool"), (150.0, 32.0));
    // ResNet-18: 7, 11, then each 3×3 adds twice its input's jump; Araujo, Norris & Sim 2019 (Distill) list 435 for
    // ResNet-18 and 899 for ResNet-34 behind the last block.
    assert_eq!(field(Architecture::Resnet18, "layer4.1.relu2"), (435.0, 32.0));
    assert_eq!(field(Architecture::Resnet34, "layer4.2.relu2"), (899.0, 32.0));
    // NiN: 11, 19, 19 + 4·8 = 51, 67, + 2·16 = 99, 131, + 2·32 = 195.
    assert_eq!(field(Architecture::Nin, "pool3"), (131.0, 32.0));
    assert_eq!(field(Architecture::Nin, "block4.relu3"), (195.0, 32.0));
}

/// First and last column that output `at` of the head sees.
fn columns(graph: &Graph, at: usize) -> (i64, i64) {
    let [y, x] = receptive_window(graph, graph.nodes().len() - 1, [at, at]).unwrap();
    assert_eq!(y, x);
    (x.start, x.end - 1)
}

#[test]
fn a_pixel_of_the_unet_of_2015_sees_188_or_204_pixels_by_its_place() {
    // PyTorch's gradients, printed by tests/reference/unet_windows.py. A pixel of the bottom sees 140 pixels, its
    // neighbour those 16 further. The convolutions on the way up reach four of them from the first four outputs of
    // every sixteen, 140 + 3 · 16 = 188, and five from the other twelve, 140 + 4 · 16 = 204.
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 4, batch_norm: false, upsample: None };
    let graph = unpadded_unet(spec).unwrap();
    for at in 0..388 {
        let first = at as i64 / 16 * 16;
        let size = if at % 16 < 4 { 188 } else { 204 };
        assert_eq!(columns(&graph, at), (first, first + size - 1), "output {at}");
    }
    // The last of 388 sees up to the last of 572.
    assert_eq!(columns(&graph, 387), (384, 571));
    let field = receptive_fields(&graph).pop().unwrap().unwrap();
    assert_eq!((field.widest, field.jump), ([204.0; 2], [1.0; 2]));
}

#[test]
fn with_mirrored_borders_a_pixel_sees_as_much_about_its_own_place() {
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 4, batch_norm: false, upsample: None };
    let (open, mirrored) = (unpadded_unet(spec).unwrap(), mirrored_unet(spec).unwrap());
    for at in 0..64 {
        // 94 pixels of border in front, and two outputs cut off.
        let (first, last) = columns(&open, at + 2);
        assert_eq!(columns(&mirrored, at), (first - 94, last - 94), "output {at}");
    }
}
