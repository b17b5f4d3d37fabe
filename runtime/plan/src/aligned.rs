use crate::format::BASE_ALIGN;

/// Owned bytes whose first byte lies on a multiple of 16, as Plans and arenas need it.
#[derive(Debug)]
pub struct AlignedBytes {
    raw: Vec<u8>,
    start: usize,
    len: usize,
}

impl AlignedBytes {
    /// So many zero bytes.
    pub fn zeroed(len: usize) -> Self {
        let raw = vec![0; len + BASE_ALIGN];
        // The heap block stays where it is when the vector moves, so the offset stays right.
        let start = raw.as_ptr().addr().wrapping_neg() % BASE_ALIGN;
        Self { raw, start, len }
    }

    /// A copy of the bytes.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut aligned = Self::zeroed(bytes.len());
        aligned.copy_from_slice(bytes);
        aligned
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl core::ops::Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.raw[self.start..self.start + self.len]
    }
}

impl core::ops::DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.raw[self.start..self.start + self.len]
    }
}
