//! Element types of NumPy arrays.

use crate::error::ReadError;

/// Most bytes of one element, and most fields of a record.
const MAX_ITEM: usize = 1 << 16;
const MAX_FIELDS: usize = 256;

/// An element type in the byte order that the file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dtype {
    pub(crate) kind: Kind,
    /// Bytes of one element.
    pub(crate) size: usize,
    pub(crate) big_endian: bool,
    /// Name, place and type of each field of a record.
    pub(crate) fields: Vec<(String, usize, Dtype)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Unsigned,
    Float,
    /// UTF-32 text, padded with zeros.
    Text,
    /// Bytes, padded with zeros.
    Bytes,
    Object,
    Record,
}

impl Dtype {
    /// What `numpy.dtype` was called with: a kind and a size, as in `f8`.
    pub(crate) fn parse(text: &str, at: usize) -> Result<Self, ReadError> {
        let refuse = || ReadError::Dtype { at, dtype: text.chars().take(64).collect() };
        let (big_endian, plain) = match text.as_bytes().first() {
            Some(b'>') => (true, &text[1..]),
            Some(b'<' | b'=' | b'|') => (false, &text[1..]),
            _ => (false, text),
        };
        let (kind, size) = plain.split_at_checked(1).ok_or_else(refuse)?;
        let size = match size {
            "" if matches!(kind, "O" | "b" | "?") => {
                if kind == "O" {
                    8
                } else {
                    1
                }
            }
            digits if !digits.starts_with('+') => digits.parse().map_err(|_| refuse())?,
            _ => return Err(refuse()),
        };
        let kind = match (kind, size) {
            ("b" | "?", 1) => Kind::Bool,
            ("i", 1 | 2 | 4 | 8) => Kind::Int,
            ("u", 1 | 2 | 4 | 8) => Kind::Unsigned,
            ("f", 2 | 4 | 8) => Kind::Float,
            ("U", _) if size <= MAX_ITEM / 4 => Kind::Text,
            ("S", _) if size <= MAX_ITEM => Kind::Bytes,
            ("O", _) => Kind::Object,
            ("V", 1..=MAX_ITEM) => Kind::Record,
            _ => return Err(refuse()),
        };
        let size = match kind {
            Kind::Text => 4 * size,
            Kind::Object => 8,
            _ => size,
        };
        Ok(Self { kind, size, big_endian, fields: Vec::new() })
    }

    /// Gives a record its fields, which must lie inside it.
    pub(crate) fn with_fields(mut self, fields: Vec<(String, usize, Self)>, at: usize) -> Result<Self, ReadError> {
        let inside = |(_, offset, field): &(String, usize, Self)| {
            // A field of a field has no use in stored estimators, and only leads to deep types.
            let plain = !matches!(field.kind, Kind::Object | Kind::Record);
            plain && offset.checked_add(field.size).is_some_and(|end| end <= self.size)
        };
        if self.kind != Kind::Record || fields.len() > MAX_FIELDS || !fields.iter().all(inside) {
            return Err(ReadError::Dtype { at, dtype: "record".to_owned() });
        }
        self.fields = fields;
        Ok(self)
    }
}
