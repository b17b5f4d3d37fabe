//! The walk over the tags, which judges each field as its schema says and allocates nothing.

use super::schema::Field::{self, Bytes, Empty, Fixed4, Fixed8, Nested, Number, Numbers, Of, Refused, Text};
use super::schema::Message;
use super::{DoorError, MAX_MESSAGES, MAX_NESTING, MAX_VARINTS};

/// Walks a file that is one message of type `schema`.
pub(super) fn file(bytes: &[u8], schema: &'static Message) -> Result<(), DoorError> {
    let mut walk = Walk { messages: 0, varints: 0 };
    walk.message(schema, Cursor { bytes, base: 0, at: 0, message: schema.name }, 0)
}

struct Walk {
    messages: usize,
    varints: usize,
}

/// A position in one message. `base` is where the message begins in the file.
struct Cursor<'a> {
    bytes: &'a [u8],
    base: usize,
    at: usize,
    message: &'static str,
}

impl Cursor<'_> {
    fn offset(&self) -> usize {
        self.base + self.at
    }

    fn varint(&mut self) -> Result<u64, DoorError> {
        let start = self.offset();
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(DoorError::Truncated { message: self.message, offset: start })?;
            self.at += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DoorError::Varint { message: self.message, offset: start })
    }

    fn take(&mut self, len: u64) -> Result<&[u8], DoorError> {
        let truncated = DoorError::Truncated { message: self.message, offset: self.offset() };
        let len = usize::try_from(len).map_err(|_| truncated)?;
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len()).ok_or(truncated)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}

impl Walk {
    fn message(&mut self, schema: &'static Message, mut cursor: Cursor<'_>, depth: usize) -> Result<(), DoorError> {
        if depth > MAX_NESTING {
            return Err(DoorError::Nesting { offset: cursor.base });
        }
        while cursor.at < cursor.bytes.len() {
            let offset = cursor.offset();
            let key = cursor.varint()?;
            let number = u32::try_from(key >> 3).unwrap_or(u32::MAX);
            let (_, name, field) = schema
                .fields
                .iter()
                .find(|(n, ..)| *n == number)
                .ok_or(DoorError::UnknownField { message: schema.name, field: number, offset })?;
            let place = Place { message: schema.name, field: name, offset };
            match key & 7 {
                0 => {
                    let value = cursor.varint()?;
                    self.number(field, value, place)?;
                }
                1 => {
                    cursor.take(8)?;
                    place.expect(matches!(field, Fixed8))?;
                }
                2 => {
                    let len = cursor.varint()?;
                    let base = cursor.offset();
                    let body = cursor.take(len)?;
                    self.body(field, body, base, place, depth)?;
                }
                5 => {
                    cursor.take(4)?;
                    place.expect(matches!(field, Fixed4))?;
                }
                _ => return Err(place.encoding()),
            }
        }
        Ok(())
    }

    fn number(&mut self, field: &Field, value: u64, place: Place) -> Result<(), DoorError> {
        match field {
            Number => Ok(()),
            Numbers => self.count_varints(1, place),
            Of(set) if set.contains(&value) => Ok(()),
            Of(_) => Err(DoorError::Value { message: place.message, field: place.field, value, offset: place.offset }),
            Refused => Err(place.unsupported()),
            _ => Err(place.encoding()),
        }
    }

    fn body(&mut self, field: &Field, body: &[u8], base: usize, place: Place, depth: usize) -> Result<(), DoorError> {
        match field {
            Nested(schema) => {
                self.count_message(place)?;
                self.message(schema, Cursor { bytes: body, base, at: 0, message: schema.name }, depth + 1)
            }
            Text => {
                self.count_message(place)?;
                let Place { message, field, offset } = place;
                std::str::from_utf8(body).map(drop).map_err(|_| DoorError::Text { message, field, offset })
            }
            Bytes => self.count_message(place),
            Numbers => {
                // A number ends at each byte without the continuation bit.
                self.count_varints(body.iter().filter(|&&b| b < 0x80).count(), place)
            }
            Fixed4 => place.expect(body.len().is_multiple_of(4)),
            Fixed8 => place.expect(body.len().is_multiple_of(8)),
            Refused => Err(place.unsupported()),
            Empty => {
                if body.is_empty() {
                    Ok(())
                } else {
                    Err(place.unsupported())
                }
            }
            Number | Of(_) => Err(place.encoding()),
        }
    }

    fn count_message(&mut self, place: Place) -> Result<(), DoorError> {
        self.messages += 1;
        if self.messages > MAX_MESSAGES { Err(DoorError::TooMany { offset: place.offset }) } else { Ok(()) }
    }

    fn count_varints(&mut self, count: usize, place: Place) -> Result<(), DoorError> {
        self.varints += count;
        if self.varints > MAX_VARINTS { Err(DoorError::TooMany { offset: place.offset }) } else { Ok(()) }
    }
}

/// Where a field stands, for messages.
#[derive(Clone, Copy)]
struct Place {
    message: &'static str,
    field: &'static str,
    offset: usize,
}

impl Place {
    fn expect(self, right: bool) -> Result<(), DoorError> {
        if right { Ok(()) } else { Err(self.encoding()) }
    }

    fn encoding(self) -> DoorError {
        DoorError::Encoding { message: self.message, field: self.field, offset: self.offset }
    }

    fn unsupported(self) -> DoorError {
        DoorError::Unsupported { message: self.message, field: self.field, offset: self.offset }
    }
}
