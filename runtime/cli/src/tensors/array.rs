use mote_abi::{DType, Half};

/// A dense array: row-major, little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    pub(crate) dtype: DType,
    pub(crate) dims: Vec<usize>,
    pub(crate) data: Vec<u8>,
}

/// `[1, 3, 224, 224]`
pub(crate) fn dims_text(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    format!("[{}]", dims.join(", "))
}

/// One element, widened without loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Element {
    Float(f64),
    /// A f32 is kept as one, so that it prints with its own shortest digits.
    Single(f32),
    Signed(i64),
    Unsigned(u64),
    Bool(bool),
}

impl Element {
    /// The word that an integer is the place of.
    pub(crate) fn word(self, words: &[String]) -> Option<&str> {
        let Self::Signed(place) = self else { return None };
        words.get(usize::try_from(place).ok()?).map(String::as_str)
    }

    /// As a float, for differences; integers above 2^53 are rounded.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Float(x) => x,
            Self::Single(x) => f64::from(x),
            Self::Signed(x) => x as f64,
            Self::Unsigned(x) => x as f64,
            Self::Bool(x) => f64::from(u8::from(x)),
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Float(x) => write!(f, "{x}"),
            Self::Single(x) => write!(f, "{x}"),
            Self::Signed(x) => write!(f, "{x}"),
            Self::Unsigned(x) => write!(f, "{x}"),
            Self::Bool(x) => write!(f, "{x}"),
        }
    }
}

/// The chunk as an array. Chunks come from `chunks_exact`, so the lengths agree; zero is never seen.
fn word<const N: usize>(chunk: &[u8]) -> [u8; N] {
    chunk.try_into().unwrap_or([0; N])
}

impl Array {
    /// Every element in order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Element> + '_ {
        let dtype = self.dtype;
        self.data.chunks_exact(dtype.size() as usize).map(move |raw| match dtype {
            DType::F32 => Element::Single(f32::from_le_bytes(word(raw))),
            DType::F64 => Element::Float(f64::from_le_bytes(word(raw))),
            DType::I8 => Element::Signed(i64::from(i8::from_le_bytes(word(raw)))),
            DType::I16 => Element::Signed(i64::from(i16::from_le_bytes(word(raw)))),
            DType::I32 => Element::Signed(i64::from(i32::from_le_bytes(word(raw)))),
            DType::I64 => Element::Signed(i64::from_le_bytes(word(raw))),
            DType::U8 => Element::Unsigned(u64::from(u8::from_le_bytes(word(raw)))),
            DType::U16 => Element::Unsigned(u64::from(u16::from_le_bytes(word(raw)))),
            DType::U32 => Element::Unsigned(u64::from(u32::from_le_bytes(word(raw)))),
            DType::U64 => Element::Unsigned(u64::from_le_bytes(word(raw))),
            DType::Bool => Element::Bool(raw != [0]),
            DType::F16 => Element::Single(Half::Binary16.widen(u16::from_le_bytes(word(raw)))),
            DType::BF16 => Element::Single(Half::Bfloat16.widen(u16::from_le_bytes(word(raw)))),
        })
    }

    /// The data with one NaN of each type (f32: 0x7fc00000): engines may choose other payloads, and they mean the same.
    pub(crate) fn canonical(&self) -> Vec<u8> {
        let mut data = self.data.clone();
        match (self.dtype, self.dtype.half()) {
            (DType::F32, _) => {
                let nans = data.as_chunks_mut().0.iter_mut().filter(|v| f32::from_le_bytes(**v).is_nan());
                nans.for_each(|value| *value = 0x7fc0_0000_u32.to_le_bytes());
            }
            (DType::F64, _) => {
                let nans = data.as_chunks_mut().0.iter_mut().filter(|v| f64::from_le_bytes(**v).is_nan());
                nans.for_each(|value| *value = 0x7ff8_0000_0000_0000_u64.to_le_bytes());
            }
            (_, Some(half)) => {
                let nans = data.as_chunks_mut().0.iter_mut().filter(|v| half.is_nan(u16::from_le_bytes(**v)));
                nans.for_each(|value| *value = half.quiet_nan().to_le_bytes());
            }
            _ => {}
        }
        data
    }
}

