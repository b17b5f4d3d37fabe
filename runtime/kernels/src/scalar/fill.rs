//! Constant tensors.

/// Sets every element of `size` bytes to the low bytes of `element`, little-endian.
pub fn fill(size: usize, element: u64, y: &mut [u8]) {
    let bytes = element.to_le_bytes();
    let (pattern, _) = bytes.split_at(size.clamp(1, bytes.len()));
    if pattern.iter().all(|byte| *byte == bytes[0]) {
        // Memory is set at once where all bytes are equal, as for zero.
        return set(y, bytes[0]);
    }
    for element in y.chunks_exact_mut(pattern.len()) {
        element.iter_mut().zip(pattern).for_each(|(to, &from)| *to = from);
    }
}

/// Sets every byte.
pub(crate) fn set(y: &mut [u8], byte: u8) {
    y.iter_mut().for_each(|to| *to = byte);
}
