//! Types of stored numbers, and what they are as f32.

use half::{bf16, f16};

/// What one number of a storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
    /// Known by name and size, with no meaning as one f32: complex, quantised and eight-bit floating numbers.
    Other(&'static str, usize),
}

/// Types by the name of `torch`'s storage class, by `torch.dtype` and by safetensors' word; "" where there is none.
const NAMES: [(Element, &str, &str, &str); 23] = [
    (Element::F64, "DoubleStorage", "float64", "F64"),
    (Element::F32, "FloatStorage", "float32", "F32"),
    (Element::F16, "HalfStorage", "float16", "F16"),
    (Element::Bf16, "BFloat16Storage", "bfloat16", "BF16"),
    (Element::I64, "LongStorage", "int64", "I64"),
    (Element::I32, "IntStorage", "int32", "I32"),
    (Element::I16, "ShortStorage", "int16", "I16"),
    (Element::I8, "CharStorage", "int8", "I8"),
    (Element::U64, "", "uint64", "U64"),
    (Element::U32, "", "uint32", "U32"),
    (Element::U16, "", "uint16", "U16"),
    (Element::U8, "ByteStorage", "uint8", "U8"),
    (Element::Bool, "BoolStorage", "bool", "BOOL"),
    (Element::Other("complex64", 8), "ComplexFloatStorage", "complex64", "C64"),
    (Element::Other("complex128", 16), "ComplexDoubleStorage", "complex128", ""),
    (Element::Other("qint8", 1), "QInt8Storage", "qint8", ""),
    (Element::Other("quint8", 1), "QUInt8Storage", "quint8", ""),
    (Element::Other("qint32", 4), "QInt32Storage", "qint32", ""),
    (Element::Other("float8_e4m3fn", 1), "", "float8_e4m3fn", "F8_E4M3"),
    (Element::Other("float8_e5m2", 1), "", "float8_e5m2", "F8_E5M2"),
    (Element::Other("float8_e4m3fnuz", 1), "", "float8_e4m3fnuz", "F8_E4M3FNUZ"),
    (Element::Other("float8_e5m2fnuz", 1), "", "float8_e5m2fnuz", "F8_E5M2FNUZ"),
    (Element::Other("float8_e8m0fnu", 1), "", "float8_e8m0fnu", "F8_E8M0"),
];

impl Element {
    /// By the name of a storage class such as `FloatStorage`.
    pub(super) fn of_storage(name: &str) -> Option<Self> {
        NAMES.iter().find(|row| !name.is_empty() && row.1 == name).map(|row| row.0)
    }

    /// By the name of a `torch.dtype` such as "float32".
    pub(super) fn of_dtype(name: &str) -> Option<Self> {
        NAMES.iter().find(|row| row.2 == name).map(|row| row.0)
    }

    /// By safetensors' word such as "F32".
    pub(super) fn of_safetensors(name: &str) -> Option<Self> {
        NAMES.iter().find(|row| !name.is_empty() && row.3 == name).map(|row| row.0)
    }

    /// As `torch` says it: "float16".
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|row| row.0 == self).map_or("unknown", |row| row.2)
    }

    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::Other(_, size) => size,
        }
    }

    /// The number at the start of these bytes as f32; `None` where there is no such meaning or too few bytes.
    pub(super) fn number(self, bytes: &[u8], big_endian: bool) -> Option<f32> {
        let size = self.size();
        let mut eight = [0; 8];
        let kept = eight.get_mut(..size)?;
        kept.copy_from_slice(bytes.get(..size)?);
        if big_endian {
            kept.reverse();
        }
        let [a, b, c, d, ..] = eight;
        Some(match self {
            Self::F64 => f64::from_le_bytes(eight) as f32,
            Self::F32 => f32::from_le_bytes([a, b, c, d]),
            Self::F16 => f16::from_le_bytes([a, b]).to_f32(),
            Self::Bf16 => bf16::from_le_bytes([a, b]).to_f32(),
            Self::I64 => i64::from_le_bytes(eight) as f32,
            Self::I32 => i32::from_le_bytes([a, b, c, d]) as f32,
            Self::I16 => f32::from(i16::from_le_bytes([a, b])),
            Self::I8 => f32::from(i8::from_le_bytes([a])),
            Self::U64 => u64::from_le_bytes(eight) as f32,
            Self::U32 => u32::from_le_bytes([a, b, c, d]) as f32,
            Self::U16 => f32::from(u16::from_le_bytes([a, b])),
            Self::U8 => f32::from(a),
            Self::Bool => f32::from(u8::from(a != 0)),
            Self::Other(..) => return None,
        })
    }

    /// True for what an f32 network can take.
    pub(super) fn is_number(self) -> bool {
        !matches!(self, Self::Other(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_each_of_its_names() {
        assert_eq!(Element::of_storage("HalfStorage"), Some(Element::F16));
        assert_eq!(Element::of_dtype("bfloat16"), Some(Element::Bf16));
        assert_eq!(Element::of_safetensors("BOOL"), Some(Element::Bool));
        assert_eq!(Element::of_storage(""), None);
        assert_eq!(Element::of_safetensors(""), None);
        for (element, ..) in NAMES {
            assert_eq!(Element::of_dtype(element.name()), Some(element));
        }
    }

    #[test]
    fn numbers_come_in_both_byte_orders() {
        // IEEE 754: 1.5 is 3FF8… in 64 bits, 3FC00000 in 32, 3E00 in 16; bfloat16 is the upper half of f32.
        let both = |element: Element, big: &[u8], expected: f32| {
            let little: Vec<u8> = big.iter().rev().copied().collect();
            assert_eq!(element.number(big, true), Some(expected));
            assert_eq!(element.number(&little, false), Some(expected));
            assert_eq!(element.number(&little[1..], false), None, "too few bytes");
        };
        both(Element::F64, &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5);
        both(Element::F32, &[0x3f, 0xc0, 0, 0], 1.5);
        both(Element::F16, &[0x3e, 0], 1.5);
        both(Element::Bf16, &[0x3f, 0xc0], 1.5);
        both(Element::I16, &[0xff, 0xfe], -2.0);
        both(Element::U16, &[0xff, 0xfe], 65_534.0);
        both(Element::I64, &[0xff; 8], -1.0);
        both(Element::U32, &[0, 0, 1, 0], 256.0);
        both(Element::Bool, &[1], 1.0);
        assert_eq!(Element::Other("complex64", 8).number(&[0; 8], false), None);
        assert_eq!(Element::Other("complex128", 16).number(&[0; 16], false), None);
    }
}
