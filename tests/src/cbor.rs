//! CBOR items (RFC 8949): taken apart and put together again, in the shortest form unless told otherwise.

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 1: -1 minus the value.
    Negative(u64),
    /// Major type 2.
    Bytes(Vec<u8>),
    /// Major type 3; nothing checks that it is UTF-8.
    Text(Vec<u8>),
    /// Major type 4.
    Array(Vec<Item>),
    /// Major type 5.
    Map(Vec<(Item, Item)>),
    /// Major type 6.
    Tag(u64, Box<Item>),
    /// Major type 7 without an argument.
    Simple(u8),
    /// Bytes that are written as they stand.
    Raw(Vec<u8>),
}

impl Item {
    /// A map with unsigned keys.
    #[must_use]
    pub fn map<const N: usize>(entries: [(u64, Item); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (Self::Unsigned(key), value)).collect())
    }

    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// Reads one item that fills the bytes.
    #[must_use]
    pub fn parse(mut bytes: &[u8]) -> Option<Self> {
        let item = take(&mut bytes, 16)?;
        bytes.is_empty().then_some(item)
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned(value) => head(out, 0, *value),
            Self::Negative(value) => head(out, 1, *value),
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend(bytes);
            }
            Self::Text(bytes) => {
                head(out, 3, bytes.len() as u64);
                out.extend(bytes);
            }
            Self::Array(items) => {
                head(out, 4, items.len() as u64);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(entries) => {
                head(out, 5, entries.len() as u64);
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Tag(tag, item) => {
                head(out, 6, *tag);
                item.write(out);
            }
            Self::Simple(value) => out.push(7 << 5 | value & 31),
            Self::Raw(bytes) => out.extend(bytes),
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let wide = value.to_be_bytes();
    let (info, skipped) = match value {
        0..=23 => return out.push(major << 5 | wide[7]),
        24..=0xff => (24, 7),
        0x100..=0xffff => (25, 6),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 0),
    };
    out.push(major << 5 | info);
    out.extend(&wide[skipped..]);
}

fn take(bytes: &mut &[u8], depth: u8) -> Option<Item> {
    let depth = depth.checked_sub(1)?;
    let first = piece(bytes, 1)?[0];
    let width = match first & 31 {
        0..=23 => 0,
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let wide = piece(bytes, width)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    let value = if width == 0 { u64::from(first & 31) } else { wide };
    let length = usize::try_from(value).ok();
    Some(match first >> 5 {
        0 => Item::Unsigned(value),
        1 => Item::Negative(value),
        2 => Item::Bytes(piece(bytes, length?)?.to_vec()),
        3 => Item::Text(piece(bytes, length?)?.to_vec()),
        4 => Item::Array((0..value).map(|_| take(bytes, depth)).collect::<Option<_>>()?),
        5 => Item::Map((0..value).map(|_| Some((take(bytes, depth)?, take(bytes, depth)?))).collect::<Option<_>>()?),
        6 => Item::Tag(value, Box::new(take(bytes, depth)?)),
        _ if width == 0 => Item::Simple(first & 31),
        _ => return None,
    })
}

fn piece<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}
