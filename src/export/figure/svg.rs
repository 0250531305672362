//! A page as SVG: words as text, bars and boxes as vectors, pictures as PNG at their own resolution.

use super::super::pictures::rgb_png;
use super::page::{Anchor, Area, Item, Page, Picture, Words};
use base64::Engine as _;
use quick_xml::escape::escape;
use std::fmt::Write as _;
use std::io;

/// What is taken where Noto Sans is not installed stands behind it.
const FAMILY: &str = "Noto Sans, Helvetica, Arial, sans-serif";

/// The page as text; `dpi` decides only whether a picture's pixels are large enough to be seen as squares.
pub(super) fn svg(page: &Page, dpi: f64) -> io::Result<String> {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (width, height) = (number(page.width), number(page.height));
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         width=\"{width}mm\" height=\"{height}mm\" viewBox=\"0 0 {width} {height}\" font-family=\"{FAMILY}\">"
    );
    let whole = Area::new(0.0, 0.0, page.width, page.height);
    let _ = writeln!(text, "<rect {} fill=\"{}\"/>", place(&whole), hex(page.ground));
    for (index, item) in page.items.iter().enumerate() {
        match item {
            Item::Fill { area, colour, opacity } => {
                let clear = if *opacity < 1.0 {
                    format!(" fill-opacity=\"{}\"", number(*opacity))
                } else {
                    String::new()
                };
                let _ = writeln!(text, "<rect {} fill=\"{}\"{clear}/>", place(area), hex(*colour));
            }
            Item::Picture { area, view, picture } => text += &embedded(area, *view, picture, dpi)?,
            Item::Bar { area, colours } => text += &bar(index, area, colours),
            Item::Words(words) => text += &line(words),
        }
    }
    text += "</svg>\n";
    Ok(text)
}

/// An `svg` element of its own cuts the picture off where the area ends.
fn embedded(area: &Area, view: [f64; 4], picture: &Picture, dpi: f64) -> io::Result<String> {
    let mut png = Vec::new();
    rgb_png(&picture.rgb, [picture.height, picture.width], &mut png)?;
    let data = base64::engine::general_purpose::STANDARD.encode(&png);
    let squares = area.width / view[2].max(f64::MIN_POSITIVE) * dpi / 25.4 > 1.0;
    let look =
        if squares { " image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\"" } else { "" };
    Ok(format!(
        "<svg {} viewBox=\"{}\" preserveAspectRatio=\"none\"><image width=\"{}\" height=\"{}\" \
         preserveAspectRatio=\"none\"{look} xlink:href=\"data:image/png;base64,{data}\"/></svg>\n",
        place(area),
        view.map(number).join(" "),
        picture.width,
        picture.height,
    ))
}

fn bar(index: usize, area: &Area, colours: &[[u8; 3]]) -> String {
    let last = colours.len().saturating_sub(1).max(1) as f64;
    let stops = colours.iter().enumerate().fold(String::new(), |mut stops, (place, colour)| {
        let _ = write!(
            stops,
            "<stop offset=\"{}\" stop-color=\"{}\"/>",
            number(place as f64 / last),
            hex(*colour)
        );
        stops
    });
    format!(
        "<defs><linearGradient id=\"bar{index}\">{stops}</linearGradient></defs>\n\
         <rect {} fill=\"url(#bar{index})\"/>\n",
        place(area)
    )
}

fn line(words: &Words) -> String {
    let anchor = match words.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if words.bold { " font-weight=\"bold\"" } else { "" };
    let [x, y] = words.at.map(number);
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" text-anchor=\"{anchor}\"{weight} fill=\"{}\">{}</text>\n",
        number(words.size),
        hex(words.colour),
        escape(&words.text)
    )
}

fn place(area: &Area) -> String {
    let Area { left, top, width, height } = *area;
    let [x, y, width, height] = [left, top, width, height].map(number);
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

/// To a ten-thousandth of a mm, without trailing zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;
    use std::sync::Arc;

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.125, -0.000_01, 12.345_678].map(number), ["1", "0.125", "0", "12.3457"]);
    }

    #[test]
    fn words_with_signs_of_xml_are_read_back_as_they_are() {
        let words = Words {
            text: "<P(γ') & \"more\">".to_owned(),
            at: [1.0, 2.0],
            anchor: Anchor::Middle,
            size: 2.5,
            bold: true,
            colour: [255, 0, 16],
        };
        let picture = Picture { rgb: vec![1, 2, 3, 4, 5, 6], width: 2, height: 1 };
        let area = Area::new(0.0, 0.0, 20.0, 10.0);
        let page = Page {
            width: 20.0,
            height: 12.5,
            ground: [255; 3],
            items: vec![
                Item::Picture { area, view: [0.0, 0.0, 2.0, 1.0], picture: Arc::new(picture) },
                Item::Bar { area, colours: vec![[0; 3], [255; 3]] },
                Item::Words(words),
            ],
        };
        let text = svg(&page, 300.0).unwrap();
        let mut reader = Reader::from_str(&text);
        let (mut names, mut said) = (Vec::new(), String::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) => {
                    names.push(start.name().as_ref().to_owned());
                }
                Event::Text(part) => said += &part.xml10_content(),
                Event::GeneralRef(part) => {
                    let told = format!("&{};", part.xml10_content());
                    said += &told;
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let expected =
            ["svg", "rect", "svg", "image", "defs", "linearGradient", "stop", "stop", "rect", "text"];
        assert_eq!(names, expected);
        assert_eq!(quick_xml::escape::unescape(said.trim()).unwrap(), "<P(γ') & \"more\">");
        assert!(text.contains("width=\"20mm\" height=\"12.5mm\" viewBox=\"0 0 20 12.5\""), "{text}");
    }
}
