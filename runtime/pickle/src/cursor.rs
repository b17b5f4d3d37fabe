use crate::error::ReadError;

/// Bytes that are taken from the front.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or(ReadError::Truncated { at: self.at })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| ReadError::Truncated { at })
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ReadError> {
        Ok(self.array::<1>()?[0])
    }

    /// A little-endian length of N bytes, as far as it can be a length at all.
    pub(crate) fn length<const N: usize>(&mut self) -> Result<usize, ReadError> {
        let at = self.at;
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.array::<N>()?);
        usize::try_from(u64::from_le_bytes(wide)).map_err(|_| ReadError::Truncated { at })
    }

    /// Text up to the end of the line, which is taken too.
    pub(crate) fn line(&mut self) -> Result<&'a [u8], ReadError> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or(ReadError::Truncated { at: self.at })?;
        self.at += end + 1;
        Ok(&rest[..end])
    }
}
