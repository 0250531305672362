//! TVIPS EM-MENU (`TemCam`): tag 37706, a binary structure of version 1 with, in version 2, more behind it. The fields
//! and their order are tifffile's (`TVIPS_HEADER_V1`, `TVIPS_HEADER_V2`).

use super::super::super::bytes::Order;
use super::super::super::error::Fault;
use super::super::super::metadata::Metadata;
use super::super::tags::Tagged;
use super::{Found, Vendor};

const TVIPS: u16 = 37706;

pub(super) struct Tvips;

impl Vendor for Tvips {
    fn name(&self) -> &'static str {
        "TVIPS"
    }

    fn tags(&self) -> &'static [u16] {
        &[TVIPS]
    }

    fn read(&self, page: &Tagged<'_>) -> Result<Option<Found>, Fault> {
        let Some(blob) = page.blob(TVIPS)? else { return Ok(None) };
        let version = blob.get(..4).map(|bytes| Order::Little.number(bytes));
        let (mut found, mut at) = (Found::default(), 0);
        fields(&blob, &mut at, VERSION_1, &mut found.fields);
        match version {
            Some(1) => {
                let note = "TVIPS's older header has no size of a pixel on the specimen";
                found.notes.push(note.into());
            }
            Some(2) => {
                let size = fields(&blob, &mut at, VERSION_2, &mut found.fields);
                if let Some((y, x)) = size {
                    found.pixel((y, x), "nm", &format!("TVIPS tag {TVIPS}, PixelSizeX"));
                }
            }
            _ => return Err(Fault::Bad("its version is unknown".into())),
        }
        Ok(Some(found))
    }
}

/// How a field is stored.
#[derive(Clone, Copy)]
enum Kind {
    /// Bytes of text, of one byte a character.
    Text(usize),
    /// Bytes of UTF-16.
    Wide(usize),
    Integer,
    /// So many 32-bit numbers.
    Reals(usize),
    /// Bytes that are passed over.
    Other(usize),
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Self::Text(bytes) | Self::Wide(bytes) | Self::Other(bytes) => bytes,
            Self::Integer => 4,
            Self::Reals(count) => 4 * count,
        }
    }

    fn show(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Text(_) => Some(super::super::super::bytes::text(bytes)),
            Self::Wide(_) => {
                let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
                let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
                Some(String::from_utf16_lossy(&units).trim().to_owned())
            }
            Self::Integer => Some((Order::Little.number(bytes) as u32 as i32).to_string()),
            Self::Reals(_) => {
                let reals: Vec<String> = bytes.chunks_exact(4).map(|b| real(b).to_string()).collect();
                Some(reals.join(", "))
            }
            Self::Other(_) => None,
        }
    }
}

fn real(bytes: &[u8]) -> f32 {
    f32::from_bits(Order::Little.number(bytes) as u32)
}

/// Reads fields from `at` on; the size of a pixel along y and x, where it is among them.
fn fields(blob: &[u8], at: &mut usize, list: &[(&str, Kind)], into: &mut Metadata) -> Option<(f64, f64)> {
    let (mut x, mut y) = (None, None);
    for &(name, kind) in list {
        let Some(bytes) = blob.get(*at..*at + kind.bytes()) else { break };
        *at += kind.bytes();
        match name {
            // The nearest decimal number of the file's 32 bits, which a longer one would only seem to know better.
            "PixelSizeX" => x = real(bytes).to_string().parse().ok(),
            "PixelSizeY" => y = real(bytes).to_string().parse().ok(),
            _ => {}
        }
        if let Some(value) = kind.show(bytes).filter(|value| !value.is_empty()) {
            into.push(format!("TVIPS / {name}"), value);
        }
    }
    let sound = |size: &f64| size.is_finite() && *size > 0.0;
    y.filter(sound).zip(x.filter(sound))
}

