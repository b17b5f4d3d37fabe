//! Little that becomes much.

use std::io::Write;

use super::Attack;
use super::assembly::{array_state, dtype, empty_array, global, int, pickle, text, wrapper};

/// A compressed file of zeros that is longer than any limit.
fn zeros() -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        writer.write_all(&[0; 1 << 20]).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn attacks() -> Vec<Attack> {
    let much = 1 << 17;
    vec![
        Attack("decompression", zeros(), "more bytes than"),
        Attack("values", pickle(2, &[&b"N0".repeat(much)]), "more values than"),
        Attack("stack", pickle(2, &[&b"N".repeat(much)]), "more values than"),
        Attack("stack-of-one-value", pickle(2, &[b"N", &b"2".repeat(much)]), "more values than"),
        Attack("marks", pickle(2, &[&b"(".repeat(much)]), "more values than"),
        Attack("memo", pickle(4, &[b"N", &b"\x94".repeat(much)]), "more memo entries than"),
        Attack("one-buffer-many-times", many_arrays(), "array elements"),
        Attack("one-string-many-times", many_strings(), "array elements"),
        Attack("one-list-many-sets", many_sets(), "array elements"),
        Attack("arrays-of-nothing", nothing_but_fields(), "array elements"),
        Attack("pickle-in-pickle", nested(64), "inside an array of objects"),
    ]
}

/// The bytes of one string become an array again and again.
fn many_arrays() -> Vec<u8> {
    let mut out = [&b"\x80\x04"[..], &super::assembly::bytes(&[0; 1 << 15]), b"\x94", &dtype("u1"), b"\x940"].concat();
    for _ in 0..64 {
        out.extend(empty_array());
        out.extend(array_state(&[1 << 15], b"h\x01", b"h\x00"));
    }
    out.push(b'.');
    out
}

fn many_strings() -> Vec<u8> {
    let long = "a".repeat(1 << 15);
    let text = [&b"X"[..], &(long.len() as u32).to_le_bytes(), long.as_bytes(), b"\x94"].concat();
    let again = [&global("_codecs", "encode")[..], b"h\x00", &super::assembly::text("latin1"), b"\x86R0"].concat();
    pickle(4, &[&text, &again.repeat(64)])
}

fn many_sets() -> Vec<u8> {
    let list = [&b"](N"[..], &b"2".repeat(1 << 14), b"e\x94"].concat();
    let again = [&global("builtins", "set")[..], b"h\x00\x85R0"].concat();
    pickle(4, &[&list, &again.repeat(128)])
}

/// Records of many fields and no element.
fn nothing_but_fields() -> Vec<u8> {
    let names: Vec<u8> = (0..256).flat_map(|i| text(&format!("f{i}"))).collect();
    let field = [&b"h\x00"[..], &int(0), b"\x86\x94"].concat();
    let fields: Vec<u8> = (0..256).flat_map(|i| [text(&format!("f{i}")), b"h\x01".to_vec()].concat()).collect();
    let again = [
        global("numpy", "dtype"),
        text("V8"),
        b"\x89\x88\x87R(".to_vec(),
        int(3),
        text("|"),
        b"Nh\x02h\x03".to_vec(),
        int(8),
        int(1),
        int(16),
        b"tb0".to_vec(),
    ]
    .concat();
    let names = [&b"("[..], &names, b"t\x94"].concat();
    let fields = [&b"}("[..], &fields, b"u\x94"].concat();
    pickle(4, &[&dtype("f8"), b"\x94", &field, &names, &fields, &again.repeat(64)])
}

/// Arrays of objects inside arrays of objects: each is a pickle of its own.
fn nested(depth: usize) -> Vec<u8> {
    let shape = [int(1), b"\x85".to_vec()].concat();
    let mut out = Vec::new();
    for _ in 0..depth {
        out.extend(b"\x80\x04");
        out.extend(wrapper(&shape, &dtype("O8"), "C"));
    }
    out.extend(b"N.");
    out
}
