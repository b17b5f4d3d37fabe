//! Canonical CBOR (RFC 8949, 4.2.1), restricted to what the documents use: unsigned and negative integers,
//! byte and text strings, arrays, maps, false, true, null. A general decoder accepts several encodings of
//! one value, and what is signed must have exactly one.

use crate::OpenError;

/// Values nested deeper than this are refused; the documents themselves need four levels.
const MAX_DEPTH: u8 = 8;

/// Keys from here on may be skipped by a reader that does not know them.
pub(crate) const FIRST_OPTIONAL_KEY: u64 = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Simple,
}

/// A cursor over canonical CBOR. Every method refuses a head that has a shorter encoding.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where `bytes` starts in the document that errors count from.
    base: usize,
}

/// The remaining entries of a map with unsigned keys, which must ascend strictly.
pub(crate) struct Map {
    left: u64,
    previous: Option<u64>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, at: 0, base }
    }

    /// Position in the document.
    pub(crate) fn offset(&self) -> usize {
        self.base + self.at
    }

    /// Everything not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn end(&self) -> Result<(), OpenError> {
        if self.at == self.bytes.len() {
            return Ok(());
        }
        Err(OpenError::TrailingBytes { offset: self.offset() })
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, OpenError> {
        self.expect(Major::Unsigned)
    }

    /// An integer of either sign; magnitudes beyond `i64` are malformed.
    pub(crate) fn signed(&mut self) -> Result<i64, OpenError> {
        let offset = self.offset();
        let malformed = OpenError::Malformed { offset };
        let (major, value) = self.head()?;
        let value = i64::try_from(value).map_err(|_| malformed)?;
        match major {
            Major::Unsigned => Ok(value),
            Major::Negative => Ok(-1 - value),
            _ => Err(malformed),
        }
    }

    pub(crate) fn byte_string(&mut self) -> Result<&'a [u8], OpenError> {
        let length = self.expect(Major::Bytes)?;
        self.take(length)
    }

    pub(crate) fn byte_array<const N: usize>(&mut self) -> Result<[u8; N], OpenError> {
        let offset = self.offset();
        self.byte_string()?.try_into().map_err(|_| OpenError::Malformed { offset })
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, OpenError> {
        let offset = self.offset();
        let length = self.expect(Major::Text)?;
        core::str::from_utf8(self.take(length)?).map_err(|_| OpenError::Malformed { offset })
    }

    pub(crate) fn array(&mut self) -> Result<u64, OpenError> {
        self.expect(Major::Array)
    }

    pub(crate) fn tag(&mut self) -> Result<u64, OpenError> {
        self.expect(Major::Tag)
    }

    pub(crate) fn map(&mut self) -> Result<Map, OpenError> {
        Ok(Map { left: self.expect(Major::Map)?, previous: None })
    }

    /// Steps over the value of a field that is not known, checking that it is canonical; refuses if the
    /// key says that the field must be understood.
    pub(crate) fn skip_unknown(&mut self, key: u64) -> Result<(), OpenError> {
        if key < FIRST_OPTIONAL_KEY {
            return Err(OpenError::UnknownField { key });
        }
        self.skip(MAX_DEPTH)
    }

    fn skip(&mut self, depth: u8) -> Result<(), OpenError> {
        let offset = self.offset();
        let Some(depth) = depth.checked_sub(1) else {
            return Err(OpenError::Malformed { offset });
        };
        let (major, value) = self.head()?;
        match major {
            Major::Unsigned | Major::Negative => Ok(()),
            Major::Bytes => self.take(value).map(|_| ()),
            Major::Text => {
                core::str::from_utf8(self.take(value)?).map(|_| ()).map_err(|_| OpenError::Malformed { offset })
            }
            Major::Array => (0..value).try_for_each(|_| self.skip(depth)),
            Major::Map => self.skip_entries(value, depth),
            // 20, 21, 22 are false, true, null.
            Major::Simple if matches!(value, 20..=22) => Ok(()),
            Major::Tag | Major::Simple => Err(OpenError::NotCanonical { offset }),
        }
    }

    fn skip_entries(&mut self, count: u64, depth: u8) -> Result<(), OpenError> {
        let mut previous: &[u8] = &[];
        for _ in 0..count {
            let (start, offset) = (self.at, self.offset());
            self.skip(depth)?;
            let key = self.bytes.get(start..self.at).unwrap_or_default();
            if key <= previous {
                return Err(OpenError::NotCanonical { offset });
            }
            previous = key;
            self.skip(depth)?;
        }
        Ok(())
    }

    fn expect(&mut self, wanted: Major) -> Result<u64, OpenError> {
        let offset = self.offset();
        match self.head()? {
            (major, value) if major == wanted => Ok(value),
            _ => Err(OpenError::Malformed { offset }),
        }
    }

    /// Reads one head: major type and argument, in the shortest form only.
    fn head(&mut self) -> Result<(Major, u64), OpenError> {
        let offset = self.offset();
        let first = self.take(1)?.first().copied().unwrap_or_default();
        let major = match first >> 5 {
            0 => Major::Unsigned,
            1 => Major::Negative,
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::Array,
            5 => Major::Map,
            6 => Major::Tag,
            _ => Major::Simple,
        };
        let (width, least) = match first & 31 {
            small @ 0..=23 => return Ok((major, u64::from(small))),
            // Simple values and floats with an argument have no place here.
            _ if major == Major::Simple => return Err(OpenError::NotCanonical { offset }),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(OpenError::NotCanonical { offset }),
        };
        let value = self.take(width)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        if value < least {
            return Err(OpenError::NotCanonical { offset });
        }
        Ok((major, value))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], OpenError> {
        let truncated = OpenError::Truncated { offset: self.offset() };
        let length = usize::try_from(length).map_err(|_| truncated)?;
        let end = self.at.checked_add(length).ok_or(truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(truncated)?;
        self.at = end;
        Ok(taken)
    }
}

impl Map {
    /// The next key, or `None` after the last entry. The caller reads the value before asking again.
    pub(crate) fn next_key(&mut self, reader: &mut Reader<'_>) -> Result<Option<u64>, OpenError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let offset = reader.offset();
        let key = reader.unsigned()?;
        if self.previous.is_some_and(|previous| key <= previous) {
            return Err(OpenError::NotCanonical { offset });
        }
        self.previous = Some(key);
        Ok(Some(key))
    }
}

/// Reads a field that must be there.
pub(crate) fn required<T>(field: Option<T>, key: u64) -> Result<T, OpenError> {
    field.ok_or(OpenError::MissingField { key })
}

/// Writes canonical CBOR; the caller puts map keys in ascending order.
#[cfg(feature = "alloc")]
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: alloc::vec::Vec<u8>,
}

#[cfg(feature = "alloc")]
impl Writer {
    pub(crate) fn unsigned(&mut self, value: u64) -> &mut Self {
        self.head(0, value)
    }

    /// The negative integer -1 - `value`.
    pub(crate) fn negative(&mut self, value: u64) -> &mut Self {
        self.head(1, value)
    }

    pub(crate) fn byte_string(&mut self, value: &[u8]) -> &mut Self {
        self.head(2, value.len() as u64).raw(value)
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.head(3, value.len() as u64).raw(value.as_bytes())
    }

    pub(crate) fn array(&mut self, length: u64) -> &mut Self {
        self.head(4, length)
    }

    pub(crate) fn map(&mut self, entries: u64) -> &mut Self {
        self.head(5, entries)
    }

    pub(crate) fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(6, tag)
    }

    pub(crate) fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(value);
        self
    }

    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let wide = value.to_be_bytes();
        let (info, skipped) = match value {
            0..=23 => {
                self.bytes.push(major << 5 | wide[7]);
                return self;
            }
            24..=0xff => (24, 7),
            0x100..=0xffff => (25, 6),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 0),
        };
        self.bytes.push(major << 5 | info);
        self.raw(wide.get(skipped..).unwrap_or_default())
    }
}
