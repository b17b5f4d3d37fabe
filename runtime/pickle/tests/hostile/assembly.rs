//! Bytes of pickles, so that attacks can be read.

/// Pieces one after the other, between the start of a protocol and the end mark.
pub(crate) fn pickle(protocol: u8, pieces: &[&[u8]]) -> Vec<u8> {
    [&[0x80, protocol], &pieces.concat()[..], b"."].concat()
}

/// SHORT_BINUNICODE.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

/// GLOBAL.
pub(crate) fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// STACK_GLOBAL of two texts.
pub(crate) fn stack_global(module: &str, name: &str) -> Vec<u8> {
    [text(module), text(name), vec![0x93]].concat()
}

/// BININT.
pub(crate) fn int(value: i32) -> Vec<u8> {
    [&b"J"[..], &value.to_le_bytes()].concat()
}

/// BINBYTES.
pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    [&b"B"[..], &(value.len() as u32).to_le_bytes(), value].concat()
}

/// A dtype of numbers, little-endian.
pub(crate) fn dtype(code: &str) -> Vec<u8> {
    [
        global("numpy", "dtype"),
        text(code),
        b"\x89\x88\x87R(".to_vec(),
        int(3),
        text("<"),
        b"NNN".to_vec(),
        int(-1),
        int(-1),
        int(0),
        b"tb".to_vec(),
    ]
    .concat()
}

/// An empty array that a state shall fill.
pub(crate) fn empty_array() -> Vec<u8> {
    [
        global("numpy.core.multiarray", "_reconstruct"),
        global("numpy", "ndarray"),
        int(0),
        b"\x85".to_vec(),
        bytes(b"b"),
        b"\x87R".to_vec(),
    ]
    .concat()
}

/// The state of an array: shape, dtype, order and content.
pub(crate) fn array_state(shape: &[i32], dtype: &[u8], content: &[u8]) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|&extent| int(extent)).collect();
    [b"(", &int(1)[..], b"(", &shape, b"t", dtype, b"\x89", content, b"tb"].concat()
}

/// An array whose bytes follow the joblib wrapper, as the wrapper's state says.
pub(crate) fn wrapper(shape: &[u8], dtype: &[u8], order: &str) -> Vec<u8> {
    [
        global("joblib.numpy_pickle", "NumpyArrayWrapper"),
        b")\x81}(".to_vec(),
        text("subclass"),
        global("numpy", "ndarray"),
        text("shape"),
        shape.to_vec(),
        text("order"),
        text(order),
        text("dtype"),
        dtype.to_vec(),
        text("allow_mmap"),
        b"\x88".to_vec(),
        b"ub".to_vec(),
    ]
    .concat()
}
