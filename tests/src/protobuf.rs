//! Protobuf messages without a schema: taken apart into fields and put together again.

/// One field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub number: u64,
    /// Its value.
    pub value: Value,
}

/// What a field holds, by wire type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Eight([u8; 8]),
    /// Wire type 2: bytes, text, packed numbers or a message.
    Bytes(Vec<u8>),
    /// Wire type 5.
    Four([u8; 4]),
}

/// The fields of a message, or nothing where the bytes are none.
#[must_use]
pub fn parse(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = take_varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Varint(take_varint(&mut bytes)?),
            1 => Value::Eight(take(&mut bytes, 8)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
                Value::Bytes(take(&mut bytes, length)?.to_vec())
            }
            5 => Value::Four(take(&mut bytes, 4)?.try_into().ok()?),
            _ => return None,
        };
        if key >> 3 == 0 {
            return None;
        }
        fields.push(Field { number: key >> 3, value });
    }
    Some(fields)
}

/// Packed numbers, or nothing where the bytes are none.
#[must_use]
pub fn varints(mut packed: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    while !packed.is_empty() {
        numbers.push(take_varint(&mut packed)?);
    }
    Some(numbers)
}

/// The bytes of a message.
#[must_use]
pub fn encode(fields: &[Field]) -> Vec<u8> {
    let mut out = Message::default();
    for field in fields {
        match &field.value {
            Value::Varint(value) => out = out.number(field.number, *value),
            Value::Eight(value) => out.put(field.number << 3 | 1, value),
            Value::Bytes(value) => out = out.bytes(field.number, value),
            Value::Four(value) => out.put(field.number << 3 | 5, value),
        }
    }
    out.0
}

/// A message being written.
#[derive(Clone, Debug, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    /// Appends a number.
    #[must_use]
    pub fn number(mut self, field: u64, value: u64) -> Self {
        varint(&mut self.0, field << 3);
        varint(&mut self.0, value);
        self
    }

    /// Appends bytes, a text or a message.
    #[must_use]
    pub fn bytes(mut self, field: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        varint(&mut self.0, field << 3 | 2);
        varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn put(&mut self, key: u64, value: &[u8]) {
        varint(&mut self.0, key);
        self.0.extend_from_slice(value);
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
