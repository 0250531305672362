//! Receptive fields that textbooks quote.
use super::{Architecture, ArchitectureSpec, UnetSpec, build, unpadded_unet};
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

fn graph_of(architecture: Architecture) -> Graph {
    build(&ArchitectureSpec { width: Some(0.0625), ..architecture.defaults() }).unwrap()
}

#[test]
fn a_pixel_of_the_unet_of_2015_sees_188_or_204_pixels_by_its_place() {
    // Behind the bottom, four transposed convolutions of 2×2 give each pixel one parent; 16 outputs share what one
    // pixel of the bottom would see. The double convolution behind each reads two pixels to both sides, that is of
    // parents that lie one or two before and behind: which of them depends on whether the pixel is the first or the
    // second child at each level. Widest is the sum of the way down, 140, and what the way up adds.
    let graph = graph_of(Architecture::Unet2015);
    let head = graph.nodes().len() - 1;
    let sizes: Vec<i64> = (0..16)
        .map(|at| {
            let [y, x] = receptive_window(&graph, head, [at, at]).unwrap();
            assert_eq!(y, x);
            x.end - x.start
        })
        .collect();
    println!("{sizes:?}");
    assert_eq!(sizes.iter().max(), Some(&204));
    assert_eq!(sizes.iter().min(), Some(&188));
}

#[test]
fn outputs_of_the_unet_of_2015_lie_in_the_middle_of_the_image() {
    let spec = UnetSpec { in_channels: 1, classes: 2, base: 4, depth: 4, batch_norm: false, upsample: None };
    let graph = unpadded_unet(spec).unwrap();
    let head = graph.nodes().len() - 1;
    let [y, x] = receptive_window(&graph, head, [0, 387]).unwrap();
    println!("{y:?} {x:?}");
    assert!(y.start >= 0 && x.end <= 572);
}