/// Writes one number as an element of `dtype`, or answers `None` where it does not fit.
pub(crate) fn push_element(data: &mut Vec<u8>, dtype: DType, element: Element) -> Option<()> {
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    let integer = || match element {
        Element::Signed(x) => Some(i128::from(x)),
        Element::Unsigned(x) => Some(i128::from(x)),
        Element::Bool(x) => Some(i128::from(x)),
        Element::Float(x) => (x.fract() == 0.0 && x.abs() < TWO_TO_64).then_some(x as i128),
        Element::Single(x) => (x.fract() == 0.0 && f64::from(x.abs()) < TWO_TO_64).then_some(x as i128),
    };
    match dtype {
        DType::F32 => data.extend_from_slice(&(element.as_f64() as f32).to_le_bytes()),
        DType::F64 => data.extend_from_slice(&element.as_f64().to_le_bytes()),
        DType::I8 => data.extend_from_slice(&i8::try_from(integer()?).ok()?.to_le_bytes()),
        DType::I16 => data.extend_from_slice(&i16::try_from(integer()?).ok()?.to_le_bytes()),
        DType::I32 => data.extend_from_slice(&i32::try_from(integer()?).ok()?.to_le_bytes()),
        DType::I64 => data.extend_from_slice(&i64::try_from(integer()?).ok()?.to_le_bytes()),
        DType::U8 => data.extend_from_slice(&u8::try_from(integer()?).ok()?.to_le_bytes()),
        DType::U16 => data.extend_from_slice(&u16::try_from(integer()?).ok()?.to_le_bytes()),
        DType::U32 => data.extend_from_slice(&u32::try_from(integer()?).ok()?.to_le_bytes()),
        DType::U64 => data.extend_from_slice(&u64::try_from(integer()?).ok()?.to_le_bytes()),
        DType::Bool => data.push(u8::try_from(integer()?).ok().filter(|&bit| bit <= 1)?),
        DType::F16 => data.extend_from_slice(&Half::Binary16.narrow(element.as_f64()).to_le_bytes()),
        DType::BF16 => data.extend_from_slice(&Half::Bfloat16.narrow(element.as_f64()).to_le_bytes()),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_where_they_fit_and_nowhere_else() {
        let table = [
            (DType::U8, Element::Signed(255), Some(vec![255])),
            (DType::U8, Element::Signed(256), None),
            (DType::U8, Element::Signed(-1), None),
            (DType::I8, Element::Float(-128.0), Some(vec![0x80])),
            (DType::I64, Element::Float(0.5), None),
            (DType::I64, Element::Float(f64::NAN), None),
            (DType::I64, Element::Float(1e300), None),
            (DType::Bool, Element::Signed(1), Some(vec![1])),
            (DType::Bool, Element::Signed(2), None),
            (DType::F32, Element::Bool(true), Some(1f32.to_le_bytes().to_vec())),
            (DType::U64, Element::Unsigned(u64::MAX), Some(vec![255; 8])),
            (DType::F16, Element::Float(-2.0), Some(vec![0x00, 0xc0])),
            (DType::BF16, Element::Signed(1), Some(vec![0x80, 0x3f])),
        ];
        for (dtype, element, expected) in table {
            let mut data = Vec::new();
            let got = push_element(&mut data, dtype, element).map(|()| data);
            assert_eq!(got, expected, "{element:?} as {dtype}");
        }
    }

    #[test]
    fn nan_payloads_do_not_count() {
        let of = |bits: u32| Array { dtype: DType::F32, dims: vec![1], data: bits.to_le_bytes().to_vec() };
        assert_eq!(of(0xffc0_1234).canonical(), 0x7fc0_0000_u32.to_le_bytes());
        assert_eq!(of(0x8000_0000).canonical(), 0x8000_0000_u32.to_le_bytes());
    }
}
