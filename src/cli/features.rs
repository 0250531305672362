//! `polepiece features`: feature maps as arrays and sheets.

use anyhow::bail;

use crate::analysis;
use crate::export;

use super::args::FeaturesArgs;
use super::context::{for_each_frame, load_model, open_device};
use super::terminal::{Finished, Outcome, complain, say, with_progress};
use super::values;

pub(super) fn run(args: &FeaturesArgs) -> Outcome {
    let Some(out) = &args.out else { return values::run(args) };
    let device = open_device(&args.device)?;
    let model = load_model(&args.model, &device, None)?;
    let nodes: Vec<&str> = match &args.node {
        Some(name) if model.graph.node(name).is_none() => {
            let names: Vec<&str> = model.graph.nodes().iter().map(|node| node.name.as_str()).collect();
            bail!("{} has no node {name}; its nodes are {}", model.card.name, names.join(", "))
        }
        Some(name) => vec![name],
        None => model.graph.nodes().iter().map(|node| node.name.as_str()).collect(),
    };
    // A node at a time: the memory of one forward pass and one node's maps, however large the network.
    let mut node_failures = 0;
    let failures =
        for_each_frame(std::slice::from_ref(&args.file), &args.part, |micrograph, settings, label| {
            let several = micrograph.frames() > 1 || micrograph.series() > 0;
            let stem = export::result_stem(micrograph, settings.frame);
            let dir = if several { out.join(stem) } else { out.clone() };
            with_progress(label, |monitor| {
                for (i, node) in nodes.iter().enumerate() {
                    let part = monitor.part(i, nodes.len());
                    match analysis::features_of(node, &model, micrograph, settings, &device.device, &part) {
                        Ok(maps) => {
                            export::write_features(&maps, &dir)?
                                .iter()
                                .for_each(|p| say(&p.display().to_string()));
                        }
                        Err(error) if nodes.len() == 1 || error.is_cancelled() => return Err(error.into()),
                        Err(error) => {
                            complain(&format!("node {node}: {error}"));
                            node_failures += 1;
                        }
                    }
                }
                anyhow::Ok(())
            })
        });
    Ok(Finished { failures: failures + node_failures })
}