const VERSION_1: &[(&str, Kind)] = &[
    ("Version", Kind::Integer),
    ("CommentV1", Kind::Text(80)),
    ("HighTension", Kind::Integer),
    ("SphericalAberration", Kind::Integer),
    ("IlluminationAperture", Kind::Integer),
    ("Magnification", Kind::Integer),
    ("PostMagnification", Kind::Integer),
    ("FocalLength", Kind::Integer),
    ("Defocus", Kind::Integer),
    ("Astigmatism", Kind::Integer),
    ("AstigmatismDirection", Kind::Integer),
    ("BiprismVoltage", Kind::Integer),
    ("SpecimenTiltAngle", Kind::Integer),
    ("SpecimenTiltDirection", Kind::Integer),
    ("IlluminationTiltDirection", Kind::Integer),
    ("IlluminationTiltAngle", Kind::Integer),
    ("ImageMode", Kind::Integer),
    ("EnergySpread", Kind::Integer),
    ("ChromaticAberration", Kind::Integer),
    ("ShutterType", Kind::Integer),
    ("DefocusSpread", Kind::Integer),
    ("CcdNumber", Kind::Integer),
    ("CcdSize", Kind::Integer),
    ("OffsetXV1", Kind::Integer),
    ("OffsetYV1", Kind::Integer),
    ("PhysicalPixelSize", Kind::Integer),
    ("Binning", Kind::Integer),
    ("ReadoutSpeed", Kind::Integer),
    ("GainV1", Kind::Integer),
    ("SensitivityV1", Kind::Integer),
    ("ExposureTimeV1", Kind::Integer),
    ("FlatCorrected", Kind::Integer),
    ("DeadPxCorrected", Kind::Integer),
    ("ImageMean", Kind::Integer),
    ("ImageStd", Kind::Integer),
    ("DisplacementX", Kind::Integer),
    ("DisplacementY", Kind::Integer),
    ("DateV1", Kind::Integer),
    ("TimeV1", Kind::Integer),
    ("ImageMin", Kind::Integer),
    ("ImageMax", Kind::Integer),
    ("ImageStatisticsQuality", Kind::Integer),
];

const VERSION_2: &[(&str, Kind)] = &[
    ("ImageName", Kind::Wide(160)),
    ("ImageFolder", Kind::Wide(160)),
    ("ImageSizeX", Kind::Integer),
    ("ImageSizeY", Kind::Integer),
    ("ImageSizeZ", Kind::Integer),
    ("ImageSizeE", Kind::Integer),
    ("ImageDataType", Kind::Integer),
    ("Date", Kind::Integer),
    ("Time", Kind::Integer),
    ("Comment", Kind::Wide(1024)),
    ("ImageHistory", Kind::Wide(1024)),
    ("Scaling", Kind::Reals(16)),
    ("ImageStatistics", Kind::Other(256)),
    ("ImageType", Kind::Integer),
    ("ImageDisplayType", Kind::Integer),
    ("PixelSizeX", Kind::Reals(1)),
    ("PixelSizeY", Kind::Reals(1)),
    ("ImageDistanceZ", Kind::Reals(1)),
    ("ImageDistanceE", Kind::Reals(1)),
    ("ImageMisc", Kind::Reals(32)),
    ("TemType", Kind::Wide(160)),
    ("TemHighTension", Kind::Reals(1)),
    ("TemAberrations", Kind::Reals(32)),
    ("TemEnergy", Kind::Reals(32)),
    ("TemMode", Kind::Integer),
    ("TemMagnification", Kind::Reals(1)),
    ("TemMagnificationCorrection", Kind::Reals(1)),
    ("PostMagnification", Kind::Reals(1)),
    ("TemStageType", Kind::Integer),
    ("TemStagePosition", Kind::Reals(5)),
    ("TemImageShift", Kind::Reals(2)),
    ("TemBeamShift", Kind::Reals(2)),
    ("TemBeamTilt", Kind::Reals(2)),
    ("TilingParameters", Kind::Reals(7)),
    ("TemIllumination", Kind::Reals(3)),
    ("TemShutter", Kind::Integer),
    ("TemMisc", Kind::Reals(32)),
    ("CameraType", Kind::Wide(160)),
    ("PhysicalPixelSizeX", Kind::Reals(1)),
    ("PhysicalPixelSizeY", Kind::Reals(1)),
    ("OffsetX", Kind::Integer),
    ("OffsetY", Kind::Integer),
    ("BinningX", Kind::Integer),
    ("BinningY", Kind::Integer),
    ("ExposureTime", Kind::Reals(1)),
    ("Gain", Kind::Reals(1)),
    ("ReadoutRate", Kind::Reals(1)),
    ("FlatfieldDescription", Kind::Wide(160)),
    ("Sensitivity", Kind::Reals(1)),
    ("Dose", Kind::Reals(1)),
    ("CamMisc", Kind::Reals(32)),
    ("FeiMicroscopeInformation", Kind::Wide(1024)),
    ("FeiSpecimenInformation", Kind::Wide(1024)),
    ("Magic", Kind::Other(4)),
];
