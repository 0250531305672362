//! The drawing of a network as a vector picture (SVG 1.1), with its text as text.

use super::ExportError;
use crate::files::write_whole;
use crate::network::{Area, Drawing, Drawn, DrawnBox, DrawnEdge, Family, NodeCost};
use quick_xml::escape::escape;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Colours on white: of the bar, and of the box behind it.
fn colours(family: Family) -> [&'static str; 2] {
    match family {
        Family::Source => ["#5b6673", "#f0f2f5"],
        Family::Convolution => ["#2f74b5", "#e9f1f9"],
        Family::Dense => ["#3d8b6e", "#e8f4ef"],
        Family::Norm => ["#9aa4b0", "#f6f7f9"],
        Family::Activation => ["#c08a1e", "#fbf4e4"],
        Family::Pooling => ["#b5532f", "#faeee9"],
        Family::Upsampling => ["#7858bd", "#f1edf9"],
        Family::Joining => ["#0b7c8e", "#e5f4f6"],
        Family::Shaping => ["#8a8f98", "#f4f5f6"],
        Family::Group => ["#3b4754", "#eef1f4"],
    }
}

/// Writes the drawing of the network called `title`, whose nodes cost `nodes`; each box tells what it costs when it is
/// pointed at.
pub fn write_drawing(
    drawing: &Drawing,
    nodes: &[NodeCost],
    title: &str,
    path: &Path,
) -> Result<(), ExportError> {
    let text = svg(drawing, nodes, title);
    write_whole(path, |out| out.write_all(text.as_bytes())).map_err(ExportError::at(path))
}

fn svg(drawing: &Drawing, nodes: &[NodeCost], title: &str) -> String {
    let [width, height] = drawing.size;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"Noto Sans, Helvetica, Arial, sans-serif\">\n\
         <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        escape(title)
    );
    bands(&mut out, drawing);
    for frame in &drawing.frames {
        rectangle(&mut out, &frame.area, 7.0, "fill=\"#00000006\" stroke=\"#c3cad2\"");
        let at = [frame.area.left + 8.0, frame.area.top + 13.0];
        label(&mut out, at, &frame.label, "font-size=\"9.5\" fill=\"#68737f\"");
    }
    drawing.boxes.iter().for_each(|one| behind(&mut out, one));
    drawing.edges.iter().for_each(|edge| line(&mut out, edge));
    drawing.boxes.iter().for_each(|one| node(&mut out, one, nodes));
    out.push_str("</svg>\n");
    out
}

fn bands(out: &mut String, drawing: &Drawing) {
    for band in drawing.bands.iter().filter(|band| band.height > 0.0) {
        let y = band.top + 14.0;
        label(out, [12.0, y], &band.share, "font-size=\"12\" font-weight=\"bold\" fill=\"#68737f\"");
        let below = if band.share.is_empty() { y } else { y + 13.0 };
        label(out, [12.0, below], &band.label, "font-size=\"9\" fill=\"#8a94a0\"");
    }
    for pair in drawing.bands.windows(2) {
        let y = f32::midpoint(pair[0].top + pair[0].height, pair[1].top);
        let _ = writeln!(
            out,
            "<path d=\"M8 {y:.1}H{:.1}\" stroke=\"#e6eaee\" stroke-dasharray=\"3 4\" fill=\"none\"/>",
            drawing.size[0] - 8.0
        );
    }
}

fn line(out: &mut String, edge: &DrawnEdge) {
    let points: Vec<String> = edge.smooth().iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#7c8794\" stroke-width=\"1.2\"/>",
        points.join(" ")
    );
    let head: Vec<String> = edge.arrow(5.0).iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(out, "<polygon points=\"{}\" fill=\"#7c8794\"/>", head.join(" "));
}

