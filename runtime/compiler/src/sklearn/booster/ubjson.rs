//! UBJSON (ubjson.org, Draft 12) as XGBoost writes it, to the tree that JSON is read to.

use serde_json::{Map, Number, Value};

use super::error::BoosterError;

/// Containers inside containers.
const MAX_DEPTH: usize = 64;

/// Reads a document. Numbers that are not finite become null.
pub(super) fn read(bytes: &[u8]) -> Result<Value, BoosterError> {
    let mut reader = Reader { rest: bytes, length: bytes.len() };
    let marker = reader.byte()?;
    let value = reader.value(marker, MAX_DEPTH)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.wrong()) }
}

struct Reader<'b> {
    rest: &'b [u8],
    length: usize,
}

impl<'b> Reader<'b> {
    /// At the byte that is not what has to stand there.
    fn wrong(&self) -> BoosterError {
        BoosterError::Ubjson(self.length - self.rest.len())
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], BoosterError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.wrong())?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], BoosterError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.wrong())?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, BoosterError> {
        Ok(self.fixed::<1>()?[0])
    }

    /// Takes a byte if it is this one.
    fn skips(&mut self, marker: u8) -> bool {
        let there = self.rest.first() == Some(&marker);
        self.rest = &self.rest[usize::from(there)..];
        there
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, BoosterError> {
        let float = |value: f64| Number::from_f64(value).map_or(Value::Null, Value::Number);
        Ok(match marker {
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'd' => float(f64::from(f32::from_be_bytes(self.fixed()?))),
            b'D' => float(f64::from_be_bytes(self.fixed()?)),
            b'S' => Value::String(self.text()?),
            b'[' => self.array(depth.checked_sub(1).ok_or_else(|| self.wrong())?)?,
            b'{' => self.object(depth.checked_sub(1).ok_or_else(|| self.wrong())?)?,
            _ => Value::from(self.integer(marker)?),
        })
    }

    fn integer(&mut self, marker: u8) -> Result<i64, BoosterError> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.fixed()?)),
            b'U' => i64::from(self.byte()?),
            b'I' => i64::from(i16::from_be_bytes(self.fixed()?)),
            b'l' => i64::from(i32::from_be_bytes(self.fixed()?)),
            b'L' => i64::from_be_bytes(self.fixed()?),
            _ => return Err(self.wrong()),
        })
    }

    fn count(&mut self) -> Result<usize, BoosterError> {
        let marker = self.byte()?;
        usize::try_from(self.integer(marker)?).map_err(|_| self.wrong())
    }

    fn text(&mut self) -> Result<String, BoosterError> {
        let count = self.count()?;
        let text = self.take(count)?;
        String::from_utf8(text.to_vec()).map_err(|_| self.wrong())
    }

    /// Elements of one type that takes bytes, a number of elements, or elements up to an end. A count that lies meets
    /// the end of the file: every element takes a byte at least.
    fn array(&mut self, depth: usize) -> Result<Value, BoosterError> {
        let mut values = Vec::new();
        if self.skips(b'$') {
            let marker = self.byte()?;
            if !b"dDiUIlL".contains(&marker) || !self.skips(b'#') {
                return Err(self.wrong());
            }
            for _ in 0..self.count()? {
                values.push(self.value(marker, depth)?);
            }
        } else if self.skips(b'#') {
            for _ in 0..self.count()? {
                let marker = self.byte()?;
                values.push(self.value(marker, depth)?);
            }
        } else {
            while !self.skips(b']') {
                let marker = self.byte()?;
                values.push(self.value(marker, depth)?);
            }
        }
        Ok(Value::Array(values))
    }

    fn object(&mut self, depth: usize) -> Result<Value, BoosterError> {
        let mut fields = Map::new();
        let counted = if self.skips(b'#') { Some(self.count()?) } else { None };
        while counted.map_or_else(|| !self.skips(b'}'), |count| fields.len() < count) {
            let name = self.text()?;
            let marker = self.byte()?;
            let value = self.value(marker, depth)?;
            if fields.insert(name, value).is_some() {
                return Err(self.wrong());
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_is_read() {
        let one = [
            &b"{i\x01aT"[..],
            b"i\x01b[$d#i\x01\x3f\x80\x00\x00",
            b"i\x01c[#i\x02I\x01\x00U\x07",
            b"i\x01d[ZF]",
            b"i\x01eSi\x02hi}",
        ]
        .concat();
        assert_eq!(read(&one).unwrap(), json!({"a": true, "b": [1.0], "c": [256, 7], "d": [null, false], "e": "hi"}));
    }

    #[test]
    fn what_lies_is_refused() {
        let deep = [b'['; 100_000];
        for bytes in [
            &b""[..],
            b"{",
            b"[",
            b"{}x",
            b"[$Z#l\x7f\xff\xff\xff",
            b"[$d#l\x7f\xff\xff\xff",
            b"[#L\x7f\xff\xff\xff\xff\xff\xff\xffZ",
            b"[#i\xff",
            b"Si\x05ab",
            b"Si\x01\xff",
            b"{i\x01aZi\x01aZ}",
            &deep,
        ] {
            assert!(matches!(read(bytes), Err(BoosterError::Ubjson(_))), "{bytes:?}");
        }
    }
}
