//! Code where a scanner does not look: behind the end, inside other files, in names that are made on the way.

use std::io::Write;

use super::Attack;
use super::assembly::{bytes, dtype, global, int, pickle, stack_global, text, wrapper};

fn system() -> Vec<u8> {
    pickle(4, &[&stack_global("os", "system"), &text("id"), b"\x85R"])
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(plain).unwrap();
    writer.finish().unwrap()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(plain).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn attacks() -> Vec<Attack> {
    let is_not = "is not in the list";
    let (module, name) = (text("os"), text("system"));
    let object_array = [wrapper(&[int(1), b"\x85".to_vec()].concat(), &dtype("O8"), "C"), system()].concat();
    vec![
        // picklescan followed texts pushed right before STACK_GLOBAL, and lost those that take another way.
        Attack("names-from-the-memo", pickle(4, &[&module, b"\x940", &name, b"\x940h\x00h\x01\x93)R"]), is_not),
        Attack(
            "names-from-long-memo",
            pickle(4, &[&module, b"r\xff\xff\xff\x7f0", &name, b"q\x010j\xff\xff\xff\x7fh\x01\x93)R"]),
            is_not,
        ),
        Attack(
            "memo-written-over",
            pickle(4, &[&text("numpy"), b"q\x000", &module, b"q\x000h\x00", &name, b"\x93)R"]),
            is_not,
        ),
        Attack("names-by-dup", pickle(4, &[&module, b"2", &name, b"1"]), "nothing on the stack"),
        Attack("name-twice-by-dup", pickle(4, &[&text("os"), b"2\x93)R"]), is_not),
        Attack("names-across-pop", pickle(4, &[&module, &text("numpy"), b"0", &name, b"\x93)R"]), is_not),
        Attack("names-across-a-mark", pickle(4, &[&module, b"(", &text("x"), b"1", &name, b"\x93)R"]), is_not),
        Attack("names-in-old-text", pickle(4, &[b"V\\u006fs\n", b"Vsystem\n", b"\x93)R"]), is_not),
        Attack("names-that-are-bytes", pickle(4, &[&bytes(b"os"), &bytes(b"system"), b"\x93)R"]), "takes two texts"),
        Attack("code-in-what-is-dropped", pickle(4, &[&stack_global("os", "system"), b")R0N"]), is_not),
        Attack("code-as-a-key", pickle(4, &[b"}", &stack_global("os", "system"), b"Ns"]), is_not),
        Attack("code-before-a-broken-end", [&system()[..system().len() - 1], b"\xff\xff"].concat(), is_not),
        Attack("code-behind-the-end", [b"\x80\x04N.".to_vec(), system()].concat(), "bytes follow"),
        Attack("second-pickle-in-gzip", [gzip(b"\x80\x04N."), gzip(&system())].concat(), "bytes follow"),
        Attack("broken-end", b"\x80\x04N".to_vec(), "ends too early"),
        Attack("no-value", b"\x80\x04.".to_vec(), "nothing on the stack"),
        Attack("no-such-opcode", b"\x80\x04N\xfe.".to_vec(), "is no pickle opcode"),
        Attack("protocol-of-tomorrow", b"\x80\x06N.".to_vec(), "protocol 6"),
        Attack("protocol-in-the-middle", [&b"\x80\x04N0"[..], &system()[..]].concat(), is_not),
        Attack("in-zlib", zlib(&system()), is_not),
        Attack("in-gzip", gzip(&system()), is_not),
        Attack("zlib-in-zlib", zlib(&zlib(&system())), "byte 0"),
        Attack("cut-zlib", zlib(&system())[..12].to_vec(), "zlib stream"),
        Attack("cut-gzip", gzip(&system())[..14].to_vec(), "gzip stream"),
        Attack("broken-lz4", b"\x04\x22\x4d\x18garbage that is none".to_vec(), "lz4 stream"),
        Attack("in-xz", b"\xfd7zXZ\0\0\x04".to_vec(), "compressed with xz"),
        Attack("in-lzma", b"\x5d\0\0\x80\0".to_vec(), "compressed with lzma"),
        Attack("in-bzip2", b"BZh91AY&SY".to_vec(), "compressed with bzip2"),
        Attack("in-a-zip", b"PK\x03\x04\x14\0".to_vec(), "byte 0"),
        Attack("in-an-array-of-objects", [b"\x80\x04".to_vec(), object_array, b".".to_vec()].concat(), is_not),
        Attack("array-in-an-array-of-objects", nested_wrapper(), "inside an array of objects"),
        Attack(
            "eval-as-an-attribute",
            pickle(
                2,
                &[
                    &global("sklearn.pipeline", "Pipeline"),
                    b")\x81}",
                    &text("steps"),
                    &global("builtins", "eval"),
                    b"sb",
                ],
            ),
            is_not,
        ),
    ]
}

/// The pickle of an array of objects holds an array of joblib's kind, whose bytes nobody would find.
fn nested_wrapper() -> Vec<u8> {
    let inner = pickle(4, &[&wrapper(&[int(1), b"\x85".to_vec()].concat(), &dtype("f8"), "C"), &[0; 8]]);
    let outer = wrapper(&[int(1), b"\x85".to_vec()].concat(), &dtype("O8"), "C");
    [b"\x80\x04".to_vec(), outer, inner, b".".to_vec()].concat()
}
