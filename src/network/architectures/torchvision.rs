//! What torchvision calls the modules of the networks that it has too, so that its weights find their places.

use crate::network::Graph;

/// Group of an encoder within a U-Net.
const ENCODER: &str = "encoder.";

/// Pairs of a node's name and its module's name in torchvision, for every node that holds weights and has a module
/// there: ("block1.conv1", "features.0") in a VGG, ("encoder.norm0", "features.norm0") in a U-Net with a `DenseNet`
/// as its encoder. Empty for other networks.
#[must_use]
pub fn torchvision_names(graph: &Graph) -> Vec<(String, String)> {
    let encoder = graph.nodes().iter().any(|node| node.name.starts_with(ENCODER));
    let prefix = if encoder { ENCODER } else { "" };
    let has = |name: &str| graph.node(&format!("{prefix}{name}")).is_some();
    let names = if has("layer1.0.conv1") {
        renamed(graph, prefix, |name| name.to_owned())
    } else if has("denseblock1.denselayer1.conv1") {
        renamed(graph, prefix, |name| {
            if name == "classifier" { name.to_owned() } else { format!("features.{name}") }
        })
    } else if has("block1.pool") || graph.architecture == "alexnet" {
        counted(graph, prefix)
    } else {
        Vec::new()
    };
    let holds_weights = |name: &str| graph.node(name).is_some_and(|node| !node.parameters().is_empty());
    names.into_iter().filter(|(name, _)| holds_weights(name)).collect()
}

/// Every node below the prefix by a rule.
fn renamed(graph: &Graph, prefix: &str, rule: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let below = graph.nodes().iter().filter_map(|node| Some((&node.name, node.name.strip_prefix(prefix)?)));
    below.map(|(name, rest)| (name.clone(), rule(rest))).collect()
}

/// Every node below the prefix by its place: torchvision keeps the layers of these networks in two lists.
fn counted(graph: &Graph, prefix: &str) -> Vec<(String, String)> {
    let (mut list, mut place) = ("features", 0);
    let mut names = Vec::new();
    for node in graph.nodes() {
        let Some(rest) = node.name.strip_prefix(prefix) else { continue };
        match rest {
            "input" | "avgpool" => {}
            "flatten" => (list, place) = ("classifier", 0),
            // A single dense layer instead of three is no module of theirs.
            "head.fc" => {}
            _ => {
                names.push((node.name.clone(), format!("{list}.{place}")));
                place += 1;
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{Architecture, ArchitectureSpec, Encoder, build};

    fn names(spec: &ArchitectureSpec) -> Vec<(String, String)> {
        torchvision_names(&build(spec).unwrap())
    }

    fn check(spec: &ArchitectureSpec, expected: &[(&str, &str)]) {
        let names = names(spec);
        for (ours, theirs) in expected {
            let found = names.iter().find(|(name, _)| name == ours).map(|(_, module)| module.as_str());
            assert_eq!(found, Some(*theirs), "{ours}");
        }
    }

    #[test]
    fn modules_have_the_names_that_torchvisions_state_dicts_list() {
        check(
            &Architecture::Vgg11.defaults(),
            &[
                ("block1.conv1", "features.0"),
                ("block2.conv1", "features.3"),
                ("block3.conv2", "features.8"),
                ("block5.conv2", "features.18"),
                ("head.fc1", "classifier.0"),
                ("head.fc2", "classifier.3"),
                ("head.fc3", "classifier.6"),
            ],
        );
        let with_norm = ArchitectureSpec { batch_norm: Some(true), ..Architecture::Vgg16.defaults() };
        check(
            &with_norm,
            &[("block1.bn1", "features.1"), ("block5.conv3", "features.40"), ("block5.bn3", "features.41")],
        );
        check(
            &Architecture::Alexnet.defaults(),
            &[
                ("conv1", "features.0"),
                ("conv2", "features.3"),
                ("conv5", "features.10"),
                ("head.fc1", "classifier.1"),
                ("head.fc3", "classifier.6"),
            ],
        );
        check(
            &Architecture::Densenet121.defaults(),
            &[
                ("conv0", "features.conv0"),
                ("denseblock4.denselayer16.norm2", "features.denseblock4.denselayer16.norm2"),
                ("norm5", "features.norm5"),
                ("classifier", "classifier"),
            ],
        );
        check(
            &Architecture::Resnet50.defaults(),
            &[("layer2.0.downsample.1", "layer2.0.downsample.1"), ("fc", "fc")],
        );
    }

    #[test]
    fn an_encoder_keeps_its_names_and_nothing_else_has_any() {
        let unet = |encoder| ArchitectureSpec { encoder: Some(encoder), ..Architecture::Unet.defaults() };
        let names = names(&unet(Encoder::Resnet18));
        assert_eq!(names.len(), 40);
        assert!(names.iter().all(|(ours, theirs)| ours.strip_prefix("encoder.") == Some(theirs)));
        let plain = ArchitectureSpec { batch_norm: Some(false), ..unet(Encoder::Vgg11) };
        check(&plain, &[("encoder.block5.conv2", "features.18")]);
        check(&unet(Encoder::Vgg11), &[("encoder.block5.conv2", "features.25")]);
        check(&unet(Encoder::Densenet121), &[("encoder.norm0", "features.norm0")]);
        for architecture in [Architecture::Unet, Architecture::Nin, Architecture::Lenet5] {
            assert_eq!(torchvision_names(&build(&architecture.defaults()).unwrap()), []);
        }
    }
}