/// A folded group looks like several sheets; they lie below the lines, whose tips would be hidden.
fn behind(out: &mut String, one: &DrawnBox) {
    if let Drawn::Group(_) = one.content {
        let Area { left, top, width, height } = one.area;
        let behind = Area { left: left + 3.0, top: top + 3.0, width, height };
        let line = colours(one.family)[0];
        rectangle(out, &behind, 5.0, &format!("fill=\"#ffffff\" stroke=\"{line}\" stroke-opacity=\"0.4\""));
    }
}

fn node(out: &mut String, one: &DrawnBox, nodes: &[NodeCost]) {
    let [strong, faint] = colours(one.family);
    let Area { left, top, width, height } = one.area;
    let _ = writeln!(out, "<g><title>{}</title>", escape(about(one, nodes)));
    rectangle(out, &one.area, 5.0, &format!("fill=\"{faint}\" stroke=\"{strong}\" stroke-opacity=\"0.55\""));
    let bar = Area { left: left + 4.0, top: top + 5.0, width: 3.0, height: height - 10.0 };
    rectangle(out, &bar, 1.5, &format!("fill=\"{strong}\""));
    label(
        out,
        [left + 13.0, top + 14.0],
        &one.label,
        "font-size=\"11\" font-weight=\"bold\" fill=\"#18202a\"",
    );
    label(out, [left + 13.0, top + 26.0], &one.detail, "font-size=\"9\" fill=\"#68737f\"");
    let end = [left + width - 8.0, top + 26.0];
    label(out, end, &one.shape, "font-size=\"9\" text-anchor=\"end\" fill=\"#2d353f\"");
    out.push_str("</g>\n");
}

fn about(one: &DrawnBox, nodes: &[NodeCost]) -> String {
    let (name, parameters, multiply_adds) = match &one.content {
        Drawn::Node(node) => {
            let Some(node) = nodes.get(*node) else { return one.label.clone() };
            (node.name.as_str(), node.parameters as u64, node.multiply_adds)
        }
        Drawn::Group(group) => (group.prefix.as_str(), group.parameters, group.multiply_adds),
    };
    format!("{name}: {}, {}, {parameters} parameters, {multiply_adds} multiply-adds", one.detail, one.shape)
}

fn rectangle(out: &mut String, area: &Area, corner: f32, look: &str) {
    let Area { left, top, width, height } = *area;
    let _ = writeln!(
        out,
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{corner}\" {look}/>"
    );
}

fn label(out: &mut String, [x, y]: [f32; 2], text: &str, look: &str) {
    if !text.is_empty() {
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {look}>{}</text>", escape(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::architectures::{UnetSpec, unet};
    use crate::network::describe;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    #[test]
    fn a_drawing_is_well_formed_and_names_every_node_as_text() {
        let spec =
            UnetSpec { in_channels: 1, classes: 2, base: 2, depth: 2, batch_norm: true, upsample: None };
        let graph = unet(spec).unwrap();
        let nodes = describe(&graph, [1, 16, 16]).unwrap();
        let drawing = Drawing::new(&graph, &nodes, &|_| false);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("unet.svg");
        write_drawing(&drawing, &nodes, "U-Net <2>", &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut titles, mut lines, mut reader) = (Vec::new(), 0, Reader::from_str(&text));
        let mut inside = false;
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(tag) => inside = tag.name().as_ref() == "title",
                Event::Text(text) if inside => titles.push(text.xml10_content().into_owned()),
                Event::Empty(tag) if tag.name().as_ref() == "polyline" => lines += 1,
                Event::End(_) => inside = false,
                _ => {}
            }
        }
        assert_eq!(lines, drawing.edges.len());
        for node in &nodes {
            assert!(
                titles.iter().any(|title| title.starts_with(&format!("{}: ", node.name))),
                "{}",
                node.name
            );
        }
        assert!(text.contains("<title>U-Net &lt;2&gt;</title>") && text.contains(">16×16<"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let path = Path::new("/nowhere/at/all.svg");
        let error = write_drawing(&Drawing::default(), &[], "none", path).unwrap_err().to_string();
        assert!(error.ends_with(": /nowhere/at/all.svg"), "{error}");
    }
}
