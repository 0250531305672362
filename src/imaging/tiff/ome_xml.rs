//! The parts of OME-XML that say how pages make images (OME model 2016-06, `Pixels`, `Channel`, `TiffData`).

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// What a description says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ome {
    /// The identity of this file.
    pub uuid: Option<String>,
    /// The file that holds the metadata instead of this one.
    pub companion: Option<String>,
    pub images: Vec<OmeImage>,
}

/// One `Image`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct OmeImage {
    /// Attributes of `Pixels`, such as `SizeX` and `PhysicalSizeXUnit`.
    pub pixels: HashMap<String, String>,
    pub channel_names: Vec<String>,
    pub data: Vec<TiffData>,
}

/// Which planes lie in which pages, and of which file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TiffData {
    pub ifd: Option<usize>,
    pub plane_count: Option<usize>,
    /// First index along Z, C, T.
    pub first: [usize; 3],
    pub uuid: Option<String>,
    pub file_name: Option<String>,
}

impl OmeImage {
    pub(super) fn size(&self, attribute: &str) -> usize {
        self.pixels.get(attribute).and_then(|v| v.parse().ok()).unwrap_or(1)
    }
}

/// Reads the description.
///
/// # Errors
/// Why it is not well-formed XML.
pub(super) fn parse(xml: &str) -> Result<Ome, String> {
    let mut reader = Reader::from_str(xml);
    let (mut ome, mut inside) = (Ome::default(), Vec::<String>::new());
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(element) => {
                begin(&mut ome, &element);
                inside.push(element.local_name().as_ref().to_owned());
            }
            Event::Empty(element) => begin(&mut ome, &element),
            Event::End(_) => {
                inside.pop();
            }
            Event::Text(text) if inside.ends_with(&["TiffData".into(), "UUID".into()]) => {
                if let Some(data) = ome.images.last_mut().and_then(|image| image.data.last_mut()) {
                    data.uuid = Some(text.xml10_content().trim().to_owned());
                }
            }
            Event::Eof if inside.is_empty() => return Ok(ome),
            Event::Eof => return Err(format!("the element {} does not end", inside.join("/"))),
            _ => {}
        }
    }
}

fn begin(ome: &mut Ome, element: &BytesStart<'_>) {
    let mut attributes: HashMap<String, String> = element
        .attributes()
        .flatten()
        .filter_map(|a| {
            let value = a.normalized_value(XmlVersion::Implicit1_0).ok()?;
            Some((a.key.local_name().as_ref().to_owned(), value.into_owned()))
        })
        .collect();
    let number =
        |attributes: &HashMap<String, String>, key: &str| attributes.get(key).and_then(|v| v.parse().ok());
    match element.local_name().as_ref() {
        "OME" => ome.uuid = attributes.remove("UUID"),
        "BinaryOnly" => ome.companion = attributes.remove("MetadataFile"),
        "Image" => ome.images.push(OmeImage::default()),
        name => {
            let Some(image) = ome.images.last_mut() else { return };
            match name {
                "Pixels" => image.pixels = attributes,
                "Channel" => image.channel_names.push(attributes.remove("Name").unwrap_or_default()),
                "TiffData" => image.data.push(TiffData {
                    ifd: number(&attributes, "IFD"),
                    plane_count: number(&attributes, "PlaneCount"),
                    first: ["FirstZ", "FirstC", "FirstT"].map(|key| number(&attributes, key).unwrap_or(0)),
                    uuid: None,
                    file_name: None,
                }),
                "UUID" => {
                    if let Some(data) = image.data.last_mut() {
                        data.file_name = attributes.remove("FileName");
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_channels_and_sizes_are_found() {
        let xml = r#"<?xml version="1.0"?><ome:OME xmlns:ome="x" UUID="urn:uuid:1"><Image><Pixels SizeX="4"
            PhysicalSizeXUnit="&#181;m"><Channel Name="Fe &amp; Cr"/><Channel/><TiffData IFD="2" FirstC="1"
            PlaneCount="3"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData></Pixels></Image></ome:OME>"#;
        let ome = parse(xml).unwrap();
        let image = &ome.images[0];
        assert_eq!(
            (ome.uuid.as_deref(), image.size("SizeX"), image.size("SizeT")),
            (Some("urn:uuid:1"), 4, 1)
        );
        assert_eq!(image.pixels["PhysicalSizeXUnit"], "µm");
        assert_eq!(image.channel_names, ["Fe & Cr", ""]);
        let expected = TiffData {
            ifd: Some(2),
            plane_count: Some(3),
            first: [0, 1, 0],
            uuid: Some("urn:uuid:1".into()),
            file_name: Some("a.ome.tif".into()),
        };
        assert_eq!(image.data, [expected]);
    }

    #[test]
    fn xml_that_breaks_off_is_an_error() {
        assert!(parse("<OME><Image>").unwrap_err().contains("OME/Image"));
        assert!(parse("<OME></Image>").is_err());
    }
}
